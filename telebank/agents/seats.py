"""A seat: a person of the staff who sits at a desk, and the states that he goes through.

A seat is rung for one caller at a time and only while it is ready; everything that it does beside
(wrap-up, a break, a call of its own) keeps calls of all queues away from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from telebank.agents.line_up import Need

MAX_CALLS = 8
"""Conversations of one seat at once: his own, those he consults with."""
MAX_WORDS = 64
"""Characters of a reason."""
LANGUAGE = "lang."
"""What a skill that is a language begins with."""


class SeatState(StrEnum):
    """What a seat is at."""

    READY = "ready"
    RINGING = "ringing"
    """His phone rings, or a customer is rung who kept his place: he is reserved for him."""
    TALKING = "talking"
    WRAP_UP = "wrap_up"
    BUSY = "busy"
    BREAK = "break"
    OFFLINE = "offline"


_S = SeatState
MOVES: Mapping[SeatState, frozenset[SeatState]] = MappingProxyType(
    {
        _S.OFFLINE: frozenset({_S.BUSY, _S.READY, _S.BREAK}),
        _S.READY: frozenset({_S.RINGING, _S.TALKING, _S.BUSY, _S.BREAK, _S.OFFLINE}),
        _S.RINGING: frozenset({_S.TALKING, _S.READY, _S.BUSY, _S.BREAK, _S.OFFLINE}),
        _S.TALKING: frozenset({_S.WRAP_UP, _S.READY, _S.BUSY, _S.BREAK, _S.OFFLINE}),
        _S.WRAP_UP: frozenset({_S.TALKING, _S.READY, _S.BUSY, _S.BREAK, _S.OFFLINE}),
        # Another reason is a move too: the board shows it.
        _S.BUSY: frozenset({_S.READY, _S.BUSY, _S.BREAK, _S.TALKING, _S.OFFLINE}),
        _S.BREAK: frozenset({_S.READY, _S.BUSY, _S.BREAK, _S.TALKING, _S.OFFLINE}),
    }
)
"""What may follow what. A seat is offered calls in READY alone, and only RINGING comes of it."""
WORKING = frozenset({_S.READY, _S.RINGING, _S.TALKING, _S.WRAP_UP})
"""States in which a seat takes calls, or will without a further word."""


class IllegalTransition(Exception):  # noqa: N818 - reads as what it is
    """A move that the table does not have: a bug of the machine, never of who told it."""


def check(current: SeatState, target: SeatState) -> None:
    """Raise `IllegalTransition` unless the table has `current` to `target`."""
    if target not in MOVES[current]:
        raise IllegalTransition(f"a seat that is {current} does not become {target}")


@dataclass(slots=True)
class Seat:
    """One person at a desk. Times are monotonic seconds."""

    id: str
    name: str
    skills: Mapping[str, int]
    days: int
    wrap_up_s: float | None
    """His own seconds; None: those of the queue."""
    since: float
    """When the state began."""
    seen: float
    state: SeatState = SeatState.OFFLINE
    reason: str = ""
    present: bool = True
    leaving: str | None = None
    """Logged out during a call: who did it; None: he stays."""
    call: str = ""
    """Who rings, or with whom he talks first."""
    calls: dict[str, float] = field(default_factory=dict)
    """All that he talks with, and since when."""
    queue: str = ""
    """Of the call: whose wrap-up holds."""
    after: SeatState = SeatState.READY
    """What follows the call and its wrap-up."""
    after_reason: str = ""
    worked: float = 0.0
    """When the present call began: talk and wrap-up are counted from there."""
    talked: float = 0.0
    """Seconds of talk in it."""
    levels: dict[Need, int] = field(default_factory=dict)
    """Level for each need that was asked about; 0: he does not serve it."""

    @property
    def takes(self) -> bool:
        """Whether he may be offered calls again without logging in: else he is as good as gone."""
        return self.leaving is None

    def speaks(self, language: str) -> bool:
        """Who names no language is taken to speak them all."""
        if f"{LANGUAGE}{language}" in self.skills:
            return True
        return not any(skill.startswith(LANGUAGE) for skill in self.skills)
