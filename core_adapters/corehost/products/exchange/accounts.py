"""Foreign currency of a card's customer: demand and term deposits, sub-accounts from 7001 on.

What a deposit holds is its ledger account's balance. Demand deposits are what is exchanged; several
of one currency are merged into one; what a demand deposit holds, or a term deposit that has matured
holds and earned, goes into a new term deposit. What is held for orders (`orders`) is in neither.
"""

import secrets
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from core_adapters.corehost.back_office import BackOffice
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.deposits.terms import matures
from core_adapters.corehost.products.end_of_day.book import unwind
from core_adapters.corehost.products.exchange.market import YUAN, word_of
from core_adapters.corehost.products.orders import Agreed
from core_adapters.corehost.products.standing import STANDING
from core_adapters.corehost.products.stated import stated
from core_adapters.corehost.refusal import Refusal
from transactions.money import Currency, Money, currency

DEMAND, TERM = "demand", "term"
FIRST_SUB, LAST_SUB = 7001, 7999
"""Sub-accounts of one card in foreign currency, those closed among them."""
MAX_SOURCES = 8
"""Most demand deposits that one exchange takes from."""
MERGE, ROLL = "fx.merge", "fx.roll"

SCHEMA = """
CREATE TABLE fx_deposit (
    id TEXT PRIMARY KEY REFERENCES ledger_account (id),
    account TEXT NOT NULL REFERENCES account (id),
    sub TEXT NOT NULL CHECK (length(sub) = 4),
    currency TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('demand', 'term')),
    term TEXT NOT NULL CHECK ((term = '') = (kind = 'demand')),
    rate TEXT NOT NULL,
    opened TEXT NOT NULL,
    opened_by TEXT,
    cancelled INTEGER NOT NULL DEFAULT 0 CHECK (cancelled IN (0, 1)),
    closed_by TEXT,
    UNIQUE (account, sub)
) STRICT, WITHOUT ROWID;
"""

_BALANCE = (
    "COALESCE((SELECT balance FROM leg WHERE account = d.id ORDER BY ordinal DESC LIMIT 1), 0)"
)
_UNDONE = "EXISTS (SELECT 1 FROM posting u WHERE u.key = 'undo:' || {})"
CHECKS = (
    (
        "foreign deposit {} of {} is of {}, its account of {}",
        """SELECT d.sub, d.account, d.currency, a.currency FROM fx_deposit d
           JOIN ledger_account a ON a.id = d.id WHERE d.currency <> a.currency""",
    ),
    (
        "foreign deposit {} of {} was closed by {}, which was undone or never posted",
        f"""SELECT d.sub, d.account, d.closed_by FROM fx_deposit d
            LEFT JOIN posting p ON p.key = d.closed_by WHERE d.closed_by IS NOT NULL
              AND (p.id IS NULL OR {_UNDONE.format("d.closed_by")})""",  # noqa: S608 - no outside text
    ),
    (
        "foreign deposit {} of {}: cancelled is {}, but not so the posting that opened it",
        f"""SELECT d.sub, d.account, d.cancelled FROM fx_deposit d
            WHERE d.cancelled <> {_UNDONE.format("COALESCE(d.opened_by, '')")}""",  # noqa: S608
    ),
    (
        "foreign deposit {} of {} is cancelled and no order that stands is on it, but it has {}",
        f"""SELECT d.sub, d.account, {_BALANCE} AS stands FROM fx_deposit d
            WHERE d.cancelled = 1 AND stands <> 0 AND NOT EXISTS
              (SELECT 1 FROM leg l JOIN posting p ON p.id = l.posting
               WHERE l.account = d.id AND p.key NOT GLOB 'day:*' AND {STANDING})""",  # noqa: S608
    ),
)
"""As in the ledger: what must find nothing."""


@dataclass(frozen=True, slots=True)
class FxDeposit:
    """A sub-account as it stands; `rate` in per cent a year, no term is a demand deposit."""

    id: str
    account: str
    sub: str
    held: Money
    term: str
    rate: Decimal
    opened: date

    @property
    def kind(self) -> str:
        """`demand` or `term`."""
        return TERM if self.term else DEMAND

    @property
    def matures(self) -> date | None:
        """The last day of its term; None where it has none."""
        return matures(self.opened, self.term) if self.term else None


@dataclass(frozen=True, slots=True)
class FxHolding:
    """One currency of a customer: all of it, and what may be exchanged."""

    word: str
    amount: Money
    available: Money


_SELECT = f"""
    SELECT d.id, d.account, d.sub, d.currency, d.term, d.rate, d.opened, {_BALANCE}
    FROM fx_deposit d WHERE d.account = ?
      AND ((d.cancelled = 0 AND d.closed_by IS NULL) OR {_BALANCE} <> 0)
"""  # noqa: S608 - no outside text
"""Those that are open: one that was cancelled or closed is open as long as it holds something, as
a reversal out of turn may leave it."""


class FxAccounts:
    """The table `fx_deposit`; the caller brings the transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def of_account(self, account: str) -> list[FxDeposit]:
        """Open sub-accounts of a card's account by their number."""
        return [_deposit(row) for row in self._db.execute(_SELECT + " ORDER BY d.sub", (account,))]

    def find(self, account: str, sub: str) -> FxDeposit | None:
        """The open sub-account of that number."""
        row = self._db.execute(_SELECT + " AND d.sub = ?", (account, sub)).fetchone()
        return _deposit(row) if row else None

    def demand(self, account: str, unit: Currency) -> list[FxDeposit]:
        """Open demand deposits of a currency by their number."""
        return [one for one in self.of_account(account) if not one.term and _is(one, unit)]

    def add(self, one: FxDeposit, opened_by: str | None) -> None:
        """Write a new one; its ledger account is open and holds nothing yet."""
        self._db.execute(
            "INSERT INTO fx_deposit VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, NULL)",
            (
                one.id,
                one.account,
                one.sub,
                one.held.currency.code,
                one.kind,
                one.term,
                str(one.rate),
                one.opened.isoformat(),
                opened_by,
            ),
        )

    def next_sub(self, account: str) -> str | None:
        """A number that no sub-account of this account ever had; None where all are used up."""
        (highest,) = self._db.execute(
            "SELECT MAX(sub) FROM fx_deposit WHERE account = ?", (account,)
        ).fetchone()
        number = int(highest) + 1 if highest else FIRST_SUB
        return f"{number:04d}" if number <= LAST_SUB else None

    def cancel(self, opened_by: str) -> None:
        """What a posting opened was not: the posting is undone."""
        self._db.execute("UPDATE fx_deposit SET cancelled = 1 WHERE opened_by = ?", (opened_by,))

    def close(self, one: FxDeposit, by: str) -> None:
        """A posting takes all it holds, for good."""
        self._db.execute("UPDATE fx_deposit SET closed_by = ? WHERE id = ?", (by, one.id))

    def reopen(self, closed_by: str) -> None:
        """What a posting closed is open again: the posting is undone."""
        self._db.execute("UPDATE fx_deposit SET closed_by = NULL WHERE closed_by = ?", (closed_by,))


def _deposit(row: tuple[Any, ...]) -> FxDeposit:
    ident, account, sub, code, term, rate, opened, minor = row
    day = date.fromisoformat(opened)
    return FxDeposit(ident, account, sub, Money(minor, currency(code)), term, Decimal(rate), day)


def _is(one: FxDeposit, unit: Currency) -> bool:
    return one.held.currency == unit


def deposit_rate(unit: Currency, term: str) -> Decimal | None:
    """Per cent a year of a term, or of `demand`; None where the bank does not have it."""
    rates: Mapping[str, str] = stated("fx.yaml")["deposit_rates"].get(word_of(unit), {})
    found = rates.get(term)
    return None if found is None else Decimal(found)


def told_rates() -> list[tuple[str, Decimal]]:
    """Word of `fxterm` (`usd_m3`) and rate, of those that anybody may hear."""
    told, rates = stated("fx.yaml")["told"], stated("fx.yaml")["deposit_rates"]
    return [
        (f"{word}_{term}", Decimal(rates[word][term]))
        for word in told["currencies"]
        for term in told["terms"]
    ]


def sources(office: BackOffice, account: str, amount: Money) -> Sequence[Leg] | Refusal:
    """The legs that take an amount out of what may be exchanged: of yuan the card's account, else
    the demand deposits in the order of their numbers."""
    if word_of(amount.currency) == YUAN:
        short = office.available(account).minor < amount.minor
        return Refusal.INSUFFICIENT if short else (Leg(account, -amount.minor),)
    there = FxAccounts(office.db).demand(account, amount.currency)
    if not there:
        return Refusal.NO_ACCOUNT
    legs, left = [], amount.minor
    for one in [each for each in there if each.held.minor > 0][:MAX_SOURCES]:
        part = min(left, one.held.minor)
        legs.append(Leg(one.id, -part))
        left -= part
        if not left:
            return legs
    return Refusal.INSUFFICIENT


@dataclass(frozen=True, slots=True)
class Target:
    """Where bought currency goes: a ledger account, and whether it is a demand deposit to open."""

    id: str
    unit: Currency
    opens: bool


def target(db: sqlite3.Connection, account: str, unit: Currency) -> Target:
    """Of yuan the card's account, else the first demand deposit, or a new one."""
    if word_of(unit) == YUAN:
        return Target(account, unit, opens=False)
    there = FxAccounts(db).demand(account, unit)
    if there:
        return Target(there[0].id, unit, opens=False)
    return Target(new_id(), unit, opens=True)


def new_id() -> str:
    """A ledger account for a foreign deposit, or for what is held for an order."""
    return f"X{secrets.token_hex(8).upper()}"


def is_open(db: sqlite3.Connection, account: str, ident: str) -> bool:
    """Whether money may still go to a customer's ledger account."""
    return ident == account or any(one.id == ident for one in FxAccounts(db).of_account(account))


def open_deposit(office: BackOffice, one: FxDeposit, opened_by: str | None) -> Refusal | None:
    """Open a foreign deposit under the next number; `sub` and `held` of `one` do not count."""
    accounts = FxAccounts(office.db)
    sub = accounts.next_sub(one.account)
    if sub is None:
        return Refusal.OVER_LIMIT
    unit = one.held.currency
    office.ledger.open_account(one.id, unit)
    row = FxDeposit(one.id, one.account, sub, Money(0, unit), one.term, one.rate, one.opened)
    accounts.add(row, opened_by)
    return None


def open_demand(
    office: BackOffice, account: str, into: Target, opened_by: str, today: date
) -> Refusal | None:
    """Open a demand deposit for a posting that pays into it."""
    rate = deposit_rate(into.unit, DEMAND) or Decimal(0)
    one = FxDeposit(into.id, account, "", Money(0, into.unit), "", rate, today)
    return open_deposit(office, one, opened_by)


class MergeEffect:
    """Demand deposits of one currency become one; undone, they are several again."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        del now
        accounts, unit = FxAccounts(office.db), order.amount.currency
        held: Mapping[str, int] = data["held"]
        there = [one for one in accounts.demand(data["account"], unit) if one.id in held]
        if {one.id: one.held.minor for one in there} != held:
            return Refusal.BAD_QUOTE
        for one in there[1:]:
            accounts.close(one, order.key)
        return None

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`."""
        del data, now
        FxAccounts(office.db).reopen(key)


class RollEffect:
    """A term deposit made of another deposit; undone, it is cancelled and the other as it was."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        accounts = FxAccounts(office.db)
        old = accounts.find(data["account"], data["sub"])
        if old is None or old.held.minor != data["held"]:
            return Refusal.BAD_QUOTE
        unit, today = order.amount.currency, office.today(now)
        rate, term = Decimal(data["rate"]), data["term"]
        one = FxDeposit(data["deposit"], old.account, "", Money(0, unit), term, rate, today)
        refusal = open_deposit(office, one, order.key)
        if refusal is None and old.term:
            accounts.close(old, order.key)
        return refusal

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`."""
        FxAccounts(office.db).reopen(key)
        FxAccounts(office.db).cancel(key)
        unwind(office, data["deposit"], now)
