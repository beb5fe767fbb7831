"""When each slot is due: every 5 ms another of the four, on a grid that does not drift."""

import math
from collections import deque

from telebank.media.engine import FRAME_SECONDS, SLOT_SECONDS, SLOTS

CATCH_UP_SECONDS = 3 * FRAME_SECONDS
"""Later than this (a stopped process), whole frames are left out instead of sent in a burst."""
REMEMBERED = 2_000
"""Ticks whose lateness is kept: ten seconds."""


class Ticker:
    """A schedule over the caller's clock, in monotonic seconds; reads none itself."""

    def __init__(self, now: float, offset: float = 0.0) -> None:
        """`offset`: seconds within a slot, so that several workers do not tick together."""
        self._offset = offset
        self._late: deque[float] = deque(maxlen=REMEMBERED)
        self._origin = 0.0
        self._count = 0
        self.ticks = 0
        """Ticks done."""
        self.restart(now)

    def restart(self, now: float) -> None:
        """Begin again at the next frame after `now`: there was nothing to send until then."""
        frame = math.floor((now - self._offset) / FRAME_SECONDS) + 1
        self._origin = frame * FRAME_SECONDS + self._offset
        self._count = 0

    @property
    def due(self) -> float:
        """When the next tick is due."""
        return self._origin + self._count * SLOT_SECONDS

    @property
    def slot(self) -> int:
        """Whose tick is next."""
        return self._count % SLOTS

    def skip(self, now: float) -> int:
        """Frames to leave out, of every slot, before the next tick; 0 unless far too late."""
        late = now - self.due
        if late <= CATCH_UP_SECONDS:
            return 0
        frames = int(late / FRAME_SECONDS)
        self._count += frames * SLOTS
        return frames

    def done(self, now: float) -> None:
        """The tick that was due has been sent whole at `now`."""
        self._late.append(now - self.due)
        self.ticks += 1
        self._count += 1

    def pass_over(self) -> None:
        """The slot that was due has no calls: nothing was sent and nothing could be late."""
        self._count += 1

    def late_p99(self) -> float:
        """Seconds from due to last packet sent that 99 of 100 recent ticks kept to."""
        if not self._late:
            return 0.0
        ordered = sorted(self._late)
        return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
