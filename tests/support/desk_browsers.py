"""Headless Chromium at a real console: what somebody at a desk sees and presses.

browsers = Browsers(folder, base)
li = await browsers.open("li", token)      # a browser of her own, logged in, at /desk
await li.press(Keys.F8); await li.reads("#mine-word", "示闲")
"""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.common.exceptions import JavascriptException, WebDriverException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains

from telebank.console.login import COOKIE

WAIT_S = 60.0
POLL_S = 0.1
LAPTOP, TELEPHONE = (1366, 768), (390, 844)
_TEXT = """const found = document.querySelector(arguments[0]);
return found && found.checkVisibility() ? found.innerText : null"""

_FAINT = """
const part = value => {
  const c = value / 255;
  return c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4;
};
const light = ([r, g, b]) => .2126 * part(r) + .7152 * part(g) + .0722 * part(b);
const pad = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
function colour(text) {
  pad.clearRect(0, 0, 1, 1); pad.fillStyle = text; pad.fillRect(0, 0, 1, 1);
  const [r, g, b, a] = pad.getImageData(0, 0, 1, 1).data;
  return [r, g, b, a / 255];
}
const over = (top, under) => [0, 1, 2].map(n => top[n] * top[3] + under[n] * (1 - top[3]));
function ground(element) {
  const layers = [];
  for (let at = element; at; at = at.parentElement)
    layers.push(colour(getComputedStyle(at).backgroundColor));
  return layers.reverse().reduce((under, top) => over(top, under), [255, 255, 255]);
}
const found = new Set();
for (const element of document.querySelectorAll("body *")) {
  const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
  const box = element.getBoundingClientRect();
  const idle = element.closest("[aria-disabled=true], :disabled, option");
  if (!own || idle || !element.checkVisibility() || box.width < 2) continue;
  const style = getComputedStyle(element), size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
  const under = ground(element), ink = over(colour(style.color), under);
  const [low, high] = [light(ink), light(under)].sort((a, b) => a - b);
  const ratio = (high + .05) / (low + .05);
  if (ratio < (large ? 3 : 4.5)) found.add(`${element.innerText.slice(0, 30)} ${ratio.toFixed(2)}`);
}
return [...found];
"""
"""WCAG 2.2, 1.4.3: 4.5 to 1, 3 to 1 for large text; what cannot be pressed is left out."""


def programs() -> bool:
    """Whether there is a browser, and its driver."""
    return all(shutil.which(name) for name in ("chromium", "chromedriver"))


@dataclass
class Browser:
    """One person's, with one page. Nothing here blocks the loop."""

    driver: webdriver.Chrome
    base: str

    async def run(self, work: Callable[..., Any], *values: Any) -> Any:
        """Something of the driver's."""
        return await asyncio.to_thread(work, *values)

    async def go(self, path: str) -> None:
        """Open a page."""
        await self.run(self.driver.get, self.base + path)

    async def press(self, *keys: str) -> None:
        """Keys, wherever the focus is."""
        await self.run(ActionChains(self.driver).send_keys(*keys).perform)

    async def click(self, css: str) -> None:
        """What is there."""
        await self.sees(css)
        await self.run(lambda: self.driver.find_element("css selector", css).click())

    async def script(self, text: str, *values: object) -> Any:
        """What a script of the page returns."""
        return await self.run(self.driver.execute_script, text, *values)

    async def text(self, css: str) -> str | None:
        """What can be read there; None: nothing is shown."""
        found: str | None = await self.script(_TEXT, css)
        return found

    async def sees(self, css: str) -> str:
        """Wait until it is shown; what is there to read."""
        return await self.until(css, lambda text: text is not None)

    async def reads(self, css: str, words: str) -> str:
        """Wait until these words are there."""
        return await self.until(css, lambda text: text is not None and words in text)

    async def until(self, css: str, fine: Callable[[str | None], bool]) -> str:
        """Wait for what is read there."""
        end = time.monotonic() + WAIT_S
        while True:
            text = None
            with contextlib.suppress(JavascriptException):  # the page is loaded anew
                text = await self.text(css)
            if fine(text):
                return text or ""
            if time.monotonic() > end:
                page = await self.script("return document.body.innerText")
                raise AssertionError(f"{css} is {text!r} after {WAIT_S:g} s on this page:\n{page}")
            await asyncio.sleep(POLL_S)

    async def faint(self) -> list[str]:
        """Words that stand out too little from what is under them, and how much."""
        found: list[str] = await self.script(_FAINT)
        return found

    async def source(self) -> str:
        """The whole page as it is now, values of fields too."""
        return str(
            await self.script(
                "return document.documentElement.outerHTML +"
                " [...document.querySelectorAll('input,textarea')].map(e => e.value).join('|')"
            )
        )

    async def told(self) -> str:
        """All that came and went since this was asked before: addresses, what was posted, events of
        streams."""
        entries = await self.run(self.driver.get_log, "performance")
        return "\n".join(entry["message"] for entry in entries)

    async def size(self, width: int, height: int) -> None:
        """Of the page itself."""
        given = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self.run(self.driver.execute_cdp_cmd, "Emulation.setDeviceMetricsOverride", given)


class Cable:
    """What browsers reach the console through; while it is cut, nothing comes and nothing goes."""

    def __init__(self, target: str) -> None:
        host, _, port = target.removeprefix("http://").rpartition(":")
        self._target = host, int(port)
        self._whole = asyncio.Event()
        self._whole.set()
        self._server: asyncio.Server
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        """Where browsers go."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def close(self) -> None:
        """End what is left."""
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def cut(self) -> None:
        """Nobody is told: packets are lost."""
        self._whole.clear()

    def mend(self) -> None:
        """What waited comes."""
        self._whole.set()

    async def _serve(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, out = await asyncio.open_connection(*self._target)
        for source, sink in ((near, out), (far, back)):
            task = asyncio.create_task(self._copy(source, sink), name="cable")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await source.read(65_536):
                await self._whole.wait()
                sink.write(data)
                await sink.drain()
        sink.close()


class Browsers:
    """All that are open; `close` ends them."""

    def __init__(self, folder: Path, base: str) -> None:
        self._folder = folder
        self._base = base
        self._open: list[Browser] = []

    async def open(
        self, name: str, token: str = "", path: str = "/desk", lang: str = "zh"
    ) -> Browser:
        """A browser with a profile of its own, where this login is at work."""
        driver = await asyncio.to_thread(_start, self._folder / name, lang)
        browser = Browser(driver, self._base)
        self._open.append(browser)
        await browser.size(*LAPTOP)
        if token:
            await browser.go("/livez")
            cookie = {"name": COOKIE, "value": token, "httpOnly": True, "sameSite": "Strict"}
            await browser.run(driver.add_cookie, cookie)
        await browser.go(path)
        return browser

    async def close(self) -> None:
        """End them all."""
        for browser in self._open:
            try:
                await browser.run(browser.driver.quit)
            except WebDriverException:
                browser.driver.service.stop()


def _start(profile: Path, lang: str) -> webdriver.Chrome:
    options = Options()
    options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
    options.binary_location = shutil.which("chromium") or "chromium"
    for word in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        f"--user-data-dir={profile}",
        f"--accept-lang={lang}",
    ):
        options.add_argument(word)
    return webdriver.Chrome(options, Service(shutil.which("chromedriver")))
