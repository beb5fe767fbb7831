"""A phone: places calls over one SIP socket, presses keys, says what it hears."""

import asyncio
import re
import secrets
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from telebank import sip
from telebank.calls.endpoint import Endpoint, Fact
from telebank.media.rtp import Packet
from telebank.phone.hearing import ClipHeard, Ear, Lexicon
from telebank.phone.rtp import PhoneMedia
from telebank.phone.script import AwaitPrompt, Pause, Press, Step
from voice_prompts import g711

TICK_S = 0.02
MAX_SAVED_S = 3_600
"""Longest sound kept for `--save`, in seconds."""
_URI = re.compile(r"sips?:(?:[^@\s]+@)?(\[[0-9a-fA-F:]+\]|[0-9A-Za-z.-]+)(?::(\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class PromptHeard:
    """A prompt as it was heard: its words so far, and when it began (seconds of the call)."""

    prompt: str
    language: str
    words: str
    began_at: float


@dataclass(slots=True)
class CallReport:
    """What came of a call. Times are seconds from the INVITE."""

    target: str
    status: Literal["ended", "refused", "failed", "cancelled"] = "failed"
    ended_by: str = ""
    why: str = ""
    answered_after: float | None = None
    seconds: float = 0.0
    codec: str = ""
    prompts: list[PromptHeard] = field(default_factory=list)
    packets: int = 0
    key_to_answer_ms: list[float] = field(default_factory=list)
    """From a key's first event packet to the first packet of the clip that came next."""

    def heard(self, prompt: str) -> bool:
        """Whether this prompt was heard."""
        return any(p.prompt == prompt for p in self.prompts)


@dataclass(frozen=True, slots=True)
class PhoneOptions:
    """How a caller behaves; times in seconds."""

    quiet_s: float = 0.6
    """Silence after which the bank has said its sentence."""
    patience_s: float = 30.0
    """Longest wait for a prompt, or for the bank to speak, before the call fails."""
    max_seconds: float = 600.0
    """Longest call."""
    hang_up_after: str = ""
    """Hang up when this prompt has been heard whole."""
    from_user: str = "13800001234"
    """Calling number given in From."""


class CallFailed(Exception):  # noqa: N818 - reads as what it is
    """What the script waited for did not come; the text says what."""


class Phone:
    """One SIP socket, a 20 ms tick and any number of calls."""

    def __init__(self, lexicons: dict[str, Lexicon]) -> None:
        self._lexicons = lexicons
        self._calls: dict[str, PhoneCall] = {}
        self._endpoint: Endpoint
        self._ticker: asyncio.Task[None]

    async def start(self, address: str = "127.0.0.1") -> None:
        """Bind a free port and begin to tick."""
        options = sip.SipOptions(user_agent="telebank call", max_calls=10_000)
        self._endpoint = await Endpoint.open(
            (address, 0),
            lambda local: sip.UserAgent(local, options, lambda: secrets.token_hex(8)),
            self._fact,
        )
        self._ticker = asyncio.create_task(self._tick(), name="phone tick")

    async def close(self) -> None:
        """Hang up what is left and close the socket."""
        for call in list(self._calls.values()):
            call.hang_up()
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
        on_heard: Callable[[ClipHeard], None] | None = None,
        save: Path | None = None,
    ) -> "PhoneCall":
        """Send the INVITE; raises `ValueError` for a target that is no SIP address."""
        found = _URI.fullmatch(target)
        if found is None:
            raise ValueError(f"{target!r} is no SIP address; give sip:bank@host:port")
        host, port = found[1], int(found[2] or 5060)
        media_address, _ = self._endpoint.advertised
        call = PhoneCall(
            self._endpoint, self._lexicons, options, target, on_heard=on_heard, save=save
        )
        call.media = await PhoneMedia.open(media_address, call.packet)
        offer = sip.make_offer(media_address, call.media.port)
        call.offer = sip.SessionDescription.parse(offer)
        from_uri = f"sip:{options.from_user}@{media_address}"
        leg, commands = self._endpoint.agent.invite(
            target, from_uri, offer, self._endpoint.now(), destination=(host, port)
        )
        call.leg = leg
        self._calls[leg] = call
        call.over.add_done_callback(lambda _: self._calls.pop(leg, None))
        self._endpoint.perform(commands)
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
        on_heard: Callable[[ClipHeard], None] | None = None,
        save: Path | None = None,
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
        self._save = save
        self._sound: list[bytes] = []
        self._ear: Ear | None = None
        self._answer: sip.Answer | None = None
        self._began = endpoint.now()
        self._spoken = 0
        self._timed_key: float | None = None

    # -- what arrives -------------------------------------------------------------------------

    def fact(self, fact: Fact) -> None:
        """A fact of the user agent about this call."""
        match fact:
            case sip.CallAnswered():
                self._answered(fact.answer)
            case sip.OfferReceived():
                self._reoffered(fact)
            case sip.CallRefused():
                self.report.status = "refused"
                self.report.why = f"{fact.status} {fact.reason}"
                self._finish()
            case sip.CallEnded():
                self.report.status = "cancelled" if fact.by == "cancel" else "ended"
                self.report.ended_by, self.report.why = fact.by, fact.reason or self.report.why
                self._finish()
            case _:
                pass

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
        self.report.answered_after = self._elapsed()
        self.answered.set()

    def _reoffered(self, fact: sip.OfferReceived) -> None:
        now = self._endpoint.now()
        agent = self._endpoint.agent
        agreed = fact.offer and sip.answer_audio(
            fact.offer, "127.0.0.1", self.media.port, version=2
        )
        if isinstance(agreed, sip.Answer):
            self.media.connect(agreed)
            self._endpoint.perform(agent.answer(fact.leg, agreed.sdp, now))
        else:
            self._endpoint.perform(agent.refuse(fact.leg, 488, now))

    def packet(self, packet: Packet, now: float) -> None:
        """One RTP packet from the bank."""
        answer, ear = self._answer, self._ear
        if answer is None or ear is None or packet.payload_type != answer.payload_type:
            return
        self.report.packets += 1
        if self._save is not None and len(self._sound) < MAX_SAVED_S / TICK_S:
            self._sound.append(packet.payload)
        for clip in ear.hear(packet.sequence, packet.payload, now):
            self._clip(clip)

    def _clip(self, clip: ClipHeard) -> None:
        self.heard_clips.append(clip)
        self._note_prompt(clip)
        pressed = self._timed_key
        if pressed is not None and clip.began_at >= pressed:
            self.report.key_to_answer_ms.append((clip.began_at - pressed) * 1000)
            self._timed_key = None
        if self._on_heard is not None:
            self._on_heard(clip)

    def _note_prompt(self, clip: ClipHeard) -> None:
        language, _, name = clip.key.partition("/")
        prompts = self.report.prompts
        at = clip.began_at - self._began
        if name.startswith("unit:"):
            if prompts:
                last = prompts[-1]
                glue = " " if language == "en" else ""
                prompts[-1] = PromptHeard(
                    last.prompt, last.language, last.words + glue + clip.text, last.began_at
                )
            return
        prompt, _, part = name.partition("#")
        if part not in ("", "0") and prompts and prompts[-1].prompt == prompt:
            last = prompts[-1]
            glue = " " if language == "en" else ""
            words = last.words + glue + clip.text
            prompts[-1] = PromptHeard(prompt, language, words, last.began_at)
        else:
            prompts.append(PromptHeard(prompt, language, clip.text, at))

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
        script = asyncio.ensure_future(self._run(steps))
        limit = self._options.max_seconds
        await asyncio.wait({script, self.over}, timeout=limit, return_when="FIRST_COMPLETED")
        if script.done() and not script.cancelled() and script.exception() is not None:
            error = script.exception()
            if not isinstance(error, CallFailed):
                raise error if error is not None else AssertionError
            self.report.why = str(error)
        script.cancel()
        await asyncio.gather(script, return_exceptions=True)
        self.hang_up()
        await asyncio.wait({self.over}, timeout=10)
        return self.report

    async def _run(self, steps: tuple[Step, ...]) -> None:
        await self.answered.wait()
        for step in steps:
            match step:
                case Press(keys, at_once):
                    if not at_once:
                        await self._bank_quiet()
                    self._spoken = len(self.heard_clips)
                    self._press_and_time(keys)
                    while self.media.pressing:
                        await asyncio.sleep(TICK_S)
                case AwaitPrompt(prompt):
                    await self._until(lambda p=prompt: self.report.heard(p), f"prompt {prompt}")  # type: ignore[misc]
                case Pause(seconds):
                    await asyncio.sleep(seconds)
        if self._options.hang_up_after:
            prompt = self._options.hang_up_after
            await self._until(lambda: self.report.heard(prompt), f"prompt {prompt}")
            await self._bank_quiet()
            return
        await asyncio.shield(self.over)

    def _press_and_time(self, keys: str) -> None:
        self.press(keys)
        self._timed_key = None
        asyncio.get_running_loop().create_task(self._time_last_key(), name="time key")

    async def _time_last_key(self) -> None:
        """Remember when the last key's first event packet went out."""
        while self.media.pressing:
            await asyncio.sleep(TICK_S / 2)
        self._timed_key = self.media.last_key_at

    async def _bank_quiet(self) -> None:
        """Wait until the bank has said something new and then nothing for a moment."""

        def quiet() -> bool:
            ear = self._ear
            if ear is None or ear.sound_at is None or len(self.heard_clips) <= self._spoken:
                return False
            return self._endpoint.now() - ear.sound_at >= self._options.quiet_s

        await self._until(quiet, "the bank to speak")

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
        if self.over.done():
            return
        if self._ear is not None:
            for clip in self._ear.finish():
                self._clip(clip)
        self.report.seconds = round(self._elapsed(), 2)
        self.media.close()
        if self._save is not None:
            self._write_sound(self._save)
        self.over.set_result(None)

    def _write_sound(self, path: Path) -> None:
        law: g711.Law = "pcma" if self.report.codec != "PCMU" else "pcmu"
        octets = np.frombuffer(b"".join(self._sound), np.uint8)
        with wave.open(str(path), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(8_000)
            sound.writeframes(g711.decode(octets, law).tobytes())
