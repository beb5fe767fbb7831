"""0200/380000: entries, of what 48.range says."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from core_adapters.corehost.counter import Counter, Handler
from core_adapters.corehost.orders import Answer, BadMessage, Order
from core_adapters.corehost.products.desks.accounts import CARD_RANGES
from core_adapters.corehost.products.desks.companies import company_entries, company_remittances
from core_adapters.corehost.products.desks.securities import securities_today

RANGES: Mapping[str, Handler] = MappingProxyType(
    {
        **CARD_RANGES,
        "securities": securities_today,
        "corporate": company_entries,
        "remittances": company_remittances,
    }
)


def history(counter: Counter, order: Order, now: datetime) -> Answer:
    """A page of entries; 48.range says which, 62.cursor from where."""
    handler = RANGES.get(order.sub(48, "range"))
    if handler is None:
        raise BadMessage(f"48.range is one of {', '.join(RANGES)}")
    return handler(counter, order, now)


HISTORY_SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType({("02", "3800"): history})
"""Rows of the table `services.SERVICES`."""
