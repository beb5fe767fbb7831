"""The machine's clocks, where nobody gives others."""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """Implements `transactions.clock.Clock`."""

    def monotonic(self) -> float:
        """Seconds of a clock that never steps."""
        return time.monotonic()

    def now(self) -> datetime:
        """UTC."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """Wait, without holding anything up."""
        await asyncio.sleep(seconds)
