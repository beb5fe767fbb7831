"""Black and white of a page with shades: what can be read on it stays readable.

No one level tells ink from paper where text stands on shading, is white on dark, or is itself
grey. So each dot is judged by what is around it. A closing (the page without its dark strokes) and
an opening (without its light ones) give the two levels that the strokes of a place lie between, and
leave the edges of areas where they are. Between them a stroke is cut at the same share of the way
as black on white is. An area, wider than any stroke, is white about dark strokes and black about
light ones; with nothing written on it, it is cut as a plain page is. Photographs are not screened:
dots would cost the line minutes, and nothing has to be read in them.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

__all__ = ["THRESHOLD", "black_and_white"]

Levels = NDArray[np.uint8]
"""Lines by dots; 0 is black."""
Mask = NDArray[np.bool_]
Pick = np.ufunc
"""The greater or the less of two, or of two masks."""

Kind = TypeVar("Kind", bound=np.generic)

THRESHOLD = 165
"""Of 255: what is darker is black, where black is on white."""
STROKE = 17
"""Dots across: a stroke is narrower than 2 mm, an area is not. Strokes of letters of 40 points are
narrower, and a row of a table is not."""
NEAR = 9
"""Dots across: a stroke of black within half a millimetre is the same letter."""
INK = 36
"""Least difference of a stroke and its area, of 255: grey of 0.85 on white, and more than the noise
of a picture."""
SAME = 12
"""Most difference of levels within an area."""
PALE, DARK = 200, 70
"""Areas at least as light are white, darker ones black, whatever is written on them."""
WRITTEN = 60
"""Least difference of letters and the area that they decide on."""
AREA = 1000
"""Dots of a shade, which is a quarter of a square centimetre: of fewer it is no area."""
LINE = 65
"""Dots across: what runs on for 8 mm is a line or a gap, no letter."""
CELL = 8
"""Dots to the millimetre, about."""
REACH = 9
"""Cells down whose letters say what the areas of a line are: those of its own row of a table."""
PICTURE = 0.3
"""Share of a place's dots that are neither as light nor as dark as what is around them: from here
on it is a picture. Of small text it is a sixth."""


def black_and_white(sheet: Image.Image, lines: int) -> Image.Image:
    """A grey sheet of square dots as a page of so many lines, of mode `1`."""
    grey = sheet.resize((sheet.width, lines), Image.Resampling.BOX)
    levels: Levels = np.asarray(grey)
    white = levels >= THRESHOLD if _plain(levels) else _shaded(levels, lines / sheet.height)
    return Image.fromarray(white.astype(np.uint8) * 255).convert("1", dither=Image.Dither.NONE)


def _plain(levels: Levels) -> bool:
    """Whether all is black on white: nothing is evenly grey, and no ink is only grey."""
    even = _over(levels, 3, 3, np.maximum) - _over(levels, 3, 3, np.minimum) <= SAME
    if (even & (levels > SAME) & (levels < 255 - SAME)).any():
        return False
    darkest = _cells(levels, CELL, np.minimum.reduce)
    around = _over(darkest, 3, 3, np.minimum)
    return not ((darkest < 255 - INK) & (around >= THRESHOLD - INK)).any()


def _shaded(levels: Levels, aspect: float) -> Mask:
    """Which dots are white. `aspect`: lines to dots of a line, of the same length."""
    size = (STROKE, _odd(STROKE * aspect))
    paper = _over(_over(levels, *size, np.maximum), *size, np.minimum)
    ink = _over(_over(levels, *size, np.minimum), *size, np.maximum)
    text = (paper - ink >= INK) & ~_picture(levels, paper, ink, aspect)
    strokes = levels >= _cut(levels, paper, ink, aspect)
    return np.where(text, strokes, _areas(levels, text, paper, ink, aspect))


def _picture(levels: Levels, paper: Levels, ink: Levels, aspect: float) -> Mask:
    """Places that are no text: cut between what is around it, grain would be a page of dots."""
    apart = (paper - ink) // 5
    between = (paper - ink >= INK) & (levels - ink > apart) & (paper - levels > apart)
    share = _cells(between, _tall(aspect), np.add.reduce) / (CELL * _tall(aspect))
    share = np.pad(share, 2)
    for axis in (0, 1):
        share = np.lib.stride_tricks.sliding_window_view(share, 5, axis).mean(axis=-1)
    return _spread(share > PICTURE, aspect, levels)


def _cut(levels: Levels, paper: Levels, ink: Levels, aspect: float) -> Levels:
    """From which level on a dot among strokes is white."""
    near = (NEAR, _odd(NEAR * aspect))
    low = np.minimum(ink, _over(levels, *near, np.minimum))
    high = np.maximum(paper, _over(levels, 5, _odd(5 * aspect), np.maximum))
    low = np.where(ink == levels, low, ink)
    high = np.where(paper == levels, high, paper)
    return low + ((high - low).astype(np.uint16) * THRESHOLD // 255).astype(np.uint8)


def _areas(levels: Levels, text: Mask, paper: Levels, ink: Levels, aspect: float) -> Mask:
    """Of areas, which are white: each is what the letters on it and its like need."""
    at, even = np.full_like(levels, THRESHOLD), paper - ink < INK
    dark = _letters(text & (paper - levels >= WRITTEN), aspect)
    light = _letters(text & (levels - ink >= WRITTEN), aspect)
    for shade in range(DARK, PALE, SAME):
        area = even & (levels >= shade) & (levels < shade + SAME)
        if np.count_nonzero(area) < AREA:
            continue
        on_dark = _about(dark & _like(paper, shade), aspect)
        on_light = _about(light & _like(ink, shade), aspect)
        at[area & (on_dark > on_light)] = DARK
        at[area & (on_light > on_dark)] = PALE
    return levels >= at


def _like(levels: Levels, shade: int) -> Mask:
    return (levels >= shade - SAME) & (levels < shade + 2 * SAME)


def _letters(strokes: Mask, aspect: float) -> Mask:
    """Strokes that are no lines, across or down."""
    found = strokes.copy()
    for wide, tall in ((LINE, 1), (1, _odd(LINE * aspect))):
        found &= ~_over(_over(strokes, wide, tall, np.logical_and), wide, tall, np.logical_or)
    return found


def _about(marked: Mask, aspect: float) -> NDArray[np.int64]:
    """How many dots are marked in the lines about each line."""
    lines = np.pad(_cells(marked, _tall(aspect), np.add.reduce).sum(axis=1), REACH // 2)
    about = np.lib.stride_tricks.sliding_window_view(lines, REACH).sum(axis=-1)
    return _spread(about[:, None], aspect, marked)


def _spread(cells: NDArray[Kind], aspect: float, like: Mask | Levels) -> NDArray[Kind]:
    """Cells as dots, or one column of them as lines."""
    wide = CELL if cells.shape[1] > 1 else 1
    return cells.repeat(_tall(aspect), 0).repeat(wide, 1)[: like.shape[0], : like.shape[1]]


def _tall(aspect: float) -> int:
    """Lines of a cell."""
    return max(1, round(CELL * aspect))


def _cells(levels: Any, tall: int, pick: Callable[..., Any]) -> Any:
    """One value for each cell of so many lines; the last ones repeat the edge."""
    edge = [(0, -levels.shape[0] % tall), (0, -levels.shape[1] % CELL)]
    padded = np.pad(levels, edge, mode="edge")
    shape = (padded.shape[0] // tall, tall, padded.shape[1] // CELL, CELL)
    return pick(padded.reshape(shape), axis=(1, 3))


def _over(levels: Any, wide: int, tall: int, pick: Pick) -> Any:
    """The greatest or least over a window about each dot, of odd width and height."""
    for axis, size in ((1, wide), (0, tall)):
        edge = [(0, 0), (0, 0)]
        edge[axis] = (size // 2, size // 2)
        seen, have = np.moveaxis(np.pad(levels, edge, mode="edge"), axis, 0), 1
        while have < size:
            step = min(have, size - have)
            seen, have = pick(seen[:-step], seen[step:]), have + step
        levels = np.moveaxis(seen, 0, axis)
    return levels


def _odd(size: float) -> int:
    return max(3, round((size - 1) / 2) * 2 + 1)
