"""Contacts and recordings for people: read beside the node, written by nobody here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, select

from telebank.store import tables
from telebank.store.clock import to_us
from telebank.store.contacts import Contact, contact_of
from telebank.store.eventlog import Cursor, LoggedEvent, end_of_log, logged
from telebank.store.recordings import SEEN, RecordingSeen
from telebank.store.seat_tables import contact, recording

MAX_LISTED = 100_000
_E = tables.event.c
_OF_DAY = (
    select(tables.event)
    .where(
        _E.node == bindparam("of_node"),
        _E.sequence > bindparam("after"),
        _E.sequence <= bindparam("last"),
        _E.kind.in_(bindparam("kinds", expanding=True)),
    )
    .order_by(_E.sequence)
)
_FROM = (
    select(_E.utc_us)
    .where(_E.node == bindparam("of_node"), _E.sequence > bindparam("after"))
    .order_by(_E.sequence)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which are listed; an empty part is no condition."""

    seat: str = ""
    call: str = ""
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 100


def contacts(connection: Connection, wanted: Wanted) -> Sequence[Contact]:
    """Contacts, newest first."""
    asked = _newest(select(contact), contact, wanted)
    return [contact_of(dict(row)) for row in connection.execute(asked).mappings()]


def recordings(connection: Connection, wanted: Wanted) -> Sequence[RecordingSeen]:
    """Recordings, newest first."""
    return [RecordingSeen(*row) for row in connection.execute(_newest(SEEN, recording, wanted))]


def _newest(asked: Select[Any], table: Table, wanted: Wanted) -> Select[Any]:
    columns = table.c
    if wanted.seat:
        asked = asked.where(columns.seat == wanted.seat)
    if wanted.call:
        asked = asked.where(columns.call == wanted.call)
    if wanted.since is not None:
        asked = asked.where(columns.began >= wanted.since)
    if wanted.until is not None:
        asked = asked.where(columns.began < wanted.until)
    (key,) = table.primary_key
    return asked.order_by(columns.began.desc(), key).limit(min(wanted.limit, MAX_LISTED))


def day_events(
    connection: Connection, since: datetime, kinds: Sequence[str], after: Cursor
) -> tuple[list[LoggedEvent], Cursor]:
    """Events of these kinds since then that follow the cursor, oldest first, and the cursor after
    them; an empty cursor: from that moment on."""
    found: list[LoggedEvent] = []
    seen = dict(after)
    for node, last in end_of_log(connection).items():
        first = seen[node] if node in seen else _before(connection, node, last, since)
        values = {"of_node": node, "after": first, "last": last, "kinds": list(kinds)}
        found += [logged(row) for row in connection.execute(_OF_DAY, values).mappings()]
        seen[node] = last
    found.sort(key=lambda event: (event.at, event.node, event.sequence))
    return found, seen


def _before(connection: Connection, node: str, last: int, since: datetime) -> int:
    """The last event of a node before that moment, by halves: the log has no index of times, and
    its numbers grow with them."""
    low, high, moment = 0, last, to_us(since)
    while low < high:
        middle = (low + high) // 2
        at = connection.execute(_FROM, {"of_node": node, "after": middle}).scalar()
        if at is None or at >= moment:
            high = middle
        else:
            low = middle + 1
    return low
