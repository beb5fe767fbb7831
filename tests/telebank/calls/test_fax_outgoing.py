"""Calls placed for faxes: what becomes of them, in words, and whether another may go better."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from support.bank_process import Voice
from support.calls_house import House, open_house
from support.calls_peer import receive, udp
from support.fax_peer import Desk
from support.fax_process import write_pages
from telebank.calls.faxes.options import FaxOptions, OutboundOptions
from telebank.calls.faxes.outgoing import Load, Outgoing, PlacedCall
from telebank.calls.faxes.tolls import Target, judge
from telebank.calls.faxes.values import FaxOutcome, Progress
from telebank.faxing.client import DOWN, FaxProcess
from telebank.faxing.options import FaxingOptions
from telebank.sip.trunks import TrunkOptions, Trunks


@dataclass
class Scene:
    """A node, and the trunk that its calls go to: a socket read by hand."""

    house: House
    outgoing: Outgoing
    trunk: socket.socket
    tiff: Path

    def call(self, number: str = "01088886666", pages: int = 1) -> PlacedCall:
        target = judge(self.outgoing.outbound, number, staff=False)
        assert isinstance(target, Target)
        return self.outgoing.call(Load(target, self.tiff, pages, 60))

    async def invited(self) -> bytes:
        """The INVITE that comes, past repeats of others."""
        while True:
            data = await receive(self.trunk)
            if data.startswith(b"INVITE"):
                return data

    def reply(self, invite: bytes, status: str) -> None:
        """A response without a body."""
        lines = re.findall(rb"^(?:Via|From|To|Call-ID|CSeq):[^\r]*", invite, re.M)
        named = [line + b";tag=trunk" if line.startswith(b"To") else line for line in lines]
        answer = b"\r\n".join([f"SIP/2.0 {status}".encode(), *named, b"Content-Length: 0"])
        self.trunk.sendto(answer + b"\r\n\r\n", self.house.node.address)


@pytest.fixture
async def scene(tmp_path: Path, voice: Voice) -> AsyncIterator[Scene]:
    process = FaxProcess(FaxingOptions())
    await process.start()
    trunk, tiff = udp(), write_pages(tmp_path / "pages.tiff", rows=200)
    desk = Desk(process, tiff, tmp_path / "in.tiff")
    outbound = OutboundOptions(
        gateway=f"127.0.0.1:{trunk.getsockname()[1]}", caller="95588", allow=("010*",)
    )
    async with open_house(tmp_path, voice, faxes=desk) as house:
        assert desk.shell is not None
        outgoing = Outgoing(desk.shell, process, FaxOptions(t38_for={"0109*": "never"}), outbound)
        yield Scene(house, outgoing, trunk, tiff)
    trunk.close()
    await process.close()


async def ended(work: "asyncio.Task[FaxOutcome]") -> FaxOutcome:
    async with asyncio.timeout(20):
        return await work


@pytest.mark.parametrize(
    ("status", "reason", "again"),
    [
        ("486 Busy Here", "busy", True),
        ("600 Busy Everywhere", "busy", True),
        ("480 Temporarily Unavailable", "no_answer", True),
        ("503 Service Unavailable", "no_line", True),
        ("404 Not Found", "no_such_number", False),
        ("484 Address Incomplete", "no_such_number", False),
        ("603 Decline", "declined", False),
        ("403 Forbidden", "forbidden", False),
    ],
)
async def test_refused(scene: Scene, status: str, reason: str, again: bool) -> None:
    said: list[Progress] = []
    work = asyncio.create_task(scene.call().run(said.append))
    invite = await scene.invited()
    assert invite.startswith(b"INVITE sip:01088886666@127.0.0.1:")
    assert b"From: <sip:95588@127.0.0.1" in invite
    scene.reply(invite, status)
    outcome = await ended(work)
    assert (outcome.result, outcome.reason, outcome.again) == ("failed", reason, again)
    assert (outcome.pages, said, outcome.placed) == (0, [], True)


async def test_ended_while_it_rings(scene: Scene) -> None:
    call = scene.call()
    work = asyncio.create_task(call.run(lambda _: None))
    invite = await scene.invited()
    scene.reply(invite, "180 Ringing")
    await asyncio.sleep(0.1)
    call.stop("cancelled")
    assert (await receive(scene.trunk)).startswith(b"CANCEL")
    outcome = await ended(work)
    assert (outcome.result, outcome.reason, outcome.placed) == ("failed", "cancelled", True)


async def test_ended_before_it_was_placed(scene: Scene) -> None:
    call = scene.call(pages=2)
    call.stop("node_stops")
    outcome = await ended(asyncio.create_task(call.run(lambda _: None)))
    assert (outcome.result, outcome.reason, outcome.of) == ("failed", "node_stops", 2)
    assert not outcome.placed


async def test_ended_while_its_line_is_opened(scene: Scene) -> None:
    call = scene.call()
    work = asyncio.create_task(call.run(lambda _: None))
    await asyncio.sleep(0)
    call.stop("node_stops")
    outcome = await ended(work)
    assert (outcome.result, outcome.reason) == ("failed", "node_stops")
    assert not outcome.placed
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await scene.invited()


async def test_without_a_line_of_the_fax_process_nobody_is_called(scene: Scene) -> None:
    down = FaxProcess(FaxingOptions())  # never started
    call = replace(scene.outgoing, lines=down).call(scene.call()._load)
    outcome = await ended(asyncio.create_task(call.run(lambda _: None)))
    assert (outcome.result, outcome.placed, outcome.again) == ("failed", False, True)
    assert outcome.reason == DOWN
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await scene.invited()


async def test_a_call_has_one_codec_and_no_keys(scene: Scene) -> None:
    work = asyncio.create_task(scene.call("01099990000").run(lambda _: None))
    invite = await scene.invited()
    sdp = invite.partition(b"\r\n\r\n")[2]
    assert b"m=audio" in sdp
    assert b"telephone-event" not in sdp
    scene.reply(invite, "486 Busy Here")
    await ended(work)


async def test_a_call_over_a_trunk_shows_its_number_and_holds_its_limit(
    tmp_path: Path, voice: Voice
) -> None:
    process = FaxProcess(FaxingOptions())
    await process.start()
    trunk, tiff = udp(), write_pages(tmp_path / "pages.tiff", rows=200)
    peer = f"127.0.0.1:{trunk.getsockname()[1]}"
    carrier = TrunkOptions(peers=(peer,), allow=("010*",), caller="02095588", calls_out=1)
    outbound = OutboundOptions(allow=("010*",), caller="95588").over({"carrier": carrier})
    desk = Desk(process, tiff, tmp_path / "in.tiff")
    trunks = Trunks({"carrier": carrier})
    try:
        async with open_house(tmp_path, voice, faxes=desk, trunks=trunks) as house:
            assert desk.shell is not None
            outgoing = Outgoing(desk.shell, process, FaxOptions(), outbound)
            scene = Scene(house, outgoing, trunk, tiff)
            work = asyncio.ensure_future(scene.call().run(lambda _progress: None))
            invite = await scene.invited()
            assert invite.startswith(f"INVITE sip:01088886666@{peer} ".encode())
            assert b"From: <sip:02095588@" in invite
            (row,) = [row for row in house.node.trunks() if row["trunk"] == "carrier"]
            assert (row["calls_in"], row["calls_out"]) == (0, 1)
            second = await scene.call().run(lambda _progress: None)
            assert (second.result, second.reason) == ("failed", "no_line")
            scene.reply(invite, "404 Not Found")
            assert (await ended(work)).reason == "no_such_number"
            (row,) = [row for row in house.node.trunks() if row["trunk"] == "carrier"]
            assert row["calls_out"] == 0
    finally:
        trunk.close()
        await process.close()


async def test_a_trunk_that_is_down_is_the_reason(tmp_path: Path, voice: Voice) -> None:
    process = FaxProcess(FaxingOptions())
    await process.start()
    trunk, tiff = udp(), write_pages(tmp_path / "pages.tiff", rows=200)
    peer = f"127.0.0.1:{trunk.getsockname()[1]}"
    carrier = TrunkOptions(peers=(peer,), allow=("010*",), health_s=1, health_misses=1)
    outbound = OutboundOptions(allow=("010*",)).over({"carrier": carrier})
    desk = Desk(process, tiff, tmp_path / "in.tiff")
    trunks = Trunks({"carrier": carrier})
    try:
        async with open_house(tmp_path, voice, faxes=desk, trunks=trunks) as house:
            assert desk.shell is not None
            scene = Scene(house, Outgoing(desk.shell, process, FaxOptions(), outbound), trunk, tiff)
            async with asyncio.timeout(20):
                while not desk.shell.endpoint.agent.is_down("carrier"):
                    await asyncio.sleep(0.05)
            for status, reason in (("480 X", "trunk_down: carrier"), ("486 X", "busy")):
                work = asyncio.ensure_future(scene.call().run(lambda _progress: None))
                scene.reply(await scene.invited(), status)
                outcome = await ended(work)
                assert (outcome.reason, outcome.again) == (reason, True)
    finally:
        trunk.close()
        await process.close()
