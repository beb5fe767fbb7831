"""What is said to one person beside his menus: text after text, over the music."""

from collections.abc import Callable
from itertools import count

import structlog

from telebank import wire
from telebank.calls.edition import Edition, Unspeakable
from telebank.flow.commands import Say, Spoken
from telebank.media.client import MediaChannel
from transactions.request import Language

log = structlog.get_logger("telebank.tellers")

FIRST_TOKEN = 1_000_000_000_000
"""Tokens of what is said here; those of the menus count from 1."""
MOST_NEXT = 4
"""Texts that wait for the end of another."""
Then = Callable[[bool], None]
"""Takes whether it was said to its end, and not cut off: by a hang-up, or a lost worker."""


class Saying:
    """To one person. His channel and language are asked for each time."""

    def __init__(
        self,
        ref: str,
        edition: Edition,
        channel: Callable[[], MediaChannel | None],
        language: Callable[[], Language],
    ) -> None:
        self._ref = ref
        self._edition = edition
        self._channel = channel
        self._language = language
        self._tokens = count(FIRST_TOKEN)
        self._saying = 0
        self._next: list[tuple[Spoken, ...]] = []
        """To be said when what is being said is over."""
        self._then: Then | None = None

    def add(self, words: tuple[Spoken, ...]) -> None:
        """Say it when what is being said is over."""
        if self._saying and words:
            self._next = [*self._next, words][-MOST_NEXT:]
        else:
            self._say(words)

    def say(self, words: tuple[Spoken, ...], then: Then | None = None) -> bool:
        """Say it now and nothing else, then call `then`; False: it cannot be said."""
        self.hush()
        if not self._say(words):
            return False
        self._then = then
        return True

    def hush(self) -> None:
        """Nothing of it is said any more; who waits for its end is told that it was cut off."""
        self._next.clear()
        then, self._then = self._then, None
        channel = self._channel()
        if self._saying and channel is not None:
            channel.stop()
        self._saying = 0
        if then is not None:
            then(False)

    def ended(self, event: wire.PlayEnded) -> bool:
        """Whether it was something said here that ended."""
        if event.token < FIRST_TOKEN:
            return False
        if event.token == self._saying:
            self._saying = 0
            then, self._then = self._then, None
            if then is not None:
                then(event.reason == "done")
            elif self._next:
                self._say(self._next.pop(0))
        return True

    def _say(self, words: tuple[Spoken, ...]) -> bool:
        channel = self._channel()
        if channel is None or not words:
            return False
        self._saying = next(self._tokens)
        say = Say(words, "", self._saying, self._language())
        try:
            segments = self._edition.segments(say)
        except Unspeakable as error:
            log.warning("tellers.unspeakable", call=self._ref, why=str(error))
            self._saying = 0
            return False
        channel.play(segments, "", self._saying, self._edition.bank)
        return True
