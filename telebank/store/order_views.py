"""Scheduled transfers for people, masked: read by the command line, written by nobody here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, bindparam, select

from telebank.store.order_tables import order_run, transfer_order
from telebank.store.tables import request

MAX_LISTED = 1_000
_O, _R, _Q = transfer_order.c, order_run.c, request.c
_WANTED = bindparam("wanted", type_=_O.state.type)
_LIST = (
    select(transfer_order)
    .where((_WANTED == "") | (_O.state == _WANTED))
    .order_by(_O.number.desc())
    .limit(bindparam("most"))
)
_ONE = select(transfer_order).where(_O.number == bindparam("of_number"))
_RUNS = (
    select(order_run)
    .where(_R.number == bindparam("of_number"))
    .order_by(_R.due.desc())
    .limit(MAX_LISTED)
)
_TRIES = (
    select(_Q.id, _Q.state, _Q.reference, _Q.reason)
    .where(_Q.id.like(bindparam("named")))
    .order_by(_Q.created_at, _Q.reference)
    .limit(MAX_LISTED)
)


@dataclass(frozen=True, slots=True)
class OrderSeen:
    """One order; amounts in minor units."""

    number: int
    state: str
    payer_masked: str
    payee_masked: str
    amount: int
    currency: str
    fee: int | None
    """As it was told; none: as on the day."""
    every: str
    first: date
    last: date | None
    next: date | None
    auth: str
    made_at: datetime
    changed_at: datetime
    call: str | None
    release: str


@dataclass(frozen=True, slots=True)
class RunSeen:
    """What came of a due date."""

    due: date
    state: str
    why: str
    attempt: int
    node: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class TrySeen:
    """A request of it in the journal."""

    id: str
    state: str
    reference: str
    reason: str | None


_COLUMNS = tuple(OrderSeen.__dataclass_fields__)
_RUN_COLUMNS = tuple(RunSeen.__dataclass_fields__)


def orders(connection: Connection, state: str = "", most: int = 100) -> Sequence[OrderSeen]:
    """The newest orders, of a state or of all."""
    found = connection.execute(_LIST, {"wanted": state, "most": most}).mappings()
    return [OrderSeen(**{name: row[name] for name in _COLUMNS}) for row in found]


def order(connection: Connection, number: int) -> OrderSeen | None:
    """One order."""
    row = connection.execute(_ONE, {"of_number": number}).mappings().first()
    return None if row is None else OrderSeen(**{name: row[name] for name in _COLUMNS})


def runs(connection: Connection, number: int) -> Sequence[RunSeen]:
    """Its due dates that came, newest first."""
    found = connection.execute(_RUNS, {"of_number": number}).mappings()
    return [RunSeen(**{name: row[name] for name in _RUN_COLUMNS}) for row in found]


def tries(connection: Connection, number: int) -> Sequence[TrySeen]:
    """Its requests in the journal, oldest first."""
    found = connection.execute(_TRIES, {"named": f"order-{number}-%"}).all()
    return [TrySeen(row.id, row.state, row.reference, row.reason) for row in found]
