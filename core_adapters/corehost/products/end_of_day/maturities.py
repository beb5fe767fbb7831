"""Deposits and bonds whose term ends with the date: renewed, or paid to the card's account.

A customer has the whole day of the maturity to say otherwise. A term begun by renewal counts from
that day, at the rate that the bank then has for it. What matured before the bank kept this book, is
pledged and would be paid out, or has no rate any more, stays as it is and earns the demand rate.
"""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from functools import partial

from core_adapters.corehost.back_office import INTEREST
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.bonds.holdings import CUSTODY, TREASURY, Bond, Bonds
from core_adapters.corehost.products.bonds.terms import BondTariff, load_bond_tariff
from core_adapters.corehost.products.deposits.accounts import Deposit, Deposits
from core_adapters.corehost.products.deposits.interest import interest
from core_adapters.corehost.products.deposits.orders import draw_legs
from core_adapters.corehost.products.deposits.terms import (
    NOTICE,
    Tariff,
    by_days,
    load_tariff,
    matures,
    rounded,
)
from core_adapters.corehost.products.end_of_day.book import (
    BOND_MATURED,
    FX_RENEWED,
    MATURED,
    RENEWED,
    Item,
)
from core_adapters.corehost.products.end_of_day.terms import RENEW, TO_CARD
from core_adapters.corehost.products.end_of_day.work import Closing, Work
from core_adapters.corehost.products.exchange.accounts import FxAccounts, FxDeposit, deposit_rate
from core_adapters.corehost.products.exchange.moves import interest as fx_interest
from core_adapters.corehost.products.pledges import owed_on
from transactions.money import Money

_OPEN = "d.cancelled = 0 AND d.closed_by IS NULL AND a.state = 'open'"
_DEPOSITS = f"""
    SELECT d.account, d.sub, d.opened, d.term FROM deposit d JOIN account a ON a.id = d.account
    WHERE d.term <> '' AND {_OPEN} ORDER BY d.account, d.sub
"""  # noqa: S608 - no outside text
_FOREIGN = _DEPOSITS.replace("FROM deposit", "FROM fx_deposit")
_BONDS = """
    SELECT b.account, b.sub, b.bought, b.term FROM bond b JOIN account a ON a.id = b.account
    WHERE b.cancelled = 0 AND a.state = 'open' AND b.bought <= :latest ORDER BY b.account, b.sub
"""
"""Whose they are, and when their terms began."""


def deposits_due(closing: Closing) -> Iterator[Work]:
    """Deposits in yuan."""
    deposits, tariff = Deposits(closing.office.db), load_tariff()
    for account, sub in _ending(closing, _DEPOSITS):
        one = deposits.find(account, sub)
        if one is None or one.held <= 0:
            continue
        act = closing.terms.at_maturity.get(one.kind)
        if act == RENEW:
            yield from _renewed(closing, deposits, tariff, one)
        elif act == TO_CARD and not owed_on(closing.office.db, one.id):
            yield _paid_out(closing, deposits, tariff, one)


def _ending(closing: Closing, query: str) -> list[tuple[str, str]]:
    """Account and number of those whose term ends with the date."""
    rows = closing.office.db.execute(query, {"latest": closing.day.isoformat()}).fetchall()
    ends: dict[tuple[str, str], date] = {}
    found = []
    for account, sub, opened, term in rows:
        began = opened, term
        if began not in ends:
            ends[began] = _end(date.fromisoformat(opened), term)
        if ends[began] == closing.day:
            found.append((account, sub))
    return found


def _end(opened: date, term: str) -> date:
    """A term of notice (`d7`) is a round of so many days."""
    return opened + timedelta(days=int(term[1:])) if term[0] == "d" else matures(opened, term)


def _renewed(closing: Closing, deposits: Deposits, tariff: Tariff, one: Deposit) -> Iterator[Work]:
    rate = tariff.rate(one.kind, one.term)
    if rate is None:
        return
    if one.kind == NOTICE:
        days = (closing.day - one.opened).days
        earned = rounded(by_days(one.held * days, one.rate))
    else:
        earned = interest(deposits, tariff, one, one.held, closing.day)
    item = _added(
        closing, RENEWED, one.id, Money(one.held, closing.office.ledger.unit(one.id)), earned
    )
    yield Work(item, _begins_anew(closing, "deposit", one.id, str(rate)))


def _added(closing: Closing, what: str, ident: str, held: Money, earned: int) -> Item:
    """Interest added to a deposit; too little for a minor unit is only told."""
    del closing
    expense = INTEREST.format(held.currency.code)
    legs = (Leg(expense, -earned), Leg(ident, earned)) if earned else ()
    return Item(what, ident, held, legs, earned)


def _begins_anew(closing: Closing, table: str, ident: str, rate: str) -> Callable[[str], None]:
    row = (closing.day.isoformat(), rate, ident)

    def begin(_key: str) -> None:
        closing.office.db.execute(
            f"UPDATE {table} SET opened = ?, rate = ? WHERE id = ?",  # noqa: S608 - a name of ours
            row,
        )

    return begin


def _paid_out(closing: Closing, deposits: Deposits, tariff: Tariff, one: Deposit) -> Work:
    unit = closing.office.ledger.unit(one.id)
    earned = interest(deposits, tariff, one, one.held, closing.day)
    legs = draw_legs(one.id, one.account, one.held, earned, unit)
    item = Item(MATURED, one.id, Money(one.held, unit), legs, earned)
    return Work(item, partial(_close, closing.office.db, one.id))


def _close(db: sqlite3.Connection, ident: str, key: str) -> None:
    db.execute("UPDATE deposit SET closed_by = ? WHERE id = ?", (key, ident))


def foreign_due(closing: Closing) -> Iterator[Work]:
    """Term deposits in foreign currency: rolled over for the same term."""
    accounts = FxAccounts(closing.office.db)
    for account, sub in _ending(closing, _FOREIGN):
        one = accounts.find(account, sub)
        rate = deposit_rate(one.held.currency, one.term) if one is not None else None
        if one is None or rate is None or one.held.minor <= 0:
            continue
        if closing.terms.fx_at_maturity == RENEW:
            yield _rolled(closing, one, str(rate))


def _rolled(closing: Closing, one: FxDeposit, rate: str) -> Work:
    item = _added(closing, FX_RENEWED, one.id, one.held, fx_interest(one, closing.day))
    return Work(item, _begins_anew(closing, "fx_deposit", one.id, rate))


def bonds_due(closing: Closing) -> Iterator[Work]:
    """Treasury bonds: principal and interest to the card's account."""
    if closing.terms.bond_at_maturity != TO_CARD:
        return
    bonds, tariff = Bonds(closing.office.db), load_bond_tariff()
    for account, sub in _ending(closing, _BONDS):
        one = bonds.find(account, sub)
        if one is not None and one.held > 0:
            yield Work(_redeemed(closing, tariff, one))


def _redeemed(closing: Closing, tariff: BondTariff, one: Bond) -> Item:
    unit = closing.office.ledger.unit(one.id)
    earned = tariff.interest(one.terms, one.held, closing.day)
    legs = (
        Leg(TREASURY.format(unit.code), -one.held - earned),
        Leg(one.account, one.held + earned),
        Leg(one.id, -one.held),
        Leg(CUSTODY.format(unit.code), one.held),
    )
    return Item(BOND_MATURED, one.id, Money(one.held, unit), legs, earned)
