"""kill -9 of a real writer process: no acknowledged row is lost, events and leaves agree."""

import itertools
import random
from pathlib import Path

import pytest

from support import store_crash
from support.store_kit import check_log, open_store, rows
from telebank.settings import store_url
from telebank.store import tables
from telebank.store.engine import open_read_only
from transactions.lifecycle import State

ORDER = [State.RECORDED, State.SENT, State.APPROVED]


def _run_and_kill(folder: Path, run: int, lines: int) -> dict[str, State]:
    """Let a writer acknowledge some `lines`, kill it, return the last state it said of each row."""
    said: dict[str, State] = {}
    with store_crash.start(folder, run) as process:
        assert process.stdout is not None
        for line in itertools.islice(process.stdout, lines):
            said |= _heard(line)
        process.kill()
        for line in process.stdout:  # what it had said before it died
            said |= _heard(line)
    return said


def _heard(line: str) -> dict[str, State]:
    word, _, name = line.strip().partition(" ")
    complete = line.endswith("\n") and word in State.__members__
    return {name: State(word)} if complete else {}


async def _rounds(folder: Path, rounds: int, seed: int) -> None:
    chance = random.Random(seed)
    said: dict[str, State] = {}
    for run in range(rounds):
        said |= _run_and_kill(folder, run, chance.randrange(200, 2_000))
    found = {row.id: State(row.state) for row in rows(folder, tables.request)}
    assert len(said) > 10 * rounds
    for name, state in said.items():
        assert ORDER.index(found[name]) >= ORDER.index(state), (name, state, found[name])
    engine = open_read_only(store_url(folder))
    with engine.connect() as connection:
        assert check_log(connection) > 0
    engine.dispose()
    async with open_store(folder) as store:
        assert store.epoch == rounds + 1
        unsettled = {name for name, state in found.items() if state is not State.APPROVED}
        assert {row.request.id for row in await store.journal.open_rows()} == unsettled
    stans = [(row.stan, row.field7) for row in rows(folder, tables.host_message)]
    assert len({stan for stan, _ in stans}) == len(stans)


async def test_killed_writer_loses_nothing_it_acknowledged(place: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    await _rounds(place, 3, seed)


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_killed_writer_many_times(place: Path) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print("seed", seed)
    await _rounds(place, 30, seed)
