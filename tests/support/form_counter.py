"""A teller's caller for tests of forms: a clerk, and a room with one caller whose services answer
as the test says. What a PIN comes to the test says too."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from support.calls_house import CARD, shipped
from telebank.calls.edition import Edition
from telebank.calls.forms.clerk import Clerk
from telebank.calls.tellers.hands import EntryEnded, Terms
from telebank.calls.tellers.served import Served
from telebank.flow.commands import Spoken, Submit, Told
from telebank.flow.events import Proved
from telebank.settings import seed_dir
from transactions.answer import Answer
from transactions.card import CardNumber
from transactions.money import Money
from transactions.outcome import Approved, Declined, Values
from transactions.request import AuthLevel
from voice_prompts.catalogue import Catalogue
from voice_prompts.speaker import Speaker

PAYEE = "6227000001000029"
CALL, SEAT = "01-1-7", "li"
TERMS: Mapping[str, Any] = {
    "fee": Money.parse("1.00"),
    "payee_masked": "622700******0029",
    "quote": "Q1",
}
DONE: Mapping[str, Any] = {"ref": "012345678901", "available": Money.parse("899.00")}


@cache
def edition() -> Edition:
    """The shipped menus; no audio."""
    return Edition(shipped(), Speaker(Catalogue.load(seed_dir() / "prompts"), None))


@dataclass
class Caller:
    """Who is with the teller; a `CallerPort` as far as a clerk asks it."""

    level: AuthLevel = AuthLevel.PIN
    card: CardNumber | None = field(default_factory=lambda: CardNumber(CARD))
    exits: dict[str, tuple[str, Values]] = field(default_factory=dict)
    asked: list[tuple[str, Submit]] = field(default_factory=list)
    heard: list[Told] = field(default_factory=list)
    said: list[tuple[Spoken, ...]] = field(default_factory=list)
    breaks: bool = False
    hears: bool = True
    """What is said to him to its end."""
    answers: asyncio.Event = field(default_factory=asyncio.Event)
    """Set: services answer at once; else when it is."""
    edition: Edition = field(default_factory=edition)
    """The menus that he is in."""

    def __post_init__(self) -> None:
        self.answers.set()

    def served(self, teller: str) -> Served:
        async def ask(submit: Submit) -> Answer:
            self.asked.append((teller, submit))
            await self.answers.wait()
            if self.breaks:
                raise ConnectionError
            exit_name, data = self.exits[submit.service]
            outcome = Approved(data) if exit_name == "ok" else Declined(exit_name, data)
            return Answer(exit_name, outcome, data, f"{CALL}-{submit.visit}")

        def say(words: tuple[Spoken, ...], then: Callable[[bool], None] | None) -> bool:
            self.said.append(words)
            if then is not None:
                asyncio.get_running_loop().call_soon(then, self.hears)
            return True

        return Served(self.edition, "zh", self.card, self.level, ask, self.heard.append, say)

    def services(self) -> list[str]:
        """What was asked for, in order."""
        return [submit.service for _, submit in self.asked]


@dataclass
class Room:
    """Where that caller is; `then` takes what came of his PIN."""

    caller: Caller = field(default_factory=Caller)
    entering: bool = False
    then: Callable[[EntryEnded], None] | None = None
    entries: int = 0
    terms: Terms | None = None
    telling_: list[bool] = field(default_factory=list)
    notes: list[dict[str, str]] = field(default_factory=list)
    gone: bool = False
    """The call is over."""

    def caller_of(self, seat: str, call: str) -> Any:
        there = (seat, call) == (SEAT, CALL) and not self.gone
        return self.caller if there else "no_call"

    def pin(self, seat: str, then: Callable[[EntryEnded], None], terms: Terms) -> str | None:
        assert seat == SEAT
        self.terms = terms
        if self.entering:
            return "wrong_state"
        self.entering, self.then = True, then
        self.entries += 1
        return None

    def in_pin(self, call: str) -> bool:
        return self.entering and call == CALL

    def telling(self, call: str, *, on: bool) -> None:
        assert call == CALL
        self.telling_.append(on)

    def served(self, seat: str, call: str, **detail: str) -> None:
        assert (seat, call) == (SEAT, CALL)
        self.notes.append(detail)

    def entered(
        self, exit_name: str = "verified", card: str = CARD, level: AuthLevel = AuthLevel.PIN
    ) -> None:
        """His PIN was right, or it was not."""
        assert self.then is not None
        then, self.entering, self.then = self.then, False, None
        number = CardNumber(card)
        proved = Proved(number, level, {"card": number})
        then(EntryEnded(exit_name, proved if exit_name == "verified" else None))

    def taken_back(self) -> None:
        """The teller did not wait for it."""
        self.entering, self.then = False, None


@dataclass
class FormDesk:
    """A clerk, his room, and the time."""

    room: Room = field(default_factory=Room)
    at: float = 1_000.0

    def __post_init__(self) -> None:
        tokens = iter(f"slip{number}" for number in range(1, 1_000))
        self.clerk = Clerk(self.room, lambda: self.at, lambda: next(tokens))

    async def quote(self, service: str, **written: str) -> Any:
        """What comes of a form, filled in."""
        return await self.clerk.quote(SEAT, CALL, service, written)

    async def transfer(self) -> Any:
        """A transfer that was read back."""
        self.room.caller.exits |= {
            "transfer.quote": ("ok", TERMS),
            "transfer.card_to_card": ("ok", DONE),
        }
        return await self.quote("transfer.card_to_card", to=PAYEE, amount="100.00")
