"""Tellers and a supervisor at real screens: headless Chromium at a real console and node, desk
phones that are lifted by hand, callers on the line. One bank for all."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from selenium.webdriver.common.keys import Keys

from support.bank_process import Voice
from support.desk_bank import DeskBank, open_desk_bank, until
from support.desk_browsers import programs
from support.money_secrets import found_in

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        not programs(), reason="no browser: apt-get install chromium chromium-driver"
    ),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(tmp_path_factory: pytest.TempPathFactory, voice: Voice) -> AsyncIterator[DeskBank]:
    async with open_desk_bank(tmp_path_factory.mktemp("desks"), voice) as bank:
        yield bank


@pytest_asyncio.fixture(loop_scope="module")
async def bank(opened: DeskBank) -> AsyncIterator[DeskBank]:
    """With nobody on the line, before and after."""
    yield opened
    await opened.rest()


async def test_a_call_is_taken_written_up_and_closed_by_keys(bank: DeskBank) -> None:
    li = await bank.sits("li")
    caller = await bank.calls("10")
    await li.reads("#call-state", "振铃")
    assert bank.phones["li"].rings, "the card is there when the phone rings, not when it is lifted"
    assert await li.text("#f-caller") == "138******34"
    assert "来电" in li.driver.title
    assert "F2" in await li.script("return document.getElementById('said').textContent")
    bank.phones["li"].lift()
    await li.reads("#call-state", "通话中")
    await li.press(Keys.F4)
    await li.reads("#call-state", "保持")
    await li.press(Keys.F4)
    await li.reads("#call-state", "通话中")
    await li.click("#note")
    await li.press("问汇率")
    caller.hang_up()
    await li.reads("#mine-word", "话后处理")
    await li.press(Keys.F9)
    await li.reads("#mine-word", "空闲")
    await li.reads("#history", "客户挂机")
    kept = await bank.staff.get("/v1/desk/history", bank.people["li"])
    assert kept["contacts"][0]["note"] == "问汇率"


async def test_a_pin_is_dots_and_nowhere_else(bank: DeskBank) -> None:
    li, card = await bank.sits("li"), bank.bank.cards[7]
    wu = await bank.browsers.open("wu-pin", bank.people["wu"].token, "/floor")
    caller = await bank.talks("li", f"11{card.card}#{card.pin}#0")
    await li.reads("#f-level", "密码已验证")
    seen = [await li.source()]
    await li.click("[data-act=pin]")
    await li.reads("#pin-words", "已输入 0 位，共 6 位")
    assert await li.text("#recording") == "录音已暂停"
    for keys, words in ((card.pin[:3], "已输入 3 位"), (card.pin[3:5], "已输入 5 位")):
        caller.press(keys)
        await li.reads("#pin-words", words)
        assert (await li.text("#pin-dots") or "").count("●") == int(words[4])
        seen += [await li.source(), await wu.source()]
    caller.press(card.pin[5:] + "#")
    await li.reads("#pin-words", "密码正确")
    await li.reads("#recording", "录音中")
    seen += [await li.source(), await li.told(), await wu.source(), await wu.told()]
    assert any("5 of 6" in one for one in seen), "the stream is among what was searched"
    for one in seen:
        assert card.pin not in one
        assert found_in(one.encode()) == []


async def test_two_tellers_and_a_supervisor(bank: DeskBank) -> None:
    li, wu = (
        await bank.sits("li"),
        await bank.browsers.open("wu", bank.people["wu"].token, "/floor"),
    )
    await bank.talks("li")
    zhao = await bank.sits("zhao")
    await wu.sees("[data-row=li] .tile")
    await li.press(Keys.F7)
    await li.sees("#picker")
    await li.press("zhao")
    await li.reads("#pick-list", "空闲")
    await li.press(Keys.ENTER)
    await zhao.reads("#call-state", "振铃")
    await li.reads("#mine-word", "话后处理")
    bank.phones["zhao"].lift()
    await zhao.reads("#call-state", "通话中")
    assert await zhao.text("#f-caller") == "138******34"
    before = await zhao.source()
    await wu.click("[data-row=zhao] .tile")
    await wu.click("#phone")
    await wu.press(bank.people["wu"].phone)
    await wu.click("button[data-act=monitor]")
    await until(lambda: _true(bank.phones["wu"].rings), "the supervisor's phone does not ring")
    bank.phones["wu"].lift()
    await wu.reads("#one-watched", "wu")
    await asyncio.sleep(2)  # his own board has had time to say so
    rows = await bank.board("zhao", "SeatRow")
    assert [row["watched_by"] for row in rows] == [""] * len(rows)
    told = await zhao.told()
    assert '"watched_by":"wu"' not in told.replace("\\", "")
    assert "wu" not in _words(await zhao.source()) - _words(before)
    await wu.click("button[data-act=stop]")
    await until(lambda: _true(not bank.phones["wu"].talks), "the supervisor is still on the line")
    assert await zhao.text("#call-state") == "通话中"
    await wu.reads("#answers", "li")
    await wu.sees("#arrivals[src]")


async def test_a_teller_plays_his_own_recording(bank: DeskBank) -> None:
    li = await bank.sits("li")
    caller = await bank.talks("li")
    await li.sees("#recording[data-on=true]")
    await asyncio.sleep(2)  # of sound
    caller.hang_up()
    await li.reads("#mine-word", "话后处理")
    await li.press(Keys.F9)
    await li.sees("#history .tapes a")
    place = await li.script("return document.querySelector('#history .tapes a').href")
    button = "#recordings [aria-current=true] .play"

    async def kept() -> bool:  # its file is read back first
        await li.go(place.removeprefix(li.base))
        return bool(await li.script(f"return document.querySelector('{button}')"))

    await until(kept, "the recording is not kept")
    await li.click(button)
    await li.reads("#now", "正在播放")
    sound = "const sound = document.getElementById('sound'); return sound.duration > 1"
    await until(lambda: li.script(sound), "there is no sound in it")
    assert await li.text("#problem") is None
    await li.go("/desk")
    await li.reads("#mine-word", "空闲")


async def test_a_page_loaded_anew_has_the_same_call(bank: DeskBank) -> None:
    li = await bank.sits("li")
    await bank.talks("li")
    await li.click("#note")
    await li.press("还没写完")
    call = (await bank.board("li", "CallRow"))[0]["key"]
    await li.run(li.driver.refresh)
    await li.reads("#call-state", "通话中")
    assert await li.script("return document.getElementById('wrap').dataset.call") == call
    assert await li.script("return document.getElementById('note').value") == "还没写完"
    assert bank.phones["li"].talks


async def test_the_network_goes_and_comes_back(bank: DeskBank) -> None:
    li = await bank.sits("li")
    caller = await bank.talks("li")
    bank.cable.cut()
    await li.reads("#banner", "中断")
    assert bank.phones["li"].talks
    caller.hang_up()  # while nobody sees it
    await until(lambda: _true(not bank.phones["li"].talks), "the talk goes on")
    bank.cable.mend()
    for name, page in bank.seats.items():  # away for more than fifteen seconds: out of their seats
        await page.sees("#enter")
        assert await page.text("#banner") is None
        assert await page.text("#state") == "实时"
        await bank.sits(name)


async def test_keys_are_chosen_and_kept(bank: DeskBank) -> None:
    li = await bank.sits("li")
    await li.click("#keys-open")
    await li.click("[data-row=hold] button")
    await li.press("h")  # writes text: no key of an act
    await li.reads("[data-row=hold]", "请按键")
    await li.press(Keys.F3)
    await li.reads("[data-row=hold]", "F3")
    await li.click("#keys button[value=no]")
    await li.run(li.driver.refresh)
    await li.sees("#desk")
    await bank.talks("li")
    await li.press(Keys.F4)  # not any more
    await li.press(Keys.F3)
    await li.reads("#call-state", "保持")
    await li.press(Keys.F3)
    await li.reads("#call-state", "通话中")
    await li.click("#keys-open")
    await li.click("#keys-reset")
    await li.reads("[data-row=hold]", "F4")
    await li.click("#keys button[value=no]")


async def test_an_open_page_keeps_its_desk_behind_another_tab_too(bank: DeskBank) -> None:
    li = await bank.sits("li")
    await li.run(li.driver.switch_to.new_window, "tab")
    await asyncio.sleep(40)  # a page that says nothing is given fifteen seconds
    (row,) = [row for row in await bank.board("li", "SeatRow") if row["key"] == "li"]
    assert (row["state"], row["present"]) == ("ready", True)
    await li.run(li.driver.close)
    await li.run(li.driver.switch_to.window, li.driver.window_handles[0])
    await li.script("window.fetch = () => Promise.reject()")
    await li.sees("#enter")  # its stream is open, and nobody answers
    await li.run(li.driver.refresh)
    await bank.sits("li")


async def _true(value: bool) -> bool:
    return value


def _words(page: str) -> set[str]:
    return set(page.replace("<", " ").replace(">", " ").split())
