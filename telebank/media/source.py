"""Which address is the peer: the one agreed, or one learnt from four consecutive packets.

Until the source is latched, packets of the agreed address are heard and strangers' are dropped.
Another address may be learnt (a peer behind address translation) only if the agreed one has sent
nothing for a while after the answer, and only of one host: the one that the call's signalling comes
from. Whoever else sends to the port is a stranger as long as the call lasts. Once latched, nothing
moves it but a new `SetRemote`.
"""

from enum import Enum

from telebank.rtp import Address, Packet, Run


class Verdict(Enum):
    """What to do with a packet that came before the source was latched."""

    HEARD = "heard"
    LATCHED = "latched"
    FOREIGN = "foreign"


class SourceLatch:
    """Decides on the source of one leg's media; no I/O, no clock."""

    def __init__(self, agreed: Address, since: float, learn_after: float, learn_from: str) -> None:
        """`since` and `learn_after` in seconds; `learn_from`: a host whose ports may be learnt,
        empty: none."""
        self.agreed = agreed
        self.source: Address | None = None
        self._learn_from = since + learn_after
        self._host = learn_from
        self._agreed_spoke = False
        self._run = Run()

    def receive(self, address: Address, packet: Packet, now: float) -> Verdict:
        """Take one well-formed packet from `address`."""
        agreed = address == self.agreed
        self._agreed_spoke |= agreed
        learnable = address[0] == self._host and not self._agreed_spoke and now >= self._learn_from
        if not agreed and not learnable:
            return Verdict.FOREIGN
        if not self._run.settles(address, packet.ssrc, packet.sequence):
            return Verdict.HEARD if agreed else Verdict.FOREIGN
        self.source = address
        return Verdict.LATCHED
