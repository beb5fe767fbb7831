"""What a page of a picture consists of: boxes, arrows and texts, in points from the top left."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

Measure = Callable[[str, float], float]
"""Width of a text in a size, both in points."""
Mark = Literal["", "money", "state"]
Role = Literal["head", "body", "note", "way", "small"]

SIZES: dict[Role, float] = {"head": 8.5, "body": 8.0, "note": 7.0, "way": 7.0, "small": 6.5}
LEADING = 1.32


@dataclass(frozen=True, slots=True)
class Words:
    """One line of text, already as wide as it may be; `target` is the box that it leads to."""

    text: str
    role: Role = "body"
    way: "Way | None" = None

    @property
    def height(self) -> float:
        """Of the line, in points."""
        return SIZES[self.role] * LEADING


@dataclass(frozen=True, slots=True)
class Way:
    """One way out of a node: an edge of the flow, and what it is called."""

    source: str
    target: str
    via: str
    label: str


@dataclass(slots=True)
class Box:
    """One node. `lines` are head first; `number` is what ways that are not drawn call it by."""

    node: str
    number: int
    kind: str
    mark: Mark
    lines: list[Words]
    width: float
    link: str | None = None
    """The sub-flow that it enters, on a page of its own."""
    x: float = 0.0
    y: float = 0.0

    @property
    def height(self) -> float:
        """With its margins."""
        return sum(line.height for line in self.lines) + 2 * PAD

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """Its lower edge."""
        return self.y + self.height


PAD = 6.0
"""Between a box's edge and its text."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """Ways from one box to another, drawn from point to point; `at` is where their label begins
    (the foot of the text)."""

    ways: tuple[Way, ...]
    label: str
    points: tuple[tuple[float, float], ...]
    at: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Text:
    """A line outside boxes; `way` where it tells of one."""

    text: str
    x: float
    y: float
    role: Role = "note"
    way: Way | None = None


@dataclass(slots=True)
class Page:
    """One flow. `everywhere` holds what is the same at most of its nodes."""

    flow: str
    title: str
    keys: str
    """What a caller presses to come here."""
    boxes: list[Box] = field(default_factory=list)
    arrows: list[Arrow] = field(default_factory=list)
    everywhere: list[Text] = field(default_factory=list)
    width: float = 0.0
    height: float = 0.0
    number: int = 0
