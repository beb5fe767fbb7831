"""Requests that fit what an auditor looks for, newest first, page by page.

A page begins where the one before ended (keyset), so that a late page costs no more than the first.
Each source is found by an index of its own and ordered there; what is left is put together here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import eq, ge, le, lt
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, or_, select, text

from telebank.store import tables
from telebank.store.seat_tables import contact
from telebank.store.unsettled import card_masked

PAGE = 50
"""Rows of a page."""
_R, _S, _C = tables.request.c, tables.sealed_input.c, contact.c


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page ended."""

    at: datetime
    reference: str


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request must be; an empty part is no condition. `reference` or `customer` or a time
    must be given: nothing else is found without reading all."""

    since: datetime | None = None
    until: datetime | None = None
    customer: str = ""
    """Token of a card: the customer's own, or one that he named."""
    reference: str = ""
    teller: str = ""
    """Who asked for it at a desk, or talked in its call."""
    service: str = ""
    state: str = ""
    least: int | None = None
    most: int | None = None
    """In minor units of `currency`."""
    currency: str = ""
    after: Place | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One request, masked."""

    reference: str
    node: str
    at: datetime
    service: str
    state: str
    amount: int | None
    currency: str | None
    payer_masked: str
    payee_masked: str
    customer: str
    """Token; empty: nobody had proved himself."""
    channel: str
    actor: str
    call: str
    auth: str
    """How far the customer had proved himself."""
    release: str
    outcome: str
    reason: str
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class Page:
    """Rows, and where the next page begins; None: these are the last."""

    rows: Sequence[Found]
    next: Place | None


def search(connection: Connection, wanted: Wanted, most: int = PAGE) -> Page:
    """The newest `most` after the place."""
    rows: dict[str, Any] = {}
    narrow = list(_narrow(wanted))
    for source in _sources(wanted):
        asked = (
            select(tables.request, card_masked().label("payer_masked"))
            .where(and_(*source, *narrow))
            .order_by(_R.created_at.desc(), _R.reference.desc())
            .limit(most + 1)
        )
        rows |= {row["id"]: row for row in connection.execute(asked).mappings()}
    newest = sorted(rows.values(), key=lambda row: (row["created_at"], row["reference"]))[::-1]
    shown = [found(row) for row in newest[:most]]
    more = Place(shown[-1].at, shown[-1].reference) if len(newest) > most else None
    return Page(shown, more)


def found(row: Mapping[str, Any]) -> Found:
    """Of a row of table `request` with `payer_masked`."""
    return Found(
        reference=row["reference"],
        node=row["node"],
        at=row["created_at"],
        service=row["service"],
        state=row["state"],
        amount=row["amount"],
        currency=row["currency"],
        payer_masked=row["payer_masked"] or "",
        payee_masked=row["payee_masked"],
        customer=row["customer"] or "",
        channel=row["channel"],
        actor=row["actor"],
        call=row["call"] or "",
        auth=row["auth"],
        release=row["release"],
        outcome=row["outcome"] or "",
        reason=row["reason"] or "",
        settled_at=row["settled_at"],
    )


def _sources(wanted: Wanted) -> Iterator[list[Any]]:
    """Conditions that an index serves; a request may be in two."""
    if wanted.reference:
        yield [_R.reference == wanted.reference]
    elif wanted.customer:
        yield [_R.customer == wanted.customer]
        named = select(_S.request).where(_S.token == wanted.customer)
        yield [_R.id.in_(named)]
    elif wanted.since is None or wanted.until is None:
        raise ValueError("a search wants a reference, a customer or a time")
    elif wanted.teller:
        yield [text(f"request.{tables.SEARCHED}"), _R.actor == wanted.teller]
        talked = select(_C.call).where(
            _C.seat == wanted.teller, _C.began >= wanted.since, _C.began < wanted.until
        )
        yield [_R.call.in_(talked)]
    else:
        yield [text(f"request.{tables.SEARCHED}")]  # in the index's own words


def _narrow(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    plain = (
        (wanted.since, _R.created_at, ge),
        (wanted.until, _R.created_at, lt),
        (wanted.service or None, _R.service, eq),
        (wanted.state or None, _R.state, eq),
        (wanted.currency or None, _R.currency, eq),
        (wanted.least, _R.amount, ge),
        (wanted.most, _R.amount, le),
    )
    yield from (holds(column, asked) for asked, column, holds in plain if asked is not None)
    if wanted.teller and (wanted.reference or wanted.customer):
        talked = select(_C.call).where(_C.seat == wanted.teller, _C.call == _R.call)
        yield or_(_R.actor == wanted.teller, talked.exists())
    if wanted.customer and wanted.reference:
        named = select(_S.request).where(_S.request == _R.id, _S.token == wanted.customer)
        yield or_(_R.customer == wanted.customer, named.exists())
    if wanted.after is not None:
        at, reference = wanted.after.at, wanted.after.reference
        yield _R.created_at <= at
        yield or_(_R.created_at < at, _R.reference < reference)
