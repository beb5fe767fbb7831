"""Customers' stories by telephone: one call or several, of one person or two, with one-time codes.

A `Story` is one thing that a customer (or two people of a company) can do, as data: the calls with
their keys, what must be heard and what was asked in each, and what must be kept in the end. Each
language has a bank of its own, so that cards which can be used up are there in both.
"""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from core_adapters.corehost.house import DATABASE
from core_adapters.corehost.products.bills.billers import load_billers
from core_adapters.corehost.seed import SeedCard, trial_set
from support.money_caller import LANGUAGE_KEYS, PATIENCE_S
from support.money_stage import Day, Stage
from support.service_books import Books, Values
from support.service_calls import (
    CALL_S,
    NO_VALUES,
    QUIET_S,
    Heard,
    Passage,
    asked_of_host,
    assert_heard,
    books_of,
    caller_number,
)
from support.store_sql import ask_once
from telebank.customers.sender import OUTBOX
from telebank.phone.hearing import ClipHeard
from telebank.phone.phone import PhoneCall, PhoneOptions
from telebank.phone.script import parse_script

CODE = "CODE"
"""In a script: the newest one-time code, once it was sent and told."""
SAID_S = 5.5
"""Without a further clip for so long the bank has said all of it."""
TIER, VALID_S = "5000.00", 180.0
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "sms": {"sender": "file"},
    "second_factor": {"transfer": TIER, "transfer_registered": "8000.00"},
}
SHORT = "short"
"""Name of the bank whose codes are over at once."""
SIGNED_IN = "!1 !{card}# !{pin}#"
COMPANY = "!4 !{card}# !{pin}#"
OPERATORS = dict(
    zip(
        ("maker", "approver", "second", "viewer"),
        (one for one in trial_set() if one.state == "operator"),
        strict=True,
    )
)


def nothing(_people: "People") -> Sequence[Passage]:
    """Nothing in particular."""
    return ()


@dataclass(frozen=True, slots=True)
class People:
    """Who is in a story, at a running bank."""

    day: Day
    one: SeedCard
    other: SeedCard
    language: str

    @property
    def books(self) -> Books:
        """The books of their bank."""
        return books_of(self.day)

    def bank(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the host keeps."""
        return _rows(self.day.bank.host.folder / DATABASE, query, values)

    def kept(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the node keeps."""
        return list(ask_once(self.day.bank.data, query, *values))


def _rows(path: Path, query: str, values: Sequence[object]) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        return db.execute(query, values).fetchall()


@dataclass(frozen=True, slots=True)
class Ring:
    """One call: keys after the language as a script, with {card}, {pin}, {identity} of who calls
    and {payee} of the other one."""

    keys: str
    until: str
    hears: Callable[[People], Sequence[Passage]] = nothing
    """What is heard, in this order; asked for before the call."""
    heard: Callable[[People], Sequence[Passage]] = nothing
    """More of it, whose values are only known after the call; in an order of its own."""
    asked: tuple[str, ...] | None = ()
    who: str = ""
    """A company's person (`maker` …); else the story's customer."""


@dataclass(frozen=True, slots=True, eq=False)
class Story:
    """A row of the inventory, or a refusal, and the calls that show it."""

    row: str
    name: str
    calls: Sequence[Ring]
    special: str = ""
    """State of the customer's card, or `cheques`; else an ordinary one."""
    after: Callable[[People], None] = field(default=lambda _people: None)
    """What must be kept in the end."""
    bank: str = "customers"
    moved: bool = False
    """Whether money may have moved on the customer's card."""


@dataclass(frozen=True, eq=False)
class Told:
    """A story in a language by the customer of that number; a scene."""

    story: Story
    language: str
    number: int

    def __str__(self) -> str:
        return f"{self.story.row}-{self.story.name}-{self.language}"

    def customer(self, day: Day) -> SeedCard:
        """Nobody else in that bank has his card, but for the special ones."""
        state = self.story.special
        if not state:
            return day.bank.cards[2 * self.number]
        if state == "cheques":
            return next(one for one in trial_set() if one.cheques)
        return next(one for one in trial_set() if one.state == state)

    async def __call__(self, stage: Stage) -> People:
        """Ring as often as the story says; every call is checked as it ends."""
        day = await open_bank(stage, self.story.bank, self.language)
        other = day.bank.cards[2 * self.number + 1]
        people = People(day, self.customer(day), other, self.language)
        legs = people.books.postings(people.one.account)
        for place, ring in enumerate(self.story.calls):
            caller = caller_number(10 * self.number + place)
            expected = ring.hears(people)
            heard = await _talk(people, caller, ring)
            assert_heard(day, heard, self.language, expected)
            assert_heard(day, heard, self.language, ring.heard(people))
            asked = asked_of_host(day.bank.data, caller)
            assert ring.asked in (None, tuple(asked)), f"asked {asked}; heard: {heard.words}"
        if not self.story.moved:
            assert people.books.postings(people.one.account) == legs
        self.story.after(people)
        return people


async def open_bank(stage: Stage, name: str, language: str) -> Day:
    """The bank of that name and language."""
    codes = {"codes": {"valid_s": 1.0}} if name == SHORT else {}
    return await stage.branch(f"{name}_{language}", **SETTINGS, **codes)


async def _talk(people: People, caller: str, ring: Ring) -> Heard:
    who = OPERATORS.get(ring.who, people.one)
    values = {"card": who.card, "pin": who.pin, "identity": who.identity}
    keys = ring.keys.format(**values, payee=people.other.card)
    first, *rest = f"!{LANGUAGE_KEYS[people.language]} {keys}".split(f" {CODE}")
    options = PhoneOptions(
        quiet_s=QUIET_S,
        patience_s=PATIENCE_S,
        hang_up_after=ring.until,
        max_seconds=CALL_S,
        from_user=caller,
    )
    clips: list[ClipHeard] = []
    known = len(_codes(people.day, who))
    call = await people.day.phone.dial(people.day.bank.uri, options, on_heard=clips.append)
    talking = asyncio.ensure_future(call.run(parse_script(first)))
    for part in rest:
        code = await _code(people.day, who, known)
        known += 1
        await _go_on(call, clips, f"@sf.code !{code}{part}")
    return Heard(await talking, tuple(clips))


async def _go_on(call: PhoneCall, clips: list[ClipHeard], script: str) -> None:
    """Press on with what comes after a code, as a script of `telebank.phone.script`."""
    since = 0
    for word in script.split():
        if word[0] == "@":
            await _until(partial(call.report.heard, word[1:], since))
            continue
        if word[0] != "!":
            await _said_all(clips)
        since = len(call.report.prompts)
        call.press(word.lstrip("!"))


async def _said_all(clips: Sequence[ClipHeard]) -> None:
    """Wait until nothing more is said."""
    known = -1
    while known < len(clips):
        known = len(clips)
        await asyncio.sleep(SAID_S)


async def _until(come: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not come():
            await asyncio.sleep(0.1)


def _codes(day: Day, who: SeedCard) -> list[str]:
    """The codes that were sent to somebody, oldest first."""
    path = day.bank.data / OUTBOX
    if not path.exists():
        return []
    number = mobile_of(who)
    sent = [json.loads(line) for line in path.read_text(encoding="ascii").splitlines()]
    return [one["code"] for one in sent if one["to"] == number]


async def _code(day: Day, who: SeedCard, known: int) -> str:
    await _until(lambda: len(_codes(day, who)) > known)
    return _codes(day, who)[-1]


def mobile_of(who: SeedCard) -> str:
    """The number that the bank knows of somebody."""
    return load_billers()[0]["mobile_cm"].number(who.card)


def words(*prompts: str) -> Callable[[People], Sequence[Passage]]:
    """Prompts without values, in this order, with anything between."""
    return lambda _people: [[(prompt, NO_VALUES)] for prompt in prompts]


def spoken(prompt: str, **values: object) -> Callable[[People], Sequence[Passage]]:
    """One prompt with values that do not depend on anybody."""
    return lambda _people: [[(prompt, values)]]


def sent(people: People) -> Passage:
    """That a code was sent."""
    values: Values = {"tail": mobile_of(people.one)[-4:], "minutes": round(VALID_S / 60)}
    return [("sf.sent", values)]
