"""Pictures of the panel of the customer in hand, in both languages, on a laptop and a telephone.

.venv/bin/python tests/support/desk_customer_pictures.py docs/images      # half a minute
"""

import asyncio
import io
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from support.customer_in_hand import MASKED, STANDING, TOKEN, InHand
from support.desk_browsers import Browser, Browsers
from support.desk_pictures import COLOURS, SIZES, served
from support.desk_place import DeskPlace, desk_place
from support.form_counter import CALL
from support.staff_house import START
from support.store_kit import PAYEE, recorded
from telebank.calls.control.customers import CustomerPart
from telebank.store import approvals, contacts, customer_records, habits, payees
from telebank.store.contacts import EndedContact, NewContact
from telebank.store.customer_records import Number, RecordChange
from telebank.store.transaction import Transaction
from transactions.approval import Actor, Approving, content_hash
from transactions.lifecycle import State
from transactions.telephone_pin import Customer

TALL = 2_400
"""Pixels: a window that the whole panel is in."""


async def fill(place: DeskPlace) -> None:
    """What is kept for the customer of the pictures."""
    store = place.desk.house.store
    customer, seal = Customer(TOKEN), store.vault.seal(PAYEE)

    def keep(part: Transaction) -> None:
        habits.put(part, customer, "speed", "slow")
        payees.add(part, customer, seal, PAYEE.masked, cooling=timedelta(hours=24))
        for nth, (seat, how) in enumerate((("wang", "caller"), ("li", "transfer")), 1):
            talk(part, nth, seat, how)

    await store.journal.run(keep)
    today = START.astimezone(STANDING.zone).date()
    await wrong(place, "pin.verify", 1, today)
    await wrong(place, "customer.identify", 5, today)
    await recorded(store, "r-1")
    await store.journal.advance("r-1", [State.SENT, State.APPROVED])
    await record(place)


def talk(part: Transaction, nth: int, seat: str, how: Any) -> None:
    """One that was before."""
    began = START - timedelta(days=nth, minutes=7 * nth)
    call = f"01-1-{nth}"
    contacts.begin(
        part,
        NewContact(
            *(f"{call}.1", call, seat, "cards", "in", began, began + timedelta(seconds=9)),
            *("138******78", MASKED, "zh", 2, "loss"),
        ),
    )
    end = began + timedelta(seconds=190)
    contacts.end(part, EndedContact(f"{call}.1", end, how, 0, 2, "loss", MASKED, TOKEN))


async def wrong(place: DeskPlace, service: str, times: int, day: date) -> None:
    """Wrong tries of today."""
    for _ in range(times):
        await place.desk.house.store.journal.count_attempt(f"{service}:{TOKEN}", times, day)


async def record(place: DeskPlace) -> None:
    """Two people said how he is received."""
    says = {"importance": 7, "teller": "li"}
    number, sits = Number("k", "138******34"), frozenset({"teller"})
    change = RecordChange(says, number=number, sits=sits)
    digest = content_hash("customer.set", TOKEN, {})
    li, wu = Actor("li", "teller", ""), Actor("wu", "supervisor", "")
    draft = approvals.Draft(
        *("picture-1", "customer.set", TOKEN, {}, digest, "", li, timedelta(hours=1))
    )
    approving = Approving("customer.set", TOKEN, digest, wu)
    run = place.desk.house.store.journal.run
    await run(lambda part: approvals.propose(part, draft, None))
    await run(lambda part: customer_records.put(part, TOKEN, change, approving))


async def main(out: Path) -> None:
    """All of them."""
    for lang in ("zh", "en"):
        with tempfile.TemporaryDirectory() as folder:
            parts = lambda part: [CustomerPart(part.counter, InHand(), STANDING)]  # noqa: E731
            async with desk_place(Path(folder), parts) as place:
                await fill(place)
                with served(place) as base:
                    browsers = Browsers(Path(folder) / "browsers", base)
                    try:
                        await pictures(place, browsers, lang, out)
                    finally:
                        await browsers.close()


def shot(page: Browser) -> bytes:
    """The panel alone, as PNG."""
    png: bytes = page.driver.find_element("css selector", "#cu").screenshot_as_png
    return png


async def pictures(place: DeskPlace, browsers: Browsers, lang: str, out: Path) -> None:
    """One language's."""
    place.part.seat("li", state="ready")
    place.part.caller(CALL)
    place.part.ring(CALL, "li")
    place.part.lifts("li")
    page = await browsers.open("li", place.people["li"].token, "/desk", lang)
    await page.click("#cu-open")
    await page.sees("#cu-past li")
    for suffix, (width, _) in SIZES.items():
        await page.size(width, TALL)
        for words in await page.faint():
            print(f"customer-{lang}{suffix}: faint: {words}")
        wide = await page.script("return document.documentElement.scrollWidth")
        if wide > width:
            print(f"customer-{lang}{suffix}: {wide} pixels wide")
        png = await page.run(shot, page)
        image = Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS)
        image.save(out / f"desk-customer-{lang}{suffix}.png", optimize=True)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
