"""Callers and tellers at a node with real SIP, RTP and a media worker."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.bank_process import Voice
from support.simple_centre import SimpleCentre
from support.teller_scene import Phone, Scene, scene
from telebank import sip

LI, WANG, CHEN, CALLER = 900.0, 1_100.0, 1_300.0, 700.0
FLAT = 450.0


@pytest.fixture
async def it(tmp_path: Path, voice: Voice) -> AsyncIterator[Scene]:
    async with scene(tmp_path, voice, SimpleCentre()) as found:
        yield found


async def seated(it: Scene, person: str, extension: str, hertz: float) -> Phone:
    phone = await it.phone(extension, hertz)
    assert it.room.enter(person, person.title(), extension, {"general": 5}) is None
    assert it.room.want(person, "ready") is None
    return phone


async def test_nobody_on_duty_is_said_as_ever(it: Scene) -> None:
    await it.caller("one")
    await it.house.happens("node.entered", node="no_agent")


async def test_a_caller_waits_is_answered_and_both_hear_each_other(it: Scene) -> None:
    phone = await seated(it, "li", "8001", LI)
    caller = await it.caller("one")
    offered = await phone.rings()
    row = await it.state("SeatRow", "li", "ringing")
    assert row.call
    card = await it.state("CallRow", row.call, "ringing")
    assert (card.seat, card.queue, card.keys) == ("li", "general", "10")
    assert offered.from_uri.startswith("sip:peer@")
    it.ears.append(await phone.picks_up(offered))
    await it.state("CallRow", row.call, "talking")
    await it.talk()
    assert it.ears[1].hears(CALLER)
    assert caller.ear.hears(LI)
    assert not caller.ear.hears(FLAT)
    caller.hangs_up()
    await phone.has(sip.CallEnded)
    await it.house.idle()
    assert it.house.node.counts()["claimed"] == 0
    ended = await it.house.happens("contact.ended")
    assert (ended.detail["seat"], ended.detail["how"]) == ("li", "caller")
    assert (await it.state("SeatRow", "li", "wrap_up")).calls_today == 1
