"""Alarms that frames can raise, limited: a host gone mad must not drown its operator.

Of each kind the first of a second are shown; the others are counted, and their number is told when
the second is over.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from transactions.clock import Clock

SECOND = 1.0


@dataclass(slots=True)
class _Window:
    until: float
    """End of the second, monotonic seconds."""
    shown: int = 0
    hidden: int = 0


class AlarmLimit:
    """`most` alarms of a kind in a second. Pure: no clock.

    Kinds are the adapter's own words, so they are few.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._windows: dict[str, _Window] = {}

    @property
    def wake_at(self) -> float | None:
        """When `wake` has something to tell, or None."""
        hiding = (window.until for window in self._windows.values() if window.hidden)
        return min(hiding, default=None)

    def receive(self, kind: str, now: float) -> bool:
        """Whether to show one more alarm of this kind at `now`."""
        window = self._windows.get(kind)
        if window is None or (window.until <= now and not window.hidden):
            window = self._windows[kind] = _Window(now + SECOND)
        if window.shown < self._most and window.until > now:
            window.shown += 1
            return True
        window.hidden += 1
        return False

    def wake(self, now: float) -> list[tuple[str, int]]:
        """Kinds whose second is over, each with how many were hidden in it."""
        over = [kind for kind, window in self._windows.items() if window.until <= now]
        ended = [(kind, self._windows.pop(kind).hidden) for kind in over]
        return [(kind, hidden) for kind, hidden in ended if hidden]


class FrameAlarms:
    """The limit with a clock and a timer. `tell(kind, text, request id)` shows an alarm."""

    def __init__(self, most: int, clock: Clock, tell: Callable[[str, str, str], None]) -> None:
        self._limit = AlarmLimit(most)
        self._clock = clock
        self._tell = tell
        self._timer: asyncio.TimerHandle | None = None

    def raised(self, kind: str, text: str, request_id: str = "") -> None:
        """A frame, or a message that cannot be made, raised an alarm."""
        if self._limit.receive(kind, self._clock.monotonic()):
            self._tell(kind, text, request_id)
        else:
            self._wait()

    def close(self) -> None:
        """Tell at once what is hidden."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._tell_hidden(math.inf)

    def _wait(self) -> None:
        at = self._limit.wake_at
        if self._timer is None and at is not None:
            seconds = max(0.0, at - self._clock.monotonic())
            self._timer = asyncio.get_running_loop().call_later(seconds, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._tell_hidden(self._clock.monotonic())
        self._wait()

    def _tell_hidden(self, now: float) -> None:
        for kind, hidden in self._limit.wake(now):
            self._tell(kind, f"{hidden} more of this kind in a second were not shown", "")
