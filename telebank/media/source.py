"""Which address is the peer: the one agreed, or one learnt from four consecutive packets.

Until the source is latched, packets of the agreed address are heard and strangers' are dropped.
Another address may be learnt (a peer behind address translation) only if the agreed one has sent
nothing for a while after the answer. Once latched, nothing moves it but a new `SetRemote`.
"""

from enum import Enum

from telebank.media.rtp import Packet

CONSECUTIVE = 4
"""Packets in unbroken sequence that make an address the source."""

Address = tuple[str, int]


class Verdict(Enum):
    """What to do with a packet that came before the source was latched."""

    HEARD = "heard"
    LATCHED = "latched"
    FOREIGN = "foreign"


class SourceLatch:
    """Decides on the source of one leg's media; no I/O, no clock."""

    def __init__(self, agreed: Address, since: float, learn_after: float, learn: bool) -> None:
        """`since` and `learn_after` in seconds; `learn` whether other addresses count at all."""
        self.agreed = agreed
        self.source: Address | None = None
        self._learn_from = since + learn_after
        self._learn = learn
        self._agreed_spoke = False
        self._candidate: tuple[Address, int] | None = None
        self._next_sequence = 0
        self._run = 0

    def receive(self, address: Address, packet: Packet, now: float) -> Verdict:
        """Take one well-formed packet from `address`."""
        agreed = address == self.agreed
        self._agreed_spoke |= agreed
        learnable = self._learn and not self._agreed_spoke and now >= self._learn_from
        if not agreed and not learnable:
            return Verdict.FOREIGN
        if self._count(address, packet) < CONSECUTIVE:
            return Verdict.HEARD if agreed else Verdict.FOREIGN
        self.source = address
        return Verdict.LATCHED

    def _count(self, address: Address, packet: Packet) -> int:
        """Length of the run of consecutive packets that this one belongs to."""
        who = (address, packet.ssrc)
        follows = who == self._candidate and packet.sequence == self._next_sequence
        self._run = self._run + 1 if follows else 1
        self._candidate = who
        self._next_sequence = (packet.sequence + 1) & 0xFFFF
        return self._run
