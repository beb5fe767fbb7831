"""Killed at every commit of a fax's life: afterwards it goes on or fails honestly, once, and no
page that was confirmed comes out again."""

import asyncio
import itertools
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fax.job import ENDED, State
from support import fax_crash
from support.fax_jobs import FaxHouse, Machine
from support.order_house import Kill, doomed
from support.store_kit import check_log, rows
from telebank.calls.faxes.options import FaxOptions
from telebank.calls.faxes.queue import FaxJobs
from telebank.settings import store_url
from telebank.store import tables
from telebank.store.engine import open_read_only
from telebank.store.fax_tables import fax_job

ACTS = [("sent",), ("dies 1", "sent"), ("busy", "silent 0")]
ENDS = {f"fax.{state.value}" for state in ENDED}
MOST = 100
"""Steps that no fax of these has."""


def _house(place: Path) -> FaxHouse:
    house = FaxHouse(place, options=FaxOptions(look_s=600.0))
    house.outbound = replace(
        house.outbound, calls_hourly=9_999, per_number_daily=9_999, seconds_daily=99_999_999
    )
    return house


async def _lives(house: FaxHouse, kill: Kill) -> str:
    """One life that is killed at a step, then another one to the end of its fax; which fax."""
    async with house.life(kill) as jobs:
        fax = f"01-{jobs._parts.epoch()}-F1"
        await doomed(asyncio.create_task(_work(jobs, house, fax)), kill)
        if not kill.dead.is_set():
            await jobs.close()
    if rows(house.place, fax_job, fax_job.c.id == fax):
        async with house.life() as jobs:
            jobs.start(house.machine)
            await house.ended(fax)
            await jobs.look()  # which changes nothing
    return fax


async def _work(jobs: FaxJobs, house: FaxHouse, fax: str) -> None:
    jobs.start(house.machine)
    await house.added(jobs)
    await house.ended(fax)


def _judge(house: FaxHouse, fax: str) -> State | None:
    """What must hold whenever it was killed; None where it was not kept yet."""
    paper = house.machine.paper
    found = rows(house.place, fax_job, fax_job.c.id == fax)
    if not found:  # nobody was told that it is
        assert paper == []
        return None
    state = State(found[0].state)
    assert max(Counter(paper).values(), default=0) <= 1, f"a page came out twice: {paper}"
    assert found[0].confirmed <= len(paper)
    assert (state is State.DONE) == (found[0].confirmed == 3)
    told = rows(house.place, tables.event)
    mine = Counter(row.kind for row in told if row.detail.get("fax") == fax)
    assert sum(mine[kind] for kind in ENDS) == 1, mine
    _judge_alarms(found[0], mine["alarm.fax"])
    return state


def _judge_alarms(row: Any, alarms: int) -> None:
    """One where nobody knows what arrived; of those that failed, only where it was for us to."""
    if State(row.state) is State.UNCONFIRMED:
        assert alarms == 1, row.id
    elif alarms:
        assert (row.state, alarms) == ("failed", 1), row.id
        assert row.changed_at >= row.expires_at, row.id


async def _rounds(place: Path, acts: tuple[str, ...], steps: list[int]) -> Counter[State | None]:
    house, ends = _house(place), Counter[State | None]()
    for at in steps:
        for after in (False, True):
            house.machine = Machine(*acts)
            kill = Kill(at, after)
            fax = await _lives(house, kill)
            ends[_judge(house, fax)] += 1
            if not kill.dead.is_set():
                break
        else:
            continue
        break  # all its steps are behind us
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        check_log(connection)
    engine.dispose()
    return ends


@pytest.mark.parametrize("acts", ACTS)
async def test_killed_at_some_commits(place: Path, acts: tuple[str, ...]) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    await _rounds(place, acts, sorted(random.Random(seed).sample(range(1, 25), 3)))


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("acts", ACTS)
async def test_killed_at_every_commit(place: Path, acts: tuple[str, ...]) -> None:
    ends = await _rounds(place, acts, list(range(1, MOST)))
    assert sum(ends.values()) < MOST  # it came to the end of its steps
    assert ends[None] > 0
    assert ends[State.UNCONFIRMED] > 0
    assert ends[State.DONE] > 0 or "silent 0" in acts


# -- a real process, killed for real --------------------------------------------------------------


def _run_and_kill(folder: Path, run: int, pages: int) -> None:
    with fax_crash.start(folder, run) as process:
        assert process.stdout is not None
        for _ in itertools.islice(process.stdout, pages):
            pass
        process.kill()


async def _killed(folder: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    for run in range(rounds):
        _run_and_kill(folder, run, chance.randrange(15, 45))
    house = fax_crash.house(folder, rounds)
    async with house.life() as jobs:  # and one that is not killed
        jobs.start(house.machine)
        for row in rows(folder, fax_job):
            await house.ended(row.id)
    _judge_all(folder)


def _judge_all(folder: Path) -> None:
    came: dict[str, list[int]] = {}
    for line in (folder / fax_crash.PAPER).read_text().splitlines():
        fax, _, page = line.partition(" ")
        came.setdefault(fax, []).append(int(page))
    told = rows(folder, tables.event)
    ends = Counter(row.detail["fax"] for row in told if row.kind in ENDS)
    alarms = Counter(row.detail["fax"] for row in told if row.kind == "alarm.fax")
    states = Counter[State]()
    for row in rows(folder, fax_job):
        paper, state = came.get(row.id, []), State(row.state)
        states[state] += 1
        assert len(set(paper)) == len(paper), (row.id, paper)
        assert row.confirmed <= len(paper), (row.id, paper)
        assert (state is State.DONE) == (row.confirmed == row.pages), row.id
        assert ends[row.id] == 1, row.id
        _judge_alarms(row, alarms[row.id])
    print(dict(states))
    assert states[State.DONE] > 0
    assert states[State.UNCONFIRMED] > 0


async def test_a_process_that_is_killed_while_it_faxes(place: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    await _killed(place, 1, seed)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_process_that_is_killed_many_times(place: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    await _killed(place, 20, seed)
