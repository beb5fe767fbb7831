"""One telephone call: its legs, its media, its place in the menus. The only per-call code.

Everything arrives as an event (a SIP fact, a media event, an answer of the processor), goes through
the flow session, and comes out as commands that `_perform` carries out. Nothing here waits: a
service is asked in a task, and its work belongs to the processor, not to the call.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Literal

import structlog

from telebank import wire
from telebank.calls.alarm import Alarm
from telebank.calls.services import CallServices
from telebank.flow import commands, events
from telebank.flow.session import Session
from telebank.media.client import MediaChannel, WorkerLost
from telebank.sip import Answer, CallConfirmed, CallOffered, OfferReceived, Refused, answer_audio
from telebank.sip import CallEnded as SipEnded
from transactions.contract import Service
from transactions.journal import JournalEvent
from transactions.outcome import Values
from transactions.request import Request

log = structlog.get_logger("telebank.calls")

Role = Literal["caller", "teller", "supervisor", "fax"]
MAX_KEYS_BEFORE_START = 64
"""Keys kept that come before the ACK, when the menu has not begun."""


@dataclass(slots=True)
class Leg:
    """One party of a call: its SIP dialog and its media channel."""

    role: Role
    sip: str
    channel: MediaChannel | None = None
    answer: Answer | None = None
    sdp_version: int = 1


@dataclass(slots=True)
class Progress:
    """What the log says of a call when it ends."""

    started: float
    confirmed: bool = False
    ended: bool = False
    early_keys: list[events.KeyPressed] = field(default_factory=list)


class Call:
    """A caller in the menus. `done` is called once, when the call is over and nothing is open."""

    def __init__(
        self, ref: str, offered: CallOffered, session: Session, shell: CallServices
    ) -> None:
        self.ref = ref
        self.offered = offered
        self.leg = Leg("caller", offered.leg)
        self.session = session
        self._shell = shell
        self._alarm = Alarm(self._woke)
        self._tasks: set[asyncio.Task[None]] = set()
        self._progress = Progress(shell.endpoint.now())
        self._too_long: asyncio.TimerHandle | None = None
        self._playing: commands.Say | None = None

    # -- SIP ----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Answer the INVITE: media first, then 200."""
        self._spawn(self._answer())

    async def _answer(self) -> None:
        shell = self._shell
        channel = await shell.media.open(shell.media_address, self._media_event)
        if isinstance(channel, wire.OpenFailed):
            log.error("call.no_media", call=self.ref, reason=channel.reason)
            shell.act.refuse(self.leg.sip, 503)
            return
        self.leg.channel = channel
        if self._progress.ended:
            self._close_media()
            return
        agreed = self._agree(self.offered, channel)
        if agreed is None:
            return
        shell.act.answer(self.leg.sip, agreed)
        answer = self.leg.answer
        self._log(
            "call.started",
            from_masked=mask_caller(self.offered.from_uri),
            to=self.offered.to_uri,
            codec=answer.codec if answer else "",
        )
        limit = shell.options.max_seconds
        self._too_long = asyncio.get_running_loop().call_later(limit, self.hang_up, "too long")

    def _agree(self, offered: CallOffered, channel: MediaChannel) -> bytes | None:
        """The SDP for the 200: our answer, or our offer where the INVITE had none."""
        if offered.offer is None:
            return self._shell.offer(channel.port)
        agreed = answer_audio(offered.offer, self._shell.advertised, channel.port)
        if isinstance(agreed, Refused):
            self._shell.act.refuse(self.leg.sip, agreed.status)
            return None
        self._set_remote(agreed)
        return agreed.sdp

    def confirmed(self, fact: CallConfirmed) -> None:
        """The ACK came: the menu begins."""
        if fact.answer is not None:
            self._late_answer(fact)
        if self.leg.answer is None or self._progress.confirmed:
            return
        self._progress.confirmed = True
        now = self._now()
        self._perform(self.session.receive(events.Started(), now))
        for key in self._progress.early_keys:
            self._feed(key)
        self._progress.early_keys.clear()

    def _late_answer(self, fact: CallConfirmed) -> None:
        assert fact.answer is not None
        assert self.leg.channel is not None
        agreed = self._shell.read_answer(self.leg.channel.port, fact.answer)
        if isinstance(agreed, Refused):
            self.hang_up("no common codec")
            return
        self._set_remote(agreed)

    def reoffered(self, fact: OfferReceived) -> None:
        """A re-INVITE: hold, resume, another address. The menu goes on where it was."""
        channel = self.leg.channel
        if channel is None:
            self._shell.act.refuse(self.leg.sip, 488)
            return
        self.leg.sdp_version += 1
        version = self.leg.sdp_version
        if fact.offer is None:
            self._shell.act.answer(self.leg.sip, self._shell.offer(channel.port, version))
            return
        agreed = answer_audio(
            fact.offer, self._shell.advertised, channel.port, self._codec(), version=version
        )
        if isinstance(agreed, Refused):
            self._shell.act.refuse(self.leg.sip, agreed.status)
            return
        self._set_remote(agreed)
        self._shell.act.answer(self.leg.sip, agreed.sdp)

    def _codec(self) -> tuple[str, ...]:
        """Stay with the codec in use where the new offer still has it."""
        used = self.leg.answer.codec if self.leg.answer else "PCMA"
        return (used, "PCMU" if used == "PCMA" else "PCMA")

    def _set_remote(self, agreed: Answer) -> None:
        channel = self.leg.channel
        assert channel is not None
        self.leg.answer = agreed
        channel.hold(agreed.hold)
        channel.set_remote(
            wire.SetRemote(
                address=agreed.remote[0],
                port=agreed.remote[1],
                codec=agreed.codec,
                payload_type=agreed.payload_type,
                event_type=agreed.event_payload_type,
                ptime_ms=agreed.ptime_ms,
                direction=agreed.direction,
                rtcp_mux=agreed.rtcp_mux,
            )
        )

    def ended(self, fact: SipEnded) -> None:
        """The SIP leg is gone. Requests in flight go on without the caller."""
        self._finish(fact.by)

    def hang_up(self, reason: str) -> None:
        """End the call from our side."""
        if not self._progress.ended:
            self._shell.act.hang_up(self.leg.sip, reason)

    # -- media --------------------------------------------------------------------------------

    def _media_event(self, event: object) -> None:
        match event:
            case wire.Key():
                self._key(event)
            case wire.PlayEnded():
                self._play_ended(event)
            case wire.MediaLost():
                log.warning("call.media_lost", call=self.ref, seconds=event.seconds)
                self.hang_up("media lost")
            case WorkerLost():
                log.error("call.worker_lost", call=self.ref)
                self.leg.channel = None
                self.hang_up("media worker lost")
            case wire.Stats():
                self._shell.media_stats(self.ref, event)
            case _:
                pass

    def _key(self, key: wire.Key) -> None:
        playing = self._playing
        if playing is not None and key.token != playing.token and key.digit in playing.stop_keys:
            # It was pressed before the worker had this prompt, which therefore plays on.
            self._stop_playing()
        pressed = events.KeyPressed(key.digit)
        if self._progress.confirmed:
            self._feed(pressed)
        elif len(self._progress.early_keys) < MAX_KEYS_BEFORE_START:
            self._progress.early_keys.append(pressed)

    def _play_ended(self, event: wire.PlayEnded) -> None:
        if self._playing is not None and self._playing.token == event.token:
            self._playing = None
        self._feed(events.PlayEnded(event.token, completed=event.reason == "done"))

    def key_info(self, digit: str) -> None:
        """A key by SIP INFO."""
        self._feed(events.KeyPressed(digit))

    def line(self, now: float) -> dict[str, str | float]:
        """This call for lists of live lines."""
        answer = self.leg.answer
        return {
            "call": self.ref,
            "from": mask_caller(self.offered.from_uri),
            "node": self.session.place,
            "language": self.session.language,
            "codec": answer.codec if answer else "",
            "seconds": round(now - self._progress.started, 1),
        }

    # -- flow ---------------------------------------------------------------------------------

    def _feed(self, event: events.Event) -> None:
        if self._progress.confirmed and not self._progress.ended:
            self._perform(self.session.receive(event, self._now()))

    def _woke(self, now: float) -> None:
        if not self._progress.ended:
            self._perform(self.session.wake(now))

    def _perform(self, todo: list[commands.Command]) -> None:
        for command in todo:
            self._perform_one(command)
        if not self._progress.ended:
            self._alarm.set(self.session.wake_at)

    def _perform_one(self, command: commands.Command) -> None:
        match command:
            case commands.Say():
                self._say(command)
            case commands.Listen():
                if self.leg.channel is not None:
                    self.leg.channel.collect(command.secret)
            case commands.Submit():
                self._spawn(self._submit(command))
            case commands.Told():
                self._shell.told(self._request_id(command.visit), command.exit)
            case commands.Record():
                self._log(command.kind, **command.detail)
            case commands.Enqueue():
                self._soon(events.QueueAnswered(command.visit, "not_on_duty"))
            case commands.SendFax():
                self._soon(events.FaxAnswered(command.visit, "not_available"))
            case commands.HangUp():
                self.hang_up(command.reason)

    def _say(self, say: commands.Say) -> None:
        segments = self._shell.segments(say)
        self._playing = say
        if self.leg.channel is not None:
            self.leg.channel.play(segments, say.stop_keys, say.token)

    def _stop_playing(self) -> None:
        self._playing = None
        if self.leg.channel is not None:
            self.leg.channel.stop()

    def _soon(self, event: events.Event) -> None:
        """Answer a command after the session has returned, never inside it."""
        asyncio.get_running_loop().call_soon(self._feed, event)

    # -- services -----------------------------------------------------------------------------

    def _request_id(self, visit: str) -> str:
        return f"{self.ref}-{visit}"

    async def _submit(self, command: commands.Submit) -> None:
        shell = self._shell
        service = shell.contracts[command.service]
        request = self._request(command, service)
        asked_at = self._now()
        self._log("service.asked", service=service.name, request=request.id)
        answer = await shell.processor.submit(request)
        self._log(
            "service.answered",
            service=service.name,
            exit=answer.exit,
            ms=round((self._now() - asked_at) * 1000),
            request=request.id,
        )
        data: Values = answer.data
        self._feed(events.ServiceAnswered(command.visit, answer.exit, data, answer.reference))

    def _request(self, command: commands.Submit, service: Service) -> Request:
        shell = self._shell
        card = command.authenticated
        return Request(
            id=self._request_id(command.visit),
            service=service.name,
            contract_version=service.version,
            inputs=command.inputs,
            actor="caller",
            call=self.ref,
            language=self.session.language,
            auth=command.auth,
            authenticated_token=shell.vault.token(card) if card is not None else None,
            node=shell.node_id,
            release=shell.release.hash,
        )

    # -- the end ------------------------------------------------------------------------------

    def _finish(self, by: str) -> None:
        if self._progress.ended:
            return
        self._progress.ended = True
        self._alarm.cancel()
        if self._too_long is not None:
            self._too_long.cancel()
        if self._progress.confirmed:
            # The session says what it still has to record; it plays and asks nothing more.
            for command in self.session.receive(events.HungUp(), self._now()):
                if isinstance(command, commands.Record | commands.Told):
                    self._perform_one(command)
        self._close_media()
        self._log("call.ended", by=by, seconds=round(self._now() - self._progress.started, 1))
        if not self._tasks:
            self._shell.forget(self.leg.sip)

    def _close_media(self) -> None:
        if self.leg.channel is not None:
            self.leg.channel.close()
            self.leg.channel = None

    def _spawn(self, coroutine: "asyncio._CoroutineLike[None]") -> None:
        task = asyncio.get_running_loop().create_task(coroutine, name=f"call {self.ref}")
        self._tasks.add(task)
        task.add_done_callback(self._task_done)

    def _task_done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("call.failed", call=self.ref, error=repr(error), exc_info=error)
            self.hang_up("internal error")
        if self._progress.ended and not self._tasks:
            self._shell.forget(self.leg.sip)

    def _now(self) -> float:
        return self._shell.endpoint.now()

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
                origin=f"{self.offered.source[0]}:{self.offered.source[1]}",
                outcome=str(detail.get("exit", "")),
                detail=dict(detail),
            )
        )


def mask_caller(uri: str) -> str:
    """The calling number for lists: its first three and last two characters (a hint, not proof)."""
    user = uri.partition(":")[2].partition("@")[0] or uri
    hidden = 5
    return user if len(user) <= hidden else f"{user[:3]}{'*' * (len(user) - hidden)}{user[-2:]}"
