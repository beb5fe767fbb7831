"""Many named deadlines of many owners in one heap; stopping one is free."""

import heapq
from collections.abc import Hashable, Iterable
from math import inf

Timer = tuple[Hashable, str]
_SLACK = 64


class Timers:
    """Deadlines in seconds of the caller's clock, by (owner, name)."""

    def __init__(self) -> None:
        self._live: dict[Timer, int] = {}
        """The number of the one heap entry that counts for each timer."""
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._live)

    def start(self, owner: Hashable, name: str, at: float) -> None:
        """Set or move a deadline."""
        timer = (owner, name)
        # The count keeps equal deadlines in order of setting and owners out of comparisons.
        self._count += 1
        self._live[timer] = self._count
        heapq.heappush(self._heap, (at, self._count, timer))
        if len(self._heap) > 2 * len(self._live) + _SLACK:
            self._heap = [entry for entry in self._heap if self._live.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)

    def stop(self, owner: Hashable, names: Iterable[str]) -> None:
        """Forget deadlines, set or not."""
        for name in names:
            self._live.pop((owner, name), None)

    def pop(self, now: float) -> Timer | None:
        """The earliest deadline reached by `now`, taken out; None where there is none."""
        if self.next() > now:
            return None
        timer = heapq.heappop(self._heap)[2]
        del self._live[timer]
        return timer

    def next(self) -> float:
        """The earliest deadline, infinity where there is none."""
        heap = self._heap
        while heap and self._live.get(heap[0][2]) != heap[0][1]:
            heapq.heappop(heap)
        return heap[0][0] if heap else inf
