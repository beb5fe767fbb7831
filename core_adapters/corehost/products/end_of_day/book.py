"""The book of ended business dates: which are over, what was done for each, and its undoing.

Everything that a run posts has a key `day:DATE:WHAT:ACCOUNT` and a row here, so that nothing is
done twice for a date. What is only told (a loan overdue) has a row and no posting. What is done
late for a date, or again after an order was undone, may have a number behind its key. `day_term`
has what the term was that an item began anew, as long as the item stands.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType

from core_adapters.corehost.back_office import BackOffice, stamp
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.dependents import ORDER_VOID
from core_adapters.corehost.products.end_of_day.terms import ONE_DAY
from transactions.money import Currency, Money, currency

SCHEMA = """
CREATE TABLE day_run (
    date TEXT PRIMARY KEY,
    at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE day_item (
    key TEXT PRIMARY KEY,
    date TEXT NOT NULL REFERENCES day_run (date),
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    currency TEXT NOT NULL,
    count INTEGER NOT NULL CHECK (count > 0),
    minor INTEGER NOT NULL,
    interest INTEGER NOT NULL DEFAULT 0 CHECK (interest >= 0),
    posted INTEGER NOT NULL CHECK (posted IN (0, 1))
) STRICT, WITHOUT ROWID;
CREATE TABLE day_term (
    key TEXT PRIMARY KEY REFERENCES day_item (key),
    opened TEXT NOT NULL,
    rate TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX day_item_date ON day_item (date);
CREATE INDEX day_item_subject ON day_item (subject);
"""
INTEREST_PAID, RENEWED, MATURED = "interest", "deposit_renewed", "deposit_matured"
FX_RENEWED, BOND_MATURED, BILLS = "fx_renewed", "bond_matured", "bills"
"""What a run posts: kinds of its postings."""
LOAN_INTEREST, LOAN_OVERDUE, FAILED = "loan_interest", "loan_overdue", "failed"
"""What it only tells."""
WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        MATURED: ("transfer_in", "transfer_out"),
        BOND_MATURED: ("transfer_in", "transfer_out"),
        RENEWED: ("interest", "other"),
        FX_RENEWED: ("interest", "other"),
    }
)
"""As `history.WORDS`."""
CHECKS = (
    (
        "end of day {}: {} of {} says posted {}, but there are {} posting(s)",
        """SELECT i.date, i.what, i.subject, i.posted, COUNT(p.id) FROM day_item i
           LEFT JOIN posting p ON p.key = i.key GROUP BY i.key HAVING i.posted <> COUNT(p.id)""",
    ),
    (
        "posting {} is of no end of day",
        """SELECT p.key FROM posting p LEFT JOIN day_item i ON i.key = p.key
           WHERE p.key LIKE 'day:%' AND i.key IS NULL""",
    ),
    (
        "end of day {}: {} of {} moved {}, but {} was posted",
        """SELECT i.date, i.what, i.subject, i.interest,
             (SELECT -SUM(l.minor) FROM posting p JOIN leg l ON l.posting = p.id
              WHERE p.key = i.key AND l.account = 'interest:' || i.currency) AS paid
           FROM day_item i WHERE i.what IN ('interest', 'deposit_renewed', 'deposit_matured',
             'fx_renewed') AND i.interest <> COALESCE(paid, 0)""",
    ),
    (
        "business date {} has not ended, but the date after {} has",
        """SELECT next.date, r.date FROM (SELECT date(date, '+1 day') AS date FROM day_run) next
           JOIN (SELECT MAX(date) AS date FROM day_run) r
           WHERE next.date < r.date AND next.date NOT IN (SELECT date FROM day_run)""",
    ),
)
"""As in the ledger: what must find nothing."""


@dataclass(frozen=True, slots=True)
class Item:
    """What is done for one account; `legs` none where it is only told. `amount` is what it is
    about, `interest` what of it the bank pays, in minor units of the same currency. `on` is the
    date that it belongs to, where that is over already."""

    what: str
    subject: str
    amount: Money
    legs: Sequence[Leg] = ()
    interest: int = 0
    count: int = 1
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A run's line: how often something was done in a currency, what it came to."""

    what: str
    count: int
    amount: Money
    interest: Money


@dataclass(frozen=True, slots=True)
class Ended:
    """A business date that is over, and when (UTC) its run was done."""

    day: date
    at: datetime
    lines: Sequence[Line]


class DayBook:
    """The tables of the end of day; the caller brings the transaction."""

    def __init__(self, office: BackOffice) -> None:
        self._office = office
        self._db = office.db

    def last(self) -> date | None:
        """The last date that is over; None in a bank that never counted."""
        (text,) = self._db.execute("SELECT MAX(date) FROM day_run").fetchone()
        return date.fromisoformat(text) if text else None

    def first(self) -> date:
        """The first date that is over: the bank keeps this book since then."""
        (text,) = self._db.execute("SELECT MIN(date) FROM day_run").fetchone()
        return date.fromisoformat(text)

    def begin(self, now: datetime) -> date:
        """The last date that is over; in a bank that never counted, yesterday is from now on."""
        last = self.last()
        if last is None:
            last = self._office.today(now) - ONE_DAY
            self.end(last, now)
        return last

    def end(self, day: date, now: datetime) -> None:
        """A date is over; `sqlite3.IntegrityError` where it was before."""
        self._db.execute("INSERT INTO day_run VALUES (?, ?)", (day.isoformat(), stamp(now)))

    def do(self, day: date, posted_on: date, item: Item, now: datetime) -> str:
        """Write an item and post its legs on `posted_on`; gives its key."""
        key = self._key(day, item)
        if item.legs:
            self._office.ledger.post(key, item.what, item.legs, posted_on, now)
        row = (
            key,
            (item.on or day).isoformat(),
            item.what,
            item.subject,
            item.amount.currency.code,
        )
        sums = (item.count, item.amount.minor, item.interest, int(bool(item.legs)))
        self._db.execute("INSERT INTO day_item VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row + sums)
        return key

    def _key(self, day: date, item: Item) -> str:
        if item.on is None:
            return f"day:{day}:{item.what}:{item.subject}"
        key = first = f"day:{item.on}:{item.what}:{item.subject}"
        number = 1
        while self._db.execute("SELECT 1 FROM day_item WHERE key = ?", (key,)).fetchone():
            number += 1
            key = f"{first}:{number}"
        return key


def void(office: BackOffice, key: str, now: datetime) -> None:
    """Make up for what an end of day posted, if it posted anything."""
    office.ledger.undo(key, f"void:{key}", office.today(now), now, kind=ORDER_VOID)


def unwind(office: BackOffice, subject: str, now: datetime) -> None:
    """What opened an account is undone: make up for all that ends of days posted for it."""
    rows = office.db.execute(
        "SELECT key FROM day_item WHERE subject = ? AND posted = 1 ORDER BY key", (subject,)
    ).fetchall()
    for (key,) in rows:
        void(office, key, now)


def ended(db: sqlite3.Connection, most: int) -> list[Ended]:
    """The latest dates that are over, the last one first, each with its lines."""
    days = db.execute("SELECT date, at FROM day_run ORDER BY date DESC LIMIT ?", (most,))
    return [
        Ended(date.fromisoformat(day), datetime.fromisoformat(at), _lines(db, day))
        for day, at in days.fetchall()
    ]


def _lines(db: sqlite3.Connection, day: str) -> list[Line]:
    rows = db.execute(
        "SELECT what, currency, SUM(count), SUM(minor), SUM(interest) FROM day_item"
        " WHERE date = ? GROUP BY what, currency ORDER BY what, currency",
        (day,),
    )
    return [_line(what, currency(code), *sums) for what, code, *sums in rows]


def _line(what: str, unit: Currency, count: int, minor: int, interest: int) -> Line:
    return Line(what, count, Money(minor, unit), Money(interest, unit))
