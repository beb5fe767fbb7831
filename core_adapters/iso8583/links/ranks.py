"""To which of a host's addresses traffic goes: fail-over at once, fail-back when it has held."""

from collections.abc import Collection
from dataclasses import dataclass

Rank = int
"""Place of an address in the host's list; 0 is the preferred."""


@dataclass(frozen=True, slots=True)
class Moved:
    """Traffic goes to another address from now on."""

    old: Rank
    new: Rank

    @property
    def back(self) -> bool:
        """Whether this is a fail-back."""
        return self.new < self.old


class Ranks:
    """Pure: told which ranks have a link signed on, says where to send.

    At the start the addresses sign on in any order: for `start_s` a better one takes over at once,
    and that is no fail-over to tell anybody, as long as it has never been lost.
    """

    def __init__(self, fail_back_s: float, start_s: float) -> None:
        self.serving: Rank = 0
        """Where traffic goes while that rank is ready."""
        self._told: Rank = 0
        self._fail_back_s = fail_back_s
        self._start_s = start_s
        self._start_until: float | None = None
        self._since: dict[Rank, float] = {}
        self._lost: set[Rank] = set()

    @property
    def wake_at(self) -> float | None:
        """When `steer` may have something to say without being told anything new."""
        times = [at + self._fail_back_s for rank, at in self._since.items() if rank < self.serving]
        if self._told != self.serving and self._start_until is not None:
            times.append(self._start_until)
        return min(times, default=None)

    def steer(self, ready: Collection[Rank], now: float) -> Moved | None:
        """`ready` ranks have a link signed on at `now`."""
        self._note(ready, now)
        if ready and self.serving not in ready:
            self.serving = min(ready)
        better = (rank for rank in ready if rank < self.serving and self._holds(rank, now))
        self.serving = min(better, default=self.serving)
        may_come = self._told not in self._since and self._starting(self._told, now)
        if self.serving == self._told or may_come:
            return None
        moved, self._told = Moved(self._told, self.serving), self.serving
        return moved

    def _note(self, ready: Collection[Rank], now: float) -> None:
        if ready and self._start_until is None:
            self._start_until = now + self._start_s
        gone = self._since.keys() - set(ready)
        self._lost |= gone
        for rank in gone:
            del self._since[rank]
        for rank in ready:
            self._since.setdefault(rank, now)

    def _starting(self, rank: Rank, now: float) -> bool:
        begun = self._start_until is not None and now < self._start_until
        return begun and rank not in self._lost

    def _holds(self, rank: Rank, now: float) -> bool:
        return self._starting(rank, now) or now >= self._since[rank] + self._fail_back_s
