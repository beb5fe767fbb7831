"""Cheque books and their leaves: what became of each, which are stopped, and a new book ordered.

A leaf that was paid has its posting (`cheque:ACCOUNT:NUMBER`) in the ledger; nothing here moves
money. A book that was ordered has no leaves until it is collected at the branch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from types import MappingProxyType

from core_adapters.corehost.back_office import BackOffice
from core_adapters.corehost.refusal import Refusal
from transactions.money import Money, currency

SCHEMA = """
CREATE TABLE cheque_book (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id),
    leaves INTEGER NOT NULL CHECK (leaves IN (25, 50)),
    ready_on TEXT NOT NULL,
    collected INTEGER NOT NULL CHECK (collected IN (0, 1))
) STRICT;
CREATE UNIQUE INDEX cheque_book_waiting ON cheque_book (account) WHERE collected = 0;
CREATE INDEX cheque_book_account ON cheque_book (account);
CREATE TABLE cheque (
    account TEXT NOT NULL REFERENCES account (id),
    number TEXT NOT NULL CHECK (length(number) = 8),
    book INTEGER NOT NULL REFERENCES cheque_book (id),
    state TEXT NOT NULL CHECK (state IN ('unused', 'paid', 'stopped', 'returned')),
    since TEXT NOT NULL,
    minor INTEGER NOT NULL DEFAULT 0 CHECK (minor >= 0),
    PRIMARY KEY (account, number)
) STRICT, WITHOUT ROWID;
"""
CHECKS = (
    (
        "cheque {} of {} is {} for {}, but its posting took {}",
        """SELECT q.number, q.account, q.state, q.minor, COALESCE(-SUM(l.minor), 0) AS took
           FROM cheque q
           LEFT JOIN posting p ON p.key = 'cheque:' || q.account || ':' || q.number
           LEFT JOIN leg l ON l.posting = p.id AND l.account = q.account
           GROUP BY q.account, q.number
           HAVING took <> CASE WHEN q.state = 'paid' THEN q.minor ELSE 0 END""",
    ),
    (
        "cheque {} of {} is {}, but has {}",
        """SELECT number, account, state, minor FROM cheque
           WHERE minor > 0 AND state NOT IN ('paid', 'returned')""",
    ),
    (
        "posting {} belongs to no cheque",
        """SELECT p.key FROM posting p WHERE p.kind = 'cheque' AND NOT EXISTS
             (SELECT 1 FROM cheque q WHERE p.key = 'cheque:' || q.account || ':' || q.number)""",
    ),
    (
        "cheque book {} of {} has {} leaves instead of {}",
        """SELECT b.id, b.account, COUNT(q.number) AS cut, b.leaves * b.collected AS whole
           FROM cheque_book b LEFT JOIN cheque q ON q.book = b.id
           GROUP BY b.id HAVING cut <> whole""",
    ),
)
"""As in the ledger: what must find nothing."""
CHEQUE = "cheque"
"""The kind of a paid cheque's posting."""
WORDS: Mapping[str, tuple[str, str]] = MappingProxyType({CHEQUE: ("refund", "withdrawal")})
"""As `history.WORDS`."""
UNUSED, PAID, STOPPED, RETURNED = "unused", "paid", "stopped", "returned"
"""Word set `cheque`."""
NUMBER_DIGITS = 8
MOST_STOPPED = 100
"""Cheques that one order stops at most: two books."""
LEAVES: Mapping[str, int] = MappingProxyType({"l25": 25, "l50": 50})
"""Word set `leaves`."""
PRINTING = timedelta(days=5)
"""How long a new book takes."""


@dataclass(frozen=True, slots=True)
class Cheque:
    """One leaf: `since` is the business date of its state, of one not used that of its book;
    `amount` is what was paid, or asked for where it was returned, else nothing."""

    number: str
    state: str
    since: date
    amount: Money


class ChequeBooks:
    """Cheque books and cheques; the caller brings the transaction."""

    def __init__(self, office: BackOffice) -> None:
        self._office = office
        self._db = office.db

    def has_books(self, account: str) -> bool:
        """Whether the account's holder may draw cheques on it."""
        asked = "SELECT 1 FROM cheque_book WHERE account = ? LIMIT 1"
        return self._db.execute(asked, (account,)).fetchone() is not None

    def find(self, account: str, number: str) -> Cheque | Refusal:
        """One cheque of an account."""
        found = self._between(account, number, number)
        if found:
            return found[0]
        return Refusal.NO_CHEQUE if self.has_books(account) else Refusal.NO_ACCOUNT

    def _between(self, account: str, first: str, last: str) -> list[Cheque]:
        rows = self._db.execute(
            "SELECT number, state, since, minor FROM cheque"
            " WHERE account = ? AND number BETWEEN ? AND ? ORDER BY number LIMIT ?",
            (account, first, last, MOST_STOPPED + 1),
        )
        unit = currency("CNY")
        return [
            Cheque(number, state, date.fromisoformat(since), Money(minor, unit))
            for number, state, since, minor in rows
        ]

    def stop(self, account: str, first: str, last: str, now: datetime) -> int | Refusal:
        """Stop a cheque or a series, all or none; how many of these are stopped now."""
        wanted = _span(first, last)
        if not 1 <= wanted <= MOST_STOPPED:
            return Refusal.NO_CHEQUE
        found = self._between(account, first, last)
        if len(found) != wanted:
            return Refusal.NO_CHEQUE
        if any(one.state == PAID for one in found):
            return Refusal.PAID_CHEQUE
        if any(one.state == RETURNED for one in found):
            return Refusal.RETURNED_CHEQUE  # what became of it stays on the books
        today = self._office.today(now).isoformat()
        self._db.execute(
            "UPDATE cheque SET state = 'stopped', since = ?"
            " WHERE account = ? AND number BETWEEN ? AND ? AND state <> 'stopped'",
            (today, account, first, last),
        )
        return wanted

    def order(self, account: str, leaves: str, now: datetime) -> date | Refusal:
        """Have a book printed; when it can be collected."""
        if not self.has_books(account):
            return Refusal.NO_ACCOUNT
        if leaves not in LEAVES:
            return Refusal.BAD_TERM
        asked = "SELECT 1 FROM cheque_book WHERE account = ? AND collected = 0"
        if self._db.execute(asked, (account,)).fetchone():
            return Refusal.TOO_MANY
        ready = self._office.today(now) + PRINTING
        self._write(account, LEAVES[leaves], ready, collected=0)
        return ready

    def _write(self, account: str, leaves: int, ready: date, *, collected: int) -> int:
        number = self._db.execute(
            "INSERT INTO cheque_book (account, leaves, ready_on, collected) VALUES (?, ?, ?, ?)",
            (account, leaves, ready.isoformat(), collected),
        ).lastrowid
        assert number is not None
        return number

    def plant(self, account: str, first: int, leaves: int, since: date) -> None:
        """A collected book, none of its cheques used."""
        book = self._write(account, leaves, since, collected=1)
        rows = [
            (account, f"{number:0{NUMBER_DIGITS}d}", book, UNUSED, since.isoformat())
            for number in range(first, first + leaves)
        ]
        self._db.executemany(
            "INSERT INTO cheque (account, number, book, state, since) VALUES (?, ?, ?, ?, ?)", rows
        )

    def mark(self, account: str, cheque: Cheque) -> None:
        """Write what became of a planted cheque."""
        self._db.execute(
            "UPDATE cheque SET state = ?, since = ?, minor = ? WHERE account = ? AND number = ?",
            (
                cheque.state,
                cheque.since.isoformat(),
                cheque.amount.minor,
                account,
                cheque.number,
            ),
        )


def _span(first: str, last: str) -> int:
    """How many numbers there are from the first to the last; 0 where these are no numbers."""
    if not all(len(text) == NUMBER_DIGITS and text.isascii() for text in (first, last)):
        return 0
    return int(last) - int(first) + 1 if first.isdigit() and last.isdigit() else 0
