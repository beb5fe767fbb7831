"""Lines over a measured range, drawn as SVG: each run a dot, the medians a line, the aim dashed."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any
from xml.sax.saxutils import escape

from reportlab.graphics import renderSVG
from reportlab.graphics.charts.lineplots import LinePlot
from reportlab.graphics.shapes import Drawing, Group, Line, Rect, String
from reportlab.graphics.widgets.markers import makeMarker
from reportlab.lib.colors import HexColor, white
from reportlab.pdfbase.pdfmetrics import stringWidth

from telebank.reports.charts import GREY, INK

WIDTH, HEIGHT = 560, 320
LEFT, RIGHT, BOTTOM, TOP = 58, 24, 50, 72
"""Of the picture, in points, outside the plotted field."""
COLOURS = tuple(map(HexColor, ("#1f5fa8", "#c2571a", "#2f7d4f", "#7a4a9c")))
AIM = HexColor("#b3261e")
GRID = HexColor("#e3e7ec")
FONT = "Helvetica"
DASHES = [5, 4]
HEADROOM = 1.08
"""The highest figure leaves so much room above itself."""
TICKS = 5

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Series:
    """One line; `points` may have several of the same x, one a run."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Plot:
    """What a picture shows. Axis titles name their units."""

    title: str
    x_title: str
    y_title: str
    series: Sequence[Series]
    aim: float | None = None
    """A y that no figure should be above."""


def medians(points: Sequence[Point]) -> list[Point]:
    """One point for each x."""
    places = sorted({x for x, _ in points})
    return [(place, median(y for x, y in points if x == place)) for place in places]


def svg(plot: Plot) -> str:
    """The picture as an SVG document."""
    drawn: str = renderSVG.drawToString(draw(plot))
    untitled = "<title>...</title>\n\t<desc>...</desc>"
    assert untitled in drawn
    return drawn.replace(untitled, f"<title>{escape(plot.title)}</title>", 1)


def draw(plot: Plot) -> Drawing:
    """The picture. `ValueError` where no series has a point."""
    if not any(one.points for one in plot.series):
        raise ValueError(f"nothing was measured for: {plot.title}")
    drawing = Drawing(WIDTH, HEIGHT)
    drawing.add(Rect(0, 0, WIDTH, HEIGHT, fillColor=white, strokeColor=None))
    _say(drawing, LEFT - 40, HEIGHT - 22, plot.title, fontSize=13, fillColor=INK)
    drawing.add(_legend(plot))
    drawing.add(_field(plot))
    grey = {"fontSize": 9, "fillColor": GREY}
    _say(drawing, LEFT - 40, HEIGHT - TOP + 10, plot.y_title, **grey)
    middle = (LEFT + WIDTH - RIGHT) / 2
    _say(drawing, middle, 14, plot.x_title, textAnchor="middle", **grey)
    return drawing


def _field(plot: Plot) -> LinePlot:
    field = LinePlot()
    field.x, field.y = LEFT, BOTTOM
    field.width, field.height = WIDTH - LEFT - RIGHT, HEIGHT - BOTTOM - TOP
    points = [point for one in plot.series for point in one.points]
    right = _axis(field.xValueAxis, max(x for x, _ in points))
    _axis(field.yValueAxis, max([y for _, y in points] + [plot.aim or 0.0]) * HEADROOM)
    field.yValueAxis.visibleGrid = True
    field.yValueAxis.gridStrokeColor = GRID
    field.yValueAxis.visibleAxis = field.yValueAxis.visibleTicks = False
    field.gridFirst = True
    field.data = [medians(one.points) for one in plot.series if one.points]
    lines, runs = len(field.data), [list(one.points) for one in plot.series if one.points]
    for number, colour in enumerate(_colours(plot)):
        line, dots = field.lines[number], field.lines[lines + number]
        line.strokeColor, line.strokeWidth = colour, 2
        dots.strokeColor = None
        dots.symbol = makeMarker(
            "Circle", size=5, fillColor=white, strokeColor=colour, strokeWidth=1.2
        )
    field.data += runs
    if plot.aim is not None:
        field.data.append([(0.0, plot.aim), (right, plot.aim)])
        line = field.lines[2 * lines]
        line.strokeColor, line.strokeWidth, line.strokeDashArray = AIM, 1.2, DASHES
    return field


def _colours(plot: Plot) -> list[HexColor]:
    """Of the series that have points; a colour stays a series' own."""
    pairs = zip(plot.series, COLOURS, strict=False)
    return [colour for one, colour in pairs if one.points]


def _axis(axis: Any, highest: float) -> float:
    """An axis from nought to a round number at or above `highest`, which is returned."""
    step = _step(highest / TICKS)
    count = max(1, -int(-highest // step))
    axis.valueMin, axis.valueMax, axis.valueStep = 0, count * step, step
    axis.labelTextFormat = _number
    axis.labels.fontName, axis.labels.fontSize, axis.labels.fillColor = FONT, 9, GREY
    axis.strokeColor, axis.strokeWidth = GREY, 0.8
    return count * step


def _step(least: float) -> float:
    """The next of 1, 2, 5 times a power of ten."""
    power = 1.0
    while power > least:
        power /= 10
    while power * 10 <= least:
        power *= 10
    return next(power * part for part in (1, 2, 5, 10) if power * part >= least)


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.2g}"


def _legend(plot: Plot) -> Group:
    """Names in one row under the title."""
    group, left, base = Group(), float(LEFT - 40), HEIGHT - 42
    named = [one.name for one in plot.series if one.points]
    for name, colour in zip(named, _colours(plot), strict=True):
        group.add(Line(left, base + 3, left + 16, base + 3, strokeColor=colour, strokeWidth=2.4))
        left = _word(group, left + 21, base, name)
    if plot.aim is not None:
        dashes = {"strokeColor": AIM, "strokeWidth": 1.4, "strokeDashArray": DASHES}
        group.add(Line(left, base + 3, left + 19, base + 3, **dashes))
        _word(group, left + 24, base, f"aim: {_number(plot.aim)} or less")
    return group


def _word(group: Group, left: float, base: float, words: str) -> float:
    _say(group, left, base, words, fontSize=9, fillColor=INK)
    after: float = left + stringWidth(words, FONT, 9) + 18
    return after


def _say(where: Drawing | Group, x: float, y: float, words: str, **style: Any) -> None:
    where.add(String(x, y, words, **({"fontName": FONT} | style)))
