"""Notices that new callers hear before the first menu: who may record one, what plays.

One is recorded by telephone, with a code that a supervisor was given (`notice_codes`), and plays
from the moment that the store has it. Live calls hear nothing of it. A notice is a prompt bank of
one clip, kept under its hash below DATA/voice/notices.
"""

import asyncio
import contextlib
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal, Protocol, cast

import structlog

from telebank.calls import notice_sound as sound
from telebank.calls.clip import Clip, Taped
from telebank.calls.notice_codes import Permit, RecordingCodes
from telebank.customers.asked import Asked, Handler, Run
from telebank.media.client import MediaError
from telebank.store import notices as jobs
from transactions.approval import Actor
from transactions.clock import Clock
from transactions.journal import JournalEvent
from transactions.outcome import Approved, Declined, Outcome
from transactions.request import Language
from transactions.secret import Secret

log = structlog.get_logger("telebank.notices")

FOLDER = "notices"
"""Below the voice folder."""
MOST_S = 60.0
"""Longest notice, in seconds."""
LEAST_S = 1.0
"""Shortest, without the silence at its ends."""
WAIT_S = 20.0
"""Seconds that a caller's service waits at a time for the end of a recording."""
LEAVE_AFTER_S = 120.0
"""Seconds after which what plays no more is closed: live calls hear it to its end."""
CALLER = Actor("caller", "caller", "phone")


class Line(Protocol):
    """A live call."""

    async def record(self, most_s: float, wait_s: float) -> Taped | Literal["more"] | None:
        """See `Aside.record`."""
        ...

    def play_first(self, clip: Clip) -> None:
        """See `Aside.play_first`."""
        ...


class Banks(Protocol):
    """The media workers."""

    async def open_bank(self, folder: Path) -> int:
        """See `MediaWorkers.open_bank`."""
        ...

    def leave_bank(self, number: int) -> None:
        """See `MediaWorkers.leave_bank`."""
        ...


@dataclass(frozen=True, slots=True)
class _Take:
    """What was recorded in a call and not kept yet."""

    content: str
    clip: Clip


@dataclass(slots=True)
class Notices:
    """Of one node. `line` finds a live call by its reference."""

    run: Run
    banks: Banks
    voice: Path
    clock: Clock
    line: Callable[[str], Line | None] = lambda _call: None
    codes: RecordingCodes = field(default_factory=RecordingCodes)
    _playing: dict[str, tuple[jobs.Notice, Clip]] = field(default_factory=dict)
    _permits: dict[str, Permit] = field(default_factory=dict)
    """By call."""
    _takes: dict[str, _Take] = field(default_factory=dict)
    """By call."""
    _leaving: set[asyncio.TimerHandle] = field(default_factory=set)

    @property
    def root(self) -> Path:
        """Where recordings are."""
        return self.voice / FOLDER

    async def start(self) -> None:
        """Play what the store says. A recording that is not as it was is not played: an alarm."""
        there: list[jobs.Notice] = await self.run(jobs.playing)
        sound.drop_others(self.root, {one.content for one in there})
        for one in there:
            folder = self.root / one.content
            bank = None
            if await asyncio.to_thread(sound.intact, folder):
                with contextlib.suppress(MediaError):
                    bank = await self.banks.open_bank(folder)
            if bank is not None:
                self._playing[one.language] = (one, Clip(bank, one.samples))
                continue
            log.error("notice.unplayable", language=one.language, folder=str(folder))
            event = JournalEvent("alarm.notice", detail={"language": one.language})
            await self.run(partial(jobs.tell, event=event))

    def close(self) -> None:
        """Forget the codes."""
        self.codes.clear()
        for handle in self._leaving:
            handle.cancel()

    # -- for calls ----------------------------------------------------------------------------

    def clip(self, language: Language) -> Clip | None:
        """What a new caller hears in his language."""
        found = self._playing.get(language)
        return None if found is None else found[1]

    def call_ended(self, call: str) -> None:
        """What was not kept is gone, and so is the permission."""
        self._permits.pop(call, None)
        self._drop_take(call)

    # -- for staff ----------------------------------------------------------------------------

    async def give_code(self, by: Actor, language: Language) -> Secret:
        """A code that lets its holder record a notice in one call."""
        event = jobs.event_of("notice.code_given", by, "ok", {"language": language}, None)
        await self.run(partial(jobs.tell, event=event))
        return self.codes.draw(Permit(by, language), self.clock.monotonic())

    def playing(self) -> list[jobs.Notice]:
        """What plays, by language."""
        return [self._playing[language][0] for language in sorted(self._playing)]

    async def take_down(self, language: Language, by: Actor) -> str | None:
        """New callers hear it no more; why not, or None."""
        reason: str | None = await self.run(partial(jobs.take_down, language=language, by=by))
        if reason is None:
            self._forget(language)
        return reason

    # -- services -----------------------------------------------------------------------------

    def handlers(self) -> Mapping[str, Handler]:
        """By service."""
        return {
            "notice.enter": self.enter,
            "notice.record": self.record,
            "notice.keep": self.keep,
        }

    async def enter(self, asked: Asked) -> Outcome:
        """Judge a code; a right one is used up before its event: it is never taken twice."""
        call = asked.request.call
        permit = self.codes.take(asked.secret("code"), self.clock.monotonic())
        if permit is None:
            event = jobs.event_of("notice.code_tried", CALLER, "wrong_code", {}, call)
        else:
            detail = {"language": permit.language}
            event = jobs.event_of("notice.code_tried", permit.by, "ok", detail, call)
        await self.run(partial(jobs.tell, event=event))
        if permit is None:
            return Declined("wrong_code")
        if call is None or self.line(call) is None:
            return Declined("unavailable")
        self._permits[call] = permit
        return Approved()

    async def record(self, asked: Asked) -> Outcome:
        """Record, or go on; what came of it is played before the next prompt."""
        call = asked.request.call or ""
        line = self.line(call)
        if line is None or call not in self._permits:
            return Declined("unavailable")
        taped = await line.record(MOST_S, WAIT_S)
        if taped == "more":
            return Declined("more")
        if taped is None or call not in self._permits:
            return Declined("unavailable")
        recording = await asyncio.to_thread(sound.recording_of, taped.octets, taped.codec)
        if recording.samples < LEAST_S * jobs.RATE:
            return Declined("short")
        return await self._took(call, line, recording)

    async def _took(self, call: str, line: Line, recording: sound.Recording) -> Outcome:
        self._drop_take(call)
        try:
            folder = await asyncio.to_thread(sound.write, recording, self.root)
            bank = await self.banks.open_bank(folder)
        except (OSError, MediaError) as error:
            log.error("notice.not_recorded", error=str(error))
            return Declined("unavailable")
        take = _Take(recording.content, Clip(bank, recording.samples))
        self._takes[call] = take
        if call not in self._permits:  # he hung up meanwhile
            self._drop_take(call)
            return Declined("unavailable")
        line.play_first(take.clip)
        return Approved()

    async def keep(self, asked: Asked) -> Outcome:
        """Have what was recorded play from now on; the permission is used up."""
        call = asked.request.call or ""
        permit, take = self._permits.pop(call, None), self._takes.pop(call, None)
        if permit is None or take is None:
            return Declined("unavailable")
        job = partial(jobs.keep, language=permit.language, content=take.content)
        job = partial(job, samples=take.clip.samples, by=permit.by, call=call)
        kept: jobs.Notice | None = None
        try:
            kept = await cast("Awaitable[jobs.Notice | None]", self.run(job))
        finally:
            if kept is None:
                self._leave(take.clip.bank, take.content)
        if kept is None:
            return Declined("unavailable")
        self._forget(permit.language)
        self._playing[permit.language] = (kept, take.clip)
        return Approved()

    # -- recordings that are of no use any more -----------------------------------------------

    def _drop_take(self, call: str) -> None:
        take = self._takes.pop(call, None)
        if take is not None:
            self._leave(take.clip.bank, take.content)

    def _forget(self, language: str) -> None:
        found = self._playing.pop(language, None)
        if found is not None:
            self._leave(found[1].bank, found[0].content)

    def _leave(self, bank: int, content: str) -> None:
        """Close it once nobody hears it any more."""
        loop = asyncio.get_running_loop()

        def leave() -> None:
            self._leaving.discard(handle)
            self.banks.leave_bank(bank)
            used = {one.content for one, _ in self._playing.values()}
            if content not in used | {take.content for take in self._takes.values()}:
                with contextlib.suppress(OSError):
                    shutil.rmtree(self.root / content)

        handle = loop.call_later(LEAVE_AFTER_S, leave)
        self._leaving.add(handle)
