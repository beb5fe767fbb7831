"""Who ended a talk, as its contact and the event log have it."""

import asyncio
import os
import signal
from pathlib import Path

from support.bank_process import Voice
from support.teller_calls import LI, NUMBER, calls, row_of, seated
from support.teller_scene import CallerAt, Phone, Scene, scene
from telebank import sip
from telebank.calls import call

WANG = 1_100.0


async def sits(it: Scene, person: str, hertz: float) -> Phone:
    phone = await it.phone(person, hertz)
    assert it.room.enter(person, person.title(), person, {"general": 5}) is None
    assert it.room.want(person, "ready") is None
    return phone


async def talks(it: Scene, phone: Phone, name: str) -> CallerAt:
    """A caller who talks with the one who is there."""
    caller = await it.caller(name)
    await it.answers(phone)
    await it.state("SeatRow", phone.extension, "talking")
    return caller


async def ended(it: Scene, many: int) -> str:
    """How the last of so many parts in talks ended."""
    async with asyncio.timeout(60):
        while len(it.kept.ended_) < many:
            await it.pause(0.05)
    assert len(it.kept.ended_) == many
    it.ears.clear()
    return it.kept.ended_[-1].how


async def free(it: Scene, *seats: str) -> None:
    for seat in seats:
        it.room.wrapped(seat)
        await it.state("SeatRow", seat, "ready")


async def test_each_end_names_who_ended_it(tmp_path: Path, voice: Voice) -> None:
    async with scene(tmp_path, voice) as it:
        room, li = it.room, await sits(it, "li", LI)
        caller = await talks(it, li, "one")
        caller.hangs_up()
        assert await ended(it, 1) == "caller"
        await free(it, "li")
        await talks(it, li, "two")
        li.hangs_up()
        assert await ended(it, 2) == "teller"
        await free(it, "li")
        await talks(it, li, "three")
        assert room.hang_up("li") is None
        assert await ended(it, 3) == "teller"
        await free(it, "li")
        await talks(it, li, "four")
        assert room.menu("li") is None
        assert await ended(it, 4) == "menu"
        await free(it, "li")
        caller = await talks(it, li, "five")
        wang = await sits(it, "wang", WANG)
        assert room.transfer("li", "seat:wang", blind=True) is None
        assert await ended(it, 5) == "transfer"
        it.ears.append(caller.ear)
        await it.answers(wang)
        await it.state("SeatRow", "wang", "talking")
        caller.hangs_up()
        assert await ended(it, 6) == "caller"
        await free(it, "li", "wang")


async def test_a_call_that_may_last_no_longer_is_ended_by_that(
    tmp_path: Path, voice: Voice
) -> None:
    async with scene(tmp_path, voice) as it:
        li = await sits(it, "li", LI)
        await talks(it, li, "one")
        (line,) = it.house.node._calls.values()
        line.hang_up(call.TOO_LONG)
        assert await ended(it, 1) == "limit"


async def test_a_media_worker_that_dies_is_nobodys_end(tmp_path: Path, voice: Voice) -> None:
    async with scene(tmp_path, voice) as it:
        li = await sits(it, "li", LI)
        await talks(it, li, "one")
        (worker,) = it.house.node.board()["workers"]
        os.kill(worker["pid"], signal.SIGKILL)
        assert await ended(it, 1) == "lost"


async def test_a_caller_whose_sound_is_gone_has_not_hung_up(tmp_path: Path, voice: Voice) -> None:
    async with scene(tmp_path, voice, media_timeout_s=8.0) as it:
        li = await sits(it, "li", LI)
        caller = await talks(it, li, "one")
        it.ears.remove(caller.ear)
        assert await ended(it, 1) == "lost"


async def test_a_telephone_whose_sound_is_gone_has_not_hung_up(
    tmp_path: Path, voice: Voice
) -> None:
    async with scene(tmp_path, voice, media_timeout_s=8.0) as it:
        li = await sits(it, "li", LI)
        await talks(it, li, "one")
        assert li.ear is not None
        it.ears.remove(li.ear)
        assert await ended(it, 1) == "lost"


async def test_a_node_that_stops_ends_what_it_can_wait_for_no_longer(
    tmp_path: Path, voice: Voice
) -> None:
    async with scene(tmp_path, voice) as it:
        li = await sits(it, "li", LI)
        await talks(it, li, "one")
    assert [one.how for one in it.kept.ended_] == ["drain"]


async def test_whom_we_called_ends_it_himself_or_his_teller_does(
    tmp_path: Path, voice: Voice
) -> None:
    async with calls(tmp_path, voice) as at:
        phone = await seated(at, "li", "8001", LI)
        for many, how in ((1, "caller"), (2, "teller")):
            assert await at.it.room.call("li", NUMBER) is None
            at.it.ears.append(await phone.answers())
            await at.rings()
            await at.picks_up()
            await row_of(at, state="talking")
            (at.exchange if how == "caller" else phone).hangs_up()
            await (phone if how == "caller" else at.exchange).has(sip.CallEnded)
            assert await ended(at.it, many) == how
            await at.it.state("SeatRow", "li", "ready")
