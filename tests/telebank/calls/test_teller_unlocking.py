"""A PIN that is locked for today is unlocked by a teller: the customer keys card, identity digits
and a code on his own telephone, and nobody hears or sees them. Real calls."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.bank_process import Voice
from support.calls_house import CARD, PIN
from support.media_bridge import share
from support.teller_scene import Scene, scene
from telebank.agents.board import CallRow

LI, CALLER, FLAT = 900.0, 550.0, 450.0
IDENTITY, CODE, MOBILE = "4021", "135790", "13800138000"


@pytest.fixture
async def it(tmp_path: Path, voice: Voice) -> AsyncIterator[Scene]:
    async with scene(tmp_path, voice) as found:
        found.house.script.exits |= {
            "pin.locked": ("ok", {"mobile": MOBILE}),
            "code.send": ("ok", {"tail": "8000", "minutes": 3}),
            "enrol.verify": ("ok", {}),
            "pin.unlock": ("ok", {}),
        }
        yield found


def row_of(it: Scene, key: str) -> CallRow:
    row = it.room.row("CallRow", key, for_supervisor=False)
    assert isinstance(row, CallRow)
    return row


async def step(it: Scene, key: str, wanted: str) -> None:
    """Wait until this is asked of him; everybody goes on talking."""
    try:
        async with asyncio.timeout(60):
            while row_of(it, key).step != wanted:
                await it.pause(0.05)
    except TimeoutError:
        raise AssertionError(f"{wanted} was never asked for: {row_of(it, key)}") from None


async def over(it: Scene, key: str, result: str) -> CallRow:
    try:
        async with asyncio.timeout(60):
            while row_of(it, key).state != "talking":
                await it.pause(0.05)
    except TimeoutError:
        raise AssertionError(f"it never ended: {row_of(it, key)}") from None
    row = row_of(it, key)
    assert row.pin_result == result
    await it.pause(2.0)  # keys come no faster than one call may send
    return row


async def test_a_lock_is_lifted_by_what_the_customer_keys_himself(it: Scene) -> None:
    phone = await it.phone("8001", LI)
    assert it.room.enter("li", "Li", "8001", {"general": 5}) is None
    assert it.room.unlock("li") == "no_call"
    assert it.room.want("li", "ready") is None
    caller = await it.caller("one", CALLER, "10")
    await it.answers(phone)
    (row,) = [row for row in it.room.rows(for_supervisor=True) if isinstance(row, CallRow)]
    key = row.key
    await it.state("CallRow", key, "talking")

    assert it.room.unlock("li") is None
    assert it.room.unlock("li") == "wrong_state"
    await step(it, key, "card")
    await it.talk(0.5)
    assert phone.ear is not None
    assert phone.ear.hears(FLAT)
    assert share(phone.ear.peer.audio[-2_000:], CALLER) < 0.05
    await caller.sip.press(f"{CARD}#")
    await step(it, key, "identity")
    await caller.sip.press(f"{IDENTITY}#")
    await step(it, key, "code")
    await caller.sip.press(CODE)
    row = await over(it, key, "unlocked")
    assert (row.level, row.customer) == (0, ""), "a code proves nobody to his teller"

    asked = it.house.script.asked[-4:]
    assert [one.service for one in asked] == [
        *("pin.locked", "code.send", "enrol.verify", "pin.unlock"),
    ]
    assert {(one.channel, one.actor) for one in asked} == {("teller", "li")}
    assert [one.auth.value for one in asked] == ["none", "none", "none", "code"]
    noted = [one for one in it.house.log.events if one.kind == "contact.unlock"]
    assert [(one.actor, one.detail["state"]) for one in noted] == [
        ("li", "asked"),
        ("li", "unlocked"),
    ]

    it.house.script.exits["pin.locked"] = ("branch", {})
    assert it.room.unlock("li") is None
    await step(it, key, "card")
    await caller.sip.press(f"{CARD}#")
    await step(it, key, "identity")
    await caller.sip.press(f"{IDENTITY}#")
    await over(it, key, "branch")
    assert it.house.script.asked[-1].service == "pin.locked"

    assert it.room.unlock("li") is None
    await step(it, key, "card")
    assert it.room.resume("li") is None  # his teller takes him back
    await over(it, key, "cancelled")

    assert it.room.pin("li") is None  # whose telephone it is he shows by his PIN
    await step(it, key, "card")
    await caller.sip.press(f"{CARD}#{PIN}#")
    assert (await over(it, key, "verified")).level == 2
    told = repr([it.seen, it.house.log.events])
    for digits in (CARD, MOBILE, CODE):
        assert digits not in told
    assert f"'{IDENTITY}'" not in told
    caller.hangs_up()
    await it.house.idle()
