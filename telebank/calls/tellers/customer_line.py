"""A call of ours to a telephone number, by the rules of `[outbound]`: a customer whom a teller
wants, or a third who is consulted."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from telebank import wire
from telebank.calls.dialling import Dialled, Dialling
from telebank.calls.faxes.tolls import Refusal, Target
from telebank.calls.leg import Leg
from telebank.calls.services import CallServices, MediaPlace
from telebank.calls.tellers.phone_line import PhoneLine
from telebank.sip.registering import PhoneWay

log = structlog.get_logger("telebank.tellers")

RINGS_S = 45.0
"""Seconds that a number is rung: about ten rings."""
AHEAD_S = 60.0
"""Seconds before the end of what is set aside at which more is asked for."""
AGAIN_S = 10.0
"""Seconds after which that is asked again where no more was to be had."""
LAST_WORDS_S = 5.0
"""Seconds of what is set aside that are kept for words at the end."""
OnLimit = Callable[[str, bool], None]
"""Takes the limit that is reached, empty where it is no more, and whether the call is over by it:
then the line is to be hung up within `LAST_WORDS_S`."""


class CustomerLine(PhoneLine):
    """A `Line` whose call costs money: counted from when it is placed to its end, prolonged while
    the day has something left for it, and ended when it has not."""

    def __init__(  # noqa: PLR0917 - what a call out is made of
        self,
        shell: CallServices,
        dialling: Dialling,
        dialled: Dialled,
        on_gone: Callable[[bool], None],
        on_held: Callable[[bool], None] = lambda _held: None,
        on_media: Callable[[object], None] = lambda _event: None,
        on_limit: OnLimit = lambda _rule, _over: None,
    ) -> None:
        """`on_media` takes its keys, and what was played to it; `on_limit` tells that a cap of the
        day is near, or has ended the call."""
        uri, hop = dialling.way(shell.endpoint, dialled.target)
        super().__init__(shell, [PhoneWay(uri, hop, by_flow=False)], on_gone, on_held)
        self._dialling = dialling
        self._dialled = dialled
        self._on_media = on_media
        self._on_limit = on_limit
        self._rule = ""
        """The limit that is near."""
        self._first_word_s = RINGS_S  # exchanges may say nothing until somebody answers
        self._key_method = ""
        self._trunk = dialled.target.trunk
        self._placed_at: float | None = None
        self._counted = False
        self._counting: set[asyncio.Task[None]] = set()
        self._limit: asyncio.TimerHandle | None = None
        """Ends it with what is set aside."""
        self._more: asyncio.TimerHandle | None = None
        """Asks for more."""
        self._ends = False
        """By its limit."""

    @property
    def target(self) -> Target:
        """Where it goes."""
        return self._dialled.target

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
        self._look_again()

    # -- what it may cost ---------------------------------------------------------------------

    def _left_s(self) -> float:
        """Seconds of what is set aside for it."""
        assert self._placed_at is not None
        return self._placed_at + self._dialled.seconds - self._shell.endpoint.now()

    def _look_again(self, after: float | None = None) -> None:
        """End it with what is set aside, but for the last words, whatever comes of asking; before
        that ask for more when little is left, or so many seconds from now."""
        self._cancel()
        left = self._left_s() - LAST_WORDS_S
        wait = max(0.0, self._left_s() - AHEAD_S) if after is None else after
        loop = asyncio.get_running_loop()
        self._limit = loop.call_later(max(0.0, left), self._used_up)
        if wait < left:
            self._more = loop.call_later(wait, self._ask)

    def _cancel(self) -> None:
        for timer in (self._limit, self._more):
            if timer is not None:
                timer.cancel()

    def _ask(self) -> None:
        self._later(self._asked())

    async def _asked(self) -> None:
        found = await self._dialling.more(self._dialled)
        if self._counted or self._ends:
            return
        rule = found.rule if isinstance(found, Refusal) else ""
        if not isinstance(found, Refusal):
            self._dialled = found
        if rule != self._rule:
            self._rule = rule
            self._on_limit(rule, False)
        self._look_again(AGAIN_S if rule else None)

    def _used_up(self) -> None:
        """The call ends by itself, unless whoever is told has ended it by then."""
        self._ends = True
        self._limit = asyncio.get_running_loop().call_later(LAST_WORDS_S, self._gone, "no_answer")
        self._on_limit(self._rule or "store", True)  # no rule: it has not answered

    # -- what is heard ------------------------------------------------------------------------

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
        self._cancel()
        if not self._counted:
            self._counted = True
            placed, now = self._placed_at, self._shell.endpoint.now()
            self._later(
                self._dialling.over(self._dialled, None if placed is None else now - placed)
            )

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work, name="call counted")
        self._counting.add(task)
        task.add_done_callback(self._was_counted)

    def _was_counted(self, task: "asyncio.Task[None]") -> None:
        self._counting.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("tellers.not_counted", error=type(error).__name__)
