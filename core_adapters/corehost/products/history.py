"""Entries of a card's account out of the ledger, newest first, and what is authorised but not yet
posted."""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType
from typing import Any

from core_adapters.corehost.products import dependents
from core_adapters.corehost.products.bonds import holdings as bonds
from core_adapters.corehost.products.cheques import books as cheques
from core_adapters.corehost.products.companies import accounts as companies
from core_adapters.corehost.products.companies import payments as company_payments
from core_adapters.corehost.products.end_of_day import book as end_of_day
from core_adapters.corehost.products.exchange import product as fx
from core_adapters.corehost.products.loans import accounts as loans
from core_adapters.corehost.products.orders import BILL, DRAW, PLACE, TRANSFER
from core_adapters.corehost.products.securities import funds as securities

RECENT = timedelta(days=90)
"""How far back recent entries go, by business date."""
SCHEMA = """
CREATE TABLE authorisation (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id),
    what TEXT NOT NULL,
    minor INTEGER NOT NULL CHECK (minor <> 0),
    business_date TEXT NOT NULL,
    at TEXT NOT NULL,
    posted_by TEXT REFERENCES posting (key)
) STRICT;
CREATE INDEX authorisation_account ON authorisation (account);
"""

OTHER = "other"
WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "opening": ("deposit", "withdrawal"),
        TRANSFER: ("transfer_in", "transfer_out"),
        PLACE: ("transfer_in", "transfer_out"),
        DRAW: ("transfer_in", "transfer_out"),
        BILL: ("refund", "payment"),
        "reversal": ("refund", OTHER),
        "deposit": ("deposit", OTHER),
        "withdrawal": (OTHER, "withdrawal"),
        "salary": ("salary", OTHER),
        "interest": ("interest", OTHER),
        "purchase": ("refund", "purchase"),
        "payment": ("refund", "payment"),
        "fee": ("refund", "fee"),
        "refund": ("refund", OTHER),
        **loans.WORDS,
        **bonds.WORDS,
        **fx.WORDS,
        **securities.WORDS,
        **companies.WORDS,
        **company_payments.WORDS,
        **cheques.WORDS,
        **end_of_day.WORDS,
        **dependents.WORDS,
    }
)
"""By the kind of the posting: the word (set `txn`) of an entry in the account's favour, and of one
that is not."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: `minor` and `balance` after it in fen (debits negative), `number` within its
    account; an authorisation has no balance."""

    number: int
    on: date
    at: datetime
    what: str
    minor: int
    balance: int | None


def entries(
    db: sqlite3.Connection,
    account: str,
    since: date,
    before: int,
    most: int,
    *,
    until: date = date.max,
) -> Sequence[Entry]:
    """Up to `most` entries with business dates from `since` to `until` and numbers below `before`
    (0 is no bound), newest first."""
    rows = db.execute(
        "SELECT l.ordinal, p.business_date, p.at, p.kind, l.minor, l.balance"
        " FROM leg l JOIN posting p ON p.id = l.posting"
        " WHERE l.account = ? AND p.business_date BETWEEN ? AND ? AND (? = 0 OR l.ordinal < ?)"
        " ORDER BY l.ordinal DESC LIMIT ?",
        (account, since.isoformat(), until.isoformat(), before, before, most),
    )
    return [_entry(row) for row in rows]


def begun(db: sqlite3.Connection, today: date) -> date:
    """The business date of the first posting of all; today where there is none."""
    (text,) = db.execute("SELECT MIN(business_date) FROM posting").fetchone()
    return date.fromisoformat(text) if text else today


def _entry(row: tuple[Any, ...]) -> Entry:
    number, day, at, kind, minor, balance = row
    what = word(kind, minor)
    return Entry(number, date.fromisoformat(day), datetime.fromisoformat(at), what, minor, balance)


def word(kind: str, minor: int) -> str:
    """The word of an entry of a posting of this kind."""
    favour, against = WORDS.get(kind, (OTHER, OTHER))
    return favour if minor > 0 else against


def unposted(db: sqlite3.Connection, account: str, before: int, most: int) -> Sequence[Entry]:
    """Authorised and not yet posted, newest first; `before` and `most` as with `entries`."""
    rows = db.execute(
        "SELECT id, business_date, at, what, minor FROM authorisation"
        " WHERE account = ? AND posted_by IS NULL AND (? = 0 OR id < ?) ORDER BY id DESC LIMIT ?",
        (account, before, before, most),
    )
    return [
        Entry(number, date.fromisoformat(day), datetime.fromisoformat(at), what, minor, None)
        for number, day, at, what, minor in rows
    ]


@dataclass(frozen=True, slots=True)
class Authorised:
    """Agreed to and not yet posted: a word of set `txn` and fen, debits negative."""

    account: str
    what: str
    minor: int
    on: date
    at: datetime


def authorise(db: sqlite3.Connection, one: Authorised) -> None:
    """Write an authorisation."""
    db.execute(
        "INSERT INTO authorisation (account, what, minor, business_date, at)"
        " VALUES (?, ?, ?, ?, ?)",
        (one.account, one.what, one.minor, one.on.isoformat(), one.at.isoformat()),
    )
