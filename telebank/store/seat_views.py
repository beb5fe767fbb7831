"""Contacts and recordings for people: read beside the node, written by nobody here."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, bindparam, select

from telebank.store import tables
from telebank.store.contacts import Contact, contact_of
from telebank.store.eventlog import Cursor, LoggedEvent, end_before, end_of_log, logged
from telebank.store.recordings import SEEN, RecordingSeen
from telebank.store.seat_tables import contact, recording

MAX_LISTED = 100_000
PAGE = 10_000
"""Events read at a time."""
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
    .limit(bindparam("most"))
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
    connection: Connection,
    since: datetime,
    kinds: Sequence[str],
    after: Cursor,
    *,
    most: int = PAGE,
    until: datetime | None = None,
) -> Iterator[tuple[list[LoggedEvent], Cursor]]:
    """Events of these kinds since then that follow the cursor, and the cursor after them; an empty
    cursor: from that moment on; `until`: not those of that moment and later. They come by pages of
    `most` of a node, each oldest first."""
    seen = dict(after)
    for node, end in sorted(end_of_log(connection).items()):
        last = end if until is None else end_before(connection, node, end, until)
        if node not in seen:
            seen[node] = end_before(connection, node, last, since)
        while seen[node] < last:
            asked = {"of_node": node, "after": seen[node], "last": last, "most": most}
            rows = connection.execute(_OF_DAY, asked | {"kinds": list(kinds)}).mappings().all()
            seen[node] = rows[-1]["sequence"] if len(rows) == most else last
            yield [logged(row) for row in rows], dict(seen)
