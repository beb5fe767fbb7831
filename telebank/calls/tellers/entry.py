"""The PIN that a teller asks for: a session beside the caller's own, which speaks to him and takes
his keys while nobody hears him.

Keys are secret from before the first word to the end, whatever the session says of them.
"""

import asyncio
from itertools import count
from typing import Protocol

import structlog

from telebank import wire
from telebank.calls.alarm import Alarm
from telebank.calls.edition import Edition, Unspeakable
from telebank.calls.tellers.hands import CallHands, EntryEnded, Listener, Terms
from telebank.flow import commands, events
from telebank.flow.model import DESK_CARD, DESK_PIN, DESK_SIGNS, SIGNS_CODE, SIGNS_PIN
from telebank.flow.session import Session
from telebank.media.client import MediaChannel
from transactions.answer import Answer
from transactions.card import CardNumber
from transactions.outcome import Declined, Value
from transactions.proof import enough
from transactions.request import AuthLevel

log = structlog.get_logger("telebank.tellers")

HEARD = 8_000
"""Samples after which a caller knows what was said."""
CANCELLED = "cancelled"
"""How it ends for whom his teller has taken back."""
LISTEN = "desk.terms"
"""Said before the terms that he is asked to sign."""
NO = "*"
"""The key of who does not want what he is read."""
QUIET_MOST_S = 15.0
"""Seconds after which who is taken back and keys on is back all the same."""
TERMS_S = 180.0
"""Seconds that terms may be read, slowly spoken ones too."""
WRONG = ("wrong_pin", "not_matched")
"""Exits of services that say that what he keyed was wrong."""
_TOKENS = count(500_000_000_000)
"""Of what is played then: sessions' tokens are lower, those of `Saying` higher."""


def flow_of(card: CardNumber | None, terms: Terms | None) -> tuple[str, dict[str, Value]]:
    """The flow that asks for the PIN of this card, or for card and PIN, and what it is given."""
    if card is None:
        return DESK_CARD, {}
    if terms is None:
        return DESK_PIN, {"card": card}
    return DESK_PIN, {"card": card, DESK_SIGNS: SIGNS_CODE if terms.factor else SIGNS_PIN}


def left_after(answer: Answer) -> int | None:
    """How many tries are left of what was just wrong. None: it was not wrong, or is not counted."""
    outcome = answer.outcome
    return outcome.left if answer.exit in WRONG and isinstance(outcome, Declined) else None


class Heard(Protocol):
    """Whose media it is: `telebank.calls.leg.Leg`, or a line of ours."""

    @property
    def channel(self) -> MediaChannel | None:
        """None: there are none now."""
        ...


class Entry:
    """Of one call, once. `begin`; then it ends by itself, or is cancelled."""

    def __init__(  # noqa: PLR0917 - what an entry is made of
        self,
        session: Session,
        leg: Heard,
        edition: Edition,
        hands: CallHands,
        heard: Listener,
        terms: Terms | None = None,
    ) -> None:
        """`terms`: what he signs by it, which is read to him first."""
        self._terms = terms
        self._session = session
        self._leg = leg
        self._edition = edition
        self._hands = hands
        self._heard = heard
        self._alarm = Alarm(lambda now: hands.guarded(self._woke, now))
        self._playing: commands.Say | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = False
        self._quiet_s: float | None = None
        """Seconds without a key after which who is taken back is back; None: he is not."""
        self._back_by = 0.0
        self._has_keyed = False
        self._left: int | None = None
        """See `EntryEnded.left`."""

    def begin(self) -> None:
        """His keys are secret, and the first words are said."""
        self._secret(secret=True)
        if self._terms is None:
            self._feed(events.Started())
        else:
            self._read(self._terms)

    def key(self, digit: str, token: int) -> None:
        """A key; `token` is what the worker was playing when it came."""
        self._has_keyed = True
        if self._quiet_s is not None:
            self._wait_for_quiet()
            return
        if self._terms is not None:  # he hears them whole, and nothing is typed ahead
            if digit == NO:
                self._unsigned("given_up")
            return
        playing = self._playing
        if playing is not None and token != playing.token and digit in playing.stop_keys:
            self._playing = None
            if self._leg.channel is not None:
                self._leg.channel.stop()
        self._feed(events.KeyPressed(digit))
        self._tell_keyed()

    def ended(self, event: wire.PlayEnded) -> bool:
        """Whether it was something of its own that ended."""
        if self._playing is None or self._playing.token != event.token:
            return False
        self._playing = None
        done = event.reason == "done"
        if self._terms is not None:
            self._were_read(whole=done)
            return True
        heard = done or event.played >= HEARD
        self._feed(events.PlayEnded(event.token, completed=done, heard=heard))
        return True

    def cancel(self) -> None:
        """The caller is gone, or nobody asks him any more."""
        if not self._over:
            self._hang_up()
            self._finish()

    def take_back(self, quiet_s: float) -> None:
        """The teller wants him back. What he still keys is heard by nobody: he is back once so
        many seconds went without a key; at once while terms are read to him and he keys nothing."""
        if self._over or self._quiet_s is not None:
            return
        self._hang_up()
        self._playing = None
        if self._leg.channel is not None:
            self._leg.channel.stop()
        if self._terms is not None and not self._has_keyed:
            self._ended(commands.Ended(CANCELLED))
            return
        self._quiet_s, self._back_by = quiet_s, self._hands.now() + QUIET_MOST_S
        self._heard.keyed("", "", self._left)
        self._wait_for_quiet()

    def _wait_for_quiet(self) -> None:
        assert self._quiet_s is not None
        self._alarm.set(min(self._hands.now() + self._quiet_s, self._back_by))

    def _hang_up(self) -> None:
        if self._quiet_s is not None:
            return  # it was told before
        for command in self._session.receive(events.HungUp(), self._hands.now()):
            if isinstance(command, commands.Record | commands.Told):
                self._perform_one(command)

    # -- what he signs ------------------------------------------------------------------------

    def _read(self, terms: Terms) -> None:
        """Say what he is asked to sign, before any key counts."""
        words = (commands.Spoken(LISTEN), *terms.words)
        say = commands.Say(words, "", next(_TOKENS), self._session.language)
        self._alarm.set(self._hands.now() + TERMS_S)
        self._heard.keyed("", "terms", None)
        self._say(say)

    def _were_read(self, *, whole: bool) -> None:
        """What was not said to its end is signed by nobody."""
        if not whole:
            self._unsigned("unavailable")
            return
        self._terms = None
        self._feed(events.Started())

    def _unsigned(self, exit_name: str) -> None:
        if self._leg.channel is not None:
            self._leg.channel.stop()
        self._ended(commands.Ended(exit_name))

    # -- the session --------------------------------------------------------------------------

    def _feed(self, event: events.Event) -> None:
        if not self._over and self._quiet_s is None:
            self._perform(self._session.receive(event, self._hands.now()))

    def _woke(self, now: float) -> None:
        if self._quiet_s is not None:
            self._ended(commands.Ended(CANCELLED))
        elif self._terms is not None:
            self._unsigned("unavailable")  # its end was never told
        elif not self._over:
            self._perform(self._session.wake(now))

    def _perform(self, todo: list[commands.Command]) -> None:
        for command in todo:
            if not self._over:
                self._perform_one(command)
        if not self._over:
            self._alarm.set(self._session.wake_at)
            self._tell_keyed()

    def _perform_one(self, command: commands.Command) -> None:
        match command:
            case commands.Say():
                self._say(command)
            case commands.Submit():
                task = asyncio.get_running_loop().create_task(self._submit(command))
                self._tasks.add(task)
                task.add_done_callback(self._submitted)
            case commands.Told():
                self._hands.told(command)
            case commands.Record():
                self._hands.record(command)
            case commands.Ended():
                self._ended(command)
            case _:
                pass  # `Listen`: keys are secret all the time; a teller's flow does nothing else

    def _say(self, say: commands.Say) -> None:
        try:
            segments = self._edition.segments(say)
        except Unspeakable as error:
            log.error("entry.unspeakable", error=str(error))
            soon = asyncio.get_running_loop().call_soon
            if self._terms is not None:
                soon(self._unsigned, "unavailable")
            else:
                soon(self._feed, events.PlayEnded(say.token, completed=False, heard=False))
            return
        self._playing = say
        if self._leg.channel is not None:
            self._leg.channel.play(segments, say.stop_keys, say.token, self._edition.bank)

    async def _submit(self, command: commands.Submit) -> None:
        answer = await self._hands.ask(command)
        self._left = left_after(answer)
        self._feed(
            events.ServiceAnswered(command.visit, answer.exit, answer.data, answer.reference)
        )

    def _submitted(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("entry.failed", error=type(error).__name__)
        if error is not None and self._quiet_s is None:
            self._ended(commands.Ended("fault"))

    def _ended(self, ended: commands.Ended) -> None:
        if self._over:
            return
        self._finish()
        proved = None
        if ended.customer is not None and enough(ended.level, AuthLevel.PIN):  # a code is no PIN
            proved = events.Proved(ended.customer, ended.level, ended.given)
        self._heard.over(EntryEnded(ended.exit, proved, ended.lost, self._left))

    def _finish(self) -> None:
        self._over = True
        self._alarm.cancel()
        self._secret(secret=False)

    def _secret(self, *, secret: bool) -> None:
        if self._leg.channel is not None:
            self._leg.channel.collect(secret)

    def _tell_keyed(self) -> None:
        keyed = self._session.keyed
        text = "" if keyed is None else f"{keyed[0]} of {keyed[1]}"
        self._heard.keyed(text, self._session.keying, self._left)
