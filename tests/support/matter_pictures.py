"""Pictures of the pages of matters, in both languages, on a laptop and a telephone.

.venv/bin/python tests/support/matter_pictures.py docs/images      # half a minute; look at each
"""

import asyncio
import io
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from support.console_desk import BEIJING
from support.desk_browsers import Browser, Browsers
from support.desk_pictures import COLOURS, SIZES, served
from support.desk_place import DeskPlace, desk_place
from support.desk_stand_in import contact
from support.staff_house import START, StaffClock
from telebank.calls.control.matters import SITS, MattersPart
from telebank.store import contacts, matters
from telebank.store.contacts import NewContact
from telebank.store.matters import Acting, Kind, NewMatter, Said
from telebank.store.sealing import Keyring
from transactions.approval import Actor

CALL = "01-1-7"
LI, WU = Actor("li", "teller", ""), Actor("wu", "supervisor", "")
SUBJECTS = {
    "zh": ("贷款材料缺一份收入证明", "询问外币定存利率", "投诉：柜台等候太久"),
    "en": ("Loan: proof of income is missing", "Rate of a dollar deposit", "Complaint: long wait"),
}
WORDS = {
    "zh": (
        "客户称材料已齐，请查分行系统。",
        "已联系分行，对方今天回复。",
        "分行已收到，可以放款。",
    ),
    "en": (
        "The customer says all papers are there: look at the branch's system.",
        "Asked the branch; they answer today.",
        "The branch has it: the loan can be paid out.",
    ),
}


async def fill(place: DeskPlace, keys: Keyring, lang: str) -> str:
    """Three matters; the number of one that has a result."""
    store = place.desk.house.store
    who = ("138******78", "622700******7899", lang, 2, "loans")
    talk = NewContact("c.1", CALL, "li", "cards", "in", START, START, *who)
    await store.journal.run(partial(contacts.begin, new=talk))
    numbers = []
    due = (START.replace(hour=9), None, START.replace(hour=2))
    for subject, holder, at in zip(SUBJECTS[lang], ("li", "wu", "li"), due, strict=True):
        sealed = keys.seal_digits(subject), keys.seal_digits(WORDS[lang][0])
        new = NewMatter(CALL, "loans", *sealed, f"seat:{holder}", at)
        job = partial(matters.open_one, new=new, acting=Acting(LI, False, SITS))
        numbers.append((await store.journal.run(job))[0])
    said: tuple[tuple[Actor, Kind, str, str], ...] = (
        (LI, "hand", "", "seat:wu"),
        (WU, "note", WORDS[lang][1], ""),
        (WU, "hand", "", "seat:li"),
        (LI, "result", WORDS[lang][2], ""),
    )
    for by, kind, text, to in said:
        place.desk.house.clock.forward(90)
        words = keys.seal_digits(text) if text else matters.NOTHING
        one, acting = Said(kind, words, to), Acting(by, by is WU, SITS)
        await store.journal.run(partial(matters.add, number=numbers[0], said=one, acting=acting))
    return numbers[0]


async def main(out: Path) -> None:
    """All of them."""
    for lang in ("zh", "en"):
        with tempfile.TemporaryDirectory() as folder:
            keys = Keyring.open_or_create(Path(folder) / "keys")
            await at_desks(Path(folder), keys, lang, out)


async def at_desks(folder: Path, keys: Keyring, lang: str, out: Path) -> None:
    """One language's."""

    def more(part: Any) -> list[MattersPart]:
        return [MattersPart(part.counter, keys, BEIJING, StaffClock())]

    async with desk_place(folder, more) as place:
        number = await fill(place, keys, lang)
        place.part.seat("li")
        place.part.contacts["li"] = [contact(place.part.caller(CALL), "li", "caller")]
        with served(place) as base:
            browsers = Browsers(folder / "browsers", base)
            try:
                page = await browsers.open("li", place.people["li"].token, "/matters", lang)
                for name, path in (("list", ""), ("one", f"/{number}"), ("new", "/new")):
                    await page.go(f"/matters{path}?lang={lang}")
                    await page.sees("h1")
                    await take(page, out, f"matters-{name}-{lang}")
            finally:
                await browsers.close()


async def take(page: Browser, out: Path, name: str) -> None:
    """Both sizes; what is wrong with them is said."""
    for suffix, (width, height) in SIZES.items():
        await page.size(width, height)
        wide = await page.script("return document.documentElement.scrollWidth")
        if wide > width:
            print(f"{name}{suffix}: {wide} pixels wide")
        for words in await page.faint():
            print(f"{name}{suffix}: faint: {words}")
        png = await page.run(page.driver.get_screenshot_as_png)
        image = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS)
        image.save(out / f"{name}{suffix}.png", optimize=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
