"""Raises an alarm once a day while a certificate, ours or the host's, is about to end."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from core_adapters.iso8583.links.tls import TlsError, client_context, expiring, expiry_line
from core_adapters.iso8583.options import Address, TlsOptions
from transactions.clock import Clock

DAY_S = 86_400.0


class CertificateWatch:
    """Does nothing without TLS. `tell(kind, text)` shows an alarm."""

    def __init__(
        self, options: TlsOptions | None, clock: Clock, tell: Callable[[str, str], None]
    ) -> None:
        self._options = options
        self._clock = clock
        self._tell = tell
        self._timer: asyncio.TimerHandle | None = None
        self._ends: dict[Address, datetime] = {}

    def start(self) -> None:
        """Look at our files now, and at everything once a day; raises `TlsError`."""
        if self._options is None:
            return
        client_context(self._options)
        self._look(self._options)

    def shown(self, address: Address, ends: datetime) -> None:
        """A host showed its certificate; told at once where it is another than before."""
        if self._options is not None and self._ends.get(address) != ends:
            self._ends[address] = ends
            self._tell_of(address, self._options)

    def close(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, options: TlsOptions) -> None:
        try:
            lines = expiring(options, self._clock.now())
        except TlsError as error:
            lines = [str(error)]
        for line in lines:
            self._tell("link", line)
        for address in self._ends:
            self._tell_of(address, options)
        self._timer = asyncio.get_running_loop().call_later(DAY_S, self._look, options)

    def _tell_of(self, address: Address, options: TlsOptions) -> None:
        now = self._clock.now()
        line = expiry_line(f"of {address}", self._ends[address], now, options.warn_days)
        if line:
            self._tell("link", line)
