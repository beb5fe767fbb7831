"""Handlers of companies: field by field what `companies` knows."""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType

from core_adapters.corehost.counter import Counter, Handler, refused
from core_adapters.corehost.listing import (
    PAGE,
    Row,
    cursor_of,
    date_text,
    money_column,
    page_of,
    paged,
)
from core_adapters.corehost.orders import Answer, BadMessage, Order
from core_adapters.corehost.products.companies.accounts import Companies, CompanyAccount, Remittance
from core_adapters.corehost.products.history import Entry, begun, entries
from core_adapters.corehost.products.months import last_of, month_of
from core_adapters.corehost.refusal import Refusal
from transactions.money import Currency


def company_balances(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/310400: a page of the company's accounts, each in its own currency."""
    del now
    companies = Companies(counter.bank.office)
    holder = companies.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    return page_of(
        [_account_row(counter, one) for one in companies.accounts(holder.account)], order
    )


def _account_row(counter: Counter, one: CompanyAccount) -> Row:
    office = counter.bank.office
    return {
        "sub": one.sub,
        "unit": one.unit.code.lower(),
        "available": money_column(office.available(one.id).minor, one.unit),
        "ledger": money_column(office.ledger.balance(one.id).minor, one.unit),
    }


def company_entries(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/380000 with 48.range corporate: a page of entries of the account in 48.sub, of the month
    in 48.month or of this one, newest first."""
    companies = Companies(counter.bank.office)
    holder = companies.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    found = companies.find(holder.account, order.sub(48, "sub"))
    if found is None:
        return refused(Refusal.NO_ACCOUNT)
    month = _month(counter, order, now)
    return _entries(counter, order, found, (month, last_of(month)))


def _month(counter: Counter, order: Order, now: datetime) -> date:
    """The month asked after, this one where none is; one that the bank has no books of is no
    question."""
    today = counter.bank.office.today(now)
    month = month_of(order) or today.replace(day=1)
    if not begun(counter.bank.office.db, today).replace(day=1) <= month <= today:
        raise BadMessage("48.month is before the bank's books begin, or still to come")
    return month


def _entries(
    counter: Counter, order: Order, one: CompanyAccount, within: tuple[date, date]
) -> Answer:
    db, (begin, end) = counter.bank.office.db, within
    found = entries(db, one.id, begin, cursor_of(order), PAGE + 1, until=end)
    shown = found[:PAGE]
    more = shown[-1].number if len(found) > PAGE else None
    return paged([_entry_row(each, one.unit) for each in shown], more)


def _entry_row(one: Entry, unit: Currency) -> Row:
    return {
        "on": date_text(one.on),
        "what": one.what,
        "amount": money_column(one.minor, unit),
        "balance": money_column(one.balance or 0, unit),
    }


def company_remittances(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/380000 with 48.range remittances: a page of what came from and went to other banks."""
    del now
    companies = Companies(counter.bank.office)
    holder = companies.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    found = companies.remittances(holder.account, cursor_of(order), PAGE + 1)
    shown = found[:PAGE]
    more = shown[-1].id if len(found) > PAGE else None
    return paged([_remittance_row(one) for one in shown], more)


def _remittance_row(one: Remittance) -> Row:
    unit = one.amount.currency
    return {
        "on": date_text(one.on),
        "what": one.direction,
        "unit": unit.code.lower(),
        "amount": money_column(one.amount.minor, unit),
        "state": one.state,
    }


COMPANY_SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {("02", "3104"): company_balances}
)
"""Rows of the table `services.SERVICES`."""
