"""Answers 00 to everything without a ledger, for measuring the gateway alone (`--no-ledger`)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from core_adapters.corehost.counter import OK
from core_adapters.corehost.desk import reply_to
from core_adapters.corehost.orders import Answer, Order, amounts_54
from core_adapters.corehost.rules import business_date
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.message import Message
from transactions.card import mask
from transactions.money import Money, currency

BALANCE_FEN = 1_000_000
QUOTE_LIFE = timedelta(days=1)


class Parrot:
    """Says yes, with plausible data; nothing is checked, kept or posted."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        held = Money(BALANCE_FEN, currency("CNY"))
        self._balances = amounts_54("10", dict.fromkeys(codec.profile.balances.values(), held))

    def answer(self, messages: Sequence[Message], now: datetime) -> list[Message]:
        """One yes each."""
        return [self._one(Order(message, self._codec), now) for message in messages]

    def _one(self, order: Order, now: datetime) -> Message:
        answer = Answer(OK)
        service = (order.message.mti[:2], (order.message.get(3) or "")[:2])
        if service == ("02", "32"):
            expiry = (now + QUOTE_LIFE).strftime("%Y%m%d%H%M%S")
            terms = {"payee_masked": mask(order.message.get(103) or ""), "fee": "0"}
            quote = f"P{order.message.get(11)}{order.message.get(7)}"
            answer = Answer(OK, subs={48: terms, 61: {"quote": quote, "expiry": expiry}})
        elif service[0] == "02":
            answer = Answer(OK, {54: self._balances})
        return reply_to(order, order.written(answer), business_date(now))
