"""What came of a call: the prompts heard, and how soon a key was answered."""

from dataclasses import dataclass, field, replace
from typing import Literal

from telebank.phone.hearing import UNKNOWN_TEXT, WORD_ID, ClipHeard
from voice_prompts.catalogue import PAUSES, SENTENCE_END


@dataclass(frozen=True, slots=True)
class PromptHeard:
    """A prompt as it was heard: its words so far, and when it began (seconds of the call).

    Speech that is no known clip has neither id nor language, and the words `(…)`.
    """

    prompt: str
    language: str
    words: str
    began_at: float


@dataclass(frozen=True, slots=True)
class KeyAnswered:
    """How soon the bank began to speak after the last key of a group."""

    group: int
    """Which group of the script, from 1."""
    prompt: str
    """What it began to say."""
    ms: float
    """From the key's first event packet to the first packet of that prompt, at our socket."""


@dataclass(slots=True)
class CallReport:
    """What came of a call. Times are seconds from the INVITE."""

    target: str
    # `failed`: never answered, or what the script waited for did not come; `why` says it.
    status: Literal["ended", "refused", "failed", "cancelled"] = "failed"
    ended_by: str = ""
    why: str = ""
    answered_after: float | None = None
    seconds: float = 0.0
    codec: str = ""
    prompts: list[PromptHeard] = field(default_factory=list)
    packets: int = 0
    answers: list[KeyAnswered] = field(default_factory=list)

    def heard(self, prompt: str, since: int = 0) -> bool:
        """Whether this prompt was heard, leaving out the first `since` prompts."""
        return any(p.prompt == prompt for p in self.prompts[since:])

    def add(self, clip: ClipHeard, began: float) -> None:
        """Add a clip's words: a value or a later part goes on with the prompt before it."""
        language, prompt, first = named(clip.key)
        last = self.prompts[-1] if self.prompts else None
        if last is not None and clip.corrects and named(clip.corrects)[1] == last.prompt:
            last = replace(last, prompt=prompt)
        if first or last is None or (prompt and prompt != last.prompt):
            if prompt or clip.text == UNKNOWN_TEXT:
                self.prompts.append(PromptHeard(prompt, language, clip.text, began))
            return
        words = last.words + glue(language, clip.text) + clip.text
        self.prompts[-1] = PromptHeard(last.prompt, last.language, words, last.began_at)


def glue(language: str, text: str) -> str:
    """What stands between the words before and this text: in English a space, not before a mark."""
    return " " if language == "en" and text[:1] not in SENTENCE_END + PAUSES else ""


def named(key: str) -> tuple[str, str, bool]:
    """Language, prompt id and whether it begins there; a value's unit or word has no prompt id."""
    language, _, name = key.partition("/")
    if name.startswith(("unit:", WORD_ID)):
        return language, "", False
    prompt, _, part = name.partition("#")
    return language, prompt, part in {"", "0"}
