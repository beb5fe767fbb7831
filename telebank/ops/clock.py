"""Real time, as the processor and the adapters ask for it."""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """Monotonic seconds for time-outs, UTC for records, sleep of the event loop."""

    def monotonic(self) -> float:
        """Seconds of a clock that never steps."""
        return time.monotonic()

    def now(self) -> datetime:
        """UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait, without holding anything up."""
        await asyncio.sleep(seconds)
