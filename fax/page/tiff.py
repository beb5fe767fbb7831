"""Pages as TIFF, the way a T.30 terminal reads and writes them: Group 4, one page an IFD."""

import struct
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from PIL import Image, TiffImagePlugin

from fax.page.options import (
    ACROSS,
    DOWN,
    MAX_LINES,
    MAX_PAGES,
    MAX_TIFF_BYTES,
    WIDTH,
    PageError,
    Resolution,
)

_Y_RESOLUTION, _UNIT = 283, 296
_WIDEST = 2432
"""Dots of a line of A3 (ITU-T T.4)."""
_HALF_WAY = 150
"""Between 98 and 196 lines to the inch."""
_CENTIMETRE = 3
_BROKEN = (
    *(OSError, EOFError, SyntaxError, LookupError, ValueError, TypeError, AttributeError),
    *(ArithmeticError, RuntimeError, struct.error, Image.DecompressionBombError),
)
"""What Pillow raises for damaged files: it makes no one error of them."""


def write_tiff(images: Iterable[Image.Image], path: Path, resolution: Resolution) -> int:
    """Write the pages, one at a time, and return how many; raises `PageError` past the limits.

    Each is of mode `1` and 1728 wide. A page may be of any number of lines.
    """
    count = 0
    with path.open("w+b") as file, TiffImagePlugin.AppendingTiffWriter(file) as writer:
        for image in images:
            count += 1
            if count > MAX_PAGES:
                raise PageError(f"more than {MAX_PAGES} pages: send them in parts", "too_many")
            if image.mode != "1" or image.width != WIDTH or not 0 < image.height <= MAX_LINES:
                raise PageError(f"page {count} is not {WIDTH} dots wide in black and white", "page")
            dpi = (float(ACROSS), float(DOWN[resolution]))
            image.save(writer, "TIFF", compression="group4", dpi=dpi)
            writer.newFrame()
    if not count:
        raise PageError("no page to write: give at least one", "too_many")
    return count


def frames(path: Path) -> Iterator[tuple[Image.Image, int]]:
    """The pages one by one, each with its lines to the inch (98 or 196); raises `PageError`."""
    with _reading(path) as source:
        if source.n_frames > MAX_PAGES:
            raise PageError(f"the TIFF has more than {MAX_PAGES} pages", "too_many")
        for index in range(source.n_frames):
            source.seek(index)
            width, height = source.size
            if not (0 < width <= _WIDEST and 0 < height <= MAX_LINES):
                raise PageError(
                    f"page {index + 1} is {width} by {height} dots: no page of a fax", "page"
                )
            yield source.convert("1"), _lines(source)


def _lines(source: Any) -> int:
    """98 or 196, by the tag of the page at hand, which may be in centimetres."""
    down = float(source.tag_v2.get(_Y_RESOLUTION, DOWN["fine"]))
    if source.tag_v2.get(_UNIT) == _CENTIMETRE:
        down *= 2.54
    return DOWN["standard"] if down < _HALF_WAY else DOWN["fine"]


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    """Open a TIFF whose trouble is a `PageError`, also that of a page that is read later."""
    if path.stat().st_size > MAX_TIFF_BYTES:
        raise PageError(f"the TIFF is larger than {MAX_TIFF_BYTES} bytes", "too_big")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=["TIFF"]) as source:
                yield source
    except PageError:
        raise
    except _BROKEN:
        raise PageError("the TIFF is broken: ask for the fax once more", "tiff") from None
