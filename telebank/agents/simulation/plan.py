"""What is played: who calls how often, and who sits there. All by chance is exponential."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite

from telebank.agents.options import MAX_LEVEL, CentreOptions, skills_of
from telebank.agents.seats import LANGUAGE

MAX_CALLS = 1_000_000
"""Of one play."""
MAX_STREAMS = 50
MAX_PER_HOUR = 100_000.0
MAX_SECONDS = 7_200.0
"""Of a mean talk, of patience, of a phone's ringing."""
TEN_ON_MONDAY = datetime(2026, 1, 5, 10, 0)  # noqa: DTZ001 - the bank's wall clock


class PlanError(ValueError):
    """A plan that cannot be played: what, and what may stand there."""


@dataclass(frozen=True, slots=True)
class Stream:
    """Callers of one kind, who come at random (Poisson)."""

    skill: str
    """What the menus ask for."""
    per_hour: float
    talk_s: float = 180.0
    """Mean seconds of talk; the wrap-up is the queue's."""
    language: str = "zh"
    level: int = 0
    """Importance of the customers."""
    business: str = ""
    """What they were at in the menus."""

    def __post_init__(self) -> None:
        _between(f"calls an hour for {self.skill}", self.per_hour, 1e-6, MAX_PER_HOUR)
        _between(f"seconds of talk for {self.skill}", self.talk_s, 0.1, MAX_SECONDS)
        _between(f"importance of callers for {self.skill}", self.level, 0, MAX_LEVEL)


@dataclass(frozen=True, slots=True)
class Staff:
    """People who can do the same: level 1 to 9 by skill."""

    skills: tuple[tuple[str, int], ...]
    count: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One play."""

    options: CentreOptions
    streams: Sequence[Stream]
    staff: Sequence[Staff]
    calls: int = 10_000
    """That are counted, of all streams together."""
    warm_up: int = 0
    """Calls before them: a centre in which nobody waits yet is no measure."""
    patience_s: float | None = None
    """Mean seconds that a caller waits before he gives up; None: nobody does."""
    answer_s: float = 0.0
    """Seconds that a seat's phone rings, and a customer's who is called back."""
    call_back: float = 0.0
    """Part of the callers who take a call-back when it is offered, 0 to 1."""
    at: datetime = TEN_ON_MONDAY
    """The bank's wall clock, which stands still: whose hours are open."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.streams) <= MAX_STREAMS:
            raise PlanError(f"{len(self.streams)} kinds of callers: give 1 to {MAX_STREAMS}")
        seats = sum(one.count for one in self.staff)
        if not 1 <= seats <= self.options.seats or any(one.count < 1 for one in self.staff):
            most = self.options.seats
            raise PlanError(f"{seats} seats: give 1 to {most}, the `seats` of the queues' file")
        for one in self.staff:
            for skill, level in one.skills:
                _between(f"level of the skill {skill}", level, 1, MAX_LEVEL)
        _between("calls", self.calls, 1, MAX_CALLS)
        _between("calls before those that are counted", self.warm_up, 0, MAX_CALLS)
        if self.patience_s is not None:
            _between("seconds of patience", self.patience_s, 0.1, MAX_SECONDS)
        _between("seconds to answer", self.answer_s, 0, MAX_SECONDS)
        _between("part that takes a call-back", self.call_back, 0, 1)

        self._refuse_unknown()
        shortest = min((queue.rings_s for queue in self.options.queues), default=0.0)
        if self.answer_s >= min(shortest, self.options.call_back_s):
            raise PlanError(
                f"phones that ring {self.answer_s:g} s are never answered: a queue's rings_s, or"
                " call_back_s, is no longer; give less"
            )

    def _refuse_unknown(self) -> None:
        """A skill that no queue has is a slip of the pen, and an empty centre would be played."""
        queues = self.options.queues
        asked = {skill for queue in queues for skill in queue.skills}
        had = skills_of(queues)
        given = {name for one in self.staff for name, _ in one.skills}
        seated = {name for name in given if not name.startswith(LANGUAGE)}
        for who, unknown, known in (
            ("callers ask for", {one.skill for one in self.streams} - asked, asked),
            ("seats have", seated - had, had),
        ):
            if unknown:
                names = ", ".join(sorted(known))
                raise PlanError(f"{who} {min(unknown)}, which no queue has: known are {names}")

    @property
    def seats(self) -> int:
        """All who sit there."""
        return sum(one.count for one in self.staff)


def _between(what: str, value: float, least: float, highest: float) -> None:
    if not isfinite(value) or not least <= value <= highest:
        raise PlanError(f"{what} is {value:g}: give {least:g} to {highest:g}")
