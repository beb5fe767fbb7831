"""For tests of the fax process: pages to send, what a line told, and two lines that fax."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar, cast

from PIL import Image, ImageDraw

from fax.terminal import Accept, TerminalOptions, Transmit
from telebank.faxing.client import Ended, Event, FaxLine, FaxProcess

E = TypeVar("E")
HOST = "127.0.0.1"
WIDTH = 1_728
SENDER = TerminalOptions(ident="sender")
RECEIVER = TerminalOptions(ident="receiver")


def write_pages(path: Path, pages: int = 1, rows: int = 400) -> Path:
    """A Group 4 TIFF of short pages, each with its own picture."""
    images = [_page(number, rows) for number in range(pages)]
    first, *rest = images
    first.save(path, save_all=True, append_images=rest, compression="group4", dpi=(204, 196))
    return path


def _page(number: int, rows: int) -> Image.Image:
    image = Image.new("1", (WIDTH, rows), 1)
    draw = ImageDraw.Draw(image)
    for step in range(0, rows, 40):
        draw.rectangle((100 + step + 50 * number, step, 400 + step, step + 20), fill=0)
    draw.rectangle((1_000, 10, 1_000 + 60 * (number + 1), 30), fill=0)
    return image


def pixels(path: Path) -> list[bytes]:
    """The picture of each page of a TIFF."""
    found = []
    with Image.open(path) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append(image.convert("1").tobytes())
    return found


class Told:
    """What a line told; `await told.of(Kind)` is the first of a kind, or the next."""

    def __init__(self) -> None:
        self.all: list[Event] = []
        self._came = asyncio.Event()
        self._read = 0

    def __call__(self, event: Event) -> None:
        self.all.append(event)
        self._came.set()

    def every(self, kind: type[E]) -> Sequence[E]:
        return [event for event in self.all if isinstance(event, kind)]

    async def of(self, kind: type[E], seconds: float = 60) -> E:
        """The next of a kind, leaving out what came before it."""
        async with asyncio.timeout(seconds):
            while True:
                while self._read < len(self.all):
                    event = self.all[self._read]
                    self._read += 1
                    if isinstance(event, kind):
                        return event
                self._came.clear()
                await self._came.wait()


async def opened(process: FaxProcess, learn_from: str = "") -> tuple[FaxLine, Told]:
    told = Told()
    line = await process.open(HOST, told, learn_from)
    assert isinstance(line, FaxLine), line
    return line, told


async def audio_pair(
    sending: FaxProcess, receiving: FaxProcess, pages: Path, received: Path, codec: str = "PCMA"
) -> tuple[tuple[FaxLine, Told], tuple[FaxLine, Told]]:
    """Two lines with a fax under way over G.711."""
    (one, told_one), (two, told_two) = await opened(sending), await opened(receiving)
    two.begin_audio((HOST, one.audio_port), codec, Accept(received), False, RECEIVER)
    one.begin_audio((HOST, two.audio_port), codec, Transmit(pages), True, SENDER)
    return (one, told_one), (two, told_two)


async def ends(*told: Told) -> list[Ended]:
    return list(await asyncio.gather(*(one.of(Ended) for one in told)))


class _Way(asyncio.DatagramProtocol):
    """One socket of a relay: what comes from one line leaves by the other socket."""

    def __init__(self) -> None:
        self.count = 0
        self.to = (HOST, 0)
        self.other: _Way
        self.transport: asyncio.DatagramTransport
        self.extra: Callable[[int], list[bytes]] = lambda _: []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.count += 1
        for one in (*self.extra(self.count), data):
            self.other.transport.sendto(one, self.other.to)


class Relay:
    """Stands between two lines, so that what it adds comes from the address agreed."""

    def __init__(self, ways: tuple[_Way, _Way]) -> None:
        self.ways = ways
        self.ports = [way.transport.get_extra_info("sockname")[1] for way in ways]

    @classmethod
    async def between(cls, one: int, two: int, extra: Callable[[int], list[bytes]]) -> "Relay":
        """`one` and `two`: ports of the lines, each of which is to agree on the relay's port of
        the same place; `extra` says what is to go before the n-th datagram of a way."""
        loop = asyncio.get_running_loop()
        ways = (_Way(), _Way())
        ways[0].other, ways[1].other = ways[1], ways[0]
        for way, port in zip(ways, (one, two), strict=True):
            way.to, way.extra = (HOST, port), extra
            await loop.create_datagram_endpoint(lambda way=way: way, local_addr=(HOST, 0))  # type: ignore[misc]
        return cls(ways)

    def close(self) -> None:
        for way in self.ways:
            way.transport.close()
