"""Matters at the control socket: opened from one's own talk, handed on, answered, closed, found."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from support.console_desk import BEIJING
from support.desk_house import DeskHouse, open_desks
from support.staff_house import Asked, Person, StaffClock, fresh
from telebank.calls.control.matters import MAX_WORDS, MattersPart
from telebank.store import matters, tables
from telebank.store.contacts import EndedContact, NewContact
from telebank.store.matter_tables import matter_entry
from telebank.store.sealing import Keyring

CARD = "6227001234567899"
CALL, MASKED, TOKEN = "01-1-7", "622700******7899", "t" * 64
SECRET = "the branch is to call the customer back"


@dataclass
class Place:
    """li had a talk; wang is good at loans; zhao is not."""

    desks: DeskHouse
    li: Person
    wang: Person
    zhao: Person

    async def open(self, who: Person | None = None, **more: Any) -> Asked:
        body = {"call": CALL, "subject": "Loan: papers are missing", "text": SECRET} | more
        return await self.desks.post(who or self.li, "matters", **body)

    async def add(self, who: Person, number: str, kind: str, **more: Any) -> Asked:
        return await self.desks.post(who, f"matters/{number}", kind=kind, **more)

    async def numbers(self, who: Person, **query: str) -> list[str]:
        found = await self.desks.ask(who, "GET", "matters", params=query)
        assert found.status == 200, found
        return [one["number"] for one in found.body["matters"]]

    async def show(self, who: Person, number: str) -> Asked:
        return await self.desks.ask(who, "GET", f"matters/{number}")


@asynccontextmanager
async def open_place(folder: Path) -> AsyncIterator[Place]:
    clock, keys = StaffClock(), Keyring.open_or_create(folder / "keys")

    def part(counter: Any, _room: Any) -> list[MattersPart]:
        return [MattersPart(counter, keys, BEIJING, clock)]

    async with open_desks(folder, more=part) as desks:
        people = [await desks.teller(name) for name in ("li", "wang", "zhao")]
        for name, skills in (("wang", {"loans": 5}), ("li", {"cards": 3})):
            path = f"staff/{name}/skills"
            assert (await desks.post(desks.wu, path, skills=skills)).status == 200
        began = desks.house.clock.now
        desks.book.begun(
            NewContact(
                *("c.1", CALL, "li", "cards", "in", began, began),
                *("138******78", MASKED, "zh", 2, "loans"),
            )
        )
        end = began + timedelta(seconds=60)
        desks.book.ended(EndedContact("c.1", end, "caller", 0, 2, "loans", MASKED, TOKEN))
        await desks.book.close()
        yield Place(desks, *people)


async def test_a_matter_goes_its_way_and_nothing_said_is_changed(tmp_path: Path) -> None:
    async with open_place(tmp_path) as place:
        li, wang, wu = place.li, place.wang, place.desks.wu
        opened = await place.open(to="skill:loans", due="2026-03-31T20:00", business="loans")
        assert opened.status == 200, opened
        number = opened.body["number"]
        assert await place.numbers(wang) == [number]
        assert await place.numbers(wang, of="own") == []
        assert (await place.add(wang, number, "hand", to="seat:wang")).status == 200
        assert await place.numbers(wang, of="own") == [number]
        early = await place.add(wang, number, "close")
        assert (early.status, early.body["code"]) == (409, "no_result")
        assert (await place.add(wang, number, "note", text="called him")).status == 200
        assert (await place.add(wang, number, "result", text="papers came")).status == 200
        assert (await place.add(li, number, "close", text="told him")).status == 200
        late = await place.add(wang, number, "note", text="one more")
        assert (late.status, late.body["code"]) == (409, "closed")
        seen = (await place.show(wu, number)).body
        assert (seen["state"], seen["holder"], seen["customer"]) == ("closed", "seat:wang", MASKED)
        assert seen["due_at"].startswith("2026-03-31T12:00:00")
        assert [(one["nth"], one["by"], one["kind"], one["to"]) for one in seen["entries"]] == [
            (1, "li", "opened", "skill:loans"),
            (2, "wang", "hand", "seat:wang"),
            (3, "wang", "note", ""),
            (4, "wang", "result", ""),
            (5, "li", "close", ""),
        ]
        assert [one["text"] for one in seen["entries"]][:1] == [SECRET]
        events = {
            kind: place.desks.house.events(f"matter.{kind}")
            for kind in ("opened", "hand", "note", "result", "close")
        }
        assert events == {
            "opened": [("li", "teller", "ok")],
            "hand": [("wang", "teller", "ok")],
            "note": [("wang", "teller", "ok"), ("wang", "teller", "closed")],
            "result": [("wang", "teller", "ok")],
            "close": [("wang", "teller", "no_result"), ("li", "teller", "ok")],
        }
        kept = [place.desks.house.rows(table) for table in (tables.event, matter_entry)]
        assert SECRET not in str(kept), "words are kept sealed, and in no event"


async def test_who_sees_which_and_how_they_are_found(tmp_path: Path) -> None:
    async with open_place(tmp_path) as place:
        li, wang, zhao, wu = place.li, place.wang, place.zhao, place.desks.wu
        first = (await place.open()).body["number"]
        place.desks.house.clock.forward(1)
        second = (await place.open(to="seat:wang")).body["number"]
        assert await place.numbers(li) == [second, first]
        assert await place.numbers(wang) == [second]
        assert await place.numbers(zhao) == []
        hidden = await place.show(zhao, first)
        assert (hidden.status, hidden.body["code"]) == (404, "unknown")
        meddled = await place.add(zhao, first, "note", text="mine now")
        assert (meddled.status, meddled.body["code"]) == (404, "unknown")
        assert await place.numbers(wu, of="all") == [second, first]
        assert await place.numbers(wu, of="all", person="wang") == [second]
        assert await place.numbers(wu, of="all", number=first) == [first]
        assert await place.numbers(wu, of="all", state="closed") == []
        place.desks.house.clock.forward(1)
        await place.add(li, first, "result", text="done")
        await place.add(li, first, "close")
        assert await place.numbers(li) == [second]
        assert await place.numbers(li, state="any") == [first, second]
        seen = [(await place.show(who, first)).status for who in (li, wu, place.desks.chen)]
        assert seen == [200, 200, 403]
        events = place.desks.house.events
        listed, looked = events("matter.listed"), events("matter.looked")
        assert listed == [("wu", "supervisor", "ok")] * 4, "one's own leave none"
        assert looked == [("zhao", "teller", "unknown"), ("wu", "supervisor", "ok")]
        details = [
            row.detail
            for row in place.desks.house.rows(tables.event)
            if row.kind in ("matter.listed", "matter.looked")
        ]
        assert details[1:3] == [
            {"of": "all", "state": "open", "person": "", "number": ""},
            {"of": "all", "state": "open", "person": "wang", "number": ""},
        ]
        assert details[-1] == {"matter": first}
        denied = await place.desks.ask(li, "GET", "matters", params={"of": "all"})
        assert denied.status == 403
        for query in (
            {"of": "everybody"},
            {"state": "new"},
            {"person": "x" * 65},
            {"person": CARD},
        ):
            asked = await place.desks.ask(li, "GET", "matters", params=query)
            assert (asked.status, asked.body["code"]) == (400, "bad_request")
        assert (await place.show(wu, CARD)).status == 404
        assert CARD not in str(place.desks.house.rows(tables.event)), "it would be a card's"
        people = (await place.desks.ask(li, "GET", "matters/targets")).body
        assert set(people["people"]) == {"li", "wang", "zhao", "wu"}
        assert people["skills"] == ["cards", "loans"]


async def test_what_cannot_be_is_refused_with_why(tmp_path: Path) -> None:
    async with open_place(tmp_path) as place:
        li, zhao = place.li, place.zhao
        for who, more, code in (
            (zhao, {}, "no_call"),
            (li, {"call": "01-9-9"}, "no_call"),
            (li, {"to": "seat:nobody"}, "unknown_target"),
            (li, {"to": "seat:chen"}, "unknown_target"),
            (li, {"to": "skill:fx"}, "unknown_target"),
            (li, {"subject": "card 6227 0012 3456 7899"}, "bad_request"),
            (li, {"due": "2026-03-30T20:00"}, "bad_request"),
            (li, {"due": "2028-03-30T20:00"}, "bad_request"),
            (li, {"due": "2026-02-30T20:00"}, "bad_request"),
            (li, {"subject": ""}, "bad_request"),
            (li, {"text": "x" * (MAX_WORDS + 1)}, "bad_request"),
        ):
            asked = await place.open(who, **more)
            assert (asked.status in (400, 409), asked.body["code"]) == (True, code), (more, asked)
        assert (await place.open(place.desks.chen)).status == 403
        number = (await place.open()).body["number"]
        for body in (
            {"kind": "note"},
            {"kind": "result", "text": " "},
            {"kind": "hand"},
            {"kind": "note", "text": "x", "to": "seat:wang"},
            {"kind": "open", "text": "x"},
        ):
            asked = await place.desks.post(li, f"matters/{number}", **body)
            assert (asked.status, asked.body["code"]) == (400, "bad_request"), body
        same = fresh()
        twice = [await place.add(li, number, "note", text="once", **same) for _ in range(2)]
        assert twice[0] == twice[1]
        assert len(place.desks.house.rows(matter_entry)) == 2


async def test_a_matter_holds_so_many_entries_and_can_still_be_closed(
    tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setattr(matters, "MAX_ENTRIES", 4)
    async with open_place(tmp_path) as place:
        number = (await place.open()).body["number"]
        for kind in ("note", "result"):
            assert (await place.add(place.li, number, kind, text="x")).status == 200
        full = await place.add(place.li, number, "note", text="x")
        assert (full.status, full.body["code"]) == (409, "too_many")
        assert (await place.add(place.li, number, "close")).status == 200
