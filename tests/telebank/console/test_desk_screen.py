"""What a desk says in a browser: names for people, figures that go on, why somebody sits there no
more, and what was written when the call was gone."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from support.desk_browsers import POLL_S, WAIT_S, Browser, Browsers, programs
from support.desk_pictures import served
from support.desk_place import DeskPlace, desk_place

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not programs(), reason="needs chromium (Debian)"),
]


@asynccontextmanager
async def sits(folder: Path, lang: str = "zh") -> AsyncIterator[tuple[DeskPlace, Browser]]:
    """li at her desk, ready."""
    async with desk_place(folder) as place:
        with served(place) as base:
            browsers = Browsers(folder / "browsers", base)
            try:
                place.part.seat("li", state="ready")
                page = await browsers.open("li", place.people["li"].token, "/desk", lang)
                await page.sees("#mine-word")
                yield place, page
            finally:
                await browsers.close()


def talks(place: DeskPlace, **more: Any) -> None:
    """She talks with a caller of a queue that is not hers, who was at a flow of the bank's own."""
    part = place.part
    part.caller("c1", business="transfers")
    part.ring("c1", "li")
    part.keeper.put(msgspec.structs.replace(part.call("c1"), queue="loss", **more))
    part.lifts("li")


@pytest.mark.parametrize(
    ("lang", "queue", "business"),
    [("zh", "挂失", "转账和存款"), ("en", "Card loss", "Transfers and deposits")],
)
async def test_codes_are_shown_by_their_names(
    tmp_path: Path, lang: str, queue: str, business: str
) -> None:
    async with sits(tmp_path, lang) as (place, page):
        talks(place)
        await page.reads("#f-queue", queue)
        await page.reads("#f-business", business)
        chosen = "return document.getElementById('about').selectedOptions[0].textContent"
        assert await page.script(chosen) == business, "it can be chosen for the note too"
        place.part.gone("li")
        await page.reads("#history", business)
        assert "transfers" not in await page.script("return document.body.innerText")


async def test_the_day_goes_on_while_she_talks(tmp_path: Path) -> None:
    async with sits(tmp_path) as (place, page):
        place.part.mood("li", "ready", calls_today=2, talk_today_s=119.5)
        await page.reads("#t-talk", "1:59")
        talks(place)
        await page.until("#t-talk", lambda text: text is not None and text.startswith("2:"))


async def test_a_node_that_was_started_again(tmp_path: Path) -> None:
    async with sits(tmp_path) as (place, page):
        talks(place)
        await page.click("#note")
        await page.press("要回电")
        place.part.restart()
        await page.reads("#enter-why", "节点重新启动过")
        assert await page.text("#desk") is None
        await page.reads("#told", "记录已补存")
        assert place.part.notes == [("c1", "li", "transfers", "要回电")]
        assert "未签入" in page.driver.title
        place.part.seat("li")
        await page.sees("#mine-word")
        assert await page.text("#enter-why") is None


async def test_a_login_that_went_with_the_node(tmp_path: Path) -> None:
    """Logins are the node's, and go with it: the words come after the next one."""
    async with sits(tmp_path) as (place, page):
        talks(place)
        await page.reads("#call-state", "通话中")
        await page.click("#note")
        await page.press("要回电")
        li, house = place.people["li"], place.desk.house
        house.desk.sessions.close_all("li")
        place.part.restart()
        await page.reads("#problem", "节点重新启动了")
        house.clock.forward(30)
        for field, text in (
            ("#name", li.name),
            ("#password", li.password),
            ("#code", li.code(house.clock.now)),
        ):
            await page.click(field)
            await page.press(text)
        await page.click(".fields button")
        await page.reads("#enter-why", "节点重新启动过")
        await page.reads("#told", "记录已补存")
        assert place.part.notes == [("c1", "li", "transfers", "要回电")]


async def test_who_signs_off_and_who_is_signed_off(tmp_path: Path) -> None:
    async with sits(tmp_path) as (place, page):
        await page.click("[data-act=leave]")
        await page.click("#sure-yes")
        await page.reads("#enter-why", "您已签出座席")
        place.part.seat("li")
        await page.sees("#mine-word")
        place.part.keeper.drop("SeatRow", "li")
        await page.reads("#enter-why", "主管签出了您")


async def test_a_note_that_its_wrap_up_did_not_wait_for_is_kept(tmp_path: Path) -> None:
    async with sits(tmp_path) as (place, page):
        talks(place)
        await page.click("#note")
        await page.press("问利率")
        place.part.gone("li")
        await page.reads("#mine-word", "话后处理")
        place.part.mood("li", "ready")
        await page.reads("#told", "记录已补存")
        assert place.part.notes == [("c1", "li", "transfers", "问利率")]


async def test_a_node_that_is_gone_while_the_browser_is_the_telephone(tmp_path: Path) -> None:
    async with sits(tmp_path) as (place, page):
        place.part.mood("li", "ready", phone=".browser")
        await page.sees("#line")
        await place.desk.server.close()
        banner = await page.reads("#banner", "节点自")
        assert "通话" not in banner, "she has none"
        await page.reads("#line-why", "没有连上银行")
        await page.reads("#line-word", "没有声音")
        await page.click("[data-act=busy]")
        await page.reads("#told", "节点没有应答")


@pytest.mark.parametrize(
    ("phone", "words"), [(".browser", "听不到客户时，通话就是断了"), ("8001", "您的通话在话机上")]
)
async def test_what_is_said_of_a_call_while_the_node_is_gone(
    tmp_path: Path, phone: str, words: str
) -> None:
    async with sits(tmp_path) as (place, page):
        talks(place)
        place.part.mood("li", "talking", phone=phone)
        await page.reads("#call-state", "通话中")
        await place.desk.server.close()
        await page.reads("#banner", words)


async def test_who_was_signed_off_by_a_node_that_went_away_is_told_no_guess(
    tmp_path: Path,
) -> None:
    async with sits(tmp_path) as (place, page):
        place.part.keeper.drop("SeatRow", "li")
        await page.reads("#enter-why", "主管签出了您")
        await place.desk.server.close()
        told = await page.reads("#enter-why", "现在连不上银行")
        assert "主管" not in told


async def test_other_pages_open_beside_hers_while_she_sits(tmp_path: Path) -> None:
    async with sits(tmp_path) as (place, page):
        way = ".pages a[href*=knowledge]"
        asked = f"const a = document.querySelector('{way}'); return [a.target, a.rel, a.title]"
        assert await page.script(asked) == ["_blank", "noopener", "在新页面打开"]
        place.part.keeper.drop("SeatRow", "li")
        await page.sees("#enter-why")
        assert await page.script(asked) == ["", "", ""]


async def test_a_page_that_was_away_too_long_says_so(tmp_path: Path) -> None:
    async with sits(tmp_path) as (place, page):
        remembered = "return sessionStorage.getItem('telebank.seen')"
        end = time.monotonic() + WAIT_S
        while await page.script(remembered) is None:
            assert time.monotonic() < end, "the page never told the node that it is there"
            await asyncio.sleep(POLL_S)
        await page.go("/livez")
        long_ago = "sessionStorage.setItem('telebank.seen', String(Date.now() - 16000))"
        await page.script(long_ago)
        place.part.keeper.drop("SeatRow", "li")
        await page.go("/desk")
        await page.reads("#enter-why", "本页面离开了 15 秒以上")


async def test_averages_are_of_talks_that_are_over(tmp_path: Path) -> None:
    async with sits(tmp_path) as (place, page):
        place.part.mood("li", "ready", calls_today=2, talk_today_s=120.0)
        await page.reads("#t-average", "1:00")
        talks(place)
        await page.reads("#call-state", "通话中")
        place.part.mood("li", "talking", calls_today=3, talk_today_s=120.0)
        await page.reads("#t-calls", "3")
        assert await page.text("#t-average") == "1:00"


async def test_who_serves_no_queue_reads_why(tmp_path: Path) -> None:
    async with sits(tmp_path) as (place, page):
        place.part.seat("li", state="ready", queues=())
        await page.reads("#no-queues", "还没有为您登记相应的技能")
        assert await page.text("#queues") is None


async def test_queues_that_overflow_to_her_are_shown_as_such(tmp_path: Path) -> None:
    async with sits(tmp_path) as (place, page):
        place.part.seat("li", state="ready", queues=("general",), helps=("english",))
        place.part.caller("c9", "english")
        read = await page.reads("#queues", "英语坐席（支援）")
        assert "综合业务" in read
        assert "综合业务（支援）" not in read
        assert "贷款咨询" not in read


async def test_times_are_the_banks_wherever_the_browser_is(tmp_path: Path) -> None:
    async with sits(tmp_path) as (place, page):
        abroad = {"timezoneId": "America/New_York"}
        await page.run(page.driver.execute_cdp_cmd, "Emulation.setTimezoneOverride", abroad)
        talks(place, began="2026-11-23T00:30:05.000Z")
        await page.reads("#f-began", "08:30:05")
        await page.reads(".history", "时间为银行时间（UTC+08:00）")


async def test_the_articles_leave_mute_free(tmp_path: Path) -> None:
    async with sits(tmp_path) as (place, page):
        place.part.mood("li", "ready", phone=".browser")
        await page.sees("#mute")
        await page.click("[data-act=knowledge]")
        await page.sees("#knowledge")
        over = """const box = document.getElementById("mute").getBoundingClientRect();
        const found = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        return found.closest("#mute") !== null"""
        assert await page.script(over)
