"""A teller whose telephone is his browser: Chromium at the console of a running bank, and a caller
who asks for a person."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By

from support.bank_process import BankProcess, Voice
from support.console_process import console
from support.desk_chromium import another_tab, bleeps, chromium, heard, log_in, missing, until
from support.media_bridge import share, talk
from support.release_scene import Staff, query
from support.teller_scene import CallerAt, call_in

pytestmark = [
    pytest.mark.system,
    pytest.mark.timeout(400),
    pytest.mark.skipif(bool(missing()), reason=missing()),
]
CALLER, TELLER = 700.0, 1_000.0


class Page:
    """The desk in Chromium; each word waits for what it says."""

    def __init__(self, driver: Chrome, base: str) -> None:
        self.driver, self.base = driver, base

    async def does(self, work: Callable[[], Any]) -> Any:
        return await asyncio.to_thread(work)

    def text(self, name: str) -> str:
        return self.driver.find_element(By.ID, name).text

    async def shows(self, name: str, *words: str) -> None:
        """An element has one of these words."""

        def there() -> bool:
            return self.text(name) in words

        await self.does(lambda: until(self.driver, there, f"{name} is {words}"))

    async def hears(self, hertz: float) -> dict[str, Any]:
        """Its connection is up, and what it hears is mostly this."""
        last: dict[str, Any] = {}

        def there() -> bool:
            last.update(heard(self.driver))
            return last["state"] == "connected" and abs(last.get("hertz", 0) - hertz) < 30

        await self.does(lambda: until(self.driver, there, (hertz, last)))
        return last

    async def press(self, key: str) -> None:
        body = self.driver.find_element(By.TAG_NAME, "body")
        await self.does(lambda: body.send_keys(key))

    async def opens(self) -> None:
        await self.does(lambda: self.driver.get(f"{self.base}/desk?lang=en"))

    async def chooses_this_browser(self) -> None:
        def choose() -> None:
            until(
                self.driver,
                lambda: self.driver.find_element(By.ID, "kind-browser").is_displayed(),
                "the form",
            )
            self.driver.find_element(By.ID, "kind-browser").click()
            self.driver.find_element(By.CSS_SELECTOR, "#enter button").click()

        await self.does(choose)


@contextlib.asynccontextmanager
async def speaking(caller: CallerAt) -> AsyncIterator[None]:
    """He speaks and listens while the block runs."""
    task = asyncio.create_task(talk([caller.ear], 600.0))  # type: ignore[list-item]
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def hears(caller: CallerAt, hertz: float) -> None:
    """Wait until most of what the caller hears in two seconds is a sound."""
    async with asyncio.timeout(60):
        while True:
            caller.ear.forget()
            await asyncio.sleep(2.0)
            if share(caller.ear.peer.audio, hertz) > 0.3:
                return


async def test_a_browser_is_the_telephone_of_a_teller(tmp_path: Path, voice: Voice) -> None:
    microphone = bleeps(tmp_path / "microphone.wav", TELLER)
    with BankProcess.start(tmp_path / "bank", voice) as bank:
        staff = Staff.found(bank, tmp_path / "private")
        assert staff.desk.run(staff.wu, "staff", "skills", "wu", "general=5").code == 0
        token = staff.wu.session.read_text().strip()
        with console(bank.data) as base:
            with chromium(tmp_path / "deaf") as driver:
                await without_a_microphone(Page(driver, base), token)
            with chromium(tmp_path / "profile", microphone) as driver:
                page = Page(driver, base)
                await asyncio.to_thread(log_in, driver, base, token)
                await page.opens()
                await page.chooses_this_browser()
                await page.shows("line-word", "Audio is up")
                assert await page.does(lambda: page.text("extension")) == "", "there is none"
                await page.press(Keys.F8)
                await page.shows("mine-word", "Ready")
                await a_call(bank, page)
                await page.press(Keys.F9)
                await page.shows("mine-word", "Ready")
        kept = await asyncio.to_thread(query, bank, "select seat, how_ended from contact")
        assert [tuple(one) for one in kept] == [("wu", "caller")]


async def without_a_microphone(page: Page, token: str) -> None:
    """What is missing is said in words, and nobody sits there."""
    await asyncio.to_thread(log_in, page.driver, page.base, token)
    await page.opens()
    await page.chooses_this_browser()

    def refused() -> bool:
        return "microphone was not allowed" in page.text("enter-problem")

    await page.does(lambda: until(page.driver, refused, "the microphone is refused"))


async def a_call(bank: BankProcess, page: Page) -> None:
    """A caller is answered by a key; the page is loaded anew in the middle of the talk, and then
    another tab takes the desk."""
    host, _, port = bank.sip.rpartition(":")
    caller = await call_in((host, int(port)), "one", CALLER)
    async with speaking(caller):
        await caller.sip.press("10")
        await page.shows("call-state", "Ringing")
        await page.press(Keys.F2)
        await page.shows("call-state", "Talking")
        first = await page.hears(CALLER)
        assert first["codec"].lower() == "audio/pcmu", first
        await hears(caller, TELLER)
        await page.does(page.driver.refresh)
        await page.shows("call-state", "Talking")
        again = await page.hears(CALLER)
        assert again["packets"] < first["packets"] + 200, (first, again)
        await hears(caller, TELLER)
        await page.does(lambda: another_tab(page.driver))
        await page.opens()
        await page.shows("call-state", "Talking")
        await page.hears(CALLER)
        await hears(caller, TELLER)
        await page.press(Keys.ALT + "m")
        await page.does(lambda: until(page.driver, lambda: muted(page.driver), "mute"))
        caller.ear.forget()
        await asyncio.sleep(2.0)
        assert share(caller.ear.peer.audio[-8_000:], TELLER) < 0.05
        caller.hangs_up()
        await page.shows("mine-word", "Wrap-up")
    caller.sip.close()
    caller.ear.peer.close()
    async with asyncio.timeout(30):  # the line stays up between calls, and nothing else
        while (await asyncio.to_thread(bank.counts))["media_channels"] != 1:
            await asyncio.sleep(0.2)


def muted(driver: Chrome) -> bool:
    """The button says so."""
    return driver.find_element(By.ID, "mute").get_attribute("aria-pressed") == "true"
