"""People of a demo bank, made at a control socket of this process."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pytest
from click.testing import CliRunner

from support.staff_house import House, Person, open_house
from telebank.agents.centre import Centre
from telebank.agents.commands import Ring
from telebank.agents.events import Caller, CallerCame, SeatEntered, SeatWanted
from telebank.commands import demo_people
from telebank.commands.common import Unreachable
from telebank.commands.demo_people import FILE, FOUNDERS, TELLERS, make_people, people_of
from telebank.main import main
from telebank.settings import load_settings

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
NAMES = [*(name for name, *_ in FOUNDERS), *TELLERS]


async def make(house: House) -> list[str]:
    made = await asyncio.to_thread(make_people, house.folder, house.clock.now.timestamp)
    return [one.name for one in made]


async def test_they_are_made_once_and_can_log_in(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        assert await make(house) == NAMES
        assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
        kept = people_of(tmp_path)
        house.clock.forward(30)  # the founders' codes are used up
        for one in kept:
            who = Person(one.name, one.role.value, one.password, one.seed)
            assert (await house.login(who)).token
            assert one.password not in repr(one)
            assert one.seed not in repr(one)
        assert await make(house) == NAMES, "those of the file"
        assert people_of(tmp_path) == kept


async def test_a_start_that_was_cut_off_is_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_house(tmp_path) as house:
        with monkeypatch.context() as cut:
            cut.setattr(demo_people, "_teller", Mock(side_effect=Unreachable("cut off")))
            with pytest.raises(Unreachable):
                await make(house)
        assert [one.name for one in people_of(tmp_path)] == NAMES[:2]
        house.clock.forward(30)  # the founders' codes are used up
        assert await make(house) == NAMES
        assert [one.name for one in people_of(tmp_path)] == NAMES


async def test_a_bank_with_people_of_its_own_gets_none(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        await house.found("chen", "administrator")
        assert await make(house) == []
        assert people_of(tmp_path) == ()


async def test_their_codes_are_shown(tmp_path: Path) -> None:
    runner = CliRunner(env={"TELEBANK_DATA": str(tmp_path)})
    nobody = runner.invoke(main, ["staff", "demo"])
    assert (nobody.exit_code, "telebank run" in nobody.output) == (1, True)
    (tmp_path / FILE).write_text("no JSON")
    assert runner.invoke(main, ["staff", "demo"]).exit_code == 1
    (tmp_path / FILE).unlink()
    async with open_house(tmp_path) as house:
        await make(house)
    told = json.loads(runner.invoke(main, ["staff", "demo", "--json"]).output)
    assert [one["name"] for one in told["people"]] == NAMES
    assert all(len(one["code"]) == 6 for one in told["people"])
    assert [one["seed"] for one in told["people"]] == [one.seed for one in people_of(tmp_path)]
    assert 0 < told["seconds_left"] <= 30
    shown = runner.invoke(main, ["staff", "demo"], env={"COLUMNS": "160"})
    assert all(one["password"] in shown.output for one in told["people"])


@pytest.mark.parametrize("name", TELLERS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_each_of_them_is_rung_for_callers_of_the_shipped_menus(name: str, language: str) -> None:
    centre = Centre(load_settings(Path("nowhere")).queues, lambda at: NOON + timedelta(seconds=at))
    centre.receive(SeatEntered(name, name, dict(TELLERS[name][1])), 0.0)
    centre.receive(SeatWanted(name, "ready"), 1.0)
    said = centre.receive(CallerCame(Caller("1", "general", language)), 2.0)
    assert [one.seat for one in said if isinstance(one, Ring)] == [name]
