"""The ISO 8583 server: one desk and one ledger behind any number of listening addresses.

Messages that arrive while a commit is on its way are answered together in the next one, so one
disk write carries many postings. Everything runs in one thread: there is one writer.
"""

import asyncio
import ssl
from collections.abc import Callable
from datetime import datetime

import structlog

from core_adapters.corehost.connection import Connection
from core_adapters.corehost.day import Day
from core_adapters.corehost.desk import Office
from core_adapters.corehost.exchange import EXIT_BY_FAULT
from core_adapters.corehost.faults import FaultPlan
from core_adapters.corehost.hall import Clock, Hall, ServerOptions, wall_clock
from core_adapters.corehost.keydesk import KeyDesk
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.mac import Mac

LOOK_S = 600.0
"""Longest sleep towards a cut-over, so that a clock that was set does not make it late."""
TICK_S = 1.0
"""How often the bank does what is due by the clock, in seconds."""

log = structlog.get_logger("corehost.server")

__all__ = ["EXIT_BY_FAULT", "Server", "ServerOptions"]


class Server:
    """The listening host. `start` returns the port it has; `stop` cuts what is connected.
    `pass_time` is called about once a second."""

    def __init__(
        self,
        office: Office,
        codec: Codec,
        mac: Mac,
        faults: FaultPlan,
        options: ServerOptions,
        *,
        day: Day | None = None,
        keys: KeyDesk | None = None,
        clock: Clock = wall_clock,
        pass_time: Callable[[datetime], None] | None = None,
    ) -> None:
        self.hall = Hall(codec, mac, office, faults, options, day, keys, clock)
        self._pass_time = pass_time
        self._servers: list[asyncio.Server] = []

    async def start(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Listen on one more address; port 0 takes a free one. Raises `OSError` where the port is
        taken."""
        loop = asyncio.get_running_loop()
        had = port

        def connected() -> Connection:
            return Connection(self.hall, had)

        limit = self.hall.options.tls_s if tls is not None else None
        server = await loop.create_server(
            connected, host, port, ssl=tls, ssl_handshake_timeout=limit
        )
        had = int(server.sockets[0].getsockname()[1])
        if not self._servers and self.hall.day is not None:
            self.hall.spawn(self._watch(self.hall.day))
        if not self._servers and self._pass_time is not None:
            self.hall.spawn(self._tick(self._pass_time))
        self._servers.append(server)
        return had

    async def _watch(self, day: Day) -> None:
        """Cut over by the clock also while no message comes."""
        while True:
            await asyncio.sleep(min(LOOK_S, day.next_s(self.hall.clock())))
            day.today(self.hall.clock())
            self.hall.look_at_date()

    async def _tick(self, pass_time: Callable[[datetime], None]) -> None:
        """Do what is due by the clock also while no message comes."""
        while True:
            await asyncio.sleep(TICK_S)
            try:
                pass_time(self.hall.clock())
            except Exception as error:  # noqa: BLE001 - the next tick does it
                log.error("time_not_passed", error=type(error).__name__)

    async def stop(self) -> None:
        """Listen no more and close every connection."""
        for server in self._servers:
            server.close()
        for line in list(self.hall.lines):
            line.cut()
        await self.hall.close()
        for server in self._servers:
            await server.wait_closed()
