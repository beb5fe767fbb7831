"""The PIN that a teller asks for: a session beside the caller's own, which speaks to him and takes
his keys while nobody hears him.

Keys are secret from before the first word to the end, whatever the session says of them.
"""

import asyncio
from typing import Protocol

import structlog

from telebank import wire
from telebank.calls.alarm import Alarm
from telebank.calls.edition import Edition, Unspeakable
from telebank.calls.tellers.hands import CallHands, EntryEnded, Listener
from telebank.flow import commands, events
from telebank.flow.session import Session
from telebank.media.client import MediaChannel

log = structlog.get_logger("telebank.tellers")

HEARD = 8_000
"""Samples after which a caller knows what was said."""


class Heard(Protocol):
    """Whose media it is: `telebank.calls.leg.Leg`, or a line of ours."""

    @property
    def channel(self) -> MediaChannel | None:
        """None: there are none now."""
        ...


class Entry:
    """Of one call, once. `begin`; then it ends by itself, or is cancelled."""

    def __init__(
        self,
        session: Session,
        leg: Heard,
        edition: Edition,
        hands: CallHands,
        heard: Listener,
    ) -> None:
        self._session = session
        self._leg = leg
        self._edition = edition
        self._hands = hands
        self._heard = heard
        self._alarm = Alarm(lambda now: hands.guarded(self._woke, now))
        self._playing: commands.Say | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._over = False

    def begin(self) -> None:
        """His keys are secret, and the first words are said."""
        self._secret(secret=True)
        self._feed(events.Started())

    def key(self, digit: str, token: int) -> None:
        """A key; `token` is what the worker was playing when it came."""
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
        heard = done or event.played >= HEARD
        self._feed(events.PlayEnded(event.token, completed=done, heard=heard))
        return True

    def cancel(self) -> None:
        """The caller is gone, or the teller takes him back."""
        if not self._over:
            todo = self._session.receive(events.HungUp(), self._hands.now())
            for command in todo:
                if isinstance(command, commands.Record | commands.Told):
                    self._perform_one(command)
            self._finish()

    # -- the session --------------------------------------------------------------------------

    def _feed(self, event: events.Event) -> None:
        if not self._over:
            self._perform(self._session.receive(event, self._hands.now()))

    def _woke(self, now: float) -> None:
        if not self._over:
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
            soon(self._feed, events.PlayEnded(say.token, completed=False, heard=False))
            return
        self._playing = say
        if self._leg.channel is not None:
            self._leg.channel.play(segments, say.stop_keys, say.token, self._edition.bank)

    async def _submit(self, command: commands.Submit) -> None:
        answer = await self._hands.ask(command)
        self._feed(
            events.ServiceAnswered(command.visit, answer.exit, answer.data, answer.reference)
        )

    def _submitted(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("entry.failed", error=type(error).__name__)
            self._ended(commands.Ended("fault"))

    def _ended(self, ended: commands.Ended) -> None:
        if self._over:
            return
        self._finish()
        proved = None
        if ended.customer is not None:
            proved = events.Proved(ended.customer, ended.level, ended.given)
        self._heard.over(EntryEnded(ended.exit, proved, ended.lost))

    def _finish(self) -> None:
        self._over = True
        self._alarm.cancel()
        self._secret(secret=False)

    def _secret(self, *, secret: bool) -> None:
        if self._leg.channel is not None:
            self._leg.channel.collect(secret)

    def _tell_keyed(self) -> None:
        keyed = self._session.keyed
        self._heard.keyed("" if keyed is None else f"{keyed[0]} of {keyed[1]}")
