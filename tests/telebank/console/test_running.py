"""The page of a day's run: its figures, its picture, its table, and days that are none."""

from datetime import timedelta
from pathlib import Path
from xml.etree import ElementTree

from click.testing import CliRunner

from support.console_desk import BEIJING
from support.desk_day import Fact, write_day
from support.desk_place import DeskPlace, desk_place
from support.staff_house import START
from telebank.console.running.days import RunningDays
from telebank.main import main
from telebank.store.engine import open_read_only

MIDNIGHT = START.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
TODAY, YESTERDAY = MIDNIGHT.date(), MIDNIGHT.date() - timedelta(days=1)
NINE = 9 * 3_600.0
SVG = "{http://www.w3.org/2000/svg}"


def facts(call: str) -> list[Fact]:
    """A call that asks a balance and is cut off by a fault."""
    asked = {"service": "card.balance", "exit": "ok", "ms": 30}
    return [
        ("call.started", NINE, call, "caller", {}),
        ("service.answered", NINE + 5, call, "caller", asked),
        ("alarm", NINE + 9, call, "caller", {"what": "call failed", "error": "KeyError"}),
        ("call.ended", NINE + 10, call, "caller", {"by": "timeout", "seconds": 10.0}),
    ]


async def login(place: DeskPlace, name: str = "sun") -> None:
    await place.desk.login(place.people[name])


async def test_a_day_on_one_page_in_both_languages(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        write_day(place.parts.store_url, MIDNIGHT, facts("77-1-1"))
        await login(place)
        english = (await place.desk.get("/running?lang=en")).text
        for words in ("The day&#39;s run", "Balance", "done 1", "call failed KeyError", "77-1-1"):
            assert words in english
        assert "出错分析" in (await place.desk.get("/running?lang=zh")).text
        drawn = await place.desk.get(f"/running/calls.svg?day={TODAY}")
        assert drawn.mimetype == "image/svg+xml"
        marks = [one.text for one in ElementTree.fromstring(drawn.text).iter(f"{SVG}text")]
        assert "⚠1" in marks
        table = await place.desk.get("/running/table.csv")
        assert f"telebank-{TODAY}.csv" in table.headers["Content-Disposition"]
        assert "hour,09:00,,1,1,1,10,1" in table.text


async def test_days_before_are_read_by_themselves(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        write_day(place.parts.store_url, MIDNIGHT - timedelta(days=1), facts("y1") + facts("y2"))
        write_day(place.parts.store_url, MIDNIGHT, facts("t1"))
        days = RunningDays(open_read_only(place.parts.store_url), BEIJING, lambda: START)
        assert days.day(YESTERDAY).total().calls == 2
        assert days.day(TODAY).total().calls == 1
        assert days.day(YESTERDAY - timedelta(days=1)).total().calls == 0


async def test_what_is_no_day_is_said(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        await login(place)
        for text in ("yesterday", "2026-02-30", "9999-12-31", "-1"):
            answer = await place.desk.get(f"/running?lang=en&day={text}")
            assert answer.status_code == 400
            assert "is not after today" in answer.text
            assert (await place.desk.get(f"/running/table.csv?day={text}")).status_code == 400
        assert (await place.desk.get("/running?day=0001-01-01")).status_code == 200


async def test_it_is_for_who_runs_the_bank(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        assert (await place.desk.get("/running")).status_code == 303
        await login(place, "li")
        assert (await place.desk.get("/running")).status_code == 403
        assert "/running" not in (await place.desk.get("/")).text


async def test_the_command_says_the_same(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        write_day(place.parts.store_url, MIDNIGHT, facts("77-1-1"))
        asked = ["running", "--data", str(tmp_path), "--day", str(TODAY)]
        shown = CliRunner().invoke(main, asked)
        assert shown.exit_code == 0, shown.output
        assert "call failed KeyError" in shown.output
        assert "09:00" in shown.output
        table = CliRunner().invoke(main, [*asked, "--csv"])
        assert "hour,09:00,,1,1,1,10,1" in table.output
        ahead = CliRunner().invoke(main, [*asked[:-1], "9999-01-01"])
        assert ahead.exit_code == 2
        assert "has not come yet" in ahead.output
