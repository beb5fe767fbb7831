"""Callers who wait: in lines, one for each need, in the order of the queue's scoring.

The score of a caller grows with every minute alike, so that the order of two callers never
changes: it is kept as one number a caller, seconds of the clock minus what he is worth in
seconds. Callers of one line ask for the same thing, so a seat looks at the heads of lines only.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from telebank.agents.events import Caller


class Need(NamedTuple):
    """What a seat must be to take a caller."""

    queue: str
    skill: str
    """One of the queue's; empty: any of them."""
    language: str
    reach: int = 0
    """So many of the queues that it flows over to are asked too."""
    seat: str = ""
    """This one and no other."""


class Standing(StrEnum):
    """How somebody waits."""

    WAITING = "waiting"
    OFFERED = "offered"
    """A seat rings for him, or he is being called back for it."""
    CHOOSING = "choosing"
    """The queue is full, and a call-back was offered to him."""
    MOVING = "moving"
    """Between two of these, within one event."""
    KEPT = "kept"
    """Called back later: not yet, since his line is still up, or after a try that failed."""


@dataclass(slots=True, eq=False)
class Waiting:
    """One who waits. Times are monotonic seconds."""

    caller: Caller
    need: Need
    came: float
    """When he entered this queue."""
    since: float
    """When his waiting began, what he waited before included."""
    key: float
    """Smaller is served first."""
    number: int
    """Of his coming, for those whose keys are equal."""
    day: int
    quarter: int
    """Of the day, in which he came."""
    standing: Standing = Standing.MOVING
    seat: str = ""
    """Who is rung for him."""
    call_back: bool = False
    """He hung up and kept his place."""
    cleared: bool = False
    """His own line is down: he can be rung."""
    tries: int = 0
    said_place: int = 0
    said_minutes: int = 0
    quiet: int = 0
    """Announcements in a row that had no news."""
    offered_call_back: bool = False
    typed: int = 0
    """Other numbers to be called back at that he began to key."""
    back_at: str = field(default="", repr=False)
    """The number that he is called back at."""
    forecast_s: float | None = None
    """The first wait that he was told."""
    forecast_at: float = 0.0
    """When that was."""

    @property
    def call(self) -> str:
        """Reference of his call."""
        return self.caller.call


Entry = tuple[float, int, Waiting]


@dataclass(slots=True)
class Line:
    """Those of one need, who is first in front."""

    need: Need
    entries: list[Entry] = field(default_factory=list)

    def add(self, waiting: Waiting) -> None:
        """Stand where the key says."""
        insort(self.entries, (waiting.key, waiting.number, waiting))

    def remove(self, waiting: Waiting) -> None:
        """Stand here no more."""
        del self.entries[self.ahead(waiting.key, waiting.number)]

    def ahead(self, key: float, number: int) -> int:
        """How many are served before such a key."""
        return bisect_left(self.entries, (key, number))


class LineUp:
    """All lines that somebody stands in."""

    def __init__(self) -> None:
        self._lines: dict[Need, Line] = {}

    def __iter__(self) -> Iterator[Line]:
        return iter(self._lines.values())

    def __len__(self) -> int:
        return sum(len(line.entries) for line in self)

    def add(self, waiting: Waiting) -> None:
        """Stand in the line of his need."""
        line = self._lines.get(waiting.need)
        if line is None:
            line = self._lines[waiting.need] = Line(waiting.need)
        line.add(waiting)

    def remove(self, waiting: Waiting) -> None:
        """Leave it; a line in which nobody stands is no more."""
        line = self._lines[waiting.need]
        line.remove(waiting)
        if not line.entries:
            del self._lines[waiting.need]

    def of(self, queue: str) -> Iterator[Line]:
        """Those of one queue."""
        return (line for line in self if line.need.queue == queue)
