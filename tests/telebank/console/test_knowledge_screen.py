"""Articles in a browser: beside a call by keys alone, and on the page of their own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from support.desk_browsers import Browser, Browsers, programs
from support.desk_pictures import call, empty, ringing, served
from support.desk_place import DeskPlace, desk_place
from telebank.commands.wiring.knowledge import source_of
from telebank.console.app import create_app
from telebank.settings import load_settings

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not programs(), reason="needs chromium (Debian)"),
]
FOCUS = "return document.activeElement.id"


@asynccontextmanager
async def reads(folder: Path, path: str) -> AsyncIterator[tuple[DeskPlace, Browser]]:
    """li, at a console that has the shipped articles."""
    async with desk_place(folder) as place:
        articles = source_of(place.parts.data, load_settings(place.parts.data))
        place.desk.client = create_app(replace(place.parts, knowledge=articles)).test_client()
        with served(place) as base:
            browsers = Browsers(folder / "browsers", base)
            try:
                yield place, await browsers.open("li", place.people["li"].token, path)
            finally:
                await browsers.close()


async def alt_k(page: Browser) -> None:
    chain = ActionChains(page.driver).key_down(Keys.ALT).send_keys("k").key_up(Keys.ALT)
    await page.run(chain.perform)


async def test_a_teller_looks_things_up_by_keys_and_stays_in_the_call(tmp_path: Path) -> None:
    async with reads(tmp_path, "/desk") as (place, page):
        for scene in (empty, ringing, call):
            await scene(place, page)
        await page.sees("#services")
        await alt_k(page)
        await page.reads("#knowledge .k-said-n", "转账和收款人")
        assert await page.script(FOCUS) == "k-q"
        await page.press("挂失")
        await page.reads("#knowledge .k-rows mark", "挂失")
        await page.press(Keys.ARROW_DOWN, Keys.ENTER)
        await page.reads("#knowledge .k-article h2", "银行卡挂失")
        await page.click("#knowledge .k-forms button")
        assert await page.script("return document.getElementById('s-service').value") == (
            "card.report_loss"
        )
        await page.reads("#call-state", "通话中")
        await alt_k(page)
        assert await page.script(FOCUS) == "k-q"
        await page.press(Keys.F4)
        await page.reads("#call-state", "保持")
        await page.press(Keys.ESCAPE)
        await page.until("#knowledge", lambda text: text is None)


async def test_the_page_goes_by_keys_and_sends_no_numbers(tmp_path: Path) -> None:
    async with reads(tmp_path, "/knowledge") as (_, page):
        await page.sees(".k-keys")  # its script runs
        await page.script("document.activeElement.blur()")
        await page.press("/")
        assert await page.script(FOCUS) == "k-q"
        await page.told()
        await page.press("6225880123456789")
        await page.reads(".k-said-n", "看起来是一个号码")
        assert "6225880123456789" not in await page.told()
        await page.script("document.getElementById('k-q').value = ''")
        await page.press("PIN locked", Keys.ENTER)
        await page.reads(".k-article h2", "电话银行密码锁定")
        assert "article=pin-locked" in await page.script("return location.search")
        await page.sees(".k-print")
