"""One SIP leg with a fax on it: switched to T.38 or to fax over G.711, and back to speech.

    leg = FaxLeg(shell, process, task, on_progress)
    outcome = await leg.place(target, caller, destination)   # a call of ours
    outcome = await leg.take(offered)                        # a call to a number that receives
    outcome = await leg.within(call.leg)                     # a caller's own call

One of the three, once. Whatever happens, its line is closed once, and it ends.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress

from telebank.calls.alarm import Alarm
from telebank.calls.endpoint import Fact
from telebank.calls.faxes.values import (
    HUNG_UP,
    LOST,
    NOT_AGREED,
    TOO_LONG,
    Account,
    Answered,
    FaxLines,
    FaxOutcome,
    FaxTask,
    Progress,
)
from telebank.calls.leg import Leg
from telebank.calls.services import CallServices, MediaPlace
from telebank.faxing import client as faxing
from telebank.sip import (
    AnswerOffer,
    BadUri,
    CallEnded,
    CallOffered,
    CallRefused,
    FaxEnded,
    FaxNegotiated,
    FaxPorts,
    FaxSwitch,
    FaxWanted,
    Finished,
    HangUp,
    Hop,
    Move,
    Negotiation,
    Offer,
    RefuseOffer,
    RunAudio,
    RunT38,
    Speak,
    SwitchCommand,
    SwitchEvent,
    ToneHeard,
    Withdraw,
)

RETURN_S = 45.0
"""Seconds a fax that was ended by us has to bring speech back; an offer takes 32 at most."""
CLOSE_S = 3.0
"""Seconds a line has to say how its fax ended."""
BUSY = (486, 600)
ABSENT = (408, 480, 487)
SECURE_ONLY = "media_srtp"
"""Faxes go in the clear, and the other side takes SRTP alone."""
NEVER = (403, 404, 410, 484, 485, 603, 604)
"""Refusals that another call will meet again."""


class FaxLeg:
    """Of one fax and one call; see the module."""

    def __init__(
        self,
        shell: CallServices,
        lines: FaxLines,
        task: FaxTask,
        on_progress: Callable[[Progress], None] = lambda _progress: None,
    ) -> None:
        """`on_progress` must not wait; a page counted in it is confirmed, or received."""
        self._shell = shell
        self._lines = lines
        self._task = task
        self._on_progress = on_progress
        self._account = Account(task)
        self._alarm = Alarm(self._woke)
        self._leg = ""
        self._voice: Leg | None = None
        self._line: faxing.FaxLine | None = None
        self._switch: FaxSwitch | None = None
        self._waiting: deque[SwitchEvent | None] = deque()
        """Facts not taken yet; None: the switch's own time has come."""
        self._feeding = self._gone = self._parked = self._given_back = False
        self._finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closed = asyncio.Event()

    @property
    def called(self) -> bool:
        """Whether there is, or was, a call at all."""
        return bool(self._leg)

    # -- the three ways -----------------------------------------------------------------------

    async def place(
        self, target: str, caller: str, destination: Hop, trunk: str = ""
    ) -> FaxOutcome:
        """Call `target` (a SIP URI) from `caller` through `destination`, the peer of `trunk` where
        it has a name; hang up at the end."""
        try:
            return await self._place(target, caller, destination, trunk)
        finally:
            self._shut()

    def take(self, offered: CallOffered) -> Awaitable[FaxOutcome]:
        """Claim a call at once, and answer it when awaited; hang up at the end."""
        self._leg = offered.leg
        self._shell.claim(self._leg, self.sip)
        return self._take(offered)

    async def within(self, voice: Leg) -> FaxOutcome:
        """Take over a caller's live call and give it back. Until then the call's facts come to
        `sip`, and the voice channel is silent without a time-out."""
        try:
            return await self._within(voice)
        finally:
            self._shut()

    async def _place(self, target: str, caller: str, destination: Hop, trunk: str) -> FaxOutcome:
        if self._shell.security.to_trunk(trunk) == "srtp":
            return self._refused(SECURE_ONLY, again=False)
        place = self._shell.media_place(destination.host)
        negotiation = Negotiation(place.advertised)
        if not await self._open(place, negotiation, destination.host) or self._account.reason:
            return self._account.outcome()  # or it was cancelled meanwhile
        assert self._line is not None
        sdp = negotiation.offer_speech(self._line.audio_port, events=False)
        endpoint = self._shell.endpoint
        try:
            self._leg, commands = endpoint.agent.invite(
                target, caller, sdp, endpoint.now(), destination=destination, trunk=trunk
            )
        except BadUri:
            return self._refused("no_such_number", again=False)
        self._shell.claim(self._leg, self.sip)
        endpoint.perform(commands)
        return await self._run()

    async def _take(self, offered: CallOffered) -> FaxOutcome:
        try:
            if self._shell.security.of_call(offered).policy.way == "srtp":
                self._shell.act.refuse(self._leg, 488)
                return self._refused(SECURE_ONLY)
            place = self._shell.place_of(offered)
            negotiation = Negotiation(place.advertised)
            if not await self._open(place, negotiation, offered.source.host):
                self._shell.act.refuse(self._leg, 503)
                return self._account.outcome()
            self._feed(offered)
            return await self._run()
        finally:
            self._shut()

    async def _within(self, voice: Leg) -> FaxOutcome:
        self._voice, self._leg = voice, voice.sip
        if voice.negotiation.protection.policy.way == "srtp":
            return self._refused(SECURE_ONLY, again=False)
        channel = voice.channel
        opened = channel is not None and await self._open(
            voice.place, voice.negotiation, voice.learn_from, channel.port, voice.codec
        )
        if not opened or voice.channel is None:  # where he hung up meanwhile, nobody tells us
            self._account.reason = self._account.reason or HUNG_UP
            return self._account.outcome()
        self._feed(FaxWanted())
        return await self._run()

    def cancel(self, reason: str) -> None:
        """End it; what was confirmed counts, and a caller's call goes on."""
        self._account.reason = self._account.reason or reason
        self._close_line()
        self._feed(FaxEnded())

    async def _open(
        self,
        place: MediaPlace,
        negotiation: Negotiation,
        learn_from: str,
        speech: int | None = None,
        codec: str = "",
    ) -> bool:
        """`learn_from`: the host that the signalling comes from."""
        opened = await self._lines.open(place.bind, self._line_told, learn_from)
        if isinstance(opened, faxing.OpenFailed):
            self._refused(opened.reason)
            return False
        self._line = opened
        if negotiation.fresh:
            negotiation.session_id = opened.number + 1
        self._switch = FaxSwitch(
            negotiation,
            FaxPorts(opened.audio_port, opened.t38_port, speech),
            self._task.way,
            receiving=self._task.receives,
            codec=codec,
        )
        return True

    def _refused(self, reason: str, *, again: bool = True) -> FaxOutcome:
        self._account.reason, self._account.again = reason, again
        return self._account.outcome()

    async def _run(self) -> FaxOutcome:
        await self._through()
        self._close_line()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closed.wait(), CLOSE_S)
        return self._account.outcome()

    async def _through(self) -> None:
        await asyncio.wait([self._finished], timeout=self._task.watchdog_s)
        if not self._finished.done():
            self.cancel(TOO_LONG)
            await asyncio.wait([self._finished], timeout=RETURN_S)
        if self._finished.done():
            self._finished.result()
        else:
            self._hang_up(TOO_LONG)

    # -- facts in -----------------------------------------------------------------------------

    def sip(self, fact: Fact) -> None:
        """A fact of the user agent about this leg."""
        match fact:
            case CallEnded():
                self._gone = True
            case CallRefused():
                self._gone = True
                self._account.reason = _why(fact.status)
                self._account.again = fact.status not in NEVER
        self._feed(fact)

    def _line_told(self, event: faxing.Event) -> None:
        match event:
            case faxing.Heard():
                self._feed(ToneHeard(event.tone))
            case faxing.Negotiated():
                first = self._account.negotiated is None
                self._account.note(event)
                self._feed(FaxNegotiated())
                if first:
                    self._on_progress(event)
            case faxing.PageConfirmed() | faxing.PageReceived() | faxing.PostMessageSent():
                self._account.note(event)
                self._on_progress(event)
            case faxing.Ended():
                self._account.note(event)
                self._feed(FaxEnded())
            case faxing.LineLost():
                self._account.reason = self._account.reason or LOST
                self._closed.set()
                self._feed(FaxEnded())
            case faxing.Closed():
                self._closed.set()
                self._feed(FaxEnded())

    def _woke(self, now: float) -> None:
        del now
        self._feed(None)

    def _feed(self, event: SwitchEvent | None) -> None:
        """Facts that come of carrying out commands wait until those are carried out."""
        self._waiting.append(event)
        if self._feeding or self._switch is None:
            return
        self._feeding = True
        try:
            while self._waiting:
                self._perform(self._next(self._switch, self._waiting.popleft()))
            self._alarm.set(self._switch.wake_at)
        except Exception as error:
            # A bug of ours, or of the line's process: it came in an event of SIP or of the line,
            # which would only log it. Who waits for this fax must hear of it, or he waits for ever.
            if self._finished.done():
                raise
            self._finished.set_exception(error)
        finally:
            self._feeding = False

    def _next(self, switch: FaxSwitch, event: SwitchEvent | None) -> list[SwitchCommand]:
        now = self._shell.endpoint.now()
        return switch.wake(now) if event is None else switch.receive(event, now)

    # -- commands out -------------------------------------------------------------------------

    def _perform(self, commands: list[SwitchCommand]) -> None:
        for command in commands:
            self._perform_one(command)

    def _perform_one(self, command: SwitchCommand) -> None:
        act = self._shell.act
        match command:
            case Offer():
                act.reoffer(self._leg, command.sdp)
            case AnswerOffer():
                act.answer(self._leg, command.sdp)
            case RefuseOffer():
                act.refuse(self._leg, command.status)
            case Withdraw():
                act.withdraw(self._leg)
            case RunT38() | RunAudio():
                self._begin(command)
            case Move():
                assert self._line is not None
                self._line.move(command.remote)
            case Speak():
                self._speak(command)
            case HangUp():
                self._hang_up(command.reason)
            case Finished():
                self._over(command.reason)

    def _begin(self, run: RunT38 | RunAudio) -> None:
        assert self._line is not None
        if self._voice is not None:
            self._parked = True
            self._voice.park()
        work, calling, options = self._task.work, not self._task.receives, self._task.terminal
        answered: Answered
        if isinstance(run, RunT38):
            answered = Answered("t38")
            self._line.begin_t38(run.remote, run.max_datagram, work, calling, options)
        else:
            answered = Answered("audio")
            self._line.begin_audio(run.remote, run.codec, work, calling, options)
        first = not self._account.over
        self._account.note(answered)
        if first:
            self._on_progress(answered)

    def _speak(self, speak: Speak) -> None:
        if self._voice is not None:
            self._parked = False
            self._voice.apply(speak.agreed)

    def _over(self, reason: str) -> None:
        if reason and self._account.ended is None:
            self._account.reason = self._account.reason or reason
        if not self._finished.done():
            self._finished.set_result(None)

    def _hang_up(self, reason: str) -> None:
        if not self._gone:
            self._shell.act.hang_up(self._leg, reason)

    @property
    def takes(self) -> bool:
        """Whether the facts of a caller's call belong to its fax now."""
        return self._switch is not None and not self._finished.done()

    def _shut(self) -> None:
        """Nothing stays open, also where whoever waited was cancelled."""
        self._alarm.cancel()
        self._close_line()
        if self._voice is None:
            self._hang_up("fax over")
            self._shell.release(self._leg)
        elif self._parked and not self._gone:
            self._voice.resume()

    def _close_line(self) -> None:
        if self._line is not None and not self._given_back:
            self._given_back = True
            self._line.close()


def _why(status: int) -> str:
    if status in BUSY:
        return "busy"
    if status in ABSENT:
        return "no_answer"
    return NOT_AGREED if status in (415, 488, 606) else f"refused_{status}"
