"""Plays path tests on the machine with a fake clock, and says where a call left its script."""

from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from types import MappingProxyType

from telebank.flow.commands import (
    Command,
    Ended,
    Enqueue,
    HangUp,
    PrepareFax,
    Record,
    Say,
    SendFax,
    Submit,
    Told,
)
from telebank.flow.events import (
    Event,
    FaxAnswered,
    FaxPrepared,
    HungUp,
    KeyPressed,
    PlayEnded,
    QueueAnswered,
    ServiceAnswered,
    Started,
)
from telebank.flow.model import DESK_FLOWS, FAX_GIVES, FAX_MADE, FAX_SENT, AnyNode, Call, Fax
from telebank.flow.options import FlowOptions
from telebank.flow.playbook import (
    Answers,
    HangsUp,
    Hears,
    KeepsSilent,
    PathTest,
    Presses,
    Step,
    Transfers,
    Written,
)
from telebank.flow.release import Release
from telebank.flow.session import Session
from transactions.card import CardNumber, SealedCard
from transactions.contract import Kind, Service
from transactions.money import Money
from transactions.outcome import Approved, Plain, Value, Values
from transactions.secret import Secret

KEY_S = 0.3
"""Seconds between two keys of one step."""
SHOWN_LINES = 20
"""Lines of a failed call that its diff shows."""
PROMPT_S = 2.0
"""Seconds that each `Say` takes here."""


APPROVED = ("ok", "last", "none")
"""Exits of an approval that gives rows."""


class Departed(Exception):  # noqa: N818 - reads as what it is
    """The call did something else than its script."""


@dataclass(frozen=True, slots=True)
class PathResult:
    """What came of one path test."""

    test: PathTest
    problem: str | None
    """None where the call went as written; else expected and found, with the step's line."""
    transcript: tuple[str, ...]
    visited: frozenset[str]
    """Nodes, as `flow.node`."""
    taken: frozenset[tuple[str, str]]
    """Call and fax nodes and the exits they took; of a fax with its step: `paper none`."""

    def diff(self) -> str:
        """A failure for people: the call so far, and where it left the script."""
        lines = [f"FAILED {self.test.name}  ({self.test.file}:{self.test.line})"]
        if len(self.transcript) > SHOWN_LINES:
            lines.append(f"    … {len(self.transcript) - SHOWN_LINES} lines before")
        lines += [f"    {line}" for line in self.transcript[-SHOWN_LINES:]]
        return "\n".join([*lines, f"  > {self.problem}"])


@dataclass(slots=True)
class _Ears:
    """What the call did, as its player notes it."""

    heard: deque[str] = field(default_factory=deque)
    lines: list[str] = field(default_factory=list)
    called: Counter[str] = field(default_factory=Counter)
    told: list[str] = field(default_factory=list)
    visited: set[str] = field(default_factory=set)
    taken: set[tuple[str, str]] = field(default_factory=set)
    services: dict[str, str] = field(default_factory=dict)
    """Service by visit."""
    ended: str | None = None


class Player:
    """One call under test. `run` plays a test's steps and checks what came of them."""

    def __init__(self, release: Release, test: PathTest, options: FlowOptions) -> None:
        self._release = release
        self._test = test
        self._session = _session_of(release, test, options)
        self._now = 0.0
        self._playing: Say | None = None
        self._asked: Submit | None = None
        self._transfer: Enqueue | PrepareFax | SendFax | None = None
        self._ears = _Ears()

    def run(self) -> PathResult:
        """Play the whole test; a departure ends it."""
        problem: str | None = None
        line = self._test.line
        try:
            self._feed(Started(frozenset(self._test.able)))
            for step in self._test.steps:
                line = step.line
                self._act(step)
            line = self._test.line
            self._close()
        except Departed as departed:
            problem = f"line {line}: {departed}"
        ears = self._ears
        return PathResult(
            self._test,
            problem,
            tuple(ears.lines),
            frozenset(ears.visited),
            frozenset(ears.taken),
        )

    def _act(self, step: Step) -> None:
        match step:
            case Hears(_, prompts):
                for prompt in prompts:
                    self._hear(prompt)
            case Presses():
                self._press(step)
            case KeepsSilent(_, times):
                for _ in range(times):
                    self._wait()
            case Answers():
                self._answer(step)
            case Transfers():
                self._answer_transfer(step)
            case HangsUp():
                self._nothing_unheard()
                self._feed(HungUp())
                self._ears.ended = self._ears.ended or "caller"

    def _close(self) -> None:
        self._listen_out()
        self._nothing_unheard()
        ears, test = self._ears, self._test
        ended = ears.ended or "open"
        if test.ended is not None and ended != test.ended:
            raise Departed(f"expected the call to end as {test.ended}; it is {ended}")
        if test.called is not None and dict(ears.called) != dict(test.called):
            raise Departed(f"expected services {dict(test.called)}; asked {dict(ears.called)}")
        if test.told is not None and tuple(ears.told) != test.told:
            raise Departed(f"expected told {list(test.told)}; told {ears.told}")

    # -- the caller ---------------------------------------------------------------------------

    def _hear(self, prompt: str) -> None:
        while not self._ears.heard and self._end_play():
            pass
        if not self._ears.heard:
            raise Departed(f"expected to hear {prompt}; {self._situation()}")
        heard = self._ears.heard.popleft()
        if heard != prompt:
            raise Departed(f"expected to hear {prompt}; heard {heard}")

    def _press(self, step: Presses) -> None:
        if not step.barge:
            self._listen_out()
        self._nothing_unheard()
        for key in step.keys:
            self._now += KEY_S
            if self._playing is not None and key in self._playing.stop_keys:
                self._playing = None
            self._feed(KeyPressed(key))

    def _wait(self) -> None:
        self._listen_out()
        self._nothing_unheard()
        at = self._session.wake_at
        if at is None:
            raise Departed(f"expected a timer; {self._situation()}")
        self._note("silence")
        self._wake(at)

    def _listen_out(self) -> None:
        while self._end_play():
            pass

    def _end_play(self) -> bool:
        if self._playing is None:
            return False
        token, self._playing = self._playing.token, None
        self._now += PROMPT_S
        self._feed(PlayEnded(token, completed=True))
        return True

    def _nothing_unheard(self) -> None:
        if self._ears.heard:
            raise Departed(f"heard {', '.join(self._ears.heard)}, which the script does not have")

    # -- the others ---------------------------------------------------------------------------

    def _answer(self, step: Answers) -> None:
        self._listen_out()
        asked = self._asked
        if asked is None or asked.service != step.service:
            raise Departed(f"expected {step.service} to be asked; {self._situation()}")
        for name, expected in step.inputs.items():
            if str(asked.inputs.get(name, "")) != expected:
                raise Departed(f"expected {name}={expected}; it is {asked.inputs.get(name)}")
        contract = self._release.contracts[step.service]
        try:
            data = {name: given(contract, name, written) for name, written in step.data.items()}
        except (ValueError, ArithmeticError) as error:
            raise Departed(f"cannot read `data`: {type(error).__name__}: {error}") from error
        self._check_exit(contract, step.exit, data)
        self._pass_time(step.after)
        self._asked = None
        self._note(f"{step.service} answers {step.exit}")
        self._ears.taken.add((self._session.place, step.exit))
        self._feed(ServiceAnswered(asked.visit, step.exit, data))

    @staticmethod
    def _check_exit(contract: Service, exit_name: str, data: Values) -> None:
        """An approval's exit is the one that its own data makes."""
        if exit_name not in APPROVED:
            return
        made = contract.exit_for(Approved(data))
        if made in APPROVED and exit_name != made and contract.rows:
            raise Departed(f"{contract.name} with these data takes {made}, not {exit_name}")

    def _pass_time(self, seconds: float) -> None:
        until = self._now + seconds
        while True:
            if self._playing is not None and self._now + PROMPT_S <= until:
                self._end_play()
            elif (at := self._session.wake_at) is not None and at <= until:
                self._wake(at)
            else:
                self._now = until
                return

    def _answer_transfer(self, step: Transfers) -> None:
        self._listen_out()
        asked, self._transfer = self._transfer, None
        self._note(f"{step.kind} answers {step.exit}")
        match asked:
            case Enqueue(visit) if step.kind == "queue":
                self._feed(QueueAnswered(visit, step.exit))
            case PrepareFax() if step.kind == "paper":
                self._with(step, {"document": asked.document, **asked.values})
                self._take(step, FAX_MADE)
                self._feed(FaxPrepared(asked.visit, step.exit))
            case SendFax() if step.kind == "fax":
                self._answer_fax(asked, step)
            case _:
                raise Departed(f"expected a {step.kind}; {self._situation()}")

    def _answer_fax(self, fax: SendFax, step: Transfers) -> None:
        asked = {"document": fax.document, "way": fax.way, "to": fax.to, "at": fax.at}
        self._with(step, {**asked, **fax.values})
        node = self._node()
        assert isinstance(node, Fax)
        self._take(step, FAX_SENT if fax.way == "here" else node.exits)
        data = {name: _fax_value(name, written) for name, written in step.data.items()}
        self._feed(FaxAnswered(fax.visit, step.exit, data))

    @staticmethod
    def _with(step: Transfers, asked: Mapping[str, object]) -> None:
        for name, expected in step.inputs.items():
            if str(asked.get(name) or "") != expected:
                raise Departed(f"expected {name}={expected}; it is {asked.get(name)}")

    def _take(self, step: Transfers, exits: tuple[str, ...]) -> None:
        if step.exit not in exits:
            raise Departed(f"a {step.kind} never answers {step.exit} here")
        self._ears.taken.add((self._session.place, f"{step.kind} {step.exit}"))

    def _node(self) -> AnyNode:
        flow, _, node = self._session.place.partition(".")
        return self._release.flows[flow].nodes[node]

    # -- the machine --------------------------------------------------------------------------

    def _feed(self, event: Event) -> None:
        self._perform(self._session.receive(event, self._now))

    def _wake(self, at: float) -> None:
        self._now = max(self._now, at)
        self._perform(self._session.wake(self._now))

    def _perform(self, commands: Iterable[Command]) -> None:
        for command in commands:
            match command:
                case Say():
                    self._playing = command
                    self._heard(command)
                case Submit():
                    self._asked = command
                    self._ears.called[command.service] += 1
                    self._ears.services[command.visit] = command.service
                    self._note(f"asks {command.service}")
                case Enqueue() | PrepareFax() | SendFax():
                    self._transfer = command
                    self._note(type(command).__name__)
                case Told(visit, exit_name):
                    self._ears.told.append(f"{self._ears.services[visit]} {exit_name}")
                case Record():
                    self._recorded(command)
                case HangUp(reason) | Ended(reason):
                    self._ears.ended = reason
                    self._note(f"ends: {reason}")
                case _:
                    pass

    def _heard(self, say: Say) -> None:
        for spoken in say.prompts:
            other = say.language != self._session.language
            label = f"{spoken.prompt_id}@{say.language}" if other else spoken.prompt_id
            self._ears.heard.append(label)
            values = ", ".join(f"{name}={value}" for name, value in spoken.values.items())
            self._note(f"says {label}" + (f"  {values}" if values else ""))

    def _recorded(self, record: Record) -> None:
        if record.kind == "node.entered":
            self._ears.visited.add(f"{record.detail['flow']}.{record.detail['node']}")
            return
        flow, node, *rest = record.detail.values()
        text = " ".join((record.kind, f"{flow}.{node}", *rest))
        lines = self._ears.lines
        if record.kind == "key" and lines and lines[-1].rstrip("•").endswith(text.rstrip("•")):
            lines[-1] += record.detail["digit"]
        else:
            self._note(text)

    def _note(self, text: str) -> None:
        self._ears.lines.append(f"{self._now:7.1f}  {text}")

    def _situation(self) -> str:
        if self._ears.ended is not None:
            return f"the call has ended ({self._ears.ended})"
        if self._asked is not None:
            return f"waiting for {self._asked.service}"
        return f"at {self._session.place}, {self._session.phase}"


def _session_of(release: Release, test: PathTest, options: FlowOptions) -> Session:
    """Of a whole call, or of one beside a call."""
    if test.flow not in DESK_FLOWS:
        return Session(release, "test", options, entry=test.flow)
    kinds = release.flows[test.flow].vars
    given = {name: value_of(kinds.get(name, "text"), text) for name, text in test.given.items()}
    return Session(release, "test", options).beside(test.flow, given)


def play(release: Release, test: PathTest, options: FlowOptions | None = None) -> PathResult:
    """Play one path test."""
    return Player(release, test, options or FlowOptions()).run()


def uncovered(release: Release, results: Iterable[PathResult]) -> list[str]:
    """The nodes that no test visits and the exits of calls and faxes that no test takes."""
    visited: set[str] = set()
    taken: set[tuple[str, str]] = set()
    for result in results:
        visited |= result.visited
        taken |= result.taken
    missing: list[str] = []
    for flow in release.flows.values():
        for node in flow.nodes.values():
            place = f"{flow.name}.{node.name}"
            if place not in visited:
                missing.append(f"node {place} is never visited")
            for name in _exits(node):
                if (place, name) not in taken:
                    missing.append(f"exit {name} of {place} is never taken")
    return missing


def _exits(node: AnyNode) -> Iterable[str]:
    """The exits that tests must take; of a fax in the call those of both its steps."""
    match node:
        case Call():
            return node.then
        case Fax(way="here"):
            return [f"paper {name}" for name in FAX_MADE] + [f"fax {name}" for name in FAX_SENT]
        case Fax():
            return [f"fax {name}" for name in node.exits]
        case _:
            return ()


def given(contract: Service, name: str, written: Written) -> Value:
    """An output as it is written in a playbook, as the value of its kind."""
    if isinstance(written, str):
        return value_of(contract.gives.get(name, "text"), written)
    shape = contract.rows.get(name)
    kinds: Mapping[str, Kind] = shape.columns if shape is not None else {}
    return tuple(
        MappingProxyType({key: _plain(kinds.get(key, "text"), text) for key, text in row.items()})
        for row in written
    )


def _fax_value(name: str, written: Written) -> Value:
    kind = FAX_GIVES.get(f"fax_{name}")
    if kind is None or not isinstance(written, str):
        known = ", ".join(one.removeprefix("fax_") for one in FAX_GIVES)
        raise Departed(f"the answer to a fax has no `{name}`; it has {known}")
    return value_of(kind, written)


def _plain(kind: Kind, text: str) -> Plain:
    value = value_of(kind, text)
    assert not isinstance(value, CardNumber | SealedCard | Secret | tuple)
    return value


def value_of(kind: Kind, text: str) -> Value:
    """A playbook's text as a value of a contract's kind, such as `12.30 CNY` as money."""
    return _READERS.get(kind, str)(text)


def _money(text: str) -> Value:
    amount, _, code = text.partition(" ")
    return Money.parse(amount, code or "CNY")


_READERS: Mapping[Kind, Callable[[str], Value]] = MappingProxyType(
    {
        "money": _money,
        "date": date.fromisoformat,
        "time": time.fromisoformat,
        "number": int,
        "rate": Decimal,
        "card_no": CardNumber,
    }
)
