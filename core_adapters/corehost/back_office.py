"""What every product of the bank works with: books, business date, rules, and whose card it is."""

import sqlite3
from dataclasses import dataclass
from datetime import date, datetime

from core_adapters.corehost.calendar import Calendar
from core_adapters.corehost.ledger import Ledger
from core_adapters.corehost.refusal import Refusal
from core_adapters.corehost.rules import Rules, identity_digits
from transactions.money import Currency, Money

VAULT = "vault:{}"
FEES = "fees:{}"
INTEREST = "interest:{}"
"""The bank's own accounts, one of each for every currency code: cash, fees earned, and the expense
of interest paid to customers."""
HOUSE_ACCOUNTS = (VAULT, FEES, INTEREST)


@dataclass(frozen=True, slots=True)
class Holder:
    """A usable card with the account behind it; `kind` is ISO 8583 field 3's account type."""

    card: str
    account: str
    kind: str
    customer: str


class BackOffice:
    """Shared by all products; the caller of any of them brings the transaction."""

    def __init__(self, db: sqlite3.Connection, rules: Rules) -> None:
        self.db = db
        self.rules = rules
        self.ledger = Ledger(db)
        self.calendar = Calendar(db, rules)

    def today(self, now: datetime) -> date:
        """The business date."""
        return self.calendar.today(now)

    def usable_card(self, card: str) -> Refusal | None:
        """None where the card is known and not hot."""
        row = self.db.execute("SELECT 1 FROM card WHERE number = ?", (card,)).fetchone()
        if row is None:
            return Refusal.BAD_CARD
        return Refusal.HOT_CARD if self.stopped(card) else None

    def stopped(self, card: str) -> bool:
        """Whether the card is stopped on the business date."""
        row = self.db.execute("SELECT 1 FROM stopped_card WHERE number = ?", (card,)).fetchone()
        return row is not None

    def identified(self, card: str, digits: str) -> bool:
        """Whether the identity number, or its last four digits, is that of the card's holder."""
        row = self.db.execute(
            "SELECT 1 FROM card c JOIN customer u ON u.id = c.customer"
            " WHERE c.number = ? AND u.identity = ?",
            (card, identity_digits(digits)),
        ).fetchone()
        return row is not None

    def holder(self, card: str) -> Holder | Refusal:
        """The card's open account, or why there is none to work with."""
        refusal = self.usable_card(card)
        if refusal:
            return refusal
        row = self.db.execute(
            "SELECT a.id, a.kind, a.state, a.customer FROM card c JOIN account a"
            " ON a.id = c.account WHERE c.number = ?",
            (card,),
        ).fetchone()
        if row is None:
            return Refusal.NO_ACCOUNT
        return Refusal.CLOSED if row[2] == "closed" else Holder(card, row[0], row[1], row[3])

    def available(self, account: str) -> Money:
        """What an account holds but for what authorised debits hold back; credits count only when
        they are posted."""
        (minor,) = self.db.execute(
            "SELECT COALESCE(SUM(minor), 0) FROM authorisation"
            " WHERE account = ? AND posted_by IS NULL AND minor < 0",
            (account,),
        ).fetchone()
        held = self.ledger.balance(account)
        return held + Money(minor, held.currency)

    def open_house_accounts(self, unit: Currency) -> None:
        """Open the bank's own accounts in a currency."""
        for name in HOUSE_ACCOUNTS:
            self.ledger.open_account(name.format(unit.code), unit)


def stamp(at: datetime) -> str:
    """A time as the tables keep it: ISO 8601 with microseconds, which sorts as text."""
    return at.isoformat(timespec="microseconds")
