"""Customers, cards, accounts, quotes and transfers of the demo bank.

Everything happens inside the transaction that the caller opened; a refusal changes nothing.
"""

import secrets
import sqlite3
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Literal

from core_adapters.corehost.calendar import Calendar
from core_adapters.corehost.ledger import Ledger, Leg
from core_adapters.corehost.pins import Pins
from core_adapters.corehost.rules import Rules, identity_digits
from transactions.card import mask
from transactions.money import Currency, Money

VAULT = "vault:{}"
FEES = "fees:{}"
"""The bank's own accounts, one of each for every currency code."""
LET_GO = "3"
"""File update code (field 91) of a record that is deleted."""


class Refusal(Enum):
    """Why the bank says no; the desk gives each a response code."""

    BAD_CARD = "no such card"
    HOT_CARD = "the card was reported lost"
    NO_ACCOUNT = "the card has no account"
    CLOSED = "the account is closed"
    BAD_PAYEE = "no such payee, or the payer himself"
    BAD_AMOUNT = "not an amount, or not the quoted one"
    WRONG_CURRENCY = "the account has another currency"
    INSUFFICIENT = "not enough money for amount and fee"
    OVER_LIMIT = "above the limit for one transfer or for the day"
    BAD_QUOTE = "no such quote, used before, or of other terms"
    EXPIRED_QUOTE = "the quote has expired"
    NOT_MATCHED = "card and identity digits do not match"


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


@dataclass(frozen=True, slots=True)
class _Payer:
    card: str
    account: str
    kind: str


class Bank:
    """The bank's business over one connection."""

    def __init__(self, db: sqlite3.Connection, rules: Rules, pins: Pins) -> None:
        self._db = db
        self._rules = rules
        self.pins = pins
        self.ledger = Ledger(db)
        self.calendar = Calendar(db, rules)

    def usable_card(self, card: str) -> Refusal | None:
        """None where the card is known and not hot."""
        row = self._db.execute("SELECT 1 FROM card WHERE number = ?", (card,)).fetchone()
        if row is None:
            return Refusal.BAD_CARD
        return Refusal.HOT_CARD if self._stopped(card) else None

    def _stopped(self, card: str) -> bool:
        """Whether the card is stopped on the business date."""
        row = self._db.execute("SELECT 1 FROM stopped_card WHERE number = ?", (card,)).fetchone()
        return row is not None

    def _payer(self, card: str) -> _Payer | Refusal:
        refusal = self.usable_card(card)
        if refusal:
            return refusal
        row = self._db.execute(
            "SELECT a.id, a.kind, a.state FROM card c JOIN account a ON a.id = c.account"
            " WHERE c.number = ?",
            (card,),
        ).fetchone()
        if row is None:
            return Refusal.NO_ACCOUNT
        return Refusal.CLOSED if row[2] == "closed" else _Payer(card, row[0], row[1])

    def balances(self, card: str) -> Balances | Refusal:
        """Ledger and available balance of the card's account; nothing is held back yet."""
        payer = self._payer(card)
        if isinstance(payer, Refusal):
            return payer
        held = self.ledger.balance(payer.account)
        return Balances(payer.kind, held, held)

    def _payee(self, number: str) -> str | None:
        """The open account of a card or account number."""
        row = self._db.execute(
            "SELECT id FROM account WHERE state = 'open' AND id IN"
            " (SELECT :number UNION ALL SELECT account FROM card WHERE number = :number)",
            {"number": number},
        ).fetchone()
        return str(row[0]) if row else None

    def quote(self, card: str, payee: str, amount: Money, now: datetime) -> Quote | Refusal:
        """Check a transfer and give its terms: fee, masked payee, expiry."""
        payer = self._payer(card)
        if isinstance(payer, Refusal):
            return payer
        account = self._payee(payee)
        if account is None or account == payer.account:
            return Refusal.BAD_PAYEE
        fee = Money(self._rules.fee(amount.minor), amount.currency)
        refusal = self._affordable(payer, account, amount, fee, now)
        if refusal:
            return refusal
        expires_at = now + timedelta(seconds=self._rules.quote_life_s)
        quote = Quote(f"Q{secrets.token_hex(8).upper()}", mask(payee), fee, expires_at)
        self._db.execute(
            "INSERT INTO quote VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
            (
                quote.id,
                card,
                account,
                amount.currency.code,
                amount.minor,
                fee.minor,
                stamp(expires_at),
            ),
        )
        return quote

    def _affordable(
        self, payer: _Payer, payee: str, amount: Money, fee: Money, now: datetime
    ) -> Refusal | None:
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
        if self.ledger.balance(payer.account) < amount + fee:
            return Refusal.INSUFFICIENT
        return None

    def _used(self, card: str, now: datetime) -> int:
        row = self._db.execute(
            "SELECT minor FROM daily_use WHERE card = ? AND business_date = ?",
            (card, self.calendar.today(now).isoformat()),
        ).fetchone()
        return int(row[0]) if row else 0

    def transfer(self, order: TransferOrder, now: datetime) -> Balances | Refusal:
        """Post a quoted transfer once; gives the payer's balances afterwards."""
        payer = self._payer(order.card)
        if isinstance(payer, Refusal):
            return payer
        payee = self._payee(order.payee)
        if payee is None:
            return Refusal.BAD_PAYEE
        refusal = self._quoted(order, payee, now) or self._affordable(
            payer, payee, order.amount, order.fee, now
        )
        if refusal:
            return refusal
        self._db.execute("UPDATE quote SET used_by = ? WHERE id = ?", (order.key, order.quote))
        self._post(order, payer.account, payee, now)
        held = self.ledger.balance(payer.account)
        return Balances(payer.kind, held, held)

    def _quoted(self, order: TransferOrder, payee: str, now: datetime) -> Refusal | None:
        row = self._db.execute(
            "SELECT card, payee, currency, minor, fee, expires_at, used_by FROM quote WHERE id = ?",
            (order.quote,),
        ).fetchone()
        if row is None or row[6] is not None:
            return Refusal.BAD_QUOTE
        amount = (order.amount.currency.code, order.amount.minor)
        if row[2:4] != amount:
            return Refusal.BAD_AMOUNT
        if (row[0], row[1], row[4]) != (order.card, payee, order.fee.minor):
            return Refusal.BAD_QUOTE
        return Refusal.EXPIRED_QUOTE if row[5] < stamp(now) else None

    def _post(self, order: TransferOrder, payer: str, payee: str, now: datetime) -> None:
        amount, fee = order.amount.minor, order.fee.minor
        legs = [Leg(payer, -amount - fee), Leg(payee, amount)]
        if fee:
            legs.append(Leg(FEES.format(order.amount.currency.code), fee))
        day = self.calendar.today(now)
        self.ledger.post(order.key, "transfer", legs, day, now)
        self._db.execute(
            "INSERT INTO transfer VALUES (?, ?, ?, ?, ?, 0, ?, ?)",
            (
                order.key,
                order.card,
                day.isoformat(),
                amount,
                fee,
                order.reference,
                order.service,
            ),
        )
        self._db.execute(
            "INSERT INTO daily_use VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET minor = minor + excluded.minor",
            (order.card, day.isoformat(), amount),
        )

    def undo(self, key: str, now: datetime) -> bool:
        """Undo a transfer once; False where there is none of that key or it is undone.

        The money goes back even where the payee has spent it: his account then falls below zero,
        as in any bank that honours a reversal. The day's limit is given back to its own day.
        """
        if not self.ledger.undo(key, f"undo:{key}", self.calendar.today(now), now):
            return False
        card, day, minor = self._db.execute(
            "UPDATE transfer SET undone = 1 WHERE key = ? RETURNING card, business_date, minor",
            (key,),
        ).fetchone()
        self._db.execute(
            "UPDATE daily_use SET minor = minor - ? WHERE card = ? AND business_date = ?",
            (minor, card, day),
        )
        return True

    def report_loss(self, report: LossReport, now: datetime) -> bool | Refusal:
        """Make the card hot; True for the first report, False where it was hot before: then the
        later of the two last days counts, and a card that is hot for good stays so."""
        row = self._db.execute(
            "SELECT c.hot_until FROM card c JOIN customer u ON u.id = c.customer"
            " WHERE c.number = ? AND u.identity = ?",
            (report.card, identity_digits(report.identity)),
        ).fetchone()
        if row is None:
            return Refusal.NOT_MATCHED
        was_hot, last = self._stopped(report.card), row[0]
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

    def open_house(self, unit: Currency) -> None:
        """Open the bank's own accounts in a currency."""
        for name in (VAULT, FEES):
            self.ledger.open_account(name.format(unit.code), unit)


def stamp(at: datetime) -> str:
    """A time as the tables keep it: ISO 8601 with microseconds, which sorts as text."""
    return at.isoformat(timespec="microseconds")
