"""One release as calls play it: menus, texts, contracts, voice. A call keeps the one it began
with to its end, whatever is published meanwhile."""

from dataclasses import dataclass

from telebank import wire
from telebank.flow.commands import Say
from telebank.flow.load import Release
from transactions.card import CardNumber, SealedCard
from transactions.contract import Contracts
from transactions.outcome import Value
from transactions.secret import Secret
from voice_prompts import slow
from voice_prompts.speaker import MissingClips, Speaker
from voice_prompts.values import ReadingError

ROW_GAP = 8 * 700
"""Silence after a row that was read out, in samples: two rows are never heard as one."""
SENTENCE_GAP = 8 * 250
"""Silence between two prompts said together or in a row, in samples."""


class Unspeakable(Exception):  # noqa: N818 - reads as what it is
    """A value of the host, or a text, that cannot be said; names the prompt, never the value."""


@dataclass(frozen=True, slots=True)
class Edition:
    """A release, and its voice: `bank` is the number that media workers know its clips under."""

    release: Release
    speaker: Speaker
    bank: int = 0

    @property
    def hash(self) -> str:
        """Of the release."""
        return self.release.hash

    @property
    def contracts(self) -> Contracts:
        """Of the release."""
        return self.release.contracts

    def segments(self, say: Say) -> tuple[tuple[int, int], ...]:
        """The clips and pauses of everything said at once.

        Raises `Unspeakable` where a value has no reading or one `Play` cannot carry it all.
        """
        joined: list[tuple[int, int]] = []
        for spoken in say.prompts:
            if joined:
                joined.append((-1, _gap(SENTENCE_GAP, say)))
            values = {name: _speakable(value) for name, value in spoken.values.items()}
            how = {"slowly": say.slow, "to_last_value": spoken.to_last_value}
            try:
                said = self.speaker.render(spoken.prompt_id, values, say.language, **how)
            except (ReadingError, MissingClips) as error:
                raise Unspeakable(f"{spoken.prompt_id}: {type(error).__name__}") from error
            joined += said.segments
        if say.more:
            joined.append((-1, _gap(ROW_GAP, say)))
        if len(joined) > wire.MAX_SEGMENTS:
            raise Unspeakable(f"{say.prompts[0].prompt_id}: {len(joined)} clips and pauses")
        return tuple(joined)


def _gap(samples: int, say: Say) -> int:
    return slow.pause(samples) if say.slow else samples


def _speakable(value: Value) -> Value:
    """A card number is spoken from its masked form; nothing secret is ever spoken."""
    assert not isinstance(value, Secret)
    return value.masked if isinstance(value, CardNumber | SealedCard) else value
