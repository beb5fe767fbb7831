"""Handlers of enquiries and deposits: field by field what `history` and `deposits` know."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType

from core_adapters.corehost.bank import Balances
from core_adapters.corehost.counter import OK, Counter, Handler, refused
from core_adapters.corehost.listing import (
    PAGE,
    Row,
    cursor_of,
    date_text,
    money_column,
    page_of,
    paged,
    rate_text,
    time_text,
)
from core_adapters.corehost.orders import Answer, Order
from core_adapters.corehost.products.deposits.accounts import Deposit
from core_adapters.corehost.products.deposits.terms import SAVINGS
from core_adapters.corehost.products.history import RECENT, Entry, entries, unposted
from core_adapters.corehost.products.names import called, give_name, names_of
from core_adapters.corehost.products.orders import DRAW, PLACE
from core_adapters.corehost.refusal import Refusal


def savings_balance(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/311000: field 54 of the savings account behind the card."""
    del now
    holder = counter.bank.office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    found = counter.bank.deposits.deposits.first(holder.account, SAVINGS)
    if found is None:
        return refused(Refusal.NO_ACCOUNT)
    held = counter.bank.ledger.balance(found.id)
    return Answer(OK, {54: counter.balances_54(Balances("10", held, held))})


def today(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/380000 with 48.range today: a page of entries of the business date."""
    return _entries(counter, order, counter.bank.office.today(now))


def recent(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/380000 with 48.range recent: a page of entries of the last ninety days."""
    return _entries(counter, order, counter.bank.office.today(now) - RECENT)


def _entries(counter: Counter, order: Order, since: date) -> Answer:
    holder = counter.bank.office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    db, before = counter.bank.office.db, cursor_of(order)
    return _page(entries(db, holder.account, since, before, PAGE + 1))


def waiting(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/380000 with 48.range unposted: a page of what is authorised and not yet posted."""
    del now
    holder = counter.bank.office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    db, before = counter.bank.office.db, cursor_of(order)
    return _page(unposted(db, holder.account, before, PAGE + 1))


def _page(found: Sequence[Entry]) -> Answer:
    shown = found[:PAGE]
    more = shown[-1].number if len(found) > PAGE else None
    return paged([_entry_row(one) for one in shown], more)


def _entry_row(one: Entry) -> Row:
    row = {
        "on": date_text(one.on),
        "at": time_text(one.at),
        "what": one.what,
        "amount": money_column(one.minor),
    }
    return row if one.balance is None else {**row, "balance": money_column(one.balance)}


def deposit_list(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/390000: a page of the card's deposits, of the kind in 48.kind or all."""
    del now
    holder = counter.bank.office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    found = counter.bank.deposits.deposits.of_account(holder.account, order.sub(48, "kind"))
    names = names_of(counter.bank.office.db, holder.account)
    return page_of([_deposit_row(one, called(names, one.sub, one.kind)) for one in found], order)


def _deposit_row(one: Deposit, name: str) -> Row:
    row = {
        "sub": one.sub,
        "kind": one.kind,
        "amount": money_column(one.held),
        "rate": rate_text(one.rate),
        "name": name,
    }
    return row if one.matures is None else {**row, "matures": date_text(one.matures)}


def account_name(counter: Counter, order: Order, now: datetime) -> Answer:
    """0302/630100: the deposit 48.sub is called 48.account_name."""
    del now
    office, sub = counter.bank.office, order.sub(48, "sub")
    holder = office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    if counter.bank.deposits.deposits.find(holder.account, sub) is None:
        return refused(Refusal.NO_ACCOUNT)
    refusal = give_name(office.db, holder.account, sub, order.sub(48, "account_name"))
    return refused(refusal) if refusal else Answer(OK)


def place_quote(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/320100: the rate and the fee of a deposit of kind, term and amount."""
    kind, term = order.sub(48, "kind"), order.sub(48, "term")
    quote = counter.bank.deposits.place(order.need(2), kind, term, order.amount, now)
    if isinstance(quote, Refusal):
        return refused(quote)
    terms = {"fee": str(quote.fee.minor), "rate": rate_text(quote.rate)}
    return Answer(OK, subs={48: terms, 61: quote_id(quote.id, quote.expires_at)})


def quote_id(number: str, expires_at: datetime) -> Mapping[str, str]:
    """Field 61 of an answer to a quote."""
    return {"quote": number, "expiry": expires_at.strftime("%Y%m%d%H%M%S")}


def place(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/461000: the deposit is opened, or paid into."""
    about = {"kind": order.sub(48, "kind"), "term": order.sub(48, "term")}
    return counter.post(PLACE, order, now, about)


def draw_quote(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/320200: principal and interest of a drawing; field 4 is the part, absent it is all."""
    part = order.amount if order.message.get(4) else None
    quote = counter.bank.deposits.draw(order.need(2), order.sub(48, "sub"), part, now)
    if isinstance(quote, Refusal):
        return refused(quote)
    terms = {
        "principal": str(quote.amount.minor),
        "interest": str(quote.interest.minor),
        "fee": str(quote.fee.minor),
    }
    return Answer(OK, subs={48: terms, 61: quote_id(quote.id, quote.expires_at)})


def draw(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/471000: out of the deposit to the card."""
    about = {"sub": order.sub(48, "sub"), "interest": order.sub(48, "interest")}
    return counter.post(DRAW, order, now, about)


ACCOUNT_SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("02", "3110"): savings_balance,
        ("02", "3900"): deposit_list,
        ("03", "6301"): account_name,
        ("02", "3201"): place_quote,
        ("02", "3202"): draw_quote,
        ("02", "4610"): place,
        ("02", "4710"): draw,
    }
)
"""Rows of the table `services.SERVICES`."""
CARD_RANGES: Mapping[str, Handler] = MappingProxyType(
    {"today": today, "recent": recent, "unposted": waiting}
)
"""Rows of the table `history.RANGES`."""
