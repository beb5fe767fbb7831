"""Whether the peers of trunks are there: OPTIONS now and then (RFC 3261 11). A machine: no I/O, no
clock.

A peer is well until `misses` OPTIONS in a row had no answer, and again at the first answer. A 503
is none: who says it takes no calls (RFC 3261 21.5.4), as we do while we drain.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from telebank.sip.statuses import UNAVAILABLE
from telebank.sip.trunks import Trunk
from telebank.sip.uri import Hop

PATIENCE_S = 8.0
"""Seconds after which OPTIONS without an answer is a miss; five repeats fit in over UDP."""
STAGGER_S = 0.25
"""Seconds between the first OPTIONS to one peer and to the next."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One peer of one trunk."""

    trunk: str
    hop: Hop


@dataclass(frozen=True, slots=True)
class Ask:
    """Send OPTIONS; `answered` follows when there is an answer."""

    peer: Peer


@dataclass(frozen=True, slots=True)
class Changed:
    """A peer is down, or well again."""

    peer: Peer
    well: bool
    left: int
    """Peers of its trunk that are well."""


@dataclass(slots=True)
class _Watched:
    every: float
    misses_allowed: int
    due: float
    late: float | None = None
    """When the open question counts as missed."""
    misses: int = 0
    well: bool = True


class Health:
    """Watches the peers of trunks that say so."""

    def __init__(self, trunks: Iterable[Trunk]) -> None:
        self._of: dict[str, list[Peer]] = {}
        self._watched: dict[Peer, _Watched] = {}
        for trunk in trunks:
            peers = [Peer(trunk.name, hop) for hop in trunk.peers]
            self._of[trunk.name] = peers
            if trunk.options.health_s:
                for peer in peers:
                    self._watched[peer] = _Watched(
                        trunk.options.health_s, trunk.options.health_misses, 0.0
                    )

    def begin(self, now: float) -> None:
        """Start asking, one after the other."""
        for nth, watched in enumerate(self._watched.values()):
            watched.due = now + nth * STAGGER_S

    @property
    def wake_at(self) -> float | None:
        """When `wake` has something to do, None for never."""
        times = [min(one.due, one.late or one.due) for one in self._watched.values()]
        return min(times, default=None)

    def wake(self, now: float) -> list[Ask | Changed]:
        """Count what is late, ask who is due."""
        done: list[Ask | Changed] = []
        for peer, one in self._watched.items():
            if one.late is not None and now >= one.late:
                one.late = None
                done += self._missed(peer, one)
            if now >= one.due:
                one.due = now + one.every
                one.late = now + min(PATIENCE_S, one.every)
                done.append(Ask(peer))
        return done

    def answered(self, peer: Peer, status: int) -> list[Changed]:
        """An answer came, late ones too."""
        one = self._watched.get(peer)
        if one is None:
            return []
        one.late = None
        if status == UNAVAILABLE:
            return self._missed(peer, one)
        one.misses = 0
        if one.well:
            return []
        one.well = True
        return [Changed(peer, well=True, left=self._left(peer.trunk))]

    def way(self, trunk: str) -> Hop | None:
        """Where a call goes: to the first peer that is well; to the first where none is, since it
        may be that only OPTIONS is not answered. None: the trunk has no peers."""
        peers = self._of.get(trunk, [])
        well = [peer for peer in peers if self.is_well(peer)]
        first = next(iter(well or peers), None)
        return None if first is None else first.hop

    def is_well(self, peer: Peer) -> bool:
        """Whether a peer is well, as far as is known."""
        one = self._watched.get(peer)
        return one is None or one.well

    def peers(self, trunk: str) -> list[tuple[Hop, bool]]:
        """The peers of a trunk, and whether each is well."""
        return [(peer.hop, self.is_well(peer)) for peer in self._of.get(trunk, [])]

    def _missed(self, peer: Peer, one: _Watched) -> list[Changed]:
        one.misses += 1
        if one.misses < one.misses_allowed or not one.well:
            return []
        one.well = False
        return [Changed(peer, well=False, left=self._left(peer.trunk))]

    def _left(self, trunk: str) -> int:
        return sum(self.is_well(peer) for peer in self._of[trunk])
