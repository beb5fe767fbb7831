"""Time as the processor asks for it, so that tests run in virtual time."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Two clocks and a wait. Time-outs use `monotonic`, records use `now`."""

    def monotonic(self) -> float:
        """Seconds of a clock that never steps, the same that `Request.deadline` is in."""
        ...

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        ...
