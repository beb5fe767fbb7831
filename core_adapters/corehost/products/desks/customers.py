"""Handlers of customers themselves: who opens telephone banking, where he is reached, a payee."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from core_adapters.corehost.counter import CODES, OK, Counter, Handler, refused
from core_adapters.corehost.orders import Answer, BadMessage, Order
from core_adapters.corehost.pins import PinAnswer
from core_adapters.corehost.products.contacts import mail_of, mobile_of
from core_adapters.corehost.refusal import Refusal
from transactions.card import mask
from transactions.secret import Secret


def matched(counter: Counter, order: Order) -> Refusal | None:
    """Whether a usable card and the identity digits in 48.identity are the same person's."""
    card = order.need(2)
    return counter.bank.usable_card(card) or (
        None
        if counter.bank.office.identified(card, order.sub(48, "identity"))
        else Refusal.NOT_MATCHED
    )


def new_pin(counter: Counter, order: Order) -> Secret:
    """The PIN of 48.new_pin_block."""
    opened = counter.open_pin(order.sub(48, "new_pin_block"), order.need(2))
    if opened is None:
        raise BadMessage("new_pin_block is missing or does not open")
    return opened


def identify(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/300100: the mobile number of somebody who has no telephone PIN yet."""
    del now
    refusal = matched(counter, order)
    if refusal:
        return refused(refusal)
    if counter.bank.pins.enrolled(order.need(2)):
        return refused(Refusal.ENROLLED)
    mobile = mobile_of(counter.bank.office.db, order.need(2))
    if mobile is None:
        return refused(Refusal.NO_MOBILE)
    return Answer(OK, subs={48: {"mobile": mobile}})


def pin_enrol(counter: Counter, order: Order, now: datetime) -> Answer:
    """0600/93: the first telephone PIN of a card that has none."""
    del now
    refusal = matched(counter, order)
    if refusal:
        return refused(refusal)
    if counter.bank.pins.enrolled(order.need(2)):
        return refused(Refusal.ENROLLED)
    if not counter.bank.pins.change(order.need(2), new_pin(counter, order).reveal()):
        return refused(Refusal.WEAK_PIN)
    return Answer(OK)


def unlockable(counter: Counter, order: Order) -> Answer | None:
    """Why the lock of the telephone PIN is not lifted for who keyed 48.identity, if it is not."""
    refusal = matched(counter, order)
    if refusal:
        return refused(refusal)
    if not counter.bank.pins.enrolled(order.need(2)):
        return refused(Refusal.NOT_ENROLLED)
    if counter.bank.pins.branch_only(order.need(2)):
        return Answer(CODES[PinAnswer.LOCKED])
    return None


def pin_locked(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/300700: the mobile number of somebody whose telephone PIN may be unlocked by a call."""
    del now
    told = unlockable(counter, order)
    if told:
        return told
    number = mobile_of(counter.bank.office.db, order.need(2))
    if number is None:
        return refused(Refusal.NO_MOBILE)
    return Answer(OK, subs={48: {"mobile": number}})


def pin_unlock(counter: Counter, order: Order, now: datetime) -> Answer:
    """0600/94: the wrong tries of today are forgotten."""
    del now
    told = unlockable(counter, order)
    if told is None:
        counter.bank.pins.unlock(order.need(2))
    return told or Answer(OK)


def mobile(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/300200: the mobile number that the holder registered."""
    del now
    refusal = counter.bank.usable_card(order.need(2))
    if refusal:
        return refused(refusal)
    number = mobile_of(counter.bank.office.db, order.need(2))
    if number is None:
        return refused(Refusal.NOTHING_FOUND)
    return Answer(OK, subs={48: {"mobile": number}})


def mail(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/300600: the mail address that the holder registered."""
    del now
    refusal = counter.bank.usable_card(order.need(2))
    if refusal:
        return refused(refusal)
    address = mail_of(counter.bank.office.db, order.need(2))
    if address is None:
        return refused(Refusal.NOTHING_FOUND)
    return Answer(OK, subs={48: {"mail": address}})


def payee_check(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/300300: whether a transfer from the card could go to field 103."""
    del now
    payer, number = counter.bank.office.holder(order.need(2)), order.need(103).strip()
    if isinstance(payer, Refusal):
        return refused(payer)
    if counter.bank.payee_account(number) in (None, payer.account):
        return refused(Refusal.BAD_PAYEE)
    return Answer(OK, subs={48: {"payee_masked": mask(number)}})


CUSTOMER_SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("02", "3001"): identify,
        ("06", "93"): pin_enrol,
        ("02", "3007"): pin_locked,
        ("06", "94"): pin_unlock,
        ("02", "3002"): mobile,
        ("02", "3003"): payee_check,
        ("02", "3006"): mail,
    }
)
"""Rows of the table `services.SERVICES`."""
