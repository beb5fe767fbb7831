"""Today on the floor and on the wall: arrivals, answers of seats, calls to look at."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from support.console_desk import BEIJING
from support.desk_browsers import Browsers, programs
from support.desk_day import Fact, busy_day, write_day
from support.desk_pictures import served
from support.desk_place import desk_place
from support.desk_stand_in import contact
from support.staff_house import START
from telebank.agents.today import Slot
from telebank.console.floor.picture import DARK, LIGHT, picture
from telebank.console.floor.texts import FLOOR_WORDS
from telebank.console.floor.today import Days
from telebank.store.engine import open_read_only

SVG = "{http://www.w3.org/2000/svg}"
MIDNIGHT = START.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
NINE = 9 * 3_600.0


def facts() -> list[Fact]:
    """One is turned away, one gives up, one talks and is transferred twice."""
    loans: dict[str, Any] = {"queue": "loans"}
    return [
        ("queue.refused", NINE, "c0", "system", loans | {"why": "closed"}),
        ("queue.entered", NINE + 10, "c1", "system", loans),
        ("queue.left", NINE + 110, "c1", "system", loans | {"how": "abandoned", "waited_s": 100.0}),
        ("queue.entered", NINE + 900, "c2", "system", loans),
        ("queue.left", NINE + 910, "c2", "system", loans | {"how": "answered", "waited_s": 10.0}),
        ("contact.begun", NINE + 910, "c2", "li", {"seat": "li"}),
        ("contact.transferred", NINE + 920, "c2", "li", {"to": "zhao"}),
        ("contact.transferred", NINE + 930, "c2", "li", {"to": "zhao"}),
        (
            *("contact.ended", NINE + 940, "c2", "li"),
            {"seat": "li", "seconds": 30.0, "how": "transfer"},
        ),
    ]


async def test_a_day_is_read_once_and_then_on(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        url, clock = place.parts.store_url, place.desk.house.clock
        days = Days(open_read_only(url), BEIJING, lambda: clock.now, fresh_s=0.0)
        yesterday = [(kind, at_s, f"y{call}", *more) for kind, at_s, call, *more in facts()]
        write_day(url, MIDNIGHT - timedelta(days=1), yesterday)
        assert days.shown()["queues"][""]["total"]["came"] == 0
        write_day(url, MIDNIGHT, facts())
        found = days.shown()
        total = {"came": 3, "answered": 1, "in_time": 1, "abandoned": 1}
        total |= {"soon": 0, "away": 1, "kept": 0}
        assert found["queues"][""]["total"] == found["queues"]["loans"]["total"] == total
        assert found["queues"]["loans"]["away"] == {"closed": 1}
        quarters = found["queues"]["loans"]["quarters"]
        assert [(one["from"], one["came"]) for one in quarters] == [(540, 2), (555, 1)]
        assert found["seats"] == [
            {"seat": "li", "answered": 1, "missed": 0, "mean_talk_s": 30.0, "mean_wrap_s": None}
        ]
        names = ("reason", "at", "call", "seat")
        told = [tuple(one[name] for name in names) for one in found["concerns"]]
        assert told == [("transfers", "09:15", "c2", "li"), ("long_wait", "09:01", "c1", "")]
        assert days.shown() == found, "nothing is counted twice"
        assert Days(open_read_only(url), BEIJING, lambda: clock.now).shown() == found
        clock.forward(86_400)
        assert days.shown()["queues"][""]["total"]["came"] == 0


async def test_it_is_for_who_may_watch(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        write_day(place.parts.store_url, MIDNIGHT, facts())
        assert (await place.desk.get("/floor/today")).status_code == 401
        await place.desk.login(place.people["sun"])
        told = (await place.desk.get("/floor/today")).json
        assert told is not None
        assert told["queues"][""]["total"]["came"] == 3


async def test_a_teller_sees_nothing_of_it(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        await place.desk.login(place.people["li"])
        for path in ("/floor/today", "/floor/arrivals.svg"):
            assert (await place.desk.get(path)).status_code == 403


async def test_the_picture_is_drawn_in_both_languages(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        write_day(place.parts.store_url, MIDNIGHT, facts())
        await place.desk.login(place.people["wu"])
        for language in ("zh", "en"):
            drawn = await place.desk.get(f"/floor/arrivals.svg?lang={language}&queue=loans")
            assert drawn.mimetype == "image/svg+xml"
            tree = ElementTree.fromstring(drawn.text)
            assert tree.findtext(f"{SVG}title") == FLOOR_WORDS[language]["arrivals"]


@pytest.mark.parametrize("look", [LIGHT, DARK])
@pytest.mark.parametrize("now", [0, 40, 95])
def test_bars_are_as_high_as_their_counts(look: Any, now: int) -> None:
    slots = [Slot() for _ in range(96)]
    slots[40] = Slot(came=10, answered=6, abandoned=2, away=1, kept=1)
    tree = ElementTree.fromstring(picture(slots, now, FLOOR_WORDS["zh"], look))
    bars = [one for one in tree.iter(f"{SVG}rect") if float(one.get("y", 0)) > 30]
    high = [float(one.get("height", 0)) for one in bars]
    assert [round(each / high[-1], 1) for each in high] == [6, 2, 1, 1]
    assert "↺1" in [one.text for one in tree.iter(f"{SVG}text")]


@pytest.mark.skipif(not programs(), reason="no browser: apt-get install chromium chromium-driver")
async def test_screens_show_the_day(tmp_path: Path) -> None:
    async with desk_place(tmp_path) as place:
        write_day(place.parts.store_url, MIDNIGHT, [*facts(), *busy_day(46)])
        place.part.seat("li", ".browser", "ready")
        call = place.part.caller("c2")
        place.part.contacts["li"] = [contact(call, "li", "transfer")]
        with served(place) as base:
            browsers = Browsers(tmp_path / "browsers", base)
            try:
                page = await browsers.open("wu", place.people["wu"].token, "/floor", "en")
                await page.reads("#concerns", "transferred 2 times")
                await page.reads("#seats", "browser")
                await page.reads("#arrivals-told", "turned away")
                await page.reads("#answers", "li")
                drawn = "return document.getElementById('arrivals').naturalWidth > 0 ? 'drawn' : ''"
                while await page.script(drawn) != "drawn":
                    await asyncio.sleep(0.1)
                press = "[...document.querySelectorAll('#concerns button')]"
                await page.script(f"{press}.find(one => one.textContent === 'c2').click()")
                await page.reads("#day [aria-current=true]", "transferred")
                await page.go("/wall?lang=zh")
                await page.sees("#arrivals[alt*=未受理]")
            finally:
                await browsers.close()
