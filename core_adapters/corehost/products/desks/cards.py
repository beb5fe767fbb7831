"""Handlers of what a card may be used for: activated, blocked for a while, unblocked."""

from collections.abc import Mapping
from datetime import date, datetime
from types import MappingProxyType

from core_adapters.corehost.counter import OK, Counter, Handler, refused
from core_adapters.corehost.listing import date_text
from core_adapters.corehost.orders import Answer, BadMessage, Order
from core_adapters.corehost.products.cards.uses import CardUses
from core_adapters.corehost.products.desks.customers import matched

MAX_DAYS_DIGITS = 4


def activate(counter: Counter, order: Order, now: datetime) -> Answer:
    """0302/620100: a new card may move money, once 48.identity is its holder's."""
    del now
    uses = CardUses(counter.bank.office)
    refusal = matched(counter, order) or uses.activate(order.need(2))
    return refused(refusal) if refusal else Answer(OK)


def block(counter: Counter, order: Order, now: datetime) -> Answer:
    """0302/620200: no money for 48.days days; 48.until is the last of them."""
    card, days = order.need(2), _days(order)
    refusal = counter.bank.usable_card(card)
    until = refusal or CardUses(counter.bank.office).block(card, days, now)
    if isinstance(until, date):
        return Answer(OK, subs={48: {"until": date_text(until)}})
    return refused(until)


def _days(order: Order) -> int:
    text = order.sub(48, "days")
    if not (text.isascii() and text.isdigit()) or len(text) > MAX_DAYS_DIGITS:
        raise BadMessage("48.days is no number of days")
    return int(text)


def unblock(counter: Counter, order: Order, now: datetime) -> Answer:
    """0302/620300: a block ends before its time."""
    card = order.need(2)
    refusal = counter.bank.usable_card(card) or CardUses(counter.bank.office).unblock(card, now)
    return refused(refusal) if refusal else Answer(OK)


CARD_SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("03", "6201"): activate,
        ("03", "6202"): block,
        ("03", "6203"): unblock,
    }
)
"""Rows of the table `services.SERVICES`."""
