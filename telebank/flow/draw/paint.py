"""Colours and places that both printers of a page share."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from telebank.flow.draw.scene import PAD, SIZES, Box, Words

INK, GREY, LINE = "#1c2430", "#66707c", "#8b94a1"
BADGE: Mapping[str, str] = MappingProxyType({"way": "#1f4e79", "link": "#1f4e79"})


@dataclass(frozen=True, slots=True)
class Look:
    """Of a box: colours, width of its edge, radius of its corners, in points."""

    fill: str
    edge: str
    weight: float = 0.9
    round: float = 5.0


_PLAIN = Look("#ffffff", "#8b94a1")
_LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "menu": Look("#eef4fa", "#1f4e79"),
        "collect": Look("#f4f9f4", "#3c7d52"),
        "secret": Look("#f4f9f4", "#3c7d52", 1.4),
        "confirm": Look("#fff8e8", "#b07a10", 1.4),
        "call": Look("#f1f3f6", "#66707c"),
        "state": Look("#fdf3e7", "#c06a1b", 1.6),
        "money": Look("#fdecea", "#b3261e", 2.2),
        "enter": Look("#ffffff", "#1f4e79", 1.2, 12.0),
        "return": Look("#f7f7f9", "#8b94a1", 0.9, 12.0),
        "exit": Look("#f7f7f9", "#8b94a1", 0.9, 12.0),
        "queue": Look("#f5f0fa", "#6b4a93"),
        "fax": Look("#f5f0fa", "#6b4a93"),
    }
)


def look_of(box: Box) -> Look:
    """How a box is drawn, by its kind."""
    return _LOOKS.get(box.kind, _PLAIN)


def lines_of(box: Box) -> Iterator[tuple[Words, float, float, str]]:
    """The lines of a box with the left end of each one's foot, and its colour."""
    y = box.y + PAD
    for line in box.lines:
        y += line.height
        if line.role == "head":
            colour = look_of(box).edge
        else:
            colour = {"body": INK, "way": BADGE["way"]}.get(line.role, GREY)
        yield line, box.x + PAD, y - 0.3 * SIZES[line.role], colour
