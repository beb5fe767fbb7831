"""Which address is the peer: the one agreed, or one learnt from four consecutive packets.

Until the source is latched, packets of the agreed address are heard and strangers' are dropped.
Another address may be learnt (a peer behind address translation) only if the agreed one has sent
nothing for a while after the answer, and only of one host: the one that the call's signalling comes
from. Whoever else sends to the port is a stranger as long as the call lasts. Once latched, nothing
moves it but a new `SetRemote`. Keys that a peer presses before it is learnt are kept until then.
"""

from collections import deque
from enum import Enum

from telebank.rtp import Address, Packet, Run

EARLY_SOURCES = 4
"""Ports of the host whose keys are kept until one of them is learnt."""
EARLY_EVENTS = 128
"""Packets of keys kept of each, the newest: more than two seconds of a key that is held down."""


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
        self._kept: dict[Address, deque[Packet]] = {}
        self.early: list[Packet] = []
        """Once the source is latched: its events from before, oldest first."""

    def receive(
        self, address: Address, packet: Packet, now: float, *, event: bool = False
    ) -> Verdict:
        """Take one well-formed packet from `address`; `event`: it is of a key (RFC 4733)."""
        agreed = address == self.agreed
        self._agreed_spoke |= agreed
        if not agreed:
            if address[0] != self._host or self._agreed_spoke:
                return Verdict.FOREIGN
            if now < self._learn_from:
                self._keep(address, packet, event)
                return Verdict.FOREIGN
        if not self._run.settles(address, packet.ssrc, packet.sequence):
            if not agreed:
                self._keep(address, packet, event)
            return Verdict.HEARD if agreed else Verdict.FOREIGN
        self.source = address
        self.early = list(self._kept.get(address, ()))
        self._kept.clear()
        return Verdict.LATCHED

    def _keep(self, address: Address, packet: Packet, event: bool) -> None:
        if event and (address in self._kept or len(self._kept) < EARLY_SOURCES):
            self._kept.setdefault(address, deque(maxlen=EARLY_EVENTS)).append(packet)
