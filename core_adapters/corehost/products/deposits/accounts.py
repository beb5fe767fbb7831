"""Deposits: sub-accounts of a card's account, each with kind, term, rate and ledger account.

What a deposit holds is its ledger account's balance. It is placed, and drawn in part or whole, by
priced orders; interest is worked out when it is drawn (`interest`).
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core_adapters.corehost.back_office import BackOffice
from core_adapters.corehost.products.dependents import make_up, orders_of, unmake
from core_adapters.corehost.products.deposits.terms import matures
from core_adapters.corehost.products.end_of_day.book import unwind
from core_adapters.corehost.products.orders import Agreed
from core_adapters.corehost.products.pledges import owed_on
from core_adapters.corehost.products.standing import STANDING
from core_adapters.corehost.refusal import Refusal

SCHEMA = """
CREATE TABLE deposit (
    id TEXT PRIMARY KEY REFERENCES ledger_account (id),
    account TEXT NOT NULL REFERENCES account (id),
    sub TEXT NOT NULL CHECK (length(sub) = 4),
    kind TEXT NOT NULL
        CHECK (kind IN ('savings', 'passbook', 'time', 'instalment', 'either', 'notice')),
    term TEXT NOT NULL,
    rate TEXT NOT NULL,
    opened TEXT NOT NULL,
    monthly INTEGER NOT NULL DEFAULT 0 CHECK (monthly >= 0),
    opened_by TEXT,
    cancelled INTEGER NOT NULL DEFAULT 0 CHECK (cancelled IN (0, 1)),
    closed_by TEXT,
    UNIQUE (account, sub)
) STRICT, WITHOUT ROWID;
"""

_BALANCE = (
    "COALESCE((SELECT balance FROM leg WHERE account = d.id ORDER BY ordinal DESC LIMIT 1), 0)"
)
CHECKS = (
    (
        "deposit {} of {} is cancelled or closed, but its account is {}",
        f"""SELECT d.sub, d.account, {_BALANCE} AS stands FROM deposit d
            WHERE stands <> 0
              AND (d.cancelled = 1 OR d.closed_by IS NOT NULL)""",  # noqa: S608 - no outside text
    ),
    (
        "deposit {} of {} was closed by {}, which was undone or never posted",
        """SELECT d.sub, d.account, d.closed_by FROM deposit d
           LEFT JOIN posting p ON p.key = d.closed_by
           LEFT JOIN posting u ON u.key = 'undo:' || d.closed_by
           WHERE d.closed_by IS NOT NULL AND (p.id IS NULL OR u.id IS NOT NULL)""",
    ),
    (
        "deposit {} of {}: cancelled is {}, but the order that opened it is undone {} time(s)",
        """SELECT d.sub, d.account, d.cancelled, COALESCE(o.undone, 0) FROM deposit d
           LEFT JOIN posted_order o ON o.key = d.opened_by
           WHERE d.cancelled <> COALESCE(o.undone, 0)""",
    ),
)
"""As in the ledger: what must find nothing."""
MAX_DEPOSITS = 9999
"""Sub-accounts of one card, those closed among them: `sub` has four digits."""
MAX_OPEN = 40
"""Sub-accounts of one card that are open at once."""
OPEN, PAY, DRAWN = "deposit.open", "deposit.pay", "deposit.draw"


@dataclass(frozen=True, slots=True)
class Deposit:
    """A sub-account as it stands: `held` and `monthly` in fen, `rate` in per cent a year."""

    id: str
    account: str
    sub: str
    kind: str
    term: str
    rate: Decimal
    opened: date
    monthly: int
    held: int

    @property
    def matures(self) -> date | None:
        """The last day of its term; None where it has none, or is on notice."""
        return matures(self.opened, self.term) if self.term and self.term[0] != "d" else None


_SELECT = f"""
    SELECT d.id, d.account, d.sub, d.kind, d.term, d.rate, d.opened, d.monthly, {_BALANCE}
    FROM deposit d WHERE d.account = ?
      AND ((d.cancelled = 0 AND d.closed_by IS NULL) OR {_BALANCE} <> 0)
"""  # noqa: S608 - no outside text
"""Those that are open, and whatever else is not empty: it must never be out of sight."""


class Deposits:
    """The table `deposit`; the caller brings the transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def of_account(self, account: str, kind: str = "") -> list[Deposit]:
        """Open sub-accounts of an account by their number, of one kind or all."""
        query = _SELECT + (" AND d.kind = ?" if kind else "") + " ORDER BY d.sub"
        rows = self._db.execute(query, (account, kind) if kind else (account,))
        return [_deposit(row) for row in rows]

    def find(self, account: str, sub: str) -> Deposit | None:
        """The open sub-account of that number."""
        row = self._db.execute(_SELECT + " AND d.sub = ?", (account, sub)).fetchone()
        return _deposit(row) if row else None

    def first(self, account: str, kind: str) -> Deposit | None:
        """The one of a kind of which a customer has one."""
        found = self.of_account(account, kind)
        return found[0] if found else None

    def full(self, account: str) -> bool:
        """Whether a customer has as many open sub-accounts as he may."""
        return len(self.of_account(account)) >= MAX_OPEN

    def next_sub(self, account: str) -> str:
        """A number that no sub-account of this account ever had."""
        (highest,) = self._db.execute(
            "SELECT COALESCE(MAX(sub), '0000') FROM deposit WHERE account = ?", (account,)
        ).fetchone()
        return f"{int(highest) + 1:04d}"

    def add(self, deposit: Deposit, opened_by: str | None) -> None:
        """Write a new one; its ledger account is open and holds nothing yet."""
        self._db.execute(
            "INSERT INTO deposit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL)",
            (
                deposit.id,
                deposit.account,
                deposit.sub,
                deposit.kind,
                deposit.term,
                str(deposit.rate),
                deposit.opened.isoformat(),
                deposit.monthly,
                opened_by,
            ),
        )

    def product(self, deposit: str, until: date) -> int:
        """Fen times days that it held up to a day, by the business dates of its postings that
        stand."""
        rows = self._db.execute(
            "SELECT p.business_date, SUM(l.minor) FROM leg l JOIN posting p ON p.id = l.posting"  # noqa: S608
            f" WHERE l.account = ? AND p.business_date < ? AND {STANDING}"
            " GROUP BY p.business_date",
            (deposit, until.isoformat()),
        )
        return sum(minor * (until - date.fromisoformat(day)).days for day, minor in rows)

    def paid_in(self, deposit: str) -> int:
        """How many payments into it stand."""
        (count,) = self._db.execute(
            "SELECT SUM(CASE WHEN l.minor > 0 THEN 1 ELSE -1 END) FROM leg l WHERE l.account = ?",
            (deposit,),
        ).fetchone()
        return int(count or 0)


def _deposit(row: tuple[Any, ...]) -> Deposit:
    ident, account, sub, kind, term, rate, opened, monthly, held = row
    day = date.fromisoformat(opened)
    return Deposit(ident, account, sub, kind, term, Decimal(rate), day, monthly, held)


class OpenEffect:
    """A deposit opened; undone, it is cancelled, its number is not used again, and what was paid in
    and drawn meanwhile, interest and all, is made up for."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        deposits = Deposits(office.db)
        if data["only"] and deposits.first(data["account"], data["kind"]) is not None:
            return Refusal.BAD_QUOTE
        if deposits.full(data["account"]):
            return Refusal.OVER_LIMIT
        sub = deposits.next_sub(data["account"])
        if int(sub) > MAX_DEPOSITS:
            return Refusal.BAD_QUOTE
        ident = data["deposit"]
        office.ledger.open_account(ident, order.amount.currency)
        monthly = order.amount.minor if data["only"] else 0
        rate, today = Decimal(data["rate"]), office.today(now)
        row = (ident, data["account"], sub, data["kind"], data["term"], rate, today, monthly, 0)
        deposits.add(Deposit(*row), order.key)
        return None

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`."""
        del key
        (account, sub) = office.db.execute(
            "UPDATE deposit SET cancelled = 1 WHERE id = ? RETURNING account, sub",
            (data["deposit"],),
        ).fetchone()
        asked = {"account": account, "sub": sub}
        make_up(office, orders_of(office.db, [PAY, DRAWN], asked), now)
        unwind(office, data["deposit"], now)


class PayEffect:
    """Money into a deposit that is there; undone after all of it was drawn, that drawing is made up
    for and the deposit is open again."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        del order, now
        found = Deposits(office.db).find(data["account"], data["sub"])
        if found is None:
            return Refusal.BAD_QUOTE
        overtaken = data["held"] is not None and found.held != data["held"]
        return Refusal.BAD_QUOTE if overtaken else None

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`."""
        unmake(office, key, now)
        row = office.db.execute(
            "SELECT closed_by FROM deposit WHERE account = ? AND sub = ? AND cancelled = 0"
            " AND closed_by IS NOT NULL",
            (data["account"], data["sub"]),
        ).fetchone()
        if row is not None:
            make_up(office, row, now)
            _reopen(office.db, data)


class DrawEffect:
    """Money out of a deposit, which closes it where it is all; undone, it is open again."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        del now
        found = Deposits(office.db).find(data["account"], data["sub"])
        if found is None or owed_on(office.db, found.id):
            return Refusal.BAD_QUOTE
        if data["held"] is not None and found.held != data["held"]:
            return Refusal.BAD_QUOTE
        if data["close"]:
            office.db.execute(
                "UPDATE deposit SET closed_by = ? WHERE id = ?", (order.key, found.id)
            )
        return None

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`."""
        unmake(office, key, now)
        _reopen(office.db, data)


def _reopen(db: sqlite3.Connection, data: Mapping[str, Any]) -> None:
    """It holds something again, whichever order took the last of it."""
    db.execute(
        "UPDATE deposit SET closed_by = NULL WHERE account = ? AND sub = ?",
        (data["account"], data["sub"]),
    )
