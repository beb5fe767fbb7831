"""Connections that mean no good: silent, a byte now and then, never reading, breaks without end."""

import asyncio
import contextlib
import itertools
import socket
import ssl
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from support.sip_endpoint import options

Kind = Literal["silent", "drip", "deaf", "breaks", "unbegun"]
DRIP_S = 2.0
PATIENCE_S = 60.0
CHUNK = b"\r\n" * 2_048
"""Keep-alives (RFC 5626), half as many."""


@dataclass(slots=True)
class Tally:
    """What became of connections: by how they ended, and after how many seconds at most."""

    ended: Counter[str] = field(default_factory=Counter)
    longest_s: float = 0.0
    at_once: int = 0
    most: int = 0


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who connects: from where, to where, and what each does once connected."""

    host: str
    place: tuple[str, int]
    kind: Kind
    count: int
    tls: ssl.SSLContext | None = None
    """`unbegun` connects to a port of TLS and never begins the handshake."""

    async def come(self, tally: Tally) -> None:
        """All of them, at once; until each is closed by the other side."""
        await asyncio.gather(*(self._one(tally) for _ in range(self.count)))

    async def _one(self, tally: Tally) -> None:
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        if self.kind == "deaf":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        began = loop.time()
        try:
            sock.bind((self.host, 0))
            async with asyncio.timeout(PATIENCE_S):
                how = await self._stay(sock, tally)
        except TimeoutError:
            how = "never"
        except OSError:
            how = "refused"
        finally:
            sock.close()
        tally.ended[how] += 1
        if how != "refused":
            tally.longest_s = max(tally.longest_s, loop.time() - began)

    async def _stay(self, sock: socket.socket, tally: Tally) -> str:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, self.place)
        words = {} if self.tls is None else {"ssl": self.tls, "server_hostname": self.place[0]}
        reader, writer = await asyncio.open_connection(sock=sock, limit=1 << 16, **words)
        tally.at_once += 1
        tally.most = max(tally.most, tally.at_once)
        if self.kind == "deaf":
            writer.transport.pause_reading()  # type: ignore[attr-defined]
        sending = asyncio.create_task(self._send(writer), name=self.kind)
        began = loop.time()
        try:
            if self.kind == "deaf":
                await asyncio.wait({sending})
            else:
                with contextlib.suppress(OSError):
                    while await reader.read(1 << 16):
                        pass
            return "closed" if loop.time() - began > 1.0 else "refused"
        finally:
            tally.at_once -= 1
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            writer.transport.abort()

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            for data, pause in self._says():
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(pause)

    def _says(self) -> Iterable[tuple[bytes, float]]:
        """What it sends, and how long it then waits."""
        match self.kind:
            case "drip":
                request = options(more="X: y\r\n" * 1_000)
                return ((request[at : at + 1], DRIP_S) for at in range(len(request)))
            case "deaf" | "breaks":
                return itertools.chain([(options(), 0.0)], itertools.repeat((CHUNK, 0.0)))
            case _:
                return ()
