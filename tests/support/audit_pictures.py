"""Pictures of the auditor's pages, in both languages, on a laptop and a telephone.

.venv/bin/python tests/support/audit_pictures.py docs/images      # half a minute; look at each
"""

import asyncio
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from support.audit_log import sign
from support.audit_scene import REFERENCE, told
from support.console_routes import AUDITOR, route_place
from support.desk_browsers import Browsers
from support.desk_pictures import served
from support.matter_pictures import take
from support.staff_house import House
from telebank.settings import store_url
from telebank.store.signing import Signer
from transactions.journal import JournalEvent

FIND = "document.querySelector('form.fields-row button').click()"


async def main(out: Path) -> None:
    """All of them."""
    for lang in ("zh", "en"):
        with tempfile.TemporaryDirectory() as folder:
            await of_language(Path(folder), lang, out)


async def odd(house: House) -> None:
    """What rules find: somebody who is refused again and again, and looks without a call."""
    kinds = (("staff.denied", "zhou", "it"), ("customer.shown", "li", "teller"))
    for kind, actor, role in kinds:
        for _ in range(7):
            house.clock.forward(20)
            await house.store.journal.append(JournalEvent(kind, actor=actor, role=role))


async def of_language(folder: Path, lang: str, out: Path) -> None:
    """One language's."""
    async with route_place(folder) as place:
        await told(place.house)
        await odd(place.house)
        await sign(place.house.store, Signer(store_url(folder), "01", folder / "keys"))
        with served(place.app) as base:
            browsers = Browsers(folder / "browsers", base)
            try:
                token = place.people[AUDITOR].token
                page = await browsers.open("sun", token, "/audit", lang)
                await page.go(f"/audit?lang={lang}")
                await page.script(FIND)
                await page.sees("#found")
                await take(page, out, f"audit-search-{lang}")
                await page.go(f"/audit/story/{REFERENCE}?lang={lang}")
                await page.sees(".story li")
                await take(page, out, f"audit-story-{lang}")
                await page.script("document.querySelector('.story').scrollIntoView()")
                await take(page, out, f"audit-lines-{lang}")
                await page.go(f"/audit/unusual?lang={lang}")
                await page.sees("h1")
                await take(page, out, f"audit-unusual-{lang}")
            finally:
                await browsers.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
