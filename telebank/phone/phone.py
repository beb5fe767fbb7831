"""A phone: places calls over one SIP socket, presses keys, says what it hears."""

import asyncio
import contextlib
import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from telebank import sip
from telebank.calls.connection_options import ConnectionOptions, TlsFiles
from telebank.calls.endpoint import Endpoint, Fact, Listening
from telebank.phone.address import host_of, resolve
from telebank.phone.connecting import why_lost
from telebank.phone.hearing import ClipHeard, Ear, Lexicon
from telebank.phone.report import CallReport, KeyAnswered, named
from telebank.phone.rtp import PhoneMedia
from telebank.phone.script import AwaitPrompt, Pause, Press, Step
from telebank.rtp import Packet
from voice_prompts import g711

TICK_S = 0.02
OnHeard = Callable[[ClipHeard], None]
OnSound = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True)
class PhoneOptions:
    """How a caller behaves; times in seconds."""

    quiet_s: float = 0.6
    """Silence after which the bank has said its sentence."""
    patience_s: float = 30.0
    """Longest wait for a prompt, or for the bank to speak, before the call fails."""
    max_seconds: float = 600.0
    """Longest call."""
    silence_s: float = 20.0
    """Longest time without a single packet from the bank, which sends all through a call."""
    hang_up_after: str = ""
    """Hang up when this prompt has been heard whole."""
    expect: tuple[str, ...] = ()
    """Hang up when the script is over and all of these have been heard."""
    stay_s: float = math.inf
    """Without those: hang up when the script is over and the bank has answered its last keys this
    long ago and is quiet; infinite: stay on until the bank hangs up."""
    from_user: str = "13800001234"
    """Calling number given in From."""
    answer_s: float = 30.0
    """Longest wait for the answer to the INVITE; it begins again when the bank says it rings."""
    codecs: tuple[str, ...] = ("PCMA", "PCMU")
    """What is offered, best first."""


class CallFailed(Exception):  # noqa: N818 - reads as what it is
    """What the script waited for did not come; the text says what."""


class Phone:
    """One SIP socket, a 20 ms tick and any number of calls."""

    def __init__(self, lexicons: dict[str, Lexicon]) -> None:
        self._lexicons = lexicons
        self._calls: dict[str, PhoneCall] = {}
        self.stopped = False
        """Told to hang up."""
        self._endpoint: Endpoint
        self._ticker: asyncio.Task[None]

    async def start(self, address: str = "127.0.0.1", tls: TlsFiles | None = None) -> None:
        """Bind a free port and begin to tick; `tls` is for calls by TLS. Raises `OSError`, and
        `TlsFileError`."""
        options = sip.SipOptions(user_agent="telebank call", max_calls=10_000)
        self._tls = tls
        places = (sip.Hop(address, 0), sip.Hop(address, 0, "tcp"))
        self._endpoint = Endpoint.bind(
            Listening(places, connections=ConnectionOptions(max_opening=1_000), tls=tls),
            lambda local: sip.UserAgent(local, options, lambda: secrets.token_hex(8)),
            self._fact,
        )
        await self._endpoint.start()
        self._ticker = asyncio.create_task(self._tick(), name="phone tick")

    def hang_up(self) -> None:
        """Hang up every call, and take on no more."""
        self.stopped = True
        for call in list(self._calls.values()):
            call.hang_up()

    async def close(self) -> None:
        """Hang up what is left and close the socket."""
        self.hang_up()
        for _ in range(50):
            if not self._calls:
                break
            await asyncio.sleep(0.05)
        self._ticker.cancel()
        await asyncio.gather(self._ticker, return_exceptions=True)
        await self._endpoint.close()

    async def dial(
        self,
        target: str,
        options: PhoneOptions,
        on_heard: OnHeard | None = None,
        on_sound: OnSound | None = None,
    ) -> "PhoneCall":
        """Send the INVITE; raises `ValueError` for a target that is no SIP address.

        `on_heard` is told each clip, `on_sound` each packet's codec and octets.
        """
        destination = await resolve(target)
        if destination.transport == "tls":
            self._endpoint.connections.server_names[destination] = host_of(target)
        media_address, _ = self._endpoint.advertised
        call = PhoneCall(
            self._endpoint,
            self._lexicons,
            options,
            target,
            on_heard=on_heard,
            on_sound=on_sound,
            hop=destination,
            tls=self._tls,
        )
        call.media = await PhoneMedia.open(media_address, call.packet)
        offer = sip.make_offer(media_address, call.media.port, options.codecs)
        call.offer = sip.SessionDescription.parse(offer)
        shown = f"[{media_address}]" if ":" in media_address else media_address
        from_uri = f"sip:{options.from_user}@{shown}"
        leg, commands = self._endpoint.agent.invite(
            target, from_uri, offer, self._endpoint.now(), destination=destination
        )
        call.leg = leg
        self._calls[leg] = call
        call.over.add_done_callback(lambda _: self._calls.pop(leg, None))
        self._endpoint.perform(commands)
        if self.stopped:
            call.hang_up()
        return call

    def _fact(self, fact: Fact) -> None:
        leg = getattr(fact, "leg", None)
        call = self._calls.get(leg) if isinstance(leg, str) else None
        if call is not None:
            call.fact(fact)

    async def _tick(self) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            for call in list(self._calls.values()):
                call.media.tick()
            due = max(due + TICK_S, loop.time() - 1)
            await asyncio.sleep(max(0.0, due - loop.time()))


class PhoneCall:
    """One call from our side."""

    media: PhoneMedia
    offer: sip.SessionDescription
    leg: str

    def __init__(
        self,
        endpoint: Endpoint,
        lexicons: dict[str, Lexicon],
        options: PhoneOptions,
        target: str,
        *,
        on_heard: OnHeard | None = None,
        on_sound: OnSound | None = None,
        hop: sip.Hop,
        tls: TlsFiles | None,
    ) -> None:
        loop = asyncio.get_running_loop()
        self.report = CallReport(target)
        self.answered: asyncio.Event = asyncio.Event()
        self.over: asyncio.Future[None] = loop.create_future()
        self.heard_clips: list[ClipHeard] = []
        self._endpoint = endpoint
        self._lexicons = lexicons
        self._options = options
        self._on_heard = on_heard
        self._on_sound = on_sound
        self._hop, self._tls = hop, tls
        self._ear: Ear | None = None
        self._answer: sip.Answer | None = None
        self._began = endpoint.now()
        self._answer_by = self._began + options.answer_s
        self._packet_at = self._began
        self._failure = ""
        self._spoken = 0
        self._pressed = -math.inf
        self._timed_group = 0

    # -- what arrives -------------------------------------------------------------------------

    def fact(self, fact: Fact) -> None:
        """A fact of the user agent about this call; none counts once it is over."""
        if self.over.done():
            return
        match fact:
            case sip.CallAnswered():
                self._answered(fact.answer)
            case sip.OfferReceived():
                self._reoffered(fact)
            case sip.CallRinging():
                self._answer_by = self._endpoint.now() + self._options.answer_s
            case sip.CallRefused():
                lost = self._of_connection()
                self.report.status = "failed" if lost else "refused"
                self.report.why = lost or f"{fact.status} {fact.reason}"
                self._finish()
            case sip.CallEnded():
                self.report.status = "cancelled" if fact.by == "cancel" else "ended"
                self.report.ended_by, self.report.why = fact.by, self.report.why or fact.reason
                self._finish()
            case _:
                pass

    def _of_connection(self) -> str:
        """In words, where nobody refused, but the connection failed."""
        why = self._endpoint.connections.losing
        return why_lost(self._hop, why, self._tls) if why else ""

    def _answered(self, answer: sip.SessionDescription) -> None:
        agreed = sip.read_answer(self.offer, answer)
        if isinstance(agreed, sip.Refused):
            self.report.why = agreed.why
            self.hang_up()
            return
        self._answer = agreed
        law: g711.Law = "pcma" if agreed.codec == "PCMA" else "pcmu"
        self._ear = Ear(self._lexicons[law])
        self.media.connect(agreed)
        self.report.codec = agreed.codec
        self.report.answered_after = round(self._elapsed(), 3)
        self._packet_at = self._endpoint.now()
        self.answered.set()

    def _reoffered(self, fact: sip.OfferReceived) -> None:
        now = self._endpoint.now()
        agent = self._endpoint.agent
        agreed = fact.offer and sip.answer_audio(
            fact.offer, self._endpoint.advertised[0], self.media.port, version=2
        )
        if isinstance(agreed, sip.Answer):
            self.media.connect(agreed)
            self._endpoint.perform(agent.answer(fact.leg, agreed.sdp, now))
        else:
            self._endpoint.perform(agent.refuse(fact.leg, 488, now))

    def packet(self, packet: Packet, now: float) -> None:
        """One RTP packet from the bank."""
        answer, ear = self._answer, self._ear
        self._packet_at = now
        if answer is None or ear is None or packet.payload_type != answer.payload_type:
            return
        self.report.packets += 1
        if self._on_sound is not None:
            self._on_sound(answer.codec, packet.payload)
        for clip in ear.hear(packet.sequence, packet.payload, now):
            self._clip(clip)
        if self._timed_group and ear.following is not None:
            self._time_answer(*ear.following)

    def _clip(self, clip: ClipHeard) -> None:
        self.heard_clips.append(clip)
        self.report.add(clip, clip.began_at - self._began)
        if self._on_heard is not None:
            self._on_heard(clip)

    def _time_answer(self, clip: str, began_at: float) -> None:
        """A prompt that begins after the last key of a group is the answer to it."""
        pressed_at = self.media.pressed_at
        _, prompt, first = named(clip)
        if pressed_at is not None and first and began_at >= pressed_at:
            ms = round((began_at - pressed_at) * 1000, 1)
            self.report.answers.append(KeyAnswered(self._timed_group, prompt, ms))
            self._timed_group = 0

    # -- what we do ---------------------------------------------------------------------------

    def press(self, keys: str) -> None:
        """Press keys now."""
        self.media.press(keys)

    def hang_up(self) -> None:
        """BYE or CANCEL."""
        if not self.over.done():
            agent = self._endpoint.agent
            self._endpoint.perform(agent.hang_up(self.leg, self._endpoint.now()))

    async def run(self, steps: tuple[Step, ...]) -> CallReport:
        """Carry out a script, then listen until the end; the report says what came of it."""
        doing = {asyncio.ensure_future(self._run(steps)), asyncio.ensure_future(self._sound())}
        limit = self._options.max_seconds
        await asyncio.wait({*doing, self.over}, timeout=limit, return_when="FIRST_COMPLETED")
        for task in doing:
            task.cancel()
        for error in await asyncio.gather(*doing, return_exceptions=True):
            if isinstance(error, CallFailed):
                self._failure = self._failure or str(error)
            elif isinstance(error, Exception):
                raise error
        self.hang_up()
        if not self._silent():
            await asyncio.wait({self.over}, timeout=10)
        self._finish()
        return self.report

    async def _run(self, steps: tuple[Step, ...]) -> None:
        if not await self._answer_comes():
            return
        for group, step in enumerate(steps, 1):
            try:
                await self._do(step, group)
            except CallFailed as error:
                rest = enumerate(steps[group - 1 :], group)
                waiting = next((place for place, one in rest if isinstance(one, Press)), 0)
                undone = f"; group {waiting} was not pressed" if waiting else ""
                raise CallFailed(f"{error}{undone}") from None
        await self._listen_on()

    async def _do(self, step: Step, group: int) -> None:
        match step:
            case Press():
                await self._press(step, group)
            case AwaitPrompt(prompt):
                await self._until(lambda: self._begun(prompt), f"prompt {prompt}")
            case Pause(seconds):
                await asyncio.sleep(seconds)

    async def _listen_on(self) -> None:
        """The script is over: listen for what was asked for, or until the bank hangs up."""
        expect = self._options.expect
        if self._options.hang_up_after:
            await self._told_of(self._options.hang_up_after)
            await self._bank_quiet()
        elif expect:
            for prompt in expect:
                await self._told_of(prompt)
            await self._until(self._goes_on, "the end of the prompt")
        elif math.isinf(self._options.stay_s):
            await asyncio.shield(self.over)
        else:
            with contextlib.suppress(CallFailed):
                await self._bank_quiet()
            await asyncio.sleep(self._options.stay_s)
            with contextlib.suppress(CallFailed):
                await self._until(self._is_quiet, "the end of the prompt")

    def _goes_on(self) -> bool:
        """Whether the bank says something new after the prompt expected last, or is quiet."""
        ear = self._ear
        if ear is None or self._is_quiet():
            return True
        prompt = named(ear.following[0])[1] if ear.following is not None else ""
        return bool(prompt) and prompt != self.report.prompts[-1].prompt

    async def _sound(self) -> None:
        """Watch for a bank that has died: it sends packets all through a call, silence too."""
        await self.answered.wait()
        while not self._silent():
            await asyncio.sleep(self._packet_at + self._options.silence_s - self._endpoint.now())
        raise CallFailed(f"no sound from the bank for {self._options.silence_s:g} s")

    def _silent(self) -> bool:
        passed = self._endpoint.now() - self._packet_at
        return self.answered.is_set() and passed >= self._options.silence_s

    async def _answer_comes(self) -> bool:
        """Wait for the answer; gives up, and finishes the call, when none comes in time."""
        while not self.answered.is_set():
            left = self._answer_by - self._endpoint.now()
            if left <= 0:
                self.report.why = f"no answer within {self._options.answer_s:g} s"
                self._finish()
                agent = self._endpoint.agent
                self._endpoint.perform(agent.hang_up(self.leg, self._endpoint.now()))
                return False
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self.answered.wait()
        return True

    async def _press(self, step: Press, group: int) -> None:
        if not step.at_once:
            await self._bank_quiet()
        self._spoken, self._pressed = len(self.heard_clips), self._endpoint.now()
        self.press(step.keys)
        self._timed_group = group
        while self.media.pressing:
            await asyncio.sleep(TICK_S)

    async def _told_of(self, prompt: str) -> None:
        """Wait for a prompt that is heard at any time of the call."""
        await self._until(lambda: self.report.heard(prompt), f"prompt {prompt}")

    def _begun(self, prompt: str) -> bool:
        """Whether a prompt has begun since the last keys, even if it is still being said."""
        since = self._pressed
        if self._ear is not None and self._ear.begins(prompt, since):
            return True
        began = since - self._began
        return any(p.prompt == prompt and p.began_at >= began for p in self.report.prompts)

    async def _bank_quiet(self) -> None:
        """Wait until the bank has said something new and then nothing for a moment."""

        def quiet() -> bool:
            return len(self.heard_clips) > self._spoken and self._is_quiet()

        await self._until(quiet, "the bank to speak")

    def _is_quiet(self) -> bool:
        ear = self._ear
        return ear is not None and ear.sounded and ear.silent_s >= self._options.quiet_s

    async def _until(self, done: Callable[[], bool], what: str) -> None:
        deadline = self._endpoint.now() + self._options.patience_s
        while not done():
            if self._endpoint.now() > deadline:
                raise CallFailed(f"waited {self._options.patience_s:g} s for {what}")
            await asyncio.sleep(TICK_S)

    # -- the end ------------------------------------------------------------------------------

    def _elapsed(self) -> float:
        return self._endpoint.now() - self._began

    def _finish(self) -> None:
        if self._failure:
            self.report.status, self.report.why = "failed", self._failure
        if self.over.done():
            return
        if self._ear is not None:
            for clip in self._ear.finish():
                self._clip(clip)
        self.report.seconds = round(self._elapsed(), 2)
        self.media.close()
        self.over.set_result(None)
