"""Pictures of the knowledge page and of its panel at the desk, in both languages and sizes.

.venv/bin/python tests/support/knowledge_pictures.py docs/images      # a minute; look at each

As `desk_pictures.py` makes the others, whose scenes and checks these are.
"""

import asyncio
import io
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.desk_browsers import LAPTOP, Browser, Browsers
from support.desk_pictures import COLOURS, SIZES, call, calling, empty, ringing, served
from support.desk_place import DeskPlace, desk_place
from telebank.commands.wiring.knowledge import source_of
from telebank.console.app import create_app
from telebank.settings import load_settings

WORDS = {"zh": "验证码", "en": "second factor"}


async def page(_place: DeskPlace, browser: Browser, lang: str) -> None:
    """Words typed, the first article open."""
    await browser.go("/knowledge")
    await browser.sees("#k-q")
    await browser.press(WORDS[lang])
    await browser.sees(".k-rows mark")
    await browser.click(".k-rows a")
    await browser.sees(".k-article h2")


async def panel(place: DeskPlace, browser: Browser, _lang: str) -> None:
    """In a call about a transfer."""
    await browser.go("/desk")
    for scene in (empty, calling, ringing, call):
        await scene(place, browser)
    await browser.click("[data-act=knowledge]")
    await browser.sees("#knowledge .k-rows a")
    await browser.click("#knowledge [data-article=transfer-limits]")
    await browser.sees("#knowledge .k-article h2")


async def take(browser: Browser, out: Path, name: str) -> None:
    """Both sizes; what is wrong with them is said."""
    for suffix, (width, height) in SIZES.items():
        await browser.size(width, height)
        await asyncio.sleep(0.4)
        wide = await browser.script("return document.documentElement.scrollWidth")
        if wide > width:
            print(f"{name}{suffix}: {wide} pixels wide")
        for words in await browser.faint():
            print(f"{name}{suffix}: faint: {words}")
        png = await browser.run(browser.driver.get_screenshot_as_png)
        image = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS)
        image.save(out / f"{name}{suffix}.png", optimize=True)
    await browser.size(*LAPTOP)


async def main(out: Path) -> None:
    """All of them."""
    for lang in WORDS:
        with tempfile.TemporaryDirectory() as folder:
            async with desk_place(Path(folder)) as place:
                articles = source_of(place.parts.data, load_settings(place.parts.data))
                parts = replace(place.parts, knowledge=articles)
                place.desk.client = create_app(parts).test_client()
                with served(place) as base:
                    browsers = Browsers(Path(folder) / "browsers", base)
                    try:
                        token = place.people["li"].token
                        browser = await browsers.open("li", token, "/livez", lang)
                        for name, scene in {"knowledge": page, "desk-knowledge": panel}.items():
                            await scene(place, browser, lang)
                            await take(browser, out, f"{name}-{lang}")
                    finally:
                        await browsers.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
