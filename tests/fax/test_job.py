"""The life of a fax: what may follow what, retries with the pages left, and what a restart does."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fax.job import (
    ENDED,
    INTERRUPTED,
    MAX_BACKOFF_S,
    MOVES,
    RUNNING,
    Answered,
    Began,
    CallEnded,
    Cancelled,
    Dialled,
    Event,
    IllegalMove,
    Job,
    Lost,
    PagesConfirmed,
    Refused,
    State,
    after_restart,
    backoff_s,
    receive,
)

RETRY_S = 120.0
NEW = Job(pages=3, tries=3)


def lived(*events: Event, job: Job = NEW) -> Job:
    for event in events:
        job = receive(job, event, RETRY_S)
    return job


UP: tuple[Event, ...] = (Dialled(), Answered(), Began())


def test_three_pages_in_one_call() -> None:
    job = lived(*UP, PagesConfirmed(1), PagesConfirmed(2), CallEnded("sent", 3, ""))
    assert (job.state, job.confirmed, job.attempt, job.why) == (State.DONE, 3, 1, "")


def test_the_next_call_has_the_pages_that_were_not_confirmed() -> None:
    job = lived(*UP, PagesConfirmed(1), CallEnded("partial", 1, "hung up"))
    assert (job.state, job.confirmed, job.why, job.wait_s) == (State.QUEUED, 1, "hung up", 120.0)
    again = lived(*UP, PagesConfirmed(1), job=job)
    assert (again.confirmed, again.begun, again.attempt) == (2, 1, 2)
    assert lived(CallEnded("sent", 2, ""), job=again).state is State.DONE


def test_waits_double_and_tries_end() -> None:
    busy = CallEnded("failed", 0, "busy")
    job, waits = NEW, []
    for _ in range(2):
        job = lived(Dialled(), busy, job=job)
        waits.append(job.wait_s)
    job = lived(Dialled(), busy, job=job)
    assert waits == [120.0, 240.0]
    assert (job.state, job.why, job.attempt, job.wait_s) == (State.FAILED, "busy", 3, 0.0)
    assert backoff_s(60, RETRY_S) == MAX_BACKOFF_S


def test_what_no_other_call_makes_better_fails_at_once() -> None:
    job = lived(Dialled(), CallEnded("failed", 0, "no_such_number", again=False))
    assert (job.state, job.why, job.attempt) == (State.FAILED, "no_such_number", 1)


def test_in_a_callers_call_there_is_no_other_try() -> None:
    job = lived(*UP, CallEnded("partial", 2, "hung up"), job=replace(NEW, in_call=True))
    assert (job.state, job.confirmed) == (State.FAILED, 2)
    assert after_restart(lived(Dialled(), job=replace(NEW, in_call=True)), 1).state is State.FAILED


@pytest.mark.parametrize("confirmed", [0, 2])
def test_what_may_be_on_paper_is_for_people(confirmed: int) -> None:
    job = lived(*UP, CallEnded("unconfirmed", confirmed, "no MCF"))
    assert (job.state, job.confirmed, job.why) == (State.UNCONFIRMED, confirmed, "no MCF")
    for event in (Dialled(), Answered(), Began(), Cancelled(), Lost(), Refused("x")):
        with pytest.raises(IllegalMove):
            lived(event, job=job)


def test_hung_up_before_phase_e_with_every_page_confirmed_is_done() -> None:
    assert lived(*UP, CallEnded("failed", 3, "dropped")).state is State.DONE


@pytest.mark.parametrize(
    ("events", "state", "why"),
    [
        ((), State.QUEUED, ""),
        ((Dialled(),), State.QUEUED, INTERRUPTED),
        ((Dialled(), Answered()), State.QUEUED, INTERRUPTED),
        (UP, State.UNCONFIRMED, INTERRUPTED),
        ((*UP, PagesConfirmed(2)), State.UNCONFIRMED, INTERRUPTED),
        ((*UP, PagesConfirmed(3)), State.DONE, ""),
        ((*UP, CallEnded("sent", 3, "")), State.DONE, ""),
        ((Cancelled(),), State.CANCELLED, "cancelled"),
        ((Refused("no_such_number"),), State.FAILED, "no_such_number"),
    ],
)
def test_what_a_restart_does(events: tuple[Event, ...], state: State, why: str) -> None:
    job = after_restart(lived(*events), RETRY_S)
    assert (job.state, job.why) == (state, why)
    assert after_restart(job, RETRY_S) == job  # once


def test_restarts_use_up_the_tries() -> None:
    job = NEW
    for _ in range(3):
        job = after_restart(lived(Dialled(), job=job), RETRY_S)
    assert (job.state, job.why) == (State.FAILED, INTERRUPTED)


def test_cancelling() -> None:
    assert lived(Cancelled()).state is State.CANCELLED
    assert lived(Dialled(), Answered(), Cancelled()).state is State.CANCELLED
    assert lived(*UP, Cancelled()).state is State.UNCONFIRMED
    with pytest.raises(IllegalMove):
        lived(Cancelled(), Cancelled())


@pytest.mark.parametrize(
    "events",
    [
        (Answered(),),
        (Began(),),
        (Dialled(), Began()),
        (Dialled(), Answered(), PagesConfirmed(1)),
        (Dialled(), Answered(), CallEnded("sent", 3, "")),
        (Dialled(), Answered(), CallEnded("unconfirmed", 0, "")),
        (Dialled(), Answered(), CallEnded("partial", 1, "")),
        (*UP, CallEnded("sent", 2, "")),
        (*UP, PagesConfirmed(4)),
        (*UP, PagesConfirmed(2), PagesConfirmed(1)),
        (CallEnded("failed", 0, ""),),
        (Lost(),),
    ],
)
def test_what_cannot_be_is_an_error(events: tuple[Event, ...]) -> None:
    with pytest.raises(IllegalMove):
        lived(*events)


def test_the_table_has_every_state_and_no_way_out_of_an_end() -> None:
    assert set(MOVES) == set(State)
    assert all(not MOVES[state] for state in ENDED)
    assert set(State) == ENDED | RUNNING | {State.QUEUED}


EVENTS = st.one_of(
    st.sampled_from([Dialled(), Answered(), Began(), Cancelled(), Refused("no"), Lost()]),
    st.builds(PagesConfirmed, st.integers(0, 4)),
    st.builds(
        CallEnded,
        st.sampled_from(["sent", "partial", "unconfirmed", "failed"]),
        st.integers(0, 4),
        st.just("why"),
        st.booleans(),
    ),
)


@given(st.integers(1, 4), st.integers(1, 3), st.booleans(), st.lists(EVENTS, max_size=30))
def test_no_page_that_was_confirmed_goes_again(
    pages: int, tries: int, in_call: bool, events: list[Event]
) -> None:
    """Whatever happens: pages go on from those confirmed, and only as many calls as allowed."""
    job = Job(pages=pages, tries=tries, in_call=in_call)
    for event in events:
        try:
            after = receive(job, event, RETRY_S)
        except IllegalMove:
            continue
        assert after.confirmed >= job.confirmed
        assert after.attempt <= tries
        assert (after.state is State.DONE) == (after.confirmed == pages and not _open(after))
        if job.state is State.SENDING and after.state is State.QUEUED:
            assert isinstance(event, CallEnded)  # its own account, never a guess
        job = after


def _open(job: Job) -> bool:
    return job.state in RUNNING or job.state is State.QUEUED
