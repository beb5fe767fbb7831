"""Payments of companies as they stand: transfers, remittances, drafts, repayments of loans.

Each has a row with its two people. Double entry: a remittance waits in `remitting:CNY` until the
day ends and then is the correspondent's (`clearing:CNY`); a draft is owed by `drafts:CNY` until its
time is over. Undone, each goes back exactly, whatever the ends of days made of it.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from core_adapters.corehost.back_office import BackOffice
from core_adapters.corehost.products.companies.accounts import OUTWARD, PENDING
from core_adapters.corehost.products.companies.loans import CompanyLoans
from core_adapters.corehost.products.companies.people import Operator
from core_adapters.corehost.products.companies.terms import (
    DRAFT,
    REMOTE,
    REPAY,
    TRANSFER,
    load_company_tariff,
)
from core_adapters.corehost.products.deposits.terms import matures
from core_adapters.corehost.products.end_of_day.book import unwind
from core_adapters.corehost.products.orders import Agreed, Effect
from core_adapters.corehost.refusal import Refusal

SCHEMA = """
CREATE TABLE corp_payment (
    key TEXT PRIMARY KEY,
    account TEXT NOT NULL REFERENCES account (id),
    company_account TEXT NOT NULL REFERENCES company_account (id),
    business_date TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('transfer', 'remote', 'draft', 'repay')),
    subject TEXT NOT NULL,
    payee TEXT NOT NULL,
    bank TEXT NOT NULL,
    currency TEXT NOT NULL,
    minor INTEGER NOT NULL CHECK (minor > 0),
    interest INTEGER NOT NULL CHECK (interest >= 0),
    fee INTEGER NOT NULL CHECK (fee >= 0),
    maker TEXT NOT NULL,
    approver TEXT NOT NULL CHECK (approver <> maker),
    undone INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1)),
    FOREIGN KEY (account, maker) REFERENCES corp_operator (account, number),
    FOREIGN KEY (account, approver) REFERENCES corp_operator (account, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX corp_payment_date ON corp_payment (business_date);
CREATE INDEX corp_payment_subject ON corp_payment (subject);
CREATE TABLE corp_draft (
    number TEXT PRIMARY KEY CHECK (length(number) = 12),
    key TEXT NOT NULL UNIQUE REFERENCES corp_payment (key),
    expires TEXT NOT NULL,
    minor INTEGER NOT NULL CHECK (minor > 0),
    state TEXT NOT NULL DEFAULT 'outstanding' CHECK (state IN ('outstanding', 'returned', 'void'))
) STRICT, WITHOUT ROWID;
"""
DRAFTS = "drafts:{}"
"""What the bank owes on drafts that nobody has presented."""
OUTSTANDING, DRAFT_RETURNED, VOID = "outstanding", "returned", "void"
"""States of a draft: a void one was undone."""
REMOTE_SENT, DRAFT_EXPIRED = "remote_sent", "draft_expired"
"""Kinds of the postings of ends of days."""
KINDS: Mapping[str, str] = MappingProxyType(
    {name: f"corp_{name}" for name in (TRANSFER, REMOTE, DRAFT, REPAY)}
)
"""Kinds of orders, which are the kinds of their postings, by the kind of payment."""
WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        KINDS[TRANSFER]: ("transfer_in", "transfer_out"),
        KINDS[REMOTE]: ("refund", "transfer_out"),
        KINDS[DRAFT]: ("refund", "transfer_out"),
        KINDS[REPAY]: ("refund", "payment"),
        DRAFT_EXPIRED: ("refund", "other"),
    }
)
"""As `history.WORDS`."""
PAY = "corp.pay"
MAX_DRAFTS = 9999
"""Drafts of one business date: their numbers are the date and four digits."""

_LAST = "COALESCE((SELECT balance FROM leg WHERE account = {} ORDER BY ordinal DESC LIMIT 1), 0)"
_SENT = """
    EXISTS (SELECT 1 FROM day_item i WHERE i.subject = p.subject AND i.what = 'remote_sent'
      AND NOT EXISTS (SELECT 1 FROM posting v WHERE v.key = 'void:' || i.key))
"""
CHECKS = (
    (
        "company payment {}: undone is {}, its order {} of {} and fee {}",
        """SELECT p.key, p.undone, o.undone, o.minor, o.fee FROM corp_payment p
           LEFT JOIN posted_order o ON o.key = p.key WHERE o.key IS NULL OR o.undone <> p.undone
             OR o.minor <> p.minor OR o.fee <> p.fee OR o.kind <> 'corp_' || p.kind""",
    ),
    (
        "posting {} belongs to no payment of a company",
        """SELECT g.key FROM posting g LEFT JOIN corp_payment p ON p.key = g.key
           WHERE g.kind IN ('corp_transfer', 'corp_remote', 'corp_draft', 'corp_repay')
             AND p.key IS NULL""",
    ),
    (
        "company payment {} took {} of {}, not amount, interest and fee",
        """SELECT p.key, COALESCE(SUM(l.minor), 0) AS took, p.company_account FROM corp_payment p
           JOIN posting g ON g.key = p.key
           LEFT JOIN leg l ON l.posting = g.id AND l.account = p.company_account
           GROUP BY p.key HAVING took <> -p.minor - p.interest - p.fee""",
    ),
    (
        "company payment {}: its people may not, or are one",
        """SELECT p.key FROM corp_payment p
           JOIN corp_operator m ON m.account = p.account AND m.number = p.maker
           JOIN corp_operator a ON a.account = p.account AND a.number = p.approver
           WHERE m.card = a.card OR m.may NOT IN ('make', 'both')
             OR a.may NOT IN ('approve', 'both')""",
    ),
    (
        "remittance {} of company payment {} is {}: undone is {}, sent {}",
        f"""SELECT r.id, p.key, r.state, p.undone, {_SENT} AS sent FROM corp_payment p
            JOIN remittance r ON 'remit:' || r.id = p.subject
            WHERE r.state <> CASE WHEN p.undone THEN 'returned' WHEN sent THEN 'done'
              ELSE 'pending' END""",  # noqa: S608 - no outside text
    ),
    (
        "drafts in {} come to {}, but those outstanding to {}",
        f"""SELECT a.currency, {_LAST.format("a.id")} AS owed,
              (SELECT COALESCE(SUM(d.minor), 0) FROM corp_draft d JOIN corp_payment p
               ON p.key = d.key WHERE p.currency = a.currency AND d.state = 'outstanding')
               AS outstanding
            FROM ledger_account a WHERE a.id LIKE 'drafts:%'
              AND owed <> outstanding""",  # noqa: S608 - no outside text
    ),
    (
        "draft {} is {}, but undone is {} and the day that its time was over posted {}",
        """SELECT d.number, d.state, p.undone, COUNT(i.key) AS back FROM corp_draft d
           JOIN corp_payment p ON p.key = d.key
           LEFT JOIN day_item i ON i.subject = 'draft:' || d.number AND i.what = 'draft_expired'
           GROUP BY d.number HAVING d.state <> CASE WHEN p.undone THEN 'void'
             WHEN back THEN 'returned' ELSE 'outstanding' END""",
    ),
)
"""As in the ledger: what must find nothing."""


@dataclass(frozen=True, slots=True)
class People:
    """Who proposed a payment, and who approved it."""

    maker: Operator
    approver: Operator


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft that nobody has presented; `account` is the company's that paid for it."""

    number: str
    account: str
    minor: int
    currency: str


class CompanyPayments:
    """The tables `corp_payment` and `corp_draft`; the caller brings the transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def draft_of(self, key: str) -> str | None:
        """The number of the draft that an order issued."""
        row = self._db.execute("SELECT number FROM corp_draft WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def next_draft(self, day: date) -> str | None:
        """A number that no draft ever had; None where the day's are used up."""
        (highest,) = self._db.execute(
            "SELECT MAX(number) FROM corp_draft WHERE number LIKE ? || '%'", (f"{day:%Y%m%d}",)
        ).fetchone()
        count = int(highest[8:]) + 1 if highest else 1
        return f"{day:%Y%m%d}{count:04d}" if count <= MAX_DRAFTS else None

    def expiring(self, day: date) -> list[Draft]:
        """Drafts outstanding whose time is over when a date ends."""
        rows = self._db.execute(
            "SELECT d.number, p.company_account, d.minor, p.currency FROM corp_draft d"
            " JOIN corp_payment p ON p.key = d.key"
            " WHERE d.state = 'outstanding' AND d.expires <= ? ORDER BY d.number",
            (day.isoformat(),),
        )
        return [Draft(*row) for row in rows.fetchall()]

    def waiting(self, day: date) -> list[tuple[int, int, str]]:
        """Remittances to be sent when a date ends: number, minor units, currency."""
        rows = self._db.execute(
            "SELECT r.id, p.minor, p.currency FROM corp_payment p"
            " JOIN remittance r ON 'remit:' || r.id = p.subject WHERE p.kind = 'remote'"
            " AND p.undone = 0 AND r.state = 'pending' AND p.business_date <= ? ORDER BY r.id",
            (day.isoformat(),),
        )
        return rows.fetchall()

    def totals(self, day: date) -> list[tuple[str, str, str, int, int, int]]:
        """Payments of a business date that stand, by company, kind and currency: count, amounts and
        interest in minor units."""
        rows = self._db.execute(
            "SELECT account, kind, currency, COUNT(*), SUM(minor), SUM(interest) FROM corp_payment"
            " WHERE business_date = ? AND undone = 0 GROUP BY account, kind, currency"
            " ORDER BY account, kind, currency",
            (day.isoformat(),),
        )
        return rows.fetchall()


class PayEffect:
    """A payment that stands as it was quoted; `record` writes its row with its two people. Undone,
    what it was about is undone with it."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        today = office.today(now)
        if data["kind"] == REPAY and not _as_quoted(office, data, today):
            return Refusal.BAD_QUOTE
        if data["kind"] == DRAFT and CompanyPayments(office.db).next_draft(today) is None:
            return Refusal.OVER_LIMIT
        del order
        return None

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`."""
        del data
        db = office.db
        (kind, subject) = db.execute(
            "UPDATE corp_payment SET undone = 1 WHERE key = ? RETURNING kind, subject", (key,)
        ).fetchone()
        if kind == REMOTE:
            unwind(office, subject, now)
            number = int(subject.removeprefix("remit:"))
            db.execute("UPDATE remittance SET state = 'returned' WHERE id = ?", (number,))
        if kind == DRAFT:
            (number,) = db.execute(
                "UPDATE corp_draft SET state = 'void' WHERE key = ? RETURNING number", (key,)
            ).fetchone()
            unwind(office, f"draft:{number}", now)


def _as_quoted(office: BackOffice, data: Mapping[str, Any], today: date) -> bool:
    loans = CompanyLoans(office.db)
    loan = loans.find(data["account"], data["loan_sub"])
    if loan is None or loan.owed != data["owed"]:
        return False
    return loans.interest(loan, today) == int(data["interest"])


def record(office: BackOffice, order: Agreed, people: People, now: datetime) -> None:
    """Write a payment that was posted just now: its row, its remittance or draft."""
    (effect,) = office.db.execute(
        "SELECT effect FROM priced_order WHERE used_by = ?", (order.key,)
    ).fetchone()
    data, today = json.loads(effect), office.today(now)
    terms = (data["to"], data["bank"], order.amount.currency.code, order.amount.minor)
    row = (
        order.key,
        data["account"],
        data["company_account"],
        today.isoformat(),
        data["kind"],
        _subject(office, data, order, today),
        *terms,
        data["interest"],
        order.fee.minor,
        people.maker.number,
        people.approver.number,
    )
    office.db.execute(
        "INSERT INTO corp_payment VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0)", row
    )
    if data["kind"] == DRAFT:
        _issue(office, order, today)


def _subject(office: BackOffice, data: Mapping[str, Any], order: Agreed, today: date) -> str:
    """What a payment is about, by which ends of days find it."""
    if data["kind"] == REMOTE:
        number = office.db.execute(
            "INSERT INTO remittance (company_account, business_date, direction, minor, state)"
            " VALUES (?, ?, ?, ?, ?)",
            (data["company_account"], today.isoformat(), OUTWARD, order.amount.minor, PENDING),
        ).lastrowid
        return f"remit:{number}"
    return str(data["loan"] if data["kind"] == REPAY else data["to"])


def _issue(office: BackOffice, order: Agreed, today: date) -> None:
    expires = matures(today, f"m{load_company_tariff().draft_months}")
    office.db.execute(
        "INSERT INTO corp_draft (number, key, expires, minor) VALUES (?, ?, ?, ?)",
        (
            CompanyPayments(office.db).next_draft(today),
            order.key,
            expires.isoformat(),
            order.amount.minor,
        ),
    )


PAY_EFFECTS: Mapping[str, Effect] = MappingProxyType({PAY: PayEffect()})
"""Rows of `effects.EFFECTS`."""
