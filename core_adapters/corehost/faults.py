"""A fault plan as data: which messages go wrong, how, and how often. Steers a running host.

The file is JSON, a list of rules; the first that matches and is not used up is taken:

    [{"match": {"mti": "0200", "processing": "42"}, "action": "drop_after", "times": 1}]

`match` may name `mti`, `processing` (its beginning), `amount` (minor units), `card`, `terminal`,
`stan`, `fields` (number to content), `network` (`sign_on`, `sign_off`, `key_change`, `echo`),
`port` (of the address that it came in at), and `after_cut_over_s` (the business date moved on so
few seconds ago); what it does not name is anything. `skip` lets that many matching messages pass
first; `times` is how often the fault comes, without it always. docs/corehost.md has a table of all
actions. Some more plans:

    [{"match": {"mti": "0200", "after_cut_over_s": 2}, "action": "code 90"}]
    [{"match": {"network": "echo"}, "action": "drop_before"}]
    [{"match": {"port": 8583}, "action": "sign_off", "times": 1},
     {"match": {"port": 8583}, "action": "refuse_sign_on"}]

A file that changed is read again, and its counts begin anew; replace it by renaming, and one that
cannot be read leaves the old plan in force.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from types import MappingProxyType

import msgspec
import structlog

from core_adapters.iso8583.format.message import Message

MAX_FILE_BYTES = 1_000_000
MAX_RULES = 1000
MAX_DELAY_S = 600.0
MAX_LENGTH = 65_535
MAX_FIELD = 128
RESPONSE_CODE_LENGTH = 2
RULE = '{"match": {"mti": "0200", "processing": "42"}, "action": "drop_after", "times": 1}'
"""What a rule looks like, for whoever wrote something else."""
NETWORK: Mapping[str, str] = MappingProxyType(
    {"sign_on": "001", "sign_off": "002", "key_change": "101", "cut_over": "201", "echo": "301"}
)
"""Field 70 by the words of `match.network`."""

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
    OVERSIZED = "oversized"
    """The reply's frame is longer than the profile allows, and says so."""
    BAD_LENGTH = "bad_length"
    """`bad_length N`: the reply's length header says N, whatever is behind it."""
    SLOW_LORIS = "slow_loris"
    """`slow_loris S`: the reply goes byte by byte, one every S seconds."""
    HOLD_FOR_REVERSAL = "hold_for_reversal"
    """The message is held until its reversal has come and been answered, and only then looked at:
    the reversal before its original."""
    REFUSE_SIGN_ON = "refuse_sign_on"
    """A sign-on is answered 91; any other message is left alone."""
    SIGN_OFF = "sign_off"
    """Answered as ever; then the host signs off (0800/002) on this connection."""
    CUT_OVER_BEFORE = "cut_over_before"
    """The business date moves on, then the message is looked at."""
    CUT_OVER_AFTER = "cut_over_after"
    """Applied; the business date moves on; then the reply, with the date it was posted on."""
    DIE_BEFORE = "die_before"
    """The process ends at once, nothing applied."""
    DIE_AFTER = "die_after"
    """Applied and durable, then the process ends without a reply."""


SECONDS = frozenset({Act.DELAY, Act.DELAY_BEFORE, Act.SLOW_LORIS})
COUNTS: Mapping[Act, int] = MappingProxyType({Act.CUT_REPLY_AT: MAX_LENGTH, Act.BAD_LENGTH: 9999})
"""Acts with a number of bytes, and the most of it; four ASCII digits say no more than 9999."""


ARGUMENTS: Mapping[Act, tuple[str, str]] = MappingProxyType(
    {
        **{act: (f"0 to {MAX_DELAY_S:.0f} seconds", f"{act.value} 2.5") for act in SECONDS},
        **{act: (f"0 to {most} bytes", f"{act.value} 20") for act, most in COUNTS.items()},
        Act.WRONG_FIELD: (f"a field, 2 to {MAX_FIELD}, and a text", "wrong_field 11 999999"),
        Act.CODE: (f"a response code of {RESPONSE_CODE_LENGTH} characters", "code 51"),
    }
)
"""Acts that take something: what it is, and an example. All others take nothing."""


class FaultError(ValueError):
    """A plan that cannot be followed: which rule, and what to do."""


@dataclass(frozen=True, slots=True)
class Where:
    """What a rule may look at beside the message."""

    port: int = 0
    """The port that the connection came in at."""
    since_cut_over_s: float = math.inf
    """Seconds since the business date moved on under this process."""


ANYWHERE = Where()


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule looks at; absent is anything."""

    mti: str | None = None
    processing: str = ""
    amount: int | None = None
    card: str | None = None
    terminal: str | None = None
    stan: str | None = None
    fields: Mapping[str, str] = msgspec.field(default_factory=dict)
    network: str | None = None
    port: int | None = None
    after_cut_over_s: float = math.inf

    def fits(self, message: Message, where: Where) -> bool:
        """Whether the message is meant."""
        wanted = {2: self.card, 11: self.stan} | {int(n): v for n, v in self.fields.items()}
        if self.network is not None:
            wanted[70] = NETWORK[self.network]
        terminal = (message.get(41) or "").strip()
        return (
            self.mti in (None, message.mti)
            and (message.get(3) or "").startswith(self.processing)
            and (self.amount is None or int(message.get(4) or -1) == self.amount)
            and self.terminal in (None, terminal)
            and self.port in (None, where.port)
            and where.since_cut_over_s <= self.after_cut_over_s
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
    act = _act(text, word)
    if act not in ARGUMENTS:
        if argument:
            raise FaultError(f'action "{text}": {word} takes nothing behind it; write "{word}"')
        return Fault(act)
    meaning, example = ARGUMENTS[act]
    try:
        return _with_argument(act, argument)
    except ValueError:
        wanted = f'needs {meaning} behind it; write, for example, "{example}"'
        raise FaultError(f'action "{text}": {word} {wanted}') from None


def _act(text: str, word: str) -> Act:
    known = [one.value for one in Act]
    if word in known:
        return Act(word)
    near = get_close_matches(word, known, 1)
    meant = f"is {near[0]} meant? " if near else ""
    raise FaultError(f'action "{text}" is not known; {meant}Actions are {", ".join(known)}')


def _with_argument(act: Act, argument: str) -> Fault:
    """Raises `ValueError` for an argument that it cannot take."""
    if act in SECONDS:
        fault = Fault(act, seconds=float(argument))
        _within(fault.seconds, 0, MAX_DELAY_S)
    elif act in COUNTS:
        fault = Fault(act, count=int(argument))
        _within(fault.count, 0, COUNTS[act])
    elif act is Act.WRONG_FIELD:
        number, _, content = argument.partition(" ")
        fault = Fault(act, field=int(number), text=content)
        _within(fault.field, 2, MAX_FIELD)
    else:
        fault = Fault(act, text=argument)
        _within(len(argument), RESPONSE_CODE_LENGTH, RESPONSE_CODE_LENGTH)
    return fault


def _within(number: float, least: float, most: float) -> None:
    if not least <= number <= most:
        raise ValueError(number)


def parse_plan(data: bytes) -> list[tuple[Rule, Fault]]:
    """Read a plan; raises `FaultError`, which says which rule and what to write."""
    if len(data) > MAX_FILE_BYTES:
        raise FaultError(f"larger than {MAX_FILE_BYTES} bytes")
    try:
        rules = msgspec.json.decode(data, type=list[Rule])
    except msgspec.ValidationError as error:
        raise FaultError(f"{error}; {_keys_of(str(error))}. A plan is [{RULE}]") from None
    except msgspec.DecodeError as error:
        raise FaultError(f"not JSON: {_broken_at(data) or error}. A plan is [{RULE}]") from None
    if len(rules) > MAX_RULES:
        raise FaultError(f"more than {MAX_RULES} rules")
    return [(rule, _checked(number, rule)) for number, rule in enumerate(rules, 1)]


def _keys_of(error: str) -> str:
    """The keys that stand where msgspec found something else."""
    kind, place = (Match, "match") if "].match" in error else (Rule, "a rule")
    return f"{place} takes {', '.join(kind.__struct_fields__)}"


def _broken_at(data: bytes) -> str:
    """Line and column at which it ceases to be JSON; empty where it is not even text."""
    try:
        json.loads(data)
    except json.JSONDecodeError as error:
        return f"line {error.lineno} column {error.colno}: {error.msg}"
    except ValueError:
        pass
    return ""


def _checked(number: int, rule: Rule) -> Fault:
    match = rule.match
    if not all(n.isascii() and n.isdigit() for n in match.fields):
        raise FaultError(
            f'rule {number}: match.fields maps field numbers to contents; write {{"49": "156"}}'
        )
    if match.network not in (None, *NETWORK):
        raise FaultError(
            f'rule {number}: match.network "{match.network}" is none of {", ".join(NETWORK)}'
        )
    try:
        return parse_action(rule.action)
    except FaultError as error:
        raise FaultError(f"rule {number}: {error}") from None


def _meets(rule: Rule, fault: Fault, message: Message, where: Where) -> bool:
    if fault.act is Act.REFUSE_SIGN_ON and message.get(70) != NETWORK["sign_on"]:
        return False
    return rule.match.fits(message, where)


class FaultPlan:
    """The plan in force, from a file that may change under it; no path is no faults."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._seen: tuple[int, int, int] | None = None
        self._rules: list[tuple[Rule, Fault]] = []
        self._matched: list[int] = []

    def take(self, message: Message, where: Where = ANYWHERE) -> Fault | None:
        """The fault that this message meets; counts it."""
        if self._path is None:
            return None
        self._refresh(self._path)
        for index, (rule, fault) in enumerate(self._rules):
            if not _meets(rule, fault, message, where):
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
