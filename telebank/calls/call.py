"""One telephone call: its legs, its place in the menus, the services it asked. The per-call code.

Everything arrives as an event (a SIP fact, a media event, an answer of the processor), goes through
the flow session, and comes out as commands that `_perform` carries out. Nothing here waits: a
service is asked in a task, and its work belongs to the processor, not to the call. Whatever goes
wrong inside a call ends that call and no other (`_guarded`).
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from telebank import wire
from telebank.calls.alarm import Alarm
from telebank.calls.aside import Aside
from telebank.calls.edition import Edition, Unspeakable
from telebank.calls.leg import Leg
from telebank.calls.masking import mask_caller, plain
from telebank.calls.services import CallServices
from telebank.flow import commands, events
from telebank.flow.session import Session
from telebank.media.client import WorkerLost
from telebank.sip import (
    CallConfirmed,
    CallEnded,
    CallOffered,
    KeyInfoReceived,
    OfferAnswered,
    OfferReceived,
    Refused,
)
from transactions.journal import JournalEvent
from transactions.outcome import Values
from transactions.request import Request

log = structlog.get_logger("telebank.calls")

MAX_EARLY_KEYS = 64
"""Keys kept that come before the ACK, when the menu has not begun."""
SAMPLES_PER_SECOND = 8_000

SipFact = CallConfirmed | CallEnded | KeyInfoReceived | OfferAnswered | OfferReceived


class Call:
    """A caller in the menus; forgotten by its node when it is over and nothing is open."""

    def __init__(
        self,
        ref: str,
        offered: CallOffered,
        session: Session,
        edition: Edition,
        shell: CallServices,
    ) -> None:
        """`session` is of the release of `edition`."""
        self.ref = ref
        self.release = edition.hash
        """Of the menus that this caller hears to the end."""
        self.leg = Leg("caller", offered.leg, shell)
        self.aside = Aside(self.leg, shell.notice)
        self._offered = offered
        self._session = session
        self._edition = edition
        self._used: dict[str, list[str]] = {}
        """What each customer of this call used, by token."""
        self._shell = shell
        self._began = shell.endpoint.now()
        self._confirmed = self._ended = False
        self._alarm = Alarm(self._woke)
        self._too_long: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._early_keys: list[str] = []
        self._playing: commands.Say | None = None
        self._keys_by_rtp = False

    def begin(self) -> None:
        """Answer the INVITE: media first, then 200."""
        self._spawn(self._answer())

    def sip(self, fact: SipFact) -> None:
        """A fact of the user agent about this call."""
        self._guarded(self._sip, fact)

    def hang_up(self, reason: str) -> None:
        """End the call from our side."""
        if not self._ended:
            self._shell.act.hang_up(self.leg.sip, reason)

    def line(self, now: float) -> dict[str, str | float]:
        """This call for lists of live lines."""
        return {
            "call": self.ref,
            "from": mask_caller(self._offered.from_uri),
            "node": self._session.place,
            "language": self._session.language,
            "release": self.release,
            "codec": self.leg.codec,
            "seconds": round(now - self._began, 1),
        }

    # -- SIP ----------------------------------------------------------------------------------

    async def _answer(self) -> None:
        shell, offered = self._shell, self._offered
        channel = await shell.media.open(shell.media_address, self._media)
        if isinstance(channel, wire.OpenFailed):
            self._refuse(503, channel.reason)
            return
        self.leg.channel = channel
        if self._ended:  # cancelled while the channel was being opened
            self.leg.close()
            return
        if offered.offer is None:
            sdp = self.leg.offer()
        else:
            agreed = self.leg.answer(offered.offer)
            if isinstance(agreed, Refused):
                self._refuse(agreed.status, agreed.why)
                return
            self.leg.apply(agreed)
            sdp = agreed.sdp
        self._log_start()
        limit = shell.options.max_seconds
        self._too_long = asyncio.get_running_loop().call_later(limit, self.hang_up, "too long")
        shell.act.answer(self.leg.sip, sdp)

    def _refuse(self, status: int, why: str) -> None:
        log.warning("call.refused", call=self.ref, status=status, why=why)
        self._log_start()
        self._shell.act.refuse(self.leg.sip, status)

    def _sip(self, fact: SipFact) -> None:
        match fact:
            case CallConfirmed():
                self._acknowledged(fact)
            case OfferReceived():
                self._reoffered(fact)
            case OfferAnswered():
                self._late_answer(fact)
            case KeyInfoReceived():
                self._key_by_info(fact.digit)
            case CallEnded():
                self._finish(fact.by)

    def _acknowledged(self, fact: CallConfirmed) -> None:
        """The ACK came: the menu begins."""
        if fact.answer is not None and not self._late_answer(fact):
            return
        if self.leg.agreed is None or self._confirmed or self._ended:
            return
        self._confirmed = True
        self._feed(events.Started())
        for digit in self._early_keys:
            self._feed(events.KeyPressed(digit))
        self._early_keys.clear()

    def _late_answer(self, fact: CallConfirmed | OfferAnswered) -> bool:
        """The answer to our own offer; a call without a common codec ends."""
        if fact.answer is None or self.leg.channel is None:
            return False
        agreed = self.leg.read_answer(fact.answer)
        if isinstance(agreed, Refused):
            self.hang_up("no common codec")
            return False
        self.leg.apply(agreed)
        return True

    def _reoffered(self, fact: OfferReceived) -> None:
        """A re-INVITE: hold, resume, another address. The menu goes on where it was."""
        act = self._shell.act
        if self.leg.channel is None:
            act.refuse(self.leg.sip, 488)
            return
        if fact.offer is None:
            act.answer(self.leg.sip, self.leg.offer())
            return
        agreed = self.leg.answer(fact.offer)
        if isinstance(agreed, Refused):
            act.refuse(self.leg.sip, agreed.status)
            return
        act.answer(self.leg.sip, agreed.sdp)
        self.leg.apply(agreed)

    # -- media --------------------------------------------------------------------------------

    def _media(self, event: object) -> None:
        self._guarded(self._media_event, event)

    def _media_event(self, event: object) -> None:
        match event:
            case wire.Key():
                self._keys_by_rtp = True
                self._key(event.digit, event.token)
            case wire.PlayEnded():
                self._play_ended(event)
            case wire.Recorded():
                self.aside.recorded(event)
            case wire.MediaLost():
                log.warning("call.media_lost", call=self.ref, seconds=event.seconds)
                self.hang_up("media lost")
            case WorkerLost():
                log.error("call.worker_lost", call=self.ref)
                self.leg.channel = None
                self.aside.close()
                self.hang_up("media worker lost")
            case wire.Stats():
                self._shell.media_stats(self.ref, event)
            case _:
                pass

    def _key(self, digit: str, token: int) -> None:
        """One key. `token` is the prompt that the worker was playing when it came."""
        if self.aside.takes(digit):
            return
        playing = self._playing
        if playing is not None and token != playing.token and digit in playing.stop_keys:
            # Pressed before the worker had this prompt, or outside RTP: it would play on.
            self._playing = None
            if self.leg.channel is not None:
                self.leg.channel.stop()
        if self._confirmed:
            self._feed(events.KeyPressed(digit))
        elif len(self._early_keys) < MAX_EARLY_KEYS:
            self._early_keys.append(digit)

    def _key_by_info(self, digit: str) -> None:
        """A key by SIP INFO; a phone that sends both ways is heard by the first one only."""
        if not self._keys_by_rtp:
            self._key(digit, token=0)

    def _play_ended(self, event: wire.PlayEnded) -> None:
        if self.aside.ended(event, self._playing):
            return
        if self._playing is not None and self._playing.token == event.token:
            self._playing = None
        if event.reason == "refused":
            log.error("call.play_refused", call=self.ref)
        heard = event.reason == "done" or event.played >= SAMPLES_PER_SECOND
        self._feed(events.PlayEnded(event.token, completed=event.reason == "done", heard=heard))

    # -- flow ---------------------------------------------------------------------------------

    def _feed(self, event: events.Event) -> None:
        if self._confirmed and not self._ended:
            self._perform(self._session.receive(event, self._now()))

    def _woke(self, now: float) -> None:
        if not self._ended:
            self._guarded(lambda at: self._perform(self._session.wake(at)), now)

    def _perform(self, todo: list[commands.Command]) -> None:
        for command in todo:
            self._perform_one(command)
        if not self._ended:
            self._alarm.set(self._session.wake_at)

    def _perform_one(self, command: commands.Command) -> None:
        match command:
            case commands.Say():
                self._say(command)
            case commands.Listen():
                self._listen(command.secret)
            case commands.Submit():
                self._spawn(self._submit(command))
            case commands.Told():
                self._shell.told(self._request_id(command.visit), command.exit)
            case commands.Used():
                customer = self._shell.vault.token(command.customer)
                self._used.setdefault(customer, []).append(command.what)
            case commands.Record():
                self._record(command)
            case commands.Enqueue():
                self._soon(events.QueueAnswered(command.visit, "not_on_duty"))
            case commands.SendFax():
                self._soon(events.FaxAnswered(command.visit, "not_available"))
            case commands.HangUp():
                self.hang_up(command.reason)

    def _record(self, record: commands.Record) -> None:
        if record.kind == "call.language":
            self.aside.chose_language()
        self._log(record.kind, **record.detail)

    def _listen(self, secret: bool) -> None:
        if self.leg.channel is not None:
            self.leg.channel.collect(secret)

    def _say(self, say: commands.Say) -> None:
        try:
            segments = self._edition.segments(say)
        except Unspeakable as error:
            log.error("call.unspeakable", call=self.ref, error=str(error))
            self._log("alarm", what="unspeakable", prompt=say.prompts[0].prompt_id)
            self._soon(events.PlayEnded(say.token, completed=False, heard=False))
            return
        self._playing = say
        menu = self._session.says_menu(say.token)
        self.aside.say(say, segments, self._edition.bank, menu=menu)

    def _soon(self, event: events.Event) -> None:
        """Answer a command after the session has returned, never inside it."""
        asyncio.get_running_loop().call_soon(self._guarded, self._feed, event)

    # -- services -----------------------------------------------------------------------------

    def _request_id(self, visit: str) -> str:
        return f"{self.ref}-{visit}"

    async def _submit(self, command: commands.Submit) -> None:
        request = self._request(command)
        asked_at = self._now()
        self._log("service.asked", service=request.service, request=request.id)
        answer = await self._shell.processor.submit(request)
        self._log(
            "service.answered",
            service=request.service,
            exit=answer.exit,
            ms=round((self._now() - asked_at) * 1000),
            request=request.id,
        )
        data: Values = answer.data
        self._feed(events.ServiceAnswered(command.visit, answer.exit, data, answer.reference))

    def _request(self, command: commands.Submit) -> Request:
        shell = self._shell
        card = command.authenticated
        customer = shell.vault.token(card) if card is not None else None
        return Request(
            id=self._request_id(command.visit),
            service=command.service,
            contract_version=self._edition.contracts[command.service].version,
            inputs=command.inputs,
            actor=customer or "caller",
            call=self.ref,
            language=self._session.language,
            auth=command.auth,
            authenticated_token=customer,
            node=shell.node_id,
            release=self.release,
        )

    # -- the end ------------------------------------------------------------------------------

    def _finish(self, by: str) -> None:
        if self._ended:
            return
        self._ended = True
        self._alarm.cancel()
        if self._too_long is not None:
            self._too_long.cancel()
        try:
            if self._confirmed:
                self._say_last_words()
        finally:
            self.leg.close()
            self.aside.close()
            self._shell.call_ended(self.ref)
            for customer, what in self._used.items():
                self._shell.used(customer, what)
            self._log("call.ended", by=by, seconds=round(self._now() - self._began, 1))
            self._forget_if_over()

    def _say_last_words(self) -> None:
        """The session says what it still has to record; it plays and asks nothing more."""
        for command in self._session.receive(events.HungUp(), self._now()):
            if isinstance(command, commands.Record | commands.Told):
                self._perform_one(command)

    def _forget_if_over(self) -> None:
        if self._ended and not self._tasks:
            self._shell.forget(self.leg.sip)

    # -- faults -------------------------------------------------------------------------------

    def _guarded(self, act: Callable[[Any], None], value: object) -> None:
        try:
            act(value)
        except Exception as error:  # noqa: BLE001 - the boundary of one call: it ends, no other does
            self._failed(error)

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name=f"call {self.ref}")
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._failed(error)
        self._forget_if_over()

    def _failed(self, error: BaseException) -> None:
        """A bug of ours. Its text may hold what the caller entered, so only its place is logged."""
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else ""
        log.error("call.failed", call=self.ref, error=type(error).__name__, where=where)
        self._log("alarm", what="call failed", error=type(error).__name__)
        self.hang_up("internal error")

    # -- small things -------------------------------------------------------------------------

    def _now(self) -> float:
        return self._shell.endpoint.now()

    def _log_start(self) -> None:
        self._log(
            "call.started",
            from_masked=mask_caller(self._offered.from_uri),
            to=plain(self._offered.to_uri),
            codec=self.leg.codec,
            release=self.release,
        )

    def _log(self, kind: str, **detail: str | int | float | bool | None) -> None:
        request = detail.pop("request", None)
        self._shell.recorder.append(
            JournalEvent(
                kind,
                call=self.ref,
                leg=self.leg.role,
                request=str(request) if request is not None else None,
                actor="caller",
                role="caller",
                origin=f"{self._offered.source[0]}:{self._offered.source[1]}",
                outcome=str(detail.get("exit", "")),
                detail=dict(detail),
            )
        )
