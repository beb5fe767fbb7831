"""Callers who press anything, at the shipped menu trees: no error, no hang, no secret told."""

from collections import Counter
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.flow_caller import CARD, PIN, Caller
from telebank.flow.commands import Command, Enqueue, HangUp, PrepareFax, Say, SendFax, Submit
from telebank.flow.events import (
    FaxAnswered,
    FaxPrepared,
    HungUp,
    KeyPressed,
    PlayEnded,
    QueueAnswered,
    ServiceAnswered,
)
from telebank.flow.load import load_release
from telebank.flow.pathtest import given as given_as
from telebank.flow.pathtest import value_of
from telebank.flow.session import Session
from telebank.flow.state import Phase
from transactions.contract import Service
from transactions.outcome import Value

SHIPPED = load_release(Path(__file__).resolve().parents[3] / "config")
SAMPLES = {
    "money": "12.30",
    "date": "2026-01-20",
    "time": "08:30",
    "digits": "0123",
    "text": "622700******0020",
    "word": "deposit",
    "number": "12",
    "rate": "3.85",
}

ASKED = Submit | Enqueue | PrepareFax | SendFax
ACTS = st.one_of(
    st.sampled_from(
        [f"{CARD}#", f"{PIN}#", "1", "2", "3", "9", "0", "*", "#", "0#", "100*5#", "1234"]
    ),
    st.text("0123456789*#", min_size=1, max_size=30),
    st.tuples(st.just("answer"), st.integers(0, 20), st.booleans()),
    st.sampled_from(["end", "cut", "wake", "dump", "stale"]),
)


def sample(contract: Service, name: str, rows: int) -> Value:
    """An output of its kind; a list has some rows."""
    if name not in contract.rows:
        return value_of(contract.outputs[name], SAMPLES[contract.outputs[name]])
    row = {column: SAMPLES[kind] for column, kind in contract.rows[name].columns.items()}
    return given_as(contract, name, (row,) * (rows % 12))


class Wild(Caller):
    """A caller whose every act is drawn; knows what is open so that it can be answered."""

    def act(self, act: str | tuple[str, int, bool]) -> None:
        self.now += 0.1
        match act:
            case ("answer", number, full):
                self.answer_something(number, full)
            case "end" | "cut":
                if self.of(Say):
                    self.feed(PlayEnded(self.saying.token, completed=act == "end"))
            case "wake":
                if self.session.wake_at is not None:
                    self.wait()
            case "dump":
                data = self.session.dump()
                self.session = Session.load(data, self.release, "c1", self.options, self.vault)
            case "stale":
                self.feed(ServiceAnswered("v0", "ok"))
                self.feed(PlayEnded(0, completed=True))
            case str():
                for key in act:
                    self.feed(KeyPressed(key))

    def answer_something(self, number: int, full: bool) -> None:
        asked: list[Command] = [c for c in self.all if isinstance(c, ASKED)]
        match asked[-1:]:
            case [Submit(visit, service)]:
                contract = self.release.contracts[service]
                exits = (*contract.outcomes, "surprise")
                data = {n: sample(contract, n, number) for n in contract.outputs if full}
                self.feed(ServiceAnswered(visit, exits[number % len(exits)], data))
            case [Enqueue(visit)]:
                self.feed(QueueAnswered(visit, "not_on_duty"))
            case [PrepareFax(visit)]:
                self.feed(FaxPrepared(visit, "ready" if full else "busy"))
            case [SendFax(visit)]:
                self.feed(FaxAnswered(visit, "not_available"))

    def check(self) -> None:
        """It always waits for something that will come, and tells nobody a secret."""
        if self.session.phase in (Phase.SPEAKING, Phase.LISTENING):
            assert self.session.wake_at is not None or self.session._state.untold
            assert self.session.phase is Phase.SPEAKING or self.session.wake_at is not None
        written = f"{self.last!r} {self.session!r}"
        assert CARD not in written
        assert PIN not in written
        if self.session.phase is not Phase.ENDED:
            dumped = self.session.dump().decode()
            assert CARD not in dumped
            assert PIN not in dumped


@settings(max_examples=400, deadline=None)
@given(st.lists(ACTS, max_size=60))
def test_any_keys_and_answers_leave_a_call_that_can_go_on(acts: list[str]) -> None:
    caller = Wild(SHIPPED)
    caller.start()
    for act in acts:
        caller.act(act)
        caller.check()
    money = [s for s in caller.of(Submit) if s.service == "transfer.card_to_card"]
    assert len({submit.visit for submit in money}) == len(money)
    if caller.session.phase is not Phase.ENDED:
        caller.feed(HungUp())
    assert caller.session.phase is Phase.ENDED
    assert len(caller.of(HangUp)) <= 1


@settings(max_examples=30, deadline=None)
@given(st.lists(ACTS, max_size=30))
def test_a_caller_who_falls_silent_is_let_go(acts: list[str]) -> None:
    caller = Wild(SHIPPED)
    caller.start()
    for act in acts:
        caller.act(act)
    for _ in range(400):
        if caller.session.phase is Phase.ENDED:
            break
        if caller.session.phase is Phase.WAITING and caller.session.wake_at is None:
            caller.answer_something(0, full=True)
        else:
            caller.wait()
    assert caller.session.phase is Phase.ENDED


SENSIBLE = {
    "card": (f"{CARD}#",),
    "payee": ("6227000000000020#",),
    "pin": (f"{PIN}#", PIN[:8] + "#"),
    "amount": ("100*5#", "7#", "50000*01#"),
    "identity": ("1234",),
}
"""What a caller of good will enters at a node; elsewhere a menu key."""


PATIENCE = 120
"""Steps after which a caller hangs up at the latest, so that every menu has its turn."""


def wander(seed: int, steps: int) -> Counter[str]:
    """Thousands of steps of callers who mostly know what they want; nodes by visits."""
    dice, seen = Random(seed), Counter[str]()
    caller = Wild(SHIPPED)
    caller.start()
    for step in range(steps):
        seen[caller.session.place] += 1
        if step % PATIENCE == 0:
            caller.feed(HungUp())
        if caller.session.phase is Phase.ENDED:
            caller = Wild(SHIPPED)
            caller.start()
        caller.act(wish(caller, dice))
        caller.check()
        del caller.all[:-50]
    return seen


def wish(caller: Wild, dice: Random) -> str | tuple[str, int, bool]:
    """The next act: often sensible, sometimes anything."""
    if dice.random() < 0.1:
        return dice.choice(["cut", "wake", "dump", "stale", "#", "*", "0#", "99", "1" * 70])
    match caller.session.phase:
        case Phase.WAITING:
            return ("answer", dice.choice([0, 0, 0, dice.randrange(9)]), dice.random() < 0.9)
        case Phase.SPEAKING:
            return dice.choice(["end", "end", "end", "1"])
        case _:
            node = caller.session.place.partition(".")[2]
            return dice.choice(SENSIBLE.get(node, ("1", "1", "2", "2", "3")))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_thousands_of_steps_of_calls_go_everywhere_and_never_fail(seed: int) -> None:
    seen = wander(seed, 10_000)
    missed = {"transfer.after", "balance.after", "report_loss.after", "main.menu"} - set(seen)
    assert not missed, f"seed {seed}"
