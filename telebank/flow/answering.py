"""What others answer to a session: services, queues, faxes, and a session beside it.

Where a filler is being spoken, what an answer leads to follows at its end.
"""

from typing import assert_never

from telebank.flow import papers
from telebank.flow.events import (
    Answered,
    Disproved,
    FaxAnswered,
    FaxPrepared,
    Proved,
    QueueAnswered,
    ServiceAnswered,
)
from telebank.flow.model import (
    ABLE,
    AT_DESK,
    DONE,
    FULL,
    NOT_ON_DUTY,
    READY,
    UNCONFIRMED,
    Call,
    Fax,
    Queue,
)
from telebank.flow.speech import parts_of
from telebank.flow.state import Untold
from telebank.flow.walk import Walker
from transactions.contract import Service
from transactions.request import AuthLevel

LOCKED, WRONG = "locked", ("wrong_pin", "wrong_code")
"""Exits of services that prove a level: no more tries today, and a wrong one."""


class Answering(Walker):
    """A walk that goes on by what others answer."""

    def _take_answer(self, event: Answered | Proved | Disproved) -> None:
        match event:
            case ServiceAnswered():
                self._answered(event)
            case QueueAnswered(visit, exit_name):
                self._transferred(visit, exit_name)
            case FaxPrepared():
                self._fax_prepared(event)
            case FaxAnswered():
                self._faxed(event)
            case Proved():
                self._proved(event)
            case Disproved(lost):
                self._take_back(lost)
            case _:
                assert_never(event)

    def _answered(self, event: ServiceAnswered) -> None:
        node = self._node()
        if event.visit != self._state.visit or not isinstance(node, Call):
            self._record("answer.late", visit=event.visit)
            return
        service = self.release.contracts[node.service]
        self._state.visit = self._state.answer_by = None
        if self._state.playing is None:
            self._state.timer = None  # else it is the filler's, whose end may never be told
        self._forget_secrets(node)
        for name in service.gives:
            if name in event.data:
                self._memory.store(name, event.data[name])
            elif event.exit in service.out_on or name in service.rows:
                self._memory.forget(name)  # an older value must not pass for this answer's
        if event.exit in service.grants_on and service.grants is not None:
            source = node.inputs.get(service.customer or "", "")
            self._memory.prove(source.removeprefix("$"), service.grants)
        self._tried(service, event.exit)
        self._answer_untold(Untold(event.visit, event.exit, service.effect))
        self._go_on(self._exit_of(node, event.exit))

    def _tried(self, service: Service, exit_name: str) -> None:
        """What proves a level was tried: locked, it proves nothing any more in this call."""
        counts = service.counts_with or service.name
        level = service.grants or self.release.contracts[counts].grants
        if service.attempts is None or level is None:
            return
        wrong = self._state.wrong
        if exit_name in (*service.grants_on, *service.right_on):
            wrong.pop(counts, None)
        elif exit_name in WRONG:
            wrong[counts] = wrong.get(counts, 0) + 1
        if exit_name == LOCKED or wrong.get(counts, 0) >= service.attempts:
            self._take_back(level)

    def _take_back(self, level: AuthLevel) -> None:
        self._state.lost = level
        if self._memory.take_back(level):
            self._record("call.unproved", level=self._state.auth.value)

    def _go_on(self, target: str) -> None:
        """After an answer; a filler is heard to its end first."""
        if self._state.playing is None:
            self._run(target)
        else:
            self._state.resume = target

    def _answer_untold(self, answer: Untold) -> None:
        """A read's answer gives way to a later one; what moved money or a state is always told."""
        kept = [old for old in self._state.untold if old.effect != "read"]
        self._state.untold = [*kept, answer]

    def _forget_secrets(self, node: Call) -> None:
        """A secret lives until the service that took it has answered."""
        kinds = self._flow().vars
        for source in node.inputs.values():
            if source.startswith("$") and kinds.get(source[1:]) == "secret":
                self._memory.forget(source[1:])

    def _transferred(self, visit: str, exit_name: str) -> None:
        """A queue let him go. What he keyed meanwhile was meant for nobody."""
        node, state = self._node(), self._state
        if visit != state.visit or not isinstance(node, Queue):
            return
        state.visit = None
        state.buffer = ""
        state.guard_at += self._now - state.said_at  # he was with people meanwhile
        if exit_name in node.then:
            self._run(node.then[exit_name])
        elif exit_name == FULL:
            self._say_full(node.then.get(DONE) or self._fallback(node))
        else:
            self._record("exit.unknown", skill=node.skill)
            self._run(node.then.get(NOT_ON_DUTY) or self._fallback(node))

    def _say_full(self, target: str) -> None:
        """The queue is full, and its node has no words for that."""
        state, prompt = self._state, self.options.full_prompt
        known = prompt in self.release.texts[state.language]
        state.resume = target
        if not self._say(parts_of((prompt,) if known else (), state.language), ""):
            self._run(target)

    def _proved(self, event: Proved) -> None:
        self._memory.take_over(event.given, event.customer, event.level)
        self._memory.store(AT_DESK, ABLE)
        self._record("call.proved", level=self._state.auth.value)

    def _fax_prepared(self, event: FaxPrepared) -> None:
        """The paper of a fax in this call was made, or was not; where a filler is being spoken,
        what comes of it follows at its end."""
        node, state = self._node(), self._state
        asked = isinstance(node, Fax) and node.way == "here" and state.fax == "asked"
        if event.visit != state.visit or not asked:
            self._record("answer.late", visit=event.visit)
            return
        assert isinstance(node, Fax)
        state.buffer = ""
        if state.playing is None:
            state.timer = None  # else it is the filler's
        if event.exit != READY:
            state.visit = None
            self._go_on(self._fax_exit(node, event.exit, papers.UNAVAILABLE))
            return
        state.fax = "made"
        if state.playing is None:
            self._announce(node)

    def _faxed(self, event: FaxAnswered) -> None:
        """A fax went, or did not. Keys that were heard meanwhile were the machines' sounds."""
        node, state = self._node(), self._state
        here = isinstance(node, Fax) and node.way == "here"
        out = state.fax == ("sending" if here else "asked")
        if event.visit != state.visit or not isinstance(node, Fax) or not out:
            self._record("answer.late", visit=event.visit)
            return
        state.visit = None
        state.buffer = ""
        if state.playing is None:
            state.timer = None
        if here:
            state.guard_at += self._now - state.said_at  # the machines' time, not his
        papers.keep(self._memory, event.data)
        self._go_on(self._fax_exit(node, event.exit, UNCONFIRMED))

    def _fax_exit(self, node: Fax, exit_name: str, unknown: str) -> str:
        """Where an exit leads; one that the node does not have counts as `unknown`."""
        if exit_name not in node.then:
            self._record("exit.unknown", document=node.document)
            exit_name = unknown
        return node.then.get(exit_name) or self._fallback(node)
