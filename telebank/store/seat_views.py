"""Contacts and recordings for people: read beside the node, written by nobody here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, Table, select

from telebank.store.contacts import Contact, contact_of
from telebank.store.recordings import SEEN, RecordingSeen
from telebank.store.seat_tables import contact, recording

MAX_LISTED = 100_000


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
