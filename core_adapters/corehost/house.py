"""The host's files in its own folder: made at the first start, opened by one writer at a time."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TextIO

from core_adapters.corehost import book, calendar, ledger, seed, tables, totals
from core_adapters.corehost.bank import Bank
from core_adapters.corehost.ledger import connect, connect_read_only, transaction
from core_adapters.corehost.pins import Pins, load_or_create_key
from core_adapters.corehost.products import tables as products
from core_adapters.corehost.products.bills.claims import Bills
from core_adapters.corehost.products.end_of_day.book import DayBook, Ended, ended
from core_adapters.corehost.rules import Rules
from transactions.money import Money, currency

DATABASE = "bank.sqlite3"
DEMO_CARDS = "demo-cards.json"
SCHEMA_VERSION = 7
UPGRADES: Mapping[int, Sequence[str]] = MappingProxyType(
    {
        1: (
            calendar.SCHEMA,
            "ALTER TABLE transfer ADD COLUMN reference TEXT NOT NULL DEFAULT '';",
            "ALTER TABLE transfer ADD COLUMN service TEXT NOT NULL DEFAULT '';",
            "ALTER TABLE message ADD COLUMN reversed_on TEXT NOT NULL DEFAULT '';",
            "CREATE INDEX posting_date ON posting (business_date);",
        ),
        2: (
            "ALTER TABLE card ADD COLUMN hot_until TEXT;",
            "ALTER TABLE loss_report ADD COLUMN act TEXT NOT NULL DEFAULT '1';",
            "ALTER TABLE loss_report ADD COLUMN until TEXT;",
            tables.STOPPED_CARD,
        ),
        3: products.ACCOUNTS_UPGRADE,
        4: products.INVESTMENTS_UPGRADE,
        5: products.SERVICES_UPGRADE,
        6: products.MAILBOXES_UPGRADE,
    }
)
"""What brings a database of that version to the next one."""
BEFORE_PRODUCTS, BEFORE_INVESTMENTS, BEFORE_SERVICES, BEFORE_MAILBOXES = 3, 4, 5, 6
"""The versions whose upgrades give the seeded customers their deposits and bills, and then loans,
bonds, foreign currency and securities funds; and the bank its company; then mobile numbers and
cheques, and the bank its newcomers, the company's people, and the book of ended dates; then mail
addresses."""
OWNER_ONLY = 0o600


class HouseError(Exception):
    """The data folder cannot be used; says why and what to do."""


@dataclass(frozen=True, slots=True)
class House:
    """An open bank: its folder, its only writing connection, and the lock that makes it so."""

    folder: Path
    db: sqlite3.Connection
    bank: Bank
    lock: int
    created: bool

    def close(self) -> None:
        """Close the database and let another host have the folder."""
        self.db.close()
        os.close(self.lock)


def open_house(folder: Path, rules: Rules, now: datetime, *, test_data: bool = False) -> House:
    """Open the folder, making and filling it at the first start; raises `HouseError`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with ExitStack() as undo:
        lock = _lock(folder / "lock")
        undo.callback(os.close, lock)
        os.close(os.open(folder / DATABASE, os.O_RDWR | os.O_CREAT, OWNER_ONLY))
        db = connect(folder / DATABASE)
        undo.callback(db.close)
        pins = Pins(db, load_or_create_key(folder / "pin.key"), rules)
        bank = Bank(db, rules, pins)
        created = _is_new(db)
        if created:
            cards = seed.trial_set() if test_data else seed.DEMO
            if not test_data:
                seed.write_demo_cards(folder / DEMO_CARDS, seed.DEMO)
            _create(db, bank, pins, cards, now)
        _upgrade(folder, bank, now)
        book.Book(db).forget(now)
        undo.pop_all()
    return House(folder, db, bank, lock, created)


def _lock(path: Path) -> int:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, OWNER_ONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise HouseError(f"{path.parent}: another core host uses it; stop that one first") from None
    return descriptor


def _is_new(db: sqlite3.Connection) -> bool:
    """Whether the database is new; a version that is not ours is refused."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version not in (0, SCHEMA_VERSION, *UPGRADES):
        raise HouseError(
            f"the bank's database has version {version}, this program {SCHEMA_VERSION}; "
            "use the program that made it, or an empty data folder"
        )
    return bool(version == 0)


def _upgrade(folder: Path, bank: Bank, now: datetime) -> None:
    """Bring an older bank up to this program's tables, each version in one commit."""
    db = bank.office.db
    (version,) = db.execute("PRAGMA user_version").fetchone()
    for number in range(version, SCHEMA_VERSION):
        with transaction(db):
            for script in UPGRADES[number]:
                for statement in ledger.statements(script):
                    db.execute(statement)
            if number == BEFORE_PRODUCTS:
                _give_products(bank, now)
            if number == BEFORE_INVESTMENTS:
                _give_investments(bank, now)
            if number == BEFORE_SERVICES:
                _give_services(bank, now)
            if number == BEFORE_MAILBOXES:
                seed.plant_mailboxes(bank, _known_cards(db))
            if (folder / DEMO_CARDS).exists():
                seed.write_demo_cards(folder / DEMO_CARDS, seed.DEMO)
            db.execute(f"PRAGMA user_version = {number + 1}")


def _known_cards(db: sqlite3.Connection) -> list[seed.SeedCard]:
    """The seeded customers of an older bank. Their cards and what is on them stay as they are."""
    known = {number for (number,) in db.execute("SELECT number FROM card")}
    return [one for one in (*seed.DEMO, *seed.trial_set()) if one.card in known]


def _give_products(bank: Bank, now: datetime) -> None:
    """Deposits and bills, as a new bank's customers have them."""
    Bills(bank.office).open_accounts(currency("CNY"))
    seed.plant_products(bank, _known_cards(bank.office.db), now)


def _give_investments(bank: Bank, now: datetime) -> None:
    """Loans, bonds, foreign currency and securities funds likewise, and the company."""
    db, cards = bank.office.db, _known_cards(bank.office.db)
    seed.open_investments(bank, currency("CNY"))
    seed.plant_investments(bank, cards, now)
    seed.plant_missing(db, bank, lambda one: one.company, now)


def _give_services(bank: Bank, now: datetime) -> None:
    """Mobile numbers, cheques and the newest biller likewise, and the newcomers."""
    db = bank.office.db
    Bills(bank.office).open_accounts(currency("CNY"))
    new = seed.plant_missing(db, bank, lambda one: one.newcomer, now)
    seed.plant_products(bank, new, now)
    seed.plant_investments(bank, new, now)
    cards = _known_cards(db)
    seed.plant_newest_bills(bank, cards, now)
    seed.plant_services(bank, cards, now)
    DayBook(bank.office).begin(now)


def _create(
    db: sqlite3.Connection,
    bank: Bank,
    pins: Pins,
    cards: Sequence[seed.SeedCard],
    now: datetime,
) -> None:
    """All tables and all data in one commit, so that a killed first start begins again."""
    with transaction(db):
        for script in (ledger.SCHEMA, tables.SCHEMA, book.SCHEMA):
            for statement in ledger.statements(script):
                db.execute(statement)
        seed.plant(db, bank, pins, cards, now)
        DayBook(bank.office).begin(now)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


@dataclass(frozen=True, slots=True)
class Holding:
    """What one account holds; `name` is a card number, an account, what is behind a card (its
    account and sub-account) or an account of the bank's."""

    name: str
    holder: str
    balance: Money


_HOLDINGS = """
    SELECT COALESCE(c.number, d.account || '-' || d.sub, l.id), COALESCE(u.name, ''), l.currency,
           COALESCE((SELECT balance FROM leg WHERE account = l.id ORDER BY ordinal DESC LIMIT 1), 0)
    FROM ledger_account l LEFT JOIN (
      SELECT id, account, sub FROM deposit UNION ALL SELECT id, account, sub FROM loan
      UNION ALL SELECT id, account, sub FROM bond UNION ALL SELECT id, account, sub FROM fx_deposit
      UNION ALL SELECT id, account, sub FROM securities_account
      UNION ALL SELECT id, account, sub FROM company_account) d ON d.id = l.id
    LEFT JOIN account a ON a.id = COALESCE(d.account, l.id)
    LEFT JOIN card c ON c.account = l.id LEFT JOIN customer u ON u.id = a.customer
    ORDER BY 1
"""


def holdings(folder: Path) -> list[Holding]:
    """Every account's balance, read beside a running host; `FileNotFoundError` if there is none."""
    with _reading(folder) as db:
        rows = db.execute(_HOLDINGS).fetchall()
    return [
        Holding(name, holder, Money(minor, currency(code))) for name, holder, code, minor in rows
    ]


def findings(folder: Path) -> list[str]:
    """Everything wrong with the books; empty where money is conserved and tables agree."""
    with _reading(folder) as db:
        return ledger.findings(db, (*ledger.CHECKS, *tables.CHECKS))


def day_file(folder: Path, day: date, out: TextIO) -> int:
    """Write the file of a business date as CSV, row by row; returns how many rows it has."""
    with _reading(folder) as db:
        return totals.write_file(db, day, out)


def days_ended(folder: Path, most: int) -> list[Ended]:
    """The latest business dates that are over and what was done, the last one first."""
    with _reading(folder) as db:
        return ended(db, most)


@contextmanager
def _reading(folder: Path) -> Iterator[sqlite3.Connection]:
    """One view of the database beside a running host; `FileNotFoundError` where there is none."""
    db = connect_read_only(folder / DATABASE)
    try:
        db.execute("BEGIN")
        yield db
    finally:
        db.close()
