"""Callers and tellers at a node with real SIP, RTP and a media worker."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.bank_process import Voice
from support.teller_scene import CallerAt, Phone, Scene, scene
from telebank import sip
from telebank.agents.board import CallRow, QueueRow, SeatRow
from telebank.calls.tellers import phone_line, transfers
from telebank.calls.tellers.room import TellerRoom
from telebank.flow.commands import Spoken

LI, WANG, CHEN, CALLER = 900.0, 1_100.0, 1_300.0, 700.0
FLAT = 450.0


@pytest.fixture
async def it(tmp_path: Path, voice: Voice) -> AsyncIterator[Scene]:
    async with scene(tmp_path, voice) as found:
        yield found


async def seated(it: Scene, person: str, extension: str, hertz: float) -> Phone:
    phone = await it.phone(extension, hertz)
    assert it.room.enter(person, person.title(), extension, {"general": 5}) is None
    assert it.room.want(person, "ready") is None
    return phone


def heard(who: Phone | CallerAt) -> set[float]:
    """The people whom somebody heard at the end of the last talk."""
    assert who.ear is not None
    return {hertz for hertz in (LI, WANG, CHEN, CALLER) if who.ear.hears(hertz)}


async def talking(it: Scene, phone: Phone, name: str = "one") -> tuple[CallerAt, str]:
    """A caller talks with the seat of a phone; the reference of his call."""
    caller = await it.caller(name)
    await it.answers(phone)
    (row,) = [row for row in it.room.rows(for_supervisor=True) if isinstance(row, CallRow)]
    await it.state("CallRow", row.key, "talking")
    return caller, row.key


async def test_who_watches_queues_and_seats_makes_no_row_of_a_call(
    it: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await talking(it, await seated(it, "li", "8001", LI))
    rows = it.room.rows(for_supervisor=False)
    monkeypatch.delattr(TellerRoom, "_call_row")
    monkeypatch.delattr(TellerRoom, "_seat_row")
    assert it.room.queue_rows() == [row for row in rows if isinstance(row, QueueRow)]
    assert it.room.seat_states() == {"talking": 1}


async def test_nobody_on_duty_is_said_as_ever(it: Scene) -> None:
    await it.caller("one")
    await it.house.happens("node.entered", node="no_agent")


async def test_the_menus_have_an_end_again_when_nobody_is_on_duty(it: Scene) -> None:
    await it.caller("one")
    await it.house.happens("node.entered", node="no_agent")
    (call,) = it.house.node._calls.values()
    assert call._too_long is not None
    assert not call._too_long.cancelled()


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


async def test_a_caller_who_hangs_up_while_it_rings_stops_the_ringing(it: Scene) -> None:
    phone = await seated(it, "li", "8001", LI)
    caller = await it.caller("one")
    await phone.rings()
    caller.hangs_up()
    ended = await phone.has(sip.CallEnded)
    assert ended.by == "cancel"
    await it.state("SeatRow", "li", "ready")
    await it.house.idle()


async def test_a_phone_that_is_busy_declines_or_says_nothing_is_passed_over(it: Scene) -> None:
    silent = await it.phone("8009", LI)
    await silent.endpoint.close()
    assert it.room.enter("gone", "Gone", "8009", {"general": 5}) is None
    it.room.want("gone", "ready")
    for person, extension in (("li", "8001"), ("wang", "8002"), ("chen", "8003")):
        await seated(it, person, extension, CHEN)
    caller = await it.caller("one")
    for person, extension, status in (("li", "8001", 486), ("wang", "8002", 603)):
        await it.phones[extension].rings()
        it.phones[extension].refuses(status)
        row = await it.state("SeatRow", person, "busy")
        assert row.reason == {486: "busy", 603: "declined"}[status]
    gone = it.room.row("SeatRow", "gone", for_supervisor=True)
    assert isinstance(gone, SeatRow)
    assert (gone.state, gone.reason) == ("busy", "unreachable")
    await it.answers(it.phones["8003"])
    await it.state("SeatRow", "chen", "talking")
    await it.talk()
    assert caller.ear.hears(CHEN)


async def test_on_hold_the_caller_hears_music_and_the_teller_nobody(it: Scene) -> None:
    phone = await seated(it, "li", "8001", LI)
    caller, ref = await talking(it, phone)
    assert it.room.resume("li") == "wrong_state"
    assert it.room.hold("li") is None
    await it.talk(0.3)
    await it.talk()
    assert (heard(caller), heard(phone)) == (set(), set())
    assert it.room.hold("li") == "wrong_state"
    assert it.room.resume("li") is None
    await it.talk(0.3)
    await it.talk()
    assert (heard(caller), heard(phone)) == ({LI}, {CALLER})
    assert it.room.hang_up("li") is None
    await phone.has(sip.CallEnded)
    await it.state("CallRow", ref, "gone")
    await caller.sip.request("BYE", 10)
    await it.house.idle()


def nodes_entered(it: Scene) -> list[str]:
    """The menu nodes that callers came to, in their order."""
    return [one.detail["node"] for one in it.house.log.events if one.kind == "node.entered"]


async def test_the_caller_is_given_back_to_the_menu(it: Scene) -> None:
    phone = await seated(it, "li", "8001", LI)
    caller, _ = await talking(it, phone)
    assert it.room.menu("li") is None
    await phone.has(sip.CallEnded)
    await it.house.happens("contact.ended", how="menu")
    async with asyncio.timeout(40):
        while nodes_entered(it).count("front") < 2:
            await asyncio.sleep(0.02)
    assert "no_agent" not in nodes_entered(it)
    caller.hangs_up()
    await it.house.idle()


async def test_consult_three_way_and_attended_transfer(it: Scene) -> None:
    li, wang = await seated(it, "li", "8001", LI), await seated(it, "wang", "8002", WANG)
    caller, ref = await talking(it, li)
    assert it.room.consult("li", "seat:nobody") == "unknown_target"
    assert it.room.consult("li", "seat:wang") is None
    assert it.room.three_way("li") == "wrong_state"
    assert it.room.transfer("li", "", blind=False) == "wrong_state"
    await it.answers(wang)
    await it.talk(0.4)
    await it.talk()
    assert (heard(li), heard(wang), heard(caller)) == ({WANG}, {LI}, set())
    assert it.room.three_way("li") is None
    await it.talk(0.3)
    await it.talk()
    assert (heard(caller), heard(wang)) == ({LI, WANG}, {CALLER, LI})
    assert it.room.transfer("li", "", blind=False) is None
    row = await it.state("CallRow", ref, "talking")
    assert (row.seat, row.others) == ("wang", ())
    await li.has(sip.CallEnded)
    await it.talk(0.3)
    await it.talk()
    assert heard(caller) == {WANG}
    wang.hangs_up()
    await caller.sip.request("BYE", 10)
    await it.house.idle()


async def test_who_is_consulted_and_does_not_answer_leaves_the_talk_as_it_was(it: Scene) -> None:
    li, wang = await seated(it, "li", "8001", LI), await seated(it, "wang", "8002", WANG)
    caller, ref = await talking(it, li)
    assert it.room.consult("li", "seat:wang") is None
    await wang.rings()
    wang.refuses(486)
    await it.state("CallRow", ref, "talking")
    await it.state("SeatRow", "wang", "ready")
    assert it.room.consult("li", "seat:wang") is None
    await wang.rings()
    assert it.room.consult_end("li") is None
    await wang.has(sip.CallEnded)
    await it.state("SeatRow", "wang", "ready")
    await it.talk(0.3)
    await it.talk()
    assert caller.ear.hears(LI)


async def test_who_is_consulted_and_whose_phone_rings_late_is_rung_no_longer(
    it: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it took the phone to say so counts."""
    monkeypatch.setattr(phone_line, "FIRST_WORD_S", 60.0)
    monkeypatch.setattr(transfers, "CONSULT_S", 6.0)
    li, wang = await seated(it, "li", "8001", LI), await seated(it, "wang", "8002", WANG)
    _, ref = await talking(it, li)
    assert it.room.consult("li", "seat:wang") is None
    offered = await wang.has(sip.CallOffered)
    await it.pause(5.0)
    wang.endpoint.perform(wang.endpoint.agent.ring(offered.leg, wang.endpoint.now()))
    async with asyncio.timeout(4):
        assert (await wang.has(sip.CallEnded)).by == "cancel"
    await it.state("CallRow", ref, "talking")


async def test_a_blind_transfer_to_a_queue_rings_the_next_seat(it: Scene) -> None:
    li, wang = await seated(it, "li", "8001", LI), await seated(it, "wang", "8002", WANG)
    caller, ref = await talking(it, li)
    assert it.room.transfer("li", "queue:none", blind=True) == "unknown_target"
    assert it.room.transfer("li", "queue:general", blind=True) is None
    await li.has(sip.CallEnded)
    await it.answers(wang)
    row = await it.state("CallRow", ref, "talking")
    assert row.seat == "wang"
    await it.talk()
    assert caller.ear.hears(WANG)


async def test_a_supervisor_listens_whispers_barges_in_and_takes_the_caller(it: Scene) -> None:
    li, chen = await seated(it, "li", "8001", LI), await seated(it, "chen", "8003", CHEN)
    caller, ref = await talking(it, li)
    assert it.room.monitor("boss", "li") == "no_phone"
    assert it.room.monitor("chen", "li") is None
    await it.answers(chen)
    await it.house.happens("floor.monitor")
    await it.talk(0.3)
    await it.talk()
    assert (heard(chen), heard(li), heard(caller)) == ({LI, CALLER}, {CALLER}, {LI})
    seen, hidden = (it.room.row("SeatRow", "li", for_supervisor=who) for who in (True, False))
    assert isinstance(seen, SeatRow)
    assert isinstance(hidden, SeatRow)
    assert (seen.watched_by, hidden.watched_by) == ("chen", "")
    assert it.room.whisper("chen", "li") is None
    await it.talk(0.3)
    await it.talk()
    assert (heard(li), heard(caller)) == ({CALLER, CHEN}, {LI})
    assert it.room.barge("chen", "li") is None
    await it.talk(0.3)
    await it.talk()
    assert (heard(li), heard(caller)) == ({CALLER, CHEN}, {LI, CHEN})
    assert it.room.intercept("chen", "li") is None
    await li.has(sip.CallEnded)
    row = await it.state("CallRow", ref, "talking")
    assert row.seat == "chen"
    await it.talk()
    assert (heard(caller), heard(chen)) == ({CHEN}, {CALLER})
    await it.state("SeatRow", "li", "wrap_up")


async def test_what_a_hang_up_cuts_off_was_not_heard(it: Scene) -> None:
    phone = await seated(it, "li", "8001", LI)
    caller, ref = await talking(it, phone)
    port, heard = it.room.caller_of("li", ref), list[bool]()
    assert not isinstance(port, str)
    served = port.served("li")
    assert served.say((Spoken("queue.number"),), heard.append)
    async with asyncio.timeout(30):
        while not heard:
            await it.pause(0.1)
    assert heard == [True]
    assert served.say((Spoken("queue.number"),), heard.append)
    await it.pause(0.2)
    caller.hangs_up()
    await it.house.idle()
    assert heard in ([True], [True, False])


async def test_what_somebody_learns_while_he_sits_there_counts_at_once(it: Scene) -> None:
    phone = await it.phone("8001", LI)
    assert it.room.enter("li", "Li", "8001", {"other": 5}) is None
    assert it.room.want("li", "ready") is None
    assert (await it.state("SeatRow", "li", "ready")).queues == ()
    it.room.learn("li", "Li Na", {"general": 5})
    row = await it.state("SeatRow", "li", "ready")
    assert (row.name, row.queues) == ("Li Na", ("general",))
    it.room.learn("nobody", "Nobody", {"general": 5})
    await it.caller("one")
    await phone.rings()
    await it.state("SeatRow", "li", "ringing")
