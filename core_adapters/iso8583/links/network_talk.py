"""Network management as messages: what we answer the host, and what our owner asks it."""

import asyncio
from collections.abc import Callable, Mapping

from core_adapters.iso8583.build import Builder
from core_adapters.iso8583.format.message import Message, reply_mti
from core_adapters.iso8583.links.driver_types import CODE, Ask, NoReply
from core_adapters.iso8583.links.mux_types import SendNetwork, Ticket
from transactions.clock import Clock

MIRRORED = (7, 11, 12, 13, 15, 32, 41, 70)
"""Fields of a network request that its answer repeats."""


class NetworkTalk:
    """`judge` is the owner's `DriverEvents.network`."""

    def __init__(
        self, builder: Builder, clock: Clock, judge: Callable[[Message], Mapping[int, str]]
    ) -> None:
        self._builder = builder
        self._clock = clock
        self._judge = judge
        self._asks: dict[Ticket, Ask] = {}

    def begin(self, ticket: Ticket, fields: Mapping[int, str]) -> Ask:
        """The owner asks something; `leave` must follow."""
        ask = self._asks[ticket] = Ask(fields, asyncio.get_running_loop().create_future())
        return ask

    def leave(self, ticket: Ticket) -> None:
        """Nobody waits for it any more."""
        del self._asks[ticket]

    def get(self, ticket: Ticket | None) -> Ask | None:
        """What the owner asked, if it was the owner."""
        return None if ticket is None else self._asks.get(ticket)

    def request(self, command: SendNetwork) -> Message:
        """The 0800."""
        message = self._builder.network(command.code, command.stan, self._clock.now())
        ask = self.get(command.ticket)
        return message if ask is None else message.with_fields(message.mti, ask.fields)

    def failed(self, ticket: Ticket | None, error: Exception | None) -> None:
        """It could not be encoded, or not a byte of it was sent."""
        ask = self.get(ticket)
        if ask is None or ask.end.done():
            return
        if error is not None:
            ask.end.set_exception(error)
        else:
            ask.end.set_result(NoReply("link_lost"))

    def answer(self, request: Message) -> Message:
        """The 0810; the owner must give it field 39."""
        mirrored = {n: v for n, v in request.fields.items() if n in MIRRORED}
        given = self._judge(request)
        if CODE not in given:
            raise ValueError("the owner's answer to a network request has no field 39")
        return Message(reply_mti(request.mti), {**mirrored, **given})
