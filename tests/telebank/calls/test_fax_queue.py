"""The queue of faxes: channels, retries with the pages left, refusals, cancelling, stopping."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fax.documents.jobs import Answer, Failed
from fax.job import ENDED, State
from support.fax_jobs import LI_NA, FaxHouse, Machine, told
from support.store_kit import NOON, rows
from telebank.calls.faxes import attempt, queue
from telebank.calls.faxes.files import FaxFiles
from telebank.calls.faxes.options import FaxOptions, OutboundOptions
from telebank.calls.faxes.queue import FaxJobs
from telebank.calls.faxes.tolls import Refusal
from telebank.calls.faxes.values import FaxOutcome, Progress
from telebank.faxing.client import Negotiated
from telebank.store import fax_jobs
from telebank.store.errors import StoreUnavailable
from telebank.store.fax_rows import Fax
from telebank.store.fax_tables import fax_dial, fax_job

AGREED = Negotiated(rate=9_600, ecm=True, compression="MMR", peer_ident="")


@pytest.fixture
def house(tmp_path: Path) -> FaxHouse:
    return FaxHouse(tmp_path)


async def test_a_fax_goes_and_is_told(house: FaxHouse) -> None:
    async with house.life() as jobs:
        jobs.start(house.machine)
        fax = await house.added(jobs)
        assert (await house.ended(fax.id)).state is State.DONE
    assert house.machine.paper == [1, 2, 3]
    (load,) = house.machine.loads
    assert load.target.uri == "sip:01088886666@127.0.0.1:5070"
    assert load.tiff.name == "pages.tiff"
    assert [kind for kind, _, _ in told(house.place)] == [
        *("fax.queued", "fax.dialled", "fax.answered", "fax.sending"),
        *("fax.page", "fax.page", "fax.page", "fax.done"),
    ]


async def test_a_fax_that_breaks_goes_on_where_it_broke(house: FaxHouse) -> None:
    house.machine = Machine("dies 1", "busy", "sent")
    async with house.life() as jobs:
        jobs.start(house.machine)
        fax = await house.added(jobs)
        ended = await house.ended(fax.id)
    assert (ended.state, ended.life.attempt, ended.life.confirmed) == (State.DONE, 3, 3)
    assert house.machine.paper == [1, 2, 3]
    assert [load.tiff.name for load in house.machine.loads] == [
        *("pages.tiff", "pages-2.tiff", "pages-2.tiff")
    ]
    assert [load.pages for load in house.machine.loads] == [3, 2, 2]
    assert house.drawer.drawn == [("pages-2.tiff", 1)]


async def test_tries_end(house: FaxHouse) -> None:
    house.machine = Machine("dies 1", "no_fax")
    async with house.life() as jobs:
        jobs.start(house.machine)
        ended = await house.ended((await house.added(jobs)).id)
    assert (ended.state, ended.life.confirmed) == (State.FAILED, 1)
    assert ended.life.why == "no answer to DIS"
    assert house.machine.paper == [1]
    assert house.clock.now == NOON + timedelta(seconds=120 + 240)


async def test_what_no_call_makes_better_is_tried_once(house: FaxHouse) -> None:
    house.machine = Machine("nobody")
    async with house.life() as jobs:
        jobs.start(house.machine)
        ended = await house.ended((await house.added(jobs)).id)
    assert (ended.state, ended.life.attempt) == (State.FAILED, 1)


@pytest.mark.parametrize("act", ["silent 1", "lost 1"])
async def test_what_may_be_on_paper_goes_to_a_person_and_never_again(
    house: FaxHouse, act: str
) -> None:
    house.machine = Machine(act)
    async with house.life() as jobs:
        jobs.start(house.machine)
        ended = await house.ended((await house.added(jobs)).id)
        await asyncio.sleep(0.2)
    assert (ended.state, ended.life.confirmed) == (State.UNCONFIRMED, 1)
    assert len(house.machine.loads) == 1
    assert [event.kind for event in house.alarms] == ["alarm.fax"]
    assert told(house.place, "alarm.fax") == [("alarm.fax", 1, ended.life.why)]


async def test_so_many_at_once_and_the_others_wait(house: FaxHouse) -> None:
    house.options = FaxOptions(look_s=0.05, channels=2, waiting=4)
    house.outbound = replace(house.outbound, per_number_daily=9)
    async with house.life() as jobs:
        faxes = [await house.added(jobs) for _ in range(4)]
        full = await jobs.add(house.wanted(jobs))
        assert isinstance(full, Refusal)
        assert full.rule == "full"
        jobs.start(house.machine)
        for fax in faxes:
            await house.ended(fax.id)
        async with asyncio.timeout(40):  # the journal has the end before the line is let go
            while jobs.counts() != {"channels": 2, "busy": 0}:
                await asyncio.sleep(0.02)
    assert house.machine.most_up == 2
    assert sorted(house.machine.paper) == [1] * 4 + [2] * 4 + [3] * 4


async def test_a_fax_in_a_call_takes_a_channel(house: FaxHouse) -> None:
    house.options = FaxOptions(look_s=0.05, channels=1)
    async with house.life() as jobs:
        jobs.start(house.machine)
        with jobs.channel() as free:
            assert free
            with jobs.channel() as second:
                assert not second
            await house.added(jobs)
            await asyncio.sleep(0.2)
            assert house.machine.loads == []
        async with asyncio.timeout(20):
            while not house.machine.loads:
                await asyncio.sleep(0.02)
        assert len(house.machine.loads) == 1


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"to": "02000000000"}, "not_allowed"),
        ({"to": "hello"}, "no_number"),
        ({"to": "sip:x@192.0.2.1", "role": "customer"}, "staff_only"),
        ({"to": "sip:x@192.0.2.1"}, "not_allowed"),
    ],
)
async def test_what_may_not_be_dialled_is_not_kept(
    house: FaxHouse, changes: dict[str, str], rule: str
) -> None:
    async with house.life() as jobs:
        refused = await jobs.add(house.wanted(jobs, **changes))
    assert isinstance(refused, Refusal)
    assert refused.rule == rule
    assert rows(house.place, fax_job) == []


async def test_a_number_taken_off_the_list_meanwhile_is_not_dialled(house: FaxHouse) -> None:
    async with house.life() as jobs:
        fax = await house.added(jobs)
    house.outbound = OutboundOptions(gateway="127.0.0.1:5070")
    async with house.life() as jobs:
        jobs.start(house.machine)
        ended = await house.ended(fax.id)
    assert (ended.state, ended.life.why) == (State.FAILED, "not_allowed")
    assert house.machine.loads == []
    assert rows(house.place, fax_dial) == []


async def test_without_the_library_jobs_are_refused_and_those_kept_wait(house: FaxHouse) -> None:
    async with house.life() as jobs:
        fax = await house.added(jobs)
    house.missing = "apt-get install libspandsp2"
    async with house.life() as jobs:
        jobs.start(house.machine)
        refused = await jobs.add(house.wanted(jobs))
        assert refused == Refusal("not_available", "apt-get install libspandsp2")
        await asyncio.sleep(0.2)
        waits = await jobs.one(fax.id)
        assert waits is not None
        assert waits.state is State.QUEUED


async def test_later_means_not_before(house: FaxHouse) -> None:
    async with house.life() as jobs:
        jobs.start(house.machine)
        fax = await house.added(jobs, due=NOON + timedelta(hours=2))
        await asyncio.sleep(0.2)
        assert house.machine.loads == []
        assert (await house.ended(fax.id)).state is State.DONE
    assert house.clock.now == NOON + timedelta(hours=2)


async def test_one_that_waits_is_cancelled(house: FaxHouse) -> None:
    async with house.life() as jobs:
        fax = await house.added(jobs)
        cancelled = await jobs.cancel(fax.id, LI_NA)
        assert cancelled is not None
        assert cancelled.state is State.CANCELLED
        jobs.start(house.machine)
        await asyncio.sleep(0.2)
        assert await jobs.cancel("01-1-F9", LI_NA) is None
    assert house.machine.loads == []


async def test_the_call_of_one_that_runs_is_ended(house: FaxHouse) -> None:
    house.machine = Machine("hangs")
    async with house.life() as jobs:
        jobs.start(house.machine)
        fax = await house.added(jobs)
        await _until(jobs, fax, State.SENDING)
        await jobs.cancel(fax.id, LI_NA)
        ended = await house.ended(fax.id)
    assert (ended.state, ended.life.why) == (State.CANCELLED, "cancelled")
    assert len(house.machine.loads) == 1


async def test_a_node_that_stops_says_how_far_it_came(house: FaxHouse) -> None:
    house.machine = Machine("hangs", "sent")
    async with house.life() as jobs:
        jobs.start(house.machine)
        fax = await house.added(jobs)
        await _until(jobs, fax, State.SENDING)
    (row,) = rows(house.place, fax_job)
    assert (row.state, row.why) == ("queued", "node_stops")
    async with house.life() as jobs:
        jobs.start(house.machine)
        assert (await house.ended(fax.id)).state is State.DONE
    assert house.machine.paper == [1, 2, 3]


async def test_the_watchdog_lets_go_of_a_call_that_does_not_end(
    house: FaxHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attempt, "OVER_S", -1_799.8)
    house.machine = Machine("hangs")
    async with house.life() as jobs:
        jobs.start(house.machine)
        fax = await house.added(jobs, pages=1)
        await _until(jobs, fax, State.QUEUED, after=1)
    (row,) = rows(house.place, fax_job)
    assert row.why == "took_too_long"


async def test_a_page_is_not_sent_where_the_store_does_not_take_it(house: FaxHouse) -> None:
    """SENDING is not durable in time: the call is ended before a page can be whole."""
    async with house.life() as jobs:
        fax = await house.added(jobs)
        run = jobs._parts.run

        async def fails(work: object, locks: object = ()) -> object:
            if house.machine.up:
                raise StoreUnavailable
            return await run(work, locks)  # type: ignore[arg-type]

        object.__setattr__(jobs._parts, "run", fails)
        jobs.start(house.machine)
        async with asyncio.timeout(40):
            while not house.machine.most_up or house.machine.up:
                await asyncio.sleep(0.02)
        ended = await _until(jobs, fax, State.QUEUED, after=1)
    assert house.machine.paper == []
    assert (ended.life.why, ended.life.attempt) == ("store_unavailable", 1)


async def test_a_fax_process_that_dies_while_the_fax_is_ended_leaves_it_to_people(
    house: FaxHouse,
) -> None:
    """The reason is ours by then; what was on the way is not known all the same."""
    house.machine = Machine("silenced", "sent")
    async with house.life() as jobs:
        jobs.start(house.machine)
        fax = await house.added(jobs)
        await _until(jobs, fax, State.SENDING)
        await jobs.cancel(fax.id, LI_NA)
        ended = await house.ended(fax.id)
    assert (ended.state, ended.life.why) == (State.UNCONFIRMED, "cancelled")
    assert len(house.machine.loads) == 1
    assert [event.kind for event in house.alarms] == ["alarm.fax"]


async def test_a_node_that_drains_begins_no_call(house: FaxHouse) -> None:
    house.machine = Machine("hangs")
    async with house.life() as jobs:
        jobs.start(house.machine)
        first = await house.added(jobs)
        await _until(jobs, first, State.SENDING)
        jobs.drain()
        await house.added(jobs)
        await asyncio.sleep(0.2)
        assert len(house.machine.loads) == 1
        assert house.machine.up == 1


@pytest.mark.parametrize("what", ["close", "drain", "cancel"])
async def test_what_is_stopped_while_its_pages_are_made_is_not_dialled(
    house: FaxHouse, what: str
) -> None:
    house.machine = Machine("dies 1", "sent")
    drawing, drawn = asyncio.Event(), asyncio.Event()
    async with house.life() as jobs:
        draw = house.drawer.draw

        async def slow(*args: Any) -> Answer:
            drawing.set()
            await drawn.wait()
            return await draw(*args)

        house.drawer.draw = slow  # type: ignore[method-assign]
        jobs.start(house.machine)
        fax = await house.added(jobs)
        await _until(jobs, fax, State.QUEUED, after=1)
        house.clock.forward(120)
        jobs.look_now()
        await drawing.wait()
        closing = None
        if what == "close":
            closing = asyncio.create_task(jobs.close())
            await asyncio.sleep(0)
        elif what == "drain":
            jobs.drain()
        else:
            await jobs.cancel(fax.id, LI_NA)
        drawn.set()
        async with asyncio.timeout(40):
            while (now := await jobs.one(fax.id)) is None or now.state is State.DIALLING:
                await asyncio.sleep(0.01)
        if closing is not None:
            await closing
    assert len(house.machine.loads) == 1
    state = State.CANCELLED if what == "cancel" else State.QUEUED
    assert (now.state, now.life.why) == (state, "cancelled" if what == "cancel" else "node_stops")
    assert (now.life.attempt, len(rows(house.place, fax_dial))) == (1, 1)


@pytest.mark.parametrize("what", ["close", "drain"])
async def test_a_node_that_stops_waits_for_no_pages_and_uses_up_no_try(
    house: FaxHouse, what: str
) -> None:
    house.machine = Machine("dies 1", "sent")
    house.options = FaxOptions(look_s=0.05, tries=2)
    drawing, draw = asyncio.Event(), house.drawer.draw

    async def for_ever(*_: Any) -> Answer:
        drawing.set()
        await asyncio.Event().wait()
        raise AssertionError

    house.drawer.draw = for_ever  # type: ignore[method-assign]
    async with house.life() as jobs:
        jobs.start(house.machine)
        fax = await house.added(jobs)
        await _until(jobs, fax, State.QUEUED, after=1)
        house.clock.forward(120)
        jobs.look_now()
        await drawing.wait()
        async with asyncio.timeout(5):
            if what == "close":
                await jobs.close()
            else:
                jobs.drain()
                await _until(jobs, fax, State.QUEUED, after=1)
        assert jobs.counts()["busy"] == 0
    (row,) = rows(house.place, fax_job)
    assert (row.state, row.why, row.attempt) == ("queued", "node_stops", 1)
    house.drawer.draw = draw  # type: ignore[method-assign]
    async with house.life() as jobs:
        jobs.start(house.machine)
        assert (await house.ended(fax.id)).state is State.DONE
    assert house.machine.paper == [1, 2, 3]


async def test_a_call_that_is_stopped_before_it_is_placed_is_no_try(house: FaxHouse) -> None:
    house.machine = Machine("unplaced", "sent")
    house.options = FaxOptions(look_s=0.05, tries=1)
    async with house.life() as jobs:
        jobs.start(house.machine)
        fax = await house.added(jobs)
        while not house.machine.up:
            await asyncio.sleep(0.01)
    (row,) = rows(house.place, fax_job)
    assert (row.state, row.why, row.attempt) == ("queued", "node_stops", 0)
    assert rows(house.place, fax_dial) == []
    async with house.life() as jobs:
        jobs.start(house.machine)
        assert (await house.ended(fax.id)).state is State.DONE
    assert len(house.machine.loads) == 2
    (row,) = rows(house.place, fax_job)
    assert (row.attempt, len(rows(house.place, fax_dial))) == (1, 1)


async def test_a_call_for_which_there_is_no_line_here_is_a_try_and_costs_nothing(
    house: FaxHouse,
) -> None:
    """It waits longer each time, and no toll is counted: nobody was called."""
    house.machine = Machine("no_line", "sent")
    house.outbound = replace(house.outbound, calls_hourly=1, per_number_daily=1)
    async with house.life() as jobs:
        jobs.start(house.machine)
        fax = await house.added(jobs)
        ended = await house.ended(fax.id)
    assert (ended.state, ended.life.attempt) == (State.DONE, 2)
    assert house.clock.now == NOON + timedelta(seconds=120)
    assert [dial.attempt for dial in rows(house.place, fax_dial)] == [2]


async def test_a_person_hears_where_no_try_had_a_line_here(house: FaxHouse) -> None:
    house.machine = Machine("no_line")
    async with house.life() as jobs:
        jobs.start(house.machine)
        fax = await house.added(jobs)
        assert (await house.ended(fax.id)).state is State.FAILED
    assert rows(house.place, fax_dial) == []
    assert [event.kind for event in house.alarms] == ["alarm.fax"]


@pytest.mark.parametrize("work", ["one", "step"])
@pytest.mark.parametrize("made", [False, True])
async def test_a_store_that_is_away_before_the_call_holds_nothing_up(
    house: FaxHouse, monkeypatch: pytest.MonkeyPatch, work: str, made: bool
) -> None:
    """Asked whether somebody stopped the fax, and told that its pages are gone; also where what was
    written was not answered."""
    monkeypatch.setattr(queue, "WRITE_PAUSE_S", 0.01)
    failed: list[str] = []
    async with house.life() as jobs:
        run = jobs._parts.run

        async def fails(job: Any, locks: object = ()) -> object:
            name = getattr(job, "func", job).__name__
            if name != work or failed:
                return await run(job, locks)  # type: ignore[arg-type]
            failed.append(name)
            if made:
                await run(job, locks)  # type: ignore[arg-type]
            raise StoreUnavailable

        fax = await house.added(jobs)
        if work == "step":
            FaxFiles(house.place / "fax").pages(fax.folder).unlink()
        object.__setattr__(jobs._parts, "run", fails)
        jobs.start(house.machine)
        if work == "one":
            assert (await house.ended(fax.id)).state is State.DONE
        else:
            now = await _until(jobs, fax, State.QUEUED, after=1)
            assert now.life.why == "not printed: pages.tiff is gone"
        assert failed == [work]
        async with asyncio.timeout(40):
            while jobs.counts()["busy"]:
                await asyncio.sleep(0.01)
    kinds = [kind for kind, _, _ in told(house.place)]
    assert kinds[:3] == ["fax.queued", "fax.dialled", "fax.queued"]
    assert len(rows(house.place, fax_dial)) == (1 if work == "one" else 0)
    assert len(kinds) == (10 if work == "one" else 3)


async def test_a_fax_that_is_taken_again_at_once_is_not_judged_by_its_former_try(
    house: FaxHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its number is the same, as what was not placed was no try."""
    monkeypatch.setattr(queue, "WRITE_PAUSE_S", 0.2)
    house.machine = Machine("hangs")
    house.options = FaxOptions(look_s=0.02)
    failed: list[str] = []
    async with house.life() as jobs:
        run = jobs._parts.run

        async def fails(job: Any, locks: object = ()) -> object:
            name = getattr(job, "func", job).__name__
            fail = name in ("one", "step") and name not in failed
            if not fail:
                return await run(job, locks)  # type: ignore[arg-type]
            failed.append(name)
            if name == "step":
                house.clock.forward(1)
                await run(job, locks)  # type: ignore[arg-type]
            raise StoreUnavailable

        fax = await house.added(jobs)
        object.__setattr__(jobs._parts, "run", fails)
        jobs.start(house.machine)
        async with asyncio.timeout(40):
            while not house.machine.up:
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        now: Fax = await house.run(partial(fax_jobs.one, fax=fax.id))
        assert (now.state, house.machine.up, failed) == (State.SENDING, 1, ["one", "step"])


async def test_what_cannot_be_drawn_again_is_for_a_person(house: FaxHouse) -> None:
    house.machine = Machine("dies 1")
    house.options = FaxOptions(look_s=0.05, tries=2)

    async def fails(*_: Any) -> Answer:
        return Failed("the document could not be printed")

    house.drawer.draw = fails  # type: ignore[method-assign]
    async with house.life() as jobs:
        jobs.start(house.machine)
        fax = await house.added(jobs)
        ended = await house.ended(fax.id)
    why = "not printed: the document could not be printed"
    assert (ended.state, ended.life.why, ended.life.confirmed) == (State.FAILED, why, 1)
    assert told(house.place, "alarm.fax") == [("alarm.fax", 1, why)]
    assert [event.detail["why"] for event in house.alarms] == [why]


async def test_what_waits_too_long_is_for_a_person(house: FaxHouse) -> None:
    house.missing = ""
    async with house.life() as jobs:
        fax = await house.added(jobs)
        house.missing = "apt-get install libspandsp2"
        house.clock.forward(24 * 3_600)
        jobs.start(house.machine)
        ended = await house.ended(fax.id)
    assert (ended.state, ended.life.why) == (State.FAILED, "gave_up")
    assert told(house.place, "alarm.fax") == [("alarm.fax", 0, "gave_up")]
    assert [event.kind for event in house.alarms] == ["alarm.fax"]


async def test_what_the_other_side_refuses_is_for_nobody(house: FaxHouse) -> None:
    house.machine = Machine("nobody")
    async with house.life() as jobs:
        jobs.start(house.machine)
        fax = await house.added(jobs)
        assert (await house.ended(fax.id)).state is State.FAILED
    assert (house.alarms, told(house.place, "alarm.fax")) == ([], [])


async def test_a_node_that_stops_sends_nothing_in_a_call(house: FaxHouse) -> None:
    async def run(on_progress: Callable[[Progress], None]) -> FaxOutcome:
        raise AssertionError("a call was begun")

    async with house.life() as jobs:
        await jobs.close()
        wanted = house.wanted(jobs, call="01-1-7", role="customer")
        ended = await jobs.here(wanted, "138******78", run)
    assert ended is not None
    assert (ended.state, ended.life.why) == (State.FAILED, "node_stops")


async def test_a_channel_that_is_taken_while_it_is_looked_is_not_taken_twice(
    house: FaxHouse,
) -> None:
    house.options = FaxOptions(look_s=0.05, channels=1)
    house.machine = Machine("hangs")
    async with house.life() as jobs:
        take, free = jobs._take, []

        async def slow() -> object:
            with jobs.channel() as one:  # a fax comes meanwhile
                free.append(one)
            return await take()

        jobs._take = slow  # type: ignore[assignment, method-assign]
        jobs.start(house.machine)
        fax = await house.added(jobs)
        await _until(jobs, fax, State.SENDING)
        assert jobs.counts() == {"channels": 1, "busy": 1}
    assert set(free) == {False}
    assert jobs.counts() == {"channels": 1, "busy": 0}


def test_folders_of_another_node_are_not_ours_to_remove(tmp_path: Path) -> None:
    files = FaxFiles(tmp_path / "fax")
    for fax in ("01-1-F1", "02-1-F1"):
        for came in (False, True):
            files.new(fax, came=came)
    assert files.stale("01", -9.0) == {"01-1-F1", "in/01-1-F1"}


async def test_a_customer_cannot_fill_the_queue(house: FaxHouse) -> None:
    house.options = FaxOptions(look_s=0.05, most=1)
    async with house.life() as jobs:
        await house.added(jobs, customer="token", role="customer")
        refused = await jobs.add(house.wanted(jobs, customer="token", role="customer"))
        assert isinstance(refused, Refusal)
        assert refused.rule == "full"
        await house.added(jobs, customer="another", role="customer")


async def test_files_are_removed_when_they_have_had_their_time(house: FaxHouse) -> None:
    async with house.life() as jobs:
        fax = await house.added(jobs)
        await jobs.cancel(fax.id, LI_NA)
        await jobs.look()
        assert (house.place / "fax" / fax.id / "paper.pdf").exists()
    house.clock.forward(31 * 86_400)
    async with house.life() as jobs:
        await jobs.look()
        seen = await jobs.one(fax.id)
        assert seen is not None
        assert seen.folder == ""
    assert not (house.place / "fax" / fax.id).exists()


async def _until(jobs: FaxJobs, fax: Fax, state: State, after: int = 0) -> Fax:
    """Wait for a state, after so many tries."""
    async with asyncio.timeout(40):
        while True:
            found = await jobs.one(fax.id)
            assert found is not None
            if found.state is state and found.life.attempt >= after:
                return found
            assert found.state not in ENDED, found.life
            await asyncio.sleep(0.01)
