"""What reports on paper share: A4, letterhead, page n of m, styles and tables in one typeface."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Frame,
    LongTable,
    PageTemplate,
    Paragraph,
    TableStyle,
)

from fax.documents.fonts import register
from telebank.reports.words import Words

MARGIN = 18 * mm
WIDTH = A4[0] - 2 * MARGIN
"""Width of the text, in points."""
TOP = 30 * mm
BOTTOM = 20 * mm
FOOT = 16 * mm
"""Height of the line at the foot."""
CELL = 7.5
"""Size of what stands in tables, in points."""
INK = HexColor("#1c2430")
GREY = HexColor("#66707c")
LINE = HexColor("#c9ced6")
SHADE = HexColor("#f1f3f6")
BRAND = HexColor("#1f4e79")


@dataclass(frozen=True, slots=True)
class Letterhead:
    """What stands on top of every page."""

    bank: str
    """Name of the bank; empty for a general one."""
    title: str
    right: str
    """Beside the title: the business date."""
    node: str
    made_at: datetime
    """Aware, in the bank's own zone."""


@dataclass(frozen=True, slots=True)
class Styles:
    """Paragraphs of the one typeface."""

    font: str
    heading: ParagraphStyle
    body: ParagraphStyle
    note: ParagraphStyle
    cell: ParagraphStyle

    @classmethod
    def make(cls, language: str) -> "Styles":
        """Chinese breaks between any two characters, English between words."""
        font = register()
        wrap = "CJK" if language == "zh" else None

        def style(name: str, size: float, colour: Color = INK, **more: Any) -> ParagraphStyle:
            return ParagraphStyle(
                name,
                fontName=font,
                fontSize=size,
                leading=size * 1.45,
                textColor=colour,
                wordWrap=wrap,
                **more,
            )

        return cls(
            font,
            heading=style("heading", 12, BRAND, spaceBefore=5 * mm, spaceAfter=2 * mm),
            body=style("body", 9),
            note=style("note", 8, GREY),
            cell=style("cell", CELL),
        )


def text(words: str, style: ParagraphStyle) -> Paragraph:
    """A paragraph of plain text: nothing in it is markup."""
    return Paragraph(escape(words), style)


def table(
    head: Sequence[str],
    rows: Sequence[Sequence[Any]],
    widths: Sequence[float],
    styles: Styles,
    right: int | None = None,
    *more: tuple[Any, ...],
) -> LongTable:
    """A table that goes on over pages with its head; columns from `right` on are numbers."""
    made = LongTable([list(head), *map(list, rows)], colWidths=list(widths), repeatRows=1)
    commands: list[tuple[Any, ...]] = [
        ("FONT", (0, 0), (-1, -1), styles.font, CELL),
        ("LEADING", (0, 0), (-1, -1), 11),
        ("TEXTCOLOR", (0, 0), (-1, -1), INK),
        ("TEXTCOLOR", (0, 0), (-1, 0), GREY),
        ("BACKGROUND", (0, 0), (-1, 0), SHADE),
        ("LINEBELOW", (0, 0), (-1, 0), 0.6, LINE),
        ("LINEBELOW", (0, 1), (-1, -1), 0.3, LINE),
        ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
        ("TOPPADDING", (0, 0), (-1, -1), 2.5),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
        ("LEFTPADDING", (0, 0), (-1, -1), 3),
        ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ]
    if right is not None:
        commands.append(("ALIGN", (right, 0), (-1, -1), "RIGHT"))
    made.setStyle(TableStyle([*commands, *more]))
    return made


def build(path: Path, story: list[Any], head: Letterhead, words: Words, styles: Styles) -> None:
    """Write the pages beside `path`, and put them there when they are whole."""
    part = path.with_name(f".{path.name}.part")
    document = BaseDocTemplate(
        str(part),
        pagesize=A4,
        title=f"{head.title} {head.right}",
        author=head.bank,
        lang="zh-CN" if words.language == "zh" else "en",
    )
    height = A4[1] - TOP - BOTTOM
    frame = Frame(MARGIN, BOTTOM, WIDTH, height, 0, 0, 0, 0)
    document.addPageTemplates([PageTemplate("page", [frame])])
    document.build(story, canvasmaker=_numbered(head, words, styles.font))
    part.replace(path)


def _numbered(head: Letterhead, words: Words, font: str) -> Callable[..., Canvas]:
    """A canvas that writes `page n of m`: it keeps the pages until it knows how many there are."""

    class Numbered(Canvas):  # type: ignore[misc]  # reportlab has no types
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._kept: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - reportlab's name
            self._kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, kept in enumerate(self._kept, 1):
                self.__dict__.update(kept)
                place = words["page"].format(page=number, pages=len(self._kept))
                _decorate(self, head, words, font, place)
                super().showPage()
            super().save()

    return Numbered


def _decorate(canvas: Any, head: Letterhead, words: Words, font: str, place: str) -> None:
    """Letterhead and foot of one page; `place` is its `page n of m`."""
    left, edge, top = MARGIN, A4[0] - MARGIN, A4[1] - 14 * mm
    canvas.saveState()
    canvas.setFillColor(BRAND)
    canvas.rect(left, top - 1 * mm, 3 * mm, 8 * mm, stroke=0, fill=1)
    canvas.setFont(font, 15)
    canvas.drawString(left + 6 * mm, top, head.bank)
    canvas.setFillColor(INK)
    canvas.setFont(font, 12)
    canvas.drawRightString(edge, top, f"{head.title}  {head.right}")
    canvas.setStrokeColor(BRAND)
    canvas.setLineWidth(0.8)
    canvas.line(left, top - 4 * mm, edge, top - 4 * mm)
    canvas.setFillColor(GREY)
    canvas.setFont(font, 8)
    made = head.made_at.strftime("%Y-%m-%d %H:%M:%S %z")
    canvas.drawString(left, top - 9 * mm, f"{words['node']}  {head.node}")
    canvas.drawRightString(edge, top - 9 * mm, f"{words['made']}  {made}")
    canvas.setStrokeColor(LINE)
    canvas.setLineWidth(0.4)
    canvas.line(left, FOOT, edge, FOOT)
    canvas.drawString(left, FOOT - 4.5 * mm, words["inner"])
    canvas.drawRightString(edge, FOOT - 4.5 * mm, place)
    canvas.restoreState()
