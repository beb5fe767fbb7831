"""A disk that fills up: when the ballast goes, when it comes back, and that its blocks are real."""

import asyncio
import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from support.store_kit import open_store, rows
from telebank.commands.wiring.disk import DiskRoom
from telebank.ops.disk import Act, Ballast, DiskWatch
from telebank.ops.disk_options import MB, DiskOptions
from telebank.settings import SettingsError, read_options
from telebank.store import tables
from transactions.brake import Brake

OPTIONS = DiskOptions(low_mb=100, clear_mb=150, ballast_mb=10)


def look(watch: DiskWatch, free_mb: int, *, held: bool) -> Act | None:
    return watch.looked(free_mb * MB, held=held)


def test_a_low_disk_lets_the_ballast_go_and_a_roomy_one_makes_it_anew() -> None:
    watch = DiskWatch(OPTIONS)
    assert look(watch, 500, held=False) is Act.MAKE
    assert look(watch, 100, held=True) is None
    assert not watch.low
    assert look(watch, 99, held=True) is Act.LET_GO
    assert watch.low
    assert look(watch, 109, held=False) is None, "the room of the ballast is no news"
    assert look(watch, 159, held=False) is None
    assert watch.low
    assert look(watch, 160, held=False) is Act.MAKE
    assert not watch.low
    assert look(watch, 150, held=True) is None


def test_between_the_marks_all_stays_as_it_was() -> None:
    watch = DiskWatch(OPTIONS)
    assert look(watch, 120, held=False) is None, "no room for it without coming near the low mark"
    assert not watch.low
    look(watch, 10, held=False)
    look(watch, 149, held=False)
    assert watch.low


def test_nothing_is_made_where_none_is_wanted() -> None:
    watch = DiskWatch(DiskOptions(low_mb=100, clear_mb=100, ballast_mb=0))
    assert [look(watch, free, held=False) for free in (500, 1, 500)] == [None, None, None]


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ({"low_mb": 100, "clear_mb": 99}, "clear_mb is below low_mb"),
        ({"low_mb": 0, "ballast_mb": 1}, "give low_mb too"),
        ({"ballast_mb": -1}, "ballast_mb"),
        ({"every_s": 0}, "every_s"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(table: dict[str, float], word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        read_options(DiskOptions, table, "disk")


def test_the_ballast_takes_real_blocks_and_gives_them_back(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path, 3)
    assert not ballast.held
    ballast.make()
    file = tmp_path / "ballast"
    assert ballast.held
    assert file.stat().st_blocks * 512 >= 3 * MB
    assert file.stat().st_mode & 0o077 == 0
    ballast.let_go()
    ballast.let_go()
    assert list(tmp_path.iterdir()) == []


def test_a_ballast_that_finds_no_room_leaves_nothing(tmp_path: Path) -> None:
    ballast = Ballast(tmp_path, 2**32)  # 2**52 octets: no disk has them
    with pytest.raises(OSError, match=r"No space left|File too large"):
        ballast.make()
    assert list(tmp_path.iterdir()) == []


async def test_the_brake_goes_on_and_off_and_the_log_says_both(tmp_path: Path) -> None:
    free = [500]
    brake, options = Brake(), DiskOptions(low_mb=100, clear_mb=150, ballast_mb=1, every_s=0.05)
    ballast = Ballast(tmp_path, 1, lambda: free[0] * MB)
    async with open_store(tmp_path) as store:
        room = DiskRoom(options, ballast, store, brake)
        await room.start()
        assert (ballast.held, brake.reason) == (True, "")
        free[0] = 99
        await _until(lambda: brake.reason == "disk" and not ballast.held)
        free[0] = 400
        await _until(lambda: not brake.reason and ballast.held)
        await _until(lambda: len(rows(tmp_path, tables.event)) == 2)
        await room.close()
    low, over = rows(tmp_path, tables.event)
    assert (low.kind, low.outcome, low.detail["free_mb"]) == ("alarm.disk", "low", 99)
    assert (over.kind, over.outcome, over.detail["free_mb"]) == ("disk.roomy", "over", 400)
    assert ballast.held, "the next start may need its room"


async def test_a_folder_that_cannot_be_asked_leaves_the_node_as_it_is(tmp_path: Path) -> None:
    def broken() -> int:
        raise OSError(errno.EIO, "Input/output error")

    brake = Brake()
    async with open_store(tmp_path) as store:
        room = DiskRoom(OPTIONS, Ballast(tmp_path, 10, broken), store, brake)
        await room.look()
        await room.look()
    assert brake.reason == ""
    assert rows(tmp_path, tables.event) == []


async def _until(happened: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not happened():
            await asyncio.sleep(0.02)
