"""The bank's business date: a row that moves on at a cut-over, and never back.

By itself it moves where the bank's clock passes the cut-over time; by hand it may move before. What
is posted carries the date of its commit, and its reply carries the same date in field 15.
"""

import sqlite3
from datetime import UTC, date, datetime, time, timedelta

from core_adapters.corehost.rules import BANK_OFFSET, Rules, business_date

SCHEMA = """
CREATE TABLE business_day (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    date TEXT NOT NULL,
    since TEXT NOT NULL
) STRICT;
"""
_MOVE = (
    "INSERT INTO business_day VALUES (1, ?, ?)"
    " ON CONFLICT DO UPDATE SET date = excluded.date, since = excluded.since"
)
LEAP_YEARS = 8
"""29 February comes again after at most this many years."""


class CutOverRefused(Exception):  # noqa: N818 - reads as what it is
    """The business date may not move on; says why."""


class Calendar:
    """The row `business_day`; the caller brings the transaction."""

    def __init__(self, db: sqlite3.Connection, rules: Rules) -> None:
        self._db = db
        self._rules = rules
        self._read: tuple[datetime, date] | None = None

    def today(self, now: datetime) -> date:
        """The business date at `now`; a cut-over whose time has come happens here.

        Read once for one `now`: every message of a batch has the same, and asks several times.
        """
        if self._read is None or self._read[0] != now:
            self._read = (now, self._at(now))
        return self._read[1]

    def _at(self, now: datetime) -> date:
        row = self._db.execute("SELECT date FROM business_day").fetchone()
        by_clock = business_date(now, self._rules.cut_over)
        if row is not None and date.fromisoformat(row[0]) >= by_clock:
            return date.fromisoformat(row[0])
        self._move(by_clock, now)
        return by_clock

    def cut_over(self, now: datetime) -> date:
        """Begin the next business date now; raises `CutOverRefused` where that is too far ahead."""
        following = self.today(now) + timedelta(days=1)
        ahead = (following - business_date(now, self._rules.cut_over)).days
        if ahead > self._rules.most_days_ahead:
            raise CutOverRefused(
                f"{following} is {ahead} days ahead of the clock; at most "
                f"{self._rules.most_days_ahead}: wait until a day has passed"
            )
        self._move(following, now)
        return following

    def _move(self, to: date, now: datetime) -> None:
        self._read = None
        self._db.execute(_MOVE, (to.isoformat(), now.isoformat(timespec="microseconds")))

    def next_at(self, now: datetime) -> datetime:
        """When (UTC) the clock comes to the next cut-over."""
        local = now.astimezone(UTC) + BANK_OFFSET
        at = datetime.combine(local.date(), self._rules.cut_over or time(0), UTC)
        if at <= local:
            at += timedelta(days=1)
        return at - BANK_OFFSET


def latest(month_day: str, today: date) -> date | None:
    """The latest date not after `today` that MMDD names; None where it names none."""
    if len(month_day) != 4 or not (month_day.isascii() and month_day.isdigit()):  # noqa: PLR2004
        return None
    month, day = int(month_day[:2]), int(month_day[2:])
    for year in range(today.year, today.year - LEAP_YEARS - 1, -1):
        try:
            found = date(year, month, day)
        except ValueError:
            continue
        if found <= today:
            return found
    return None
