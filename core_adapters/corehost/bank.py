"""Cards, balances, transfers and loss reports of the demo bank; other products are in `products`.

Everything happens inside the transaction that the caller opened; a refusal changes nothing.
"""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from core_adapters.corehost.back_office import FEES, BackOffice, Holder, stamp
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.pins import Pins
from core_adapters.corehost.products.deposits.orders import DepositOrders
from core_adapters.corehost.products.effects import EFFECTS
from core_adapters.corehost.products.orders import TRANSFER, Agreed, Offer, Orders
from core_adapters.corehost.refusal import Refusal
from core_adapters.corehost.rules import Rules
from transactions.card import mask
from transactions.money import Money

LET_GO = "3"
"""File update code (field 91) of a record that is deleted."""


@dataclass(frozen=True, slots=True)
class Balances:
    """What `account` (of `kind`, ISO 8583 field 3 account type) holds."""

    kind: str
    ledger: Money
    available: Money


@dataclass(frozen=True, slots=True)
class Quote:
    """Terms that the bank stands by until `expires_at`."""

    id: str
    payee_masked: str
    fee: Money
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class TransferOrder:
    """A transfer as the message has it; `key` is its business key, for ever unique. `reference`
    (field 37) and `service` (field 3) are for the bank's daily file."""

    key: str
    card: str
    payee: str
    amount: Money
    fee: Money
    quote: str
    reference: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class LossReport:
    """A card reported lost; `identity` is the identity number or its last four digits."""

    key: str
    card: str
    identity: str
    reference: str
    reason: str
    until: date | None = None
    """The last business date on which the card is stopped; `None`: for good."""


@dataclass(frozen=True, slots=True)
class LossDecision:
    """What a branch says of a card that was reported lost."""

    key: str
    card: str
    act: Literal["2", "3"]
    """File update code (field 91): 2 the customer signed, 3 the card was found."""
    reference: str
    reason: str


class Bank:
    """The bank's business over one connection."""

    def __init__(self, db: sqlite3.Connection, rules: Rules, pins: Pins) -> None:
        self._db = db
        self._rules = rules
        self.pins = pins
        self.office = BackOffice(db, rules)
        self.ledger = self.office.ledger
        self.calendar = self.office.calendar
        self.orders = Orders(self.office, EFFECTS)
        self.deposits = DepositOrders(self.office, self.orders)

    def usable_card(self, card: str) -> Refusal | None:
        """None where the card is known and not hot."""
        return self.office.usable_card(card)

    def balances(self, card: str) -> Balances | Refusal:
        """Ledger balance of the card's account, and what is left of it for orders."""
        holder = self.office.holder(card)
        return holder if isinstance(holder, Refusal) else self._held(holder)

    def _held(self, holder: Holder) -> Balances:
        held = self.ledger.balance(holder.account)
        return Balances(holder.kind, held, self.office.available(holder.account))

    def payee_account(self, number: str) -> str | None:
        """The open account of a card or account number."""
        row = self._db.execute(
            "SELECT id FROM account WHERE state = 'open' AND id IN"
            " (SELECT :number UNION ALL SELECT account FROM card WHERE number = :number)",
            {"number": number},
        ).fetchone()
        return str(row[0]) if row else None

    def quote(self, card: str, payee: str, amount: Money, now: datetime) -> Quote | Refusal:
        """Check a transfer and give its terms: fee, masked payee, expiry."""
        payer = self.office.holder(card)
        if isinstance(payer, Refusal):
            return payer
        account = self.payee_account(payee)
        if account is None or account == payer.account:
            return Refusal.BAD_PAYEE
        fee = Money(self._rules.fee(amount.minor), amount.currency)
        legs = _transfer_legs(payer.account, account, amount, fee)
        refusal = self._allowed(payer, account, amount, now) or self.orders.affordable(legs)
        if refusal:
            return refusal
        offer = Offer(card, TRANSFER, amount, fee, legs, {"payee": account})
        priced = self.orders.quote(offer, now)
        return Quote(priced.id, mask(payee), fee, priced.expires_at)

    def _allowed(self, payer: Holder, payee: str, amount: Money, now: datetime) -> Refusal | None:
        if amount.minor <= 0:
            return Refusal.BAD_AMOUNT
        units = {self.ledger.unit(payer.account), self.ledger.unit(payee), amount.currency}
        if len(units) != 1:
            return Refusal.WRONG_CURRENCY
        used = self._used(payer.card, now)
        if (
            amount.minor > self._rules.transfer_most
            or used + amount.minor > self._rules.transfer_daily
        ):
            return Refusal.OVER_LIMIT
        return None

    def _used(self, card: str, now: datetime) -> int:
        row = self._db.execute(
            "SELECT minor FROM daily_use WHERE card = ? AND business_date = ?",
            (card, self.calendar.today(now).isoformat()),
        ).fetchone()
        return int(row[0]) if row else 0

    def transfer(self, order: TransferOrder, now: datetime) -> Balances | Refusal:
        """Post a quoted transfer once; gives the payer's balances afterwards."""
        payer = self.office.holder(order.card)
        if isinstance(payer, Refusal):
            return payer
        payee = self.payee_account(order.payee)
        if payee is None:
            return Refusal.BAD_PAYEE
        agreed = Agreed(
            order.key,
            order.card,
            TRANSFER,
            order.quote,
            order.amount,
            order.fee,
            order.reference,
            order.service,
            {"payee": payee},
        )
        refusal = (
            self.orders.refusal(agreed, now)
            or self._allowed(payer, payee, order.amount, now)
            or self.orders.post(agreed, now)
        )
        if refusal:
            return refusal
        self._use(order.card, order.amount.minor, now)
        return self._held(payer)

    def _use(self, card: str, minor: int, now: datetime) -> None:
        self._db.execute(
            "INSERT INTO daily_use VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET minor = minor + excluded.minor",
            (card, self.calendar.today(now).isoformat(), minor),
        )

    def post(self, order: Agreed, now: datetime) -> Balances | Refusal:
        """Post a quoted order of any product but a transfer; gives the card's balances after it."""
        holder = self.office.holder(order.card)
        if isinstance(holder, Refusal):
            return holder
        return self.orders.post(order, now) or self._held(holder)

    def undo(self, key: str, now: datetime) -> bool:
        """Undo an order once; False where there is none of that key or it is undone.

        The day's limit is given back to its own day."""
        if not self.orders.undo(key, now):
            return False
        self._db.execute(
            "UPDATE daily_use SET minor = daily_use.minor - o.minor FROM posted_order o"
            " WHERE o.key = ? AND o.kind = 'transfer'"
            " AND daily_use.card = o.card AND daily_use.business_date = o.business_date",
            (key,),
        )
        return True

    def report_loss(self, report: LossReport, now: datetime) -> bool | Refusal:
        """Make the card hot; True for the first report, False where it was hot before: then the
        later of the two last days counts, and a card that is hot for good stays so."""
        if not self.office.identified(report.card, report.identity):
            return Refusal.NOT_MATCHED
        (last,) = self._db.execute(
            "SELECT hot_until FROM card WHERE number = ?", (report.card,)
        ).fetchone()
        was_hot = self.office.stopped(report.card)
        until = report.until.isoformat() if report.until else None
        self._reported(report.key, report.card, report.reference, report.reason, "1", until, now)
        if not was_hot or (last is not None and (until is None or until > last)):
            self._stop(report.card, until, now)
        return not was_hot

    def decide_loss(self, decision: LossDecision, now: datetime) -> Refusal | None:
        """Stop the card for good, or let it be used again; NOT_MATCHED where there is no card, or
        none that is stopped to be let go."""
        refusal = self.usable_card(decision.card)
        stopped = refusal is Refusal.HOT_CARD
        if refusal is Refusal.BAD_CARD or (decision.act == LET_GO and not stopped):
            return Refusal.NOT_MATCHED
        said = (decision.reference, decision.reason, decision.act)
        self._reported(decision.key, decision.card, *said, None, now)
        if decision.act == LET_GO:
            self._db.execute(
                "UPDATE card SET hot_at = NULL, hot_until = NULL WHERE number = ?", (decision.card,)
            )
        else:
            self._stop(decision.card, None, now)
        return None

    def _stop(self, card: str, until: str | None, now: datetime) -> None:
        self._db.execute(
            "UPDATE card SET hot_until = ?, hot_at = CASE WHEN number IN"
            " (SELECT number FROM stopped_card) THEN hot_at ELSE ? END WHERE number = ?",
            (until, stamp(now), card),
        )

    def _reported(  # noqa: PLR0917 - the order of the columns
        self,
        key: str,
        card: str,
        reference: str,
        reason: str,
        act: str,
        until: str | None,
        now: datetime,
    ) -> None:
        self._db.execute(
            "INSERT INTO loss_report (key, card, at, reference, reason, act, until)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (key, card, stamp(now), reference, reason, act, until),
        )


def _transfer_legs(payer: str, payee: str, amount: Money, fee: Money) -> list[Leg]:
    legs = [Leg(payer, -amount.minor - fee.minor), Leg(payee, amount.minor)]
    if fee.minor:
        legs.append(Leg(FEES.format(amount.currency.code), fee.minor))
    return legs
