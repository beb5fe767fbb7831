"""Walking a menu tree: entering nodes, speaking them, and what follows a prompt.

`Walker` is the inner half of the session machine; `telebank.flow.session` adds events and time.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, assert_never

from telebank.flow import pace, papers
from telebank.flow.commands import (
    Enqueue,
    Listen,
    SendFax,
    Submit,
    Used,
)
from telebank.flow.entry import currency_of, in_currency
from telebank.flow.model import (
    AT_DESK,
    AnyNode,
    AskingNode,
    Branch,
    Call,
    Collect,
    Confirm,
    Enter,
    Exit,
    Fax,
    Menu,
    MoneyEntry,
    Pace,
    Queue,
    Return,
    Statement,
)
from telebank.flow.options import (
    KEYS,
    MAX_FRAMES,
    MAX_STEPS,
)
from telebank.flow.state import Frame, Phase
from telebank.flow.voice import Voice
from transactions.contract import Kind
from transactions.outcome import NotSent, Unknown, Value

HOPED_FOR = ("ok", "last")
"""Exits of a read after which keys typed ahead still mean what they did."""


class IllegalEvent(Exception):  # noqa: N818 - reads as what it is
    """An event that the session's phase does not know: a bug of the driver."""


class Walker(Voice):
    """One caller's walk through one release; every method runs on to the next thing to wait for."""

    # -- nodes --------------------------------------------------------------------------------

    def _run(self, target: str | None) -> None:
        """Go from node to node until one waits."""
        for _ in range(MAX_STEPS):
            if target is None or self.phase is Phase.ENDED:
                return
            target = self._enter(target)
        raise RuntimeError(f"{self.place}: {MAX_STEPS} nodes without waiting")

    def _enter(self, name: str) -> str | None:
        """Enter a node; returns the next one, or None where it waits."""
        state = self._state
        if name not in self._flow().nodes:
            self._hang_up("fault")
            return None
        state.frames[-1].node = name
        state.timer = state.resume = None
        state.tries, state.entry, state.read, state.fax = 0, "", False, ""
        node = self._node()
        self._record("node.entered")
        if node.visits is not None and self._count(node) > node.visits:
            return self._fallback(node)
        return _ENTER[type(node)](self, node)

    def _count(self, node: AnyNode) -> int:
        visits = self._state.frames[-1].visits
        visits[node.name] = visits.get(node.name, 0) + 1
        return visits[node.name]

    def _fallback(self, node: AnyNode) -> str:
        return node.over or self._flow().exhausted or ""

    def _enter_asking(self, node: AskingNode) -> str | None:
        if isinstance(node, Menu):
            self._switch(node.language)
        if isinstance(node, Confirm) and not all(self._memory.has(name) for name in node.reads):
            self._record("value.missing")
            return node.asking.exhausted
        if isinstance(node, Collect) and self._lacks_currency(node):
            self._record("value.missing")
            return node.asking.exhausted
        self._settle_type_ahead(statement=False)
        self._ask(node)
        return None

    def _enter_statement(self, node: Statement) -> str | None:
        self._switch(node.language)
        self._settle_type_ahead(statement=True)
        state = self._state
        if state.buffer and node.barge_in and not state.untold:
            return node.next
        stop_keys = KEYS if node.barge_in else ""
        return None if self._say(self._parts(node), stop_keys) else node.next

    def _settle_type_ahead(self, statement: bool) -> None:
        """Keys typed before a result was heard do not outlive it: never where money or a state
        moved, and not where a read's answer is other than hoped for and needs words."""
        state = self._state
        if not state.untold:
            return
        moved = any(answer.effect != "read" for answer in state.untold)
        if moved or (statement and state.untold[-1].exit not in HOPED_FOR):
            state.buffer = ""

    def _enter_call(self, node: Call) -> str | None:
        service = self.release.contracts[node.service]
        inputs: dict[str, Value] = {}
        for name, source in node.inputs.items():
            value = self._memory.value(source[1:]) if source.startswith("$") else source
            if value is None and name in service.optional:
                continue
            if value is None:
                self._record("value.missing")
                return self._exit_of(node, service.exit_for(NotSent("missing input")))
            inputs[name] = value
        state = self._state
        visit = self._new_visit()
        state.answer_by = self._now + self.options.answer_guard_s
        if node.filler:
            state.timer = self._now + self.options.filler_after_s
        self._out.append(Submit(visit, node.service, inputs, state.auth, self._memory.proved))
        return None

    def _exit_of(self, node: Call, exit_name: str) -> str:
        if exit_name in node.then:
            return node.then[exit_name]
        self._record("exit.unknown", service=node.service)
        service = self.release.contracts[node.service]
        return node.then.get(service.exit_for(Unknown("no such exit"))) or self._fallback(node)

    def _enter_flow(self, node: Enter) -> str | None:
        if len(self._state.frames) >= MAX_FRAMES:
            self._hang_up("fault")
            return None
        flow = self.release.flows[node.flow]
        if node.often is not None and (customer := self._memory.proved) is not None:
            self._out.append(Used(node.often, customer))
        for name, constant in node.set.items():
            self._memory.forget(name)
            if constant:
                number = flow.vars[name] == "number"
                self._memory.store(name, int(constant) if number else constant)
        self._state.frames.append(Frame(flow.name, flow.entry))
        return flow.entry

    def _enter_branch(self, node: Branch) -> str | None:
        code = self._memory.value(node.on)
        if node.on == AT_DESK:
            self._memory.forget(AT_DESK)
        return node.then.get(code, node.other) if isinstance(code, str) else node.other

    def _enter_pace(self, node: Pace) -> str | None:
        state = self._state
        patience, speed = self._code(node.patience), self._code(node.speed)
        if patience in pace.PATIENCE:
            more = pace.GUARD[patience] - pace.GUARD[state.patience]
            state.guard_at += more * self.options.call_guard_s
            state.patience = patience
        if speed in pace.SPEEDS:
            state.speed = speed
        self._record("call.pace", patience=state.patience, speed=state.speed)
        return node.next

    def _code(self, source: str | None) -> str:
        """The code that is written out or in a variable; empty where there is none."""
        if source is None or not source.startswith("$"):
            return source or ""
        return str(self._memory.value(source[1:]) or "")

    def _enter_return(self, node: Return) -> str | None:
        frames = self._state.frames
        frames.pop()
        if not frames:
            self._hang_up(node.exit if self._state.aside else "done")
            return None
        outer = self._node()
        assert isinstance(outer, Enter)
        return outer.then.get(node.exit) or self._fallback(outer)

    def _enter_fax(self, node: Fax) -> str | None:
        """In this call the paper is made before the caller is told to press start: machines wait
        35 seconds (T1 of ITU-T T.30), and hear no words."""
        return self._ask_fax(node) if node.way == "here" else self._enter_last(node)

    def _enter_last(self, node: Queue | Fax | Exit) -> str | None:
        self._settle_type_ahead(statement=True)
        return None if self._say(self._parts(node), "") else self._after_prompt()

    def _after_prompt(self) -> str | None:
        """What follows a node's prompt: listening, the next node, or the act it announced."""
        node, state = self._node(), self._state
        match node:
            case Menu() | Collect() | Confirm():
                self._listen(node)
            case Statement():
                return node.next
            case Call():
                return self._after_filler()
            case Queue():
                return self._after_queue(node)
            case Fax():
                return self._after_fax(node)
            case Exit():
                self._hang_up(node.reason)
            case Enter() | Branch() | Pace() | Return():
                raise IllegalEvent(f"{self.place} speaks nothing, and {state.playing} ended")
            case _:
                assert_never(node)
        return None

    def _after_queue(self, node: Queue) -> str | None:
        """What follows the prompt of a queue, or the words that it is full."""
        state = self._state
        if state.resume is not None:
            return state.resume
        carried = {name: v for name in node.carry if (v := self._memory.value(name)) is not None}
        visit = self._new_visit()
        state.timer, state.said_at = None, self._now
        business = state.frames[-1].flow
        self._out.append(
            Enqueue(visit, node.skill, node.priority, carried, state.language, business)
        )
        return None

    def _after_fax(self, node: Fax) -> str | None:
        """What follows the prompt of a fax, or its filler."""
        match self._state.fax:
            case "asked":
                return self._after_filler()
            case "made":
                self._announce(node)
                return None
            case "announced":
                self._send_fax()
                return None
            case _:
                return self._ask_fax(node)

    def _ask_fax(self, node: Fax) -> str | None:
        """Ask for the paper of a fax in this call, or for the whole of one that is not."""
        state = self._state
        document = papers.document_of(node, self.release.documents, self._memory)
        fax = papers.asked(node, document, self._memory)
        if fax is None:
            self._record("value.missing")
            return node.then.get(papers.UNAVAILABLE) or self._fallback(node)
        visit = self._new_visit()
        state.fax = "asked"
        if node.filler:
            state.timer = self._now + self.options.filler_after_s
        self._out.append(replace(fax, visit=visit, language=state.language, auth=state.auth))
        return None

    def _announce(self, node: Fax) -> None:
        """The paper is there: the caller is told to press start."""
        self._state.fax = "announced"
        if not self._say(self._parts(node), ""):
            self._send_fax()

    def _send_fax(self) -> None:
        state = self._state
        assert state.visit is not None
        state.phase, state.timer, state.fax = Phase.WAITING, None, "sending"
        self._out.append(SendFax(state.visit))

    def _after_filler(self) -> str | None:
        state = self._state
        if state.resume is None:
            state.phase = Phase.WAITING
            state.timer = self._now + self.options.filler_again_s
        return state.resume

    def _ask(self, node: AskingNode, before: tuple[str, ...] = ()) -> None:
        """Speak a node's prompt and then listen; nothing is said to one who types ahead."""
        state = self._state
        secret = isinstance(node, Collect) and not node.public
        if state.listening is not secret:
            state.listening = secret
            self._out.append(Listen(secret))
        unread = isinstance(node, Confirm) and not state.read
        if unread:
            state.buffer = ""
        barge_in = node.asking.barge_in and not unread
        typed_ahead = bool(state.buffer) and barge_in
        if typed_ahead and node.each is not None:
            state.untold = []  # the rows are the answer, and he does not wait for them
        if typed_ahead or not self._say(self._parts(node, before), KEYS if barge_in else ""):
            self._listen(node)

    def _listen(self, node: AskingNode) -> None:
        self._state.phase = Phase.LISTENING
        self._state.timer = self._now + self._patient(node.asking.first_digit)

    def _lacks_currency(self, node: Collect) -> bool:
        entry = self._asked(node).entry
        return isinstance(entry, MoneyEntry) and entry.currency is None

    def _asked(self, node: Collect) -> Collect:
        """The node with the currency of its amount, where a variable says which."""
        of = node.entry.of if isinstance(node.entry, MoneyEntry) else None
        return node if of is None else in_currency(node, currency_of(self._memory.value(of)))

    def _kind(self, node: Collect) -> Kind:
        return self._flow().vars[node.into]


_ENTER: Mapping[type, Callable[[Walker, Any], str | None]] = MappingProxyType(
    {
        Menu: Walker._enter_asking,
        Collect: Walker._enter_asking,
        Confirm: Walker._enter_asking,
        Statement: Walker._enter_statement,
        Call: Walker._enter_call,
        Enter: Walker._enter_flow,
        Branch: Walker._enter_branch,
        Pace: Walker._enter_pace,
        Return: Walker._enter_return,
        Queue: Walker._enter_last,
        Fax: Walker._enter_fax,
        Exit: Walker._enter_last,
    }
)
