"""On which dates a scheduled transfer is due, and what is done about a date that has passed.

The rule: each due date once, and never before the host's business date has reached it; oldest
first; carried out up to `grace` days late (a bank holiday, a host away, an empty account); a date
older than that is missed, and the customer is told. A month without the day of the first date has
its last day instead. Pure functions: the day is the host's, never our clock's.
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, get_args

Every = Literal["once", "week", "month"]
EVERY: tuple[Every, ...] = get_args(Every)
WEEK = timedelta(days=7)
MONTHS = 12
MOST_AT_ONCE = 60
"""Due dates of one order that one look sorts; the next look goes on."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """The first date, how often, and the last day on which one may fall."""

    first: date
    every: Every
    last: date | None = None

    def __post_init__(self) -> None:
        if self.last is not None and self.last < self.first:
            raise ValueError("the last day is before the first date")

    def dates(self) -> Iterator[date]:
        """Every due date, in order; without end where there is no last day."""
        number = 0
        while (due := self._number(number)) is not None:
            yield due
            number += 1

    def after(self, day: date) -> date | None:
        """The first due date later than `day`."""
        return next((due for due in self._around(day) if due > day), None)

    def _around(self, day: date) -> Iterator[date]:
        """Due dates from at most one before `day` on."""
        number = 0
        if self.every == "week":
            number = max((day - self.first) // WEEK, 0)
        elif self.every == "month":
            months = (day.year - self.first.year) * MONTHS + day.month - self.first.month
            number = max(months - 1, 0)
        while (due := self._number(number)) is not None:
            yield due
            number += 1

    def _number(self, number: int) -> date | None:
        """The due date of this number, from 0; None past the last one."""
        if number and self.every == "once":
            return None
        try:
            due = self._any(number)
        except (ValueError, OverflowError):  # beyond the year 9999
            return None
        return None if self.last is not None and due > self.last else due

    def _any(self, number: int) -> date:
        if self.every != "month":
            return self.first + number * WEEK
        months = self.first.month - 1 + number
        year, month = self.first.year + months // MONTHS, months % MONTHS + 1
        if year > date.max.year:
            raise OverflowError(year)
        return date(year, month, min(self.first.day, calendar.monthrange(year, month)[1]))


@dataclass(frozen=True, slots=True)
class Sorted:
    """What is to be done about an order on a day."""

    due: tuple[date, ...]
    """Dates that have come, oldest first, the missed ones before the others."""
    next: date | None
    """The date that comes after them; none: the order has ended."""


def sort_out(schedule: Schedule, next_due: date, today: date) -> Sorted:
    """The dates that have come since `next_due`, the first one that nothing was done about.
    `today` is the host's business date."""
    due: list[date] = []
    coming: date | None = next_due
    while coming is not None and coming <= today and len(due) < MOST_AT_ONCE:
        due.append(coming)
        coming = schedule.after(coming)
    return Sorted(tuple(due), coming)


def too_late(due: date, today: date, grace: int) -> bool:
    """Whether a due date is more than `grace` days old, and so missed."""
    return (today - due).days > grace


def request_id(number: int, due: date, attempt: int = 1) -> str:
    """`order-NUMBER-YYYYMMDD` (rule 15): one request for an order and due date. Where that one has
    ended without money moved and is tried again, `.2` and so on follow."""
    name = f"order-{number}-{due:%Y%m%d}"
    return name if attempt == 1 else f"{name}.{attempt}"
