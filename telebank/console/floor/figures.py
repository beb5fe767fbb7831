"""Service level of today and of the last half hour, from the queues' counters as boards bring them.

Service level = answered in time / (answered + abandoned); who hung up within five seconds did not
abandon. The half hour is the difference between the counters now and those half an hour ago, kept
here once a minute; where the console saw less than half an hour, the figure says of how many
minutes it is.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from telebank.agents.board import Board, Changes, QueueRow

MINUTE_S, SPAN = 60.0, 30
"""Between samples, in seconds, and how many of them are looked back."""


class Figures(msgspec.Struct, frozen=True):
    """What a screen shows; None: nobody was answered or gave up."""

    today: float | None
    half: float | None
    minutes: int
    """Of `half`."""
    answered: int
    abandoned: int
    offered: int


@dataclass(frozen=True, slots=True)
class _Sums:
    in_time: int = 0
    answered: int = 0
    abandoned: int = 0
    offered: int = 0


class Watched:
    """Counters of all queues as all streams saw them; safe for threads."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._queues: dict[str, QueueRow] = {}
        self._samples: deque[tuple[float, _Sums]] = deque(maxlen=SPAN + 1)

    def see(self, board: Board | Changes) -> Figures | None:
        """Take a board's queues; the figures where there are any queues in it."""
        rows = [row for row in board.rows if isinstance(row, QueueRow)]
        if not rows:
            return None
        with self._lock:
            if isinstance(board, Board):
                self._queues = {}
            self._queues |= {row.key: row for row in rows}
            return self._figures()

    def _figures(self) -> Figures:
        sums, now = self._sums(), self._now()
        if self._samples and sums.offered < self._samples[-1][1].offered:
            self._samples.clear()  # another day, or another run of the node
        if not self._samples or now - self._samples[-1][0] >= MINUTE_S:
            self._samples.append((now, sums))
        began, then = self._samples[0]
        return Figures(
            today=_level(sums, _Sums()),
            half=_level(sums, then),
            minutes=min(SPAN, int((now - began) // MINUTE_S)),
            answered=sums.answered,
            abandoned=sums.abandoned,
            offered=sums.offered,
        )

    def _sums(self) -> _Sums:
        rows = self._queues.values()
        return _Sums(
            in_time=sum(row.in_time_today for row in rows),
            answered=sum(row.answered_today for row in rows),
            abandoned=sum(row.abandoned_today - row.soon_today for row in rows),
            offered=sum(row.offered_today for row in rows),
        )


def _level(now: _Sums, then: _Sums) -> float | None:
    all_of_them = now.answered - then.answered + now.abandoned - then.abandoned
    return (now.in_time - then.in_time) / all_of_them if all_of_them > 0 else None
