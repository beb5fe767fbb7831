"""Handlers of cheques: field by field what `cheques` knows."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from core_adapters.corehost.counter import OK, Counter, Handler, refused
from core_adapters.corehost.listing import date_text
from core_adapters.corehost.orders import Answer, Order
from core_adapters.corehost.products.cheques.books import ChequeBooks
from core_adapters.corehost.refusal import Refusal


def cheque_status(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/300400: what became of 48.cheque, since when, and for how much."""
    del now
    holder = counter.bank.office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    found = ChequeBooks(counter.bank.office).find(holder.account, order.sub(48, "cheque"))
    if isinstance(found, Refusal):
        return refused(found)
    told = {
        "state": found.state,
        "on": date_text(found.since),
        "principal": str(found.amount.minor),
    }
    return Answer(OK, subs={48: told})


def cheque_stop(counter: Counter, order: Order, now: datetime) -> Answer:
    """0302/610100: no cheque from 48.first to 48.last is paid from now on; 48.count are stopped."""
    holder = counter.bank.office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    series = order.sub(48, "first"), order.sub(48, "last")
    stopped = ChequeBooks(counter.bank.office).stop(holder.account, *series, now)
    if isinstance(stopped, Refusal):
        return refused(stopped)
    return Answer(OK, subs={48: {"count": str(stopped)}})


def cheque_order(counter: Counter, order: Order, now: datetime) -> Answer:
    """0302/610200: a new book of 48.leaves; it can be collected from 48.ready on."""
    holder = counter.bank.office.holder(order.need(2))
    if isinstance(holder, Refusal):
        return refused(holder)
    books = ChequeBooks(counter.bank.office)
    ready = books.order(holder.account, order.sub(48, "leaves"), now)
    if isinstance(ready, Refusal):
        return refused(ready)
    return Answer(OK, subs={48: {"ready": date_text(ready)}})


CHEQUE_SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("02", "3004"): cheque_status,
        ("03", "6101"): cheque_stop,
        ("03", "6102"): cheque_order,
    }
)
"""Rows of the table `services.SERVICES`."""
