"""Handlers of companies' payments: field by field what `companies.orders` knows."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from core_adapters.corehost.bank import Balances
from core_adapters.corehost.counter import OK, Counter, Handler, business_key, refused
from core_adapters.corehost.orders import Answer, Order
from core_adapters.corehost.products.companies.orders import Asked, CompanyOrders, Ordered, terms_of
from core_adapters.corehost.products.companies.payments import KINDS
from core_adapters.corehost.products.desks.accounts import quote_id
from core_adapters.corehost.products.orders import Agreed
from core_adapters.corehost.refusal import Refusal

CURRENT = "20"
"""Account type of a company's account in field 54 (ISO 8583: checking)."""


def _orders(counter: Counter) -> CompanyOrders:
    return CompanyOrders(counter.bank.office, counter.bank.orders)


def corp_rights(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/300500: who the card's holder is at his company, what he may, and up to how much."""
    del now
    found = _orders(counter).rights(order.need(2))
    if isinstance(found, Refusal):
        return refused(found)
    terms = {
        "company": found.account,
        "operator": found.number,
        "may": found.may,
        "most": str(found.most),
    }
    return Answer(OK, subs={48: terms})


def _asked(order: Order) -> Asked:
    return Asked(
        order.need(2),
        order.sub(48, "sub"),
        order.sub(48, "kind"),
        (order.message.get(103) or "").strip(),
        order.sub(48, "bank_code"),
        order.amount,
    )


def corp_quote(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/320900: the terms of a payment out of the account 48.sub to 103, with 48.bank_code."""
    quote = _orders(counter).quote(_asked(order), now)
    if isinstance(quote, Refusal):
        return refused(quote)
    terms = {
        "payee_masked": quote.payee_masked,
        "interest": str(quote.interest.minor),
        "fee": str(quote.fee.minor),
    }
    return Answer(OK, subs={48: terms, 61: quote_id(quote.id, quote.expires_at)})


def corp_pay(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/51: a quoted payment that 48.maker of 48.company proposed and the card's holder
    approves. Field 37 of the answer is the number of the draft, where it is one."""
    asked, interest = _asked(order), order.sub(48, "interest") or "0"
    if asked.kind not in KINDS:
        return refused(Refusal.NOT_PERMITTED)
    agreed = Agreed(
        key=business_key(order.key, now),
        card=asked.card,
        kind=KINDS[asked.kind],
        quote=order.sub(61, "quote"),
        amount=asked.amount,
        fee=order.fee,
        reference=order.message.get(37) or "",
        service=order.need(3),
        about={**terms_of(asked, 0), "interest": interest},
    )
    ordered = Ordered(agreed, order.sub(48, "company"), order.sub(48, "maker"))
    paid = _orders(counter).pay(ordered, now)
    if isinstance(paid, Refusal):
        return refused(paid)
    fields = {54: counter.balances_54(Balances(CURRENT, paid.ledger, paid.available))}
    if paid.draft:
        fields[37] = paid.draft
    return Answer(OK, {38: agreed.quote[-6:], **fields})


CORP_PAY_SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("02", "3005"): corp_rights,
        ("02", "3209"): corp_quote,
        ("02", "51"): corp_pay,
    }
)
"""Rows of the table `services.SERVICES`."""
