"""Today's arrivals, answers of seats and calls to look at, from the event log: read on from where
the last look ended, for all screens together."""

import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time, tzinfo
from typing import Any

from sqlalchemy import Engine

from telebank.agents.figures import QUARTER_S
from telebank.agents.today import KINDS, LATEST_S, Concern, Fact, SeatDay, Slot, Today
from telebank.console.shared import Shared
from telebank.store.eventlog import Cursor, LoggedEvent
from telebank.store.seat_views import day_events

FRESH_S = 3.0
"""So old what is shown may be."""
MINUTE_S = 60.0
MOST_SHOWN = 200
"""Calls to look at, the newest."""


class Days:
    """The present day by the bank's clock; safe for threads."""

    def __init__(
        self,
        engine: Engine,
        zone: tzinfo,
        now: Callable[[], datetime],
        fresh_s: float = FRESH_S,
    ) -> None:
        self._engine = engine
        self._zone = zone
        self._now = now
        self._lock = threading.Lock()
        self._day = date.min
        self._cursor: Cursor = {}
        self._today = Today()
        self._shared = Shared(self._read, fresh_s)

    def shown(self) -> dict[str, Any]:
        """As JSON values."""
        return self._shared.get()

    def slots(self, queue: str) -> tuple[list[Slot], int]:
        """Ninety-six quarters of a queue, empty: of all, and the present quarter."""
        self._shared.get()
        with self._lock:
            return self._today.slots(queue), int(self._of_day(self._now()) // QUARTER_S)

    def _read(self) -> dict[str, Any]:
        with self._lock:
            day = self._now().astimezone(self._zone).date()
            if day != self._day:
                self._day, self._cursor, self._today = day, {}, Today()
            since = datetime.combine(day, time(), self._zone)
            with self._engine.connect() as connection:
                for found, cursor in day_events(connection, since, KINDS, self._cursor):
                    self._take(event for event in found if event.at >= since)
                    self._cursor = cursor
            return shown(self._today, self._of_day(self._now()))

    def _take(self, events: Iterable[LoggedEvent]) -> None:
        for event in events:
            self._today.take(self._fact(event))

    def _fact(self, event: LoggedEvent) -> Fact:
        at_s = self._of_day(event.at)
        return Fact(event.kind, at_s, event.call or "", event.actor, event.detail)

    def _of_day(self, at: datetime) -> float:
        """Seconds since midnight."""
        local = at.astimezone(self._zone)
        return (local - datetime.combine(local.date(), time(), self._zone)).total_seconds()


def shown(today: Today, now_s: float) -> dict[str, Any]:
    """A day as JSON values at a second of it; times by the bank's clock."""
    newest = sorted(today.concerns.values(), key=lambda one: one.at_s)[-MOST_SHOWN:]
    return {
        "queues": {
            "": _queue(today, ""),
            **{name: _queue(today, name) for name in sorted(today.queues)},
        },
        "latest": {
            "service": today.latest_level(now_s),
            "minutes": int(min(now_s, LATEST_S) // MINUTE_S),
        },
        "seats": [_seat(name, seat) for name, seat in sorted(today.seats.items())],
        "concerns": [_concern(one) for one in reversed(newest)],
    }


def _queue(today: Today, name: str) -> Mapping[str, Any]:
    slots, total = today.slots(name), Slot()
    for slot in slots:
        total.add(slot)
    reasons: dict[str, int] = {}
    for queue, why in today.away.items():
        if name in ("", queue):
            for reason, count in why.items():
                reasons[reason] = reasons.get(reason, 0) + count
    return {
        "total": _slot(total),
        "service": total.service_level,
        "away": reasons,
        "quarters": [
            {"from": quarter * QUARTER_S // 60, **_slot(slot)}
            for quarter, slot in enumerate(slots)
            if slot.came or slot.away
        ],
    }


def _slot(slot: Slot) -> dict[str, int]:
    names = ("came", "answered", "in_time", "abandoned", "soon", "away", "kept")
    return {name: getattr(slot, name) for name in names}


def _seat(name: str, seat: SeatDay) -> Mapping[str, Any]:
    return {
        "seat": name,
        "answered": seat.answered,
        "missed": seat.missed,
        "mean_talk_s": seat.mean_talk_s,
        "mean_wrap_s": seat.mean_wrap_s,
    }


def _concern(one: Concern) -> Mapping[str, Any]:
    minutes = int(one.at_s // MINUTE_S)
    return {
        "id": f"{one.reason}.{one.call}.{one.seat}",
        "reason": one.reason,
        "at": f"{minutes // 60:02}:{minutes % 60:02}",
        "call": one.call,
        "queue": one.queue,
        "seat": one.seat,
        "value": one.value,
        "word": one.word,
    }
