"""Calls that tellers make people: back to who kept his place, to numbers, to thirds."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from support.bank_process import Voice
from support.calls_house import CARD, PIN
from support.teller_calls import (
    DEAR,
    LI,
    NUMBER,
    OPTIONS,
    OTHER,
    QUEUE,
    Calls,
    calls,
    kept,
    row_of,
    rows,
    seated,
)
from support.teller_scene import CallerAt, Ear, Phone
from telebank import sip
from telebank.agents.board import SeatRow
from telebank.agents.commands import Announce
from telebank.calls import dialling
from telebank.calls.dialling import Dialled, Dialling
from telebank.calls.faxes.tolls import Refusal, Target
from telebank.calls.tellers import customer, customer_line
from telebank.calls.tellers.caller import AtTellers

WANG, CALLER, BACK = 1_100.0, 700.0, 1_800.0
RING_BACK = 450.0


@pytest.fixture
async def at(tmp_path: Path, voice: Voice) -> AsyncIterator[Calls]:
    async with calls(tmp_path, voice, hertz=BACK) as found:
        yield found


async def heard(at: Calls, ear: Ear, hertz: float) -> None:
    """Everybody talks until somebody hears a tone."""
    async with asyncio.timeout(30):
        while not ear.hears(hertz):
            await at.it.talk(0.3)


async def free_again(at: Calls, phone: Phone, first: CallerAt) -> None:
    """The teller's talk is over, and it is the next one's turn."""
    first.hangs_up()
    await phone.has(sip.CallEnded)
    at.it.ears.clear()


async def test_who_keeps_his_place_is_called_back_when_it_is_his_turn(at: Calls) -> None:
    phone, first, ref = await kept(at)
    await at.caller("three", OTHER)
    await row_of(at, state="waiting", call_back=False)
    await free_again(at, phone, first)
    teller = await phone.answers()
    at.it.ears.append(teller)
    card = await row_of(at, key=ref, state="ringing", seat="li", call_back=True)
    assert (card.level, card.caller) == (0, "138******00")
    assert await at.rings() == NUMBER
    await heard(at, teller, RING_BACK)
    back = await at.picks_up()
    await at.it.pause(0.5)
    back.peer.press("1")
    await row_of(at, key=ref, state="talking", call_back=False)
    await heard(at, teller, BACK)
    await heard(at, back, LI)
    assert len([row for row in rows(at) if row.state == "waiting"]) == 1
    begun = [one for one in at.it.kept.begun_ if one.call == ref]
    assert [(one.direction, one.queue, one.seat) for one in begun] == [("out", "general", "li")]
    at.exchange.hangs_up()
    await phone.has(sip.CallEnded)
    await at.it.house.happens("contact.ended", how="caller")
    ((job, seconds, over),) = await _counted(at)
    assert job.startswith("call:")
    assert over
    assert seconds < 60


async def _counted(at: Calls) -> list[tuple[str, int, bool]]:
    async with asyncio.timeout(20):
        while not all(over for _, _, over in at.dials()):
            await asyncio.sleep(0.05)
    return at.dials()


async def test_who_is_called_back_has_proved_nothing(at: Calls) -> None:
    """Whatever he had proved when he called: the card shows whose it was, and no more."""
    await kept(at, keys=f"11{CARD}#{PIN}#0")
    (row,) = [row for row in rows(at) if row.call_back]
    assert row.level == 0
    assert row.customer.startswith(CARD[:6])


async def test_who_is_not_reached_is_tried_again_and_then_no_more(at: Calls) -> None:
    phone, first, ref = await kept(at)
    await free_again(at, phone, first)
    for _ in range(2):
        at.it.ears.append(await phone.answers())
        assert await at.rings() == NUMBER
        at.exchange.refuses(486)
        await phone.has(sip.CallEnded)
        at.it.ears.clear()
    left = await at.it.house.happens("queue.left", how="unreachable")
    assert left.call == ref
    assert rows(at) == []
    await at.it.state("SeatRow", "li", "ready")
    assert not at.it.kept.begun_[1:]


async def test_a_machine_presses_no_key(at: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer, "ANSWER_S", 0.2)
    phone, first, ref = await kept(at)
    await free_again(at, phone, first)
    at.it.ears.append(await phone.answers())
    await at.rings()
    await at.picks_up()
    await row_of(at, key=ref, not_reached="machine", state="waiting")
    await phone.has(sip.CallEnded)
    assert (await at.exchange.has(sip.CallEnded)).by


async def test_he_may_not_want_it_any_more(at: Calls) -> None:
    phone, first, ref = await kept(at)
    await free_again(at, phone, first)
    at.it.ears.append(await phone.answers())
    await at.rings()
    back = await at.picks_up()
    await at.it.pause(0.3)
    back.peer.press("2")
    left = await at.it.house.happens("queue.left", how="cancelled")
    assert left.call == ref
    await phone.has(sip.CallEnded)
    await at.exchange.has(sip.CallEnded)
    await at.it.state("SeatRow", "li", "ready")


async def test_a_teller_who_does_not_take_it_leaves_his_place_as_it_is(at: Calls) -> None:
    phone, first, ref = await kept(at)
    other = await seated(at, "wang", "8002", WANG)
    assert at.it.room.want("wang", "break", "lunch") is None
    await free_again(at, phone, first)
    await phone.rings()
    phone.refuses(486)
    await at.it.state("SeatRow", "li", "busy")
    await row_of(at, key=ref, call_back=True, state="waiting")
    assert at.it.room.want("wang", "ready") is None
    at.it.ears.append(await other.answers())
    assert await at.rings() == NUMBER
    other.hangs_up()  # he does not want it after all
    await at.exchange.has(sip.CallEnded)
    assert (await at.it.state("SeatRow", "wang", "busy")).reason == "declined"
    assert (await row_of(at, key=ref, call_back=True)).state == "waiting"


async def test_he_may_give_another_number(at: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that no rule lets be called is refused, and the choice is his again."""
    offered = asyncio.Event()
    announce = AtTellers.announce

    def announced(port: AtTellers, what: Announce) -> None:
        announce(port, what)
        if what.what == "call_back_offer":
            offered.set()

    monkeypatch.setattr(AtTellers, "announce", announced)
    phone = await seated(at, "li", "8001", LI)
    first = await at.caller("one", DEAR)
    at.it.ears.append(await phone.answers())
    await row_of(at, state="talking")
    second = await at.caller("two")
    async with asyncio.timeout(30):
        while not offered.is_set():
            await at.it.pause(0.05)
    await second.sip.press(f"2{DEAR}#")
    assert not (await row_of(at, state="waiting")).call_back
    await second.sip.press(f"2{OTHER}#")
    kept = await row_of(at, state="waiting", call_back=True)
    assert set(kept.keys.removeprefix("10")) == {"•"}
    await second.sip.request("BYE", 30)
    at.it.ears.remove(second.ear)
    await row_of(at, key=kept.key, direction="out")
    await free_again(at, phone, first)
    at.it.ears.append(await phone.answers())
    assert await at.rings() == OTHER
    at.exchange.refuses(486)
    await row_of(at, key=kept.key, not_reached="busy")


async def test_nobody_is_offered_a_call_that_may_not_be_made(at: Calls) -> None:
    phone = await seated(at, "li", "8001", LI)
    await at.caller("one", OTHER)
    at.it.ears.append(await phone.answers())
    await row_of(at, state="talking")
    second = await at.caller("two", DEAR)
    waits = await row_of(at, state="waiting")
    await at.it.pause(1.0)
    await second.sip.press("1")
    await at.it.pause(0.5)
    assert not (await row_of(at, key=waits.key)).call_back


async def test_a_teller_calls_a_number(at: Calls) -> None:
    phone = await seated(at, "li", "8001", LI)
    assert await at.it.room.call("li", DEAR) == "unknown_target"
    assert await at.it.room.call("nobody", NUMBER) == "no_seat"
    assert await at.it.room.call("li", NUMBER) is None
    assert await at.it.room.call("li", NUMBER) == "wrong_state"
    teller = await phone.answers()
    at.it.ears.append(teller)
    assert await at.rings() == NUMBER
    assert at.exchange_from() == "95588"
    back = await at.picks_up()
    row = await row_of(at, state="talking", direction="out")
    assert (row.queue, row.caller, row.seat) == ("", "138******00", "li")
    await heard(at, teller, BACK)
    await heard(at, back, LI)
    phone.hangs_up()
    await at.exchange.has(sip.CallEnded)
    await at.it.state("SeatRow", "li", "ready")
    assert [(one.direction, one.queue) for one in at.it.kept.begun_] == [("out", "")]


async def test_a_number_that_is_busy_ends_a_tellers_call(at: Calls) -> None:
    phone = await seated(at, "li", "8001", LI)
    assert await at.it.room.call("li", NUMBER) is None
    at.it.ears.append(await phone.answers())
    await at.rings()
    at.exchange.refuses(486)
    await phone.has(sip.CallEnded)
    await at.it.state("SeatRow", "li", "ready")
    assert rows(at) == []
    assert (await at.it.house.happens("call.failed")).detail["why"] == "busy"
    (seat,) = [row for row in at.it.room.rows(for_supervisor=False) if isinstance(row, SeatRow)]
    assert seat.not_called == "busy"


async def test_a_cap_that_is_reached_is_named_and_nothing_rings(
    tmp_path: Path, voice: Voice
) -> None:
    async with calls(tmp_path, voice, per_number_daily=1) as at:
        phone = await seated(at, "li", "8001", LI)
        assert await at.it.room.call("li", NUMBER) is None
        at.it.ears.append(await phone.answers())
        await at.rings()
        at.exchange.refuses(486)
        await phone.has(sip.CallEnded)
        await at.it.state("SeatRow", "li", "ready")
        assert await at.it.room.call("li", NUMBER) == "per_number_daily"
        assert (await at.it.state("SeatRow", "li", "ready")).not_called == "per_number_daily"
        assert (await at.it.house.happens("call.refused")).detail["rule"] == "per_number_daily"
        assert await at.it.room.call("li", OTHER) is None  # another number may be called
        await phone.rings()
        assert (await at.it.state("SeatRow", "li", "talking")).not_called == ""


async def test_a_call_goes_on_by_pieces_and_ends_with_the_days_seconds(
    tmp_path: Path, voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialling, "PIECE_S", 4)
    for name, seconds in (("AHEAD_S", 2.0), ("AGAIN_S", 0.2), ("LAST_WORDS_S", 1.0)):
        monkeypatch.setattr(customer_line, name, seconds)
    async with calls(tmp_path, voice, seconds_daily=10) as at:
        phone = await seated(at, "li", "8001", LI)
        assert await at.it.room.call("li", NUMBER) is None
        at.it.ears.append(await phone.answers())
        await at.rings()
        await at.picks_up()
        await row_of(at, state="talking", limit="")
        await row_of(at, limit="seconds_daily")  # 4 + 4 + 2 are set aside by then
        assert [seconds for _, seconds, _ in at.dials()] == [10]
        await at.it.house.happens("contact.ended", how="limit")
        assert (await at.exchange.has(sip.CallEnded)).by
        await phone.has(sip.CallEnded)
        ((_, seconds, over),) = await _counted(at)
        assert (seconds > 4, over) == (True, True)


@pytest.mark.parametrize("breaks", [False, True])
async def test_a_call_ends_with_what_is_set_aside_while_the_store_is_silent(
    tmp_path: Path, voice: Voice, monkeypatch: pytest.MonkeyPatch, breaks: bool
) -> None:
    asked = asyncio.Event()

    async def silent(_counter: Dialling, _dialled: Dialled) -> Dialled | Refusal:
        asked.set()
        if breaks:
            raise ZeroDivisionError
        return await asyncio.Future()

    monkeypatch.setattr(dialling, "PIECE_S", 4)
    for name, seconds in (("AHEAD_S", 2.0), ("LAST_WORDS_S", 1.0)):
        monkeypatch.setattr(customer_line, name, seconds)
    monkeypatch.setattr(Dialling, "more", silent)
    async with calls(tmp_path, voice) as at:
        phone = await seated(at, "li", "8001", LI)
        assert await at.it.room.call("li", NUMBER) is None
        at.it.ears.append(await phone.answers())
        await at.rings()
        await at.picks_up()
        async with asyncio.timeout(40):
            await asked.wait()
        await at.it.house.happens("contact.ended", how="limit")
        limit = await at.it.house.happens("call.limit")
        assert limit.detail["rule"] == "store"
        assert (await at.exchange.has(sip.CallEnded)).by
        await phone.has(sip.CallEnded)
        ((_, seconds, _),) = await _counted(at)
        assert seconds <= 60


async def test_a_number_is_consulted_and_takes_the_caller(at: Calls) -> None:
    phone = await seated(at, "li", "8001", LI)
    caller = await at.caller("one")
    teller = await phone.answers()
    at.it.ears.append(teller)
    await row_of(at, state="talking")
    assert at.it.room.consult("li", f"number:{DEAR}") == "unknown_target"
    assert at.it.room.consult("li", f"number:{OTHER}") is None
    assert await at.rings() == OTHER
    third = await at.picks_up()
    await row_of(at, state="consulting", others=("number:139******00",))
    await heard(at, teller, BACK)
    assert not caller.ear.hears(BACK)
    assert at.it.room.transfer("li", "", blind=False) is None
    await phone.has(sip.CallEnded)
    at.it.ears.remove(teller)
    await heard(at, caller.ear, BACK)
    await heard(at, third, CALLER)
    at.exchange.hangs_up()
    await caller.sip.request("BYE", 30)


async def test_a_caller_sent_to_a_number_that_is_busy_comes_back(at: Calls) -> None:
    phone = await seated(at, "li", "8001", LI)
    caller = await at.caller("one")
    teller = await phone.answers()
    at.it.ears.append(teller)
    row = await row_of(at, state="talking")
    assert at.it.room.transfer("li", f"number:{OTHER}", blind=True) is None
    await phone.has(sip.CallEnded)
    at.it.ears.remove(teller)
    await at.rings()
    at.exchange.refuses(486)
    at.it.ears.append(await phone.answers())
    await row_of(at, key=row.key, state="talking", seat="li")
    assert at.it.room.transfer("li", f"number:{OTHER}", blind=True) is None
    await at.rings()
    third = await at.picks_up()
    await row_of(at, key=row.key, state="talking")
    await heard(at, caller.ear, BACK)
    await heard(at, third, CALLER)
    caller.hangs_up()
    await at.exchange.has(sip.CallEnded)


async def test_a_number_consulted_anew_at_once_is_called_once_and_hung_up(at: Calls) -> None:
    phone = await seated(at, "li", "8001", LI)
    await at.caller("one")
    teller = await phone.answers()
    at.it.ears.append(teller)
    await row_of(at, state="talking")
    assert at.it.room.consult("li", f"number:{OTHER}") is None
    assert at.it.room.consult_end("li") is None
    assert at.it.room.consult("li", f"number:{OTHER}") is None
    await at.rings()
    await at.picks_up()
    await heard(at, teller, BACK)
    assert at.it.room.consult_end("li") is None
    await at.exchange.has(sip.CallEnded)
    assert len(await _counted(at)) == 1


async def test_who_is_called_back_anew_while_the_store_is_slow_is_called_once(
    at: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, asked, reserve = asyncio.Event(), asyncio.Semaphore(0), Dialling.reserve

    async def slowly(counter: Dialling, ref: str, target: Target) -> Dialled | Refusal:
        found = await reserve(counter, ref, target)
        asked.release()
        await go_on.wait()
        return found

    phone, first, ref = await kept(at)
    monkeypatch.setattr(Dialling, "reserve", slowly)
    await free_again(at, phone, first)
    await phone.answers()
    await asked.acquire()
    phone.hangs_up()
    await at.it.state("SeatRow", "li", "busy")
    assert at.it.room.want("li", "ready") is None
    await phone.answers()
    await asked.acquire()
    go_on.set()
    await at.rings()
    await at.picks_up()
    phone.hangs_up()
    await at.exchange.has(sip.CallEnded)
    await row_of(at, key=ref, state="waiting", call_back=True)
    assert len(await _counted(at)) == 1


async def test_what_a_caller_says_to_a_number_alone_is_not_recorded(
    tmp_path: Path, voice: Voice
) -> None:
    """Also where the teller did not hand him over, but hung up."""
    recorded = replace(OPTIONS, queues=(replace(QUEUE, record=True),))
    async with calls(tmp_path, voice, recorded, hertz=BACK) as at:
        phone = await seated(at, "li", "8001", LI)
        await at.caller("one")
        teller = await phone.answers()
        at.it.ears.append(teller)
        await row_of(at, state="talking", recording=True)
        assert at.it.room.consult("li", f"number:{OTHER}") is None
        await at.rings()
        await at.picks_up()
        await row_of(at, others=("number:139******00",))
        phone.hangs_up()
        row = await row_of(at, state="talking", seat="number:139******00")
        assert not row.recording
