"""Companies: holders of cards with several accounts, some in foreign currency, and remittances.

The card's own account is the first of a company's accounts (`0001`). What its people pay out of
them is in `payments`; remittances paid so stand here with the others. Double entry of a remittance:
what comes in is owed by the correspondent (`clearing:EUR` falls), what goes out waits in
`remitting:EUR` until the correspondent has it or sends it back.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

from core_adapters.corehost.back_office import BackOffice, Holder
from core_adapters.corehost.products.companies.people import Operator, Operators
from core_adapters.corehost.refusal import Refusal
from transactions.money import Currency, Money, currency

SCHEMA = """
CREATE TABLE company_account (
    id TEXT PRIMARY KEY REFERENCES ledger_account (id),
    account TEXT NOT NULL REFERENCES account (id),
    sub TEXT NOT NULL CHECK (length(sub) = 4),
    UNIQUE (account, sub)
) STRICT, WITHOUT ROWID;
CREATE TABLE remittance (
    id INTEGER PRIMARY KEY,
    company_account TEXT NOT NULL REFERENCES company_account (id),
    business_date TEXT NOT NULL,
    direction TEXT NOT NULL CHECK (direction IN ('inward', 'outward')),
    minor INTEGER NOT NULL CHECK (minor > 0),
    state TEXT NOT NULL CHECK (state IN ('done', 'pending', 'returned'))
) STRICT;
CREATE INDEX remittance_account ON remittance (company_account);
"""

REMITTANCE, REMITTED, RETURNED = "remittance", "remitted", "remittance_returned"
"""Kinds of postings: with the company's account, from transit to the correspondent, and back."""
PAYROLL = "payroll"
INWARD, OUTWARD = "inward", "outward"
"""Word set `remit`."""
DONE, PENDING, BACK = "done", "pending", "returned"
"""Word set `remitstate`."""
WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        REMITTANCE: ("transfer_in", "transfer_out"),
        RETURNED: ("refund", "other"),
        PAYROLL: ("refund", "salary"),
    }
)
"""As `history.WORDS`: what a company hears of its entries."""
CLEARING, TRANSIT = "clearing:{}", "remitting:{}"

_MOVED = """
    COALESCE((SELECT SUM(l.minor) FROM posting p JOIN leg l ON l.posting = p.id
              WHERE p.key IN ('remit:' || r.id, 'remit:' || r.id || ':returned')
                AND l.account = r.company_account), 0)
"""
_OWED = """
    CASE WHEN r.state = 'returned' THEN 0 WHEN r.direction = 'outward' THEN -r.minor
         WHEN r.state = 'done' THEN r.minor ELSE 0 END
"""
CHECKS = (
    (
        "remittance {}: {} and {}, but {} was moved instead of {}",
        f"""SELECT r.id, r.direction, r.state, {_MOVED} AS moved, {_OWED} AS owed
            FROM remittance r WHERE moved <> owed AND NOT EXISTS
              (SELECT 1 FROM corp_payment p WHERE p.subject = 'remit:' || r.id)""",  # noqa: S608
    ),
    (
        "{} of remittances in {} is under way, but those pending come to {}",
        """SELECT COALESCE((SELECT balance FROM leg WHERE account = t.id
                            ORDER BY ordinal DESC LIMIT 1), 0) AS waiting, t.currency,
             COALESCE((SELECT SUM(r.minor) FROM remittance r
                       JOIN ledger_account a ON a.id = r.company_account
                       WHERE a.currency = t.currency AND r.direction = 'outward'
                         AND r.state = 'pending'), 0) AS pending
           FROM ledger_account t WHERE t.id LIKE 'remitting:%' AND waiting <> pending""",
    ),
    (
        "posting {} belongs to no remittance",
        """SELECT p.key FROM posting p
           WHERE p.kind IN ('remittance', 'remitted', 'remittance_returned')
             AND NOT EXISTS (SELECT 1 FROM remittance r WHERE p.key IN
               ('remit:' || r.id, 'remit:' || r.id || ':sent', 'remit:' || r.id || ':returned'))""",
    ),
)
"""As in the ledger: what must find nothing."""


@dataclass(frozen=True, slots=True)
class CompanyAccount:
    """One account of a company; `id` is its ledger account."""

    id: str
    sub: str
    unit: Currency


@dataclass(frozen=True, slots=True)
class Remittance:
    """One remittance; `direction` is of word set `remit`, `state` of `remitstate`."""

    id: int
    on: date
    direction: str
    amount: Money
    state: str


class Companies:
    """The tables of companies; the caller brings the transaction."""

    def __init__(self, office: BackOffice) -> None:
        self._office = office
        self._db = office.db

    def holder(self, card: str) -> Holder | Refusal:
        """The company whose card it is, or for which its holder acts; any other card is not
        permitted."""
        operator = Operators(self._db).of_card(card)
        if operator is not None:
            return self._office.usable_card(card) or self._acted_for(operator)
        holder = self._office.holder(card)
        if isinstance(holder, Refusal):
            return holder
        asked = "SELECT 1 FROM company_account WHERE account = ? LIMIT 1"
        is_company = self._db.execute(asked, (holder.account,)).fetchone() is not None
        return holder if is_company else Refusal.NOT_PERMITTED

    def _acted_for(self, operator: Operator) -> Holder | Refusal:
        kind, state, customer = self._db.execute(
            "SELECT kind, state, customer FROM account WHERE id = ?", (operator.account,)
        ).fetchone()
        if state == "closed":
            return Refusal.CLOSED
        return Holder(operator.card, operator.account, kind, customer)

    def accounts(self, account: str) -> Sequence[CompanyAccount]:
        """A company's accounts by their number."""
        rows = self._db.execute(
            "SELECT c.id, c.sub, a.currency FROM company_account c"
            " JOIN ledger_account a ON a.id = c.id WHERE c.account = ? ORDER BY c.sub",
            (account,),
        )
        return [CompanyAccount(ident, sub, currency(code)) for ident, sub, code in rows]

    def find(self, account: str, sub: str) -> CompanyAccount | None:
        """The company's account of that number."""
        return next((one for one in self.accounts(account) if one.sub == sub), None)

    def remittances(self, account: str, before: int, most: int) -> Sequence[Remittance]:
        """Up to `most` remittances with numbers below `before` (0 is no bound), newest first."""
        rows = self._db.execute(
            "SELECT r.id, r.business_date, r.direction, r.minor, a.currency, r.state"
            " FROM remittance r JOIN company_account c ON c.id = r.company_account"
            " JOIN ledger_account a ON a.id = c.id"
            " WHERE c.account = ? AND (? = 0 OR r.id < ?) ORDER BY r.id DESC LIMIT ?",
            (account, before, before, most),
        )
        return [_remittance(row) for row in rows]

    def add_account(self, account: str, sub: str, unit: Currency) -> str:
        """Open one more; `0001` is the card's own, which is open. Returns the ledger account."""
        ident = account if sub == FIRST_SUB else f"K{account}{sub}"
        if ident != account:
            self._office.ledger.open_account(ident, unit)
        self._db.execute("INSERT INTO company_account VALUES (?, ?, ?)", (ident, account, sub))
        return ident


FIRST_SUB = "0001"
"""The card's own account."""


def _remittance(row: tuple[Any, ...]) -> Remittance:
    ident, day, direction, minor, code, state = row
    return Remittance(
        ident, date.fromisoformat(day), direction, Money(minor, currency(code)), state
    )
