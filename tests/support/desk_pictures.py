"""Pictures of every screen of the desks, in both languages, on a laptop and on a telephone.

.venv/bin/python tests/support/desk_pictures.py docs/images      # two minutes; look at each

The screens are the console's own in Chromium; what they show is said by the stand-in of a node, so
that it is the same each time but for the clock. Words that stand out too little are named, and so
is a page that is wider than its screen.
"""

import asyncio
import io
import sys
import tempfile
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from PIL import Image
from werkzeug.serving import make_server

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.calls_house import shipped
from support.console_desk import BEIJING
from support.desk_browsers import LAPTOP, TELEPHONE, Browser, Browsers
from support.desk_day import busy_day, write_day
from support.desk_place import DeskPlace, desk_place
from support.desk_stand_in import contact
from telebank.calls.forms.making import by_business, forms_of

OF_NOW = 49
"""Quarters of the day that the stand-in's clock has behind it."""
COLOURS = 96
"""Of a picture: enough for letters' edges, a quarter of the octets."""
SIZES = {"": LAPTOP, "-phone": TELEPHONE}
_TO_ONE = "if (innerWidth < 1120) document.getElementById('one').scrollIntoView()"
_TO_TODAY = "document.getElementById('arrivals-h').scrollIntoView()"
Scene = Callable[[DeskPlace, Browser], Awaitable[None]]


async def enter(_place: DeskPlace, page: Browser) -> None:
    await page.sees("#enter")


async def empty(place: DeskPlace, page: Browser) -> None:
    place.part.seat("li", state="ready", calls_today=9, talk_today_s=1_730.0)
    place.part.caller("c0", "loans", caller="021****9012")
    await page.sees("#no-call")


async def calling(place: DeskPlace, page: Browser) -> None:
    place.part.out("li", "o1")
    await page.sees("#card")


async def ringing(place: DeskPlace, page: Browser) -> None:
    place.part.not_reached("li")
    place.part.caller("c1")
    place.part.ring("c1", "li")
    await page.sees("#card")


async def call(place: DeskPlace, page: Browser) -> None:
    forms = forms_of(shipped())
    there = {"forms": [form.shown() for form in forms.values()]}
    place.part.forms = there | {"business": by_business(shipped(), forms)["transfer"]}
    place.part.lifts("li")
    await page.sees("#recording[data-on=true]")


async def pin(place: DeskPlace, page: Browser) -> None:
    await page.click("[data-act=pin]")
    await page.sees("#pin-dots")
    for _ in range(3):
        place.part.pin_key("li")
    await page.reads("#pin-dots", "●●●○")


async def picker(place: DeskPlace, page: Browser) -> None:
    place.part.pin_over("li")
    place.part.seat("zhao", "8002", "ready")
    place.part.seat("qian", "8003", "break")
    await page.sees("#pin[data-look=ready]")
    await page.click("[data-act=transfer]")
    await page.sees("#picker")


async def keys(_place: DeskPlace, page: Browser) -> None:
    await page.script("document.getElementById('picker').close()")
    await page.click("#keys-open")
    await page.sees("#keys")


async def wrap(place: DeskPlace, page: Browser) -> None:
    await page.script("document.getElementById('keys').close()")
    place.part.gone("li")
    await page.sees("#wrap[data-now=true]")
    await page.sees("#history li small")


async def floor(place: DeskPlace, page: Browser) -> None:
    _crowd(place)
    now = place.desk.house.clock.now.astimezone(BEIJING)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    write_day(place.parts.store_url, midnight, busy_day(OF_NOW))
    await page.go("/floor")
    await page.sees("[data-row=zhao] .tile")
    await page.sees("#concerns li")


async def day(_place: DeskPlace, page: Browser) -> None:
    await page.click("[data-row=zhao] .tile")
    await page.sees("#day small")


async def today(_place: DeskPlace, page: Browser) -> None:
    await page.sees("#arrivals[src]")


async def wall(_place: DeskPlace, page: Browser) -> None:
    await page.go("/wall")
    await page.sees("#states li")


async def login(_place: DeskPlace, page: Browser) -> None:
    await page.run(page.driver.delete_all_cookies)
    await page.go("/login")


DESK = {
    "enter": enter,
    "empty": empty,
    "calling": calling,
    "ringing": ringing,
    "call": call,
    "pin": pin,
    "transfer": picker,
    "keys": keys,
    "wrap-up": wrap,
}
_TO = {"day": _TO_ONE, "today": _TO_TODAY}
FLOOR = {"floor": floor, "day": day, "today": today, "wall": wall, "login": login}


def _crowd(place: DeskPlace) -> None:
    part = place.part
    part.seat("li", state="ready", calls_today=9, talk_today_s=1_730.0)
    moods = {"zhao": "ready", "qian": "break", "sun": "wrap_up", "zhou": "busy", "zheng": "ready"}
    for nth, (name, mood) in enumerate(moods.items()):
        part.seat(name, f"80{nth + 10}", mood, calls_today=4 + nth, talk_today_s=900.0 + nth * 95)
    part.mood("qian", "break", reason="lunch")
    part.mood("zhou", "busy", reason="no_answer")
    part.caller("c2", "general", caller="139****0033")
    part.ring("c2", "zhao")
    part.lifts("zhao")
    part.mood("zhao", "talking", call="c2", watched_by="wu")
    part.caller("c3", "loans", caller="010****7766")
    part.ring("c3", "zheng")
    for nth in range(4):
        part.caller(f"w{nth}", ("general", "english")[nth % 2], level=nth % 3)
    part.keeps("w0", not_reached="no_answer")
    part.contacts["zhao"] = [
        contact(part.call("c2"), "zhao", how, 600.0 * nth)
        for nth, how in enumerate(("caller", "teller", "transfer", "menu"), 1)
    ]


@contextmanager
def served(place: DeskPlace | Flask) -> Iterator[str]:
    """The console at a free port."""
    app = place if isinstance(place, Flask) else place.desk.client.application
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()


async def take(page: Browser, out: Path, name: str) -> None:
    """Both sizes; what is wrong with them is said. That of a call is the desk's own."""
    name = name.removeprefix("call-")
    for suffix, (width, height) in SIZES.items():
        await page.size(width, height)
        await page.script(_TO.get(name.rpartition("-")[0], "scrollTo(0, 0)"))
        await asyncio.sleep(0.4)
        wide = await page.script("return document.documentElement.scrollWidth")
        if wide > width:
            print(f"{name}{suffix}: {wide} pixels wide")
        for words in await page.faint():
            print(f"{name}{suffix}: faint: {words}")
        png = await page.run(page.driver.get_screenshot_as_png)
        image = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS)
        image.save(out / f"desk-{name}{suffix}.png", optimize=True)
    await page.size(*LAPTOP)


async def main(out: Path) -> None:
    """All of them."""
    for lang in ("zh", "en"):
        with tempfile.TemporaryDirectory() as folder:
            async with desk_place(Path(folder)) as place:
                with served(place) as base:
                    browsers = Browsers(Path(folder) / "browsers", base)
                    try:
                        await scenes(place, browsers, lang, out)
                    finally:
                        await browsers.close()


async def scenes(place: DeskPlace, browsers: Browsers, lang: str, out: Path) -> None:
    """One language's."""
    for who, path, scenes in (("li", "/desk", DESK), ("wu", "/floor", FLOOR)):
        page = await browsers.open(who, place.people[who].token, path, lang)
        for name, scene in scenes.items():
            await scene(place, page)
            await take(page, out, f"{name}-{lang}")


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
