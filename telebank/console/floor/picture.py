"""Arrivals by quarter of an hour as a picture: SVG 1.1 without scripts, styles or anything from
elsewhere. A part is told by its pattern as well as by its colour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from xml.sax.saxutils import escape

from telebank.agents.figures import QUARTERS
from telebank.agents.today import Slot

LEFT, RIGHT, TOP, BOTTOM = 40, 8, 38, 24
OF_HOUR = 4
FIRST, LEAST = 8 * OF_HOUR, 9 * OF_HOUR
"""Quarters: where a quiet day begins, and how many are drawn at least."""
FONTS = "system-ui, Noto Sans SC, Noto Sans CJK SC, sans-serif"
PARTS = ("answered", "abandoned", "away", "other")
STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Look:
    """Size and colours on one ground."""

    width: int
    height: int
    letters: int
    """Height of its letters, in the same units."""
    ink: str
    line: str
    answered: str
    abandoned: str
    away: str
    other: str
    kept: str


LIGHT = Look(
    960, 250, 13, "#1c2430", "#dfe4ea", "#00694d", "#a13d00", "#5b6470", "#9db4cb", "#163a5c"
)
DARK = Look(
    1600, 200, 18, "#f2f5f8", "#33404d", "#3ec99b", "#ffab66", "#b9c6d3", "#5f7f9e", "#ffffff"
)


def picture(slots: Sequence[Slot], now: int, words: Mapping[str, str], look: Look) -> str:
    """Bars from the first busy quarter to the present one; `now` is its number."""
    first, last = _span(slots, now)
    most = max(*(_height(slot) for slot in slots), 1)
    step = _step(most)
    top = ceil(most / step) * step
    wide = (look.width - LEFT - RIGHT) / (last - first)
    tall = look.height - TOP - BOTTOM
    parts = [*_legend(words, look), *_grid(top, step, tall, look)]
    for quarter in range(first, last):
        x = LEFT + (quarter - first) * wide
        if quarter % OF_HOUR == 0:
            parts.append(_text(x, look.height - 8, f"{quarter // OF_HOUR:02}", look.ink))
            parts.append(_tick(x, look))
        parts += _bar(slots[quarter], x + 1.5, wide - 3, tall / top, look)
    title = escape(words["arrivals"])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {look.width} {look.height}"'
        f' role="img" font-family="{FONTS}" font-size="{look.letters}">'
        f"<title>{title}</title>{_patterns(look)}{''.join(parts)}</svg>"
    )


def _span(slots: Sequence[Slot], now: int) -> tuple[int, int]:
    """Whole hours: the first quarter drawn, and the one after the last."""
    busy = [quarter for quarter, slot in enumerate(slots) if slot.came or slot.away]
    first = min([*busy, FIRST, now]) // OF_HOUR * OF_HOUR
    last = max([*busy, first + LEAST - 1, min(now, QUARTERS - 1)]) // OF_HOUR * OF_HOUR + OF_HOUR
    return max(0, min(first, QUARTERS - LEAST)), min(last, QUARTERS)


def _step(most: int) -> int:
    """Between lines of the grid: at most five of them."""
    power = 1
    while True:
        for step in STEPS:
            if step * power * 5 >= most:
                return step * power
        power *= 10


def _height(slot: Slot) -> int:
    return max(slot.came, slot.answered + slot.abandoned + slot.away)


def _bar(slot: Slot, x: float, wide: float, unit: float, look: Look) -> list[str]:
    counts = {name: getattr(slot, name, 0) for name in PARTS}
    counts["other"] = _height(slot) - sum(counts.values())
    base, found = float(look.height - BOTTOM), []
    for name in PARTS:
        tall = counts[name] * unit
        if tall:
            base -= tall
            found.append(_box((x, base), wide, tall, name, look))
    if slot.kept:
        found.append(_text(x + wide / 2, base - 3, f"↺{slot.kept}", look.kept, "middle"))
    return found


def _box(place: tuple[float, float], wide: float, tall: float, name: str, look: Look) -> str:
    x, y = place
    plain = name in ("answered", "other")
    fill = getattr(look, name) if plain else f"url(#{name})"
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}" fill="{fill}"'
        f' stroke="{getattr(look, name)}"/>'
    )


def _legend(words: Mapping[str, str], look: Look) -> list[str]:
    found, x = [], float(LEFT)
    for name in PARTS:
        found.append(_box((x, 8), 16, 12, name, look))
        found.append(_text(x + 22, 19, words[f"part_{name}"], look.ink))
        wide = sum(0.62 if letter < "\u2e80" else 1.1 for letter in words[f"part_{name}"])
        x += 44 + wide * look.letters
    return [*found, _text(x, 19, f"↺ {words['part_kept']}", look.ink)]


def _grid(top: int, step: int, tall: int, look: Look) -> list[str]:
    found = []
    for count in range(0, top + 1, step):
        y = look.height - BOTTOM - tall * count / top
        found.append(
            f'<path d="M{LEFT} {y:.1f}H{look.width - RIGHT}" stroke="{look.line}" fill="none"/>'
        )
        found.append(_text(LEFT - 6, y + 4, str(count), look.ink, "end"))
    return found


def _tick(x: float, look: Look) -> str:
    return f'<path d="M{x:.1f} {look.height - BOTTOM}v5" stroke="{look.line}" fill="none"/>'


def _text(x: float, y: float, words: str, colour: str, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" fill="{colour}" text-anchor="{anchor}"'
    return f"<text {place}>{escape(words)}</text>"


def _patterns(look: Look) -> str:
    lines = {"abandoned": "M0 6L6 0", "away": "M0 0H6M0 3H6"}
    found = (
        f'<pattern id="{name}" width="6" height="6" patternUnits="userSpaceOnUse">'
        f'<path d="{path}" stroke="{getattr(look, name)}" stroke-width="2" fill="none"/>'
        "</pattern>"
        for name, path in lines.items()
    )
    return f"<defs>{''.join(found)}</defs>"
