"""What the bank does for each message: a table of handlers by MTI class and processing code.

A new product is a new row; the handlers know fields and the bank, nothing of bytes or duplicates.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType

from core_adapters.corehost.bank import LET_GO, LossDecision, LossReport, TransferOrder
from core_adapters.corehost.counter import CODES, OK, Counter, Handler, business_key
from core_adapters.corehost.orders import Answer, BadMessage, Order
from core_adapters.corehost.pins import PinAnswer
from core_adapters.corehost.products.desks.accounts import ACCOUNT_SERVICES
from core_adapters.corehost.products.desks.bills import BILL_SERVICES
from core_adapters.corehost.products.desks.bonds import BOND_SERVICES
from core_adapters.corehost.products.desks.cards import CARD_SERVICES
from core_adapters.corehost.products.desks.cheques import CHEQUE_SERVICES
from core_adapters.corehost.products.desks.companies import COMPANY_SERVICES
from core_adapters.corehost.products.desks.company_payments import CORP_PAY_SERVICES
from core_adapters.corehost.products.desks.customers import CUSTOMER_SERVICES, new_pin
from core_adapters.corehost.products.desks.exchange import FX_SERVICES
from core_adapters.corehost.products.desks.history import HISTORY_SERVICES
from core_adapters.corehost.products.desks.loans import LOAN_SERVICES
from core_adapters.corehost.products.desks.securities import SECURITIES_SERVICES
from core_adapters.corehost.products.information import INFO_SERVICES
from core_adapters.corehost.refusal import Refusal

ALREADY_HOT = "26"
NOT_SUPPORTED = "24"
"""A file update code that this bank does not know."""
DEFAULT_REASON = "lost"


def pin_verify(counter: Counter, order: Order, now: datetime) -> Answer:
    """0600/91: the telephone PIN in field 52."""
    return Answer(CODES[_tried(counter, order, now)])


def _tried(counter: Counter, order: Order, now: datetime) -> Refusal | PinAnswer:
    card = order.need(2)
    refusal = counter.bank.usable_card(card)
    if refusal:
        return refusal
    opened = counter.open_pin(order.need(52), card)
    pin = opened.reveal() if opened is not None else None
    return counter.bank.pins.try_pin(card, pin, counter.bank.calendar.today(now))


def pin_change(counter: Counter, order: Order, now: datetime) -> Answer:
    """0600/92: the telephone PIN in field 52 becomes the one in field 48's new_pin_block.

    A wrong old PIN counts and locks as with 0600/91; nothing is said of the new one before."""
    tried = _tried(counter, order, now)
    if tried not in (PinAnswer.RIGHT, PinAnswer.FIRST_USE):
        return Answer(CODES[tried])
    card = order.need(2)
    changed = counter.bank.pins.change(card, new_pin(counter, order).reveal())
    return Answer(OK if changed else CODES[Refusal.WEAK_PIN])


def balance(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/31: field 54 with ledger and available balance."""
    del now
    held = counter.bank.balances(order.need(2))
    if isinstance(held, Refusal):
        return Answer(CODES[held])
    return Answer(OK, {54: counter.balances_54(held)})


def transfer_quote(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/32: payee check, fee and the quote's id and expiry."""
    quote = counter.bank.quote(order.need(2), order.need(103).strip(), order.amount, now)
    if isinstance(quote, Refusal):
        return Answer(CODES[quote])
    terms = {"payee_masked": quote.payee_masked, "fee": str(quote.fee.minor)}
    until = {"quote": quote.id, "expiry": quote.expires_at.strftime("%Y%m%d%H%M%S")}
    return Answer(OK, subs={48: terms, 61: until})


def transfer(counter: Counter, order: Order, now: datetime) -> Answer:
    """0200/40 and 42: money within the bank, on a quote, with the fee agreed to."""
    asked = TransferOrder(
        key=business_key(order.key, now),
        card=order.need(2),
        payee=order.need(103).strip(),
        amount=order.amount,
        fee=order.fee,
        quote=order.sub(61, "quote"),
        reference=order.message.get(37) or "",
        service=order.need(3),
    )
    held = counter.bank.transfer(asked, now)
    if isinstance(held, Refusal):
        return Answer(CODES[held])
    return Answer(OK, {38: asked.quote[-6:], 54: counter.balances_54(held)})


def report_loss(counter: Counter, order: Order, now: datetime) -> Answer:
    """0302 and 0322 with code 1: the card is hot from this moment, to the end of field 73."""
    report = LossReport(
        key=business_key(order.key, now),
        card=order.need(2),
        identity=order.sub(48, "identity"),
        reference=order.message.get(37) or "",
        reason=order.sub(48, "reason") or DEFAULT_REASON,
        until=last_day(order.message.get(73)),
    )
    first = counter.bank.report_loss(report, now)
    if isinstance(first, Refusal):
        return Answer(CODES[first])
    return Answer(OK if first else ALREADY_HOT)


def decide_loss(counter: Counter, order: Order, now: datetime) -> Answer:
    """0302 and 0322 with code 2 (stopped for good) or 3 (may be used again); 48.report says of
    which report."""
    reference = order.sub(48, "report")
    if not reference:
        raise BadMessage("48.report is missing")
    decision = LossDecision(
        key=business_key(order.key, now),
        card=order.need(2),
        act="3" if order.need(91) == LET_GO else "2",
        reference=reference,
        reason=order.sub(48, "reason"),
    )
    refusal = counter.bank.decide_loss(decision, now)
    return Answer(CODES[refusal] if refusal else OK)


def file_update(counter: Counter, order: Order, now: datetime) -> Answer:
    """0302 and 0322 by their file update code (field 91)."""
    handler = FILE_UPDATES.get(order.message.get(91) or "1")
    return handler(counter, order, now) if handler else Answer(NOT_SUPPORTED)


def last_day(text: str | None) -> date | None:
    """Field 73 (YYMMDD); `None` where it is absent or zero: for good."""
    if not text or not text.strip("0"):
        return None
    try:
        return datetime.strptime(f"20{text}", "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise BadMessage("field 73 is no date") from None


FILE_UPDATES: Mapping[str, Handler] = MappingProxyType(
    {"1": report_loss, "2": decide_loss, LET_GO: decide_loss}
)
BASIC_SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("06", "91"): pin_verify,
        ("06", "92"): pin_change,
        ("02", "3100"): balance,
        ("02", "3200"): transfer_quote,
        ("02", "40"): transfer,
        ("02", "42"): transfer,
        ("03", ""): file_update,
    }
)
SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        **BASIC_SERVICES,
        **ACCOUNT_SERVICES,
        **HISTORY_SERVICES,
        **BILL_SERVICES,
        **INFO_SERVICES,
        **LOAN_SERVICES,
        **BOND_SERVICES,
        **FX_SERVICES,
        **SECURITIES_SERVICES,
        **COMPANY_SERVICES,
        **CORP_PAY_SERVICES,
        **CUSTOMER_SERVICES,
        **CHEQUE_SERVICES,
        **CARD_SERVICES,
    }
)
"""By the first two digits of the MTI, and the beginning of field 3: the longest that is there."""


def answer(counter: Counter, order: Order, now: datetime) -> Answer | None:
    """The bank's answer, or None where it has no such service."""
    mti = order.message.mti[:2]
    processing = order.message.get(3) or ""
    for size in range(len(processing), -1, -1):
        handler = SERVICES.get((mti, processing[:size]))
        if handler:
            return handler(counter, order, now)
    return None
