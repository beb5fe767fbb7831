"""What callers hear where the disk or the store fails while their fax is made; who asks once gets
one."""

import os
from pathlib import Path

import pytest

from fax.documents.jobs import Answer
from support.fax_jobs import FaxHouse
from support.fax_office import GONE, NOT_KNOWN, Press, asked, failing, folders, office_of
from support.store_kit import rows
from telebank.calls.faxes import office
from telebank.calls.faxes.files import FaxFiles
from telebank.store.fax_tables import fax_job


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FaxHouse:
    monkeypatch.setattr(office, "PAUSES_S", (0.0, 0.0))
    return FaxHouse(tmp_path)


async def test_a_fax_is_kept(house: FaxHouse) -> None:
    async with house.life() as jobs:
        told = await office_of(house, jobs).demand(asked())
    assert told == ("accepted", {"pages": 1, "number": "****6666"})
    assert folders(house) == [row.id for row in rows(house.place, fax_job)]


@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("whys", [(NOT_KNOWN,), (NOT_KNOWN, GONE)])
async def test_a_commit_of_unknown_outcome_is_asked_about(
    house: FaxHouse, after: bool, whys: tuple[str, ...]
) -> None:
    async with house.life() as jobs:
        failing(jobs, *whys, after=after)
        told, _ = await office_of(house, jobs).demand(asked())
        assert told == "accepted"
        again, _ = await office_of(house, jobs).demand(asked())
        assert again == "accepted"
    (kept,) = rows(house.place, fax_job)
    assert folders(house) == [kept.id]


@pytest.mark.parametrize("whys", [(NOT_KNOWN,) * 3, (NOT_KNOWN, GONE, GONE)])
async def test_what_nobody_can_tell_keeps_its_files(house: FaxHouse, whys: tuple[str, ...]) -> None:
    async with house.life() as jobs:
        failing(jobs, *whys, after=True)
        told, _ = await office_of(house, jobs).demand(asked())
        assert told == "unconfirmed"
    (kept,) = rows(house.place, fax_job)
    assert folders(house) == [kept.id]


async def test_what_was_not_kept_leaves_no_files(house: FaxHouse) -> None:
    async with house.life() as jobs:
        count = failing(jobs, GONE, after=False)
        told, _ = await office_of(house, jobs).demand(asked())
        assert (told, count()) == ("not_available", 1)
    assert folders(house) == []


@pytest.mark.parametrize("way", ["back", "here"])
@pytest.mark.parametrize("act", ["new", "_private", "remove"])
async def test_a_disk_that_fails_hangs_nobody_up(
    house: FaxHouse, monkeypatch: pytest.MonkeyPatch, way: str, act: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, os.strerror(28))

    async with house.life() as jobs:
        desk = office_of(house, jobs)
        if act == "_private":
            monkeypatch.setattr(office, "_private", full)
        else:
            monkeypatch.setattr(FaxFiles, act, full)
        if act == "remove":  # of what the press could not print
            monkeypatch.setattr(Press, "print", _no_print)
        if way == "here":
            assert await desk.prepare(asked(way)) == "not_available"
        else:
            assert await desk.demand(asked(way)) == ("not_available", {})
        assert jobs.counts()["busy"] == 0
    assert rows(house.place, fax_job) == []
    assert act != "_private" or folders(house) == []


async def _no_print(*_: object, **__: object) -> Answer:
    raise OSError(28, os.strerror(28))
