"""Names that customers give their deposits, so that they know them by ear (word set `acctname`).

A deposit that was given none is called by its kind."""

import sqlite3
from collections.abc import Mapping
from types import MappingProxyType

from core_adapters.corehost.products.deposits.terms import SAVINGS
from core_adapters.corehost.refusal import Refusal

SCHEMA = """
CREATE TABLE account_name (
    account TEXT NOT NULL REFERENCES account (id),
    sub TEXT NOT NULL CHECK (length(sub) = 4),
    name TEXT NOT NULL,
    PRIMARY KEY (account, sub)
) STRICT, WITHOUT ROWID;
"""
NAMES = frozenset({"wages", "savings", "home", "family", "child", "travel", "business", "other"})
"""What a deposit may be called."""
KINDS: Mapping[str, str] = MappingProxyType({SAVINGS: "savings_account"})
"""What it is called by its kind, where that is no name's word but the kind's own."""


def names_of(db: sqlite3.Connection, account: str) -> Mapping[str, str]:
    """Sub-account to name, of those that have one."""
    rows = db.execute("SELECT sub, name FROM account_name WHERE account = ?", (account,))
    return dict(rows.fetchall())


def called(names: Mapping[str, str], sub: str, kind: str) -> str:
    """What a deposit is called."""
    return names.get(sub) or KINDS.get(kind, kind)


def give_name(db: sqlite3.Connection, account: str, sub: str, name: str) -> Refusal | None:
    """Call a deposit so from now on; the deposit is there."""
    if name not in NAMES:
        return Refusal.BAD_TERM
    db.execute(
        "INSERT INTO account_name VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name",
        (account, sub, name),
    )
    return None
