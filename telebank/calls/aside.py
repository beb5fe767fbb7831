"""What a call plays that is no prompt of its menus, and what it records of its caller.

A clip of such kind goes before a prompt of the menus, which waits for its end; a key that stops the
prompt stops both, so that nobody who types ahead is held up.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from telebank import wire
from telebank.calls.clip import Clip, Taped
from telebank.calls.leg import Leg
from telebank.flow.commands import Say
from transactions.request import Language

END_KEY = "#"
"""Ends a recording."""
Segments = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Waiting:
    say: Say
    segments: Segments
    bank: int


class Aside:
    """Of one call; nothing here waits but `record`."""

    def __init__(self, leg: Leg, notice: Callable[[Language], Clip | None]) -> None:
        """`notice` is what new callers hear in a language."""
        self._leg = leg
        self._notice = notice
        self._first: Clip | None = None
        self._owed = False
        self._waiting: _Waiting | None = None
        self._tape: asyncio.Future[Taped | None] | None = None
        self._parts: list[bytes] = []
        self._tapes = 0

    # -- before a prompt ----------------------------------------------------------------------

    def chose_language(self) -> None:
        """The notice of his language goes before the next menu."""
        self._owed = True

    def play_first(self, clip: Clip) -> None:
        """This clip goes before the next prompt."""
        self._first = clip

    def say(self, say: Say, segments: Segments, bank: int, *, menu: bool) -> None:
        """Play a prompt, after what goes before it; `menu`: a notice may."""
        self._waiting = None
        channel = self._leg.channel
        if channel is None:
            return
        first, self._first = self._first, None
        if first is None and menu and self._owed:
            first, self._owed = self._notice(say.language), False
        if first is None:
            channel.play(segments, say.stop_keys, say.token, bank)
            return
        self._waiting = _Waiting(say, segments, bank)
        channel.play(((0, first.samples),), say.stop_keys, -say.token, first.bank)

    def ended(self, event: wire.PlayEnded, playing: Say | None) -> bool:
        """Whether it was a clip of these that ended; then its prompt is played, where the caller
        still waits for that."""
        if event.token >= 0:
            return False
        waiting, self._waiting = self._waiting, None
        channel = self._leg.channel
        if waiting is None or waiting.say is not playing or waiting.say.token != -event.token:
            self._waiting = waiting
            return True
        if event.reason != "key" and channel is not None:
            channel.play(waiting.segments, waiting.say.stop_keys, -event.token, waiting.bank)
        return True

    # -- recording ----------------------------------------------------------------------------

    async def record(self, most_s: float, wait_s: float) -> Taped | Literal["more"] | None:
        """Record the caller for at most `most_s` seconds, or go on with what was begun; `more`
        where he still speaks after `wait_s`, None where his line is gone."""
        channel = self._leg.channel
        if self._tape is None:
            if channel is None:
                return None
            self._tapes += 1
            self._parts = []
            self._tape = asyncio.get_running_loop().create_future()
            channel.record(self._tapes, round(most_s * 8_000))
        tape = self._tape
        await asyncio.wait([tape], timeout=wait_s)
        if not tape.done():
            return "more"
        self._tape = None
        return tape.result()

    @property
    def recording(self) -> bool:
        """Whether the caller is being recorded."""
        return self._tape is not None

    def takes(self, digit: str) -> bool:
        """Whether a key belongs to the recording that goes on; the end key ends it."""
        if self._tape is None:
            return False
        if digit == END_KEY and self._leg.channel is not None:
            self._leg.channel.stop_record()
        return True

    def recorded(self, event: wire.Recorded) -> None:
        """A part of it."""
        if self._tape is None or event.token != self._tapes or self._tape.done():
            return
        self._parts.append(event.octets)
        if event.last:
            self._tape.set_result(Taped(b"".join(self._parts), event.codec))

    def close(self) -> None:
        """The line is gone."""
        if self._tape is not None and not self._tape.done():
            self._tape.set_result(None)
