"""Jobs on the ceilings that customers set themselves: lower at once, higher from another day.

`most` is what the commit that reserves asks; it is never above the bank's own limit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import bindparam, func, select, text

from telebank.store import tables
from telebank.store.customer_events import done, tell
from telebank.store.customer_tables import ceiling
from telebank.store.transaction import Transaction
from transactions.money import MAX_MINOR, Currency, Money, currency
from transactions.telephone_pin import Customer

_C = ceiling.c
_FIND = select(ceiling).where(
    _C.customer == bindparam("who"),
    _C.limit_name == bindparam("limit"),
    _C.currency == bindparam("unit"),
)
PAYEE = "payee "
"""Begins the name of what is no ceiling that he set: the cap of a payee whom he took out."""
_ALL = (
    select(ceiling)
    .where(_C.customer == bindparam("who"), _C.limit_name.not_like(f"{PAYEE}%"))
    .order_by(_C.limit_name)
)
_PUT = text(
    "INSERT INTO ceiling (customer, limit_name, amount, currency, next_amount, next_from,"
    " changed_at) VALUES (:customer, :limit_name, :amount, :currency, :next_amount, :next_from,"
    " :changed_at) ON CONFLICT (customer, limit_name) DO UPDATE SET amount = excluded.amount,"
    " currency = excluded.currency, next_amount = excluded.next_amount,"
    " next_from = excluded.next_from, changed_at = excluded.changed_at"
).bindparams(*(bindparam(column.name, type_=column.type) for column in _C))
_USE = tables.limit_use.c
_USED = select(func.coalesce(func.sum(_USE.amount), 0).label("used")).where(
    _USE.customer == bindparam("who"),
    _USE.limit_name == bindparam("limit"),
    _USE.business_date == bindparam("day"),
    _USE.currency == bindparam("unit"),
    text("state IN ('held', 'used')"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The ceiling that a customer asks for on a business date."""

    limit: str
    amount: Money
    bank: Money
    """The bank's limit of that name, which holds where he has set none."""
    on: date
    later: date
    """Business date from which a higher one holds."""


@dataclass(frozen=True, slots=True)
class Now:
    """Ceiling and use of a business date."""

    most: Money
    used: Money


def judged(customer: str) -> tuple[str, ...]:
    """What no other node may judge meanwhile; also what reserves (`telebank.store.record`)."""
    return (f"limit:{customer}",)


def most(part: Transaction, customer: str, limit: str, bank: Money, on: date) -> Money:
    """What holds on a business date: the customer's own ceiling, never above the bank's limit."""
    row = _row(part, customer, limit, bank)
    if row is None:
        return bank
    due = row.next_from is not None and row.next_from <= on
    return Money(min(row.next_amount if due else row.amount, bank.minor), bank.currency)


def look(part: Transaction, customer: str, limit: str, bank: Money, on: date) -> Now:
    """Ceiling and use of a business date."""
    now = used(part, customer, limit, bank.currency, on)
    return Now(most(part, customer, limit, bank, on), now)


def used(part: Transaction, customer: str, limit: str, unit: Currency, on: date) -> Money:
    """What is reserved and used under a limit of a business date."""
    values = {"who": customer, "limit": limit, "day": on, "unit": unit.code}
    return Money(int(part.execute(_USED, values).scalar_one()), unit)


def put(
    part: Transaction, by: Customer, wanted: Wanted, *, may_raise: bool
) -> date | Literal["different_content"] | None:
    """Set it; the business date from which it holds, or None where it is higher than what holds
    and `may_raise` is not given. The same request again gives what it gave first."""
    before = done(part, by, "ceiling.changed")
    if before is not None:
        same = (before["limit"], before["amount"]) == (wanted.limit, str(wanted.amount))
        return date.fromisoformat(before["since"]) if same else "different_content"
    held = most(part, by.token, wanted.limit, wanted.bank, wanted.on)
    higher = wanted.amount.minor > held.minor
    if higher and not may_raise:
        return None
    since = wanted.later if higher else wanted.on
    part.execute(_PUT, _values(part, by, wanted, held if higher else wanted.amount, higher=higher))
    detail = {"limit": wanted.limit, "was": str(held), "amount": str(wanted.amount)}
    tell(part, "ceiling.changed", by, "ok", **detail, since=since.isoformat())
    return since


def keep(part: Transaction, customer: str, limit: str, held: Money, until: date) -> None:
    """Keep what a limit is lowered to until a business date; from then on it is not lowered."""
    row = {"customer": customer, "limit_name": limit, "amount": held.minor}
    row |= {"currency": held.currency.code, "next_amount": MAX_MINOR, "next_from": until}
    part.execute(_PUT, row | {"changed_at": part.now})


def _values(
    part: Transaction, by: Customer, wanted: Wanted, held: Money, *, higher: bool
) -> dict[str, Any]:
    return {
        "customer": by.token,
        "limit_name": wanted.limit,
        "amount": held.minor,
        "currency": held.currency.code,
        "next_amount": wanted.amount.minor if higher else None,
        "next_from": wanted.later if higher else None,
        "changed_at": part.now,
    }


def _row(part: Transaction, customer: str, limit: str, bank: Money) -> Any:
    values = {"who": customer, "limit": limit, "unit": bank.currency.code}
    return part.execute(_FIND, values).first()


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A ceiling as it was set."""

    limit: str
    amount: Money
    later: Money | None
    since: date | None
    """Business date from which `later` holds."""


def of(part: Transaction, customer: str) -> Sequence[Ceiling]:
    """All of a customer, by name."""
    return [_ceiling(row) for row in part.execute(_ALL, {"who": customer}).all()]


def _ceiling(row: Any) -> Ceiling:
    unit = currency(row.currency)
    later = None if row.next_amount is None else Money(row.next_amount, unit)
    return Ceiling(row.limit_name, Money(row.amount, unit), later, row.next_from)
