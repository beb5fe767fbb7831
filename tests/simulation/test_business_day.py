"""A business day of five thousand calls, over the bank's midnight, with faults on: the real menus,
desk, processor, store, adapter and demo bank in virtual time. Money is conserved, and what callers
were told is so. `make test` runs a small day; `make test-long` the whole one, and prints it."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from support.day_bank import FAULTS
from support.day_checks import Seen
from support.day_world import DEATHS, MIX, OTHERWISE, DayWorld
from support.simulation_bank import one_codec
from support.simulation_loop import simulate

SMALL, WHOLE = 150, 5_000
SEED = 20260320
MEMORY = Path("/dev/shm")


@pytest.fixture
def folder() -> Iterator[Path]:
    """On a disk in memory where there is one: each commit waits for the disk."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


def live(folder: Path, seed: int, calls: int) -> Seen:
    """One day, looked through at its end."""

    async def day() -> Seen:
        return await DayWorld(folder, seed, calls).run()

    with one_codec():
        return simulate(day())


@pytest.mark.timeout(300)
def test_a_small_day_is_whole(folder: Path) -> None:
    seen = live(folder, SEED, SMALL)
    assert seen.calls == SMALL
    assert seen.deaths == DEATHS
    assert seen.states["APPROVED"]
    assert seen.hits


@pytest.mark.timeout(300)
def test_one_seed_is_one_day(folder: Path) -> None:
    (folder / "a").mkdir()
    (folder / "b").mkdir()
    assert live(folder / "a", 7, 40).digest == live(folder / "b", 7, 40).digest


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_a_whole_day_is_whole(folder: Path) -> None:
    seen = live(folder, SEED, WHOLE)
    print(seen.table())
    assert seen.calls == WHOLE
    assert {name.partition(".")[0] for name in seen.services} >= MIX.keys() - {*OTHERWISE.values()}
    assert {hit.value for hit in FAULTS} == set(seen.hits)
    assert seen.ends_of_dates
    assert seen.interest
    assert seen.orders["APPROVED"]
    assert seen.market_orders["done"]
