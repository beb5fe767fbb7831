"""A teller's browser as his telephone, at a node with real RTP, DTLS and a media worker."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.bank_process import Voice
from support.teller_browser import Browser, offer
from support.teller_calls import NUMBER, calls
from support.teller_scene import OPTIONS, QUEUE, Ear, Scene, scene
from telebank import sip
from telebank.agents.board import SeatRow
from telebank.calls.tellers import browser_line
from telebank.calls.tellers.browser_phone import BROWSER, OFFERS_A_MINUTE, OfferRefused

LI, WANG, CALLER = 900.0, 1_100.0, 700.0


PATIENT = replace(OPTIONS, queues=(replace(QUEUE, rings_s=120.0),))


@pytest.fixture
async def it(tmp_path: Path, voice: Voice, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Scene]:
    """Nobody gives up before a slow machine has answered."""
    monkeypatch.setattr(browser_line, "PATIENCE_S", 60.0)
    async with scene(tmp_path, voice, PATIENT) as found:
        yield found


async def seated(it: Scene, person: str, hertz: float) -> Browser:
    """Somebody whose browser is his telephone; its line is up."""
    page = Browser(person, hertz)
    it.stack.callback(page.close)
    assert it.room.enter(person, person.title(), BROWSER, {"general": 5}) is None
    assert row(it, person).line == "wanted"
    await page.opens(it.room)
    await line(it, person, "up")
    assert it.room.want(person, "ready") is None
    return page


def row(it: Scene, seat: str) -> SeatRow:
    found = it.room.row("SeatRow", seat, for_supervisor=False)
    assert isinstance(found, SeatRow)
    return found


async def line(it: Scene, seat: str, state: str) -> None:
    """Wait until the board shows the line so."""
    async with asyncio.timeout(30):
        while row(it, seat).line != state:
            await it.pause(0.04)


async def channels(it: Scene, count: int) -> None:
    """Wait until so many are open: one is closed a moment after it is given up."""
    async with asyncio.timeout(30):
        while it.house.node.counts()["media_channels"] != count:
            await it.pause(0.04)


async def test_it_is_rung_answered_by_the_page_and_stays_up_between_calls(it: Scene) -> None:
    page = await seated(it, "li", LI)
    for name in ("one", "two"):
        caller = await it.caller(name)
        call = (await it.state("SeatRow", "li", "ringing")).call
        assert (row(it, "li").rings, row(it, "li").line) == (True, "wanted")
        assert it.room.answer("li") is None
        it.ears.append(ear := await page.opens(it.room))
        await it.state("CallRow", call, "talking")
        assert not row(it, "li").rings
        await it.talk()
        assert ear.hears(CALLER)
        assert caller.ear.hears(LI)
        caller.hangs_up()
        await it.state("SeatRow", "li", "wrap_up")
        it.ears.clear()
        assert it.room.wrapped("li") is None
        await it.state("SeatRow", "li", "ready")
        assert row(it, "li").line == "up"
        await channels(it, 1)
    assert it.room.leave("li") is None
    await it.house.idle()


async def talking(it: Scene, page: Browser) -> tuple[Ear, str]:
    """A caller talks with the seat of a page; the reference of his call."""
    await it.caller("one")
    call = (await it.state("SeatRow", page.seat, "ringing")).call
    assert it.room.answer(page.seat) is None
    it.ears.append(await page.opens(it.room))
    await it.state("CallRow", call, "talking")
    return it.ears[-1], call


async def test_a_page_loaded_anew_in_mid_call_takes_its_place_and_is_whispered_to(
    it: Scene,
) -> None:
    page = await seated(it, "li", LI)
    before, call = await talking(it, page)
    supervisor = await it.phone("8002", WANG)
    assert it.room.whisper("wu", "li", "8002") is None
    whisperer = await it.answers(supervisor)
    await it.talk()
    assert before.hears(CALLER)
    assert before.hears(WANG)
    it.ears.remove(before)
    it.ears.append(after := await page.opens(it.room))
    await line(it, "li", "up")
    await it.talk()
    assert after.hears(CALLER)
    assert after.hears(WANG)
    assert it.ears[0].hears(LI)
    assert not it.ears[0].hears(WANG)
    assert whisperer.hears(LI)
    assert it.room.row("CallRow", call, for_supervisor=False).state == "talking"
    await channels(it, 3)  # the leg before is closed
    assert it.room.hold("li") is None
    await it.talk()
    assert not it.ears[0].hears(LI)


async def test_who_is_consulted_is_rung_at_his_page_and_may_decline(it: Scene) -> None:
    page = await seated(it, "li", LI)
    ear, call = await talking(it, page)
    other = await seated(it, "wang", WANG)
    assert it.room.consult("li", "seat:wang") is None
    await it.state("CallRow", call, "consulting")
    await line(it, "wang", "wanted")
    assert row(it, "wang").rings
    assert it.room.hang_up("wang") is None
    await it.state("CallRow", call, "talking")
    assert not row(it, "wang").rings
    await it.state("SeatRow", "wang", "ready")
    assert it.room.consult("li", "seat:wang") is None
    await line(it, "wang", "wanted")
    it.ears.append(consulted := await other.opens(it.room))
    assert it.room.answer("wang") is None
    async with asyncio.timeout(30):
        while row(it, "wang").rings or it.room.three_way("li") is not None:
            await it.pause(0.04)
    await it.talk()
    assert consulted.hears(CALLER)
    assert ear.hears(WANG)
    assert it.ears[0].hears(WANG)


async def test_a_page_without_sound_is_passed_over_and_the_call_goes_to_another(
    it: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser_line, "PATIENCE_S", 1.0)
    await seated(it, "li", LI)
    caller = await it.caller("one")
    call = (await it.state("SeatRow", "li", "ringing")).call
    assert it.room.answer("li") is None, "it is taken as soon as there is sound"
    found = await it.state("SeatRow", "li", "busy")
    assert (found.reason, found.rings) == ("unreachable", False)
    wang = await it.phone("8001", WANG)
    assert it.room.enter("wang", "Wang", "8001", {"general": 5}) is None
    assert it.room.want("wang", "ready") is None
    await it.answers(wang)
    await it.state("CallRow", call, "talking")
    await it.talk()
    assert caller.ear.hears(WANG)


async def test_sound_that_is_lost_is_on_the_board_and_may_come_back(
    tmp_path: Path, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser_line, "PATIENCE_S", 60.0)
    async with scene(tmp_path, voice, PATIENT, media_timeout_s=6.0) as it:
        page = await seated(it, "li", LI)
        ear, call = await talking(it, page)
        it.ears.remove(ear)  # its page is silent from now on
        await line(it, "li", "lost")
        assert it.room.row("CallRow", call, for_supervisor=False).state == "talking"
        it.ears.append(ear := await page.opens(it.room))
        await line(it, "li", "up")
        await it.talk()
        assert ear.hears(CALLER)
        monkeypatch.setattr(browser_line, "KEPT_S", 0.2)
        it.ears.remove(ear)
        await it.state("SeatRow", "li", "wrap_up")
        assert row(it, "li").line == "lost"
        ended = await it.house.happens("contact.ended")
        assert ended.detail["how"] == "lost"


async def test_what_cannot_be_taken_is_refused(it: Scene) -> None:
    assert await it.room.offer("li", offer(), "") == OfferRefused("no_seat")
    await it.phone("8001", WANG)
    assert it.room.enter("wang", "Wang", "8001", {"general": 5}) is None
    assert await it.room.offer("wang", offer(), "") == OfferRefused("wrong_state")
    assert it.room.enter("li", "Li", BROWSER, {"general": 5}) is None
    good = offer()
    bad = [
        "hello",
        good.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"),
        good.replace("a=ice-ufrag:page\r\n", "").replace("a=ice-pwd", "a=x"),
        good.replace("t=0 0\r\n", "t=0 0\r\na=ice-lite\r\n"),
        offer(formats="8 126"),
        offer(direction="a=recvonly\r\n"),
        good + "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n",
        good.replace("a=rtcp-mux\r\n", ""),
        good.replace("sha-256", "sha-1"),
    ]
    for one in bad:
        refused = await it.room.offer("li", one, "127.0.0.1")
        assert isinstance(refused, OfferRefused), one
        assert refused.code == "bad_offer", one
        assert refused.why, one
    assert row(it, "li").line == "wanted"
    await channels(it, 0)
    both = await asyncio.gather(*(it.room.offer("li", good, "127.0.0.1") for _ in range(2)))
    assert OfferRefused("one_offer") in both
    for _ in range(OFFERS_A_MINUTE - len(bad) - 1):
        assert isinstance(await it.room.offer("li", good, "127.0.0.1"), str)
    assert await it.room.offer("li", good, "127.0.0.1") == OfferRefused("too_many_offers")
    await channels(it, 1)


async def test_sound_that_is_lost_while_a_number_is_rung_ends_the_call(
    tmp_path: Path, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(browser_line, "PATIENCE_S", 60.0)
    async with calls(tmp_path, voice) as at:
        await seated(at.it, "li", LI)
        assert await at.it.room.call("li", NUMBER) is None
        await at.rings()
        phone = at.it.room._seats["li"].browser
        assert phone is not None
        phone.close()  # as when it did not come back in time
        await at.exchange.has(sip.CallEnded)
        failed = await at.it.house.happens("call.failed")
        assert failed.detail["why"] == "unreachable"
        await at.it.state("SeatRow", "li", "ready")
