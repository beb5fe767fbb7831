"""The handshakes of a worker: the certificate they show, and how much of a tick they may take.

A datagram of a handshake costs up to half a millisecond, all in public keys. So few are taken in
one tick of five; what comes meanwhile waits, and what finds the queue full is dropped, as the
network might: DTLS sends again.
"""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Protocol

from telebank import wire
from telebank.media.dtls import Handshake, Identity
from telebank.rtp import Address

A_TICK = 3
"""Datagrams taken in one tick: 600 a second, some 250 calls."""
MOST_WAITING = 512
MOST_WAITING_EACH = 8
"""Of one channel."""
EVERY_S = 0.05
"""How often timers are looked at."""


class Party(Protocol):
    """Whoever is about to agree keys."""

    @property
    def number(self) -> int:
        """Of its channel."""

    def take(self, data: bytes, address: Address, now: float) -> None:
        """A datagram's turn has come."""

    def wake(self, now: float) -> None:
        """Look at the timers."""


class Run(Protocol):
    """Does something for the channel of that number; what fails in it is that channel's."""

    def __call__(self, number: int, act: Callable[..., object], *given: object) -> None: ...


class Handshakes:
    """`now` is monotonic seconds."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._identities: OrderedDict[str, Identity] = OrderedDict()
        """The last of ours, by fingerprint."""
        self._waiting: deque[tuple[Party, bytes, Address]] = deque()
        self._each: dict[Party, int] = {}
        """Datagrams that wait, by party."""
        self._under_way: set[Party] = set()
        self._next = 0.0
        self.dropped = 0

    def identify(self, identity: wire.Identify) -> None:
        """Show this certificate from now on, the one before to who asks for it; `ValueError` where
        it is none."""
        made = Identity(identity.certificate, identity.key)
        self._identities[made.fingerprint] = made
        while len(self._identities) > wire.IDENTITIES:
            self._identities.popitem(last=False)

    def begin(
        self,
        party: Party,
        fingerprint: str,
        *,
        active: bool,
        proven: bool = False,
        shown: str = "",
    ) -> Handshake:
        """A handshake of this party, until it leaves; `shown`: the certificate of ours that it was
        told of, empty for the last. `ValueError` where there is none."""
        ours = self._identities.get(shown or next(reversed(self._identities), ""))
        if ours is None:
            raise ValueError("DTLS without a certificate of ours: `Identify` comes first")
        handshake = Handshake(ours, fingerprint, active=active, proven=proven)
        self._each.setdefault(party, 0)
        self._under_way.add(party)
        return handshake

    def done(self, party: Party) -> None:
        """No timer of this one is to be looked at any more."""
        self._under_way.discard(party)

    def leave(self, party: Party) -> None:
        """What waits of this one is not taken."""
        self.done(party)
        self._each.pop(party, None)

    def hand(self, party: Party, data: bytes, address: Address) -> None:
        """A datagram for one of the next ticks."""
        waiting = self._each.get(party, MOST_WAITING_EACH)
        if waiting >= MOST_WAITING_EACH or len(self._waiting) >= MOST_WAITING:
            self.dropped += 1
            return
        self._each[party] = waiting + 1
        self._waiting.append((party, data, address))

    def tick(self, now: float) -> None:
        """Once a tick; nothing, nearly always."""
        for _ in range(min(A_TICK, len(self._waiting))):
            party, data, address = self._waiting.popleft()
            if party in self._each:
                self._each[party] -= 1
                self._run(party.number, party.take, data, address, now)
        if self._under_way and now >= self._next:
            self._next = now + EVERY_S
            for party in list(self._under_way):
                self._run(party.number, party.wake, now)
