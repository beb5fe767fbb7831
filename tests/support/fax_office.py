"""The office of faxes with a store and files, whose printer and callers are the test's."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta, timezone
from pathlib import Path
from typing import Any, cast

from fax.documents.jobs import Answer, Done
from fax.documents.paper import Paper
from support.fax_jobs import NUMBER, FaxHouse
from support.order_house import HouseClock
from telebank.calls.edition import Edition
from telebank.calls.faxes.files import FaxFiles
from telebank.calls.faxes.office import FaxOffice, OfficeParts
from telebank.calls.faxes.printing import Printer
from telebank.calls.faxes.queue import FaxJobs
from telebank.calls.faxes.values import FaxLines, FaxOutcome
from telebank.calls.services import FaxAsked, SendHere
from telebank.flow.commands import PrepareFax, SendFax
from telebank.flow.release import read_release
from telebank.store.errors import StoreUnavailable
from transactions.answer import Answer as ServiceAnswer
from transactions.card import CardNumber
from transactions.money import Money
from transactions.outcome import Approved, Row, Values
from transactions.request import AuthLevel
from voice_prompts.speaker import Speaker

CARD = CardNumber("6227000000000012")
RELEASE = read_release(Path(__file__).resolve().parents[2] / "config")
NOT_KNOWN = "it is not known whether the database took it: connection reset"
GONE = "the database is gone"


@dataclass
class Press:
    """Prints as the printer does, but for what is on the paper."""

    printed: list[Path] = field(default_factory=list)
    turn: asyncio.Event = field(default_factory=asyncio.Event)
    """Nothing is printed before this is set, as it is from the start."""

    def __post_init__(self) -> None:
        self.turn.set()

    async def print(self, paper: Paper, *, pdf: Path, tiff: Path, resolution: str) -> Answer:
        """Both files, at once."""
        self.printed += [pdf, tiff]
        await self.turn.wait()
        for file in (pdf, tiff):
            file.write_bytes(b"paper")
        return Done(1)


def office_of(house: FaxHouse, jobs: FaxJobs, press: Any = None, **more: Any) -> FaxOffice:
    """Where faxes are asked for."""
    return FaxOffice(
        OfficeParts(
            *(jobs, cast(FaxLines, None), cast(Printer, press or Press())),
            *(FaxFiles(house.place / "fax"), house.options),
            *(HouseClock(house.clock), timezone(timedelta(hours=8))),
            **more,
        )
    )


async def listed(service: str, _inputs: Values) -> ServiceAnswer:
    """What the bank's host answers: a list of one row."""
    row: Row = {"on": date(2026, 1, 20), "what": "salary", "amount": Money.parse("1.00")}
    data: Values = {"items": (row,)}
    outcome = Approved(data)
    return ServiceAnswer(RELEASE.contracts[service].exit_for(outcome), outcome, data, "r")


async def _nothing(*_: object, **__: object) -> FaxOutcome:
    raise AssertionError("nothing is sent")


def asked(way: str = "back", send: SendHere = _nothing, **changes: Any) -> FaxAsked:
    """A caller who wants his list."""
    known: dict[str, Any] = {"auth": AuthLevel.PIN, "authenticated": CARD}
    fax: PrepareFax | SendFax = SendFax(
        "v1", "card_recent", {"card": CARD}, "back", NUMBER, **known
    )
    if way == "here":
        fax = PrepareFax("v1", "card_recent", {"card": CARD}, **known)
    edition = Edition(RELEASE, cast(Speaker, None))
    plain = FaxAsked("c1", fax, "token", edition, listed, send, lambda _why: None)
    return replace(plain, **changes)


def failing(jobs: FaxJobs, *whys: str, after: bool) -> Callable[[], int]:
    """The store fails so often, each time with these words; `after`: its work is done all the
    same. How often it was asked."""
    parts: Any = jobs._parts
    run, left, asked = parts.run, list(whys), [0]

    async def spoilt(*args: Any, **more: Any) -> Any:
        asked[0] += 1
        if not left:
            return await run(*args, **more)
        why = left.pop(0)
        if after:
            await run(*args, **more)
        raise StoreUnavailable(why)

    object.__setattr__(parts, "run", spoilt)
    return lambda: asked[0]


def folders(house: FaxHouse) -> list[str]:
    """Of faxes whose files are there."""
    return sorted(path.name for path in (house.place / "fax").glob("*-F*"))
