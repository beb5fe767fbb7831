"""Mobile numbers and mail addresses that customers registered at a branch."""

import sqlite3

SCHEMA = """
CREATE TABLE contact (
    customer TEXT PRIMARY KEY REFERENCES customer (id),
    mobile TEXT NOT NULL CHECK (length(mobile) = 11)
) STRICT, WITHOUT ROWID;
"""
MAILBOXES = """
CREATE TABLE mailbox (
    customer TEXT PRIMARY KEY REFERENCES customer (id),
    address TEXT NOT NULL CHECK (length(address) BETWEEN 3 AND 254)
) STRICT, WITHOUT ROWID;
"""


def mobile_of(db: sqlite3.Connection, card: str) -> str | None:
    """The mobile number of a card's holder."""
    row = db.execute(
        "SELECT k.mobile FROM contact k JOIN card c ON c.customer = k.customer WHERE c.number = ?",
        (card,),
    ).fetchone()
    return str(row[0]) if row else None


def register(db: sqlite3.Connection, card: str, mobile: str) -> None:
    """Write the number of a card's holder, who may have another card that gave it before."""
    db.execute(
        "INSERT INTO contact SELECT customer, ? FROM card WHERE number = ? ON CONFLICT DO NOTHING",
        (mobile, card),
    )


def mail_of(db: sqlite3.Connection, card: str) -> str | None:
    """The mail address of a card's holder."""
    row = db.execute(
        "SELECT m.address FROM mailbox m JOIN card c ON c.customer = m.customer WHERE c.number = ?",
        (card,),
    ).fetchone()
    return str(row[0]) if row else None


def register_mail(db: sqlite3.Connection, card: str, address: str) -> None:
    """Write the address of a card's holder, who may have another card that gave it before."""
    db.execute(
        "INSERT INTO mailbox SELECT customer, ? FROM card WHERE number = ? ON CONFLICT DO NOTHING",
        (address, card),
    )
