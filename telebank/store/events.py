"""Rows of the event log with their leaves, built in the commit that they belong to."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from telebank.audit.canonical import MAX_INTEGER
from telebank.audit.entry import SALT_BYTES, Detail, Entry, personal_hash
from telebank.store.clock import Stamp
from transactions.journal import JournalEvent

PERSONAL = frozenset({"from_masked", "payee_masked", "card_masked", "number_masked"})
"""Keys of an event's detail that speak of a person: beside it, and hashed with salt in the leaf."""
MAX_DETAIL = 32
MAX_DETAIL_TEXT = 1_000
"""Keys in one event's detail, and characters in one text."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """Columns of tables `event` and `leaf` for one event."""

    event: dict[str, Any]
    leaf: dict[str, Any]


def check_event(event: JournalEvent) -> None:
    """Raise `ValueError` where an event is larger than the log takes."""
    if len(event.detail) > MAX_DETAIL:
        raise ValueError(f"event {event.kind}: more than {MAX_DETAIL} keys in its detail")
    for key, value in event.detail.items():
        if isinstance(value, str) and len(value) > MAX_DETAIL_TEXT:
            raise ValueError(f"event {event.kind}: {key} is longer than {MAX_DETAIL_TEXT}")
        # Such a float would be stored as digits that read back as an integer with no leaf.
        if isinstance(value, float) and abs(value) > MAX_INTEGER:
            raise ValueError(f"event {event.kind}: {key} is beyond 2^53 - 1")


def event_row(event: JournalEvent, node: str, sequence: int, stamp: Stamp, boot: str) -> EventRow:
    """Give an event its place in the log, and its leaf hash."""
    detail: Detail = event.detail
    personal: dict[str, Any] | None = None
    salt: bytes | None = None
    hashed: str | None = None
    if not PERSONAL.isdisjoint(detail):
        personal = {key: value for key, value in detail.items() if key in PERSONAL}
        detail = {key: value for key, value in detail.items() if key not in PERSONAL}
        salt = secrets.token_bytes(SALT_BYTES)
        hashed = personal_hash(salt, personal)
    entry = Entry(
        node=node,
        sequence=sequence,
        utc_us=stamp.utc_us,
        monotonic_us=stamp.monotonic_us,
        boot=boot,
        kind=event.kind,
        call=event.call,
        leg=event.leg,
        request=event.request,
        actor=event.actor,
        role=event.role,
        origin=event.origin,
        outcome=event.outcome,
        detail=detail,
        personal_hash=hashed,
    )
    return EventRow(
        event=entry.fields() | {"personal": personal, "salt": salt},
        leaf={"node": node, "sequence": sequence, "hash": entry.leaf()},
    )


def entry_of(row: RowMapping | Mapping[str, Any]) -> Entry:
    """The audit entry of an `event` row; its `leaf()` must equal the stored one."""
    return Entry(
        node=row["node"],
        sequence=row["sequence"],
        utc_us=row["utc_us"],
        monotonic_us=row["monotonic_us"],
        boot=row["boot"],
        kind=row["kind"],
        call=row["call"],
        leg=row["leg"],
        request=row["request"],
        actor=row["actor"],
        role=row["role"],
        origin=row["origin"],
        outcome=row["outcome"],
        detail=row["detail"],
        personal_hash=row["personal_hash"],
        schema=row["schema"],
    )
