"""What the bank does for messages about bills: 0200/3600, 0200/3601 and 0200/50."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from core_adapters.corehost.back_office import Holder
from core_adapters.corehost.counter import Counter, Handler, refused
from core_adapters.corehost.listing import date_text, money_column, paged
from core_adapters.corehost.orders import Answer, BadMessage, Order
from core_adapters.corehost.products.bills.claims import Bills, Owed, payment
from core_adapters.corehost.products.months import month_of
from core_adapters.corehost.products.orders import BILL
from core_adapters.corehost.refusal import Refusal


def bill_enquiry(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3600: what is owed, of 48.month alone where it is there; and the offer to pay it."""
    office, bills = counter.bank.office, Bills(counter.bank.office)
    payer = office.holder(order.need(2))
    if isinstance(payer, Refusal):
        return refused(payer)
    owed = bills.owed(order.sub(48, "biller"), _number(order), month_of(order), now)
    if isinstance(owed, Refusal):
        return refused(owed)
    return _offered(counter, owed, payer, now)


def _offered(counter: Counter, owed: Owed, payer: Holder, now: datetime) -> Answer:
    """What is owed is told whatever the card holds; paying it is refused where it cannot."""
    offer, today = payment(owed, payer), counter.bank.office.today(now)
    priced = counter.bank.orders.quote(offer, now)
    rows = [
        {
            "month": date_text(one.month),
            "amount": money_column(one.minor, owed.amount.currency),
            "state": one.state(today),
        }
        for one in owed.months
    ]
    terms = {
        "owed": str(owed.amount.minor),
        "fee": str(owed.fee.minor),
        "arrears": str(owed.arrears.minor),
    }
    until = {"quote": priced.id, "expiry": f"{priced.expires_at:%Y%m%d%H%M%S}"}
    return Answer(paged(rows, None).code, subs={48: terms, 61: until}, rows=rows)


def bill_breakdown(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/3601: the charges of one month's bill; none where the biller has handed in none."""
    del now
    payer = counter.bank.office.holder(order.need(2))
    month = month_of(order)
    if isinstance(payer, Refusal):
        return refused(payer)
    if month is None:
        raise BadMessage("48.month is missing")
    bills = Bills(counter.bank.office)
    charges = bills.breakdown(order.sub(48, "biller"), _number(order), month)
    if isinstance(charges, Refusal):
        return refused(charges)
    rows = [
        {"what": what, "amount": money_column(charged.minor, charged.currency)}
        for what, charged in charges
    ]
    return paged(rows, None)


def bill_pay(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/50: what was owed at the enquiry, whole; the bills are paid by it."""
    bills = Bills(counter.bank.office)
    if not bills.quoted(order.sub(61, "quote"), order.sub(48, "biller"), _number(order)):
        return refused(Refusal.BAD_QUOTE)
    return counter.post(BILL, order, now)


def _number(order: Order) -> str:
    return order.sub(48, "customer_number")


BILL_SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("02", "3600"): bill_enquiry,
        ("02", "3601"): bill_breakdown,
        ("02", "50"): bill_pay,
    }
)
"""As `services.SERVICES`."""
