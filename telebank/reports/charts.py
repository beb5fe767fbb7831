"""The picture of a reconciliation: a ring of its transactions, with a legend that counts them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reportlab.graphics.shapes import Drawing, Group, Path, Rect, String
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.units import mm

INK = HexColor("#1c2430")
GREY = HexColor("#66707c")
RADIUS = 17 * mm
HOLE = 0.62
"""Radius of the hole, of the ring's own."""
LEAST = 0.012
"""Share that is still drawn visibly: one difference in a hundred thousand must be seen."""
STEPS = 90
"""Straight pieces of a whole circle."""


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of the ring."""

    label: str
    count: int
    colour: Color


def ring(slices: Sequence[Slice], middle: str, below: str, width: float, font: str) -> Drawing:
    """A ring and its legend, `width` points wide; `middle` and `below` stand in the hole."""
    height = 2 * RADIUS + 4 * mm
    drawing = Drawing(width, height)
    centre = (RADIUS + 2 * mm, height / 2)
    total = sum(one.count for one in slices)
    start = 0.0
    for one, share in zip(slices, _shares(slices, total), strict=True):
        if share > 0:
            drawing.add(_arc(centre, start, share, one.colour))
        start += share
    inside = {"fontName": font, "textAnchor": "middle"}
    place = (centre[0], centre[1] + 0.5 * mm)
    _say(drawing, place, middle, fontSize=13, fillColor=INK, **inside)
    place = (centre[0], centre[1] - 4.5 * mm)
    _say(drawing, place, below, fontSize=7, fillColor=GREY, **inside)
    drawing.add(_legend(slices, total, centre, font))
    return drawing


def _shares(slices: Sequence[Slice], total: int) -> list[float]:
    """Shares of the ring; a small one is drawn at least `LEAST` wide, the largest gives it."""
    if not total:
        return [0.0] * len(slices)
    shares = [one.count / total for one in slices]
    widened = [max(share, LEAST) if share > 0 else 0.0 for share in shares]
    largest = widened.index(max(widened))
    widened[largest] -= sum(widened) - 1
    return widened


def _arc(centre: tuple[float, float], start: float, share: float, colour: Color) -> Path:
    """A piece of the ring, clockwise from the top; shares of a whole turn."""
    path = Path(fillColor=colour, strokeColor=HexColor("#ffffff"), strokeWidth=0.8)
    steps = max(2, math.ceil(share * STEPS))
    turns = [start + share * step / steps for step in range(steps + 1)]
    outer = [_point(centre, RADIUS, turn) for turn in turns]
    inner = [_point(centre, RADIUS * HOLE, turn) for turn in reversed(turns)]
    path.moveTo(*outer[0])
    for point in (*outer[1:], *inner):
        path.lineTo(*point)
    path.closePath()
    return path


def _point(centre: tuple[float, float], radius: float, turn: float) -> tuple[float, float]:
    angle = math.pi / 2 - 2 * math.pi * turn
    return (centre[0] + radius * math.cos(angle), centre[1] + radius * math.sin(angle))


def _legend(slices: Sequence[Slice], total: int, centre: tuple[float, float], font: str) -> Group:
    group = Group()
    left = centre[0] + RADIUS + 10 * mm
    step = 7 * mm
    top = centre[1] + step * (len(slices) - 1) / 2
    for number, one in enumerate(slices):
        base = top - number * step - 1 * mm
        group.add(Rect(left, base, 3 * mm, 3 * mm, fillColor=one.colour, strokeColor=None))
        share = f"{one.count / total:.2%}" if total else ""
        plain = {"fontName": font, "fontSize": 9}
        right = {**plain, "textAnchor": "end"}
        _say(group, (left + 6 * mm, base), one.label, fillColor=INK, **plain)
        _say(group, (left + 64 * mm, base), f"{one.count:,}", fillColor=INK, **right)
        _say(group, (left + 84 * mm, base), share, fillColor=GREY, **right)
    return group


def _say(where: Drawing | Group, place: tuple[float, float], words: str, **style: Any) -> None:
    where.add(String(*place, words, **style))
