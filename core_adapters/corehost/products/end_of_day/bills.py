"""The bills of the month that is over, handed in by every biller for all its subscribers at once.

One posting for each biller: what its subscribers owe, and what the biller will have of it.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.bills.billers import Biller, load_billers
from core_adapters.corehost.products.bills.claims import BILLER, CLAIMS
from core_adapters.corehost.products.end_of_day.book import BILLS, Item
from core_adapters.corehost.products.end_of_day.work import Closing, Subject, Work
from transactions.money import Money, currency

CNY = currency("CNY")


@dataclass(frozen=True, slots=True)
class _Bill:
    number: str
    charges: Sequence[tuple[str, int]]

    @property
    def minor(self) -> int:
        return sum(minor for _what, minor in self.charges)


def bills_due(closing: Closing) -> Iterator[Subject]:
    """Hand in the bills of the month that ends with the date, if the next day is the billers'."""
    if not closing.terms.bills_on(closing.posts_on):
        return
    month = closing.day.replace(day=1)
    due_on = closing.posts_on + timedelta(days=closing.terms.bill_due_days)
    for biller in load_billers()[0].values():
        yield Subject(biller.name, partial(_due, closing.office.db, biller, (month, due_on)))


def _due(db: sqlite3.Connection, biller: Biller, dates: tuple[date, date]) -> Iterator[Work]:
    bills = _bills(db, biller, dates[0])
    if bills:
        yield _handed_in(db, biller, bills, dates)


def _bills(db: sqlite3.Connection, biller: Biller, month: date) -> list[_Bill]:
    """One for each subscriber that has none of that month."""
    rows = db.execute(
        "SELECT s.number FROM subscription s WHERE s.biller = ?"
        " AND NOT EXISTS (SELECT 1 FROM bill b WHERE b.biller = s.biller"
        "  AND b.number = s.number AND b.month = ?) ORDER BY s.number",
        (biller.name, month.isoformat()),
    )
    made = [_Bill(number, biller.charged(number, month)) for (number,) in rows]
    return [one for one in made if one.minor]


def _handed_in(
    db: sqlite3.Connection, biller: Biller, bills: Sequence[_Bill], dates: tuple[date, date]
) -> Work:
    whole = sum(one.minor for one in bills)
    legs = (Leg(CLAIMS.format(biller.name), -whole), Leg(BILLER.format(biller.name), whole))
    item = Item(BILLS, biller.name, Money(whole, CNY), legs, count=len(bills))
    return Work(item, partial(_write, db, biller, bills, dates))


def _write(
    db: sqlite3.Connection,
    biller: Biller,
    bills: Sequence[_Bill],
    dates: tuple[date, date],
    _key: str,
) -> None:
    month, due_on = (day.isoformat() for day in dates)
    (last,) = db.execute("SELECT COALESCE(MAX(id), 0) FROM bill").fetchone()
    numbered = list(enumerate(bills, last + 1))
    db.executemany(
        "INSERT INTO bill (id, biller, number, month, due_on, minor) VALUES (?, ?, ?, ?, ?, ?)",
        [(ident, biller.name, one.number, month, due_on, one.minor) for ident, one in numbered],
    )
    db.executemany(
        "INSERT INTO bill_charge VALUES (?, ?, ?, ?)",
        [
            (ident, place, *charge)
            for ident, one in numbered
            for place, charge in enumerate(one.charges, 1)
        ],
    )
