"""What the process that prints is asked and answers: papers and PDFs to pages, pages to PDF.

A question comes as JSON on standard input, the answer goes as JSON to standard output. Who asks
loads nothing that draws: `fax.documents.press` does it, in a process of its own.
"""

from pathlib import Path

import msgspec

from fax.documents.paper import Paper
from fax.page.options import Continued, PageFault, Resolution

MAX_QUESTION = 4_000_000
"""Bytes of a question."""


class PrintPaper(msgspec.Struct, frozen=True, tag="paper"):
    """Set a paper as PDF, and draw it as pages for a fax; an empty path leaves one of them out."""

    paper: Paper
    pdf: str
    tiff: str
    resolution: Resolution = "fine"


class DrawPages(msgspec.Struct, frozen=True, tag="pages"):
    """Draw a PDF as pages for a fax; `continued` is of a fax some of whose pages have arrived."""

    pdf: str
    tiff: str
    resolution: Resolution = "fine"
    continued: Continued | None = None


class BindPages(msgspec.Struct, frozen=True, tag="bind"):
    """Make a PDF of the pages received."""

    tiff: str
    pdf: str


Question = PrintPaper | DrawPages | BindPages


class Done(msgspec.Struct, frozen=True, tag="done"):
    """It is done."""

    pages: int
    """Of the TIFF that was written, or of the PDF where there is none; 0: nobody counted."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """It is not; nothing is under the names that were given."""

    why: str
    """In one line, with what to do."""
    code: PageFault = "other"
    """What is wrong with the PDF or TIFF, where that is why."""


Answer = Done | Failed


def part_of(path: Path, process: int) -> Path:
    """What a file is called while this process writes it; one that was killed leaves it behind."""
    return path.with_name(f".{path.name}.{process}.part")
