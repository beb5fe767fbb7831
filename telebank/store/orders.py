"""Jobs on scheduled transfers: made, heard, changed and cancelled by their customer. What nodes do
about those that are due is in `telebank.store.order_runs`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import and_, bindparam, exists, func, insert, or_, select, text, update

from telebank.store import tables
from telebank.store.customer_events import Told, tell
from telebank.store.events import clean_text
from telebank.store.order_tables import order_run, transfer_order
from telebank.store.spoken_numbers import number_after, number_of
from telebank.store.transaction import Transaction
from transactions.card import SealedCard
from transactions.money import Money, currency
from transactions.request import AuthLevel, Language
from transactions.telephone_pin import Customer

NUMBERS = "order-numbers"

RunState = Literal["open", "done", "failed", "missed"]
_O, _R = transfer_order.c, order_run.c
_LAST = select(func.max(_O.number).label("highest"))
_MADE = select(transfer_order).where(_O.request == bindparam("of_request"))
_INSERT = insert(transfer_order)
_ONE = select(transfer_order).where(_O.number == bindparam("of_number"))
_SINCE = bindparam("since", type_=_O.changed_at.type)
_OPEN_RUN = (
    select(_R.number)
    .where(_R.number == _O.number, text("order_run.state = 'open'"))
    .correlate(transfer_order)
)
_LATELY = (
    select(_R.number)
    .where(
        _R.number == _O.number,
        or_(text("order_run.state = 'open'"), _R.changed_at >= _SINCE),
    )
    .correlate(transfer_order)
)
_MINE = (
    select(transfer_order)
    .where(
        _O.customer == bindparam("who"),
        _O.number > bindparam("after"),
        or_(text("transfer_order.state = 'waiting'"), _O.changed_at >= _SINCE, exists(_LATELY)),
    )
    .order_by(_O.number)
    .limit(bindparam("most"))
)
_COUNT = select(func.count().label("many")).where(
    _O.customer == bindparam("who"), text("state = 'waiting'")
)
_LAST_RUN = (
    select(order_run).where(_R.number == bindparam("of_number")).order_by(_R.due.desc()).limit(1)
)
_CHANGE = (
    update(transfer_order)
    .where(_O.number == bindparam("of_number"))
    .values(
        amount=bindparam("minor", type_=_O.amount.type),
        fee=text("NULL"),
        auth=bindparam("level", type_=_O.auth.type),
        changed_at=bindparam("at", type_=_O.changed_at.type),
    )
)
_CANCEL = (
    update(transfer_order)
    .where(
        _O.number == bindparam("of_number"),
        or_(
            text("transfer_order.state = 'waiting'"),
            and_(text("transfer_order.state = 'ended'"), exists(_OPEN_RUN)),
        ),
    )
    .values(
        state=text("'cancelled'"),
        next=text("NULL"),
        changed_at=bindparam("at", type_=_O.changed_at.type),
    )
)


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """What a customer asks for, proved as he was when he did."""

    by: Customer
    payer: SealedCard
    payee: SealedCard
    payee_name: str
    """As it was read back."""
    amount: Money
    fee: Money | None
    first: date
    every: str
    last: date | None
    auth: AuthLevel
    language: Language
    release: str


@dataclass(frozen=True, slots=True)
class Order:
    """One order; `next` is the due date that comes, none where it has ended."""

    number: int
    payer: SealedCard
    payee: SealedCard
    payee_name: str
    amount: Money
    fee: Money | None
    """As it was told; none: as on the day, up to a highest one."""
    first: date
    every: str
    last: date | None
    next: date | None
    state: str
    """waiting, ended or cancelled."""
    auth: AuthLevel
    language: Language
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """An order on one due date."""

    number: int
    due: date
    attempt: int
    """From 1; of the request id."""
    state: RunState
    why: str
    since: datetime
    """When state or reason became what they are."""


def judged(number: int | str) -> tuple[str, ...]:
    """What no other node may judge meanwhile."""
    return (f"order:{number}",)


def make(part: Transaction, draft: OrderDraft, most: int) -> Order | None:
    """Write an order; the same request finds the one it made. None where `most` wait already."""
    made = part.execute(_MADE, {"of_request": draft.by.request}).first()
    if made is not None:
        return order_of(made)
    if part.execute(_COUNT, {"who": draft.by.token}).scalar_one() >= most:
        tell(part, "order.refused", draft.by, "too_many")
        return None
    number = number_after(part.execute(_LAST).scalar_one())
    part.execute(_INSERT, _row(part, number, draft))
    detail: dict[str, Told] = {"order": number, "payee_masked": draft.payee.masked}
    detail |= {"amount": str(draft.amount), "fee": None if draft.fee is None else str(draft.fee)}
    detail |= {"first": draft.first.isoformat(), "every": draft.every}
    detail["last"] = None if draft.last is None else draft.last.isoformat()
    tell(part, "order.made", draft.by, "waiting", **detail, auth=draft.auth.value)
    return order_of(part.execute(_ONE, {"of_number": number}).first())


def of_customer(
    part: Transaction, customer: str, after: int, most: int, since: datetime
) -> Sequence[tuple[Order, Run | None]]:
    """A customer's orders that wait, or that something became of since then, from the number after
    `after`; each with its last run."""
    values = {"who": customer, "after": after, "most": most, "since": since}
    found = [order_of(row) for row in part.execute(_MINE, values).all()]
    return [(order, _last_run(part, order.number)) for order in found]


def one(part: Transaction, number: int) -> Order | None:
    """An order by its number."""
    row = part.execute(_ONE, {"of_number": number}).first()
    return None if row is None else order_of(row)


def change(part: Transaction, by: Customer, number: str, amount: Money, auth: AuthLevel) -> bool:
    """Another amount from the next due date on, with the fee as on the day; False where it is no
    order of his that waits, or it is being carried out."""
    row = _own(part, by.token, number)
    if row is None or row.state != "waiting" or _under_way(part, row.number):
        return False
    was = Money(row.amount, currency(row.currency))
    level = max(AuthLevel(row.auth), auth, key=list(AuthLevel).index)
    values = {"of_number": row.number, "minor": amount.minor, "level": level.value}
    part.execute(_CHANGE, values | {"at": part.now})
    detail: dict[str, Told] = {"order": row.number, "was": str(was), "amount": str(amount)}
    tell(part, "order.changed", by, "ok", **detail, auth=level.value)
    return True


def cancel(part: Transaction, by: Customer, number: str) -> bool:
    """No due date comes any more, and none is tried again; what is on its way to the host goes on.
    False where it is no order of his that waits, or whose last date is still worked on."""
    row = _own(part, by.token, number)
    if row is None:
        return False
    if part.execute(_CANCEL, {"of_number": row.number, "at": part.now}).rowcount != 1:
        return False
    tell(part, "order.cancelled", by, "ok", order=row.number)
    return True


def _own(part: Transaction, customer: str, number: str) -> Any:
    row = part.execute(_ONE, {"of_number": number_of(number)}).first()
    return row if row is not None and row.customer == customer else None


def _last_run(part: Transaction, number: int) -> Run | None:
    row = part.execute(_LAST_RUN, {"of_number": number}).first()
    return None if row is None else run_of(row)


def _under_way(part: Transaction, number: int) -> bool:
    run = _last_run(part, number)
    return run is not None and run.state == "open"


def order_of(row: Any) -> Order:
    """An order as its row has it."""
    unit = currency(row.currency)
    payer = SealedCard(row.customer, row.payer_masked, row.payer_key_id, row.payer_ciphertext)
    payee = SealedCard(row.payee_token, row.payee_masked, row.payee_key_id, row.payee_ciphertext)
    return Order(
        number=row.number,
        payer=payer,
        payee=payee,
        payee_name=row.payee_name,
        amount=Money(row.amount, unit),
        fee=None if row.fee is None else Money(row.fee, unit),
        first=row.first,
        every=row.every,
        last=row.last,
        next=row.next,
        state=row.state,
        auth=AuthLevel(row.auth),
        language=row.language,
        made_at=row.made_at,
    )


def run_of(row: Any) -> Run:
    """A run as its row has it."""
    return Run(row.number, row.due, row.attempt, row.state, row.why, row.changed_at)


def _row(part: Transaction, number: int, draft: OrderDraft) -> dict[str, Any]:
    return {
        "number": number,
        "request": draft.by.request,
        "customer": draft.payer.token,
        "payer_masked": draft.payer.masked,
        "payer_key_id": draft.payer.key_id,
        "payer_ciphertext": draft.payer.ciphertext,
        "payee_token": draft.payee.token,
        "payee_masked": draft.payee.masked,
        "payee_key_id": draft.payee.key_id,
        "payee_ciphertext": draft.payee.ciphertext,
        "payee_name": clean_text(draft.payee_name, tables.TEXT),
        "amount": draft.amount.minor,
        "currency": draft.amount.currency.code,
        "fee": None if draft.fee is None else draft.fee.minor,
        "first": draft.first,
        "every": draft.every,
        "last": draft.last,
        "next": draft.first,
        "state": "waiting",
        "auth": draft.auth.value,
        "language": draft.language,
        "release": draft.release,
        "call": draft.by.call,
        "made_at": part.now,
        "changed_at": part.now,
    }
