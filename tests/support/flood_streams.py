"""Connections that mean no good: silent, a byte now and then, never reading, breaks without end.

What the node holds of them is looked up in the kernel's table. The clients cannot say: to them a
connection is there as soon as the kernel made it, and a busy node takes or refuses it later.
"""

import asyncio
import contextlib
import itertools
import socket
import ssl
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from support.sip_endpoint import options

Kind = Literal["silent", "drip", "deaf", "breaks", "unbegun"]
DRIP_S = 2.0
PATIENCE_S = 60.0
CHUNK = b"\r\n" * 2_048
"""Keep-alives (RFC 5626), half as many."""
LOOK_EVERY_S = 0.5
"""The node lets the silent ones be for five seconds at least."""
TABLE = Path("/proc/net/tcp")


@dataclass(slots=True)
class Tally:
    """What became of connections: by how they ended, and after how many seconds at most."""

    ended: Counter[str] = field(default_factory=Counter)
    """`held` for a while and then closed, `refused` at once, `never` ended."""
    longest_s: float = 0.0
    most: int = 0
    """Held at once."""


@dataclass(slots=True)
class Held:
    """Connections that the node holds, look by look, of whoever is at the other end.

    One that waits to be accepted has no inode in the kernel's table, and so has one that the node
    has closed. One that it refuses is accepted for a moment, which no two looks see.
    """

    ports: set[int]
    """Of the node."""
    ever: set[tuple[str, int]] = field(default_factory=set)
    """The other ends."""
    most: Counter[str] = field(default_factory=Counter)
    """The most at once, by the other end's address."""

    async def watch(self) -> None:
        """Look until cancelled."""
        before: set[tuple[str, int]] = set()
        while True:
            seen = self._look()
            held, before = seen & before, seen
            self.ever |= held
            self.most |= Counter(host for host, _ in held)
            await asyncio.sleep(LOOK_EVERY_S)

    def _look(self) -> set[tuple[str, int]]:
        """Now; columns as in proc_net_tcp.rst of the kernel."""
        rows = (line.split() for line in TABLE.read_text(encoding="ascii").splitlines()[1:])
        return {_place(row[2]) for row in rows if row[9] != "0" and _place(row[1])[1] in self.ports}


def _place(text: str) -> tuple[str, int]:
    """`0100007F:1F90` is 127.0.0.1, port 8080: the address as the machine keeps it in memory."""
    host, port = text.split(":")
    return socket.inet_ntoa(int(host, 16).to_bytes(4, sys.byteorder)), int(port, 16)


@dataclass(frozen=True, slots=True)
class Crowd:
    """Who connects: from where, to where, and what each does once connected."""

    host: str
    place: tuple[str, int]
    kind: Kind
    count: int
    tls: ssl.SSLContext | None = None
    """`unbegun` connects to a port of TLS and never begins the handshake."""

    async def come(self, held: Held) -> Tally:
        """All of them, at once; until each is closed by the other side."""
        tally = Tally()
        await asyncio.gather(*(self._one(held, tally) for _ in range(self.count)))
        tally.most = held.most[self.host]
        return tally

    async def _one(self, held: Held, tally: Tally) -> None:
        loop = asyncio.get_running_loop()
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setblocking(False)
        if self.kind == "deaf":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        began, ends = loop.time(), True
        try:
            sock.bind((self.host, 0))
            here = sock.getsockname()
            async with asyncio.timeout(PATIENCE_S):
                await self._stay(sock)
        except TimeoutError:
            ends = False
        except OSError:
            pass  # reset before it was there, or in the handshake
        finally:
            sock.close()
        how = "never" if not ends else "held" if here in held.ever else "refused"
        tally.ended[how] += 1
        if how != "refused":
            tally.longest_s = max(tally.longest_s, loop.time() - began)

    async def _stay(self, sock: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, self.place)
        words = {} if self.tls is None else {"ssl": self.tls, "server_hostname": self.place[0]}
        reader, writer = await asyncio.open_connection(sock=sock, limit=1 << 16, **words)
        if self.kind == "deaf":
            writer.transport.pause_reading()  # type: ignore[attr-defined]
        sending = asyncio.create_task(self._send(writer), name=self.kind)
        try:
            if self.kind == "deaf":
                await asyncio.wait({sending})
            else:
                while await reader.read(1 << 16):
                    pass
        finally:
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
