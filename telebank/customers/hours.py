"""When desks are open: `hours.yaml` of a release, and the service that tells it.

desks:
  teller: {mon: ["08:30-12:00", "13:30-17:30"], …}   a day without hours is left out
holidays:
  - {on: 2026-10-01, until: 2026-10-07, zh: 国庆节, en: National Day}
workdays: [{on: 2026-10-10, as: fri}]                worked, with the hours of another day
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, timezone
from typing import Literal

from telebank.customers.asked import Asked, Handler
from transactions.clock import Clock
from transactions.outcome import Declined, Outcome, Value

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MIDNIGHT = 24 * 60
"""Minutes of a day: an end of 24:00."""
LOOK_AHEAD_DAYS = 60
"""Days searched for the next opening."""

State = Literal["open", "closed", "holiday"]


@dataclass(frozen=True, slots=True)
class Span:
    """From a minute of the day to before another."""

    first: int
    end: int


Week = Mapping[str, Sequence[Span]]


@dataclass(frozen=True, slots=True)
class Holiday:
    """Days on which every desk is shut, with names for people."""

    first: date
    last: date
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a desk stands, and when it opens next: None where that is not in sight."""

    state: State
    opens: datetime | None


@dataclass(frozen=True, slots=True)
class Hours:
    """Opening hours of every desk, on the bank's wall clock."""

    desks: Mapping[str, Week]
    holidays: Sequence[Holiday] = ()
    workdays: Mapping[date, str] = field(default_factory=dict)
    """Days with the hours of another day of the week, holiday or not."""

    def holiday(self, day: date) -> Holiday | None:
        """The holiday that this day belongs to; none where it is worked all the same."""
        if day in self.workdays:
            return None
        return next((one for one in self.holidays if one.first <= day <= one.last), None)

    def spans(self, desk: str, day: date) -> Sequence[Span]:
        """When a desk is open on a day."""
        if self.holiday(day) is not None:
            return ()
        return self.desks[desk].get(self.workdays.get(day, DAYS[day.weekday()]), ())

    def at(self, desk: str, now: datetime) -> Standing | None:
        """How a desk stands at a moment of the bank's wall clock; None for one that is not here."""
        if desk not in self.desks:
            return None
        minute, today = now.hour * 60 + now.minute, now.date()
        if any(span.first <= minute < span.end for span in self.spans(desk, today)):
            return Standing("open", None)
        state: State = "closed" if self.holiday(today) is None else "holiday"
        return Standing(state, self._next(desk, today, minute))

    def _next(self, desk: str, today: date, minute: int) -> datetime | None:
        for ahead in range(LOOK_AHEAD_DAYS):
            day = today + timedelta(days=ahead)
            for span in self.spans(desk, day):
                if ahead or span.first > minute:
                    opens = time(span.first // 60, span.first % 60)
                    return datetime.combine(day, opens)
        return None


@dataclass(frozen=True, slots=True)
class OpeningHours:
    """The handler."""

    of_release: Callable[[str], Awaitable[Hours | None]]
    """Hours of a release by its hash; None where it has none."""
    clock: Clock
    zone: timezone

    def handlers(self) -> dict[str, Handler]:
        """By service."""
        return {"hours.state": self.state}

    async def state(self, asked: Asked) -> Outcome:
        """The exit is the state; where it is shut, when it opens."""
        hours = await self.of_release(asked.request.release)
        now = self.clock.now().astimezone(self.zone)
        standing = None if hours is None else hours.at(asked.text("desk"), now)
        if standing is None or (standing.state != "open" and standing.opens is None):
            return Declined("unavailable")
        opens = standing.opens
        data: dict[str, Value] = (
            {} if opens is None else {"opens": opens.time(), "on": opens.date()}
        )
        return Declined(standing.state, data)
