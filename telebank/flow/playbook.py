"""Path tests as data, `ivr-playbook/1`: keys in, prompts expected, scripted answers.

schema: ivr-playbook/1
parts:                               # steps that several tests begin with
  english: [{hears: [sys.welcome, lang.zh, lang.en@en]}, {keys: "2"}]
tests:
  - name: a caller who only listens
    steps:
      - part: english
      - hears: [lang.chosen, front.menu]
      - keys: "9"                    # after the prompt; `barge: true` presses into it
      - silence: 1                   # waits for the next timer, so many times
      - service: card.balance        # answers the question that is out
        exit: ok
        data: {available: 12.30 CNY, items: [{on: 2026-01-20, amount: -5.00 CNY}]}
        with: {card: CardNumber(622700******0001), cursor: null}   # null: not in the request
        after: 4s
      - queue: not_on_duty
      - paper: ready                 # what came of the paper of a fax in this call
        with: {document: card_recent}  # and the values of the document
      - hears: fax.start
      - fax: partial                 # what became of the fax that was asked for
        data: {pages: 2, of: 3}      # number: the masked one, of one that goes back or later
        with: {way: here}            # of the others also document, to, at, and values
      - hangs_up: true
    called: {card.balance: 1}        # how often each service was asked, exactly
    told: [card.balance ok]          # results that the caller heard, exactly
    able: [fax_here]                 # what is to be had in this call; left out: everything
    given: {card: "6227000000000012"}  # with `flow`: what one beside a call begins with
    ended: done                      # the flow's word, its exit, `caller`, or `open`
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from telebank.flow.model import ABILITIES, Finding, FlowError
from telebank.flow.reader import Block
from telebank.flow.texts import read_document

SCHEMA = "ivr-playbook/1"
MAX_TESTS = 1_000
MAX_STEPS = 500
MAX_WAIT_S = 900.0


@dataclass(frozen=True, slots=True)
class Hears:
    """These texts, in this order, are what is said next."""

    line: int
    prompts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Presses:
    """Keys 0.3 s apart: after what is being said, or into it."""

    line: int
    keys: str = field(repr=False)
    barge: bool = False


@dataclass(frozen=True, slots=True)
class KeepsSilent:
    """The caller waits for `times` timers, one after the other."""

    line: int
    times: int


Written = str | tuple[Mapping[str, str], ...]
"""A value of an answer as it is written: a text, or rows of texts."""


@dataclass(frozen=True, slots=True)
class Answers:
    """The service that was asked answers, `after` seconds."""

    line: int
    service: str
    exit: str
    data: Mapping[str, Written]
    inputs: Mapping[str, str]
    """What the request has; empty where it must not have the input."""
    after: float


@dataclass(frozen=True, slots=True)
class Transfers:
    """The teller queue or the fax answers; `kind` is `queue`, `paper` or `fax`."""

    line: int
    kind: str
    exit: str
    data: Mapping[str, Written] = field(default_factory=lambda: MappingProxyType({}))
    """What the answer to a fax has: pages, of, number."""
    inputs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """What was asked for: document, way, to, at, and the document's values."""


@dataclass(frozen=True, slots=True)
class HangsUp:
    """The caller hangs up."""

    line: int


Step = Hears | Presses | KeepsSilent | Answers | Transfers | HangsUp


@dataclass(frozen=True, slots=True)
class PathTest:
    """One call, and what must come of it; what is None is not looked at."""

    name: str
    file: str
    line: int
    flow: str
    steps: tuple[Step, ...]
    called: Mapping[str, int] | None
    told: tuple[str, ...] | None
    ended: str | None
    able: tuple[str, ...] = ABILITIES
    given: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Variables of a flow that runs beside a call, by the kinds that it declares."""


def load_playbook(path: Path) -> tuple[PathTest, ...]:
    """Read one file; raises `FlowError` with every problem's line and mend."""
    findings: list[Finding] = []
    raw = read_document(path, str(path), findings)
    tests: tuple[PathTest, ...] = ()
    if raw is not None:
        tests = _tests(Block(raw, str(path), 1, "playbook", findings))
    if findings:
        raise FlowError(findings)
    return tests


def _tests(top: Block) -> tuple[PathTest, ...]:
    top.one_of("schema", (SCHEMA,))
    parts: dict[str, tuple[Step, ...]] = {}
    block = top.block("parts", "parts")
    for name in block.each() if block else ():
        assert block is not None
        parts[name] = _steps(block, name, parts)
    tests = tuple(_test(inner, parts) for inner in _blocks(top, "tests", "test"))
    if not 0 < len(tests) <= MAX_TESTS:
        top.refuse("tests", "no tests, or too many", f"give 1 to {MAX_TESTS} tests")
    top.finish()
    return tests


def _blocks(outer: Block, key: str, what: str) -> list[Block]:
    items = outer.take(key)
    if not isinstance(items, CommentedSeq) or not all(isinstance(i, CommentedMap) for i in items):
        outer.refuse(key, f"`{key}` is no list of mappings", "write `- key: value` lines")
        return []
    return [
        Block(item, outer.file, int(item.lc.line) + 1, f"{what} {number}", outer.findings)
        for number, item in enumerate(items, 1)
    ]


def _test(block: Block, parts: Mapping[str, tuple[Step, ...]]) -> PathTest:
    called = None
    if "called" in block:
        called = {name: int(count) for name, count in block.mapping("called").items()}
    test = PathTest(
        name=block.text("name"),
        file=block.file,
        line=block.line,
        flow=block.text("flow", "main"),
        steps=_steps(block, "steps", parts),
        called=MappingProxyType(called) if called is not None else None,
        told=block.names("told") if "told" in block else None,
        ended=block.optional("ended"),
        able=_able(block),
        given=block.mapping("given"),
    )
    block.finish()
    return test


def _able(block: Block) -> tuple[str, ...]:
    able = block.names("able") if "able" in block else ABILITIES
    for name in able:
        if name not in ABILITIES:
            block.refuse("able", f"`{name}` is no ability", f"use {', '.join(ABILITIES)}")
    return able


def _steps(block: Block, key: str, parts: Mapping[str, tuple[Step, ...]]) -> tuple[Step, ...]:
    steps: list[Step] = []
    for inner in _blocks(block, key, f"{block.what}, step"):
        steps += _step(inner, parts)
        inner.finish()
    if len(steps) > MAX_STEPS:
        block.refuse(key, f"more than {MAX_STEPS} steps", "split the test")
    return tuple(steps)


def _step(block: Block, parts: Mapping[str, tuple[Step, ...]]) -> Sequence[Step]:
    if "part" in block:
        return parts.get(block.one_of("part", tuple(parts)), ())
    for word, read in _STEPS.items():
        if word in block:
            return (read(block),)
    mend = f"use one of part, {', '.join(_STEPS)}"
    block.refuse("", "no such step", mend)
    return ()


def _answers(block: Block) -> Answers:
    return Answers(
        line=block.line,
        service=block.text("service"),
        exit=block.text("exit"),
        data=_data(block),
        inputs=block.mapping("with"),
        after=block.seconds("after", MAX_WAIT_S, 0.2),
    )


def _data(block: Block) -> Mapping[str, Written]:
    """The outputs: texts, and lists of mappings of texts."""
    raw = block.take("data")
    if raw is None:
        return MappingProxyType({})
    if not isinstance(raw, CommentedMap):
        block.refuse("data", "`data` is no mapping", "write {name: value}")
        return MappingProxyType({})
    return MappingProxyType({str(name): _written(block, value) for name, value in raw.items()})


def _written(block: Block, value: object) -> Written:
    if not isinstance(value, CommentedSeq):
        return str(value)
    if not all(isinstance(row, CommentedMap) for row in value):
        block.refuse("data", "a row is no mapping", "write [{column: value}, …]")
        return ()
    return tuple(MappingProxyType({str(k): str(v) for k, v in row.items()}) for row in value)


def _hangs_up(block: Block) -> Step:
    block.flag("hangs_up", True)
    return HangsUp(block.line)


_STEPS: Mapping[str, Callable[[Block], Step]] = MappingProxyType(
    {
        "hears": lambda b: Hears(b.line, b.names("hears")),
        "keys": lambda b: Presses(b.line, b.text("keys"), b.flag("barge", False)),
        "silence": lambda b: KeepsSilent(b.line, b.whole("silence", 1, 20)),
        "service": _answers,
        "queue": lambda b: Transfers(b.line, "queue", b.text("queue")),
        "paper": lambda b: Transfers(b.line, "paper", b.text("paper"), inputs=b.mapping("with")),
        "fax": lambda b: Transfers(b.line, "fax", b.text("fax"), _data(b), b.mapping("with")),
        "hangs_up": _hangs_up,
    }
)
