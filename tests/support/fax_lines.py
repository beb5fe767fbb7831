"""Fax lines in virtual time: two terminals, a network between them that spoils what its seed says,
pages to send, and a look at what arrived. Nothing sleeps; a whole fax takes a fraction of a second.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageSequence

from fax.terminal import (
    Accept,
    AudioTerminal,
    Library,
    Result,
    T38Peer,
    T38Terminal,
    TerminalEvent,
    TerminalOptions,
    Transmit,
    Work,
    library,
)

Samples = npt.NDArray[np.int16]
TICKS_A_SECOND = 50
WIDTH = 1728


@cache
def spandsp() -> Library:
    """The library, loaded once; a test without it fails and says how to get it."""
    loaded = library()
    assert isinstance(loaded, Library), loaded.why
    return loaded


# Pages.


def page(seed: int, rows: int = 1100) -> Image.Image:
    """A page like a table of figures: 1728 wide, one bit, no two seeds alike."""
    dice = random.Random(seed)
    image = Image.new("1", (WIDTH, rows), 1)
    pen = ImageDraw.Draw(image)
    for top in range(40, rows - 40, 34):
        for left in range(60, WIDTH - 60, 40):
            if dice.random() < 0.35:
                right, bottom = left + dice.randrange(4, 26), top + dice.randrange(4, 24)
                pen.rectangle((left, top, right, bottom), fill=0)
    return image


def write_pages(path: Path, pages: Sequence[Image.Image], lines_an_inch: int = 196) -> Path:
    dpi = (204, lines_an_inch)
    pages[0].save(path, save_all=True, append_images=list(pages[1:]), compression="group4", dpi=dpi)
    return path


def read_pages(path: Path) -> list[Image.Image]:
    with Image.open(path) as tiff:
        return [image.convert("1").copy() for image in ImageSequence.Iterator(tiff)]


def same(sent: Sequence[Image.Image], arrived: Sequence[Image.Image]) -> bool:
    """Whether the pages are identical, to the pixel."""
    return [(image.size, image.tobytes()) for image in sent] == [
        (image.size, image.tobytes()) for image in arrived
    ]


# The network.


@dataclass
class Network:
    """One direction of a network, for datagrams. The same seed spoils the same ones."""

    seed: int = 1
    loss: float = 0.0
    """Share of datagrams that are lost."""
    duplicates: float = 0.0
    """Share that come twice."""
    delay: int = 1
    """Ticks of 20 ms that each takes."""
    jitter: int = 0
    """At most so many ticks more, at random: this also changes the order."""
    carried: int = 0
    lost: int = 0
    largest: int = 0
    cut: bool = False
    """Nothing passes any more."""
    _on_the_way: list[tuple[int, int, bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    def send(self, now: int, datagram: bytes) -> None:
        self.carried += 1
        self.largest = max(self.largest, len(datagram))
        if self._dice.random() < self.loss or self.cut:
            self.lost += 1
            return
        for _ in range(2 if self._dice.random() < self.duplicates else 1):
            at = now + self.delay + self._dice.randint(0, self.jitter)
            self._on_the_way.append((at, self.carried, datagram))

    def arrivals(self, now: int) -> Iterator[bytes]:
        """What arrives by now. Of two that arrive in one tick, either may be first."""
        due = [flight for flight in self._on_the_way if flight[0] <= now]
        self._on_the_way = [flight for flight in self._on_the_way if flight[0] > now]
        if self.jitter:
            self._dice.shuffle(due)
        yield from (datagram for _, _, datagram in due)


# Calls.


@dataclass
class Side:
    """What one terminal told in the whole call."""

    result: Result
    events: list[TerminalEvent]


@dataclass
class Call:
    """A call as far as it has come, for who watches it."""

    there: Network
    back: Network
    tick: int = 0
    calling: list[TerminalEvent] = field(default_factory=list)
    """What the calling terminal told so far."""
    called: list[TerminalEvent] = field(default_factory=list)


Watch = Callable[[Call], bool]
"""Sees the call every 20 ms and may spoil its networks; true ends it, as a BYE would."""


def never(_call: Call) -> bool:
    return False


def t38_pair(
    work: tuple[Work, Work],
    options: tuple[TerminalOptions, TerminalOptions] = (
        TerminalOptions(ident="+86 10 6655 0001"),
        TerminalOptions(ident="+86 21 5555 0002"),
    ),
    peer: T38Peer = T38Peer(),  # noqa: B008 - frozen
) -> tuple[T38Terminal, T38Terminal]:
    """The calling terminal and the called one."""
    loaded = spandsp()
    return (
        T38Terminal(loaded, work[0], True, options[0], peer),
        T38Terminal(loaded, work[1], False, options[1], peer),
    )


def over_t38(
    pair: tuple[T38Terminal, T38Terminal],
    there: Network | None = None,
    back: Network | None = None,
    most_seconds: int = 900,
    hang_up: Watch = never,
) -> tuple[Side, Side]:
    """A call to its end, then both closed."""
    caller, called = pair
    call = Call(there or Network(1), back or Network(2))
    ways = (call.there, call.back)
    for call.tick in range(most_seconds * TICKS_A_SECOND):
        for terminal, way in zip(pair, ways, strict=True):
            for datagram in terminal.tick():
                way.send(call.tick, datagram)
        for terminal, way in zip((called, caller), ways, strict=True):
            for datagram in way.arrivals(call.tick):
                terminal.datagram(datagram)
        call.calling += caller.events()
        call.called += called.events()
        if (caller.finished and called.finished) or hang_up(call):
            break
    return close(caller, call.calling), close(called, call.called)


def over_audio(
    caller: AudioTerminal,
    called: AudioTerminal,
    loss: float = 0.0,
    seed: int = 1,
    most_seconds: int = 900,
) -> tuple[Side, Side]:
    """A call of two audio terminals, through A-law, 40 ms away from one another."""
    dice = random.Random(seed)
    silence = np.zeros(160, np.int16)
    there, back = [silence, silence], [silence, silence]
    for _ in range(most_seconds * TICKS_A_SECOND):
        for terminal, heard, said in ((caller, back, there), (called, there, back)):
            came = heard.pop(0)
            said.append(through_a_law(terminal.tick(None if dice.random() < loss else came)))
        if caller.finished and called.finished:
            break
    return close(caller), close(called)


def close(terminal: T38Terminal | AudioTerminal, told: Sequence[TerminalEvent] = ()) -> Side:
    result = terminal.close()
    return Side(result, [*told, *terminal.events()])


def fax(path: Path, pages: Sequence[Image.Image]) -> tuple[Transmit, Accept]:
    """The work of both sides for these pages, with files in a folder."""
    return Transmit(write_pages(path / "sent.tiff", pages)), Accept(path / "arrived.tiff")


def through_a_law(samples: Samples) -> Samples:
    """What A-law leaves of linear samples (G.711): seven bits in eight segments."""
    magnitude = np.clip(np.abs(samples.astype(np.int32)), 0, 32767) >> 3
    segment = np.maximum(np.frexp(magnitude)[1] - 5, 0)
    step = np.maximum(segment - 1, 0) + 1
    level = ((magnitude >> step) << step) + (1 << (step - 1))
    signed: Samples = np.where(samples < 0, -level, level).clip(-4096, 4095).astype(np.int16) << 3
    return signed
