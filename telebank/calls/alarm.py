"""The one way a machine's `wake_at` becomes a timer of the event loop."""

import asyncio
from collections.abc import Callable


class Alarm:
    """Calls `on_wake(now)` when the time last given to `set` has come, in monotonic seconds."""

    def __init__(self, on_wake: Callable[[float], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_wake = on_wake
        self._handle: asyncio.TimerHandle | None = None
        self._at: float | None = None

    def set(self, wake_at: float | None) -> None:
        """Move the alarm; None switches it off."""
        if wake_at == self._at:
            return
        self.cancel()
        if wake_at is not None:
            self._at = wake_at
            self._handle = self._loop.call_at(wake_at, self._ring)

    def cancel(self) -> None:
        """Switch it off."""
        if self._handle is not None:
            self._handle.cancel()
        self._handle = self._at = None

    def _ring(self) -> None:
        at = self._at
        self._handle = self._at = None
        # The loop may ring up to its clock's resolution early; a machine compares exactly.
        self._on_wake(max(self._loop.time(), at or 0.0))
