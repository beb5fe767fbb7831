"""A node that is about to stop calls nobody any more, waits for the calls out that are up, and says
what it waits for."""

import asyncio
from pathlib import Path

from support.bank_process import Voice
from support.teller_calls import LI, NUMBER, OTHER, calls, kept, row_of, seated
from telebank import sip


async def test_a_node_that_drains_calls_nobody_back_and_keeps_the_place(
    tmp_path: Path, voice: Voice
) -> None:
    async with calls(tmp_path, voice) as at:
        node, room = at.it.house.node, at.it.room
        phone, first, ref = await kept(at)
        node.drain()
        assert room.consult("li", f"number:{OTHER}") == "draining"
        assert room.transfer("li", f"number:{OTHER}", blind=True) == "draining"
        assert node.board()["waits_for"] == {"callers": 1, "calls_out": 0, "faxes": 0}
        first.hangs_up()
        await phone.has(sip.CallEnded)
        # A seat that is free is rung in the same step for who is first: nobody is.
        await at.it.state("SeatRow", "li", "ready")
        assert await room.call("li", NUMBER) == "draining"
        await asyncio.wait_for(node.drain_until(asyncio.Event(), 3_600.0), 60)
        await row_of(at, key=ref, state="waiting", call_back=True)
        assert room.kept == 1
        assert at.rung == []


async def test_a_node_that_drains_waits_for_a_call_out(tmp_path: Path, voice: Voice) -> None:
    async with calls(tmp_path, voice) as at:
        node, room = at.it.house.node, at.it.room
        phone = await seated(at, "li", "8001", LI)
        assert await room.call("li", NUMBER) is None
        await phone.rings()
        drained = asyncio.create_task(node.drain_until(asyncio.Event(), 3_600.0))
        await at.it.pause(0.1)
        assert node.waits_for() == {"callers": 0, "calls_out": 1, "faxes": 0}
        assert not drained.done()
        phone.refuses(486)
        await asyncio.wait_for(drained, 60)
        assert not any(node.waits_for().values())


async def test_who_is_being_called_back_is_called_to_the_end(tmp_path: Path, voice: Voice) -> None:
    async with calls(tmp_path, voice) as at:
        node = at.it.house.node
        phone, first, ref = await kept(at)
        first.hangs_up()
        await phone.has(sip.CallEnded)
        at.it.ears.clear()
        offered = await phone.rings()
        drained = asyncio.create_task(node.drain_until(asyncio.Event(), 3_600.0))
        at.it.ears.append(await phone.picks_up(offered))
        assert await at.rings() == NUMBER
        assert node.waits_for()["calls_out"] == 1
        back = await at.picks_up()
        await at.it.pause(0.5)
        back.peer.press("1")
        await row_of(at, key=ref, state="talking", call_back=False)
        assert not drained.done()
        at.exchange.hangs_up()
        await asyncio.wait_for(drained, 60)
