"""Deposits quoted: what it takes to place one, and what comes of drawing one."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property

from core_adapters.corehost.back_office import INTEREST, BackOffice, Holder
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.deposits.accounts import (
    DRAWN,
    OPEN,
    PAY,
    Deposit,
    Deposits,
)
from core_adapters.corehost.products.deposits.interest import interest
from core_adapters.corehost.products.deposits.terms import (
    INSTALMENT,
    PASSBOOK,
    SAVINGS,
    Tariff,
    load_tariff,
    months_of,
)
from core_adapters.corehost.products.orders import DRAW, PLACE, Offer, Orders, free
from core_adapters.corehost.products.pledges import owed_on
from core_adapters.corehost.refusal import Refusal
from transactions.money import Currency, Money

DEMAND = (SAVINGS, PASSBOOK)
IN_PART = ("savings", "passbook", "time", "notice")
"""Kinds that may be drawn in part; the others are drawn whole."""


@dataclass(frozen=True, slots=True)
class PlaceQuote:
    """Terms of a deposit; `rate` in per cent a year."""

    id: str
    fee: Money
    rate: Decimal
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class DrawQuote:
    """Terms of a drawing: principal drawn, the interest on it, the fee."""

    id: str
    amount: Money
    interest: Money
    fee: Money
    expires_at: datetime


class DepositOrders:
    """Quotes of deposits; posting is `Orders.post`."""

    def __init__(self, office: BackOffice, orders: Orders) -> None:
        self._office = office
        self._orders = orders
        self.deposits = Deposits(office.db)

    @cached_property
    def tariff(self) -> Tariff:
        """Read at the first quote of a deposit."""
        return load_tariff()

    def place(
        self, card: str, kind: str, term: str, amount: Money, now: datetime
    ) -> PlaceQuote | Refusal:
        """Quote a deposit of a kind and term out of the card's account."""
        holder = self._office.holder(card)
        if isinstance(holder, Refusal):
            return holder
        refusal = self._placeable(holder, kind, amount)
        if refusal:
            return refusal
        there = None
        if kind in (*DEMAND, INSTALMENT):
            there = self.deposits.first(holder.account, kind)
        if there is not None:
            return self._pay(holder, there, term, amount, now)
        if kind in DEMAND:
            return Refusal.NO_ACCOUNT
        return self._open(holder, kind, term, amount, now)

    def _placeable(self, holder: Holder, kind: str, amount: Money) -> Refusal | None:
        if kind not in self.tariff.kinds:
            return Refusal.BAD_TERM
        if amount.currency != self._office.ledger.unit(holder.account):
            return Refusal.WRONG_CURRENCY
        if amount.minor <= 0:
            return Refusal.BAD_AMOUNT
        if amount.minor > self._office.rules.transfer_most:
            return Refusal.OVER_LIMIT
        return None

    def _pay(
        self, holder: Holder, there: Deposit, term: str, amount: Money, now: datetime
    ) -> PlaceQuote | Refusal:
        """Into one that he has; a term may be named again, not another one."""
        if term not in ("", there.term):
            return Refusal.BAD_TERM
        monthly = there.kind == INSTALMENT
        if monthly and not self._month_open(there, amount.minor, self._office.today(now)):
            return Refusal.BAD_AMOUNT
        effect = {
            "name": PAY,
            "account": holder.account,
            "sub": there.sub,
            "held": there.held if monthly else None,
        }
        legs = (Leg(holder.account, -amount.minor), Leg(there.id, amount.minor))
        about = {"kind": there.kind, "term": term}
        offer = Offer(holder.card, PLACE, amount, free(amount.currency), legs, about, effect)
        return self._placed(offer, there.rate, now)

    def _month_open(self, there: Deposit, minor: int, today: date) -> bool:
        """The agreed sum, once for every month begun, the missed ones too."""
        begun = (today.year - there.opened.year) * 12 + today.month - there.opened.month + 1
        most = min(begun, months_of(there.term))
        return minor == there.monthly and self.deposits.paid_in(there.id) < most

    def _open(
        self, holder: Holder, kind: str, term: str, amount: Money, now: datetime
    ) -> PlaceQuote | Refusal:
        rate = self.tariff.rate(kind, term)
        if rate is None:
            return Refusal.BAD_TERM
        if amount.minor < self.tariff.kinds[kind].least:
            return Refusal.BAD_AMOUNT
        if self.deposits.full(holder.account):
            return Refusal.OVER_LIMIT
        ident = f"D{secrets.token_hex(8).upper()}"
        effect = {
            "name": OPEN,
            "account": holder.account,
            "deposit": ident,
            "kind": kind,
            "term": term,
            "rate": str(rate),
            "only": kind == INSTALMENT,
        }
        legs = (Leg(holder.account, -amount.minor), Leg(ident, amount.minor))
        about = {"kind": kind, "term": term}
        offer = Offer(holder.card, PLACE, amount, free(amount.currency), legs, about, effect)
        return self._placed(offer, rate, now)

    def _placed(self, offer: Offer, rate: Decimal, now: datetime) -> PlaceQuote | Refusal:
        refusal = self._orders.affordable(offer.legs[:1])
        if refusal:
            return refusal
        priced = self._orders.quote(offer, now)
        return PlaceQuote(priced.id, offer.fee, rate, priced.expires_at)

    def draw(self, card: str, sub: str, part: Money | None, now: datetime) -> DrawQuote | Refusal:
        """Quote a drawing to the card's account; without a part, all of it, which closes it."""
        holder = self._office.holder(card)
        if isinstance(holder, Refusal):
            return holder
        deposit = self.deposits.find(holder.account, sub)
        if deposit is None:
            return Refusal.NO_ACCOUNT
        unit = self._office.ledger.unit(deposit.id)
        if part is not None and part.currency != unit:
            return Refusal.WRONG_CURRENCY
        refusal = self._drawable(deposit, part)
        if refusal:
            return refusal
        amount = part or Money(deposit.held, unit)
        return self._drawn(holder, deposit, amount, now)

    def _drawable(self, deposit: Deposit, part: Money | None) -> Refusal | None:
        if owed_on(self._office.db, deposit.id):
            return Refusal.NOT_DUE
        if part is None:
            # Demand accounts are closed at the counter, and an empty one has nothing to draw.
            return Refusal.BAD_AMOUNT if deposit.kind in DEMAND or deposit.held <= 0 else None
        if not 0 < part.minor <= deposit.held:
            return Refusal.BAD_AMOUNT
        if deposit.kind in DEMAND or part.minor == deposit.held:
            return None
        if deposit.kind not in IN_PART:
            return Refusal.NOT_DUE
        left = deposit.held - part.minor
        return Refusal.BAD_AMOUNT if left < self.tariff.kinds[deposit.kind].least else None

    def _drawn(self, holder: Holder, deposit: Deposit, amount: Money, now: datetime) -> DrawQuote:
        day, unit = self._office.today(now), amount.currency
        earned = interest(self.deposits, self.tariff, deposit, amount.minor, day)
        demand = deposit.kind in DEMAND
        effect = {
            "name": DRAWN,
            "account": holder.account,
            "sub": deposit.sub,
            "held": None if demand else deposit.held,
            "close": not demand and amount.minor == deposit.held,
        }
        fee, about = free(amount.currency), {"sub": deposit.sub, "interest": str(earned)}
        legs = draw_legs(deposit.id, holder.account, amount.minor, earned, unit)
        offer = Offer(holder.card, DRAW, amount, fee, legs, about, effect)
        priced = self._orders.quote(offer, now)
        return DrawQuote(priced.id, amount, Money(earned, unit), fee, priced.expires_at)


def draw_legs(deposit: str, account: str, minor: int, earned: int, unit: Currency) -> Sequence[Leg]:
    """Principal out of the deposit, interest out of the bank's expense, both to the card."""
    legs = [Leg(deposit, -minor), Leg(account, minor + earned)]
    if earned:
        legs.append(Leg(INTEREST.format(unit.code), -earned))
    return legs
