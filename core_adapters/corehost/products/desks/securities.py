"""Handlers of securities funds: field by field what `securities` knows."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from core_adapters.corehost.bank import Balances
from core_adapters.corehost.counter import OK, Counter, Handler, refused
from core_adapters.corehost.listing import PAGE, cursor_of, money_column, paged, time_text
from core_adapters.corehost.orders import Answer, Order
from core_adapters.corehost.products.desks.accounts import quote_id
from core_adapters.corehost.products.history import entries
from core_adapters.corehost.products.securities.funds import (
    SEC_IN,
    SEC_OUT,
    Funds,
    SecuritiesOrders,
    funds_of,
)
from core_adapters.corehost.refusal import Refusal

ACCOUNT_TYPE = "20"
"""Field 54's account type of securities funds; a card's is 10."""


def _funds(counter: Counter, order: Order) -> Funds | Refusal:
    office = counter.bank.office
    holder = office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return holder
    return funds_of(office, holder.account) or Refusal.NO_ACCOUNT


def securities_balance(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/312000: field 54 of the securities funds behind the card."""
    del now
    funds = _funds(counter, order)
    if isinstance(funds, Refusal):
        return refused(funds)
    held = Balances(ACCOUNT_TYPE, funds.held, funds.available)
    return Answer(OK, {54: counter.balances_54(held)})


def _quote(kind: str) -> Handler:
    def quote(counter: Counter, order: Order, now: datetime) -> Answer:
        """0200/320700 and 320800: whether it may be moved, and the fee."""
        moves = SecuritiesOrders(counter.bank.office, counter.bank.orders)
        quoted = moves.quote(order.need(2), kind, order.amount, now)
        if isinstance(quoted, Refusal):
            return refused(quoted)
        terms = {"fee": str(quoted.fee.minor)}
        return Answer(OK, subs={48: terms, 61: quote_id(quoted.id, quoted.expires_at)})

    return quote


def _move(kind: str) -> Handler:
    def move(counter: Counter, order: Order, now: datetime) -> Answer:
        """0200/491000 and 492000: moved; the card's balances afterwards."""
        return counter.post(kind, order, now)

    return move


def securities_today(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/380000 with 48.range securities: a page of the funds' entries of the business date."""
    funds = _funds(counter, order)
    if isinstance(funds, Refusal):
        return refused(funds)
    office = counter.bank.office
    found = entries(office.db, funds.id, office.today(now), cursor_of(order), PAGE + 1)
    shown = found[:PAGE]
    rows = [
        {"at": time_text(one.at), "what": one.what, "amount": money_column(one.minor)}
        for one in shown
    ]
    return paged(rows, shown[-1].number if len(found) > PAGE else None)


SECURITIES_SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("02", "3120"): securities_balance,
        ("02", "3207"): _quote(SEC_IN),
        ("02", "3208"): _quote(SEC_OUT),
        ("02", "4910"): _move(SEC_IN),
        ("02", "4920"): _move(SEC_OUT),
    }
)
"""Rows of the table `services.SERVICES`."""
