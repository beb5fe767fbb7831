"""Calls by hour as a picture: SVG 1.1 without scripts, styles or anything from elsewhere. An hour
with faults is marked by a sign above its bar."""

from collections.abc import Sequence
from math import ceil
from xml.sax.saxutils import escape

from telebank.reports.running import HOURS, Hour

WIDTH, HEIGHT = 960, 220
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 26, 24
INK, LINE, BAR, LOST = "#1c2430", "#dfe4ea", "#163a5c", "#a13d00"
FONTS = "system-ui, Noto Sans SC, Noto Sans CJK SC, sans-serif"
LINES = 4
"""Of the grid, at the most."""


def picture(hours: Sequence[Hour], title: str) -> str:
    """Twenty-four bars; what was cut off stands on top of its bar in another colour."""
    step = _step(max(*(hour.calls for hour in hours), 1))
    top = step * ceil(max(*(hour.calls for hour in hours), 1) / step)
    wide, tall = (WIDTH - LEFT - RIGHT) / HOURS, HEIGHT - TOP - BOTTOM
    parts = list(_grid(top, step, tall))
    for number, hour in enumerate(hours):
        x = LEFT + number * wide
        if number % 2 == 0:
            parts.append(_text(x + wide / 2, HEIGHT - 8, f"{number:02}", "middle"))
        parts += _bar(hour, x + 3, wide - 6, tall / top)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
        f' font-family="{FONTS}" font-size="13">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _step(most: int) -> int:
    """The least of 1, 2, 5 times a power of ten with which the grid has few lines."""
    power = 1
    while True:
        for part in (1, 2, 5):
            if part * power * LINES >= most:
                return part * power
        power *= 10


def _bar(hour: Hour, x: float, wide: float, unit: float) -> list[str]:
    base = float(HEIGHT - BOTTOM)
    found = []
    for count, colour in ((hour.calls - hour.lost, BAR), (hour.lost, LOST)):
        if count > 0:
            base -= count * unit
            found.append(
                f'<rect x="{x:.1f}" y="{base:.1f}" width="{wide:.1f}"'
                f' height="{count * unit:.1f}" fill="{colour}"/>'
            )
    if hour.faults:
        found.append(_text(x + wide / 2, base - 5, f"⚠{hour.faults}", "middle"))
    return found


def _grid(top: int, step: int, tall: int) -> Sequence[str]:
    found = []
    for count in range(0, top + 1, step):
        y = HEIGHT - BOTTOM - tall * count / top
        found.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{LINE}" fill="none"/>')
        found.append(_text(LEFT - 6, y + 4, str(count), "end"))
    return found


def _text(x: float, y: float, words: str, anchor: str) -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" fill="{INK}" text-anchor="{anchor}"'
    return f"<text {place}>{escape(words)}</text>"
