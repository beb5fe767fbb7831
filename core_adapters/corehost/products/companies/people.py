"""The people who act for a company: each with a card and telephone PIN of his own.

A person has a number at the company, a right, and a ceiling. His card has no account; what he sees
and pays from are the company's accounts.
"""

import sqlite3
from dataclasses import dataclass

VIEW, MAKE, APPROVE, BOTH = "view", "make", "approve", "both"
"""Rights (word set `corpright`)."""

SCHEMA = """
CREATE TABLE corp_operator (
    card TEXT PRIMARY KEY REFERENCES card (number),
    account TEXT NOT NULL REFERENCES account (id),
    number TEXT NOT NULL CHECK (length(number) = 4),
    may TEXT NOT NULL CHECK (may IN ('view', 'make', 'approve', 'both')),
    most INTEGER NOT NULL CHECK (most >= 0),
    UNIQUE (account, number)
) STRICT, WITHOUT ROWID;
"""
CHECKS = (
    (
        "operator {} of {}: his card has an account of its own, {}",
        """SELECT o.number, o.account, c.account FROM corp_operator o
           JOIN card c ON c.number = o.card WHERE c.account IS NOT NULL""",
    ),
)
"""As in the ledger: what must find nothing."""


@dataclass(frozen=True, slots=True)
class Operator:
    """One person: `account` is the company's first, `most` the fen of one payment."""

    card: str
    account: str
    number: str
    may: str
    most: int

    @property
    def makes(self) -> bool:
        """Whether he may propose payments."""
        return self.may in (MAKE, BOTH)

    @property
    def approves(self) -> bool:
        """Whether he may approve what others proposed."""
        return self.may in (APPROVE, BOTH)


class Operators:
    """The table `corp_operator`; the caller brings the transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def of_card(self, card: str) -> Operator | None:
        """Whose card it is; None where it is nobody's who acts for a company."""
        row = self._db.execute("SELECT * FROM corp_operator WHERE card = ?", (card,)).fetchone()
        return Operator(*row) if row else None

    def numbered(self, account: str, number: str) -> Operator | None:
        """The person of that number, at a company."""
        row = self._db.execute(
            "SELECT * FROM corp_operator WHERE account = ? AND number = ?", (account, number)
        ).fetchone()
        return Operator(*row) if row else None

    def add(self, one: Operator) -> None:
        """Write one; his card is there."""
        row = (one.card, one.account, one.number, one.may, one.most)
        self._db.execute("INSERT INTO corp_operator VALUES (?, ?, ?, ?, ?)", row)
