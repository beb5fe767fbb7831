"""Legal holds: jobs that place and release them, and what is held by them.

A hold names a customer, by the token of his card, or a transaction, by its reference; then all of
its customer's is held. Without a day given it is taken that every hold which nobody released holds.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice

from sqlalchemy import ColumnElement, Connection, insert, or_, select, text, update

from telebank.store.events import clean_text
from telebank.store.retention_tables import IS_HELD, legal_hold
from telebank.store.seat_tables import contact
from telebank.store.tables import TEXT, request
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Actor
from transactions.journal import JournalEvent

CUSTOMER, REFERENCE = "customer", "reference"
MAX_HOLDS = 10_000
"""In force at once; one more is refused."""
CHUNK = 500
"""Values in one question to the database."""
_H, _R = legal_hold.c, request.c


@dataclass(frozen=True, slots=True)
class Hold:
    """One, as the table has it."""

    id: str
    kind: str
    value: str
    masked: str
    note: str
    until: date | None
    placed_by: str
    placed_at: datetime
    released_by: str | None
    released_at: datetime | None
    release_note: str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A hold to be placed."""

    id: str
    kind: str
    value: str
    why: str
    until: date | None = None
    masked: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """All that must not be deleted."""

    tokens: frozenset[str]
    calls: frozenset[str]
    requests: frozenset[str]

    def keeps(self, token: str | None, call: str | None, request: str | None = None) -> bool:
        """Whether something of this customer, call and request is held."""
        return token in self.tokens or call in self.calls or request in self.requests


def held(connection: Connection, token: str, on: date | None = None) -> bool:
    """Whether a customer is held, by the token of his card: himself, or by one of his
    transactions. `on` is a day of the bank's wall clock."""
    references = select(_H.value).where(_in_force(on), _H.kind == REFERENCE)
    named = select(_H.id).where(_in_force(on), _H.kind == CUSTOMER, _H.value == token)
    his = select(_R.id).where(_R.customer == token, _R.reference.in_(references))
    return any(connection.execute(each.limit(1)).first() for each in (named, his))


def all_held(connection: Connection, on: date | None = None) -> Held:
    """What every hold in force on a day keeps."""
    found = connection.execute(select(_H.kind, _H.value).where(_in_force(on))).all()
    tokens = {value for kind, value in found if kind == CUSTOMER}
    calls, requests = set[str](), set[str]()
    columns = select(_R.id, _R.call, _R.customer)
    for part in _parts(value for kind, value in found if kind == REFERENCE):
        for name, call, customer in connection.execute(columns.where(_R.reference.in_(part))):
            requests.add(name)
            calls |= {call} - {None}
            tokens |= {customer} - {None}
    for part in _parts(tokens):
        for name, call, _ in connection.execute(columns.where(_R.customer.in_(part))):
            requests.add(name)
            calls |= {call} - {None}
        talks = select(contact.c.call).where(contact.c.customer.in_(part))
        calls |= set(connection.scalars(talks))
    return Held(frozenset(tokens), frozenset(calls), frozenset(requests))


def holds(connection: Connection, *, released: bool = False) -> Sequence[Hold]:
    """Holds, the newest first; with those that were released too."""
    question = select(legal_hold).order_by(_H.placed_at.desc(), _H.id).limit(MAX_HOLDS)
    if not released:
        question = question.where(text(IS_HELD))
    return [Hold(**row) for row in connection.execute(question).mappings()]


def place(part: Transaction, wanted: Wanted, by: Actor) -> str:
    """Hold it; `ok`, or why not: `unknown` (no such reference), `too_many`."""
    run = part.connection.execute
    if (
        wanted.kind == REFERENCE
        and not run(select(_R.id).where(_R.reference == wanted.value)).first()
    ):
        raise Refused("unknown")
    if len(run(select(_H.id).where(text(IS_HELD)).limit(MAX_HOLDS)).all()) >= MAX_HOLDS:
        raise Refused("too_many")
    why = clean_text(wanted.why, TEXT)
    run(
        insert(legal_hold).values(
            id=wanted.id,
            kind=wanted.kind,
            value=wanted.value,
            masked=wanted.masked,
            note=why,
            until=wanted.until,
            placed_by=by.id,
            placed_at=part.now,
        )
    )
    until = "" if wanted.until is None else wanted.until.isoformat()
    part.event(_event("retention.hold", by, wanted.id, why, wanted.kind, wanted.value, until))
    return "ok"


def release(part: Transaction, hold: str, why: str, by: Actor) -> str:
    """Hold it no longer; `ok`, or `unknown`: there is none, or it was released."""
    why = clean_text(why, TEXT)
    run = part.connection.execute
    found = run(select(legal_hold).where(_H.id == hold, text(IS_HELD))).mappings().first()
    if found is None:
        raise Refused("unknown")
    gone = update(legal_hold).where(_H.id == hold, text(IS_HELD))
    run(gone.values(released_by=by.id, released_at=part.now, release_note=why))
    part.event(_event("retention.release", by, hold, why, found["kind"], found["value"], ""))
    return "ok"


def _event(  # noqa: PLR0917 - all that it says
    kind: str, by: Actor, hold: str, why: str, what: str, value: str, until: str
) -> JournalEvent:
    event = JournalEvent(kind, actor=by.id, role=by.role, origin=by.origin, outcome="ok")
    event.detail.update({"hold": hold, what: value, "why": why})
    if until:
        event.detail["until"] = until
    return event


def _in_force(on: date | None) -> ColumnElement[bool]:
    if on is None:
        return _H.released_at.is_(None)
    return _H.released_at.is_(None) & or_(_H.until.is_(None), _H.until >= on)


def _parts(values: Iterable[str]) -> Iterator[list[str]]:
    left = iter(sorted(values))
    while part := list(islice(left, CHUNK)):
        yield part
