"""Securities funds: the money that a customer's broker has at this bank, an account of his own.

Money goes between it and the card by priced orders, while the broker takes it (see
data/securities.yaml). What the broker holds for orders to buy (`frozen`) stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from core_adapters.corehost.back_office import FEES, BackOffice, Holder
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.orders import Agreed, Effect, Offer, Orders
from core_adapters.corehost.products.stated import stated
from core_adapters.corehost.refusal import Refusal
from core_adapters.corehost.rules import BANK_OFFSET
from transactions.money import Money

SCHEMA = """
CREATE TABLE securities_account (
    id TEXT PRIMARY KEY REFERENCES ledger_account (id),
    account TEXT NOT NULL UNIQUE REFERENCES account (id),
    sub TEXT NOT NULL CHECK (length(sub) = 4),
    frozen INTEGER NOT NULL DEFAULT 0 CHECK (frozen >= 0)
) STRICT, WITHOUT ROWID;
"""

SEC_IN, SEC_OUT = "securities_in", "securities_out"
"""Kinds of orders, which are the kinds of their postings: card to securities, and back."""
WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        SEC_IN: ("transfer_in", "transfer_out"),
        SEC_OUT: ("transfer_in", "transfer_out"),
    }
)
"""As `history.WORDS`: what a customer hears of their entries."""
CHECKS = (
    (
        "securities funds of {}: orders moved {} of its account, but come to {}",
        """SELECT s.account,
             COALESCE((SELECT SUM(l.minor) FROM leg l JOIN posting p ON p.id = l.posting
                       LEFT JOIN posted_order o ON o.key = substr(p.key, 6)
                       WHERE l.account = s.id AND (p.kind IN ('securities_in', 'securities_out')
                         OR (p.kind = 'reversal'
                             AND o.kind IN ('securities_in', 'securities_out')))), 0) AS moved,
             COALESCE((SELECT SUM(CASE o.kind WHEN 'securities_in' THEN o.minor ELSE -o.minor END)
                       FROM posted_order o JOIN card c ON c.number = o.card
                       WHERE c.account = s.account AND o.undone = 0
                         AND o.kind IN ('securities_in', 'securities_out')), 0) AS orders
           FROM securities_account s WHERE moved <> orders""",
    ),
    (
        "posting {} has no order",
        """SELECT p.key FROM posting p LEFT JOIN posted_order o ON o.key = p.key
           WHERE p.kind IN ('securities_in', 'securities_out') AND o.key IS NULL""",
    ),
)
"""As in the ledger: what must find nothing."""
SUB = "9001"
"""The number of the securities funds among what is behind a card."""
MOVE = "securities.move"
HOUR_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Hours:
    """When the broker takes money: ISO weekdays, and minutes of the day from and to."""

    days: frozenset[int]
    opens: int
    closes: int

    def open_at(self, now: datetime) -> bool:
        """Whether it is open at `now`, by the bank's wall clock."""
        local = now.astimezone(UTC) + BANK_OFFSET
        minute = local.hour * HOUR_MINUTES + local.minute
        return local.isoweekday() in self.days and self.opens <= minute < self.closes


@dataclass(frozen=True, slots=True)
class SecuritiesTerms:
    """Least amount and fee in fen, and the hours."""

    least: int
    fee: int
    hours: Hours


def load_securities_terms() -> SecuritiesTerms:
    """The figures in data/securities.yaml."""
    read = stated("securities.yaml")
    least, fee = (Money.parse(read[name]).minor for name in ("least", "fee"))
    hours = Hours(frozenset(read["open_days"]), _minute(read["opens"]), _minute(read["closes"]))
    return SecuritiesTerms(least, fee, hours)


def _minute(text: str) -> int:
    hour, minute = text.split(":")
    return int(hour) * HOUR_MINUTES + int(minute)


@dataclass(frozen=True, slots=True)
class Funds:
    """Securities funds as they stand; `frozen` of it is the broker's for now."""

    id: str
    held: Money
    frozen: Money

    @property
    def available(self) -> Money:
        """What may go back to the card; below nothing after a reversal out of turn."""
        return self.held - self.frozen


def funds_of(office: BackOffice, account: str) -> Funds | None:
    """The securities funds behind a card's account, if it has any."""
    row = office.db.execute(
        "SELECT id, frozen FROM securities_account WHERE account = ?", (account,)
    ).fetchone()
    if row is None:
        return None
    held = office.ledger.balance(row[0])
    return Funds(row[0], held, Money(row[1], held.currency))


def open_funds(office: BackOffice, account: str, frozen: int) -> str:
    """Give a card's account securities funds in its currency; returns the ledger account."""
    ident = f"S{account}"
    office.ledger.open_account(ident, office.ledger.unit(account))
    row = (ident, account, SUB, frozen)
    office.db.execute("INSERT INTO securities_account VALUES (?, ?, ?, ?)", row)
    return ident


@dataclass(frozen=True, slots=True)
class MoveQuote:
    """Terms of moving money between card and securities."""

    id: str
    fee: Money
    expires_at: datetime


class SecuritiesOrders:
    """Quotes of money moved; posting is `Orders.post`."""

    def __init__(
        self, office: BackOffice, orders: Orders, terms: SecuritiesTerms | None = None
    ) -> None:
        self._office = office
        self._orders = orders
        self.terms = terms or load_securities_terms()

    def quote(self, card: str, kind: str, amount: Money, now: datetime) -> MoveQuote | Refusal:
        """Quote `SEC_IN` (out of the card) or `SEC_OUT` (to it), the fee always out of the card."""
        holder = self._office.holder(card)
        if isinstance(holder, Refusal):
            return holder
        funds = funds_of(self._office, holder.account)
        if funds is None:
            return Refusal.NO_ACCOUNT
        if not self.terms.hours.open_at(now):
            return Refusal.MARKET_CLOSED
        refusal = self._movable(funds, kind, amount)
        return refusal or self._quoted(holder, funds, kind, amount, now)

    def _movable(self, funds: Funds, kind: str, amount: Money) -> Refusal | None:
        if amount.currency != funds.held.currency:
            return Refusal.WRONG_CURRENCY
        if amount.minor < self.terms.least:
            return Refusal.BAD_AMOUNT
        if amount.minor > self._office.rules.transfer_most:
            return Refusal.OVER_LIMIT
        short = kind == SEC_OUT and amount.minor > funds.available.minor
        return Refusal.INSUFFICIENT if short else None

    def _quoted(
        self, holder: Holder, funds: Funds, kind: str, amount: Money, now: datetime
    ) -> MoveQuote | Refusal:
        fee, minor = Money(self.terms.fee, amount.currency), amount.minor
        sign = 1 if kind == SEC_IN else -1
        legs = [Leg(holder.account, -sign * minor - fee.minor), Leg(funds.id, sign * minor)]
        if fee.minor:
            legs.append(Leg(FEES.format(fee.currency.code), fee.minor))
        refusal = self._orders.affordable(legs)
        if refusal:
            return refusal
        effect = {"name": MOVE, "account": holder.account}
        offer = Offer(holder.card, kind, amount, fee, legs, effect=effect)
        priced = self._orders.quote(offer, now)
        return MoveQuote(priced.id, fee, priced.expires_at)


class MoveFunds:
    """Money moved: nothing but the money changes, and what is frozen stays."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        del now
        funds = funds_of(office, data["account"])
        if funds is None:
            return Refusal.BAD_QUOTE
        short = order.kind == SEC_OUT and order.amount.minor > funds.available.minor
        return Refusal.INSUFFICIENT if short else None

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`."""


SECURITIES_EFFECTS: Mapping[str, Effect] = MappingProxyType({MOVE: MoveFunds()})
"""Rows of `effects.EFFECTS`."""
