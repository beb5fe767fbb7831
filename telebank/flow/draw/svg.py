"""Pages as SVG: real text, links between pages; data-* says what an arrow or a line stands for."""

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from telebank.flow.draw.book import Book
from telebank.flow.draw.layout import FOOT, HEAD, MARGIN
from telebank.flow.draw.paint import BADGE, GREY, INK, LINE, lines_of, look_of
from telebank.flow.draw.scene import SIZES, Arrow, Box, Page, Text, Way
from telebank.flow.draw.words import Wording

FONT_FILE = "telebank-sans.ttf"
"""The typeface, beside the pictures."""
INDEX = "index"
FAMILY = "'Telebank Sans','Noto Sans CJK SC','Microsoft YaHei','PingFang SC',sans-serif"
ROW = 17.0
"""Height of a line of the index."""
INDEX_WIDTH = 560.0

_STYLE = (
    f"@font-face{{font-family:'Telebank Sans';src:url('{FONT_FILE}')}}"
    f"text{{font-family:{FAMILY};fill:{INK};white-space:pre}}"
    f"polyline{{fill:none;stroke:{GREY};stroke-width:1}}a{{cursor:pointer}}"
)


def file_of(flow: str) -> str:
    """The file of a page."""
    return f"{flow}.svg"


def page_svg(book: Book, page: Page) -> str:
    """One flow."""
    return "\n".join(
        [
            *_opening(page.title, page.width, page.height, book.word),
            *_head(book, page),
            *(line for arrow in page.arrows for line in _arrow(arrow)),
            *(line for box in page.boxes for line in _box(book, box)),
            *_foot(book, page.number, page.height),
            "</svg>\n",
        ]
    )


def index_svg(book: Book) -> str:
    """All pages by name, with their keys."""
    height = MARGIN + HEAD + ROW * len(book.pages) + FOOT
    lines = [*_opening(book.word.say("index"), INDEX_WIDTH, height, book.word)]
    lines.append(_text(book.word.say("index"), MARGIN, MARGIN + 14, 15))
    release = book.word.say("release", hash=book.release.hash[:12])
    lines.append(_text(release, MARGIN, MARGIN + 30, 7, GREY))
    for at, page in enumerate(book.pages):
        y = MARGIN + HEAD + ROW * at
        lines.append(f"<a href={quoteattr(file_of(page.flow))}>")
        lines.append(_text(str(page.number), MARGIN, y, 8, GREY))
        lines.append(_text(page.title, MARGIN + 26, y, 9, BADGE["link"]))
        lines.append("</a>")
        lines.append(_text(page.flow, MARGIN + 230, y, 7, GREY))
        lines.append(_text(page.keys, MARGIN + 330, y, 7, GREY))
    lines += [*_foot(book, 0, height), "</svg>\n"]
    return "\n".join(lines)


def _opening(title: str, width: float, height: float, word: Wording) -> Iterator[str]:
    lang = "zh-CN" if word.language == "zh" else "en"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" lang="{lang}" width="{width:.0f}" '
        f'height="{height:.0f}" viewBox="0 0 {width:.1f} {height:.1f}">'
    )
    yield f"<title>{escape(title)}</title><style>{_STYLE}</style>"
    yield (
        f'<defs><marker id="tip" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0.8 L8 4 L0 7.2 z" fill="{GREY}"/>'
        "</marker></defs>"
    )
    yield f'<rect width="{width:.1f}" height="{height:.1f}" fill="#ffffff"/>'


def _head(book: Book, page: Page) -> Iterator[str]:
    word = book.word
    yield _text(page.title, MARGIN, MARGIN + 12, 15)
    under = f"{page.flow}    {word.say('keys')}{page.keys}" if page.keys else page.flow
    yield _text(under, MARGIN, MARGIN + 28, 7.5, GREY)
    if page.everywhere:
        yield _text(word.say("everywhere"), MARGIN, page.everywhere[0].y, 7, GREY)
    for text in page.everywhere:
        yield _everywhere(text)


def _everywhere(text: Text) -> str:
    assert text.way is not None
    data = _data("everywhere", text.way)
    return f"<g {data}>{_text(text.text, text.x, text.y, SIZES[text.role], GREY)}</g>"


def _foot(book: Book, number: int, height: float) -> Iterator[str]:
    word, y = book.word, height - 16
    if number:
        yield f'<a href="{INDEX}.svg">{_text(word.say("index"), MARGIN, y, 7, BADGE["link"])}</a>'
    told = word.say("pages", number=number + 1, count=len(book.pages) + 1)
    yield _text(told, MARGIN + 130, y, 7, GREY)


def _box(book: Book, box: Box) -> Iterator[str]:
    look = look_of(box)
    target = book.numbers.get(box.link or "")
    if target:
        yield f"<a href={quoteattr(file_of(str(box.link)))}>"
    yield (
        f'<g class="node" id={quoteattr("n-" + box.node)} data-node={quoteattr(box.node)} '
        f'data-kind="{box.kind}" data-mark="{box.mark}">'
    )
    yield (
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" '
        f'rx="{look.round:g}" fill="{look.fill}" stroke="{look.edge}" '
        f'stroke-width="{look.weight:g}"/>'
    )
    for line, x, y, colour in lines_of(box):
        text = _text(line.text, x, y, SIZES[line.role], colour)
        yield f"<g {_data('way', line.way)}>{text}</g>" if line.way else text
    yield from (_badge(box), "</g>")
    if target:
        yield "</a>"


def _badge(box: Box) -> str:
    """The box's number in its corner."""
    return (
        f'<text x="{box.right - 6:.1f}" y="{box.y + 14:.1f}" font-size="{SIZES["small"]:g}" '
        f'text-anchor="end" style="fill:{look_of(box).edge}">{box.number}</text>'
    )


def _arrow(arrow: Arrow) -> Iterator[str]:
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in arrow.points)
    for way in arrow.ways:
        yield f"<g {_data('arrow', way)}>"
    yield f'<polyline points="{points}" stroke="{LINE}" marker-end="url(#tip)"/>'
    if arrow.label:
        yield _text(arrow.label, *arrow.at, SIZES["way"], BADGE["way"])
    yield "</g>" * len(arrow.ways)


def _data(role: str, way: Way) -> str:
    return (
        f'class="{role}" data-from={quoteattr(way.source)} data-to={quoteattr(way.target)} '
        f"data-via={quoteattr(way.via)}"
    )


def _text(text: str, x: float, y: float, size: float, colour: str = INK) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" '
        f'style="fill:{colour}">{escape(text)}</text>'
    )
