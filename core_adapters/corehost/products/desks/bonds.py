"""Handlers of treasury bonds: field by field what `orders` knows."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from core_adapters.corehost.counter import OK, Counter, Handler, refused
from core_adapters.corehost.listing import Row, date_text, money_column, page_of, rate_text
from core_adapters.corehost.orders import Answer, Order
from core_adapters.corehost.products.bonds.holdings import BOND_BUY, BOND_REDEEM, Bond
from core_adapters.corehost.products.bonds.orders import BondOrders
from core_adapters.corehost.products.desks.accounts import quote_id
from core_adapters.corehost.refusal import Refusal


def _bonds(counter: Counter) -> BondOrders:
    return BondOrders(counter.bank.office, counter.bank.orders)


def bond_issues(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/350100: what is on sale, told without a card."""
    rows = [
        {"issue": one.name, "rate": rate_text(one.rate), "until": date_text(until)}
        for one, until in _bonds(counter).on_sale(now)
    ]
    return page_of(rows, order)


def bond_list(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/350200: a page of the card's bonds."""
    del now
    holder = counter.bank.office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    found = _bonds(counter).bonds.of_account(holder.account)
    return page_of([_bond_row(one) for one in found], order)


def _bond_row(one: Bond) -> Row:
    return {
        "sub": one.sub,
        "issue": one.issue,
        "amount": money_column(one.held),
        "rate": rate_text(one.rate),
        "matures": date_text(one.terms.matures),
    }


def buy_quote(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/320500: rate and maturity of a bond of the issue in 48.issue."""
    quote = _bonds(counter).buy(order.need(2), order.sub(48, "issue"), order.amount, now)
    if isinstance(quote, Refusal):
        return refused(quote)
    terms = {
        "rate": rate_text(quote.rate),
        "matures": date_text(quote.matures),
        "fee": str(quote.fee.minor),
    }
    return Answer(OK, subs={48: terms, 61: quote_id(quote.id, quote.expires_at)})


def buy(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/451000: paid out of the card's account."""
    return counter.post(BOND_BUY, order, now, {"issue": order.sub(48, "issue")})


def redeem_quote(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/320600: what comes of a redemption; field 4 is the part, absent it is all."""
    part = order.amount if order.message.get(4) else None
    quote = _bonds(counter).redeem(order.need(2), order.sub(48, "sub"), part, now)
    if isinstance(quote, Refusal):
        return refused(quote)
    terms = {
        "principal": str(quote.amount.minor),
        "interest": str(quote.interest.minor),
        "fee": str(quote.fee.minor),
        "early": quote.early,
    }
    return Answer(OK, subs={48: terms, 61: quote_id(quote.id, quote.expires_at)})


def redeem(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/452000: out of the bond to the card."""
    about = {"sub": order.sub(48, "sub"), "interest": order.sub(48, "interest")}
    return counter.post(BOND_REDEEM, order, now, about)


BOND_SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("02", "3501"): bond_issues,
        ("02", "3502"): bond_list,
        ("02", "3205"): buy_quote,
        ("02", "4510"): buy,
        ("02", "3206"): redeem_quote,
        ("02", "4520"): redeem,
    }
)
"""Rows of the table `services.SERVICES`."""
