"""The running host's view of the business date: who asks, when it moved, when it will."""

import math
import sqlite3
import time
from datetime import date, datetime

import structlog

from core_adapters.corehost.calendar import Calendar, CutOverRefused
from core_adapters.corehost.ledger import transaction

log = structlog.get_logger("corehost.day")


class Day:
    """One for a process; the database's writer is the only one who moves the date."""

    def __init__(self, db: sqlite3.Connection, calendar: Calendar, now: datetime) -> None:
        self._db = db
        self._calendar = calendar
        with transaction(db):
            self._told = calendar.today(now)
        self._moved_at = -math.inf

    def today(self, now: datetime) -> date:
        """The business date, a cut-over done whose time has come.

        Where the database will not take it, the date stays until it will."""
        try:
            with transaction(self._db):
                return self._calendar.today(now)
        except sqlite3.Error as error:
            log.error("date_not_moved", error=type(error).__name__)
            return self._told

    def cut_over(self, now: datetime) -> date | CutOverRefused:
        """Begin the next business date, durably; a refusal is a value."""
        try:
            with transaction(self._db):
                return self._calendar.cut_over(now)
        except CutOverRefused as refusal:
            log.warning("cut_over_refused", why=str(refusal))
            return refusal
        except sqlite3.Error as error:
            log.error("date_not_moved", error=type(error).__name__)
            return CutOverRefused("the database would not take it; see the log")

    def moved(self) -> date | None:
        """The date, where it has moved on since this was asked last."""
        (text,) = self._db.execute("SELECT date FROM business_day").fetchone()
        known = date.fromisoformat(text)
        if known == self._told:
            return None
        self._told, self._moved_at = known, time.monotonic()
        return known

    def since_s(self) -> float:
        """Seconds since it moved on under this process; infinite where it did not."""
        return time.monotonic() - self._moved_at

    def next_s(self, now: datetime) -> float:
        """Seconds until the clock comes to the next cut-over."""
        return (self._calendar.next_at(now) - now).total_seconds()
