"""What the room tells the machine of people: whose customer somebody is, and who listens."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.bank_process import Voice
from support.calls_house import CARD, PIN
from support.teller_scene import OPTIONS, Phone, Scene, scene
from telebank import sip
from telebank.agents.board import CallRow
from telebank.calls.tellers.known import Known, known
from telebank.store.customer_records import CustomerRecord

NUMBER = "peer"
"""Whom scenes call from."""
LI, WANG, CHEN = 900.0, 1_100.0, 1_300.0


@pytest.fixture
async def it(tmp_path: Path, voice: Voice) -> AsyncIterator[Scene]:
    options = replace(OPTIONS, own_seats={CARD[:8]: "wang"}, important={CARD[:4]: 7})
    async with scene(tmp_path, voice, options) as found:
        yield found


async def seated(it: Scene, person: str, extension: str, hertz: float) -> Phone:
    phone = await it.phone(extension, hertz)
    assert it.room.enter(person, person.title(), extension, {"general": 5}) is None
    assert it.room.want(person, "ready") is None
    return phone


async def talking(it: Scene, phone: Phone) -> str:
    """Somebody talks with the seat of a phone; the reference of the call."""
    await it.caller("one")
    await it.answers(phone)
    async with asyncio.timeout(30):
        while True:
            for row in it.room.rows(for_supervisor=True):
                if isinstance(row, CallRow) and row.state == "talking":
                    return row.key
            await it.pause(0.05)


async def test_his_own_teller_is_rung_for_who_proved_himself(it: Scene) -> None:
    await seated(it, "li", "8001", LI)
    wang = await seated(it, "wang", "8002", WANG)
    await it.caller("one", keys=f"11{CARD}#{PIN}#0")
    await it.answers(wang)
    row = await it.state("SeatRow", "wang", "talking")
    card = it.room.row("CallRow", row.call, for_supervisor=True)
    assert isinstance(card, CallRow)
    assert card.level > 0
    (talk,) = it.room._talks.values()
    assert (talk.caller.own_seat, talk.caller.level) == ("wang", 7)
    assert (talk.caller.language, talk.caller.business) == ("zh", "main")


async def test_who_listens_is_rung_for_nobody_until_he_listens_no_more(it: Scene) -> None:
    li = await seated(it, "li", "8001", LI)
    await talking(it, li)
    chen = await seated(it, "chen", "8003", CHEN)
    assert it.room.monitor("chen", "li") is None
    assert (await it.state("SeatRow", "chen", "busy")).reason == "listening"
    await it.answers(chen)
    await it.house.happens("floor.monitor")
    assert it.room.stop("chen") is None
    await chen.has(sip.CallEnded)
    await it.state("SeatRow", "chen", "ready")
    assert it.room.monitor("chen", "li") is None
    await it.answers(chen)
    await it.state("SeatRow", "chen", "busy")
    chen.hangs_up()
    await it.state("SeatRow", "chen", "ready")
    assert it.room.want("chen", "break", "lunch") is None
    assert it.room.monitor("chen", "li") is None
    await chen.rings()
    chen.refuses(486)
    assert (await it.state("SeatRow", "chen", "break")).reason == "lunch"


async def test_who_listened_and_took_the_caller_is_ready_after_him(it: Scene) -> None:
    li = await seated(it, "li", "8001", LI)
    ref = await talking(it, li)
    chen = await seated(it, "chen", "8003", CHEN)
    assert it.room.monitor("chen", "li") is None
    await it.answers(chen)
    await it.house.happens("floor.monitor")
    assert it.room.intercept("chen", "li") is None
    row = await it.state("SeatRow", "chen", "talking")
    assert (row.next_state, row.call) == ("", ref)


async def test_one_who_listens_is_rung_once_and_takes_no_second_caller(it: Scene) -> None:
    """At two phones, one of them that of a desk which he took later."""
    li, wang = await seated(it, "li", "8001", LI), await seated(it, "wang", "8002", WANG)
    ref = await talking(it, li)
    await it.caller("two")
    await it.answers(wang)
    await it.state("SeatRow", "wang", "talking")
    phone = await it.phone("8003", CHEN)
    assert it.room.monitor("chen", "li", "8003") is None
    assert it.room.monitor("chen", "wang", "8003") == "wrong_state"
    await it.answers(phone)
    heard = await it.house.happens("floor.monitor")
    assert (heard.actor, heard.role, heard.detail["phone"]) == ("chen", "supervisor", "8003")
    desk = await seated(it, "chen", "8004", CHEN)
    await it.caller("three")
    await it.answers(desk)
    await it.state("SeatRow", "chen", "talking")
    assert it.room.intercept("chen", "li") == "wrong_state"
    card = it.room.row("CallRow", ref, for_supervisor=True)
    assert isinstance(card, CallRow)
    assert card.seat == "li"


class Said:
    """What is said of one customer: proved, or by the number that he calls from."""

    def __init__(self, record: CustomerRecord, number: str = "") -> None:
        self.record = record
        self.number = number

    def of(self, customer: str, number: str) -> CustomerRecord | None:
        fits = number == self.number if self.number else customer
        return self.record if fits else None


async def test_what_his_record_says_comes_before_the_table_of_cards(it: Scene) -> None:
    await seated(it, "li", "8001", LI)
    wang = await seated(it, "wang", "8002", WANG)
    it.room.records = Said(CustomerRecord("x", importance=2))
    await it.caller("one", keys=f"11{CARD}#{PIN}#0")
    await it.answers(wang)
    await it.state("SeatRow", "wang", "talking")
    (talk,) = it.room._talks.values()
    assert (talk.caller.own_seat, talk.caller.level) == ("wang", 2)


async def test_who_calls_from_a_number_of_his_record_has_his_own_teller(it: Scene) -> None:
    li = await seated(it, "li", "8001", LI)
    await seated(it, "wang", "8002", WANG)
    it.room.records = Said(CustomerRecord("x", importance=8, teller="li"), NUMBER)
    await it.caller("one")
    await it.answers(li)
    row = await it.state("SeatRow", "li", "talking")
    (talk,) = it.room._talks.values()
    assert (talk.caller.own_seat, talk.caller.level, talk.caller.customer) == ("li", 8, "")
    card = it.room.row("CallRow", row.call, for_supervisor=True)
    assert isinstance(card, CallRow)
    assert (card.level, card.customer) == (0, ""), "a number proves nothing"


@pytest.mark.parametrize(
    ("said", "card", "expected"),
    [
        (None, "6227", Known(3, "wang")),
        (None, "", Known(0, "")),
        (CustomerRecord("x"), "6227", Known(3, "wang")),
        (CustomerRecord("x", importance=0), "6227", Known(0, "wang")),
        (CustomerRecord("x", teller="li"), "6227", Known(3, "li")),
        (CustomerRecord("x", 9, "li"), "", Known(9, "li")),
    ],
)
def test_each_of_the_two_is_decided_for_itself(
    said: CustomerRecord | None, card: str, expected: Known
) -> None:
    options = replace(OPTIONS, own_seats={"6227": "wang"}, important={"6227": 3})
    assert known(options, said, card) == expected
