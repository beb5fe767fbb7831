"""How long slips are remembered, and what of them."""

import asyncio
from dataclasses import replace

import pytest

from support.form_counter import CALL, SEAT, FormDesk
from telebank.calls.forms.clerk import NotNow
from telebank.calls.forms.slips import EACH, MOST, Slip, Slips


async def test_one_whose_pin_was_taken_back_is_no_longer_under_way() -> None:
    desk = FormDesk()
    slips = Slips(desk.clerk._fresh, most=2)
    first, second, third = [await desk.transfer() for _ in range(3)]
    desk.clerk.confirm(SEAT, CALL, first.id)
    slips.keep(first)
    slips.keep(second)
    desk.room.taken_back()
    slips.keep(third)
    found = [slips.find(one.id, SEAT, CALL) for one in (first, second, third)]
    assert found == [None, second, third]
    assert first.state == "open"


async def test_one_page_that_asks_on_takes_the_place_of_no_other() -> None:
    desk = FormDesk()
    slip = await desk.transfer()
    slips = Slips(desk.clerk._fresh)
    for seat, call in ((SEAT, "another"), ("wang", CALL)):
        slips.keep(replace(slip, id=f"of {seat}", seat=seat, call=call))
    for number in range(MOST):
        slips.keep(replace(slip, id=str(number)))
    mine = [slips.find(str(number), SEAT, CALL) is not None for number in range(MOST)]
    assert mine == [number >= MOST - EACH for number in range(MOST)]
    assert slips.find(f"of {SEAT}", SEAT, "another") is not None
    assert slips.find("of wang", "wang", CALL) is not None


async def test_with_its_call_go_the_card_and_what_nobody_confirmed() -> None:
    desk = FormDesk()
    done, waits, opened = [await desk.transfer() for _ in range(3)]
    assert isinstance(done, Slip)
    desk.clerk.confirm(SEAT, CALL, done.id)
    desk.room.entered()
    while done.state != "done":
        await asyncio.sleep(0)
    desk.clerk.confirm(SEAT, CALL, waits.id)
    desk.clerk.over("another")
    assert desk.clerk.slip(SEAT, CALL, opened.id).card is not None
    desk.clerk.over(CALL)
    for slip in (waits, opened):
        with pytest.raises(NotNow, match="no_slip"):
            desk.clerk.slip(SEAT, CALL, slip.id)
    kept = desk.clerk.slip(SEAT, CALL, done.id)
    assert kept.result is not None
    assert kept.result.kind == "done"
    assert (kept.card, kept.inputs, kept.shown) == (None, {}, {})


async def test_what_goes_on_after_its_call_is_forgotten_with_its_result() -> None:
    desk = FormDesk()
    slip = await desk.transfer()
    desk.clerk.confirm(SEAT, CALL, slip.id)
    desk.room.entered()
    assert slip.state == "working"
    desk.clerk.over(CALL)
    while slip.state != "done":
        await asyncio.sleep(0)
    assert desk.clerk.slip(SEAT, CALL, slip.id).result.kind == "done"
    assert (slip.card, slip.inputs, slip.shown) == (None, {}, {})
    (_, posted) = desk.room.caller.asked
    assert dict(posted[1].inputs) == {"quote": "Q1"}
