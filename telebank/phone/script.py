"""What the caller presses, and when: `--keys "1 1 6227…# 123456# 1"`.

Groups are apart by spaces. A group is pressed when the bank has said something since the group
before and has been quiet for a moment. `!` before a group presses it at once (type-ahead, or into
a prompt); `@PROMPT_ID` waits until that prompt has begun; `~2.5` waits that many seconds. So
`@tr.payee !6222…#` presses into the prompt, and `@tr.payee 6222…#` after it.
"""

import re
from dataclasses import dataclass

MAX_KEYS = 500
MAX_STEPS = 200
MAX_WAIT_S = 600.0
_KEYS = re.compile(r"[0-9*#A-D]+")


class ScriptError(ValueError):
    """A script of keys that cannot be read."""


@dataclass(frozen=True, slots=True)
class Press:
    """Press `keys`; `at_once` without waiting for the bank."""

    keys: str
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class AwaitPrompt:
    """Wait until this prompt has begun to be heard since the last keys."""

    prompt: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait, in seconds."""

    seconds: float


Step = Press | AwaitPrompt | Pause


def parse_script(text: str) -> tuple[Step, ...]:
    """Read a script; raises `ScriptError` naming the word at fault (never a long entry)."""
    words = text.split()
    if len(words) > MAX_STEPS or sum(map(len, words)) > MAX_KEYS * 4:
        raise ScriptError(f"a script has at most {MAX_STEPS} groups and {MAX_KEYS} keys")
    return tuple(_step(word, place) for place, word in enumerate(words, 1))


def _step(word: str, place: int) -> Step:
    if word.startswith("@") and len(word) > 1:
        return AwaitPrompt(word[1:])
    if word.startswith("~"):
        try:
            seconds = float(word[1:])
        except ValueError:
            seconds = -1.0
        if not 0 <= seconds <= MAX_WAIT_S:
            raise ScriptError(f"group {place}: ~ wants seconds from 0 to {MAX_WAIT_S:g}")
        return Pause(seconds)
    at_once = word.startswith("!")
    keys = word[1:] if at_once else word
    if _KEYS.fullmatch(keys) is None:
        raise ScriptError(f"group {place}: keys are 0-9 * # A-D (also !keys, @prompt, ~seconds)")
    return Press(keys, at_once)
