"""Loans: each an account of the bank's (`loan:…`) that the customer owes on, so it is below zero.

A loan is paid out to the card's account and repaid out of it, in part or whole, by priced orders.
Interest is worked out when principal is repaid (`terms`) and earned by `loan_interest:CNY`. A
loan on a deposit pledges it (`pledges`); the others are within the customer's line of credit.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from core_adapters.corehost.back_office import BackOffice
from core_adapters.corehost.products.dependents import STANDS, make_up, orders_of, unmake
from core_adapters.corehost.products.deposits.accounts import Deposits
from core_adapters.corehost.products.loans.terms import (
    SELF_SERVICE,
    Lent,
    load_loan_tariff,
)
from core_adapters.corehost.products.orders import Agreed, Effect
from core_adapters.corehost.products.pledges import owed_on
from core_adapters.corehost.refusal import Refusal
from transactions.money import Currency

SCHEMA = """
CREATE TABLE loan (
    id TEXT PRIMARY KEY REFERENCES ledger_account (id),
    account TEXT NOT NULL REFERENCES account (id),
    sub TEXT NOT NULL CHECK (length(sub) = 4),
    kind TEXT NOT NULL CHECK (kind IN ('pledged', 'self_service')),
    rate TEXT NOT NULL,
    opened TEXT NOT NULL,
    matures TEXT NOT NULL,
    principal INTEGER NOT NULL CHECK (principal > 0),
    pledge TEXT REFERENCES deposit (id),
    opened_by TEXT,
    cancelled INTEGER NOT NULL DEFAULT 0 CHECK (cancelled IN (0, 1)),
    closed_by TEXT,
    UNIQUE (account, sub),
    CHECK ((kind = 'pledged') = (pledge IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX loan_pledge ON loan (pledge);
CREATE TABLE credit_line (
    account TEXT PRIMARY KEY REFERENCES account (id),
    minor INTEGER NOT NULL CHECK (minor > 0)
) STRICT, WITHOUT ROWID;
"""

LOAN_OPEN, LOAN_REPAY = "loan_open", "loan_repay"
"""Kinds of orders, which are the kinds of their postings."""
WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        LOAN_OPEN: ("transfer_in", "transfer_out"),
        LOAN_REPAY: ("transfer_in", "payment"),
    }
)
"""As `history.WORDS`: what a customer hears of their entries."""
EARNED = "loan_interest:{}"
"""The income of interest on loans."""

_BALANCE = (
    "COALESCE((SELECT balance FROM leg WHERE account = n.id ORDER BY ordinal DESC LIMIT 1), 0)"
)
_REPAID = f"""
    SELECT q.effect ->> 'loan' AS loan, o.minor, q.about ->> 'interest' AS interest
    FROM posted_order o JOIN priced_order q ON q.used_by = o.key
    WHERE o.kind = 'loan_repay' AND {STANDS}
"""  # noqa: S608 - no outside text
CHECKS = (
    (
        "loan {} of {}: its account is {}, its orders come to {}",
        f"""SELECT n.sub, n.account, {_BALANCE} AS stands,
              COALESCE((SELECT SUM(r.minor) FROM ({_REPAID}) r WHERE r.loan = n.id), 0)
                - n.principal * (1 - n.cancelled) AS orders
            FROM loan n WHERE stands <> orders""",  # noqa: S608 - no outside text
    ),
    (
        "loan {} of {} is cancelled or repaid, but its account is {}",
        f"""SELECT n.sub, n.account, {_BALANCE} AS stands FROM loan n
            WHERE stands <> 0
              AND (stands > 0 OR n.cancelled = 1 OR n.closed_by IS NOT NULL)""",  # noqa: S608
    ),
    (
        "loan {} of {} was closed by {}, which was undone or never posted",
        """SELECT n.sub, n.account, n.closed_by FROM loan n
           LEFT JOIN posted_order o ON o.key = n.closed_by
           WHERE n.closed_by IS NOT NULL AND (o.key IS NULL OR o.undone = 1)""",
    ),
    (
        "loan {} of {}: cancelled is {}, but the order that opened it is undone {} time(s)",
        """SELECT n.sub, n.account, n.cancelled, COALESCE(o.undone, 0) FROM loan n
           LEFT JOIN posted_order o ON o.key = n.opened_by
           WHERE n.cancelled <> COALESCE(o.undone, 0)""",
    ),
    (
        "interest earned on loans is {}, but what was repaid brought {}",
        f"""SELECT COALESCE(SUM(l.minor), 0) AS earned,
              (SELECT COALESCE(SUM(CAST(interest AS INTEGER)), 0) FROM ({_REPAID})) AS brought
            FROM leg l WHERE l.account LIKE 'loan_interest:%'
            HAVING earned <> brought""",  # noqa: S608 - no outside text
    ),
    (
        "posting {} has no order",
        """SELECT p.key FROM posting p LEFT JOIN posted_order o ON o.key = p.key
           WHERE p.kind IN ('loan_open', 'loan_repay') AND o.key IS NULL""",
    ),
)
"""As in the ledger: what must find nothing."""
FIRST_SUB, LAST_SUB = 6001, 6999
"""Numbers of one card's loans, those repaid among them."""
MAX_OPEN = 20
"""Loans of one card that are open at once."""
OPEN, REPAY = "loan.open", "loan.repay"


@dataclass(frozen=True, slots=True)
class Loan:
    """A loan as it stands: `owed` in fen, `rate` in per cent a year, `pledge` the deposit's id."""

    id: str
    account: str
    sub: str
    kind: str
    rate: Decimal
    opened: date
    matures: date
    principal: int
    pledge: str | None
    owed: int

    @property
    def lent(self) -> Lent:
        """What its interest goes by."""
        return Lent(self.rate, self.opened, self.matures)


_SELECT = f"""
    SELECT n.id, n.account, n.sub, n.kind, n.rate, n.opened, n.matures, n.principal, n.pledge,
      -{_BALANCE}
    FROM loan n WHERE n.account = ?
      AND ((n.cancelled = 0 AND n.closed_by IS NULL) OR {_BALANCE} <> 0)
"""  # noqa: S608 - no outside text
"""Those that are open, and whatever else is not nothing: it must never be out of sight."""


class Loans:
    """The tables `loan` and `credit_line`; the caller brings the transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def of_account(self, account: str) -> list[Loan]:
        """Open loans of a card's account by their number."""
        return [_loan(row) for row in self._db.execute(_SELECT + " ORDER BY n.sub", (account,))]

    def find(self, account: str, sub: str) -> Loan | None:
        """The open loan of that number."""
        row = self._db.execute(_SELECT + " AND n.sub = ?", (account, sub)).fetchone()
        return _loan(row) if row else None

    def full(self, account: str) -> bool:
        """Whether a customer has as many open loans as he may."""
        return len(self.of_account(account)) >= MAX_OPEN

    def next_sub(self, account: str) -> int:
        """A number that no loan of this account ever had; above `LAST_SUB` where all are used."""
        (highest,) = self._db.execute(
            "SELECT MAX(sub) FROM loan WHERE account = ?", (account,)
        ).fetchone()
        return int(highest) + 1 if highest else FIRST_SUB

    def line_left(self, account: str) -> int | None:
        """What is left of the customer's line of credit, in fen; None where he has none."""
        row = self._db.execute(
            "SELECT minor FROM credit_line WHERE account = ?", (account,)
        ).fetchone()
        if row is None:
            return None
        used = (one.owed for one in self.of_account(account) if one.kind == SELF_SERVICE)
        return int(row[0]) - sum(used)

    def grant_line(self, account: str, minor: int) -> None:
        """Give a customer a line of credit of so many fen."""
        self._db.execute("INSERT INTO credit_line VALUES (?, ?)", (account, minor))

    def add(self, loan: Loan, opened_by: str | None) -> None:
        """Write a new one; its ledger account is open and nothing is owed on it yet."""
        self._db.execute(
            "INSERT INTO loan VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL)",
            (
                loan.id,
                loan.account,
                loan.sub,
                loan.kind,
                str(loan.rate),
                loan.opened.isoformat(),
                loan.matures.isoformat(),
                loan.principal,
                loan.pledge,
                opened_by,
            ),
        )


def _loan(row: tuple[Any, ...]) -> Loan:
    ident, account, sub, kind, rate, opened, matures, principal, pledge, owed = row
    days = date.fromisoformat(opened), date.fromisoformat(matures)
    return Loan(ident, account, sub, kind, Decimal(rate), *days, principal, pledge, owed)


def open_accounts(office: BackOffice, unit: Currency) -> None:
    """Open the bank's own account of loans; `LedgerError` where it is open."""
    office.ledger.open_account(EARNED.format(unit.code), unit)


class OpenLoan:
    """A loan opened, its deposit pledged; undone, it is cancelled, the deposit is free, and what
    was repaid meanwhile, interest and all, is made up for."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        loans = Loans(office.db)
        if loans.full(data["account"]):
            return Refusal.OVER_LIMIT
        sub = loans.next_sub(data["account"])
        room = self._room(office, data)
        if sub > LAST_SUB or room is None or order.amount.minor > room:
            return Refusal.BAD_QUOTE
        office.ledger.open_account(data["loan"], order.amount.currency)
        loan = Loan(
            data["loan"],
            data["account"],
            f"{sub:04d}",
            data["kind"],
            Decimal(data["rate"]),
            office.today(now),
            date.fromisoformat(data["matures"]),
            order.amount.minor,
            data["pledge"],
            0,
        )
        loans.add(loan, order.key)
        return None

    def _room(self, office: BackOffice, data: Mapping[str, Any]) -> int | None:
        """What may still be lent, in fen; None where the line or the deposit is gone."""
        if data["pledge"] is None:
            return Loans(office.db).line_left(data["account"])
        deposit = Deposits(office.db).find(data["account"], data["sub"])
        if deposit is None:
            return None
        return load_loan_tariff().lent_on(deposit.held) - owed_on(office.db, deposit.id)

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`."""
        del key
        make_up(office, orders_of(office.db, [REPAY], {"loan": data["loan"]}), now)
        office.db.execute("UPDATE loan SET cancelled = 1 WHERE id = ?", (data["loan"],))


class RepayLoan:
    """Principal repaid, which closes the loan where it is all; undone, it is owed again."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        del now
        found = Loans(office.db).find(data["account"], data["sub"])
        if found is None or found.owed != data["owed"]:
            return Refusal.BAD_QUOTE
        if order.amount.minor == found.owed:
            office.db.execute("UPDATE loan SET closed_by = ? WHERE id = ?", (order.key, found.id))
        return None

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`."""
        unmake(office, key, now)
        office.db.execute("UPDATE loan SET closed_by = NULL WHERE id = ?", (data["loan"],))


LOAN_EFFECTS: Mapping[str, Effect] = MappingProxyType({OPEN: OpenLoan(), REPAY: RepayLoan()})
"""Rows of `effects.EFFECTS`."""
