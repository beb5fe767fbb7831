"""Pictures of the page of a day's run, in both languages, on a laptop and a telephone.

.venv/bin/python tests/support/running_pictures.py docs/images      # half a minute; look at each
"""

import asyncio
import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from support.console_desk import BEIJING
from support.desk_browsers import Browsers
from support.desk_day import Fact, write_day
from support.desk_pictures import served
from support.desk_place import desk_place
from support.matter_pictures import take
from support.staff_house import START

MIDNIGHT = START.astimezone(BEIJING).replace(hour=0, minute=0, second=0, microsecond=0)
SERVICES = {
    "card.balance": ("ok", "ok", "ok", "unavailable"),
    "pin.verify": ("ok", "ok", "ok", "wrong_pin"),
    "transfer.card_to_card": ("ok", "ok", "insufficient", "in_doubt"),
    "fx.rates": ("ok",),
}
FAULTS = (
    ("alarm.fax", {"why": "gave_up"}),
    ("alarm.manual", {"why": "reversal refused: 57"}),
    ("input.exhausted", {"flow": "main", "node": "lang"}),
    ("alarm", {"what": "unmatched"}),
)


def day(seed: int = 3) -> Iterator[Fact]:
    """Some hundred calls of a day, most of them in the morning."""
    chance = random.Random(seed)
    for number in range(420):
        call, at = f"01-1-{number}", chance.triangular(7, 23, 10.5) * 3_600
        yield "call.started", at, call, "caller", {}
        for name in chance.sample(list(SERVICES), chance.randint(0, 3)):
            told = {"service": name, "exit": chance.choice(SERVICES[name])}
            yield (
                *("service.answered", at + 30, call, "caller"),
                told | {"ms": int(chance.expovariate(1 / 40)) + 5},
            )
        if chance.random() < 0.05:
            kind, detail = chance.choice(FAULTS)
            yield kind, at + 40, call, "system", dict(detail)
        seconds = round(chance.expovariate(1 / 95), 1) + 5
        by = chance.choices(("remote", "local", "timeout"), (80, 17, 3))[0]
        yield "call.ended", at + seconds, call, "caller", {"by": by, "seconds": seconds}
        if chance.random() < 0.04:
            yield "fax.done", at + 200, call, "system", {"fax": call}


async def main(out: Path) -> None:
    """All of them."""
    for lang in ("zh", "en"):
        with tempfile.TemporaryDirectory() as folder:
            async with desk_place(Path(folder)) as place:
                write_day(place.parts.store_url, MIDNIGHT, day())
                with served(place) as base:
                    browsers = Browsers(Path(folder) / "browsers", base)
                    try:
                        page = await browsers.open("wu", place.people["wu"].token, "/running", lang)
                        await page.sees("h1")
                        await take(page, out, f"running-{lang}")
                    finally:
                        await browsers.close()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
