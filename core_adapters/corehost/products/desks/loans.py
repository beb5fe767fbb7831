"""Handlers of loans: field by field what `orders` knows."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from core_adapters.corehost.counter import OK, Counter, Handler, refused
from core_adapters.corehost.listing import Row, date_text, money_column, page_of, rate_text
from core_adapters.corehost.orders import Answer, Order
from core_adapters.corehost.products.desks.accounts import quote_id
from core_adapters.corehost.products.loans.accounts import LOAN_OPEN, LOAN_REPAY, Loan
from core_adapters.corehost.products.loans.orders import LoanOrders
from core_adapters.corehost.refusal import Refusal


def _loans(counter: Counter) -> LoanOrders:
    return LoanOrders(counter.bank.office, counter.bank.orders)


def loan_list(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/330000: a page of the card's loans, with the principal owed."""
    del now
    holder = counter.bank.office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    found = _loans(counter).loans.of_account(holder.account)
    return page_of([_loan_row(one) for one in found], order)


def _loan_row(one: Loan) -> Row:
    return {
        "sub": one.sub,
        "kind": one.kind,
        "amount": money_column(one.owed),
        "rate": rate_text(one.rate),
        "matures": date_text(one.matures),
    }


def loan_interest(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/330100: what repaying all of a loan would take today."""
    due = _loans(counter).due(order.need(2), order.sub(48, "sub"), now)
    if isinstance(due, Refusal):
        return refused(due)
    terms = {
        "principal": str(due.principal.minor),
        "interest": str(due.interest.minor),
        "owed": str(due.due.minor),
        "matures": date_text(due.matures),
    }
    return Answer(OK, subs={48: terms})


def open_quote(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/320300: the terms of a loan of amount and term, on the deposit in 48.sub if any."""
    term, sub = order.sub(48, "term"), order.sub(48, "sub")
    quote = _loans(counter).open(order.need(2), order.amount, term, sub, now)
    if isinstance(quote, Refusal):
        return refused(quote)
    terms = {
        "rate": rate_text(quote.rate),
        "fee": str(quote.fee.minor),
        "matures": date_text(quote.matures),
    }
    return Answer(OK, subs={48: terms, 61: quote_id(quote.id, quote.expires_at)})


def open_loan(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/431000: the loan is paid out to the card."""
    about = {"term": order.sub(48, "term"), "sub": order.sub(48, "sub")}
    return counter.post(LOAN_OPEN, order, now, about)


def repay_quote(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/320400: principal and interest of a repayment; field 4 is the part, absent it is all."""
    part = order.amount if order.message.get(4) else None
    quote = _loans(counter).repay(order.need(2), order.sub(48, "sub"), part, now)
    if isinstance(quote, Refusal):
        return refused(quote)
    terms = {
        "principal": str(quote.amount.minor),
        "interest": str(quote.interest.minor),
        "fee": str(quote.fee.minor),
    }
    return Answer(OK, subs={48: terms, 61: quote_id(quote.id, quote.expires_at)})


def repay(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/441000: out of the card's account to the loan."""
    about = {"sub": order.sub(48, "sub"), "interest": order.sub(48, "interest")}
    return counter.post(LOAN_REPAY, order, now, about)


LOAN_SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("02", "3300"): loan_list,
        ("02", "3301"): loan_interest,
        ("02", "3203"): open_quote,
        ("02", "4310"): open_loan,
        ("02", "3204"): repay_quote,
        ("02", "4410"): repay,
    }
)
"""Rows of the table `services.SERVICES`."""
