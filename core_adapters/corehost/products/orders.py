"""Priced orders: what the bank offered on terms, and then posts once and whole, or not at all.

An offer is kept with the legs of its posting and its effect (what it does beside moving money: a
deposit opened, a bill paid) as JSON. Posting it checks that the terms are those agreed to, moves
the money in one posting and does the effect. Undoing it posts the opposite and undoes the effect.
"""

import json
import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from core_adapters.corehost.back_office import BackOffice, stamp
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.cards.uses import CardUses
from core_adapters.corehost.refusal import Refusal
from transactions.money import Currency, Money

SCHEMA = """
CREATE TABLE priced_order (
    id TEXT PRIMARY KEY,
    card TEXT NOT NULL REFERENCES card (number),
    kind TEXT NOT NULL,
    currency TEXT NOT NULL,
    minor INTEGER NOT NULL CHECK (minor > 0),
    fee INTEGER NOT NULL CHECK (fee >= 0),
    legs TEXT NOT NULL,
    about TEXT NOT NULL,
    effect TEXT NOT NULL,
    expires_at TEXT NOT NULL,
    used_by TEXT UNIQUE
) STRICT, WITHOUT ROWID;
CREATE TABLE posted_order (
    key TEXT PRIMARY KEY REFERENCES posting (key),
    card TEXT NOT NULL REFERENCES card (number),
    business_date TEXT NOT NULL,
    minor INTEGER NOT NULL CHECK (minor > 0),
    fee INTEGER NOT NULL CHECK (fee >= 0),
    undone INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1)),
    reference TEXT NOT NULL DEFAULT '',
    service TEXT NOT NULL DEFAULT '',
    currency TEXT NOT NULL DEFAULT 'CNY',
    kind TEXT NOT NULL DEFAULT 'transfer'
) STRICT, WITHOUT ROWID;
"""

CHECKS = (
    (
        "order {}: undone is {}, but its reversal was posted {} time(s)",
        """SELECT o.key, o.undone, COUNT(p.id) FROM posted_order o
           LEFT JOIN posting p ON p.key = 'undo:' || o.key
           GROUP BY o.key HAVING o.undone <> COUNT(p.id)""",
    ),
    (
        "posting {} has no order",
        """SELECT p.key FROM posting p LEFT JOIN posted_order o ON o.key = p.key
           WHERE p.kind IN ('transfer', 'deposit_place', 'deposit_draw', 'bill_payment')
             AND o.key IS NULL""",
    ),
    (
        "order {} is of kind {}, its posting of kind {}",
        """SELECT o.key, o.kind, p.kind FROM posted_order o JOIN posting p ON p.key = o.key
           WHERE o.kind <> p.kind""",
    ),
)
TRANSFER, PLACE, DRAW, BILL = "transfer", "deposit_place", "deposit_draw", "bill_payment"
"""Kinds of orders, which are the kinds of their postings; `history` has a word for each."""
FORGET_AFTER = timedelta(days=1)
"""An offer that is over is remembered for so long: who takes it up late hears that it is over."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the bank offers a card: `amount` (field 4) and `fee` (field 28), not negative.

    `legs` are the whole posting, the fee's among them. `about` is what else the order that comes
    must have the same (`{"payee": account}`). `effect` names what posting does beside the money,
    `{"name": "deposit.open", …}`: JSON, told to the effect of that name.
    """

    card: str
    kind: str
    amount: Money
    fee: Money
    legs: Sequence[Leg]
    about: Mapping[str, str] = field(default_factory=dict)
    effect: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Priced:
    """An offer that stands until `expires_at`."""

    id: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Agreed:
    """An order as its message has it; `key` is its business key, for ever unique. `reference`
    (field 37) and `service` (field 3) are for the bank's daily file."""

    key: str
    card: str
    kind: str
    quote: str
    amount: Money
    fee: Money
    reference: str = ""
    service: str = ""
    about: Mapping[str, str] = field(default_factory=dict)


class Effect(Protocol):
    """What an order does beside moving money; both inside the order's own savepoint."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """Before the legs are posted; where it refuses, all it wrote is rolled back. It must refuse
        (`Refusal.BAD_QUOTE`) where the world is no longer as it was quoted."""
        ...

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """After the opposite was posted: exactly back, once for each `do`."""
        ...


class Orders:
    """All priced orders, whatever their product."""

    def __init__(self, office: BackOffice, effects: Mapping[str, Effect]) -> None:
        self._office = office
        self._effects = effects

    def quote(self, offer: Offer, now: datetime, life: timedelta | None = None) -> Priced:
        """Stand by an offer for a time; without one, for the rules' life of a quote. What may be
        refused was refused before."""
        stands = life or timedelta(seconds=self._office.rules.quote_life_s)
        priced = Priced(f"Q{secrets.token_hex(8).upper()}", now + stands)
        self._office.db.execute(
            "INSERT INTO priced_order VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, NULL)",
            (
                priced.id,
                offer.card,
                offer.kind,
                offer.amount.currency.code,
                offer.amount.minor,
                offer.fee.minor,
                json.dumps([(leg.account, leg.minor) for leg in offer.legs]),
                json.dumps(dict(offer.about), sort_keys=True),
                json.dumps(dict(offer.effect)),
                stamp(priced.expires_at),
            ),
        )
        return priced

    def affordable(self, legs: Sequence[Leg]) -> Refusal | None:
        """Whether every customer's account has what the legs take of it."""
        for account in {leg.account for leg in legs if not is_house(leg.account)}:
            change = sum(leg.minor for leg in legs if leg.account == account)
            if change < 0 and self._office.available(account).minor + change < 0:
                return Refusal.INSUFFICIENT
        return None

    def refusal(self, order: Agreed, now: datetime) -> Refusal | None:
        """Whether the order is what was offered: none of its terms changed, in time, not used."""
        return _agreed(self._row(order.quote), order, now)

    def _row(self, quote: str) -> tuple[Any, ...] | None:
        row: tuple[Any, ...] | None = self._office.db.execute(
            "SELECT card, kind, currency, minor, fee, about, expires_at, used_by, legs, effect"
            " FROM priced_order WHERE id = ?",
            (quote,),
        ).fetchone()
        return row

    def post(self, order: Agreed, now: datetime) -> Refusal | None:
        """Post an offer once on the terms agreed to; None is done. A refusal has changed nothing,
        whatever the effect had written by then; nor has an error."""
        db = self._office.db
        refusal: Refusal | None = Refusal.BAD_QUOTE
        db.execute("SAVEPOINT priced")
        try:
            refusal = self._posted(order, now)
        finally:
            if refusal:
                db.execute("ROLLBACK TO priced")
            db.execute("RELEASE priced")
        return refusal

    def _posted(self, order: Agreed, now: datetime) -> Refusal | None:
        row = self._row(order.quote)
        refusal = _agreed(row, order, now) or CardUses(self._office).restricted(order.card, now)
        if row is None or refusal:
            return refusal or Refusal.BAD_QUOTE
        legs = [Leg(account, minor) for account, minor in json.loads(row[8])]
        data = json.loads(row[9])
        refusal = self.affordable(legs) or self._do(data, order, now)
        if refusal:
            return refusal
        self._write(order, legs, now)
        return None

    def _do(self, data: Mapping[str, Any], order: Agreed, now: datetime) -> Refusal | None:
        if not data:
            return None
        return self._effects[data["name"]].do(self._office, data, order, now)

    def _write(self, order: Agreed, legs: Sequence[Leg], now: datetime) -> None:
        office = self._office
        day = office.today(now)
        office.ledger.post(order.key, order.kind, legs, day, now)
        office.db.execute(
            "UPDATE priced_order SET used_by = ? WHERE id = ?", (order.key, order.quote)
        )
        office.db.execute(
            "INSERT INTO posted_order VALUES (?, ?, ?, ?, ?, 0, ?, ?, ?, ?)",
            (
                order.key,
                order.card,
                day.isoformat(),
                order.amount.minor,
                order.fee.minor,
                order.reference,
                order.service,
                order.amount.currency.code,
                order.kind,
            ),
        )

    def undo(self, key: str, now: datetime) -> bool:
        """Undo an order once; False where there is none of that key or it is undone.

        The money goes back even where it was spent: that account then falls below zero, as in any
        bank that honours a reversal.
        """
        office = self._office
        if not office.ledger.undo(key, f"undo:{key}", office.today(now), now):
            return False
        office.db.execute("UPDATE posted_order SET undone = 1 WHERE key = ?", (key,))
        row = office.db.execute(
            "SELECT effect FROM priced_order WHERE used_by = ?", (key,)
        ).fetchone()
        data = json.loads(row[0]) if row else {}
        if data:
            self._effects[data["name"]].undo(office, data, key, now)
        return True


def free(unit: Currency) -> Money:
    """The fee of moving money between one's own accounts: nothing."""
    return Money(0, unit)


def forget_quotes(db: sqlite3.Connection, now: datetime) -> int:
    """Delete offers that were never taken and are over; returns how many. Those taken stay: an
    undoing needs them."""
    return db.execute(
        "DELETE FROM priced_order WHERE used_by IS NULL AND expires_at < ?",
        (stamp(now - FORGET_AFTER),),
    ).rowcount


def is_house(account: str) -> bool:
    """Whether it is the bank's own (`fees:CNY`), which may be below zero; no customer's account has
    a colon in its name."""
    return ":" in account


def _agreed(row: tuple[Any, ...] | None, order: Agreed, now: datetime) -> Refusal | None:
    """Whether the order has the offer's card, amount, fee and whatever else it is about."""
    if row is None or row[7] is not None:
        return Refusal.BAD_QUOTE
    if row[2:4] != (order.amount.currency.code, order.amount.minor):
        return Refusal.BAD_AMOUNT
    about = json.dumps(dict(order.about), sort_keys=True)
    offered, asked = (
        (row[0], row[1], row[4], row[5]),
        (order.card, order.kind, order.fee.minor, about),
    )
    if offered != asked:
        return Refusal.BAD_QUOTE
    return Refusal.EXPIRED_QUOTE if row[6] < stamp(now) else None
