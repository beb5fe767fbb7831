"""Papers by mail in the store: each try durable before it is made, judged once, never dialled."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fax.job import State
from support.fax_jobs import LI_NA, draft, queued, take, told
from support.store_kit import FakeClock, open_store, rows
from support.store_plans import watched
from telebank.settings import store_url
from telebank.store import fax_jobs, fax_mails
from telebank.store.engine import open_read_only
from telebank.store.fax_mails import MailLimits, Tried
from telebank.store.fax_rows import Fax
from telebank.store.fax_tables import fax_job
from telebank.store.store import Store

PAPER = "01-1-F1"
RETRY_S, TRY_S = 60.0, 300.0
PATIENCE = timedelta(hours=24)
LIMITS = MailLimits(waiting=3, most=2, customer_daily=4, patience=PATIENCE)


async def added(
    store: Store, fax: str = PAPER, limits: MailLimits = LIMITS, **changes: Any
) -> Fax | None:
    number = replace(store.vault.seal_digits("lin@example.com"), masked="l***@example.com")
    made = replace(draft(store, fax, tries=2), way="mail", number=number, **changes)
    job = partial(fax_mails.add, draft=made, limits=limits)
    locks = fax_mails.queue(fax, store.node, made.customer)
    found: Fax | None = await store.journal.run(job, locks)
    return found


async def began(store: Store) -> Fax | None:
    found: Fax | None = await store.journal.run(partial(fax_mails.begin, fax=PAPER, seconds=TRY_S))
    return found


async def ended(store: Store, tried: Tried) -> Fax | None:
    job = partial(fax_mails.ended, fax=PAPER, tried=tried, retry_s=RETRY_S)
    found: Fax | None = await store.journal.run(job)
    return found


async def test_a_paper_from_its_queue_to_its_end(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        run = store.journal.run
        assert await added(store) is not None
        assert await run(partial(fax_mails.due, most=9)) == [PAPER]
        begun = await began(store)
        assert begun is not None
        assert (begun.state, begun.life.attempt) == (State.SENDING, 1)
        assert await began(store) is None
        assert await run(partial(fax_mails.due, most=9)) == []
        assert await run(fax_mails.trying) == [PAPER]
        again = await ended(store, Tried(False, "451 later"))
        assert again is not None
        assert (again.state, again.mail_unknown, again.life.why) == (
            State.QUEUED,
            False,
            "451 later",
        )
        assert await ended(store, Tried(True)) is None
        assert await run(partial(fax_mails.due, most=9)) == []
        clock.forward(RETRY_S)
        assert await run(partial(fax_mails.due, most=9)) == [PAPER]
        await began(store)
        done = await ended(store, Tried(True))
        assert done is not None
        assert (done.state, done.life.confirmed, done.life.attempt) == (State.DONE, 3, 2)
    assert told(place) == [
        ("fax.queued", 0, ""),
        ("fax.sending", 0, ""),
        ("fax.queued", 0, "451 later"),
        ("fax.sending", 0, ""),
        ("fax.done", 3, ""),
    ]


@pytest.mark.parametrize(
    ("tried", "stopped", "state"),
    [
        (Tried(True), True, State.DONE),
        (Tried(False, "550 no", again=False), False, State.FAILED),
        (Tried(False, "550 no", again=False), True, State.FAILED),
        (Tried(False, "451 later"), True, State.CANCELLED),
        (Tried(False, "cut", unknown=True), False, State.QUEUED),
        (Tried(False, "cut", unknown=True), True, State.UNCONFIRMED),
    ],
)
async def test_what_becomes_of_a_try(
    place: Path, tried: Tried, stopped: bool, state: State
) -> None:
    async with open_store(place) as store:
        await added(store)
        await began(store)
        if stopped:
            await store.journal.run(partial(fax_jobs.cancel, fax=PAPER, by=LI_NA))
        now = await ended(store, tried)
    assert now is not None
    assert now.state is state
    assert len(told(place, "alarm.fax")) == (state is State.UNCONFIRMED)


async def test_a_try_that_a_killed_life_had_is_made_again_once_and_then_people_ask(
    place: Path,
) -> None:
    clock = FakeClock()
    for state in (State.QUEUED, State.UNCONFIRMED):
        async with open_store(place, clock=clock) as store:
            if state is State.QUEUED:
                await added(store)
            assert await began(store) is not None
        clock.forward(RETRY_S)
        async with open_store(place, clock=clock) as store:
            recover = partial(fax_mails.recover, fax=PAPER, retry_s=RETRY_S)
            found: Fax | None = await store.journal.run(recover)
            assert found is not None
            assert (found.state, found.mail_unknown, found.mail) == (state, True, "")
            assert found.life.why == "interrupted"
            assert await store.journal.run(recover) is None
        clock.forward(RETRY_S)


async def test_the_queue_of_faxes_neither_dials_nor_counts_nor_judges_mail(place: Path) -> None:
    async with open_store(place) as store:
        await added(store, customer="c")
        await added(store, "01-1-F2", customer="c")
        assert await take(store) is None
        assert await queued(store, "01-1-F3", waiting=1, customer="c") is not None
        await began(store)
    async with open_store(place) as store:
        assert await store.journal.run(partial(fax_jobs.left, most=9)) == []


async def test_so_many_wait_and_no_more_and_the_same_request_makes_one(place: Path) -> None:
    async with open_store(place) as store:
        first = await added(store, customer="c", request="r1")
        assert await added(store, "01-1-F2", customer="c", request="r1") == first
        assert await added(store, "01-1-F3", customer="c", request="r2") is not None
        assert await added(store, "01-1-F4", customer="c", request="r3") is None
        assert await added(store, "01-1-F5", customer="d") is not None
        assert await added(store, "01-1-F6", customer="e") is None
    assert len(rows(place, fax_job)) == 3


async def test_what_went_counts_for_a_day_too(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        for nth in range(4):
            assert await added(store, f"01-1-F{nth}", customer="c") is not None
            await store.journal.run(partial(fax_jobs.cancel, fax=f"01-1-F{nth}", by=LI_NA))
        assert await added(store, "01-1-F8", customer="c") is None
        assert await added(store, "01-1-F8", customer="d") is not None
        clock.forward(24 * 3_600.0)
        assert await added(store, "01-1-F9", customer="c") is not None


async def test_what_other_nodes_mail_counts_for_a_day_too(place: Path) -> None:
    clock = FakeClock()
    async with (
        open_store(place, clock=clock, nodes=2) as one,
        open_store(place, "02", clock, nodes=2) as other,
    ):
        for nth, store in enumerate((one, one, other, other)):
            assert await added(store, f"01-1-F{nth}", customer="c") is not None
        for store in (one, other):
            await store.journal.run(partial(fax_jobs.cancel, fax="01-1-F0", by=LI_NA))
            assert await added(store, "01-1-F8", customer="c") is None
        assert await added(other, "01-1-F8", customer="d") is not None
        clock.forward(24 * 3_600.0)
        assert await added(one, "01-1-F9", customer="c") is not None


async def test_two_nodes_count_one_after_the_other(place: Path) -> None:
    """Asked at once, both nodes together keep no more than one may."""
    limits = replace(LIMITS, most=100, waiting=100)
    async with (
        open_store(place, nodes=2) as one,
        open_store(place, "02", nodes=2) as other,
    ):
        kept = await asyncio.gather(
            *(added(one, f"01-1-F{nth}", limits, customer="c") for nth in range(6)),
            *(added(other, f"02-1-F{nth}", limits, customer="c") for nth in range(6)),
        )
    assert sum(fax is not None for fax in kept) == LIMITS.customer_daily


@pytest.mark.parametrize(
    ("tried", "state", "why"),
    [
        (None, "failed", "gave_up"),
        (Tried(False, "451 later"), "failed", "451 later"),
        (Tried(False, "cut", unknown=True), "unconfirmed", "cut"),
        ("killed", "unconfirmed", "gave_up"),
    ],
)
async def test_a_paper_of_a_node_that_never_came_back_is_judged_by_another(
    place: Path, tried: Tried | str | None, state: str, why: str
) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock, nodes=2) as store:
        await added(store)
        if tried is not None:
            await began(store)
        if isinstance(tried, Tried):
            await ended(store, tried)
    async with open_store(place, "02", clock, nodes=2) as store:
        run = store.journal.run
        give_up = partial(fax_mails.give_up, fax=PAPER)
        assert await run(partial(fax_mails.late, most=9)) == []
        assert await run(give_up) is None
        clock.forward(PATIENCE.total_seconds())
        assert await run(partial(fax_mails.late, most=9)) == [PAPER]
        assert await run(give_up) is not None
        assert await run(give_up) is None
        assert await run(partial(fax_mails.late, most=9)) == []
    (row,) = rows(place, fax_job)
    assert (row.state, row.why, row.attempt) == (state, why, int(tried is not None))
    assert told(place, "alarm.fax") == [("alarm.fax", 0, why)]


async def test_what_is_tried_is_not_given_up(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await added(store)
        clock.forward(PATIENCE.total_seconds() - 1)
        await began(store)
        clock.forward(TRY_S)
        assert await store.journal.run(partial(fax_mails.late, most=9)) == []
        assert await store.journal.run(partial(fax_mails.give_up, fax=PAPER)) is None
        clock.forward(TRY_S)
        assert await store.journal.run(partial(fax_mails.late, most=9)) == [PAPER]


@pytest.mark.sqlite_file
async def test_what_is_looked_for_often_is_found_by_an_index(tmp_path: Path) -> None:
    with watched() as ran:
        async with open_store(tmp_path) as store:
            await store.journal.run(partial(fax_mails.due, most=9))
            await store.journal.run(fax_mails.trying)
            await added(store, customer="c", request=None)
    engine = open_read_only(store_url(tmp_path))
    with engine.connect() as connection:
        asked = [one for one in ran if one.startswith("SELECT") and "FROM fax_job" in one]
        asked = [one for one in asked if "fax_job.id = " not in one]
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}").all() for one in asked]
    engine.dispose()
    assert len(plans) == 5
    for plan in plans:
        assert "USING INDEX ix_fax_job_" in plan[0].detail.replace("COVERING ", ""), plan
