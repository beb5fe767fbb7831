"""A TCP relay to the core host that remembers what each connection sent, to tell a node's bytes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

HOST = "127.0.0.1"


@dataclass
class Relay:
    """Its own port, and the bytes that went to the host by connection."""

    target: int
    port: int = 0
    streams: list[bytearray] = field(default_factory=list)
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, target: int) -> AsyncIterator["Relay"]:
        """Relay to `target` on loopback until the block ends."""
        relay = cls(target)
        server = await asyncio.start_server(relay._serve, HOST, 0)
        relay.port = server.sockets[0].getsockname()[1]
        try:
            yield relay
        finally:
            server.close()
            for task in relay.tasks:
                task.cancel()
            await asyncio.gather(*relay.tasks, return_exceptions=True)

    def sent(self) -> list[int]:
        """How much each connection has sent: a point from which to look."""
        return [len(stream) for stream in self.streams]

    def types_since(self, point: list[int]) -> list[str]:
        """Message types (two bytes of length, then four digits) sent since a point, by old
        connections and new ones."""
        starts = [*point, *[0] * (len(self.streams) - len(point))]
        return [
            kind
            for start, stream in zip(starts, self.streams, strict=True)
            for kind in _types(bytes(stream[start:]))
        ]

    async def _serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        me = asyncio.current_task()
        assert me is not None
        self.tasks.add(me)
        stream = bytearray()
        self.streams.append(stream)
        far, out = await asyncio.open_connection(HOST, self.target)
        with contextlib.suppress(asyncio.CancelledError):  # the end of the block
            await asyncio.gather(_copy(near, out, stream), _copy(far, back, bytearray()))
        self.tasks.discard(me)


async def _copy(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, kept: bytearray
) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65_536):
            kept += data
            target.write(data)
            await target.drain()
    target.close()


def _types(data: bytes) -> list[str]:
    found = []
    while data:
        length = int.from_bytes(data[:2])
        assert len(data) >= 2 + length, "a message was cut off"
        found.append(data[2:6].decode("ascii"))
        data = data[2 + length :]
    return found
