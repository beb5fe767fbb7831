"""Names that customers give their deposits, so that they know them by ear (word set `acctname`)."""

import sqlite3
from collections.abc import Mapping

from core_adapters.corehost.products.stated import word_sets
from core_adapters.corehost.refusal import Refusal

SCHEMA = """
CREATE TABLE account_name (
    account TEXT NOT NULL REFERENCES account (id),
    sub TEXT NOT NULL CHECK (length(sub) = 4),
    name TEXT NOT NULL,
    PRIMARY KEY (account, sub)
) STRICT, WITHOUT ROWID;
"""
ACCTNAME = "acctname"


def names_of(db: sqlite3.Connection, account: str) -> Mapping[str, str]:
    """Sub-account to name, of those that have one."""
    rows = db.execute("SELECT sub, name FROM account_name WHERE account = ?", (account,))
    return dict(rows.fetchall())


def give_name(db: sqlite3.Connection, account: str, sub: str, name: str) -> Refusal | None:
    """Call a deposit so from now on; the deposit is there."""
    if name not in word_sets()[ACCTNAME]:
        return Refusal.BAD_TERM
    db.execute(
        "INSERT INTO account_name VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name",
        (account, sub, name),
    )
    return None
