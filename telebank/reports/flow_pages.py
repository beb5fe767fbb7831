"""Pages of the menu trees as one PDF, each on paper that it fits on, with links between them."""

from collections.abc import Iterator
from pathlib import Path

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A3, A4, landscape
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from fax.documents.fonts import register
from telebank.flow.draw.book import Book
from telebank.flow.draw.layout import MARGIN
from telebank.flow.draw.paint import BADGE, GREY, INK, LINE, lines_of, look_of
from telebank.flow.draw.scene import SIZES, Arrow, Box, Measure, Page

PAPERS = ((A4, landscape(A4)), (A3, landscape(A3)))
"""Sizes, upright and lying; of the first size on which a page is no smaller than `LEAST`, the one
that it is larger on, else of the last."""
LEAST = 0.72
BORDER = 20.0
"""Around a page, in points."""
TIP = 5.0
"""Length of an arrow's head."""
ROWS = 42
"""Lines on a page of the index."""
INDEX_LINE = 17.0


def measure() -> Measure:
    """Widths of texts in the typeface that everything is printed in."""
    font = register()

    def width(text: str, size: float) -> float:
        return float(pdfmetrics.stringWidth(text, font, size))

    return width


def page_count(book: Book) -> int:
    """Pages of the PDF, those of its index among them."""
    return len(book.pages) + _indexes(book)


def _indexes(book: Book) -> int:
    return -(-len(book.pages) // ROWS)


def write_pages(path: Path, book: Book) -> Iterator[str]:
    """Write the index and all pages beside `path`, and put them there when they are whole; says
    each flow that is drawn."""
    part = path.with_name(f".{path.name}.part")
    canvas = Canvas(str(part), pagesize=A4, lang="zh-CN" if book.word.language == "zh" else "en")
    canvas.setTitle(book.word.say("index"))
    pen = _Pen(canvas, book, register())
    pen.index()
    for page in book.pages:
        pen.page(page)
        yield page.flow
    canvas.save()
    part.replace(path)


class _Pen:
    """Draws with points from the top left, as pages have them."""

    def __init__(self, canvas: Canvas, book: Book, font: str) -> None:
        self._canvas = canvas
        self._book = book
        self._font = font
        self._top = 0.0
        self._indexes = _indexes(book)

    # -- pages ------------------------------------------------------------------------------------

    def index(self) -> None:
        """All pages by name, with their keys."""
        word, release = self._book.word, self._book.release.hash[:12]
        for sheet in range(self._indexes):
            self._paper(A4)
            if sheet == 0:
                self._canvas.bookmarkPage("index")
                self._canvas.addOutlineEntry(word.say("index"), "index", 0)
            self._text(word.say("index"), 40, 56, 16)
            self._text(word.say("release", hash=release), 40, 72, 7, GREY)
            for at, page in enumerate(self._book.pages[sheet * ROWS : (sheet + 1) * ROWS]):
                self._line_of_index(page, 98 + INDEX_LINE * at)
            self._foot(sheet + 1, A4)

    def _line_of_index(self, page: Page, y: float) -> None:
        self._text(page.title, 40, y, 9, BADGE["link"])
        self._text(page.flow, 230, y, 7, GREY)
        self._text(page.keys, 325, y, 7, GREY)
        self._text(str(page.number + self._indexes), A4[0] - 60, y, 9)
        self._link(page.flow, 38, y - 11, A4[0] - 78, INDEX_LINE - 2)

    def page(self, page: Page) -> None:
        """One flow, as large as it fits on its paper."""
        paper, scale = _paper(page)
        self._paper(paper)
        self._canvas.bookmarkPage(page.flow)
        self._canvas.addOutlineEntry(page.title, page.flow, 0)
        self._foot(page.number + self._indexes, paper)
        self._canvas.saveState()
        left = max(BORDER, (paper[0] - page.width * scale) / 2)
        self._canvas.translate(left, paper[1] - BORDER)
        self._canvas.scale(scale, scale)
        self._top = 0.0
        self._head(page)
        for arrow in page.arrows:
            self._arrow(arrow)
        for box in page.boxes:
            self._box(box)
        self._canvas.restoreState()

    def _paper(self, size: tuple[float, float]) -> None:
        if self._canvas.getPageNumber() > 1 or self._top:
            self._canvas.showPage()
        self._canvas.setPageSize(size)
        self._top = size[1]

    def _head(self, page: Page) -> None:
        word = self._book.word
        self._text(page.title, MARGIN, MARGIN + 12, 15)
        under = f"{page.flow}    {word.say('keys')}{page.keys}" if page.keys else page.flow
        self._text(under, MARGIN, MARGIN + 28, 7.5, GREY)
        if page.everywhere:
            self._text(word.say("everywhere"), MARGIN, page.everywhere[0].y, 7, GREY)
        for text in page.everywhere:
            self._text(text.text, text.x, text.y, SIZES[text.role], GREY)

    def _foot(self, number: int, paper: tuple[float, float]) -> None:
        self._top = paper[1]
        word, count = self._book.word, page_count(self._book)
        y = paper[1] - 16
        self._text(word.say("index"), 40, y, 7, BADGE["link"])
        self._link("index", 38, y - 9, 120, 12)
        legend = "  ·  ".join(
            word.say(key) for key in ("legend_money", "legend_state", "legend_number")
        )
        after = self._canvas.stringWidth(word.say("index"), self._font, 7) + 16
        self._text(legend, 40 + after, y, 6.5, GREY)
        told = word.say("pages", number=number, count=count)
        self._canvas.drawRightString(paper[0] - 40, self._top - y, told)

    # -- shapes -----------------------------------------------------------------------------------

    def _box(self, box: Box) -> None:
        look, canvas = look_of(box), self._canvas
        canvas.setFillColor(HexColor(look.fill))
        canvas.setStrokeColor(HexColor(look.edge))
        canvas.setLineWidth(look.weight)
        canvas.roundRect(
            box.x, self._top - box.bottom, box.width, box.height, look.round, stroke=1, fill=1
        )
        for line, x, y, colour in lines_of(box):
            self._text(line.text, x, y, SIZES[line.role], colour)
        canvas.setFont(self._font, SIZES["small"])
        canvas.setFillColor(HexColor(look.edge))
        canvas.drawRightString(box.right - 6, self._top - box.y - 14, str(box.number))
        if box.link in self._book.numbers:
            self._link(str(box.link), box.x, box.y, box.width, box.height)

    def _arrow(self, arrow: Arrow) -> None:
        canvas, points = self._canvas, [(x, self._top - y) for x, y in arrow.points]
        canvas.setStrokeColor(HexColor(LINE))
        canvas.setLineWidth(0.9)
        path = canvas.beginPath()
        path.moveTo(*points[0])
        for point in points[1:]:
            path.lineTo(*point)
        canvas.drawPath(path)
        self._tip(points[-2], points[-1])
        if arrow.label:
            self._text(arrow.label, *arrow.at, SIZES["way"], BADGE["way"])

    def _tip(self, before: tuple[float, float], end: tuple[float, float]) -> None:
        """The head of an arrow that comes straight down or from the left."""
        down = before[0] == end[0]
        x, y = end
        path = self._canvas.beginPath()
        path.moveTo(x, y)
        if down:
            path.lineTo(x - TIP / 2, y + TIP)
            path.lineTo(x + TIP / 2, y + TIP)
        else:
            path.lineTo(x - TIP, y - TIP / 2)
            path.lineTo(x - TIP, y + TIP / 2)
        path.close()
        self._canvas.setFillColor(HexColor(LINE))
        self._canvas.drawPath(path, stroke=0, fill=1)

    def _text(self, text: str, x: float, y: float, size: float, colour: str = INK) -> None:
        self._canvas.setFont(self._font, size)
        self._canvas.setFillColor(HexColor(colour))
        self._canvas.drawString(x, self._top - y, text)

    def _link(self, to: str, x: float, y: float, width: float, height: float) -> None:
        top = self._top - y
        self._canvas.linkRect(
            "", to, (x, top - height, x + width, top), relative=1, Border="[0 0 0]"
        )


def _paper(page: Page) -> tuple[tuple[float, float], float]:
    """The paper for a page, and how much smaller or larger it is drawn on it."""
    sizes = [max(((p, _scale(page, p)) for p in pair), key=lambda pair: pair[1]) for pair in PAPERS]
    return next((found for found in sizes if found[1] >= LEAST), sizes[-1])


def _scale(page: Page, paper: tuple[float, float]) -> float:
    room = (paper[0] - 2 * BORDER, paper[1] - 2 * BORDER - 14)
    return min(1.0, room[0] / page.width, room[1] / page.height)
