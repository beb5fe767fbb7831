"""Rows of the event log with their leaves, built in the commit that they belong to."""

import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import RowMapping

from telebank.audit.canonical import MAX_INTEGER
from telebank.audit.entry import SALT_BYTES, Detail, Entry, personal_hash
from telebank.store import tables
from telebank.store.classes import MASKS
from telebank.store.clock import Stamp
from transactions.journal import JournalEvent

PERSONAL = MASKS | {"from_masked"}
"""Keys of an event's detail that speak of a person: beside it, and hashed with salt in the leaf."""
MAX_DETAIL = 32
MAX_DETAIL_TEXT = 1_000
"""Keys in one event's detail, and characters in one text; what is beyond is cut, with a mark."""
MAX_KEY, MAX_ROLE = 64, 32
CUT = "…"
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""NUL, which PostgreSQL refuses, and lone surrogates, which UTF-8 does not have."""


@dataclass(frozen=True, slots=True)
class EventRow:
    """Columns of tables `event` and `leaf` for one event."""

    event: dict[str, Any]
    leaf: dict[str, Any]


def clean_text(text: str, most: int) -> str:
    """Text that every database takes, at most `most` characters; what was cut leaves a mark.

    Bytes from outside reach us as lone surrogates; each becomes U+FFFD.
    """
    if not text.isascii() or "\0" in text:
        text = _UNSTORABLE.sub(REPLACEMENT, text)
    return text if len(text) <= most else text[: most - 1] + CUT


def clean_event(event: JournalEvent) -> JournalEvent:
    """The event as the log takes it. Never refuses: what a stranger sends must not be able to
    hide a call from the log."""
    items = list(event.detail.items())
    kept = items if len(items) <= MAX_DETAIL else items[: MAX_DETAIL - 1]
    detail = {clean_text(str(key), MAX_KEY): _clean_value(value) for key, value in kept}
    if len(kept) < len(items):
        detail[CUT] = len(items) - len(kept)
    return replace(
        event,
        kind=clean_text(event.kind, tables.ID),
        call=None if event.call is None else clean_text(event.call, tables.ID),
        leg=None if event.leg is None else clean_text(event.leg, tables.ID),
        request=None if event.request is None else clean_text(event.request, tables.ID),
        actor=clean_text(event.actor, tables.ID),
        role=clean_text(event.role, MAX_ROLE),
        origin=clean_text(event.origin, tables.ID),
        outcome=clean_text(event.outcome, tables.ID),
        detail=detail,
    )


def _clean_value(value: object) -> str | int | float | bool | None:
    match value:
        case None | bool():
            return value
        case str():
            return clean_text(value, MAX_DETAIL_TEXT)
        case int():
            return int(value) if abs(value) <= MAX_INTEGER else str(value)[:MAX_DETAIL_TEXT]
        case float():
            # One beyond would be stored as digits that read back as an integer with no leaf.
            whole = math.isfinite(value) and abs(value) <= MAX_INTEGER
            return value if whole else str(value)
        case _:
            return f"<{type(value).__name__}>"  # never its text: it may be somebody's number


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
