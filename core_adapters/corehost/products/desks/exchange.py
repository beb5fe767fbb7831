"""Handlers of foreign exchange: field by field what the `exchange` modules know.

Rates are for a hundred of what is sold. Where a request names no currency in field 49, the answer
does, and its amounts and fee are in that one.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from core_adapters.corehost.counter import OK, Counter, Handler, refused
from core_adapters.corehost.listing import (
    Row,
    date_text,
    money_column,
    page_of,
    rate_text,
    time_text,
)
from core_adapters.corehost.orders import Answer, BadMessage, Order
from core_adapters.corehost.products.desks.accounts import quote_id
from core_adapters.corehost.products.exchange.accounts import FxDeposit
from core_adapters.corehost.products.exchange.deals import FX_DEAL, FxDeals
from core_adapters.corehost.products.exchange.moves import FX_MERGE, FX_ROLL, FxMoves
from core_adapters.corehost.products.exchange.orders import (
    FX_CANCEL,
    FX_ORDER,
    Asked,
    FxOrder,
    FxOrders,
)
from core_adapters.corehost.refusal import Refusal
from transactions.money import Money

MAX_RATE_CHARS = 12
"""Digits of a rate in a message, the count of its decimals among them."""


def _deals(counter: Counter) -> FxDeals:
    return FxDeals(counter.bank.office, counter.bank.orders)


def _orders(counter: Counter) -> FxOrders:
    return FxOrders(counter.bank.office, counter.bank.orders)


def _moves(counter: Counter) -> FxMoves:
    return FxMoves(counter.bank.office, counter.bank.orders)


def rate_of(text: str) -> Decimal:
    """A rate as in fields 9 and 10: the first digit counts the decimals of the rest."""
    if not 1 < len(text) <= MAX_RATE_CHARS or not (text.isascii() and text.isdigit()):
        raise BadMessage("a rate in field 48 is none (as in fields 9 and 10)")
    return Decimal(int(text[1:])).scaleb(-int(text[0]))


def _pair(order: Order) -> tuple[str, str]:
    return order.sub(48, "from"), order.sub(48, "to")


def _unit(order: Order, amount: Money) -> Mapping[int, str]:
    """Field 49 of an answer, where the request has none."""
    return {} if order.message.get(49) else {49: amount.currency.number}


def fx_rate(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3405: what the bank pays and asks for a hundred of 48.from, in 48.to; no card."""
    live = _deals(counter).live(*_pair(order), now)
    if isinstance(live, Refusal):
        return refused(live)
    told = {
        "buy": rate_text(live.rate.buy),
        "sell": rate_text(live.rate.sell),
        "at": time_text(live.at),
    }
    return Answer(OK, subs={48: told})


def fx_balance(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3103: a page of the card's foreign currencies."""
    del now
    holder = counter.bank.office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    rows = [
        {
            "unit": one.word,
            "amount": money_column(one.amount.minor, one.amount.currency),
            "available": money_column(one.available.minor, one.available.currency),
        }
        for one in _moves(counter).holdings(holder.account)
    ]
    return page_of(rows, order)


def fx_deposits(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3903: a page of the card's foreign deposits."""
    del now
    holder = counter.bank.office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    found = _moves(counter).accounts.of_account(holder.account)
    return page_of([_deposit_row(one) for one in found], order)


def _deposit_row(one: FxDeposit) -> Row:
    row = {
        "sub": one.sub,
        "kind": one.kind,
        "amount": money_column(one.held.minor, one.held.currency),
        "rate": rate_text(one.rate),
    }
    return row if one.matures is None else {**row, "matures": date_text(one.matures)}


def deal_quote(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3401: what field 4 of 48.from gives of 48.to, for half a minute."""
    sold, bought = _pair(order)
    quote = _deals(counter).quote(order.need(2), sold, bought, order.amount, now)
    if isinstance(quote, Refusal):
        return refused(quote)
    terms = {
        "gets": money_column(quote.gets.minor, quote.gets.currency),
        "rate": rate_text(quote.rate),
        "fee": str(quote.fee.minor),
        "until": time_text(quote.expires_at),
    }
    return Answer(OK, subs={48: terms, 61: quote_id(quote.id, quote.expires_at)})


def deal(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/4810: exchanged at the rate quoted."""
    sold, bought = _pair(order)
    about = {"from": sold, "to": bought, "gets": order.sub(48, "gets")}
    return counter.post(FX_DEAL, order, now, about)


def _asked(order: Order) -> Asked:
    """An order's terms: 48.limit, 48.other_limit if it has two sides, 48.days."""
    days, other = order.sub(48, "days"), order.sub(48, "other_limit")
    if len(days) != 1 or days not in "123456789":
        raise BadMessage("48.days is one digit, 1 or more")
    stop = rate_of(other) if other else None
    limit = rate_of(order.sub(48, "limit"))
    return Asked(*_pair(order), order.amount, limit, stop, int(days))


def order_quote(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3402: an order at a rate, until the end of 48.until."""
    quote = _orders(counter).place(order.need(2), _asked(order), now)
    if isinstance(quote, Refusal):
        return refused(quote)
    terms = {"fee": str(quote.fee.minor), "until": date_text(quote.until)}
    return Answer(OK, subs={48: terms, 61: quote_id(quote.id, quote.expires_at)})


def place_order(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/4820: its money is held from now on."""
    return counter.post(FX_ORDER, order, now, _asked(order).about)


def fx_orders(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3904: a page of the card's orders, the latest first."""
    del now
    holder = counter.bank.office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    found = _orders(counter).book.of_account(holder.account)
    return page_of([_order_row(one) for one in found], order)


def _order_row(one: FxOrder) -> Row:
    return {
        "order": f"{one.number:06d}",
        "from": one.wanted.sold,
        "to": one.wanted.bought,
        "amount": money_column(one.amount.minor, one.amount.currency),
        "limit": rate_text(one.wanted.limit),
        "state": one.state,
    }


def cancel_quote(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3403: what comes back of the open order 48.order."""
    quote = _orders(counter).cancel(order.need(2), order.sub(48, "order"), now)
    if isinstance(quote, Refusal):
        return refused(quote)
    terms = {**_amount(quote.amount), "fee": str(quote.fee.minor)}
    subs = {48: terms, 61: quote_id(quote.id, quote.expires_at)}
    return Answer(OK, _unit(order, quote.amount), subs)


def cancel(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/4830: the money is free again."""
    return counter.post(FX_CANCEL, order, now, {"order": order.sub(48, "order")})


def merge_quote(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3404: all demand deposits of 48.unit together."""
    quote = _moves(counter).merge(order.need(2), order.sub(48, "unit"), now)
    if isinstance(quote, Refusal):
        return refused(quote)
    terms = {**_amount(quote.amount), "count": str(quote.count), "fee": str(quote.fee.minor)}
    subs = {48: terms, 61: quote_id(quote.id, quote.expires_at)}
    return Answer(OK, _unit(order, quote.amount), subs)


def merge(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/4840: they are one."""
    return counter.post(FX_MERGE, order, now, {"unit": order.sub(48, "unit")})


def roll_quote(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3406: the deposit 48.sub for the term 48.term, with what it earned."""
    sub, term = order.sub(48, "sub"), order.sub(48, "term")
    quote = _moves(counter).roll(order.need(2), sub, term, now)
    if isinstance(quote, Refusal):
        return refused(quote)
    terms = {
        **_amount(quote.amount),
        "rate": rate_text(quote.rate),
        "matures": date_text(quote.matures),
        "fee": str(quote.fee.minor),
    }
    subs = {48: terms, 61: quote_id(quote.id, quote.expires_at)}
    return Answer(OK, _unit(order, quote.amount), subs)


def roll(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/4850: a new term begins."""
    about = {"sub": order.sub(48, "sub"), "term": order.sub(48, "term")}
    return counter.post(FX_ROLL, order, now, about)


def _amount(amount: Money) -> Mapping[str, str]:
    """An amount that the bank names, in minor units of field 49."""
    return {"principal": str(amount.minor)}


FX_SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("02", "3405"): fx_rate,
        ("02", "3103"): fx_balance,
        ("02", "3903"): fx_deposits,
        ("02", "3401"): deal_quote,
        ("02", "4810"): deal,
        ("02", "3402"): order_quote,
        ("02", "4820"): place_order,
        ("02", "3904"): fx_orders,
        ("02", "3403"): cancel_quote,
        ("02", "4830"): cancel,
        ("02", "3404"): merge_quote,
        ("02", "4840"): merge,
        ("02", "3406"): roll_quote,
        ("02", "4850"): roll,
    }
)
"""Rows of the table `services.SERVICES`."""
