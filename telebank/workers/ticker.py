"""When the next tick is due: each 20 ms, or a slot of them, on a grid that does not drift."""

import math
from collections import deque

FRAME_SECONDS = 0.02
REMEMBERED = 500
"""Frames whose lateness is kept: ten seconds."""


class Ticker:
    """A schedule over the caller's clock, in monotonic seconds; reads none itself."""

    def __init__(
        self, now: float, tolerated: int, made_up: int, slots: int = 1, offset: float = 0.0
    ) -> None:
        """`tolerated`: frames that a tick may be late; beyond (a stopped process), only `made_up`
        of them are made up for. `slots`: ticks in a frame. `offset`: seconds within a slot, so
        that several processes do not tick together.
        """
        self._tolerated = tolerated
        self._made_up = made_up
        self._slots = slots
        self._offset = offset
        self._late: deque[float] = deque(maxlen=REMEMBERED * slots)
        self._origin = 0.0
        self._count = 0
        self.ticks = 0
        """Ticks done."""
        self.restart(now)

    def restart(self, now: float) -> None:
        """Begin again at the next frame after `now`: nobody waited for anything until then."""
        frame = math.floor((now - self._offset) / FRAME_SECONDS) + 1
        self._origin = frame * FRAME_SECONDS + self._offset
        self._count = 0

    @property
    def due(self) -> float:
        """When the next tick is due."""
        return self._origin + self._count * FRAME_SECONDS / self._slots

    @property
    def slot(self) -> int:
        """Whose tick is next."""
        return self._count % self._slots

    def skip(self, now: float) -> int:
        """Frames to leave out, of every slot, before the next tick; 0 unless far too late."""
        late = now - self.due
        if late <= self._tolerated * FRAME_SECONDS:
            return 0
        frames = int(late / FRAME_SECONDS) - self._made_up
        self._count += frames * self._slots
        return frames

    def done(self, now: float) -> None:
        """The tick that was due is done at `now`."""
        self._late.append(now - self.due)
        self.ticks += 1
        self._count += 1

    def pass_over(self) -> None:
        """The slot that was due has nothing to do: nothing could be late."""
        self._count += 1

    def late_p99(self) -> float:
        """Seconds from due to done that 99 of 100 recent ticks kept to."""
        if not self._late:
            return 0.0
        ordered = sorted(self._late)
        return ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
