"""Treasury bonds that the bank sells for the State and keeps for its customers.

Double entry: what a customer holds is an account of his own, and `bonds:CNY` holds minus all of
that, since the bank owes nobody a bond. The money for bonds goes to `treasury:CNY`, which is what
the bank owes the State; what is redeemed, and its interest, comes out of it.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from core_adapters.corehost.back_office import BackOffice
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.bonds.terms import Held
from core_adapters.corehost.products.dependents import STANDS, make_up, orders_of, unmake
from core_adapters.corehost.products.end_of_day.book import unwind
from core_adapters.corehost.products.orders import Agreed, Effect
from core_adapters.corehost.refusal import Refusal
from transactions.money import Currency

SCHEMA = """
CREATE TABLE bond (
    id TEXT PRIMARY KEY REFERENCES ledger_account (id),
    account TEXT NOT NULL REFERENCES account (id),
    sub TEXT NOT NULL CHECK (length(sub) = 4),
    issue TEXT NOT NULL,
    term TEXT NOT NULL,
    rate TEXT NOT NULL,
    bought TEXT NOT NULL,
    principal INTEGER NOT NULL CHECK (principal > 0),
    bought_by TEXT,
    cancelled INTEGER NOT NULL DEFAULT 0 CHECK (cancelled IN (0, 1)),
    UNIQUE (account, sub)
) STRICT, WITHOUT ROWID;
"""

BOND_BUY, BOND_REDEEM = "bond_buy", "bond_redeem"
"""Kinds of orders, which are the kinds of their postings."""
WORDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        BOND_BUY: ("transfer_in", "transfer_out"),
        BOND_REDEEM: ("transfer_in", "transfer_out"),
    }
)
"""As `history.WORDS`: what a customer hears of their entries."""
CUSTODY, TREASURY = "bonds:{}", "treasury:{}"

_BALANCE = (
    "COALESCE((SELECT balance FROM leg WHERE account = b.id ORDER BY ordinal DESC LIMIT 1), 0)"
)
_REDEEMED = f"""
    SELECT q.effect ->> 'bond' AS bond, o.minor, CAST(q.about ->> 'interest' AS INTEGER) AS interest
    FROM posted_order o JOIN priced_order q ON q.used_by = o.key
    WHERE o.kind = 'bond_redeem' AND {STANDS}
    UNION ALL SELECT i.subject, i.minor, i.interest FROM day_item i WHERE i.what = 'bond_matured'
      AND NOT EXISTS (SELECT 1 FROM posting v WHERE v.key = 'void:' || i.key)
"""  # noqa: S608 - no outside text
_SOLD = "SELECT COALESCE(SUM(principal), 0) FROM bond WHERE cancelled = 0"
CHECKS = (
    (
        "bond {} of {}: its account is {}, its orders come to {}",
        f"""SELECT b.sub, b.account, {_BALANCE} AS stands,
              b.principal * (1 - b.cancelled)
                - COALESCE((SELECT SUM(r.minor) FROM ({_REDEEMED}) r WHERE r.bond = b.id), 0)
                AS orders
            FROM bond b WHERE stands <> orders""",  # noqa: S608 - no outside text
    ),
    (
        "bond {} of {}: cancelled is {}, but its account is {}",
        f"""SELECT b.sub, b.account, b.cancelled, {_BALANCE} AS stands FROM bond b
            WHERE stands < 0 OR (b.cancelled = 1 AND stands <> 0)""",  # noqa: S608 - no outside text
    ),
    (
        "bonds kept for customers are {}, but they hold {}",
        f"""SELECT -COALESCE(SUM(l.minor), 0) AS kept,
              (SELECT COALESCE(SUM({_BALANCE}), 0) FROM bond b) AS held
            FROM leg l WHERE l.account LIKE 'bonds:%'
            HAVING kept <> held""",  # noqa: S608 - no outside text
    ),
    (
        "the treasury's account is {}, but bonds sold and redeemed come to {}",
        f"""SELECT COALESCE(SUM(l.minor), 0) AS stands,
              ({_SOLD}) - (SELECT COALESCE(SUM(minor + interest), 0) FROM ({_REDEEMED})) AS orders
            FROM leg l WHERE l.account LIKE 'treasury:%'
            HAVING stands <> orders""",  # noqa: S608 - no outside text
    ),
    (
        "bond {} of {}: cancelled is {}, but the order that bought it is undone {} time(s)",
        """SELECT b.sub, b.account, b.cancelled, COALESCE(o.undone, 0) FROM bond b
           LEFT JOIN posted_order o ON o.key = b.bought_by
           WHERE b.cancelled <> COALESCE(o.undone, 0)""",
    ),
    (
        "posting {} has no order",
        """SELECT p.key FROM posting p LEFT JOIN posted_order o ON o.key = p.key
           WHERE p.kind IN ('bond_buy', 'bond_redeem') AND o.key IS NULL""",
    ),
)
"""As in the ledger: what must find nothing."""
FIRST_SUB, LAST_SUB = 8001, 8999
"""Numbers of one card's bonds, those redeemed among them."""
MAX_HELD = 40
"""Bonds of one card at once."""
BUY, REDEEM = "bond.buy", "bond.redeem"


@dataclass(frozen=True, slots=True)
class Bond:
    """A bond as it stands: `held` in fen, `rate` in per cent a year."""

    id: str
    account: str
    sub: str
    issue: str
    term: str
    rate: Decimal
    bought: date
    principal: int
    held: int

    @property
    def terms(self) -> Held:
        """What its interest goes by."""
        return Held(self.rate, self.term, self.bought)


_SELECT = f"""
    SELECT b.id, b.account, b.sub, b.issue, b.term, b.rate, b.bought, b.principal, {_BALANCE}
    FROM bond b WHERE b.account = ? AND {_BALANCE} <> 0
"""  # noqa: S608 - no outside text
"""Those that something is left of: a bond redeemed whole is nothing more."""


class Bonds:
    """The table `bond`; the caller brings the transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def of_account(self, account: str) -> list[Bond]:
        """A card's bonds by their number."""
        return [_bond(row) for row in self._db.execute(_SELECT + " ORDER BY b.sub", (account,))]

    def find(self, account: str, sub: str) -> Bond | None:
        """The bond of that number."""
        row = self._db.execute(_SELECT + " AND b.sub = ?", (account, sub)).fetchone()
        return _bond(row) if row else None

    def held(self, account: str, issue: str) -> int:
        """What a customer holds of an issue, in fen."""
        return sum(one.held for one in self.of_account(account) if one.issue == issue)

    def full(self, account: str) -> bool:
        """Whether a customer has as many bonds as he may."""
        return len(self.of_account(account)) >= MAX_HELD

    def next_sub(self, account: str) -> int:
        """A number that no bond of this account ever had; above `LAST_SUB` where all are used."""
        (highest,) = self._db.execute(
            "SELECT MAX(sub) FROM bond WHERE account = ?", (account,)
        ).fetchone()
        return int(highest) + 1 if highest else FIRST_SUB

    def add(self, bond: Bond, bought_by: str | None) -> None:
        """Write a new one; its ledger account is open and holds nothing yet."""
        self._db.execute(
            "INSERT INTO bond VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0)",
            (
                bond.id,
                bond.account,
                bond.sub,
                bond.issue,
                bond.term,
                str(bond.rate),
                bond.bought.isoformat(),
                bond.principal,
                bought_by,
            ),
        )


def _bond(row: tuple[Any, ...]) -> Bond:
    ident, account, sub, issue, term, rate, bought, principal, held = row
    day = date.fromisoformat(bought)
    return Bond(ident, account, sub, issue, term, Decimal(rate), day, principal, held)


def open_accounts(office: BackOffice, unit: Currency) -> None:
    """Open the bank's own accounts of bonds; `LedgerError` where they are open."""
    for name in (CUSTODY, TREASURY):
        office.ledger.open_account(name.format(unit.code), unit)


def sold(bond: str, payer: str, minor: int, unit: Currency) -> Sequence[Leg]:
    """Money to the State, the bond to its holder; without the fee."""
    return (
        Leg(payer, -minor),
        Leg(TREASURY.format(unit.code), minor),
        Leg(bond, minor),
        Leg(CUSTODY.format(unit.code), -minor),
    )


class BuyBond:
    """A bond bought; undone, it is cancelled, its number is not used again, and what was redeemed
    of it meanwhile is made up for."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        del now  # it is bought as of the day of the quote, whose maturity was read back
        bonds, account = Bonds(office.db), data["account"]
        if bonds.full(account):
            return Refusal.OVER_LIMIT
        sub, minor = bonds.next_sub(account), order.amount.minor
        if sub > LAST_SUB or bonds.held(account, data["issue"]) + minor > data["most"]:
            return Refusal.BAD_QUOTE
        office.ledger.open_account(data["bond"], order.amount.currency)
        row = (data["bond"], account, f"{sub:04d}", data["issue"], data["term"])
        bought = date.fromisoformat(data["bought"])
        bonds.add(Bond(*row, Decimal(data["rate"]), bought, minor, 0), order.key)
        return None

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`."""
        del key
        make_up(office, orders_of(office.db, [REDEEM], {"bond": data["bond"]}), now)
        unwind(office, data["bond"], now)
        office.db.execute("UPDATE bond SET cancelled = 1 WHERE id = ?", (data["bond"],))


class RedeemBond:
    """A bond redeemed in part or whole: nothing but the money changes, both ways."""

    def do(
        self, office: BackOffice, data: Mapping[str, Any], order: Agreed, now: datetime
    ) -> Refusal | None:
        """See `Effect.do`."""
        del order, now
        found = Bonds(office.db).find(data["account"], data["sub"])
        overtaken = found is None or found.held != data["held"]
        return Refusal.BAD_QUOTE if overtaken else None

    def undo(self, office: BackOffice, data: Mapping[str, Any], key: str, now: datetime) -> None:
        """See `Effect.undo`."""
        del data
        unmake(office, key, now)


BOND_EFFECTS: Mapping[str, Effect] = MappingProxyType({BUY: BuyBond(), REDEEM: RedeemBond()})
"""Rows of `effects.EFFECTS`."""
