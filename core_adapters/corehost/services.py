"""What the bank does for each message: a table of handlers by MTI class and processing code.

A new product is a new row; the handlers know fields and the bank, nothing of bytes or duplicates.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType

from core_adapters.corehost.bank import (
    LET_GO,
    Balances,
    Bank,
    LossDecision,
    LossReport,
    Refusal,
    TransferOrder,
)
from core_adapters.corehost.keydesk import PinOpener
from core_adapters.corehost.orders import Answer, BadMessage, Key, Order, amounts_54
from core_adapters.corehost.pins import PinAnswer
from core_adapters.corehost.rules import business_date
from core_adapters.hsm.errors import PinBlockError
from core_adapters.hsm.kinds import PinFormat
from core_adapters.iso8583.keys.names import KeyNames
from core_adapters.iso8583.profile import Profile
from transactions.card import CardNumber, CardNumberError
from transactions.secret import Secret

OK = "00"

CODES: Mapping[Refusal | PinAnswer, str] = MappingProxyType(
    {
        Refusal.BAD_CARD: "14",
        Refusal.HOT_CARD: "41",
        Refusal.NO_ACCOUNT: "53",
        Refusal.CLOSED: "62",
        Refusal.BAD_PAYEE: "15",
        Refusal.BAD_AMOUNT: "13",
        Refusal.WRONG_CURRENCY: "57",
        Refusal.INSUFFICIENT: "51",
        Refusal.OVER_LIMIT: "61",
        Refusal.BAD_QUOTE: "05",
        Refusal.EXPIRED_QUOTE: "54",
        Refusal.NOT_MATCHED: "25",
        PinAnswer.RIGHT: OK,
        PinAnswer.WRONG: "55",
        PinAnswer.LOCKED_TODAY: "75",
        PinAnswer.LOCKED: "38",
    }
)
"""Field 39 of everything the bank can say."""
ALREADY_HOT = "26"
NOT_SUPPORTED = "24"
"""A file update code that this bank does not know."""
WEAK_PIN = "57"
"""A new PIN that anybody would try first."""
DEFAULT_REASON = "lost"

Handler = Callable[["Counter", Order, datetime], Answer]


class Counter:
    """What a handler needs: the bank, the security module and the profile's names."""

    def __init__(self, bank: Bank, module: PinOpener, profile: Profile) -> None:
        self.bank = bank
        self.profile = profile
        self._module = module
        self._pin_key = KeyNames.of(profile.name).pin

    def answer(self, order: Order, now: datetime) -> Answer | None:
        """The bank's answer, or None where it has no such service."""
        mti = order.message.mti
        processing = order.message.get(3) or ""
        handler = SERVICES.get((mti[:2], processing[:2]))
        return handler(self, order, now) if handler else None

    def open_pin(self, block: str, card: str) -> Secret | None:
        """The PIN of a PIN block in hexadecimal; None where it does not open for this card."""
        try:
            form = PinFormat(self.profile.pin_format)
            sealed, number = bytes.fromhex(block), CardNumber(card)
            return self._module.open_pin(self._pin_key, sealed, number, form)
        except (PinBlockError, CardNumberError, ValueError):
            return None

    def balances_54(self, held: Balances) -> str:
        """Field 54 with the profile's amount types."""
        types = self.profile.balances
        return amounts_54(
            held.kind, {types["ledger"]: held.ledger, types["available"]: held.available}
        )


def business_key(key: Key, at: datetime) -> str:
    """A posting's key, unique for ever: the day it came makes up for the year that field 7 lacks.

    It is the clock's day and not the business date, so that a cut-over changes no key."""
    return f"{business_date(at)}/{key.terminal}/{key.stan}/{key.field7}"


def pin_verify(counter: Counter, order: Order, now: datetime) -> Answer:
    """0600/91: the telephone PIN in field 52."""
    card = order.need(2)
    refusal = counter.bank.usable_card(card)
    if refusal:
        return Answer(CODES[refusal])
    opened = counter.open_pin(order.need(52), card)
    pin = opened.reveal() if opened is not None else None
    day = counter.bank.calendar.today(now)
    return Answer(CODES[counter.bank.pins.try_pin(card, pin, day)])


def pin_change(counter: Counter, order: Order, now: datetime) -> Answer:
    """0600/92: the telephone PIN in field 52 becomes the one in field 48's new_pin_block.

    A wrong old PIN counts and locks as with 0600/91; nothing is said of the new one before."""
    answer = pin_verify(counter, order, now)
    if answer.code != OK:
        return answer
    card = order.need(2)
    new = counter.open_pin(order.sub(48, "new_pin_block"), card)
    if new is None:
        raise BadMessage("new_pin_block is missing or does not open")
    if not counter.bank.pins.change(card, new.reveal()):
        return Answer(WEAK_PIN)
    return Answer(OK)


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
    """0302 and 0322 with code 2 (stopped for good) or 3 (may be used again); 120 says of which
    report."""
    decision = LossDecision(
        key=business_key(order.key, now),
        card=order.need(2),
        act="3" if order.need(91) == LET_GO else "2",
        reference=order.need(120).strip(),
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
SERVICES: Mapping[tuple[str, str], Handler] = MappingProxyType(
    {
        ("06", "91"): pin_verify,
        ("06", "92"): pin_change,
        ("02", "31"): balance,
        ("02", "32"): transfer_quote,
        ("02", "40"): transfer,
        ("02", "42"): transfer,
        ("03", ""): file_update,
    }
)
"""By the first two digits of the MTI and of field 3."""
