"""What a fax costs: two fax processes on this machine, faxing with each other in real time."""

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from fax.terminal import Accept, TerminalOptions, Transmit
from telebank.faxing.client import Closed, Ended, Event, FaxLine, FaxProcess, LineLost
from telebank.faxing.options import FaxingOptions
from telebank.workers.cpu import cpu_seconds

HOST = "127.0.0.1"
MAX_DATAGRAM = 400
"""Bytes, as usual gateways say."""
LOOK_S = 0.05
"""Seconds between two looks whether a process is up."""
MAX_SECONDS = 900.0
"""A fax that takes longer has failed."""
_WIDTH, _ROWS = 1_728, 2_290
_INK = "Telebank 01 2026-01-20 CNY 1,234.56 statement of account "


class FaxUnavailable(RuntimeError):  # noqa: N818 - what it is
    """No fax can be measured here; the text says what to do."""


@dataclass(frozen=True, slots=True)
class BenchResult:
    """`cpu_ms_per_fax_second` is of the process at one end, a second of one fax; `rss_mb` is the
    larger of both (PSS)."""

    faxes: int
    failed: int
    pages: int
    seconds: float
    fax_seconds: float
    cpu_ms_per_fax_second: float
    tick_late_p99_ms: float
    rss_mb: float


Moved = Callable[[], None]


class _End:
    """One end of one fax."""

    def __init__(self, moved: Moved) -> None:
        self.pages = 0
        self.ended: asyncio.Future[Ended | None] = asyncio.get_running_loop().create_future()
        self._moved = moved

    def on_event(self, event: Event) -> None:
        if isinstance(event, Ended):
            self.pages = event.pages
        if isinstance(event, Ended | Closed | LineLost) and not self.ended.done():
            self.ended.set_result(event if isinstance(event, Ended) else None)
            self._moved()


async def bench_fax(
    faxes: int, pages: int, start_s: float, moved: Moved = lambda: None
) -> BenchResult:
    """Send `pages` of dense text on `faxes` lines at once over T.38; `moved` is called as each end
    of a fax is over. Raises `FaxUnavailable`, also where the processes are not ready within
    `start_s` seconds."""
    options = FaxingOptions(lines=faxes, max_seconds=MAX_SECONDS)
    sending, receiving = FaxProcess(options), FaxProcess(options)
    try:
        try:
            async with asyncio.timeout(start_s):
                await asyncio.gather(_up(sending), _up(receiving))
        except TimeoutError:
            raise FaxUnavailable(f"a fax process was not ready within {start_s:g} s") from None
        with tempfile.TemporaryDirectory(prefix="fax-") as folder:
            return await _run((sending, receiving), Path(folder), faxes, pages, moved)
    finally:
        await asyncio.gather(sending.close(), receiving.close())


async def _up(process: FaxProcess) -> None:
    """Start it; one that does not come up is tried again."""
    await process.start()
    while not process.ready:
        if process.missing:
            raise FaxUnavailable(process.missing)
        await asyncio.sleep(LOOK_S)


async def _run(
    processes: tuple[FaxProcess, FaxProcess], folder: Path, faxes: int, pages: int, moved: Moved
) -> BenchResult:
    sent = folder / "sent.tiff"
    await asyncio.to_thread(_write_pages, sent, pages)
    lines = [[(await _open(process, moved)) for process in processes] for _ in range(faxes)]
    before, start = _cpu_seconds(processes), time.monotonic()
    for number, ((ours, _), (theirs, _)) in enumerate(lines):
        accept = Accept(folder / f"{number}.tiff")
        called, calling = TerminalOptions(ident="called"), TerminalOptions(ident="calling")
        theirs.begin_t38((HOST, ours.t38_port), MAX_DATAGRAM, accept, False, called)
        ours.begin_t38((HOST, theirs.t38_port), MAX_DATAGRAM, Transmit(sent), True, calling)
    ends = [[await end.ended for _, end in pair] for pair in lines]
    cpu, elapsed = _cpu_seconds(processes) - before, time.monotonic() - start
    await asyncio.gather(*(process.close() for process in processes))
    wanted = await asyncio.to_thread(_pixels, sent)
    failed = 0
    for number, pair in enumerate(ends):
        whole = all(end is not None and end.pages == pages for end in pair)
        failed += not whole or await asyncio.to_thread(_differ, folder / f"{number}.tiff", wanted)
    stats = [process.stats for process in processes if process.stats is not None]
    fax_seconds = sum(end.seconds for pair in ends for end in pair if end is not None)
    return BenchResult(
        faxes=faxes,
        failed=failed,
        pages=sum(ours.pages for (_, ours), _ in lines),
        seconds=round(elapsed, 1),
        fax_seconds=round(fax_seconds, 1),
        cpu_ms_per_fax_second=round(cpu * 1_000 / max(fax_seconds, 0.001), 3),
        tick_late_p99_ms=round(max((one.tick_late_p99_ms for one in stats), default=0.0), 2),
        rss_mb=round(max((one.rss_mb for one in stats), default=0.0), 1),
    )


async def _open(process: FaxProcess, moved: Moved) -> tuple[FaxLine, _End]:
    end = _End(moved)
    line = await process.open(HOST, end.on_event)
    if not isinstance(line, FaxLine):
        raise FaxUnavailable(line.reason)
    return line, end


def _cpu_seconds(processes: tuple[FaxProcess, FaxProcess]) -> float:
    """CPU time of both."""
    return sum(cpu_seconds(one.pid) for one in processes if one.pid)


# -- pages ----------------------------------------------------------------------------------------


def _write_pages(path: Path, pages: int) -> None:
    """Dense pages of text, as a statement has them, in fine resolution."""
    images = []
    for page in range(pages):
        image = Image.new("1", (_WIDTH, _ROWS), 1)
        draw = ImageDraw.Draw(image)
        for row in range(60, _ROWS - 60, 50):
            draw.text((80, row), f"{page + 1}/{row} {_INK}", fill=0, font_size=26)
        images.append(image)
    images[0].save(
        path, save_all=True, append_images=images[1:], compression="group4", dpi=(204, 196)
    )


def _pixels(path: Path) -> list[bytes]:
    found = []
    with Image.open(path) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            found.append(image.convert("1").tobytes())
    return found


def _differ(path: Path, wanted: list[bytes]) -> bool:
    try:
        return _pixels(path) != wanted
    except OSError:  # not there, or cut off
        return True
