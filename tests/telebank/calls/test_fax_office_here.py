"""Faxes in their callers' calls: the paper first, then the channel; each is given back once."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.fax_jobs import FaxHouse
from support.fax_office import GONE, Press, asked, failing, folders, listed, office_of
from support.store_kit import rows
from telebank.calls.faxes.files import FaxFiles
from telebank.calls.faxes.office import Made
from telebank.calls.faxes.options import FaxOptions
from telebank.calls.faxes.queue import FaxJobs
from telebank.calls.faxes.values import Answered, FaxLines, FaxOutcome, FaxTask, Progress
from telebank.faxing.client import Negotiated, PageConfirmed
from telebank.store.fax_tables import fax_job
from transactions.answer import Answer
from transactions.outcome import Values


@pytest.fixture
def house(tmp_path: Path) -> FaxHouse:
    return FaxHouse(tmp_path)


class Sent:
    """A call in which faxes arrive; how many went through it, and what was left of them."""

    def __init__(self) -> None:
        self.tasks: list[FaxTask] = []

    async def __call__(
        self, lines: FaxLines, task: FaxTask, on_progress: Callable[[Progress], None]
    ) -> FaxOutcome:
        self.tasks.append(task)
        on_progress(Answered("t38"))
        on_progress(Negotiated(rate=9_600, ecm=True, compression="MMR", peer_ident=""))
        await asyncio.sleep(0.05)
        on_progress(PageConfirmed(pages=1))
        return FaxOutcome(1, 1, "sent", "")


def busy(jobs: FaxJobs) -> int:
    return jobs.counts()["busy"]


async def test_the_paper_is_made_and_then_sent(house: FaxHouse) -> None:
    call = Sent()
    async with house.life() as jobs:
        made = await office_of(house, jobs).prepare(asked("here", call))
        assert isinstance(made, Made)
        assert (busy(jobs), call.tasks, rows(house.place, fax_job)) == (1, [], [])
        assert folders(house) == [made.fax]
        assert await made.send() == ("sent", {"pages": 1, "of": 1})
        assert busy(jobs) == 0
    (row,) = rows(house.place, fax_job)
    assert (row.id, row.way, row.state) == (made.fax, "call", "done")
    assert [task.pages for task in call.tasks] == [1]
    assert folders(house) == [made.fax]


@pytest.mark.parametrize(
    ("caller", "way"),
    [
        ("075512345678", "never"),
        ("+8675512345678", "never"),
        ("02012345678", "peer"),
        ("0205", "peer"),
        ("", "peer"),
    ],
)
async def test_whose_number_has_its_own_way(house: FaxHouse, caller: str, way: str) -> None:
    call = Sent()
    house.options = FaxOptions(look_s=0.05, t38="peer", t38_for={"0755*": "never"})
    async with house.life() as jobs:
        made = await office_of(house, jobs).prepare(asked("here", call, caller=caller))
        assert isinstance(made, Made)
        await made.send()
    assert [task.way for task in call.tasks] == [way]


async def test_what_is_dropped_leaves_nothing(house: FaxHouse) -> None:
    async with house.life() as jobs:
        made = await office_of(house, jobs).prepare(asked("here"))
        assert isinstance(made, Made)
        await made.drop()
        assert (busy(jobs), folders(house)) == (0, [])
    assert rows(house.place, fax_job) == []


async def test_where_no_channel_is_free_nobody_is_asked_for_anything(house: FaxHouse) -> None:
    async def never(*_: object) -> Answer:
        raise AssertionError("the bank is asked")

    house.options = FaxOptions(look_s=0.05, channels=1)
    async with house.life() as jobs:
        with jobs.channel():
            assert await office_of(house, jobs).prepare(asked("here", ask=never)) == "busy"
            assert busy(jobs) == 1


async def test_a_channel_taken_while_the_paper_is_made_is_not_his(house: FaxHouse) -> None:
    press = Press()
    press.turn.clear()
    house.options = FaxOptions(look_s=0.05, channels=1)
    async with house.life() as jobs:
        work = asyncio.create_task(office_of(house, jobs, press).prepare(asked("here")))
        await until(lambda: bool(press.printed))
        with jobs.channel() as taken:
            assert taken
            press.turn.set()
            assert await work == "busy"
            assert busy(jobs) == 1
        assert (busy(jobs), folders(house)) == (0, [])


@pytest.mark.parametrize("when", ["asked", "folder", "printed"])
async def test_who_hangs_up_while_his_paper_is_made_leaves_nothing(
    house: FaxHouse, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    here, press, new, goes_on = asyncio.Event(), Press(), FaxFiles.new, threading.Event()
    loop = asyncio.get_running_loop()

    async def ask(service: str, inputs: Values) -> Answer:
        if when == "asked":
            here.set()
            await asyncio.Event().wait()
        return await listed(service, inputs)

    def folder(files: FaxFiles, fax: str) -> Path:
        if when == "folder":  # of a slow disk: the thread goes on whoever waits for it
            loop.call_soon_threadsafe(here.set)
            goes_on.wait(5)
        return new(files, fax)

    if when == "printed":
        press.turn.clear()
    monkeypatch.setattr(FaxFiles, "new", folder)
    async with house.life() as jobs:
        work = asyncio.create_task(office_of(house, jobs, press).prepare(asked("here", ask=ask)))
        if when == "printed":
            await until(lambda: bool(press.printed))
        else:
            await here.wait()
        work.cancel()
        await asyncio.sleep(0)
        goes_on.set()
        with pytest.raises(asyncio.CancelledError):
            await work
        assert (busy(jobs), folders(house)) == (0, [])


async def test_a_paper_that_takes_too_long_is_given_up(house: FaxHouse) -> None:
    press = Press()
    press.turn.clear()
    async with house.life() as jobs:
        desk = office_of(house, jobs, press, making_s=0.3)
        assert await desk.prepare(asked("here")) == "failed"
        assert await desk.demand(asked("back")) == ("not_available", {})
        assert (busy(jobs), folders(house)) == (0, [])
    assert len(press.printed) == 4


async def test_the_same_fax_goes_once(house: FaxHouse) -> None:
    call = Sent()
    async with house.life() as jobs:
        desk = office_of(house, jobs)
        first, second = [await desk.prepare(asked("here", call)) for _ in "ab"]
        assert isinstance(first, Made)
        assert isinstance(second, Made)
        assert await first.send() == await second.send() == ("sent", {"pages": 1, "of": 1})
        assert (busy(jobs), folders(house), len(call.tasks)) == (0, [first.fax], 1)


async def test_what_the_store_does_not_keep_is_not_sent(house: FaxHouse) -> None:
    async with house.life() as jobs:
        made = await office_of(house, jobs).prepare(asked("here"))
        assert isinstance(made, Made)
        failing(jobs, GONE, after=False)
        assert await made.send() == ("not_available", {})
        assert (busy(jobs), folders(house)) == (0, [])


@pytest.mark.parametrize(
    ("missing", "changes", "able"),
    [
        ("no library", {}, set()),
        ("", {}, {"fax_here", "fax_out"}),
        ("", {"allow": ("sip:192.0.2.7",)}, {"fax_here"}),
        ("", {"gateway": ""}, {"fax_here"}),
    ],
)
async def test_what_calls_are_able_to(
    house: FaxHouse, missing: str, changes: dict[str, Any], able: set[str]
) -> None:
    house.missing = missing
    house.outbound = type(house.outbound)(**{"gateway": "127.0.0.1", "allow": ("010*",), **changes})
    async with house.life() as jobs:
        desk = office_of(house, jobs)
        assert desk.able() == able
        if missing:
            assert await desk.prepare(asked("here")) == "not_available"


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(40):
        while not true():
            await asyncio.sleep(0.01)
