"""What the demo bank's books say about a customer, read beside the running host.

Expectations of the service tests come from here: what is spoken must be what the ledger holds.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from core_adapters.corehost.back_office import BackOffice
from core_adapters.corehost.house import DATABASE
from core_adapters.corehost.ledger import connect_read_only
from core_adapters.corehost.products import history, points
from core_adapters.corehost.products.bills.billers import load_billers
from core_adapters.corehost.products.deposits.accounts import Deposit, Deposits
from core_adapters.corehost.rules import BANK_OFFSET, EVERY_DAY, Rules
from core_adapters.corehost.seed import SeedCard
from transactions.money import Currency, Money, currency

CNY = currency("CNY")
Values = Mapping[str, object]
PAGE = 5
"""Rows that are spoken before the caller is asked whether he wants more."""


@dataclass(frozen=True, slots=True)
class Posted:
    """One order in the ledger: what every account got (fen, negative what it gave), and what each
    holds after it."""

    key: str
    kind: str
    minor: int
    fee: int
    legs: Mapping[str, int]
    after: Mapping[str, int]
    unit: Currency
    about: Mapping[str, str]
    effect: Mapping[str, str]

    @property
    def amount(self) -> Money:
        """What was ordered."""
        return Money(self.minor, self.unit)

    @property
    def charged(self) -> Money:
        """The fee."""
        return Money(self.fee, self.unit)

    @property
    def interest(self) -> Money:
        """What the bank gave out of its interest expense."""
        return Money(-self.legs.get("interest:CNY", 0), CNY)


@dataclass(frozen=True, slots=True)
class Bill:
    """One month's bill of a subscriber."""

    month: date
    due_on: date
    minor: int
    paid_by: str | None
    charges: Sequence[tuple[str, int]]

    def state(self, today: date) -> str:
        """A word of `bill`."""
        if self.paid_by:
            return "paid"
        return "overdue" if self.due_on < today else "due"


class Books:
    """Reads the host's database; the host may run."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / DATABASE

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        db = connect_read_only(self._path)
        try:
            yield db
        finally:
            db.close()

    @property
    def today(self) -> date:
        """The business date."""
        return (datetime.now(UTC) + BANK_OFFSET).date()

    def held(self, account: str) -> int:
        """Fen in a ledger account."""
        with self._open() as db:
            row = db.execute(
                "SELECT balance FROM leg WHERE account = ? ORDER BY ordinal DESC LIMIT 1",
                (account,),
            ).fetchone()
        return int(row[0]) if row else 0

    def postings(self, account: str) -> int:
        """How many legs an account has."""
        with self._open() as db:
            (count,) = db.execute(
                "SELECT COUNT(*) FROM leg WHERE account = ?", (account,)
            ).fetchone()
        return int(count)

    def posted(self, reference: str) -> Posted:
        """The order that our reference (field 37) was posted as, once and whole."""
        with self._open() as db:
            ((key, kind, minor, fee, undone, unit, about, effect),) = db.execute(
                "SELECT o.key, o.kind, o.minor, o.fee, o.undone, o.currency, q.about, q.effect"
                " FROM posted_order o JOIN priced_order q ON q.used_by = o.key"
                " WHERE o.reference = ?",
                (reference,),
            ).fetchall()
            legs = db.execute(
                "SELECT l.account, l.minor, l.balance FROM leg l JOIN posting p"
                " ON p.id = l.posting WHERE p.key = ? ORDER BY l.account",
                (key,),
            ).fetchall()
        assert not undone, f"{reference} was undone"
        gave = {account: int(change) for account, change, _ in legs}
        after = {account: int(balance) for account, _, balance in legs}
        quoted = json.loads(about), json.loads(effect)
        return Posted(key, kind, minor, fee, gave, after, currency(unit), *quoted)

    # -- what a customer has ------------------------------------------------------------------

    def deposits(self, who: SeedCard, kind: str = "") -> list[Deposit]:
        """His open deposits by number, of one kind or all."""
        with self._open() as db:
            return Deposits(db).of_account(who.account, kind)

    def opened_by(self, key: str, table: str = "deposit", by: str = "opened_by") -> str:
        """The ledger account of the deposit (loan, bond …) that an order opened."""
        query = f"SELECT id FROM {table} WHERE {by} = ?"
        with self._open() as db:
            ((ident,),) = db.execute(query, (key,)).fetchall()
        return str(ident)

    @contextmanager
    def office(self) -> Iterator[BackOffice]:
        """The bank's own way of reading, for what this class has no words for."""
        with self._open() as db:
            yield BackOffice(db, Rules(market_days=EVERY_DAY))

    def closed_by(self, key: str) -> list[str]:
        """Ledger accounts of the deposits that an order closed."""
        with self._open() as db:
            rows = db.execute("SELECT id FROM deposit WHERE closed_by = ?", (key,)).fetchall()
        return [str(ident) for (ident,) in rows]

    def entries(self, who: SeedCard, since: date) -> list[Values]:
        """All entries of his card since a date, as they are spoken, newest first."""
        with self._open() as db:
            found = history.entries(db, who.account, since, 0, 1000)
        return [_spoken(one) for one in found]

    def unposted(self, who: SeedCard) -> list[Values]:
        """What is authorised and not posted, newest first."""
        with self._open() as db:
            return [_spoken(one) for one in history.unposted(db, who.account, 0, 1000)]

    def points(self, who: SeedCard) -> points.Points:
        """His points."""
        with self._open() as db:
            return points.points_of(db, who.account, self.today)

    # -- bills --------------------------------------------------------------------------------

    def number(self, who: SeedCard, biller: str) -> str:
        """Under which number he is a subscriber."""
        return load_billers()[0][biller].number(who.card)

    def bills(self, who: SeedCard, biller: str) -> list[Bill]:
        """His bills, in the order in which they are spoken: unpaid, then paid, the oldest first of
        the one and the newest first of the other."""
        number = self.number(who, biller)
        with self._open() as db:
            rows = db.execute(
                "SELECT id, month, due_on, minor, paid_by FROM bill"
                " WHERE biller = ? AND number = ? ORDER BY month",
                (biller, number),
            ).fetchall()
            bills = [
                Bill(_day(month), _day(due), minor, paid, _charges(db, ident))
                for ident, month, due, minor, paid in rows
            ]
        unpaid = [one for one in bills if not one.paid_by]
        return unpaid + [one for one in reversed(bills) if one.paid_by]


def _charges(db: sqlite3.Connection, bill: int) -> list[tuple[str, int]]:
    return db.execute(
        "SELECT what, minor FROM bill_charge WHERE bill = ? ORDER BY ordinal", (bill,)
    ).fetchall()


def _day(text: str) -> date:
    return date.fromisoformat(text)


def _spoken(one: history.Entry) -> Values:
    return {"on": one.on, "what": one.what, "amount": Money(one.minor, CNY)}
