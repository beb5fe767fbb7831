"""What a handler of a service needs: the bank, its codes, the security module, the profile."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from core_adapters.corehost.bank import Balances, Bank
from core_adapters.corehost.keydesk import PinOpener
from core_adapters.corehost.orders import Answer, Key, Order, amounts_54
from core_adapters.corehost.pins import PinAnswer
from core_adapters.corehost.products.orders import Agreed
from core_adapters.corehost.refusal import Refusal
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
        Refusal.CLOSED: "53",
        Refusal.BAD_PAYEE: "15",
        Refusal.BAD_AMOUNT: "13",
        Refusal.WRONG_CURRENCY: "57",
        Refusal.INSUFFICIENT: "51",
        Refusal.OVER_LIMIT: "61",
        Refusal.BAD_QUOTE: "05",
        Refusal.EXPIRED_QUOTE: "54",
        Refusal.NOT_MATCHED: "25",
        Refusal.BAD_TERM: "58",
        Refusal.NOT_ON_SALE: "58",
        Refusal.NOT_DUE: "57",
        Refusal.BAD_NUMBER: "52",
        Refusal.NOTHING_OWED: "24",
        Refusal.NOTHING_FOUND: "25",
        Refusal.MARKET_CLOSED: "28",
        Refusal.NO_PAIR: "24",
        Refusal.BAD_RATE: "58",
        Refusal.NO_ORDER: "25",
        Refusal.NOTHING_TO_MERGE: "24",
        Refusal.NOT_PERMITTED: "57",
        Refusal.NO_SUCH_SERVICE: "40",
        Refusal.RESTRICTED: "62",
        Refusal.ALREADY: "26",
        Refusal.NOT_BLOCKED: "25",
        Refusal.ENROLLED: "26",
        Refusal.NOT_ENROLLED: "57",
        Refusal.WEAK_PIN: "57",
        Refusal.NO_MOBILE: "24",
        Refusal.NO_CHEQUE: "25",
        Refusal.PAID_CHEQUE: "57",
        Refusal.RETURNED_CHEQUE: "05",
        Refusal.TOO_MANY: "65",
        PinAnswer.RIGHT: OK,
        PinAnswer.FIRST_USE: "57",
        PinAnswer.WRONG: "55",
        PinAnswer.LOCKED_TODAY: "75",
        PinAnswer.LOCKED: "38",
    }
)
"""Field 39 of everything the bank can say."""
NOTHING_MORE: Mapping[str, str] = MappingProxyType({})

Handler = Callable[["Counter", Order, datetime], Answer]


class Counter:
    """What a handler needs: the bank, the security module and the profile's names."""

    def __init__(self, bank: Bank, module: PinOpener, profile: Profile) -> None:
        self.bank = bank
        self.profile = profile
        self._module = module
        self._pin_key = KeyNames.of(profile.name).pin

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

    def post(
        self, kind: str, order: Order, now: datetime, about: Mapping[str, str] = NOTHING_MORE
    ) -> Answer:
        """A posting (0200/4x, 0200/50) of an offer of this kind: 61.quote, fields 4 and 28.

        `about` is what else of the message must be as it was offered."""
        agreed = Agreed(
            key=business_key(order.key, now),
            card=order.need(2),
            kind=kind,
            quote=order.sub(61, "quote"),
            amount=order.amount,
            fee=order.fee,
            reference=order.message.get(37) or "",
            service=order.need(3),
            about=about,
        )
        held = self.bank.post(agreed, now)
        if isinstance(held, Refusal):
            return refused(held)
        return Answer(OK, {38: agreed.quote[-6:], 54: self.balances_54(held)})


def refused(refusal: Refusal) -> Answer:
    """The answer to a refusal."""
    return Answer(CODES[refusal])


def business_key(key: Key, at: datetime) -> str:
    """A posting's key, unique for ever: the day it came makes up for the year that field 7 lacks.

    It is the clock's day and not the business date, so that a cut-over changes no key."""
    return f"{business_date(at)}/{key.terminal}/{key.stan}/{key.field7}"
