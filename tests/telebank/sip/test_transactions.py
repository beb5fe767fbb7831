"""The transaction tables as data, and what their timers are worth."""

import pytest

from support.sip_line import Line
from telebank.sip import Hop, SipOptions
from telebank.sip.transaction import (
    CLIENT,
    INVITE_CLIENT,
    INVITE_SERVER,
    SERVER,
    IllegalTransition,
    Signal,
    State,
    Table,
    Transaction,
)
from telebank.timers import Timers

TABLES = {"ict": INVITE_CLIENT, "nict": CLIENT, "ist": INVITE_SERVER, "nist": SERVER}
FROM_THE_NETWORK = {
    "ict": {Signal.GOT_1XX, Signal.GOT_2XX, Signal.GOT_REFUSAL},
    "nict": {Signal.GOT_1XX, Signal.GOT_2XX, Signal.GOT_REFUSAL},
    "ist": {Signal.REQUEST_AGAIN, Signal.ACK},
    "nist": {Signal.REQUEST_AGAIN},
}


@pytest.mark.parametrize("name", TABLES)
def test_the_network_can_never_cause_an_illegal_transition(name: str) -> None:
    table = TABLES[name]
    states = {state for state, _ in table}
    for state in states:
        for signal in FROM_THE_NETWORK[name]:
            assert (state, signal) in table


@pytest.mark.parametrize("name", TABLES)
def test_every_state_is_left_by_a_timer_and_every_timer_is_handled(name: str) -> None:
    """No path through a table leads to a timer without a row, or to a state without an end."""
    table = TABLES[name]
    first, started = {
        "ict": (State.CALLING, "AB"),
        "nict": (State.TRYING, "EF"),
        "ist": (State.PROCEEDING, ""),
        "nist": (State.TRYING, ""),
    }[name]
    seen = set()
    open_ends = [(first, frozenset(started))]
    while open_ends:
        state, running = open_ends.pop()
        if (state, running) in seen or state is State.TERMINATED:
            continue
        seen.add((state, running))
        for timer in running:
            assert (state, Signal(timer)) in table, f"timer {timer} has no row in {state.name}"
        waits_for_us = name in ("ist", "nist") and state in (State.TRYING, State.PROCEEDING)
        assert running or waits_for_us, f"nothing ever ends {state.name}"
        open_ends += _after(table, state, running)


def _after(
    table: Table, state: State, running: frozenset[str]
) -> list[tuple[State, frozenset[str]]]:
    ends = []
    for (at, signal), step in table.items():
        if at is state and (len(signal.value) > 1 or signal.value in running):
            ends.append((step.state, running - {signal.value} - set(step.stop) | set(step.start)))
    return ends


def test_intervals_of_the_repeating_timers() -> None:
    options = SipOptions()
    ict = Transaction((), INVITE_CLIENT, State.CALLING, Hop("", 0), "", b"", 0)
    assert [ict.duration("A", options) for _ in range(6)] == [0.5, 1, 2, 4, 8, 16]
    nict = Transaction((), CLIENT, State.TRYING, Hop("", 0), "", b"", 0)
    assert [nict.duration("E", options) for _ in range(6)] == [0.5, 1, 2, 4, 4, 4]
    nict.state = State.PROCEEDING
    assert nict.duration("E", options) == 4


def test_lengths_of_the_other_timers() -> None:
    options = SipOptions()
    transaction = Transaction((), CLIENT, State.TRYING, Hop("", 0), "", b"", 0)
    assert {timer: transaction.duration(timer, options) for timer in "BDFHJLM"} == dict.fromkeys(
        "BDFHJLM", 32.0
    )
    assert {timer: transaction.duration(timer, options) for timer in "IK"} == {"I": 5, "K": 5}
    assert transaction.duration("C", options) == 212


def test_an_answer_after_the_final_one_is_our_error() -> None:
    transaction = Transaction((), SERVER, State.COMPLETED, Hop("", 0), "", b"", 0)
    with pytest.raises(IllegalTransition, match="COMPLETED does not take 'say 2xx'"):
        transaction.step(Signal.SAY_2XX)


def test_timer_e_slows_down_after_a_provisional_response() -> None:
    line = Line()
    line.live()
    line.did(line.agent.hang_up(line.leg, 0))
    bye = line.sent[-1]
    line.wait(0.6)
    line.hears(line.reply(bye, 100))
    assert line.wait(9.9) == ["1.5 > BYE", "5.5 > BYE", "9.5 > BYE"]
    assert line.hears(line.reply(bye, 200)) == []
    assert line.hears(line.reply(bye, 200)) == []  # absorbed until timer K
    assert line.agent.counts()["legs"] == 0
    assert line.wait(40) == []


def test_timer_j_holds_the_answer_for_repeats() -> None:
    line = Line()
    line.live()
    bye = line.request("BYE", cseq=2)
    line.hears(bye)
    line.wait(31.9)
    assert line.hears(bye) == ["> 200 BYE"]
    line.wait(0.2)
    assert line.hears(bye) == ["> 481 BYE"]


def test_many_timers_moved_often_stay_few() -> None:
    timers = Timers()
    for moved in range(10_000):
        timers.start("a", "x", 100.0 + moved)
        timers.start("b", "x", 50.0)
    assert len(timers) == 2
    assert len(timers._heap) < 200
    assert timers.pop(49.9) is None
    assert timers.pop(50.0) == ("b", "x")
    timers.stop("a", ("x", "never set"))
    assert timers.next() == float("inf")
