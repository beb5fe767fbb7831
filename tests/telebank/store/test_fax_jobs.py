"""Faxes in the store: each change with its event, held by one node, tolls counted for all."""

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fax.job import Answered, Began, CallEnded, IllegalMove, Lost, PagesConfirmed, State
from support.fax_jobs import CALL_S, LI_NA, LIMITS, NUMBER, RETRY_S, draft, queued, step, take, told
from support.store_kit import NOON, FakeClock, check_log, open_store, rows
from support.store_plans import watched
from telebank.settings import store_url
from telebank.store import fax_arrivals, fax_jobs, fax_moves, fax_views, tables
from telebank.store.engine import open_read_only
from telebank.store.fax_jobs import NotMade, NotPlaced, OtherContent
from telebank.store.fax_tables import fax_dial, fax_job
from telebank.store.fax_tolls import TOLLS, Limits, Toll
from telebank.store.transaction import Transaction


async def test_one_fax_from_its_queue_to_its_end(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        fax = await queued(store)
        assert fax is not None
        assert store.vault.unseal_digits(fax.number) == NUMBER
        taken = await take(store)
        assert taken is not None
        assert (taken.fax.state, taken.seconds) == (State.DIALLING, 600)
        assert await take(store) is None
        for event in (Answered(), Began(), PagesConfirmed(1), PagesConfirmed(2)):
            assert await step(store, event) is not None
        clock.forward(75)
        done = await step(store, CallEnded("sent", 3, ""), call_s=75.2, rate=14_400)
        assert done is not None
        assert (done.state, done.life.confirmed) == (State.DONE, 3)
        assert await step(store, Lost()) is None
    assert told(place) == [
        ("fax.queued", 0, ""),
        ("fax.dialled", 0, ""),
        ("fax.answered", 0, ""),
        ("fax.sending", 0, ""),
        ("fax.page", 1, ""),
        ("fax.page", 2, ""),
        ("fax.done", 3, ""),
    ]
    (dial,) = rows(place, fax_dial)
    assert (dial.seconds, dial.ended_at) == (75, NOON + timedelta(seconds=75))
    event = rows(place, tables.event, tables.event.c.kind == "fax.done")[0]
    assert event.personal == {"number_masked": "010****66"}
    assert event.detail["rate"] == 14_400
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        check_log(connection)
    engine.dispose()


async def test_the_number_is_in_no_file(place: Path) -> None:
    async with open_store(place) as store:
        await queued(store)
        await take(store)
    (row,) = rows(place, fax_job)
    assert NUMBER not in repr(row)
    assert NUMBER not in repr(rows(place, tables.event))
    for path in place.rglob("*"):
        assert not path.is_file() or NUMBER.encode() not in path.read_bytes()


async def test_the_same_request_makes_one_fax_and_a_full_queue_none(place: Path) -> None:
    async with open_store(place) as store:
        first = await queued(store, request="r1")
        again = await queued(store, "01-1-F2", request="r1")
        assert first == again
        assert await queued(store, "01-1-F3", waiting=1) is None
    assert len(rows(place, fax_job)) == 1


async def test_the_same_request_makes_no_other_fax(place: Path) -> None:
    """Not in another life of the node either, which has no answers of the former one."""
    async with open_store(place) as store:
        first = await queued(store, request="r1", content="a" * 64)
    async with open_store(place) as store:
        assert await queued(store, "01-2-F1", request="r1", content="a" * 64) == first
        other = await queued(store, "01-2-F2", request="r1", content="b" * 64)
        assert other == OtherContent("01-1-F1")
    assert len(rows(place, fax_job)) == 1


async def test_one_customer_has_few_that_wait_and_a_caller_whom_nobody_knows_too(
    place: Path,
) -> None:
    async with open_store(place) as store:
        for number, more in enumerate(
            [{"customer": "c"}, {"customer": "c", "call": "1"}, {"call": "1"}, {"call": "1"}]
        ):
            assert await queued(store, f"01-1-F{number}", **more) is not None
        assert await queued(store, "01-1-F5", customer="c", call="2") is None
        assert await queued(store, "01-1-F6", call="1") is None
        assert await queued(store, "01-1-F7", call="2") is not None
        for number in range(8, 12):  # staff
            assert await queued(store, f"01-1-F{number}") is not None


@pytest.mark.sqlite_file
async def test_what_is_looked_for_often_is_found_by_an_index(tmp_path: Path) -> None:
    with watched() as ran:
        async with open_store(tmp_path) as store:
            run = store.journal.run
            await take(store)
            await run(fax_jobs.stopping)
            for many in (fax_jobs.left, fax_arrivals.left_arriving, fax_arrivals.to_mail):
                await run(partial(many, most=9))
            await run(partial(fax_jobs.late, most=9))
            await run(partial(fax_arrivals.come_since, since=NOON))
            await run(partial(fax_arrivals.old_files, before=NOON, most=9))
    engine = open_read_only(store_url(tmp_path))
    with engine.connect() as connection:
        asked = [one for one in ran if one.startswith("SELECT") and "FROM fax_job" in one]
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {one}").all() for one in asked]
    engine.dispose()
    assert len(plans) == 8
    for plan in plans:
        assert "USING INDEX ix_fax_job_" in plan[0].detail.replace("COVERING ", ""), plan


async def test_retries_are_due_later_with_the_pages_left(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await queued(store)
        for event in (Answered(), Began(), PagesConfirmed(1), CallEnded("partial", 1, "hung up")):
            if isinstance(event, Answered):
                await take(store)
            await step(store, event, call_s=30 if isinstance(event, CallEnded) else None)
        assert await take(store) is None
        clock.forward(119)
        assert await take(store) is None
        clock.forward(1)
        taken = await take(store)
        assert taken is not None
        assert (taken.fax.life.attempt, taken.fax.life.begun) == (2, 1)
    assert ("fax.queued", 1, "hung up") in told(place)


async def test_what_is_due_later_is_not_taken_and_what_is_too_late_fails(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await queued(store, due=NOON + timedelta(hours=1))
        run = store.journal.run
        give_up = partial(fax_jobs.give_up, fax="01-1-F1")
        assert await take(store) is None
        assert (await run(partial(fax_jobs.late, most=9)), await run(give_up)) == ([], None)
        clock.forward(3_600 + 86_400)
        assert await take(store) is None
        assert await run(partial(fax_jobs.late, most=9)) == ["01-1-F1"]
        fax = await run(give_up)
        assert await run(give_up) is None
        assert await run(partial(fax_jobs.late, most=9)) == []
    assert (fax.state, fax.life.why) == (State.FAILED, "gave_up")
    assert told(place, "alarm.fax") == [("alarm.fax", 0, "gave_up")]


async def test_what_a_node_that_never_came_back_has_waiting_any_node_gives_up(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock, nodes=2) as store:
        await queued(store)
    clock.forward(86_400)
    async with open_store(place, "02", clock, nodes=2) as store:
        assert await store.journal.run(partial(fax_jobs.late, most=9)) == ["01-1-F1"]
        fax = await store.journal.run(partial(fax_jobs.give_up, fax="01-1-F1"))
    assert fax.state is State.FAILED


async def test_a_call_that_was_not_placed_was_no_try_and_is_not_counted(place: Path) -> None:
    async with open_store(place) as store:
        await queued(store, tries=1)
        for _ in range(3):
            assert await take(store) is not None
            assert len(rows(place, fax_dial)) == 1
            now = await step(store, NotPlaced("node_stops"), call_s=0.0)
            assert now is not None
            assert (now.state, now.life.attempt, now.life.why) == (State.QUEUED, 0, "node_stops")
            assert now.due_at == NOON
            assert rows(place, fax_dial) == []
        await take(store)
        await store.journal.run(partial(fax_jobs.cancel, fax="01-1-F1", by=LI_NA))
        now = await step(store, NotPlaced("node_stops"), call_s=0.0)
        assert now is not None
        assert now.state is State.CANCELLED


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (NotMade("number_unreadable"), State.FAILED),
        (NotMade("not printed: too long", again=True), State.QUEUED),
    ],
)
async def test_what_fails_here_is_for_a_person(place: Path, event: NotMade, state: State) -> None:
    async with open_store(place) as store:
        await queued(store)
        await take(store)
        now = await step(store, event, call_s=0.0)
        assert now is not None
        assert (now.state, now.life.why) == (state, event.why)
    assert told(place, "alarm.fax") == [("alarm.fax", 0, event.why)] * (state is State.FAILED)
    assert rows(place, fax_dial) == []


async def test_what_was_not_called_takes_nobody_a_call_away(place: Path) -> None:
    clock, limits = FakeClock(), replace(LIMITS, calls_hourly=1, per_number_daily=1)
    async with open_store(place, clock=clock) as store:
        await queued(store)
        for event in (NotPlaced("cancelled"), NotMade("not printed: no room", again=True)):
            assert await take(store, limits) is not None
            await step(store, event, call_s=0.0)
            clock.forward(RETRY_S)
        assert await take(store, limits) is not None
        await step(store, CallEnded("failed", 0, "busy"), call_s=1.0)
        clock.forward(2 * RETRY_S)
        assert await take(store, limits) is None


async def test_tolls_are_counted_for_all_nodes_and_hold_up_what_is_over(place: Path) -> None:
    clock = FakeClock()
    limits = replace(LIMITS, calls_hourly=2)
    async with open_store(place, clock=clock) as store:
        for number in range(3):
            await queued(store, f"01-1-F{number}", number=f"0108888000{number}")
        assert await take(store, limits) is not None
        clock.forward(60)
        assert await take(store, limits) is not None
        assert await take(store, limits) is None
        assert await take(store, limits) is None
        held = await store.journal.run(partial(fax_jobs.one, fax="01-1-F2"))
        assert (held.state, held.life.why) == (State.QUEUED, "calls_hourly")
        assert held.due_at == NOON + timedelta(hours=1)
    assert [kind for kind, _, why in told(place) if why == "calls_hourly"] == ["fax.queued"]
    clock.forward(3_600 - 60)
    async with open_store(place, clock=clock) as store:  # a restart forgets nothing
        assert await take(store, replace(limits, calls_hourly=1)) is None
        clock.forward(60)
        assert await take(store, limits) is not None


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        (replace(LIMITS, per_number_daily=1), "per_number_daily"),
        (replace(LIMITS, seconds_daily=630), "seconds_daily"),
    ],
)
async def test_a_days_limits_wait_for_the_next_day(place: Path, limits: Limits, rule: str) -> None:
    async with open_store(place) as store:
        await queued(store)
        await queued(store, "01-1-F2")
        assert await take(store, limits) is not None
        assert await take(store, limits) is None
        held = await store.journal.run(partial(fax_jobs.one, fax="01-1-F2"))
    assert (held.life.why, held.due_at) == (rule, LIMITS.day_began + timedelta(days=1))


@pytest.mark.parametrize("who", [{"customer": "t1"}, {"call": "c1"}])
async def test_a_customers_calls_of_a_day_are_counted_whatever_the_numbers(
    place: Path, who: dict[str, str]
) -> None:
    limits, other = replace(LIMITS, customer_daily=1), dict.fromkeys(who, "other")
    async with open_store(place) as store:
        await queued(store, "01-1-F1", number="01000000001", **who)
        await queued(store, "01-1-F2", number="01000000002", **who)
        await queued(store, "01-1-F3", number="01000000003", **other)
        await queued(store, "01-1-F4", number="01000000004")
        taken = [await take(store, limits) for _ in range(4)]
        held = await store.journal.run(partial(fax_jobs.one, fax="01-1-F2"))
    assert [one and one.fax.id for one in taken] == ["01-1-F1", "01-1-F3", "01-1-F4", None]
    assert held.life.why == "customer_daily"
    assert held.due_at == LIMITS.day_began + timedelta(days=1)


async def test_a_call_gets_what_is_left_of_the_day(place: Path) -> None:
    async with open_store(place) as store:
        await queued(store)
        await queued(store, "01-1-F2", number="01012345678")
        await take(store, replace(LIMITS, seconds_daily=1_000))
        taken = await take(store, replace(LIMITS, seconds_daily=1_000))
    assert taken is not None
    assert taken.seconds == 400


async def test_a_trunk_costs_no_more_than_its_cap_on_a_day_whatever_restarts(place: Path) -> None:
    toll = Toll("carrier", 120, 2_000)  # 0.12 a minute begun, 2.00 a day
    limits = replace(LIMITS, per_number_daily=100)
    job = partial(fax_jobs.take, limits=limits, toll_of=lambda _fax: toll)
    async with open_store(place) as store:
        for nth in range(3):
            await queued(store, f"01-1-F{nth}", number=f"0100000000{nth}")
        first = await store.journal.run(job, TOLLS)
        assert first.seconds == 600  # ten minutes: 1.20 are set aside
        second = await store.journal.run(job, TOLLS)
        assert second.seconds == 360  # 0.80 are left: six minutes
        assert await store.journal.run(job, TOLLS) is None
        for event in (Answered(), Began(), PagesConfirmed(3)):
            await step(store, event, first.fax.id)
        await step(store, CallEnded("sent", 3, ""), first.fax.id, call_s=61.0)  # two minutes: 0.24
    async with open_store(place) as store:
        held = await store.journal.run(partial(fax_jobs.one, fax="01-1-F2"))
        assert (held.life.why, held.due_at) == (
            "spend_daily",
            LIMITS.day_began + timedelta(days=1),
        )
        await queued(store, "01-1-F3", number="01000000003")
        fourth = await store.journal.run(job, TOLLS)
        assert fourth.fax.id == "01-1-F3"
        assert fourth.seconds == 480  # 2.00 less 0.24 and 0.72: eight minutes
    found = [(row.trunk, row.price) for row in rows(place, fax_dial)]
    assert found == [("carrier", 120)] * 3


async def test_cancelling_what_waits_and_what_runs(place: Path) -> None:
    async with open_store(place) as store:
        await queued(store)
        await queued(store, "01-1-F2")
        await take(store)
        cancelled = await store.journal.run(
            partial(fax_jobs.cancel, fax="01-1-F2", by=LI_NA), fax_jobs.judged("01-1-F2")
        )
        assert cancelled.state is State.CANCELLED
        running = await store.journal.run(partial(fax_jobs.cancel, fax="01-1-F1", by=LI_NA))
        assert (running.state, running.stop_by) == (State.DIALLING, "li.na")
        assert await store.journal.run(fax_jobs.stopping) == ["01-1-F1"]
        ended = await step(store, CallEnded("failed", 0, "busy"))
        assert ended is not None
        assert ended.state is State.CANCELLED  # not tried again
        assert (ended.stop_by, cancelled.stop_by) == ("li.na", "li.na")
        assert await store.journal.run(fax_jobs.stopping) == []
        assert await store.journal.run(partial(fax_jobs.cancel, fax="x", by=LI_NA)) is None
    found = rows(place, tables.event, tables.event.c.actor == "li.na")
    acts = [(row.kind, row.role, row.origin) for row in found if row.role == "teller"]
    assert acts == [("fax.cancelled", "teller", "console"), ("fax.stopping", "teller", "console")]
    (last,) = rows(place, tables.event, tables.event.c.kind == "fax.cancelled")[1:]
    assert last.detail["stopped_by"] == "li.na"


@pytest.mark.parametrize("what", ["cancel", "recover"])
async def test_what_another_node_did_meanwhile_is_not_overlooked(
    place: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The row was read, and moved before it is written: between two nodes on PostgreSQL."""
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await queued(store)
        if what == "recover":
            await take(store)
            clock.forward(CALL_S + 61)
        old = await store.journal.run(partial(fax_moves.row_with, fax="01-1-F1"))
        if what == "recover":
            await step(store, Answered())
        else:
            await take(store)
        reads = iter([old])

        def stale(part: Transaction, fax: str) -> Any:
            return next(reads, None) or fax_moves.row_with(part, fax)

        monkeypatch.setattr(fax_jobs, "row_with", stale)
        if what == "recover":
            job = partial(fax_jobs.recover, fax="01-1-F1", retry_s=RETRY_S)
            assert await store.journal.run(job) is None
            return
        stopped = await store.journal.run(partial(fax_jobs.cancel, fax="01-1-F1", by=LI_NA))
        assert (stopped.state, stopped.stop_by) == (State.DIALLING, "li.na")
        assert await store.journal.run(fax_jobs.stopping) == ["01-1-F1"]
    kinds = [kind for kind, _, _ in told(place)]
    assert kinds == ["fax.queued", "fax.dialled", "fax.stopping"]


async def test_two_nodes_one_cancels_what_the_other_takes(
    remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PostgreSQL both do it at once."""
    read, taken = threading.Event(), threading.Event()

    def slow(part: Transaction, fax: str) -> Any:
        row = fax_moves.row_with(part, fax)
        if not read.is_set():
            read.set()
            assert taken.wait(20)
        return row

    async with open_store(remote, nodes=2) as one, open_store(remote, "02", nodes=2) as two:
        await queued(one)
        monkeypatch.setattr(fax_jobs, "row_with", slow)
        cancel = partial(fax_jobs.cancel, fax="01-1-F1", by=LI_NA)
        cancelling = asyncio.create_task(two.journal.run(cancel, fax_jobs.judged("01-1-F1")))
        await asyncio.to_thread(read.wait, 20)
        assert await take(one) is not None
        taken.set()
        stopped = await cancelling
        assert (stopped.state, stopped.stop_by) == (State.DIALLING, "li.na")
        assert await one.journal.run(fax_jobs.stopping) == ["01-1-F1"]


@pytest.mark.sqlite_file
async def test_lists_are_read_in_their_order(tmp_path: Path) -> None:
    """Not sorted, however many faxes there have ever been."""
    async with open_store(tmp_path) as store:
        await queued(store)
    with watched() as ran:
        engine = open_read_only(store_url(tmp_path))
        with engine.connect() as connection:
            assert len(fax_views.faxes(connection)) == 1
            (asked,) = [one for one in ran if "FROM fax_job" in one]
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {asked}").all()
        engine.dispose()
    found = [row.detail for row in plan]
    assert found == ["SEARCH fax_job USING INDEX ix_fax_job_list (direction=?)"]


async def test_only_who_holds_it_moves_it(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await queued(store)
        await take(store)
        assert await store.journal.run(partial(fax_jobs.left, most=9)) == []
    async with open_store(place, clock=clock) as store:
        assert await step(store, Answered()) is None
        (left,) = await store.journal.run(partial(fax_jobs.left, most=9))
        job = partial(fax_jobs.recover, fax=left.id, retry_s=120.0)
        found = await store.journal.run(job)
        assert (found.state, found.life.attempt) == (State.QUEUED, 1)
        assert await store.journal.run(job) is None
        assert await store.journal.run(partial(fax_jobs.left, most=9)) == []


async def test_another_node_judges_what_a_silent_one_held_too_long(place: Path) -> None:
    clock = FakeClock()
    async with (
        open_store(place, clock=clock, nodes=2) as one,
        open_store(place, "02", clock=clock, nodes=2) as two,
    ):
        await queued(one)
        await take(one)
        await step(one, Answered())
        await step(one, Began())
        job = partial(fax_jobs.recover, fax="01-1-F1", retry_s=120.0)
        assert await two.journal.run(job) is None
        clock.forward(661)
        found = await two.journal.run(job)
        assert (found.state, found.home) == (State.UNCONFIRMED, "01")
        assert await step(one, PagesConfirmed(1)) is None
    assert told(place, "alarm.fax") == [("alarm.fax", 0, "interrupted")]


async def test_what_cannot_be_writes_nothing(place: Path) -> None:
    async with open_store(place) as store:
        await queued(store)
        await take(store)
        with pytest.raises(IllegalMove):
            await step(store, CallEnded("sent", 3, ""), call_s=9)
        assert (await store.journal.run(partial(fax_jobs.one, fax="01-1-F1"))).state == "dialling"
    assert rows(place, fax_dial)[0].ended_at is None


async def test_in_a_callers_call_nothing_is_placed_and_nothing_tried_again(place: Path) -> None:
    async with open_store(place) as store:
        made = draft(store, way="call", call="01-000001")
        job = partial(fax_jobs.add_in_call, draft=made, seconds=600)
        assert (await store.journal.run(job)).state is State.NEGOTIATING
        ended = await step(store, CallEnded("failed", 0, "no answer to DIS"))
        assert ended is not None
        assert ended.state is State.FAILED
    assert rows(place, fax_dial) == []


async def test_a_fax_that_came_is_kept_and_mailed(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        run = store.journal.run
        coming = replace(draft(store, "01-1-F9"), pages=0, document="received", role="system")
        await run(partial(fax_arrivals.arriving, draft=coming, seconds=600))
        assert await run(partial(fax_jobs.left, most=9)) == []
        done = partial(fax_arrivals.arrived, fax="01-1-F9", pages=2, why="", state=State.DONE)
        assert (await run(partial(done, mail=True, bad_rows=14))).life.confirmed == 2
        assert await run(partial(done, mail=True)) is None
        (waiting,) = await run(partial(fax_arrivals.to_mail, most=9))
        later = clock.now + timedelta(seconds=60)
        mailed = partial(fax_arrivals.mailed, fax=waiting.id, why="refused")
        assert await run(partial(fax_arrivals.mailing, fax=waiting.id))
        await run(partial(mailed, became="waiting", due=later))
        assert await run(partial(fax_arrivals.to_mail, most=9)) == []
        clock.forward(60)
        assert len(await run(partial(fax_arrivals.to_mail, most=9))) == 1
        await run(partial(fax_arrivals.mailing, fax=waiting.id))
        await run(partial(mailed, became="sent"))
        assert not await run(partial(fax_arrivals.mailing, fax=waiting.id))
        clock.forward(86_400)
        assert await run(partial(fax_arrivals.to_mail, most=9)) == []
    kinds = [kind for kind, _, _ in told(place)]
    assert kinds == ["fax.arriving", "fax.received", "fax.mail_waits", "fax.mailed"]
    received = rows(place, tables.event, tables.event.c.kind == "fax.received")[0]
    assert received.detail["bad_rows"] == 14
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        seen = fax_views.fax(connection, "01-1-F9")
    engine.dispose()
    assert seen is not None
    assert (seen.pages, seen.bad_rows) == (2, 14)


async def test_what_was_coming_when_its_node_died_is_looked_at_by_people(place: Path) -> None:
    async with open_store(place) as store:
        coming = replace(draft(store, "01-1-F9"), pages=0)
        await store.journal.run(partial(fax_arrivals.arriving, draft=coming, seconds=600))
    async with open_store(place) as store:
        run = store.journal.run
        (left,) = await run(partial(fax_arrivals.left_arriving, most=9))
        ends = partial(fax_arrivals.arrived, fax=left.id, pages=1, why="interrupted", mail=True)
        await run(partial(ends, state=State.UNCONFIRMED))
        assert await run(partial(fax_arrivals.left_arriving, most=9)) == []
    assert told(place, "alarm.fax") == [("alarm.fax", 1, "interrupted")]


async def test_files_have_their_time(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        run = store.journal.run
        await queued(store)
        await queued(store, "01-1-F2")
        await run(partial(fax_jobs.cancel, fax="01-1-F1", by=LI_NA))
        clock.forward(60)
        old = partial(fax_arrivals.old_files, before=clock.now, most=9)
        assert await run(old) == [("01-1-F1", "01-1-F1")]
        await run(partial(fax_arrivals.files_removed, fax="01-1-F1"))
        assert await run(old) == []


async def test_what_people_see(place: Path) -> None:
    async with open_store(place) as store:
        await queued(store)
        await queued(store, "01-1-F2")
        await take(store)
        assert await store.journal.run(fax_jobs.stopping, TOLLS) == []
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        assert {seen.id for seen in fax_views.faxes(connection)} == {"01-1-F1", "01-1-F2"}
        (seen,) = fax_views.faxes(connection, "dialling", direction="out")
        assert (seen.number_masked, seen.pages, seen.title) == ("010****66", 3, "对账单")
        assert fax_views.fax(connection, "01-1-F1") == seen
        assert fax_views.fax(connection, "none") is None
        (dial,) = fax_views.dials(connection, "01-1-F1")
        assert (dial.attempt, dial.seconds, dial.ended_at) == (1, 600, None)
    engine.dispose()
