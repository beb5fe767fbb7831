"""Draws the pages of a PDF as a fax shows them: A4, 1728 dots wide, black and white.

Text is drawn grey, brought to the lines of the resolution, and cut without dither: dots between
would make letters ragged and the coding long. What is on shading, grey or coloured is for
`fax.page.shades`.
"""

from collections.abc import Iterator
from typing import Any

import pypdfium2 as pdfium
from PIL import Image, ImageDraw, ImageFont

from fax.page.options import (
    A4_POINTS,
    ACROSS,
    DOWN,
    MAX_PAGES,
    MAX_PDF_BYTES,
    WIDTH,
    Continued,
    PageError,
    Resolution,
)
from fax.page.shades import black_and_white
from fax.typeface import FILE
from fax.words import word

__all__ = ["pages"]

_PASSWORD = 4
"""FPDF_ERR_PASSWORD of pdfium."""
STRIP_MM = 9.0
"""Blank at the top of a continued page, for its mark."""
_MARK_MM = 4.0
"""Height of the mark's letters."""
_EDGE_MM = 20.5
"""From the edge of the line to the mark: a margin of 18 mm on A4, which is centred."""
MIN_SIDE = 3.0
"""Shortest side of a page, in points."""


def pages(
    pdf: bytes, resolution: Resolution, continued: Continued | None = None
) -> Iterator[Image.Image]:
    """The pages one by one, of mode `1`; raises `PageError` where the PDF cannot be drawn.

    A page in landscape is turned, one larger than A4 made smaller; one that is smaller keeps its
    size, at the top. Of a fax that is continued, each page says `page n of m, continued`.
    """
    document = _open(pdf)
    try:
        total, first = len(document), continued.first if continued else 0
        if not 0 <= first < total:
            raise PageError(f"there is no page {first + 1}: this PDF has {total}", "page")
        for index in range(first, total):
            sheet = _sheet(document, index, STRIP_MM if continued else 0.0)
            if continued is not None:
                where = word("continued", continued.language)
                _mark(sheet, where.format(page=index + 1, pages=total))
            yield _black(sheet, resolution)
    finally:
        document.close()


def _open(pdf: bytes) -> Any:
    if len(pdf) > MAX_PDF_BYTES:
        raise PageError(
            f"the PDF has {len(pdf)} bytes: send at most {MAX_PDF_BYTES}, in parts if need be",
            "too_big",
        )
    try:
        document = pdfium.PdfDocument(pdf)
        document.init_forms()  # what was filled into fields is drawn too
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD:
            mend = "save it without a password"
            raise PageError(f"the PDF is locked with a password: {mend}", "locked") from None
        mend = "open it in a viewer and save it anew as PDF"
        raise PageError(f"this is no PDF that can be read: {mend}", "no_pdf") from None
    total = len(document)
    if not 0 < total <= MAX_PAGES:
        document.close()
        raise PageError(f"the PDF has {total} pages: send 1 to {MAX_PAGES} at a time", "too_many")
    return document


def _sheet(document: Any, index: int, strip_mm: float) -> Image.Image:
    """One page on white A4, 204 dots to the inch both ways, 1728 wide, grey."""
    dot = ACROSS / 72
    strip = round(strip_mm / 25.4 * ACROSS)
    size = (WIDTH, round(A4_POINTS[1] * dot))
    room = (round(A4_POINTS[0] * dot), size[1] - strip)
    sheet = Image.new("L", size, 255)
    try:
        page = document[index]
        width, height = page.get_size()
        turn = 90 if width > height else 0
        width, height = (height, width) if turn else (width, height)
        if not (width >= MIN_SIDE and height >= MIN_SIDE):
            mend = "give it a size on which something can be read"
            raise PageError(f"page {index + 1} is {width:g} by {height:g} points: {mend}", "page")
        scale = min(dot, room[0] / width, room[1] / height)
        drawn = page.render(scale=scale, rotation=turn, grayscale=True, fill_color=(255,) * 4)
        image = drawn.to_pil().convert("L")
        page.close()
    except pdfium.PdfiumError:
        mend = "save the PDF anew, or leave the page out"
        raise PageError(f"page {index + 1} of the PDF cannot be drawn: {mend}", "page") from None
    sheet.paste(image, ((WIDTH - image.width) // 2, strip))
    return sheet


def _mark(sheet: Image.Image, text: str) -> None:
    """Write at the top right, in the strip that was left blank."""
    size = round(_MARK_MM / 25.4 * ACROSS)
    font = ImageFont.truetype(str(FILE), size)
    edge = WIDTH - round(_EDGE_MM / 25.4 * ACROSS)
    middle = round(STRIP_MM / 2 / 25.4 * ACROSS)
    ImageDraw.Draw(sheet).text((edge, middle), text, fill=0, font=font, anchor="rm")


def _black(sheet: Image.Image, resolution: Resolution) -> Image.Image:
    return black_and_white(sheet, round(sheet.height * DOWN[resolution] / ACROSS))
