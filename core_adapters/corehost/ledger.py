"""A double-entry ledger in SQLite: postings that balance, and nothing else that is money.

A posting has a unique business key and two or more legs which sum to zero in every currency. An
amount is positive where it is in the account holder's favour. There is no balance to update: each
leg carries the balance after it, the legs of an account are numbered without gaps, and
`findings` recomputes both from the bare amounts. Rows are never changed or deleted (triggers).
"""

import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from transactions.money import Currency, Money, currency

MAX_LEGS = 16
"""Most legs of one posting."""
MAX_FINDINGS = 50
"""Most findings of one kind that a check reports."""
BUSY_TIMEOUT_S = 10.0
"""How long a reader waits for the file, in seconds."""

SCHEMA = """
CREATE TABLE ledger_account (
    id TEXT PRIMARY KEY,
    currency TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE posting (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    business_date TEXT NOT NULL,
    at TEXT NOT NULL
) STRICT;
CREATE TABLE leg (
    account TEXT NOT NULL REFERENCES ledger_account (id),
    ordinal INTEGER NOT NULL CHECK (ordinal > 0),
    posting INTEGER NOT NULL REFERENCES posting (id),
    minor INTEGER NOT NULL CHECK (minor <> 0),
    balance INTEGER NOT NULL,
    PRIMARY KEY (account, ordinal)
) STRICT, WITHOUT ROWID;
CREATE INDEX leg_posting ON leg (posting);
CREATE INDEX posting_date ON posting (business_date);
CREATE TRIGGER posting_kept BEFORE UPDATE ON posting BEGIN SELECT RAISE(ABORT, 'kept'); END;
CREATE TRIGGER posting_stays BEFORE DELETE ON posting BEGIN SELECT RAISE(ABORT, 'kept'); END;
CREATE TRIGGER leg_kept BEFORE UPDATE ON leg BEGIN SELECT RAISE(ABORT, 'kept'); END;
CREATE TRIGGER leg_stays BEFORE DELETE ON leg BEGIN SELECT RAISE(ABORT, 'kept'); END;
"""

CHECKS = (
    (
        "posting {} does not balance in {}: {}",
        """SELECT p.key, a.currency, SUM(l.minor) FROM leg l
           JOIN posting p ON p.id = l.posting JOIN ledger_account a ON a.id = l.account
           GROUP BY l.posting, a.currency HAVING SUM(l.minor) <> 0""",
    ),
    (
        "posting {} has {} leg(s)",
        """SELECT p.key, COUNT(l.posting) FROM posting p LEFT JOIN leg l ON l.posting = p.id
           GROUP BY p.id HAVING COUNT(l.posting) < 2""",
    ),
    (
        "account {} leg {}: balance {} is not the sum of its amounts, {}",
        """SELECT account, ordinal, balance, total FROM (
             SELECT account, ordinal, balance,
                    SUM(minor) OVER (PARTITION BY account ORDER BY ordinal) AS total FROM leg)
           WHERE balance <> total""",
    ),
    (
        "account {}: {} legs, numbered to {}",
        """SELECT account, COUNT(*), MAX(ordinal) FROM leg GROUP BY account
           HAVING COUNT(*) <> MAX(ordinal)""",
    ),
    (
        "currency {} is not conserved: {}",
        """SELECT a.currency, SUM(l.minor) FROM leg l JOIN ledger_account a ON a.id = l.account
           GROUP BY a.currency HAVING SUM(l.minor) <> 0""",
    ),
)
"""What must find nothing: a sentence, and the query whose rows fill it."""


class LedgerError(Exception):
    """A posting that cannot stand: a bug of the caller, never a refusal to a customer."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One side of a posting: `minor` units, positive in the account holder's favour."""

    account: str
    minor: int


def connect(path: Path) -> sqlite3.Connection:
    """Open the writer's connection: WAL, every commit on the disk before it returns."""
    db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_S)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA foreign_keys = ON")
    return db


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Open a reader that cannot write, beside a running host; `FileNotFoundError` if absent."""
    if not path.is_file():
        raise FileNotFoundError(path)
    uri = f"{path.resolve().as_uri()}?mode=ro"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """One durable commit; anything raised undoes all of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


class Ledger:
    """Accounts and postings on a connection; the caller brings the transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def open_account(self, account: str, unit: Currency) -> None:
        """Add an account; `LedgerError` where it is there already."""
        try:
            self._db.execute("INSERT INTO ledger_account VALUES (?, ?)", (account, unit.code))
        except sqlite3.IntegrityError as error:
            raise LedgerError(f"account {account} is open already") from error

    def unit(self, account: str) -> Currency:
        """The account's currency; `LedgerError` where there is no such account."""
        row = self._db.execute(
            "SELECT currency FROM ledger_account WHERE id = ?", (account,)
        ).fetchone()
        if row is None:
            raise LedgerError(f"no account {account}")
        return currency(row[0])

    def _last(self, account: str) -> tuple[int, int]:
        row = self._db.execute(
            "SELECT ordinal, balance FROM leg WHERE account = ? ORDER BY ordinal DESC LIMIT 1",
            (account,),
        ).fetchone()
        return (row[0], row[1]) if row else (0, 0)

    def balance(self, account: str) -> Money:
        """What the account holds, in its own currency."""
        return Money(self._last(account)[1], self.unit(account))

    def post(self, key: str, kind: str, legs: Sequence[Leg], day: date, at: datetime) -> int:
        """Write a posting and return its number.

        Raises `LedgerError` where it does not balance per currency, or `key` was posted before.
        """
        self._balanced(key, legs)
        try:
            number = self._db.execute(
                "INSERT INTO posting (key, kind, business_date, at) VALUES (?, ?, ?, ?)",
                (key, kind, day.isoformat(), at.isoformat()),
            ).lastrowid
        except sqlite3.IntegrityError as error:
            raise LedgerError(f"{key} was posted before") from error
        for leg in legs:
            ordinal, balance = self._last(leg.account)
            self._db.execute(
                "INSERT INTO leg VALUES (?, ?, ?, ?, ?)",
                (leg.account, ordinal + 1, number, leg.minor, balance + leg.minor),
            )
        assert number is not None
        return number

    def _balanced(self, key: str, legs: Sequence[Leg]) -> None:
        if not 2 <= len(legs) <= MAX_LEGS:  # noqa: PLR2004 - double entry
            raise LedgerError(f"{key}: a posting has 2 to {MAX_LEGS} legs")
        totals: Counter[str] = Counter()
        for leg in legs:
            totals[self.unit(leg.account).code] += leg.minor
        if any(totals.values()):
            raise LedgerError(f"{key} does not balance: {dict(totals)}")

    def legs(self, key: str) -> list[Leg]:
        """The legs of a posting, empty where `key` was never posted."""
        rows = self._db.execute(
            "SELECT l.account, l.minor FROM posting p JOIN leg l ON l.posting = p.id"
            " WHERE p.key = ? ORDER BY l.account, l.ordinal",
            (key,),
        )
        return [Leg(account, minor) for account, minor in rows]

    def undo(
        self, key: str, undo_key: str, day: date, at: datetime, *, kind: str = "reversal"
    ) -> bool:
        """Post the opposite of `key` once; False where `key` was never posted or is undone."""
        if self.legs(undo_key):
            return False
        opposite = [Leg(leg.account, -leg.minor) for leg in self.legs(key)]
        if not opposite:
            return False
        self.post(undo_key, kind, opposite, day, at)
        return True


def statements(script: str) -> Iterator[str]:
    """Cut a schema into statements, which `executescript` would commit one by one."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def findings(db: sqlite3.Connection, checks: Sequence[tuple[str, str]] = CHECKS) -> list[str]:
    """Everything wrong with the books, in words; empty where money is conserved."""
    found: list[str] = []
    for sentence, query in checks:
        rows = db.execute(query).fetchmany(MAX_FINDINGS)
        found.extend(sentence.format(*row) for row in rows)
    return found
