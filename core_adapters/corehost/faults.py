"""A fault plan as data: which messages go wrong, how, and how often. Steers a running host.

The file is JSON, a list of rules; the first that matches and is not used up is taken:

    [{"match": {"mti": "0200", "processing": "42"}, "action": "drop_after", "times": 1}]

`match` may name `mti`, `processing` (its beginning), `amount` (minor units), `card`, `terminal`,
`stan`, and `fields` (number to content); what it does not name is anything. `skip` lets that many
matching messages pass first; `times` is how often the fault comes, without it always.

A file that changed is read again, and its counts begin anew; replace it by renaming, and one that
cannot be read leaves the old plan in force.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import msgspec
import structlog

from core_adapters.iso8583.message import Message

MAX_FILE_BYTES = 1_000_000
MAX_RULES = 1000
MAX_DELAY_S = 600.0
RESPONSE_CODE_LENGTH = 2

log = structlog.get_logger("corehost.faults")


class Act(Enum):
    """What a fault does; the words after it are its argument."""

    DELAY = "delay"
    """`delay S`: applied at once, the reply held for S seconds."""
    DELAY_BEFORE = "delay_before"
    """`delay_before S`: applied only after S seconds."""
    DROP_BEFORE = "drop_before"
    """Not applied, no reply."""
    DROP_AFTER = "drop_after"
    """Applied, no reply."""
    DUPLICATE = "duplicate"
    """The reply is sent twice."""
    GARBLE = "garble"
    """The reply's bytes are turned over behind its length header."""
    BAD_MAC = "bad_mac"
    """The last byte of the reply's MAC is wrong."""
    CUT_REPLY_AT = "cut_reply_at"
    """`cut_reply_at N`: N bytes of the reply's frame are sent, then the connection is cut."""
    CUT_BEFORE = "cut_before"
    """The connection is cut and nothing applied."""
    CUT_AFTER = "cut_after"
    """Applied, then the connection is cut without a reply."""
    WRONG_FIELD = "wrong_field"
    """`wrong_field N TEXT`: field N of the reply is TEXT (without TEXT, absent)."""
    CODE = "code"
    """`code XX`: answered XX and not applied."""
    DIE_BEFORE = "die_before"
    """The process ends at once, nothing applied."""
    DIE_AFTER = "die_after"
    """Applied and durable, then the process ends without a reply."""


SECONDS = frozenset({Act.DELAY, Act.DELAY_BEFORE})


class FaultError(ValueError):
    """A plan that cannot be followed: which rule, and what to do."""


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule looks at; absent is anything."""

    mti: str | None = None
    processing: str = ""
    amount: int | None = None
    card: str | None = None
    terminal: str | None = None
    stan: str | None = None
    fields: Mapping[str, str] = msgspec.field(default_factory=dict)

    def fits(self, message: Message) -> bool:
        """Whether the message is meant."""
        wanted = {2: self.card, 11: self.stan} | {int(n): v for n, v in self.fields.items()}
        terminal = (message.get(41) or "").strip()
        return (
            self.mti in (None, message.mti)
            and (message.get(3) or "").startswith(self.processing)
            and (self.amount is None or int(message.get(4) or -1) == self.amount)
            and self.terminal in (None, terminal)
            and all(v is None or message.get(n) == v for n, v in wanted.items())
        )


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row of the file."""

    action: str
    match: Match = msgspec.field(default_factory=Match)
    times: int | None = None
    skip: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """An act with its argument: `seconds`, `count`, or `field` and `text`."""

    act: Act
    seconds: float = 0.0
    count: int = 0
    field: int = 0
    text: str = ""


def parse_action(text: str) -> Fault:
    """Read `delay 2.5`, `wrong_field 11 999999`; raises `FaultError` saying what to write."""
    word, _, argument = text.partition(" ")
    try:
        act = Act(word)
        if act in SECONDS:
            return Fault(act, seconds=_seconds(argument))
        if act is Act.CUT_REPLY_AT:
            return Fault(act, count=int(argument))
        if act is Act.WRONG_FIELD:
            number, _, content = argument.partition(" ")
            return Fault(act, field=int(number), text=content)
    except ValueError as error:
        known = ", ".join(one.value for one in Act)
        raise FaultError(f"action {text!r}: {error}; actions are {known}") from None
    if act is Act.CODE and len(argument) != RESPONSE_CODE_LENGTH:
        raise FaultError(f"action {text!r}: write a response code of two characters: code 51")
    if act is not Act.CODE and argument:
        raise FaultError(f"action {text!r}: {word} takes nothing behind it")
    return Fault(act, text=argument)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 <= seconds <= MAX_DELAY_S:
        raise ValueError(f"0 to {MAX_DELAY_S:.0f} seconds")
    return seconds


def parse_plan(data: bytes) -> list[tuple[Rule, Fault]]:
    """Read a plan; raises `FaultError`."""
    if len(data) > MAX_FILE_BYTES:
        raise FaultError(f"larger than {MAX_FILE_BYTES} bytes")
    try:
        rules = msgspec.json.decode(data, type=list[Rule])
    except msgspec.DecodeError as error:
        raise FaultError(f"not a list of rules: {error}") from None
    if len(rules) > MAX_RULES:
        raise FaultError(f"more than {MAX_RULES} rules")
    if not all(n.isdigit() for rule in rules for n in rule.match.fields):
        raise FaultError("match.fields maps field numbers to contents")
    return [(rule, parse_action(rule.action)) for rule in rules]


class FaultPlan:
    """The plan in force, from a file that may change under it; no path is no faults."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._rules: list[tuple[Rule, Fault]] = []
        self._matched: list[int] = []

    def take(self, message: Message) -> Fault | None:
        """The fault that this message meets; counts it."""
        if self._path is None:
            return None
        self._refresh(self._path)
        for index, (rule, fault) in enumerate(self._rules):
            if not rule.match.fits(message):
                continue
            past = self._matched[index] - rule.skip
            if rule.times is not None and past >= rule.times:
                continue
            self._matched[index] += 1
            if past >= 0:
                log.warning("fault", action=rule.action, mti=message.mti)
                return fault
        return None

    def _refresh(self, path: Path) -> None:
        try:
            stat = path.stat()
        except FileNotFoundError:
            self._seen, self._rules, self._matched = None, [], []
            return
        seen = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._rules = parse_plan(path.read_bytes())
        except (OSError, FaultError) as error:
            log.error("plan_refused", path=str(path), why=str(error))
            return
        self._matched = [0] * len(self._rules)
        log.info("plan_read", rules=len(self._rules))
