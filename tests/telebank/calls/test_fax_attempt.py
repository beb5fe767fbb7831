"""One fax through one call: what is written of it, and how it ends where the call says nothing, or
what cannot be."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from fax.job import State
from fax.terminal import TerminalOptions, Transmit
from support.fax_jobs import FaxHouse, Machine
from support.store_kit import rows
from telebank.calls.faxes.attempt import Run
from telebank.calls.faxes.queue import FaxJobs
from telebank.calls.faxes.values import Account, Answered, FaxOutcome, FaxTask, Progress
from telebank.faxing.client import Ended, Negotiated, PageConfirmed
from telebank.store.errors import StoreUnavailable
from telebank.store.fax_rows import Fax
from telebank.store.fax_tables import fax_dial

AGREED = Negotiated(rate=9_600, ecm=True, compression="MMR", peer_ident="")


@pytest.fixture
def house(tmp_path: Path) -> FaxHouse:
    return FaxHouse(tmp_path)


async def test_in_a_callers_own_call(house: FaxHouse) -> None:
    async def run(on_progress: Callable[[Progress], None]) -> FaxOutcome:
        on_progress(Answered("t38"))
        on_progress(AGREED)
        on_progress(PageConfirmed(pages=1))
        return FaxOutcome(1, 3, "partial", "hung_up")

    async with house.life() as jobs:
        wanted = house.wanted(jobs, call="01-1-7", role="customer", by="01-1-7", request="r")
        with jobs.channel() as free:
            assert free
            ended = await jobs.here(wanted, "138******78", run)
        assert ended is not None
        assert (ended.state, ended.way, ended.life.confirmed) == (State.FAILED, "call", 1)
        assert ended.number.masked == "138******78"
    assert rows(house.place, fax_dial) == []


async def test_who_waits_for_a_fax_in_a_call_may_go(house: FaxHouse) -> None:
    goes_on = asyncio.Event()

    async def run(on_progress: Callable[[Progress], None]) -> FaxOutcome:
        on_progress(Answered("t38"))
        on_progress(AGREED)
        await goes_on.wait()
        return FaxOutcome(3, 3, "sent", "")

    async with house.life() as jobs:
        wanted = house.wanted(jobs, call="01-1-7", role="customer")
        waits = asyncio.create_task(jobs.here(wanted, "138******78", run))
        while (found := await jobs.one(wanted.id)) is None or found.state is not State.SENDING:
            await asyncio.sleep(0.01)
        waits.cancel()
        await asyncio.gather(waits, return_exceptions=True)
        goes_on.set()
        assert (await house.ended(wanted.id)).state is State.DONE


@pytest.mark.parametrize(("says", "state"), [(True, State.FAILED), (False, State.UNCONFIRMED)])
async def test_a_fax_in_a_call_that_is_stopped(house: FaxHouse, says: bool, state: State) -> None:
    """A call that says how far it came is believed; of one that does not, nobody knows."""
    stopped: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(on_progress: Callable[[Progress], None]) -> FaxOutcome:
        on_progress(Answered("t38"))
        on_progress(AGREED)
        return FaxOutcome(0, 3, "failed", await stopped)

    async with house.life() as jobs:
        wanted = house.wanted(jobs, call="01-1-7", role="customer")
        stop = stopped.set_result if says else None
        work = asyncio.create_task(jobs.here(wanted, "138******78", run, stop))
        while (found := await jobs.one(wanted.id)) is None or found.state is not State.SENDING:
            await asyncio.sleep(0.01)
        await jobs.close()
        ended = await work
    assert ended is not None
    assert (ended.state, ended.life.why) == (state, "node_stops")


def test_last_words_that_never_came() -> None:
    account = Account(FaxTask(Transmit(Path("pages.tiff")), TerminalOptions(), pages=2))
    account.reason = "cancelled"
    assert not account.outcome().lost  # nothing was agreed on
    account.note(AGREED)
    assert account.outcome().lost
    over = Ended(
        code=0,
        reason="",
        pages=0,
        asked=False,
        bad_rows=0,
        rate=9_600,
        peer_ident="",
        seconds=9.0,
    )
    account.note(over)
    assert not account.outcome().lost


def stopped_after(*said: Progress) -> tuple[Run, Callable[[str], None]]:
    """A call that says this and goes on until it is asked to end; then a page was confirmed."""
    stopped: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(on_progress: Callable[[Progress], None]) -> FaxOutcome:
        for progress in said:
            on_progress(progress)
        return FaxOutcome(1, 3, "partial", await stopped)

    return run, stopped.set_result


async def here(
    jobs: FaxJobs, house: FaxHouse, run: Run, stop: Callable[[str], None] | None = None
) -> Fax:
    """How a fax in its caller's call ended, long before its watchdog."""
    wanted = house.wanted(jobs, call="01-1-7", role="customer")
    async with asyncio.timeout(10):
        ended = await jobs.here(wanted, "138******78", run, stop)
    assert ended is not None
    return ended


async def test_a_page_confirmed_before_sending_is_written_ends_the_call(house: FaxHouse) -> None:
    """What cannot be is a bug; the call is ended at once, and its end is written all the same."""
    with capture_logs() as lines:
        async with house.life() as jobs:
            run, stop = stopped_after(Answered("t38"), PageConfirmed(pages=1))
            ended = await here(jobs, house, run, stop)
    assert (ended.state, ended.life.confirmed) == (State.FAILED, 1)
    assert ended.life.why == "contradiction"
    assert [line["event"] for line in lines] == ["fax.contradiction"]


async def test_a_step_that_fails_as_nobody_foresaw_ends_the_call(house: FaxHouse) -> None:
    with capture_logs() as lines:
        async with house.life() as jobs:
            run = jobs._parts.run

            async def fails(work: object, locks: object = ()) -> object:
                found = await run(work, locks)  # type: ignore[arg-type]
                if isinstance(found, Fax) and found.state is State.SENDING:
                    object.__setattr__(jobs._parts, "run", run)
                    raise ZeroDivisionError
                return found

            object.__setattr__(jobs._parts, "run", fails)
            ended = await here(jobs, house, *stopped_after(Answered("t38"), AGREED))
    assert (ended.state, ended.life.confirmed) == (State.FAILED, 1)
    assert ended.life.why == "contradiction"
    assert [line["event"] for line in lines] == ["fax.not_followed"]


async def test_a_call_that_takes_back_a_page_at_its_end_goes_to_a_person(house: FaxHouse) -> None:
    """Two pages were written as confirmed, and in the end it says one: neither is believed."""

    async def run(on_progress: Callable[[Progress], None]) -> FaxOutcome:
        on_progress(Answered("t38"))
        on_progress(AGREED)
        on_progress(PageConfirmed(pages=2))
        return FaxOutcome(1, 3, "failed", "busy")

    async with house.life() as jobs:
        ended = await here(jobs, house, run)
    assert (ended.state, ended.life.confirmed) == (State.UNCONFIRMED, 2)
    assert ended.life.why == "contradiction"
    assert [event.kind for event in house.alarms] == ["alarm.fax"]


async def test_an_end_whose_writing_was_not_answered_is_read(house: FaxHouse) -> None:
    """The commit was made and its answer lost: a person is told all the same."""
    house.machine = Machine("silent 1")
    async with house.life() as jobs:
        fax = await house.added(jobs)
        run = jobs._parts.run

        async def unanswered(work: object, locks: object = ()) -> object:
            found = await run(work, locks)  # type: ignore[arg-type]
            if isinstance(found, Fax) and found.state is State.UNCONFIRMED and locks:
                raise StoreUnavailable
            return found

        object.__setattr__(jobs._parts, "run", unanswered)
        jobs.start(house.machine)
        assert (await house.ended(fax.id)).state is State.UNCONFIRMED
        async with asyncio.timeout(40):
            while not house.alarms:
                await asyncio.sleep(0.02)
    assert [event.kind for event in house.alarms] == ["alarm.fax"]
