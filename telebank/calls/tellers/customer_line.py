"""A call of ours to a telephone number, by the rules of `[outbound]`: a customer whom a teller
wants, or a third who is consulted."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from telebank import wire
from telebank.calls.dialling import Dialled, Dialling
from telebank.calls.leg import Leg
from telebank.calls.services import CallServices, MediaPlace
from telebank.calls.tellers.phone_line import PhoneLine
from telebank.sip.registering import PhoneWay

RINGS_S = 45.0
"""Seconds that a number is rung: about ten rings."""


class CustomerLine(PhoneLine):
    """A `Line` whose call costs money: counted from when it is placed to its end, and ended when
    what was set aside for it is used up."""

    def __init__(  # noqa: PLR0917 - what a call out is made of
        self,
        shell: CallServices,
        dialling: Dialling,
        dialled: Dialled,
        on_gone: Callable[[], None],
        on_held: Callable[[bool], None] = lambda _held: None,
        on_media: Callable[[object], None] = lambda _event: None,
    ) -> None:
        """`on_media` takes its keys, and what was played to it."""
        uri, hop = dialling.way(shell.endpoint, dialled.target)
        super().__init__(shell, [PhoneWay(uri, hop, by_flow=False)], on_gone, on_held)
        self._dialling = dialling
        self._dialled = dialled
        self._on_media = on_media
        self._first_word_s = RINGS_S  # exchanges may say nothing until somebody answers
        self._key_method = ""
        self._trunk = dialled.target.trunk
        self._placed_at: float | None = None
        self._counted = False
        self._counting: set[asyncio.Task[None]] = set()
        self._too_long: asyncio.TimerHandle | None = None

    def _new_leg(self, way: PhoneWay, place: MediaPlace) -> Leg:
        shell = self._shell
        codecs, ptime_ms = shell.speech_over(self._trunk)
        return Leg(
            *("caller", "", place, codecs, ptime_ms),
            protection=shell.security.over_trunk(self._trunk, way.hop),
            learn_from=way.hop.host,
        )

    def _from(self, shown: str, place: MediaPlace) -> str:
        del shown, place  # a trunk is shown the bank's own number
        return self._dialling.caller(self._shell.endpoint, self._dialled.target)

    def _invited(self) -> None:
        self._placed_at = self._shell.endpoint.now()
        loop = asyncio.get_running_loop()
        self._too_long = loop.call_later(self._dialled.seconds, self._gone, "no_answer")

    def _heard(self, event: object) -> None:
        if isinstance(event, wire.Key):
            self._key_method = self._key_method or "rtp"
            if self._key_method != "rtp":
                return
        self._on_media(event)

    def _key_by_info(self, digit: str) -> None:
        """As in a caller's call: of a phone that sends both ways, the first one counts."""
        self._key_method = self._key_method or "info"
        if self._key_method == "info" and (channel := self.channel) is not None:
            channel.keys_by("info")
            self._on_media(wire.Key(digit=digit, at=0.0, token=0, secret=False))

    def _end(self) -> None:
        super()._end()
        if self._too_long is not None:
            self._too_long.cancel()
        if not self._counted:
            self._counted = True
            placed, now = self._placed_at, self._shell.endpoint.now()
            self._later(
                self._dialling.over(self._dialled, None if placed is None else now - placed)
            )

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="call counted")
        self._counting.add(task)
        task.add_done_callback(self._counting.discard)
