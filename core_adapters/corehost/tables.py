"""The bank's own tables beside the ledger, and what a check of them must not find.

A customer's `identity` is the last four digits of it. A card is a `stopped_card` from `hot_at` to
the end of business date `hot_until` or, where that is NULL, for good. A report's `act` is the file
update code (field 91).
"""

from core_adapters.corehost import calendar
from core_adapters.corehost.products import tables as products

SCHEMA = """
CREATE TABLE customer (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    identity TEXT NOT NULL CHECK (length(identity) = 4)
) STRICT, WITHOUT ROWID;
CREATE TABLE account (
    id TEXT PRIMARY KEY REFERENCES ledger_account (id),
    customer TEXT NOT NULL REFERENCES customer (id),
    kind TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed'))
) STRICT, WITHOUT ROWID;
CREATE TABLE card (
    number TEXT PRIMARY KEY,
    customer TEXT NOT NULL REFERENCES customer (id),
    account TEXT REFERENCES account (id),
    salt BLOB NOT NULL,
    verifier BLOB NOT NULL,
    wrong_day TEXT,
    wrong_today INTEGER NOT NULL DEFAULT 0 CHECK (wrong_today >= 0),
    wrong_in_all INTEGER NOT NULL DEFAULT 0 CHECK (wrong_in_all >= 0),
    hot_at TEXT,
    hot_until TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE daily_use (
    card TEXT NOT NULL REFERENCES card (number),
    business_date TEXT NOT NULL,
    minor INTEGER NOT NULL CHECK (minor >= 0),
    PRIMARY KEY (card, business_date)
) STRICT, WITHOUT ROWID;
CREATE TABLE loss_report (
    key TEXT PRIMARY KEY,
    card TEXT NOT NULL REFERENCES card (number),
    at TEXT NOT NULL,
    reference TEXT NOT NULL,
    reason TEXT NOT NULL,
    act TEXT NOT NULL DEFAULT '1',
    until TEXT
) STRICT, WITHOUT ROWID;
"""
STOPPED_CARD = """
CREATE VIEW stopped_card AS
    SELECT number FROM card WHERE hot_at IS NOT NULL
    AND (hot_until IS NULL OR hot_until >= (SELECT date FROM business_day));
"""
SCHEMA += calendar.SCHEMA + products.SCHEMA + STOPPED_CARD

CHECKS = (
    (
        "card {} on {}: daily use {} is not the sum of its transfers, {}",
        """SELECT d.card, d.business_date, d.minor, COALESCE(SUM(t.minor), 0) FROM daily_use d
           LEFT JOIN posted_order t ON t.card = d.card AND t.business_date = d.business_date
             AND t.undone = 0 AND t.kind = 'transfer'
           GROUP BY d.card, d.business_date HAVING d.minor <> COALESCE(SUM(t.minor), 0)""",
    ),
    *products.CHECKS,
)
"""As in the ledger: what must find nothing."""
