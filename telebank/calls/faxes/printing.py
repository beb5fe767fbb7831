"""Has papers printed and pages drawn by a process of their own, never in the node's loop."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from fax.documents.jobs import (
    Answer,
    BindPages,
    Done,
    DrawPages,
    Failed,
    PrintPaper,
    Question,
    part_of,
)
from fax.documents.paper import Paper
from fax.page.options import Continued, Resolution


@dataclass(frozen=True, slots=True)
class PrintingOptions:
    """Limits of printing."""

    limit_s: float = 30.0
    """Longest time of one process, in seconds."""
    drawing_s: float = 180.0
    """The same of one that draws a PDF, which has as many as `fax.page.options.MAX_PAGES` pages, in
    grey each a fifth of a second of a core: nobody's call waits for it. What was drawn once to be
    sent must be drawn again where it is continued, in the same time."""
    at_once: int = 2
    """Processes at once; what more is asked waits its turn."""
    waiting: int = 100
    """Those that wait; beyond them it is refused."""


class Printer:
    """Starts one process for each thing to do. Trouble is a value, `Failed`, with what to do."""

    def __init__(self, options: PrintingOptions) -> None:
        self._options = options
        self._turn = asyncio.Semaphore(options.at_once)
        self._asked = 0

    async def print(
        self, paper: Paper, *, pdf: Path, tiff: Path, resolution: Resolution = "fine"
    ) -> Answer:
        """Set a paper as `pdf` and draw its pages as `tiff`; `Done.pages` counts them."""
        return await self._ask(PrintPaper(paper, str(pdf), str(tiff), resolution), pdf, tiff)

    async def draw(
        self,
        pdf: Path,
        tiff: Path,
        resolution: Resolution = "fine",
        continued: Continued | None = None,
    ) -> Answer:
        """Draw the pages of somebody's PDF, or those of a fax that have not arrived yet."""
        question = DrawPages(str(pdf), str(tiff), resolution, continued)
        return await self._ask(question, tiff, limit_s=self._options.drawing_s)

    async def bind(self, tiff: Path, pdf: Path) -> Answer:
        """Make a PDF of the pages received."""
        return await self._ask(BindPages(str(tiff), str(pdf)), pdf)

    async def _ask(self, question: Question, *made: Path, limit_s: float | None = None) -> Answer:
        if self._asked >= self._options.at_once + self._options.waiting:
            return Failed("too much is being printed: try again in a minute")
        self._asked += 1
        try:
            async with self._turn:
                limit_s = self._options.limit_s if limit_s is None else limit_s
                return await self._run(msgspec.json.encode(question), made, limit_s)
        finally:
            self._asked -= 1

    async def _run(self, question: bytes, made: Sequence[Path], limit_s: float) -> Answer:
        try:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "fax.documents"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        except OSError as error:
            return Failed(f"the printing process cannot be started: {error.strerror}")
        try:
            async with asyncio.timeout(limit_s):
                told, _ = await process.communicate(question)
        except TimeoutError:
            return Failed(f"printing took longer than {limit_s:g} s: send fewer pages at a time")
        finally:
            await _end(process, made)
        return _answer(told, process.returncode)


async def _end(process: asyncio.subprocess.Process, made: Sequence[Path]) -> None:
    """Take down what is still running, after its limit or when nobody waits for it any more, and
    what such a process leaves behind."""
    if process.returncode is None:
        process.kill()
        await process.wait()
    for path in made:
        part_of(path, process.pid).unlink(missing_ok=True)


def _answer(told: bytes, code: int | None) -> Answer:
    """What the process said; one that said nothing sensible died of what it was given."""
    try:
        answer: Done | Failed = msgspec.json.decode(told, type=Answer)
    except msgspec.MsgspecError:
        return Failed(f"the document could not be printed (the process ended with {code})")
    return answer
