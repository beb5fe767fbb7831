"""One transaction, or one call, as everything that the store has of it: its events, what it sent to
the host, talks, recordings, faxes, and its proof. Each event is held against its leaf."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, or_, select

from telebank.store import tables
from telebank.store.event_search import masked
from telebank.store.eventlog import LoggedEvent, logged
from telebank.store.events import entry_of
from telebank.store.fax_tables import fax_job
from telebank.store.review.proofs import Proof, prove
from telebank.store.review.search import Found, found
from telebank.store.seat_tables import contact, recording
from telebank.store.unsettled import card_masked

MAX_ENTRIES = 2_000
"""Events of one story; of a longer one the first."""
MAX_BESIDE = 200
"""Requests, messages, talks, recordings and faxes of one story, of each."""
REFERENCE = re.compile(r"[0-9]{12}")
ENTRY = re.compile(r"([0-9]{2})-([0-9]{1,15})")
CALL = re.compile(r"[0-9]{2}-[0-9]{1,9}-[0-9A-Za-z]{1,12}")
NAME = re.compile("|".join(one.pattern for one in (REFERENCE, ENTRY, CALL)))
"""By what a story is asked for. No card number is written so, with hyphens or without."""
STEP = "request.state"
_R, _E, _M, _L = tables.request.c, tables.event.c, tables.host_message.c, tables.leaf.c
_C, _A, _F = contact.c, recording.c, fax_job.c
_ROWS = select(tables.request, card_masked().label("payer_masked"))
_EVENTS = select(tables.event, _L.hash).outerjoin(
    tables.leaf, (_L.node == _E.node) & (_L.sequence == _E.sequence)
)


@dataclass(frozen=True, slots=True)
class Written:
    """An event, masked, and whether it is what was hashed when it was written."""

    event: LoggedEvent
    whole: bool
    personal: bool
    """It says somebody's masked number; False too where that was erased."""

    @property
    def number(self) -> str:
        """Of its audit entry."""
        return f"{self.event.node}-{self.event.sequence}"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to the host and its answer."""

    request: str
    role: str
    attempt: int
    link: str
    mti: str
    processing_code: str
    amount: str
    field7: str
    stan: str
    field32: str
    field37: str
    field41: str
    sent_at: datetime
    reply39: str | None
    reply_at: datetime | None
    settled_on: Any


@dataclass(frozen=True, slots=True)
class Talk:
    """One talk with a teller."""

    id: str
    seat: str
    queue: str
    direction: str
    began: datetime
    answered: datetime | None
    ended: datetime | None
    level: int
    business: str
    how_ended: str


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recording."""

    name: str
    seat: str
    began: datetime
    milliseconds: int
    sealed_sha256: str
    state: str
    cut: bool


@dataclass(frozen=True, slots=True)
class Faxed:
    """One fax."""

    id: str
    document: str
    title: str
    number_masked: str
    pages: int
    confirmed: int
    state: str
    made_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Story:
    """All of it; times UTC."""

    of: str
    """Reference, call or entry by which it was asked for."""
    call: str
    requests: Sequence[Found]
    ids: Mapping[str, str]
    """References of its requests, by their ids."""
    events: Sequence[Written]
    messages: Sequence[Message]
    talks: Sequence[Talk]
    recordings: Sequence[Recorded]
    faxes: Sequence[Faxed]
    proof: Proof | None
    cut: bool
    """There are more events than are told."""

    @property
    def changed(self) -> Sequence[str]:
        """Entries that are not what was written."""
        return [one.number for one in self.events if not one.whole]


def story(connection: Connection, of: str) -> Story | None:
    """By reference, call or audit entry (`01-4711`); None: there is none of that name."""
    if REFERENCE.fullmatch(of):
        return _of_reference(connection, of)
    if (entry := ENTRY.fullmatch(of)) is not None:
        return _of_entry(connection, of, entry[1], int(entry[2]))
    return _of_call(connection, of, of) if CALL.fullmatch(of) else None


def _of_reference(connection: Connection, of: str) -> Story | None:
    rows = _all(connection, _ROWS.where(_R.reference == of))
    if not rows:
        return None
    return _told(connection, of, rows[0]["call"] or "", rows)


def _of_call(connection: Connection, of: str, call: str) -> Story | None:
    rows = _all(connection, _ROWS.where(_R.call == call).order_by(_R.created_at, _R.reference))
    told = _told(connection, of, call, rows)
    return told if told.events or rows else None


def _of_entry(connection: Connection, of: str, node: str, sequence: int) -> Story | None:
    """That of its request or call; of an entry that has neither, itself."""
    entry = _EVENTS.where(_E.node == node, _E.sequence == sequence)
    row = next(iter(connection.execute(entry).mappings()), None)
    if row is None:
        return None
    if row["request"]:
        rows = _all(connection, _ROWS.where(_R.id == row["request"]))
        if rows:
            return _told(connection, of, rows[0]["call"] or "", rows)
    if row["call"]:
        return _of_call(connection, of, row["call"])
    proof = prove(connection, node, sequence)
    return Story(of, "", [], {}, [_written(row)], [], [], [], [], proof, cut=False)


def _told(connection: Connection, of: str, call: str, rows: Sequence[Mapping[str, Any]]) -> Story:
    ids = {row["id"]: row["reference"] for row in rows}
    events = _events(connection, call, list(ids))
    told, asked = events[:MAX_ENTRIES], list(ids)
    messages = select(*_columns(Message, _M)).where(_M.request.in_(asked))
    faxes = or_(_F.request.in_(asked), _F.call == call) if call else _F.request.in_(asked)
    talks = select(*_columns(Talk, _C)).where(_C.call == call).order_by(_C.began, _C.id)
    tapes = select(*_columns(Recorded, _A)).where(_A.call == call).order_by(_A.began, _A.name)
    return Story(
        of=of,
        call=call,
        requests=[found(row) for row in rows],
        ids=ids,
        events=told,
        messages=_some(connection, Message, messages.order_by(_M.request, _M.ordinal)),
        talks=_some(connection, Talk, talks) if call else [],
        recordings=_some(connection, Recorded, tapes) if call else [],
        faxes=_some(connection, Faxed, select(*_columns(Faxed, _F)).where(faxes)),
        proof=_proof(connection, told),
        cut=len(events) > len(told),
    )


def _events(connection: Connection, call: str, requests: Sequence[str]) -> list[Written]:
    """Those of the call and those of its requests, each found by its index, in time's order."""
    sources: list[ColumnElement[bool]] = [_E.request.in_(requests)] if requests else []
    sources += [_E.call == call] if call else []
    there: dict[tuple[str, int], Written] = {}
    for source in sources:
        asked = _EVENTS.where(source).order_by(_E.node, _E.sequence).limit(MAX_ENTRIES + 1)
        for row in connection.execute(asked).mappings():
            there[row["node"], row["sequence"]] = _written(row)
    return sorted(there.values(), key=_order)


def _order(one: Written) -> tuple[datetime, str, int]:
    return one.event.at, one.event.node, one.event.sequence


def _written(row: Any) -> Written:
    whole = row["hash"] is not None and entry_of(row).leaf() == row["hash"]
    return Written(masked(logged(row)), whole, row["personal"] is not None)


def _proof(connection: Connection, events: Sequence[Written]) -> Proof | None:
    """Of the last step of a transaction; of a call without one, of its last entry."""
    steps = [one.event for one in events if one.event.kind == STEP] or [
        one.event for one in events[-1:]
    ]
    return prove(connection, steps[-1].node, steps[-1].sequence) if steps else None


def _all(connection: Connection, asked: Select[Any]) -> Sequence[Mapping[str, Any]]:
    return [dict(row) for row in connection.execute(asked.limit(MAX_BESIDE)).mappings()]


def _columns(kind: Any, table: Any) -> list[Any]:
    return [table[one.name] for one in fields(kind)]


def _some(connection: Connection, kind: Any, asked: Select[Any]) -> list[Any]:
    return [kind(*row) for row in connection.execute(asked.limit(MAX_BESIDE))]
