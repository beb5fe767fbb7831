"""Pages of a fax as values: their sizes and limits, and where a fax goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from fax.words import Language

Resolution = Literal["fine", "standard"]

WIDTH = 1728
"""Dots of a line: 215 mm at 204 dots to the inch (ITU-T T.4)."""
ACROSS = 204
"""Dots to the inch of a line."""
DOWN: Mapping[Resolution, int] = MappingProxyType({"fine": 196, "standard": 98})
"""Lines to the inch."""
A4_POINTS = (595.28, 841.89)
MAX_PAGES = 200
MAX_PDF_BYTES = 20_000_000
MAX_TIFF_BYTES = 60_000_000
MAX_LINES = 12_000
"""Longest page received, in lines: a page of more than a metre and a half at 196 lines."""


@dataclass(frozen=True, slots=True)
class Continued:
    """A fax that begins after its first page, because those before it have arrived."""

    first: int
    """The first page that is drawn, from 0."""
    language: Language


PageFault = Literal["no_pdf", "locked", "too_many", "too_big", "page", "tiff", "other"]
"""What is wrong with a PDF or TIFF: it cannot be read as PDF, has a password, too many pages or
none, too many bytes; one of its pages cannot be drawn; it is no whole TIFF."""


class PageError(ValueError):
    """A PDF or TIFF of which no pages can be made; the message says what to do, and `code` is for
    those who say it in other words."""

    def __init__(self, message: str, code: PageFault = "other") -> None:
        super().__init__(message)
        self.code: PageFault = code
