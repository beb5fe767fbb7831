"""Jobs on the payees that customers registered: nine places each, by token, mask and ciphertext.

A new payee is cooling until `ready_at`; only then does it stand for a second factor. What a payee
may be paid on a business date is `most_daily`, which the commit that reserves asks.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlalchemy import bindparam, delete, insert, select, update

from telebank.store import ceilings, tables
from telebank.store.customer_events import Told, done, tell
from telebank.store.customer_tables import payee
from telebank.store.events import clean_text
from telebank.store.transaction import Transaction
from transactions.card import SealedCard
from transactions.money import MAX_MINOR, Money, currency
from transactions.telephone_pin import Customer

SLOTS = 9
"""Places of one customer: the keys 1 to 9."""
_P = payee.c
_MINE = _P.customer == bindparam("who")
_PLACE = _P.slot == bindparam("place")
_ALL = select(payee).where(_MINE).order_by(_P.slot)
_ONE = select(payee).where(_MINE, _PLACE)
_BY_TOKEN = select(payee).where(_MINE, _P.token == bindparam("of_token"))
_INSERT = insert(payee)
_DELETE = delete(payee).where(_MINE, _PLACE)
_CAP = update(payee).where(_MINE, _PLACE)
_CAP = _CAP.values(daily=bindparam("most", type_=_P.daily.type), currency=bindparam("unit"))

LEFT_CHARS = 48
"""Of a token, in the name of the ceiling that a payee leaves behind."""
Full = Literal["full", "exists", "different_content"]


@dataclass(frozen=True, slots=True)
class Payee:
    """One registered payee."""

    slot: int
    card: SealedCard
    name: str
    added_at: datetime
    ready_at: datetime
    daily: Money | None

    def ready(self, now: datetime) -> bool:
        """Whether its cooling is over."""
        return now >= self.ready_at


def judged(customer: str) -> tuple[str, ...]:
    """What no other node may judge meanwhile."""
    return (f"payees:{customer}",)


def of(part: Transaction, customer: str) -> Sequence[Payee]:
    """All of a customer, by place."""
    return [_payee(row) for row in part.execute(_ALL, {"who": customer}).all()]


def at(part: Transaction, customer: str, slot: int) -> Payee | None:
    """The one in a place."""
    row = part.execute(_ONE, {"who": customer, "place": slot}).first()
    return None if row is None else _payee(row)


def trusted(part: Transaction, customer: str, tokens: Collection[str]) -> bool:
    """Whether these cards are all registered and none is cooling."""
    ready = {one.card.token for one in of(part, customer) if one.ready(part.now)}
    return bool(tokens) and ready.issuperset(tokens)


def most_daily(
    part: Transaction, customer: str, token: str, bank: Money, on: date | None
) -> Money | None:
    """What this payee may be paid on a business date: the lowest of the customer's own cap, the one
    that it had when it was taken out this day, and the bank's; None where it is not registered and
    has left none."""
    left = _left(part, customer, token, bank, on)
    row = part.execute(_BY_TOKEN, {"who": customer, "of_token": token}).first()
    if row is None:
        return left
    own = _payee(row).daily
    caps = [cap for cap in (own, left, bank) if cap is not None and cap.currency == bank.currency]
    return min(caps, key=lambda cap: cap.minor)


def _left(
    part: Transaction, customer: str, token: str, bank: Money, on: date | None
) -> Money | None:
    """The cap that a payee left behind who was taken out, on the day that it still holds."""
    if on is None:
        return None
    most = ceilings.most(part, customer, left_by(token), bank, on)
    return most if most.minor < bank.minor else None


def left_by(token: str) -> str:
    """Under which name the ceiling is kept that a payee leaves behind."""
    return f"{ceilings.PAYEE}{token[:LEFT_CHARS]}"


def add(
    part: Transaction,
    by: Customer,
    card: SealedCard,
    name: str,
    *,
    cooling: timedelta,
    most: int = SLOTS,
) -> Payee | Full:
    """Register a card in the first free place of `most`, unless it is there or all are taken. The
    same request again gives what it gave first."""
    there = of(part, by.token)
    before = done(part, by, "payee.added")
    if before is not None:
        return _added(before, card, name, part.now)
    if any(one.card.token == card.token for one in there):
        return "exists"
    free = sorted(set(range(1, most + 1)) - {one.slot for one in there})
    if not free:
        return "full"
    new = Payee(
        free[0], card, clean_text(name, tables.TEXT), part.now, part.now + cooling, daily=None
    )
    part.execute(_INSERT, _row(by.token, new))
    detail: dict[str, Told] = {"slot": new.slot, "payee_masked": card.masked}
    detail["ready"] = new.ready_at.isoformat()
    tell(part, "payee.added", by, "ok", **detail)
    return new


def _added(
    before: Mapping[str, Any], card: SealedCard, name: str, now: datetime
) -> Payee | Literal["different_content"]:
    """What a request added, by its event: the payee may be gone by now."""
    if before.get("payee_masked", card.masked) != card.masked:
        return "different_content"
    ready = datetime.fromisoformat(before["ready"])
    return Payee(int(before["slot"]), card, name, now, ready, daily=None)


def remove(part: Transaction, by: Customer, slot: int, on: date, until: date) -> bool:
    """Take one out; False where that place is empty. A cap of its own holds until the business date
    `until`: or a PIN alone would lift what only a second factor raises."""
    before = done(part, by, "payee.removed")
    if before is not None:
        return int(before["slot"]) == slot
    gone = at(part, by.token, slot)
    if gone is None:
        return False
    if gone.daily is not None:
        _leave(part, by.token, gone, on, until)
    part.execute(_DELETE, {"who": by.token, "place": slot})
    tell(part, "payee.removed", by, "ok", slot=slot, payee_masked=gone.card.masked)
    return True


def _leave(part: Transaction, customer: str, gone: Payee, on: date, until: date) -> None:
    assert gone.daily is not None
    highest = Money(MAX_MINOR, gone.daily.currency)
    name = left_by(gone.card.token)
    held = ceilings.most(part, customer, name, highest, on)
    ceilings.keep(part, customer, name, min(held, gone.daily, key=lambda m: m.minor), until)


def cap(
    part: Transaction, by: Customer, slot: int, amount: Money, bank: Money, *, may_raise: bool
) -> Literal["ok", "no_payee", "prove", "different_content"]:
    """Set what one may be paid a day; to raise it (from the bank's where none is set) `may_raise`
    must be given."""
    before = done(part, by, "payee.limited")
    if before is not None:
        same = (before["slot"], before["amount"]) == (slot, str(amount))
        return "ok" if same else "different_content"
    one = at(part, by.token, slot)
    if one is None:
        return "no_payee"
    held = one.daily or bank
    if amount.minor > held.minor and not may_raise:
        return "prove"
    values = {"most": amount.minor, "unit": amount.currency.code}
    part.execute(_CAP, {"who": by.token, "place": slot, **values})
    detail: dict[str, Told] = {"slot": slot, "payee_masked": one.card.masked, "was": str(held)}
    tell(part, "payee.limited", by, "ok", **detail, amount=str(amount))
    return "ok"


def _payee(row: Any) -> Payee:
    return Payee(
        slot=row.slot,
        card=SealedCard(row.token, row.masked, row.key_id, row.ciphertext),
        name=row.name,
        added_at=row.added_at,
        ready_at=row.ready_at,
        daily=None if row.daily is None else Money(row.daily, currency(row.currency)),
    )


def _row(customer: str, one: Payee) -> dict[str, Any]:
    return {
        "customer": customer,
        "slot": one.slot,
        "token": one.card.token,
        "masked": one.card.masked,
        "key_id": one.card.key_id,
        "ciphertext": one.card.ciphertext,
        "name": one.name,
        "added_at": one.added_at,
        "ready_at": one.ready_at,
        "daily": None,
        "currency": None,
    }
