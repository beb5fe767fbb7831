"""The PIN that a teller asks for: nobody hears it, no recording has it, and the menus take it."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from support.bank_process import Voice
from support.calls_house import CARD, PIN
from support.media_bridge import share, tone
from support.teller_scene import OPTIONS, QUEUE, CallerAt, Phone, Scene, scene
from telebank.agents.board import CallRow
from telebank.calls.recording_keys import unwrap
from telebank.media.recording import play
from telebank.store.sealing import Keyring

LI, CALLER, FLAT, SECRET_TONE = 900.0, 550.0, 450.0, 1_477.0
"""The caller's is far from those of keys, which keep him covered."""
RECORDED = dataclasses.replace(
    OPTIONS, queues=(dataclasses.replace(QUEUE, record=True, after="menu"),)
)


@pytest.fixture
async def it(tmp_path: Path, voice: Voice) -> AsyncIterator[Scene]:
    async with scene(tmp_path, voice, RECORDED) as found:
        yield found


async def talking(it: Scene, keys: str = "10") -> tuple[Phone, CallerAt, str]:
    phone = await it.phone("8001", LI)
    assert it.room.enter("li", "Li", "8001", {"general": 5}) is None
    assert it.room.want("li", "ready") is None
    caller = await it.caller("one", CALLER, keys)
    await it.answers(phone)
    (row,) = [row for row in it.room.rows(for_supervisor=True) if isinstance(row, CallRow)]
    await it.state("CallRow", row.key, "talking")
    return phone, caller, row.key


async def test_a_pin_is_entered_in_private_and_the_caller_comes_back_proved(
    it: Scene, tmp_path: Path
) -> None:
    phone, caller, ref = await talking(it)
    assert phone.ear is not None
    await it.talk(1.0)
    assert phone.ear.hears(CALLER)
    assert it.room.pin("li") is None
    row = await it.state("CallRow", ref, "pin")
    assert row.recording
    caller.ear.peer.say(tone(SECRET_TONE))
    await it.talk(0.3)  # what was on its way
    await it.talk(1.0)
    assert phone.ear.hears(FLAT)
    assert share(phone.ear.peer.audio, SECRET_TONE) < 0.01
    assert not caller.ear.hears(LI)
    assert it.room.pin("li") == "wrong_state"
    assert it.room.hold("li") == "wrong_state"
    phone.ear.forget()
    await asyncio.gather(caller.sip.press(f"{CARD}#{PIN}#"), it.pause(0.5))
    row = await it.state("CallRow", ref, "talking")
    caller.ear.peer.say(tone(CALLER))
    assert (row.level, row.pin, row.pin_result) == (2, "", "verified")
    assert row.customer.startswith(CARD[:6])
    assert CARD not in repr(it.seen)
    assert {"1 of 6", "5 of 6"} <= {row.pin for row in it.seen if isinstance(row, CallRow)}
    assert row.keys.endswith("•" * len(PIN))
    assert share(phone.ear.peer.audio, SECRET_TONE) < 0.01
    await it.talk(1.5)  # he stays covered for a second after the entry
    await it.talk()
    assert phone.ear.hears(CALLER)
    assert caller.ear.hears(LI)

    assert it.room.hang_up("li") is None  # his queue gives him back to the menu
    await it.house.happens("contact.ended")
    caller.hangs_up()
    await it.house.idle()
    assert it.kept.ended_[0].level == 2
    assert it.kept.ended_[0].customer
    events = repr(it.house.log.events)
    assert CARD not in events
    assert PIN not in events
    await _recorded_without(it, tmp_path)


async def _recorded_without(it: Scene, tmp_path: Path) -> None:
    """One file, in which neither the secret tone nor anything else of that time is."""
    (new,) = it.kept.files
    assert (new.by, new.seat, new.contact) == ("system", "li", it.kept.begun_[0].id)
    async with asyncio.timeout(40):
        while new.name not in it.kept.outcomes:
            await asyncio.sleep(0.02)
    outcome = it.kept.outcomes[new.name]
    assert not outcome.cut
    assert not outcome.why
    paused = [mark for mark in outcome.marks if mark[0] == "paused"]
    assert len(paused) == 1
    path, out = tmp_path / "recordings" / new.name, tmp_path / "out.wav"
    keyring = Keyring.open_or_create(tmp_path / "keys")
    play(path, partial(unwrap, keyring), out)
    sound, _ = soundfile.read(out, dtype="int16", always_2d=True)
    assert share(sound[:, 0], CALLER) > 0.5
    assert share(sound[:, 0], SECRET_TONE) < 0.01
    _, start, end = paused[0]
    assert not np.any(sound[start:end])
    assert end - start > 8_000


async def test_a_teller_takes_the_caller_back_from_his_pin(it: Scene) -> None:
    phone, caller, ref = await talking(it)
    assert it.room.pin("li") is None
    await caller.sip.press(CARD[:8])
    it.room.options = dataclasses.replace(it.room.options, quiet_s=6.0)
    await it.talk(1.0)
    assert it.room.resume("li") is None
    assert it.room.resume("li") is None
    assert phone.ear is not None
    phone.ear.forget()
    caller.ear.peer.say(tone(SECRET_TONE))  # he keys on, and in his sound too
    await it.talk(0.5)
    keyed = asyncio.get_running_loop().time()
    await caller.sip.press(CARD[8])
    row = await it.state("CallRow", ref, "talking")
    assert asyncio.get_running_loop().time() - keyed >= it.room.options.quiet_s
    assert (row.level, row.pin, row.pin_result) == (0, "", "cancelled")
    assert share(phone.ear.peer.audio, SECRET_TONE) < 0.01
    caller.ear.peer.say(tone(CALLER))
    await it.talk(0.3)
    await it.talk()
    assert caller.ear.hears(LI)
    await caller.sip.press("5")
    assert it.house.script.asked == []
    assert it.room.pin("li") is None
    phone.hangs_up()  # in the middle of it
    await it.state("CallRow", ref, "gone")
    caller.hangs_up()
    await it.house.idle()


async def test_a_pin_that_is_keyed_too_early_or_too_late_is_shown_to_nobody(it: Scene) -> None:
    _, caller, ref = await talking(it)
    await caller.sip.press(PIN)
    await it.pause(0.3)
    assert it.room.pin("li") is None
    await caller.sip.press(PIN[:3])
    await it.pause(0.3)
    assert it.room.resume("li") is None
    await it.state("CallRow", ref, "talking")
    await caller.sip.press(PIN[3:])
    await it.pause(0.3)
    row = await it.state("CallRow", ref, "talking")
    before, dots = row.keys[:2], row.keys[2:]
    assert (before, set(dots)) == ("10", {"•"})
    assert len(dots) >= len(PIN) + len(PIN[3:])


async def left(it: Scene, ref: str, tries: int) -> CallRow:
    """His row, once it says that so many tries are left."""
    async with asyncio.timeout(60):
        while True:
            row = it.room.row("CallRow", ref, for_supervisor=False)
            assert isinstance(row, CallRow)
            if row.tries_left == tries:
                return row
            await it.pause(0.05)


async def test_after_a_wrong_pin_his_teller_sees_how_many_tries_are_left(it: Scene) -> None:
    it.house.script.exits["pin.verify"] = ("wrong_pin", {})
    it.house.script.left = 2
    _, caller, ref = await talking(it)
    assert it.room.pin("li") is None
    await caller.sip.press(f"{CARD}#{PIN}#")
    row = await left(it, ref, 2)
    assert (row.state, row.pin_result) == ("pin", ""), "he is asked again"
    it.house.script.left = 1
    await it.pause(2.0)  # no faster than one call may send
    await caller.sip.press(f"{PIN}#")
    await left(it, ref, 1)
    assert it.room.resume("li") is None
    row = await it.state("CallRow", ref, "talking")
    assert (row.level, row.pin_result, row.tries_left) == (0, "cancelled", 1)

    it.house.script.exits["pin.verify"] = ("ok", {})
    assert it.room.pin("li") is None
    row = await it.state("CallRow", ref, "pin")
    assert row.tries_left is None, "the entry before is over"
    await it.pause(2.0)
    await caller.sip.press(f"{CARD}#{PIN}#")
    row = await it.state("CallRow", ref, "talking")
    assert (row.level, row.pin_result, row.tries_left) == (2, "verified", None)
    caller.hangs_up()
    await it.house.idle()


async def test_who_proved_himself_in_the_menus_is_asked_for_the_pin_alone(it: Scene) -> None:
    it.house.script.exits["pin.verify"] = ("ok", {})
    _, caller, ref = await talking(it, f"11{CARD}#{PIN}#0")
    row = await it.state("CallRow", ref, "talking")
    assert row.level == 2
    it.house.script.exits["pin.verify"] = ("locked", {})
    assert it.room.pin("li") is None
    await caller.sip.press(f"{PIN}#")
    await it.pause(0.1)
    row = await it.state("CallRow", ref, "talking")
    assert (row.level, row.customer, row.pin_result) == (0, "", "locked"), "it is taken back"
    caller.hangs_up()
    await it.house.idle()
