"""The floor with many seats, on a telephone, and after the node was started again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from support.console_desk import BEIJING
from support.desk_browsers import TELEPHONE, Browser, Browsers, programs
from support.desk_day import Fact, write_day
from support.desk_pictures import served
from support.desk_place import DeskPlace, desk_place
from support.staff_house import START

MIDNIGHT = START.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
STATES = ("ready", "talking", "wrap_up", "break")
QUEUES = ("general", "loans", "english")
SHOWN = "return [...document.querySelectorAll('#seats .name')].map(one => one.textContent)"
HEADS = "return [...document.querySelectorAll('#seats h3')].map(one => one.textContent)"
pytestmark = pytest.mark.skipif(
    not programs(), reason="no browser: apt-get install chromium chromium-driver"
)


def facts() -> list[Fact]:
    """Three were answered, two of them in time; one gave up, and one was turned away."""
    found: list[Fact] = [("queue.refused", 60.0, "c9", "system", {"queue": "loans", "why": "full"})]
    for nth, (how, more) in enumerate(
        (
            ("answered", {"in_time": True}),
            ("answered", {"in_time": True}),
            ("answered", {"in_time": False}),
            ("abandoned", {}),
        )
    ):
        detail = {"queue": "loans", "how": how, "waited_s": 30.0, **more}
        found.append(("queue.entered", 100.0, f"c{nth}", "system", {"queue": "loans"}))
        found.append(("queue.left", 130.0, f"c{nth}", "system", detail))
    return found


@asynccontextmanager
async def floor(folder: Path, lang: str = "en") -> AsyncIterator[tuple[DeskPlace, Browser]]:
    """Forty seats, s00 to s39, before the eyes of a supervisor."""
    async with desk_place(folder) as place:
        write_day(place.parts.store_url, MIDNIGHT, facts())
        for nth in range(40):
            name, queue = f"s{nth:02}", QUEUES[nth % 3]
            place.part.seat(name, f"81{nth:02}", STATES[nth % 4], queues=(queue,))
        place.part.caller("c1", "english", caller="139****0033", state="talking", seat="s00")
        place.part.mood("s00", "talking", call="c1")
        with served(place) as base:
            browsers = Browsers(folder / "browsers", base)
            try:
                token = place.people["wu"].token
                yield place, await browsers.open("wu", token, "/floor", lang)
            finally:
                await browsers.close()


async def test_forty_seats_are_ordered_and_found_by_keys(tmp_path: Path) -> None:
    async with floor(tmp_path) as (_, page):
        await page.reads("#seats", "s39")
        heads = ["Ready: 9", "Talking: 11", "Wrap-up: 10", "Break: 10"]
        assert await page.script(HEADS) == heads
        shown = await page.script(SHOWN)
        assert shown[:2] == ["s04 · 8104", "s08 · 8108"]
        assert len(shown) == 40
        await page.script("document.body.focus()")
        await page.press("/", "loans wrap")
        await page.reads("#found", "3 of 40 seats")
        shown = await page.script(SHOWN)
        assert shown == ["s10 · 8110", "s22 · 8122", "s34 · 8134"], "both words, in any order"
        await page.press(Keys.ENTER, Keys.ENTER)
        await page.reads("#one-name", "s10")
        await page.press("/", "139****0033")
        await page.reads("#found", "1 of 40 seats")
        assert await page.script(SHOWN) == ["s00 · 8100"], "by whom he talks with"
        await page.press(Keys.ESCAPE)
        await page.reads("#seats", "s39")
        order = "const o = document.getElementById('order'); o.value = arguments[0];"
        await page.script(order + "o.dispatchEvent(new Event('change'))", "queue")
        assert [one.split(":")[0] for one in await page.script(HEADS)] == [
            "English line",
            "General",
            "Loans",
        ]
        await page.go("/floor")
        await page.reads("#seats", "s39")
        assert await page.script(HEADS + ".length") == 3, "the order is kept"


@pytest.mark.parametrize("lang", ["zh", "en"])
async def test_nothing_is_beside_the_screen_of_a_telephone(tmp_path: Path, lang: str) -> None:
    async with floor(tmp_path, lang) as (_, page):
        await page.size(*TELEPHONE)
        for path in ("/floor", "/wall"):
            await page.go(f"{path}?lang={lang}")
            await page.reads("#queues", "50 %")
            wide = await page.script("return document.documentElement.scrollWidth")
            assert wide <= TELEPHONE[0], path
            assert await page.sees(".swipe"), "a picture that is wider says so"
            word = "getComputedStyle(arguments[0] , '::before').content"
            cell = f"const c = document.querySelector('#queues td'); return {word}"
            said = await page.script(cell.replace("arguments[0]", "c"))
            assert {"zh": "等候", "en": "Waiting"}[lang] in said, "each figure has its word"
            assert await page.faint() == []


async def test_figures_of_the_day_outlive_the_node(tmp_path: Path) -> None:
    async with floor(tmp_path) as (place, page):
        row = "#queues [data-row=loans]"
        cells = f"return [...document.querySelectorAll('{row} .of-day, {row} .of-day ~ td')]"
        cells += ".map(one => one.textContent)"
        for path in ("/wall", "/floor"):
            await page.go(path)
            await page.reads(f"{row} .of-day", "5")
            assert await page.script(cells) == ["5", "3", "1", "1", "50 %"]
            assert await page.text("#g-today") == "50 %"
            assert await page.text("#g-abandoned") == "1"
            assert await page.text("#g-today-of") == "today since 00:00"
            assert await page.text("#g-half") == "–", "nobody came in that half hour"
            assert await page.text("#g-half-of") == "last 30 minutes"
        place.part.restart()
        await page.sees("#no-seats")
        assert await page.script(cells) == ["5", "3", "1", "1", "50 %"], "not the node's counters"
