"""Deposits and bonds whose term ends with the date: renewed, or paid to the card's account.

A customer has the whole day of the maturity to say otherwise. A term begun by renewal counts from
that day, at the rate that the bank then has for it. What matured before the bank kept this book
stays as it is and earns the demand rate; so does what is pledged and would be paid out, until it is
not, and what has no rate any more. What could not be done on its date is tried again on the next:
`again` does here what is due after an order was undone.
"""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
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
    DayBook,
    Item,
)
from core_adapters.corehost.products.end_of_day.terms import RENEW, TO_CARD
from core_adapters.corehost.products.end_of_day.work import Closing, Subject, Work
from core_adapters.corehost.products.exchange.accounts import FxAccounts, deposit_rate
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


def deposits_due(closing: Closing) -> Iterator[Subject]:
    """Deposits in yuan."""
    for account, sub in _ending(closing, _DEPOSITS):
        yield Subject(f"{account}-{sub}", partial(deposit_ends, closing, account, sub))


def deposit_ends(
    closing: Closing, account: str, sub: str, *, later: Mapping[date, int] | None = None
) -> Iterator[Work]:
    """Every end of a term of a deposit that is over. It is done again where there is `later`: fen
    that were drawn, by date, of a deposit that is now ended as of a day before."""
    deposits, tariff = Deposits(closing.office.db), load_tariff()
    while (one := deposits.find(account, sub)) is not None and one.term:
        end = _end(one.opened, one.term)
        if not _is_over(closing, end):
            return
        one = replace(
            one, held=one.held + sum(fen for day, fen in (later or {}).items() if day > end)
        )
        act, rate = closing.terms.at_maturity.get(one.kind), tariff.rate(one.kind, one.term)
        if one.held > 0 and act == RENEW and rate is not None:
            yield _renewed(closing, deposits, tariff, one, (end, rate))
            continue
        if one.held > 0 and act == TO_CARD and not owed_on(closing.office.db, one.id):
            on = closing.day if later is None else end
            yield _paid_out(closing, deposits, tariff, (one, on))
        return


def _ending(closing: Closing, query: str) -> list[tuple[str, str]]:
    """Account and number of those whose term ended with the date, or before it without anything
    having been done about it."""
    rows = closing.office.db.execute(query, {"latest": closing.day.isoformat()}).fetchall()
    kept_since = DayBook(closing.office).first()
    ends: dict[tuple[str, str], date] = {}
    found = []
    for account, sub, opened, term in rows:
        began = opened, term
        if began not in ends:
            ends[began] = _end(date.fromisoformat(opened), term)
        if kept_since < ends[began] <= closing.day:
            found.append((account, sub))
    return found


def _is_over(closing: Closing, end: date) -> bool:
    """Whether a term ended on a date that is over, and the bank kept this book then."""
    return DayBook(closing.office).first() < end <= closing.day


def _end(opened: date, term: str) -> date:
    """A term of notice (`d7`) is a round of so many days."""
    return opened + timedelta(days=int(term[1:])) if term[0] == "d" else matures(opened, term)


def _renewed(
    closing: Closing, deposits: Deposits, tariff: Tariff, one: Deposit, new: tuple[date, Decimal]
) -> Work:
    end, rate = new
    if one.kind == NOTICE:
        days = (end - one.opened).days
        earned = rounded(by_days(one.held * days, one.rate))
    else:
        earned = interest(deposits, tariff, one, one.held, end)
    held = Money(one.held, closing.office.ledger.unit(one.id))
    item = _added(RENEWED, one.id, held, earned)
    return _begins_anew(closing, "deposit", item, (end, rate))


def _added(what: str, ident: str, held: Money, earned: int) -> Item:
    """Interest added to a deposit; too little for a minor unit is only told."""
    expense = INTEREST.format(held.currency.code)
    legs = (Leg(expense, -earned), Leg(ident, earned)) if earned else ()
    return Item(what, ident, held, legs, earned)


def _begins_anew(closing: Closing, table: str, item: Item, new: tuple[date, Decimal]) -> Work:
    """A term of the same length from the end of the one before, which is kept for an undoing."""
    (end, rate), db = new, closing.office.db

    def begin(key: str) -> None:
        db.execute(
            f"INSERT INTO day_term SELECT ?, opened, rate FROM {table} WHERE id = ?",  # noqa: S608
            (key, item.subject),
        )
        db.execute(
            f"UPDATE {table} SET opened = ?, rate = ? WHERE id = ?",  # noqa: S608 - a name of ours
            (end.isoformat(), str(rate), item.subject),
        )

    return Work(item if end == closing.day else replace(item, on=end), begin)


def _paid_out(
    closing: Closing, deposits: Deposits, tariff: Tariff, which: tuple[Deposit, date]
) -> Work:
    one, on = which
    unit = closing.office.ledger.unit(one.id)
    earned = interest(deposits, tariff, one, one.held, on)
    legs = draw_legs(one.id, one.account, one.held, earned, unit)
    late = None if on == closing.day else on
    item = Item(MATURED, one.id, Money(one.held, unit), legs, earned, on=late)
    return Work(item, partial(_close, closing.office.db, one.id))


def _close(db: sqlite3.Connection, ident: str, key: str) -> None:
    db.execute("UPDATE deposit SET closed_by = ? WHERE id = ?", (key, ident))


def foreign_due(closing: Closing) -> Iterator[Subject]:
    """Term deposits in foreign currency: rolled over for the same term."""
    for account, sub in _ending(closing, _FOREIGN):
        yield Subject(f"{account}-{sub}", partial(foreign_ends, closing, account, sub))


def foreign_ends(closing: Closing, account: str, sub: str) -> Iterator[Work]:
    """As `deposit_ends`; nothing is drawn of these."""
    accounts = FxAccounts(closing.office.db)
    while (one := accounts.find(account, sub)) is not None and one.matures is not None:
        end, rate = one.matures, deposit_rate(one.held.currency, one.term)
        renews = closing.terms.fx_at_maturity == RENEW and one.held.minor > 0
        if not renews or rate is None or not _is_over(closing, end):
            return
        item = _added(FX_RENEWED, one.id, one.held, fx_interest(one, end))
        yield _begins_anew(closing, "fx_deposit", item, (end, rate))


def bonds_due(closing: Closing) -> Iterator[Subject]:
    """Treasury bonds: principal and interest to the card's account."""
    if closing.terms.bond_at_maturity != TO_CARD:
        return
    for account, sub in _ending(closing, _BONDS):
        yield Subject(f"{account}-{sub}", partial(_bond_ends, closing, account, sub))


def _bond_ends(closing: Closing, account: str, sub: str) -> Iterator[Work]:
    one = Bonds(closing.office.db).find(account, sub)
    if one is not None and one.held > 0:
        yield Work(_redeemed(closing, load_bond_tariff(), one))


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
