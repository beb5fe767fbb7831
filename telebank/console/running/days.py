"""Days of the event log, folded: each kept for a while, for all screens together."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import date, datetime, time, timedelta, tzinfo

from sqlalchemy import Engine

from telebank.console.shared import Shared
from telebank.reports.running import KINDS, Fact, Running
from telebank.store.eventlog import LoggedEvent
from telebank.store.seat_views import day_events

FRESH_S = 10.0
"""So old the present day may be shown."""
KEPT_S = 600.0
"""So long a day that is over is kept: nothing comes to it but what a fault held back."""
MOST_DAYS = 8
MOST_FACTS = 500_000
"""Of a day; what comes after them is not counted, and the page says so."""


class DayTooLong(ValueError):  # noqa: N818 - what the day is
    """More events than are counted."""


class RunningDays:
    """Days by the bank's clock; safe for threads."""

    def __init__(self, engine: Engine, zone: tzinfo, now: Callable[[], datetime]) -> None:
        self._engine = engine
        self._zone = zone
        self._now = now
        self._lock = threading.Lock()
        self._days: OrderedDict[date, Shared[Running]] = OrderedDict()

    def today(self) -> date:
        """Of the bank's clock."""
        return self._now().astimezone(self._zone).date()

    def day(self, day: date) -> Running:
        """A day; raises `DayTooLong`."""
        with self._lock:
            fresh_s = FRESH_S if day == self.today() else KEPT_S
            kept = self._days.pop(day, None) or Shared(lambda: self._read(day), fresh_s)
            self._days[day] = kept
            while len(self._days) > MOST_DAYS:
                self._days.popitem(last=False)
        return kept.get()

    def _read(self, day: date) -> Running:
        since = datetime.combine(day, time(), self._zone)
        until = since + timedelta(days=1)
        facts: list[Fact] = []
        with self._engine.connect() as connection:
            for found, _ in day_events(connection, since, KINDS, {}, until=until):
                facts += (self._fact(one, since) for one in found if since <= one.at < until)
                if len(facts) > MOST_FACTS:
                    raise DayTooLong(f"{day}: more than {MOST_FACTS} events")
        running = Running()
        for fact in sorted(facts, key=lambda one: one.at_s):  # of all nodes together
            running.take(fact)
        return running

    @staticmethod
    def _fact(event: LoggedEvent, since: datetime) -> Fact:
        at_s = (event.at - since).total_seconds()
        return Fact(event.kind, at_s, event.node, event.call or "", event.outcome, event.detail)
