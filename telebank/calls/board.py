"""What a node tells those who watch it, beside its lines."""

from collections import Counter, deque
from collections.abc import Mapping

from telebank.media.client import MediaWorkers

WINDOW_S = 10.0
"""Seconds that the rate of set-ups is taken over."""
MOST = 50_000
"""Set-ups kept of that time."""


class Setups:
    """How many calls were offered of late."""

    def __init__(self, now: float) -> None:
        """`now` is monotonic seconds, here and below."""
        self._since = now
        self._at: deque[float] = deque(maxlen=MOST)

    def came(self, now: float) -> None:
        """A call was offered."""
        self._at.append(now)
        self._forget(now)

    def per_second(self, now: float) -> float:
        """Over the last ten seconds, or since the start where that is less (but one at least)."""
        self._forget(now)
        return round(len(self._at) / min(WINDOW_S, max(1.0, now - self._since)), 1)

    def _forget(self, now: float) -> None:
        while self._at and self._at[0] <= now - WINDOW_S:
            self._at.popleft()


def refusals(
    totals: Counter[str], admitted: Mapping[str, int], refused: Mapping[str, int]
) -> dict[str, int]:
    """Since the start: calls beyond the last line, requests that admission refused or left without
    an answer, and calls refused by trunks and the user agent, each status by itself."""
    return {
        "busy": totals["busy"],
        "admission": admitted.get("refused", 0),
        "silenced": admitted.get("silenced", 0),
        **refused,
    }


def workers_of(media: MediaWorkers) -> list[dict[str, object]]:
    """Each media worker, with the figures that it last sent (each ten seconds), if any."""
    found: list[dict[str, object]] = []
    for worker in media.workers:
        told: dict[str, object] = {"pid": worker.pid, "up": worker.ready, "channels": worker.load}
        if worker.ready and worker.stats is not None:
            late, memory = worker.stats.tick_late_p99_ms, worker.stats.rss_mb
            told |= {"tick_late_p99_ms": round(late, 2), "rss_mb": round(memory, 1)}
        found.append(told)
    return found
