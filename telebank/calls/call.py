"""One telephone call: its legs, its place in the menus, the services it asked. The per-call code.

Everything arrives as an event (a SIP fact, a media event, an answer of the processor), goes through
the flow session, and comes out as commands that `_perform` carries out. Nothing here waits: a
service is asked in a task, and its work belongs to the processor, not to the call. Whatever goes
wrong inside a call ends that call and no other (`_guarded`).
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog

from telebank import wire
from telebank.calls.alarm import Alarm
from telebank.calls.aside import Aside
from telebank.calls.asking import Services
from telebank.calls.edition import Edition, Unspeakable
from telebank.calls.faxes.demand import Demand
from telebank.calls.leg import Leg
from telebank.calls.line_states import State
from telebank.calls.masking import hint_of, shown_caller
from telebank.calls.notes import Notes
from telebank.calls.services import CallServices
from telebank.calls.standing import place_words, quality, state_of
from telebank.calls.tellers.caller import AtTellers
from telebank.calls.tellers.hands import CallHands
from telebank.calls.tellers.values import Ended
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
    OfferRefused,
    Refused,
    SessionMoved,
)

log = structlog.get_logger("telebank.calls")

MAX_EARLY_KEYS = 64
"""Keys kept that come before the ACK, when the menu has not begun."""
SAMPLES_PER_SECOND = 8_000
NODE_STOPS, TOO_LONG = "node stops", "too long"
"""Reasons to hang up that are nobody's fault."""

SipFact = (
    CallConfirmed
    | CallEnded
    | KeyInfoReceived
    | OfferAnswered
    | OfferReceived
    | OfferRefused
    | SessionMoved
)


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
        self.leg = Leg(
            *("caller", offered.leg, shell.place_of(offered), *shell.speech_of(offered)),
            protection=shell.security.of_call(offered),
            learn_from=offered.source.host,
        )
        self.aside = Aside(self.leg, shell.notice)
        self.faxes = Demand(self.leg, shell, hint_of(offered))
        self._offered = offered
        self._notes = Notes(ref, self.leg.role, offered, shell)
        self._services = Services(ref, session, edition, shell, self._notes)
        self.tellers = AtTellers(self.leg, session, edition, offered, shell, self._hands())
        self._session = session
        self._edition = edition
        self._used: dict[str, list[str]] = {}
        """What each customer of this call used, by token."""
        self._shell = shell
        self._began = shell.endpoint.now()
        self._confirmed = self._ended = False
        self._reason = ""
        """Why we hung up; empty: we did not."""
        self._alarm = Alarm(self._woke)
        self._too_long: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._early_keys: list[str] = []
        self._playing: commands.Say | None = None
        self._key_method = ""
        """How the first key came: `rtp` or `info`. Of a phone that sends both ways, one counts."""
        self._heard: wire.Stats | None = None

    def begin(self) -> None:
        """Ring, and answer the INVITE: media first, then 200."""
        self._shell.act.ring(self.leg.sip)
        self._spawn(self._answer())

    def sip(self, fact: SipFact) -> None:
        """A fact of the user agent about this call."""
        self._guarded(self._sip, fact)

    def hang_up(self, reason: str) -> None:
        """End the call from our side."""
        if not self._ended:
            self._reason = self._reason or reason
            self._shell.act.hang_up(self.leg.sip, reason)

    @property
    def state(self) -> State:
        """How it stands, in a word."""
        ways = {"recording": self.aside.recording, "faxing": self.faxes.busy}
        if self.tellers.here and not self._ended:
            return "teller" if self.tellers.talks else "waiting"
        return state_of(self._session, self.leg, ended=self._ended, **ways)

    def line(self, now: float) -> dict[str, str | float]:
        """This call for lists of live lines; loss, jitter and quality once they are known."""
        return {
            "call": self.ref,
            "state": self.state,
            "from": shown_caller(self._offered),
            "trunk": self._offered.trunk,
            "node": self._session.place,
            "place": place_words(self._edition.release, self._session.place),
            "language": self._session.language,
            "release": self.release,
            "codec": self.leg.codec,
            "media_lock": self.leg.lock,
            "signalling_lock": "TLS" if self._offered.source.transport == "tls" else "",
            "seconds": round(now - self._began, 1),
            **quality(self._heard),
        }

    # -- SIP ----------------------------------------------------------------------------------

    async def _answer(self) -> None:
        shell, offered = self._shell, self._offered
        channel = await shell.media.open(self.leg.place.bind, self._media)
        if isinstance(channel, wire.OpenFailed):
            self._refuse(503, channel.reason)
            return
        self.leg.channel = channel
        if self._ended:  # cancelled while the channel was being opened
            self.leg.close()
            return
        if offered.offer is None:
            if why := self.leg.silent:
                self._refuse(488, why)
                return
            sdp = self.leg.offer()
        else:
            agreed = self.leg.answer(offered.offer)
            if isinstance(agreed, Refused):
                self._refuse(agreed.status, agreed.why)
                return
            self.leg.apply(agreed)
            sdp = agreed.sdp
        self._notes.started(self.leg.codec, self.release)
        self._limit()
        shell.act.answer(self.leg.sip, sdp)

    def _limit(self) -> None:
        """From now on the menus have so long; a talk with a teller has no such end."""
        self._unlimit()
        limit = self._shell.options.max_seconds
        self._too_long = asyncio.get_running_loop().call_later(limit, self.hang_up, TOO_LONG)

    def _unlimit(self) -> None:
        if self._too_long is not None:
            self._too_long.cancel()

    def _refuse(self, status: int, why: str) -> None:
        log.warning("call.refused", call=self.ref, status=status, why=why)
        self._notes.started(self.leg.codec, self.release)
        self._shell.act.refuse(self.leg.sip, status)

    def _sip(self, fact: SipFact) -> None:
        if self.faxes.takes(fact):
            return
        match fact:
            case CallConfirmed():
                self._acknowledged(fact)
            case OfferReceived():
                self._reoffered(fact)
            case OfferAnswered():
                self._late_answer(fact)
            case SessionMoved():
                self._moved(fact)
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
        self._feed(events.Started(self.faxes.able))
        for digit in self._early_keys:
            self._feed(events.KeyPressed(digit))
        self._early_keys.clear()

    def _late_answer(self, fact: CallConfirmed | OfferAnswered) -> bool:
        """The answer to our own offer; a call that agreed to nothing ends."""
        if fact.answer is None or self.leg.channel is None:
            return False
        agreed = self.leg.read_answer(fact.answer)
        if isinstance(agreed, Refused):
            self.hang_up(agreed.why)
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
        if same := self.leg.negotiation.repeated(fact.offer):
            act.answer(self.leg.sip, same)  # their refresh of the session (RFC 4028 7.4)
            return
        agreed = self.leg.answer(fact.offer)
        if isinstance(agreed, Refused):
            log.warning("call.offer_refused", call=self.ref, status=agreed.status, why=agreed.why)
            act.refuse(self.leg.sip, agreed.status)
            return
        act.answer(self.leg.sip, agreed.sdp)
        self.leg.apply(agreed)

    def _moved(self, fact: SessionMoved) -> None:
        """The answer to a refresh of the session names another address or codec than before."""
        agreed = self.leg.read_moved(fact.offer, fact.answer)
        if isinstance(agreed, Refused):
            self.hang_up(agreed.why)
        else:
            self.leg.apply(agreed)

    # -- media --------------------------------------------------------------------------------

    def _media(self, event: object) -> None:
        self._guarded(self._media_event, event)

    def _media_event(self, event: object) -> None:
        match event:
            case wire.Key():
                self._key_method = self._key_method or "rtp"
                if self._key_method == "rtp":
                    self._key(event.digit, event.token)
            case wire.PlayEnded():
                self._play_ended(event)
            case wire.Recorded() | wire.CallRecorded():
                self._taped(event)
            case wire.MediaLost():
                log.warning("call.media_lost", call=self.ref, seconds=event.seconds)
                self.hang_up("media lost")
            case wire.Secured():
                self.leg.secured()
            case wire.SecurityFailed():
                log.warning("call.security_failed", call=self.ref, why=event.reason)
                self._notes.add("call.security_failed", why=event.reason)
                self.hang_up(f"no media security: {event.reason}")
            case WorkerLost():
                log.error("call.worker_lost", call=self.ref)
                self.leg.channel = None
                self.aside.close()
                self.hang_up("media worker lost")
            case wire.Stats():
                known = 0 if self._heard is None else self._heard.dropped_foreign
                self._heard = event
                self._shell.media_stats(self.ref, event, event.dropped_foreign - known)
            case _:
                pass

    def _taped(self, event: wire.Recorded | wire.CallRecorded) -> None:
        if isinstance(event, wire.Recorded):
            self.aside.recorded(event)
        else:
            self.tellers.taped(event)

    def _key(self, digit: str, token: int) -> None:
        """One key. `token` is the prompt that the worker was playing when it came."""
        if self.aside.takes(digit) or self.faxes.busy or self.tellers.takes(digit, token):
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
        self._key_method = self._key_method or "info"
        if self._key_method == "info":
            if self.leg.channel is not None:
                self.leg.channel.keys_by("info")
            self._key(digit, token=0)

    def _play_ended(self, event: wire.PlayEnded) -> None:
        if self.aside.ended(event, self._playing) or self.tellers.ended(event):
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
                self._told(command)
            case commands.Used():
                customer = self._shell.vault.token(command.customer)
                self._used.setdefault(customer, []).append(command.what)
            case commands.Record():
                self._record(command)
            case commands.Enqueue():
                self._to_tellers(command)
            case commands.PrepareFax() | commands.SendFax():
                self._spawn(self._fax(command))
            case commands.HangUp():
                self.hang_up(command.reason)

    def _record(self, record: commands.Record) -> None:
        if record.kind == "call.language":
            self.aside.chose_language()
        self.tellers.recorded(record)
        self._notes.add(record.kind, **record.detail)

    def _hands(self) -> CallHands:
        return CallHands(
            now=self._now,
            guarded=self._guarded,
            ask=self._services.ask,
            told=self._told,
            record=self._record,
            proved=self._soon,
            back=self._back_from_tellers,
            hang_up=self.hang_up,
            ask_for=self._services.ask_for,
        )

    def _told(self, told: commands.Told) -> None:
        self._shell.told(self._services.request_id(told.visit), told.exit)

    def _to_tellers(self, command: commands.Enqueue) -> None:
        if not self.tellers.enqueue(command):
            self._soon(events.QueueAnswered(command.visit, "not_on_duty"))
        elif self.tellers.here:  # else the room has sent him back at once, with a new limit
            self._unlimit()

    def _back_from_tellers(self, visit: str, exit_name: str) -> None:
        self._limit()
        self._soon(events.QueueAnswered(visit, exit_name))

    def _listen(self, secret: bool) -> None:
        if self.leg.channel is not None:
            self.leg.channel.collect(secret)

    def _say(self, say: commands.Say) -> None:
        try:
            segments = self._edition.segments(say)
        except Unspeakable as error:
            log.error("call.unspeakable", call=self.ref, error=str(error))
            self._notes.add("alarm", what="unspeakable", prompt=say.prompts[0].prompt_id)
            self._soon(events.PlayEnded(say.token, completed=False, heard=False))
            return
        self._playing = say
        menu = self._session.says_menu(say.token)
        self.aside.say(say, segments, self._edition.bank, menu=menu)

    def _soon(self, event: events.Event) -> None:
        """Answer a command after the session has returned, never inside it."""
        asyncio.get_running_loop().call_soon(self._guarded, self._feed, event)

    # -- services -----------------------------------------------------------------------------

    async def _fax(self, fax: commands.PrepareFax | commands.SendFax) -> None:
        self._feed(await self.faxes.serve(self.ref, fax, self._edition, self._services.ask))

    async def _submit(self, command: commands.Submit) -> None:
        answer = await self._services.ask(command)
        self._feed(
            events.ServiceAnswered(command.visit, answer.exit, answer.data, answer.reference)
        )

    # -- the end ------------------------------------------------------------------------------

    def _finish(self, by: str) -> None:
        if self._ended:
            return
        self._ended = True
        self._alarm.cancel()
        self._unlimit()
        try:
            if self._confirmed:
                self._say_last_words()
        finally:
            self.tellers.over(_ended_how(by, self._reason))
            self.leg.close()
            self.aside.close()
            if (rest := self.faxes.over()) is not None:
                self._spawn(rest)
            self._shell.call_ended(self.ref)
            for customer, what in self._used.items():
                self._shell.used(customer, what)
            self._notes.add("call.ended", by=by, seconds=round(self._now() - self._began, 1))
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
        self._notes.add("alarm", what="call failed", error=type(error).__name__)
        self.hang_up("internal error")

    # -- small things -------------------------------------------------------------------------

    def _now(self) -> float:
        return self._shell.endpoint.now()


def _ended_how(by: str, reason: str) -> Ended:
    """How a call ended, for his teller: `by` whom (`CallEnded`), and for what `reason` if by us."""
    if by in ("remote", "cancel"):
        return "caller"
    own: Mapping[str, Ended] = {NODE_STOPS: "drain", TOO_LONG: "limit"}
    return own.get(reason, "lost") if by == "local" else "lost"
