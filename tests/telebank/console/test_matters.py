"""Matters in a browser's requests: opened, handed on, answered and closed by forms alone."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.console_desk import BEIJING
from support.desk_place import DeskPlace, desk_place
from support.desk_stand_in import contact
from support.staff_house import START, StaffClock
from telebank.calls.control.matters import WHY, MattersPart
from telebank.console.matters.texts import MATTER_WORDS
from telebank.store import contacts, seats
from telebank.store.contacts import NewContact
from telebank.store.sealing import Keyring
from telebank.store.seats import SeatChange
from transactions.approval import Actor

CALL = "01-1-7"
SUBJECT = "Papers <b>missing</b>"


@asynccontextmanager
async def matters_at(folder: Path) -> AsyncIterator[DeskPlace]:
    """li had a talk in `CALL`."""

    def more(part: Any) -> list[MattersPart]:
        keys = Keyring.open_or_create(folder / "keys")
        return [MattersPart(part.counter, keys, BEIJING, StaffClock())]

    async with desk_place(folder, more) as place:
        who = ("138******78", "622700******7899", "zh", 2, "loans")
        new = NewContact("c.1", CALL, "li", "cards", "in", START, START, *who)
        await place.desk.house.store.journal.run(partial(contacts.begin, new=new))
        place.part.seat("li")
        place.part.contacts["li"] = [contact(place.part.caller(CALL), "li", "caller")]
        yield place


async def send(place: DeskPlace, path: str, **form: str) -> Any:
    """Fill a page's form in, as it stands there."""
    page = (await place.desk.get(path)).get_data(as_text=True)
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
    return await place.desk.post(path, hidden | form)


async def opened(place: DeskPlace, **more: str) -> str:
    """A matter of li's; its path."""
    form = {"call": CALL, "subject": SUBJECT, "text": "call him back", "due": "2026-04-01T09:30"}
    answer = await send(place, "/matters/new", **(form | more))
    assert (answer.status_code, answer.location) == (303, "/matters?of=own"), answer.text
    page = (await place.desk.get("/matters?of=own")).get_data(as_text=True)
    path = re.search(r'href="(/matters/01-\d+)"', page)
    assert path is not None, page
    return path[1]


async def test_a_matter_is_opened_answered_and_closed_by_forms(tmp_path: Path) -> None:
    async with matters_at(tmp_path) as place:
        await place.desk.login(place.people["li"])
        path = await opened(place)
        page = (await place.desk.get(path)).get_data(as_text=True)
        for words in ("Papers &lt;b&gt;missing&lt;/b&gt;", "call him back", "2026-04-01 09:30:00"):
            assert words in page, words
        early = await send(place, path, kind="close")
        assert (early.status_code, MATTER_WORDS["zh"]["no_no_result"] in early.text) == (409, True)
        empty = await send(place, path, kind="result", text=" ")
        assert (empty.status_code, MATTER_WORDS["zh"]["no_empty"] in empty.text) == (409, True)
        for form in (
            {"kind": "hand", "to": "seat:wu"},
            {"kind": "result", "text": "sent\r\nby post"},
            {"kind": "close"},
        ):
            done = await send(place, path, **form)
            assert (done.status_code, done.location) == (303, path), form
        page = (await place.desk.get(path)).get_data(as_text=True)
        assert "sent\nby post" in page
        assert MATTER_WORDS["zh"]["is_closed"] in page
        assert "<textarea" not in page
        await place.desk.login(place.people["wu"])
        found = (await place.desk.get("/matters?of=all&state=closed&person=wu")).text
        assert path in found
        assert path not in (await place.desk.get("/matters?of=all&state=open")).text


async def test_a_group_is_called_by_its_queue(tmp_path: Path) -> None:
    async with matters_at(tmp_path) as place:
        wu, journal = place.people["wu"], place.desk.house.store.journal
        wanted = SeatChange(skills={"loss": 5, "odd_one": 3})
        by = Actor(wu.name, "supervisor", "")
        await journal.run(partial(seats.change, person_id="li", wanted=wanted, by=by))
        await place.desk.login(place.people["li"])
        form = (await place.desk.get("/matters/new")).text
        assert '<option value="skill:loss">挂失组</option>' in form
        assert '<option value="skill:odd_one">odd_one组</option>' in form, (
            "no queue has a name for it"
        )
        path = await opened(place, to="skill:loss")
        for page, words in ((path, "挂失组"), ("/matters?of=own", "挂失组")):
            assert words in (await place.desk.get(f"{page}")).text
        assert "Card loss group" in (await place.desk.get(f"{path}?lang=en")).text


async def test_the_desks_link_chooses_its_call(tmp_path: Path) -> None:
    async with matters_at(tmp_path) as place:
        other = contact(place.part.caller("01-1-8"), "li", "caller")
        place.part.contacts["li"].insert(0, other)
        await place.desk.login(place.people["li"])
        page = (await place.desk.get(f"/matters/new?call={CALL}")).text
        assert re.findall(r'<option value="(01-[^"]*)" selected', page) == [CALL]


async def test_a_form_keeps_what_was_written_and_is_sent_once(tmp_path: Path) -> None:
    async with matters_at(tmp_path) as place:
        await place.desk.login(place.people["li"])
        wrong = await send(
            place, "/matters/new", call=CALL, subject="x", text="kept words", due="2026-03-01T09:30"
        )
        assert (wrong.status_code, "kept words" in wrong.text) == (409, True)
        assert MATTER_WORDS["zh"]["no_bad_request"] in wrong.text
        path = await opened(place)
        page = (await place.desk.get(path)).get_data(as_text=True)
        form = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))
        form |= {"kind": "note", "text": "twice clicked"}
        for _ in range(2):
            assert (await place.desk.post(path, form)).status_code == 303
        assert (await place.desk.get(path)).text.count("twice clicked") == 1
        assert (await place.desk.get("/matters/01-999999")).status_code == 404


@pytest.mark.parametrize(
    ("name", "status", "new"), [("li", 200, 200), ("sun", 200, 403), ("chen", 403, 403)]
)
async def test_who_gets_there(tmp_path: Path, name: str, status: int, new: int) -> None:
    async with matters_at(tmp_path) as place:
        assert (await place.desk.get("/matters")).status_code in (302, 303)
        await place.desk.login(place.people[name])
        assert (await place.desk.get("/matters")).status_code == status
        assert (await place.desk.get("/matters/new")).status_code == new


def test_every_no_of_the_node_has_words() -> None:
    for words in MATTER_WORDS.values():
        assert {f"no_{code}" for code in WHY} <= set(words)
