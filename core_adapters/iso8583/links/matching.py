"""Which request a reply belongs to: by MTI class and key fields, with others agreeing (rule 6)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core_adapters.iso8583.format.message import Message, mti_class
from core_adapters.iso8583.profile import MatchRule, Profile

STAN, PROCESSING_CODE = 11, 3
RETRY_DIGITS = {"1": "0", "3": "2", "5": "4"}

Key = tuple[str, tuple[int, ...], tuple[str, ...]]
"""MTI class, key field numbers, their contents."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What a reply must carry: its key, and the fields that must be as they were sent."""

    key: Key
    agree: Mapping[int, str]
    stan: str


def base_mti(mti: str) -> str:
    """The first sending's request or advice MTI: 0210 and 0201 to 0200, 0430 and 0421 to 0420."""
    function = int(mti[2]) // 2 * 2
    return f"{mti[:2]}{function}{RETRY_DIGITS.get(mti[3], mti[3])}"


def rule_of(profile: Profile, message: Message) -> MatchRule:
    """The match rule of a request or of a reply to it."""
    return profile.match_rule(base_mti(message.mti), message.get(PROCESSING_CODE) or "")


def key_of(rule: MatchRule, message: Message) -> Key:
    """The key under which a message waits, or is looked for."""
    values = tuple(message.get(number) or "" for number in rule.key)
    return mti_class(message.mti), rule.key, values


def expected_of(profile: Profile, message: Message) -> Expected:
    """What the reply to `message` must carry."""
    rule = rule_of(profile, message)
    agree = {n: message.fields[n] for n in rule.agree if n in message.fields}
    return Expected(key_of(rule, message), agree, message.get(STAN) or "")


def disagreement(expected: Expected, reply: Message) -> str:
    """Empty where all agree; else which field differs or is missing (never its content)."""
    for number, sent in expected.agree.items():
        got = reply.get(number)
        if got is None:
            return f"field {number} is missing"
        if got != sent:
            return f"field {number} differs from what was sent"
    return ""


def why_unmatched(rule: MatchRule, reply: Message, waiting: Iterable[Expected]) -> str:
    """For the person who looks for the fault: the key field that differs or is missing."""
    for number in rule.key:
        if reply.get(number) is None:
            return f"key field {number} is missing"
    mine = key_of(rule, reply)
    for expected in waiting:
        if expected.stan != reply.get(STAN) or not expected.stan:
            continue
        kind, numbers, values = expected.key
        if kind != mine[0]:
            return "the STAN is in flight, but for another MTI class"
        pairs = zip(numbers, values, strict=True)
        differ = [str(n) for n, value in pairs if reply.get(n) != value]
        return f"key field {', '.join(differ)} differs from the request in flight"
    return "no request with this STAN (field 11) is in flight"
