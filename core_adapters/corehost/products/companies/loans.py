"""Loans of companies: repaid by a schedule, interest first.

A loan is an account of the bank's (`corploan:…`), below zero by what is owed. Its interest runs on
what is owed at the end of each day, act/360, at the loan's rate and after its end at more; a
repayment pays all the interest that has run up and is not paid, and principal on top. What it comes
to is worked out of the ledger each time, exactly, and rounded once, half up, to the fen; so it is
right whatever was undone, in whatever order.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from core_adapters.corehost.products.companies.terms import load_company_tariff
from core_adapters.corehost.products.deposits.terms import PER_CENT, by_days, rounded

SCHEMA = """
CREATE TABLE corp_loan (
    id TEXT PRIMARY KEY REFERENCES ledger_account (id),
    account TEXT NOT NULL REFERENCES account (id),
    sub TEXT NOT NULL CHECK (length(sub) = 4),
    rate TEXT NOT NULL,
    opened TEXT NOT NULL,
    matures TEXT NOT NULL,
    principal INTEGER NOT NULL CHECK (principal > 0),
    UNIQUE (account, sub)
) STRICT, WITHOUT ROWID;
CREATE TABLE corp_instalment (
    loan TEXT NOT NULL REFERENCES corp_loan (id),
    due_on TEXT NOT NULL,
    minor INTEGER NOT NULL CHECK (minor > 0),
    PRIMARY KEY (loan, due_on)
) STRICT, WITHOUT ROWID;
"""
EARNED = "corp_interest:{}"
"""The income of interest on companies' loans."""

_BALANCE = (
    "COALESCE((SELECT balance FROM leg WHERE account = n.id ORDER BY ordinal DESC LIMIT 1), 0)"
)
_REPAID = "FROM corp_payment p WHERE p.kind = 'repay' AND p.undone = 0"
CHECKS = (
    (
        "company loan {} of {}: its account is {}, its payments come to {}",
        f"""SELECT n.sub, n.account, {_BALANCE} AS stands,
              (SELECT COALESCE(SUM(p.minor), 0) {_REPAID} AND p.subject = n.id) - n.principal
                AS orders
            FROM corp_loan n WHERE stands <> orders OR stands > 0""",  # noqa: S608
    ),
    (
        "company loan {} of {} is {}, but its schedule comes to {}",
        """SELECT n.sub, n.account, n.principal, COALESCE(SUM(i.minor), 0) AS schedule
           FROM corp_loan n LEFT JOIN corp_instalment i ON i.loan = n.id
           GROUP BY n.id HAVING n.principal <> schedule""",
    ),
    (
        "interest earned on companies' loans is {}, but their payments brought {}",
        f"""SELECT COALESCE(SUM(l.minor), 0) AS earned,
              (SELECT COALESCE(SUM(p.interest), 0) {_REPAID}) AS brought
            FROM leg l WHERE l.account LIKE 'corp_interest:%'
            HAVING earned <> brought""",  # noqa: S608 - no outside text
    ),
)
"""As in the ledger: what must find nothing."""


@dataclass(frozen=True, slots=True)
class CompanyLoan:
    """A loan as it stands: `principal` lent and `owed`, in fen; `rate` in per cent a year."""

    id: str
    account: str
    sub: str
    rate: Decimal
    opened: date
    matures: date
    principal: int
    owed: int


_SELECT = f"""
    SELECT n.id, n.account, n.sub, n.rate, n.opened, n.matures, n.principal, -{_BALANCE}
    FROM corp_loan n
"""  # noqa: S608 - no outside text


class CompanyLoans:
    """The tables `corp_loan` and `corp_instalment`; the caller brings the transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def all(self) -> list[CompanyLoan]:
        """Every loan, those repaid too, by company and number."""
        rows = self._db.execute(_SELECT + " ORDER BY n.account, n.sub")
        return [_loan(row) for row in rows]

    def find(self, account: str, sub: str) -> CompanyLoan | None:
        """A company's loan of that number on which something is owed; without a number, the one
        with the lowest."""
        rows = self._db.execute(_SELECT + " WHERE n.account = ? ORDER BY n.sub", (account,))
        there = [one for one in map(_loan, rows) if one.owed > 0]
        return next((one for one in there if sub in ("", one.sub)), None)

    def interest(self, loan: CompanyLoan, on: date) -> int:
        """Fen of interest that has run up by a business date and is not paid."""
        whole = self._product(loan.id, date.min, on)
        late = self._product(loan.id, loan.matures, on) if on > loan.matures else 0
        rate = loan.rate * load_company_tariff().late_share / PER_CENT
        run_up = rounded(by_days(whole - late, loan.rate) + by_days(late, rate))
        return max(0, run_up - self._paid(loan.id))

    def _product(self, ident: str, since: date, until: date) -> int:
        """Fen times days owed from one business date to another."""
        rows = self._db.execute(
            "SELECT p.business_date, SUM(l.minor) FROM leg l JOIN posting p ON p.id = l.posting"
            " WHERE l.account = ? AND p.business_date < ? GROUP BY p.business_date",
            (ident, until.isoformat()),
        )
        return -sum(
            int(minor) * (until - max(date.fromisoformat(day), since)).days for day, minor in rows
        )

    def _paid(self, ident: str) -> int:
        (minor,) = self._db.execute(
            "SELECT COALESCE(SUM(p.interest), 0) FROM corp_payment p"
            " WHERE p.kind = 'repay' AND p.undone = 0 AND p.subject = ?",
            (ident,),
        ).fetchone()
        return int(minor)

    def overdue(self, loan: CompanyLoan, on: date) -> int:
        """Fen that the schedule wanted repaid before a date and that were not."""
        (due,) = self._db.execute(
            "SELECT COALESCE(SUM(minor), 0) FROM corp_instalment WHERE loan = ? AND due_on < ?",
            (loan.id, on.isoformat()),
        ).fetchone()
        return max(0, int(due) - (loan.principal - loan.owed))

    def add(self, loan: CompanyLoan, schedule: Sequence[tuple[date, int]]) -> None:
        """Write a new one; its ledger account is open and nothing is owed on it yet."""
        days = loan.opened.isoformat(), loan.matures.isoformat()
        row = (loan.id, loan.account, loan.sub, str(loan.rate), *days, loan.principal)
        self._db.execute("INSERT INTO corp_loan VALUES (?, ?, ?, ?, ?, ?, ?)", row)
        rows = [(loan.id, day.isoformat(), minor) for day, minor in schedule]
        self._db.executemany("INSERT INTO corp_instalment VALUES (?, ?, ?)", rows)


def _loan(row: tuple[Any, ...]) -> CompanyLoan:
    ident, account, sub, rate, opened, matures, principal, owed = row
    days = date.fromisoformat(opened), date.fromisoformat(matures)
    return CompanyLoan(ident, account, sub, Decimal(rate), *days, principal, owed)
