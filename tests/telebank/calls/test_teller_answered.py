"""Who answers a call-back is listened to: what that ends, and what it never ends."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest

from support.answering import Samples, greeting, silence, tone
from support.bank_process import Voice
from support.teller_calls import Calls, calls, kept, row_of
from support.teller_scene import Ear, Phone
from telebank import sip, wire
from telebank.calls.tellers import customer
from telebank.calls.tellers.customer import Customer

FAX = np.concatenate([silence(300), tone(2_100, 2_600), silence(60_000)])
BEEP = tone(1_000, 400)


@pytest.fixture
async def at(tmp_path: Path, voice: Voice) -> AsyncIterator[Calls]:
    async with calls(tmp_path, voice) as found:
        yield found


@pytest.fixture
def guesses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was made known of who answered, of beeps, and that the words were said to their end."""
    found: list[str] = []
    heard = Customer.heard

    def hears(one: Customer, event: object) -> None:
        heard(one, event)
        match event:
            case wire.Answered():
                found.append(event.who)
            case wire.Beeped():
                found.append("beep")
            case wire.PlayEnded(reason="done"):
                found.append("said")

    monkeypatch.setattr(Customer, "heard", hears)
    return found


async def answered(at: Calls, *sounds: Samples) -> tuple[Phone, str, Ear]:
    """Whose place is kept is called back, and this is heard when it is answered."""
    phone, first, ref = await kept(at)
    first.hangs_up()
    await phone.has(sip.CallEnded)
    at.it.ears.clear()
    at.it.ears.append(await phone.answers())
    await at.rings()
    back = await at.picks_up()
    back.peer.say(np.concatenate([*sounds, silence(60_000)]))
    return phone, ref, back


async def known(at: Calls, guesses: list[str], *wanted: str) -> None:
    async with asyncio.timeout(40):
        while guesses != list(wanted):
            await at.it.pause(0.05)


async def test_a_fax_ends_the_try_at_once(at: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer, "ANSWER_S", 600.0)
    phone, ref, _ = await answered(at, FAX)
    await row_of(at, key=ref, not_reached="fax", state="waiting")
    await phone.has(sip.CallEnded)
    assert (await at.exchange.has(sip.CallEnded)).by
    failed = await at.it.house.happens("call_back.failed")
    assert (failed.detail["why"], failed.detail["party"]) == ("fax", "customer")


async def test_a_machine_that_beeps_is_told_once_and_not_waited_for(
    at: Calls, guesses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer, "ANSWER_S", 600.0)
    monkeypatch.setattr(customer, "BEEPED_S", 0.2)
    phone, ref, _ = await answered(at, silence(300), greeting(), silence(300), BEEP)
    await known(at, guesses, "machine", "beep", "said")
    await row_of(at, key=ref, not_reached="machine", state="waiting")
    await phone.has(sip.CallEnded)


async def test_a_person_who_says_much_is_told_all_and_may_press_a_key(
    at: Calls, guesses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer, "ANSWER_S", 600.0)
    phone, ref, back = await answered(at, silence(300), greeting())
    await known(at, guesses, "machine", "said")
    assert (await row_of(at, key=ref)).state == "ringing"
    back.peer.press("1")
    await row_of(at, key=ref, state="talking")
    assert phone.leg
    assert len(at.it.kept.begun_) == 2


async def test_where_it_is_switched_off_nobody_is_judged(
    tmp_path: Path, voice: Voice, guesses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer, "ANSWER_S", 0.2)
    monkeypatch.setattr(customer, "TIMES", 1)
    async with calls(tmp_path, voice, judge_answers=False) as at:
        phone, ref, _ = await answered(at, FAX)
        await row_of(at, key=ref, not_reached="machine", state="waiting")
        await phone.has(sip.CallEnded)
    assert guesses == ["said"]
