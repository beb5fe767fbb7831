"""Raises an alarm once a day while one of our certificates is about to expire."""

import asyncio
from collections.abc import Callable

from core_adapters.iso8583.tls import TlsError, TlsOptions, expiring
from transactions.clock import Clock

DAY_S = 86_400.0


class CertificateWatch:
    """Looks at the files when started and every day. `tell(kind, text)` shows an alarm."""

    def __init__(self, options: TlsOptions, clock: Clock, tell: Callable[[str, str], None]) -> None:
        self._options = options
        self._clock = clock
        self._tell = tell
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Look now, and again every day."""
        try:
            lines = expiring(self._options, self._clock.now())
        except TlsError as error:
            lines = [str(error)]
        for line in lines:
            self._tell("link", line)
        self._timer = asyncio.get_running_loop().call_later(DAY_S, self.start)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
