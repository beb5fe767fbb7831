"""Steps of the wall clock. A machine: the times are given."""

from dataclasses import dataclass

from telebank.ops.metrics_types import Clock

STEP_S = 1.0
"""Smallest change between wall and monotonic clock that is a step, in seconds; what NTP slews
(500 ppm at most, RFC 5905) stays far below between two looks."""


@dataclass(slots=True)
class ClockWatch:
    """Compares the two clocks from look to look."""

    _offset: float | None = None
    _steps: int = 0
    _last_s: float = 0.0
    _at: float | None = None

    def looked(self, wall: float, monotonic: float) -> Clock:
        """Both in seconds, read one after the other."""
        offset = wall - monotonic
        if self._offset is not None and abs(offset - self._offset) >= STEP_S:
            self._steps += 1
            self._last_s, self._at = offset - self._offset, monotonic
        self._offset = offset
        since = None if self._at is None else monotonic - self._at
        return Clock(steps=self._steps, step_s=self._last_s, since_s=since)
