"""A plain relay of bytes between a database's driver and its server, which cuts at a byte."""

import asyncio
import contextlib
import time
from dataclasses import dataclass

READ_BYTES = 65_536
CLOSE_S = 2.0


@dataclass(slots=True)
class _Cut:
    way: str
    left: int


class Relay:
    """Listens on a free port of 127.0.0.1 and leads to `target`: host and port, or the path of a
    Unix socket. `arm` is called by other threads."""

    def __init__(self, target: tuple[str, int] | str) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = 0
        self._armed: _Cut | None = None

    async def start(self) -> int:
        """Listen; returns the port."""
        self._loop = asyncio.get_running_loop()
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return int(self._server.sockets[0].getsockname()[1])

    def arm(self, way: str, at: int) -> None:
        """Let `at` more bytes pass that `way`, never the last one of what comes, then cut."""
        self._armed = _Cut(way, at)

    def cut(self) -> None:
        """Cut every connection; from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._cut_all)

    def _cut_all(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def close(self) -> None:
        """Cut everything and listen no more."""
        if self._server is not None:
            self._server.close()
        ends = time.monotonic() + CLOSE_S
        while self._open and time.monotonic() < ends:
            self._cut_all()
            await asyncio.sleep(0.002)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            await self._carry(reader, writer)
        finally:
            self._open -= 1
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self._target, str):
                back, far = await asyncio.open_unix_connection(self._target)
            else:
                back, far = await asyncio.open_connection(*self._target)
        except OSError:
            return
        pair = {writer, far}
        self._writers |= pair
        pumps = [
            asyncio.create_task(self._pump("out", reader, far)),
            asyncio.create_task(self._pump("in", back, writer)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            far.transport.abort()
            self._writers -= pair

    async def _pump(
        self, way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(READ_BYTES):
                cut = self._armed
                if cut is None or cut.way != way:
                    writer.write(data)
                    await writer.drain()
                    continue
                self._armed = None
                writer.write(data[: min(cut.left, len(data) - 1)])
                await writer.drain()
                # What was written must arrive before the end does.
                await asyncio.sleep(0.02)
                return
