"""The newest events that fit a question, for people who look for something in the event log."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from telebank.store import tables
from telebank.store.classes import HIDDEN, Class, of_name
from telebank.store.clock import to_us
from telebank.store.eventlog import Cursor, LoggedEvent, logged

MAX_FOUND = 10_000
"""Events in one answer."""
BEAT = "audit.heartbeat"
"""The entry each minute by which silence shows; nobody looks for it who does not name it."""
_E = tables.event.c
_LONG_NUMBER = re.compile(r"\d(?:[ -]?\d){12,}")
"""Thirteen digits or more: a card's or an account's."""
SHOWN_FIRST, SHOWN_LAST = 6, 4


@dataclass(frozen=True, slots=True)
class Question:
    """What an event must be; an empty part is no condition."""

    kind: str = ""
    """The kind, or its first part: `alarm` is also `alarm.manual`. Empty: all but heartbeats."""
    actor: str = ""
    since: datetime | None = None

    def fits(self, event: LoggedEvent) -> bool:
        """The same as `search` asks the database."""
        of_kind = f"{event.kind}.".startswith(f"{self.kind}.") if self.kind else event.kind != BEAT
        of_actor = not self.actor or event.actor == self.actor
        return of_kind and of_actor and (self.since is None or event.at >= self.since)

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL."""
        found: list[ColumnElement[bool]] = []
        if self.kind:
            part = _E.kind.startswith(f"{self.kind}.", autoescape=True)
            found.append((_E.kind == self.kind) | part)
        else:
            found.append(_E.kind != BEAT)
        if self.actor:
            found.append(_E.actor == self.actor)
        if self.since is not None:
            found.append(_E.utc_us >= to_us(self.since))
        return found


def search(connection: Connection, asked: Question, until: Cursor, limit: int) -> list[LoggedEvent]:
    """The newest `limit` events up to the cursor, oldest first, masked."""
    most = min(limit, MAX_FOUND)
    found: list[LoggedEvent] = []
    for node, last in until.items():
        # Backwards along the primary key: the newest are found without reading the rest.
        of_node = (
            select(tables.event)
            .where(_E.node == node, _E.sequence <= last, *asked.conditions())
            .order_by(_E.sequence.desc())
            .limit(most)
        )
        found += [masked(logged(row)) for row in connection.execute(of_node).mappings()]
    found.sort(key=lambda event: (event.at, event.node, event.sequence))
    return found[-most:]


def masked(event: LoggedEvent) -> LoggedEvent:
    """The event with no long number in it: what speaks of a person is masked where it is written,
    and what somebody put into a free text is masked here."""
    return replace(event, detail=_masked_detail(event.detail), outcome=_masked(event.outcome))


def _masked_detail(detail: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _shown(key, value) for key, value in detail.items()}


def _shown(key: str, value: Any) -> Any:
    """By the class of the column that is called so; other keys as what speaks of a person."""
    if of_name(key) is Class.C3:
        return HIDDEN
    return _masked(value) if isinstance(value, str) else value


def _masked(text: str) -> str:
    return _LONG_NUMBER.sub(_stars, text)


def _stars(found: re.Match[str]) -> str:
    digits = "".join(filter(str.isdigit, found[0]))
    hidden = "*" * (len(digits) - SHOWN_FIRST - SHOWN_LAST)
    return f"{digits[:SHOWN_FIRST]}{hidden}{digits[-SHOWN_LAST:]}"
