"""Sets a paper as PDF: A4, black alone, large enough to be read after a fax of 204x98.

What is grey or hairline on a screen is gone after the threshold of a fax, so that all text and
rules are black, no text is smaller than ten points and no rule thinner than three quarters of one.
"""

import io
from collections.abc import Callable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    LongTable,
    PageTemplate,
    Paragraph,
    Spacer,
    TableStyle,
)
from reportlab.platypus.doctemplate import LayoutError

from fax.documents.fonts import register
from fax.documents.paper import TEXT_MM, Align, Paper, PaperError, Table
from fax.page.options import DOWN
from fax.words import word

MARGIN_MM = 18.0
_TOP, _BOTTOM, _FOOT = 40 * mm, 24 * mm, 20 * mm
BODY = 11.0
"""Size of what stands in tables and facts, in points."""
SMALL = 11.0
"""Size of notes and of the foot of a page, in points."""
_LEADING = 1.3
_LINE = 72 / DOWN["standard"]
"""A line of a fax of 98 to the inch, in points."""
_FOOT_IN_LINE = 0.72
"""How deep into a line all letters stand. At any place, one figure in seventy is read wrong after
a fax of 98 lines to the inch (a point as a comma, most often); at 0.65 to 0.8, one in six hundred.
"""
_PAD = 3.0
"""Blank at the left and right of a cell, in points."""
RULE, HEAVY = 0.75, 1.2
GROUP = 5
"""Rows from one gap to the next, so that an eye keeps its line. Rules would do so too, but what is
close to a rule is hard to read after a fax."""
_APART = 8.0
"""Blank above a group, in points."""
LABEL_MM = 44.0
"""Width of the labels of facts."""


def write_pdf(paper: Paper) -> bytes:
    """Set a paper; the same paper gives the same bytes. Raises `PaperError`: it is too large."""
    paper.check()
    for table in paper.tables:
        if sum(table.widths) > TEXT_MM:
            raise PaperError(f"a table is wider than {TEXT_MM:g} mm: make its columns narrower")
    out = io.BytesIO()
    document = BaseDocTemplate(
        out,
        pagesize=A4,
        title=paper.title,
        author=_bank(paper),
        subject=paper.reference,
        lang="zh-CN" if paper.language == "zh" else "en",
        invariant=1,
    )
    margin = MARGIN_MM * mm
    frame = Frame(margin, _BOTTOM, TEXT_MM * mm, A4[1] - _TOP - _BOTTOM, 0, 0, 0, 0)
    document.addPageTemplates([PageTemplate("page", [frame])])
    try:
        document.build(_story(paper), canvasmaker=_numbered(paper, register()))
    except LayoutError:
        mend = "widen its column or shorten its text"
        raise PaperError(f"a row or fact is taller than a page: {mend}") from None
    return out.getvalue()


def _bank(paper: Paper) -> str:
    return paper.bank or word("bank", paper.language)


def _story(paper: Paper) -> list[Flowable]:
    """All of it. Blanks stand before things, never at the end: one that no longer fits would make
    an empty page."""
    story: list[Flowable] = [_facts(paper)] if paper.facts else []
    for table in paper.tables:
        if table.title:
            story += [CondPageBreak(56 * mm), *_gap(story), _text(table.title, paper, 13)]
            story += [Spacer(1, 2 * mm), _table(table, paper)]
        else:
            story += [*_gap(story), _table(table, paper)]
    if paper.note:
        lines = [_text(line, paper, SMALL) for line in paper.note.splitlines()]
        story += [*_gap(story), KeepTogether(lines)]
    return story or [Spacer(1, 1)]


def _gap(story: Sequence[Flowable]) -> list[Flowable]:
    return [Spacer(1, 7 * mm)] if story else []


def _text(text: str, paper: Paper, size: float = BODY) -> Paragraph:
    """A paragraph of plain text: nothing in it is markup. Chinese breaks between characters."""
    style = ParagraphStyle(
        "text",
        fontName=register(),
        fontSize=size,
        leading=size * _LEADING,
        wordWrap="CJK" if paper.language == "zh" else None,
        splitLongWords=1,
    )
    return Paragraph(escape(text), style)


def _cell(text: str, width: float, align: Align, paper: Paper) -> str | Paragraph:
    """What fits stays a line. A figure that does not is set smaller, never broken in two."""
    room = width * mm - 2 * _PAD
    wide = stringWidth(text, register(), BODY)
    if wide <= room:
        return text
    if align == "left":
        return _text(text, paper)
    size = BODY * room / wide
    style = ParagraphStyle(
        "figure", fontName=register(), fontSize=size, leading=BODY * _LEADING, alignment=TA_RIGHT
    )
    return Paragraph(escape(text).replace(" ", "\N{NO-BREAK SPACE}"), style)


def _facts(paper: Paper) -> LongTable:
    widths = (LABEL_MM, TEXT_MM - LABEL_MM)
    rows = [
        [_cell(label, widths[0], "left", paper), _cell(value, widths[1], "left", paper)]
        for label, value in paper.facts
    ]
    made = LongTable(rows, colWidths=[width * mm for width in widths])
    made.setStyle(
        TableStyle(
            [
                *_plain(),
                ("LEFTPADDING", (0, 0), (0, -1), 0),
                ("LINEBELOW", (0, -1), (-1, -1), RULE, "black"),
            ]
        )
    )
    return made


def _plain() -> list[tuple[Any, ...]]:
    """Commands that every table has."""
    return [
        ("FONT", (0, 0), (-1, -1), register(), BODY, BODY * _LEADING),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 3),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 4),
        ("LEFTPADDING", (0, 0), (-1, -1), _PAD),
        ("RIGHTPADDING", (0, 0), (-1, -1), _PAD),
    ]


def _table(table: Table, paper: Paper) -> LongTable:
    """A table that goes on over pages with its head. Its last rows, totals and closing line stay
    together, so that no page begins with a sum of what stands on another."""
    lines = [*table.rows, *table.totals]
    cells: list[list[Any]] = [
        [_cell(*one, paper) for one in zip(line, table.widths, table.align, strict=True)]
        for line in (table.head, *lines)
    ]
    if table.closing:
        cells.append([_text(table.closing, paper), *[""] * (len(table.head) - 1)])
    made = LongTable(cells, colWidths=[width * mm for width in table.widths], repeatRows=1)
    made.setStyle(TableStyle([*_plain(), *_rules(table), *_together(table, len(cells))]))
    return made


def _rules(table: Table) -> list[tuple[Any, ...]]:
    body, end = len(table.rows), len(table.rows) + len(table.totals)
    commands: list[tuple[Any, ...]] = [
        ("LINEABOVE", (0, 0), (-1, 0), HEAVY, "black"),
        ("LINEBELOW", (0, 0), (-1, 0), HEAVY, "black"),
        ("LINEBELOW", (0, end), (-1, end), HEAVY, "black"),
        ("TOPPADDING", (0, 0), (-1, 0), 4),
    ]
    commands += [("TOPPADDING", (0, row), (-1, row), _APART) for row in range(1, body + 1, GROUP)]
    if table.totals:
        commands.append(("LINEABOVE", (0, body + 1), (-1, body + 1), HEAVY, "black"))
        commands.append(("TOPPADDING", (0, body + 1), (-1, body + 1), 4))
    if table.closing:
        commands.append(("SPAN", (0, -1), (-1, -1)))
        commands.append(("TOPPADDING", (0, -1), (-1, -1), 5))
    commands += [
        ("ALIGN", (index, 0), (index, end), "RIGHT")
        for index, align in enumerate(table.align)
        if align == "right"
    ]
    return commands


def _together(table: Table, count: int) -> Sequence[tuple[Any, ...]]:
    """Rows that no page parts: the first two, and the last two with all that follows them."""
    body = len(table.rows)
    commands = []
    if body > 1:
        commands.append(("NOSPLIT", (0, 1), (-1, 2)))
    first = max(1, body - 1)
    if count - 1 > first:
        commands.append(("NOSPLIT", (0, first), (-1, count - 1)))
    return commands


def _numbered(paper: Paper, font: str) -> Callable[..., Canvas]:
    """A canvas that writes `page n of m`: it keeps the pages until it knows how many there are."""

    class Numbered(Canvas):  # type: ignore[misc]  # reportlab has no types
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._kept: list[dict[str, Any]] = []

        def drawString(self, x: float, y: float, text: str, **more: Any) -> None:  # noqa: N802
            super().drawString(x, self._on_a_line(y), text, **more)

        def drawRightString(self, x: float, y: float, text: str, **more: Any) -> None:  # noqa: N802
            super().drawRightString(x, self._on_a_line(y), text, **more)

        def _on_a_line(self, y: float) -> float:
            lines: float = (A4[1] - self.absolutePosition(0, y)[1]) / _LINE
            return y + (lines - round(lines) - _FOOT_IN_LINE) * _LINE

        def showPage(self) -> None:  # noqa: N802 - reportlab's name
            self._kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, kept in enumerate(self._kept, 1):
                self.__dict__.update(kept)
                place = word("page", paper.language).format(page=number, pages=len(self._kept))
                _decorate(self, paper, font, place)
                super().showPage()
            super().save()

    return Numbered


def _decorate(canvas: Any, paper: Paper, font: str, place: str) -> None:
    """Letterhead and foot of one page; `place` is its `page n of m`."""
    left, edge, top = MARGIN_MM * mm, A4[0] - MARGIN_MM * mm, A4[1] - 21 * mm
    canvas.saveState()
    _ends(canvas, font, top, 16, (_bank(paper), paper.title))
    canvas.setLineWidth(1.6)
    canvas.line(left, top - 3.5 * mm, edge, top - 3.5 * mm)
    reference = f"{word('reference', paper.language)}  {paper.reference}"
    made = f"{word('made', paper.language)}  {paper.made_at}"
    _ends(canvas, font, top - 10 * mm, BODY, (reference, made))
    canvas.setLineWidth(RULE)
    canvas.line(left, _FOOT, edge, _FOOT)
    _ends(canvas, font, _FOOT - 6 * mm, SMALL, (word("masked", paper.language), place))
    canvas.restoreState()


def _ends(canvas: Any, font: str, height: float, size: float, texts: tuple[str, str]) -> None:
    """One text at the left edge and one at the right, smaller where they would meet."""
    room = TEXT_MM * mm - 8 * mm
    wide = sum(stringWidth(text, font, size) for text in texts)
    canvas.setFont(font, size if wide <= room else size * room / wide)
    canvas.drawString(MARGIN_MM * mm, height, texts[0])
    canvas.drawRightString(A4[0] - MARGIN_MM * mm, height, texts[1])
