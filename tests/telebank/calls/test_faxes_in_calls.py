"""Faxes through a node of this process: real SIP and ports, a real fax process, a peer by hand."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from fax.terminal import Accept, Transmit
from support.bank_process import Voice
from support.calls_house import open_house
from support.fax_peer import NUMBER, Desk, FaxPeer
from support.fax_process import RECEIVER, SENDER, pixels
from support.fax_scene import FAX, RATES, Scene, fax_process, open_scene
from telebank.calls.faxes.values import Answered
from telebank.faxing.client import FaxProcess, Negotiated, PageConfirmed

DECLINED = ("m=audio 0 RTP/AVP 8", "m=image 0 udptl t38")


@pytest.fixture
async def process() -> AsyncIterator[FaxProcess]:
    async with fax_process() as process:
        yield process


@pytest.fixture
async def scene(tmp_path: Path, voice: Voice, process: FaxProcess) -> AsyncIterator[Scene]:
    async with open_scene(tmp_path, voice, process) as scene:
        yield scene


# -- in a caller's call -----------------------------------------------------------------------


async def test_a_fax_in_a_call_by_t38_and_the_menu_goes_on(scene: Scene) -> None:
    peer, desk = scene.peer, scene.desk
    invite = await scene.asks()
    await peer.machine(desk.process)
    peer.begin_t38(invite.partition(b"\r\n\r\n")[2], Accept(scene.folder / "got.tiff"), RECEIVER)
    peer.reply(invite, 200, peer.image)
    await peer.press("1#")  # no keys: the sounds of machines
    await scene.speaks_again()
    outcome = await desk.outcome()
    assert (outcome.result, outcome.pages, outcome.of, outcome.over) == ("sent", 1, 1, "t38")
    assert outcome.peer_ident == "receiver"
    assert pixels(scene.folder / "got.tiff") == pixels(desk.tiff)
    kinds = [type(step) for step in desk.progress]
    assert kinds[:2] == [Answered, Negotiated]
    assert PageConfirmed in kinds
    (asked,) = desk.asked
    assert (asked.fax.document, asked.customer) == ("fx_rates", "")
    assert asked.caller == "peer"
    assert scene.keys() == RATES + FAX
    await peer.press("1")
    await desk.until(lambda: scene.keys() == f"{RATES}{FAX}1")
    await scene.over()
    assert "call.ended" in scene.house.log.kinds()


@pytest.mark.parametrize("refusal", [488, pytest.param(200, marks=pytest.mark.long)])
async def test_t38_refused_or_declined_the_fax_goes_over_g711_in_the_same_call(
    scene: Scene, refusal: int
) -> None:
    peer, desk = scene.peer, scene.desk
    invite = await scene.asks()
    await peer.machine(desk.process)
    peer.reply(invite, refusal, b"" if refusal == 488 else peer.describes(*DECLINED))
    invite, sdp = await peer.offered()
    assert b"telephone-event" not in sdp
    assert b" RTP/AVP 8\r\n" in sdp
    peer.begin_audio(sdp, Accept(scene.folder / "got.tiff"), RECEIVER)
    peer.reply(invite, 200, peer.audio)
    await scene.speaks_again()
    outcome = await desk.outcome()
    assert (outcome.result, outcome.pages, outcome.over) == ("sent", 1, "audio")
    assert pixels(scene.folder / "got.tiff") == pixels(desk.tiff)
    await scene.over()


async def test_a_peer_that_takes_no_fax_at_all_hears_the_menu(scene: Scene) -> None:
    scene.peer.reply(await scene.asks(), 488)
    invite, _ = await scene.peer.offered()
    scene.peer.reply(invite, 488)
    outcome = await scene.desk.outcome()
    assert (outcome.result, outcome.reason) == ("failed", "fax was refused with 488")
    await scene.menu_goes_on()
    await scene.over()


async def test_a_caller_who_hangs_up_in_his_fax(scene: Scene) -> None:
    peer = scene.peer
    invite = await scene.asks()
    await peer.machine(scene.desk.process)
    peer.reply(invite, 200, peer.image)
    await scene.desk.until(lambda: bool(scene.desk.progress))
    peer.send("BYE")
    outcome = await scene.desk.outcome()
    assert (outcome.result, outcome.pages, outcome.of) == ("failed", 0, 1)
    assert outcome.reason
    await scene.nothing_left()


@pytest.mark.long
async def test_a_caller_who_hangs_up_when_the_page_is_confirmed_has_his_fax(scene: Scene) -> None:
    peer, desk = scene.peer, scene.desk
    invite = await scene.asks()
    await peer.machine(desk.process)
    peer.begin_t38(invite.partition(b"\r\n\r\n")[2], Accept(scene.folder / "got.tiff"), RECEIVER)
    peer.reply(invite, 200, peer.image)
    confirmed = desk.until(lambda: any(isinstance(step, PageConfirmed) for step in desk.progress))
    await asyncio.wait_for(confirmed, 40)
    peer.send("BYE")
    outcome = await desk.outcome()
    assert (outcome.result, outcome.pages) == ("sent", 1)
    await scene.nothing_left()


async def test_the_fax_process_killed_costs_the_fax_and_not_the_call(scene: Scene) -> None:
    peer, desk = scene.peer, scene.desk
    invite = await scene.asks()
    peer.reply(invite, 200, peer.describes("m=audio 0 RTP/AVP 8", "m=image 9 udptl t38"))
    await desk.until(lambda: bool(desk.progress))
    os.kill(desk.process.pid, signal.SIGKILL)
    await scene.speaks_again()
    outcome = await desk.outcome()
    assert (outcome.result, outcome.reason) == ("failed", "fax_process_lost")
    await scene.over()


async def test_a_fax_that_takes_too_long_is_ended_and_the_menu_goes_on(scene: Scene) -> None:
    scene.desk.watchdog_s = 1.0
    peer = scene.peer
    invite = await scene.asks()
    peer.reply(invite, 200, peer.describes("m=audio 0 RTP/AVP 8", "m=image 9 udptl t38"))
    await scene.speaks_again()
    outcome = await scene.desk.outcome()
    assert (outcome.result, outcome.reason) == ("failed", "took_too_long")
    await scene.over()


async def test_a_fax_that_is_stopped_says_so_when_speech_is_back(scene: Scene) -> None:
    peer, desk = scene.peer, scene.desk
    invite = await scene.asks()
    peer.reply(invite, 200, peer.describes("m=audio 0 RTP/AVP 8", "m=image 9 udptl t38"))
    await desk.until(lambda: bool(desk.progress))
    desk.asked[0].stop("cancelled")
    await scene.speaks_again()
    outcome = await desk.outcome()
    assert (outcome.result, outcome.reason) == ("failed", "cancelled")
    await scene.over()


async def test_a_fax_that_nobody_waits_for_any_more_brings_speech_back(scene: Scene) -> None:
    peer, desk = scene.peer, scene.desk
    invite = await scene.asks()
    peer.reply(invite, 200, peer.describes("m=audio 0 RTP/AVP 8", "m=image 9 udptl t38"))
    await desk.until(lambda: bool(desk.progress))
    assert desk.sending is not None
    desk.sending.cancel()
    await scene.speaks_again()
    assert desk.outcomes == []
    await scene.over()


async def test_they_switch_back_to_speech_themselves(scene: Scene) -> None:
    peer = scene.peer
    invite = await scene.asks()
    peer.reply(invite, 200, peer.describes("m=audio 0 RTP/AVP 8", "m=image 9 udptl t38"))
    await scene.desk.until(lambda: bool(scene.desk.progress))
    port = scene.rtp.getsockname()[1]
    speech = peer.describes(f"m=audio {port} RTP/AVP 8", "m=image 0 udptl t38")
    peer.send("INVITE", speech)
    status, sdp = await peer.response("INVITE")
    assert (status, b"m=audio 0" in sdp) == (200, False)
    peer.send("ACK", cseq=peer.cseq)
    await scene.menu_goes_on()
    outcome = await scene.desk.outcome()
    assert (outcome.result, outcome.reason) == ("failed", "the other side ended the fax")
    await scene.over()


async def test_without_a_fax_process_the_call_goes_on(scene: Scene) -> None:
    await scene.desk.process.close()
    await scene.listens()
    await scene.peer.press(FAX)
    outcome = await scene.desk.outcome()
    assert outcome.result == "failed"
    assert "fax process" in outcome.reason
    await scene.menu_goes_on()
    await scene.over()


# -- calls for a fax alone --------------------------------------------------------------------


@pytest.mark.long
async def test_a_call_of_ours_whose_receiver_switches(scene: Scene) -> None:
    peer, desk = scene.peer, scene.desk
    await peer.machine(desk.process)
    desk.call("sip:fax@127.0.0.1", peer.sip.getsockname())
    invite, sdp = await peer.offered()
    assert b"telephone-event" not in sdp
    peer.reply(invite, 200, peer.audio)
    await peer.request("ACK")
    peer.same_dialog(invite)
    peer.send_as_called("INVITE", peer.image)
    status, answer = await peer.response("INVITE")
    assert status == 200
    peer.begin_t38(answer, Accept(scene.folder / "got.tiff"), RECEIVER)
    peer.send_as_called("ACK")
    bye = await asyncio.wait_for(peer.request("BYE", 60), 60)
    peer.reply(bye, 200)
    outcome = await desk.outcome()
    assert (outcome.result, outcome.pages, outcome.over) == ("sent", 1, "t38")
    await scene.nothing_left()


async def test_a_call_of_ours_that_is_refused(scene: Scene) -> None:
    peer, desk = scene.peer, scene.desk
    for status, reason, again in (
        (486, "busy", True),
        (480, "no_answer", True),
        (488, "fax_refused", True),
        (404, "refused_404", False),
    ):
        desk.outcomes.clear()
        desk.call("sip:fax@127.0.0.1", peer.sip.getsockname())
        invite, _ = await peer.offered()
        peer.reply(invite, status)
        outcome = await desk.outcome()
        assert (outcome.result, outcome.reason, outcome.again) == ("failed", reason, again)
        await scene.nothing_left()
    desk.outcomes.clear()
    desk.call("no uri", peer.sip.getsockname())
    outcome = await desk.outcome()
    assert (outcome.reason, outcome.again) == ("no_such_number", False)
    await scene.nothing_left()


async def test_a_call_of_ours_that_nobody_wants_any_more_is_cancelled(scene: Scene) -> None:
    peer, desk = scene.peer, scene.desk
    desk.call("sip:fax@127.0.0.1", peer.sip.getsockname())
    invite, _ = await peer.offered()
    peer.reply(invite, 180)
    (task,) = desk.tasks
    await asyncio.sleep(0.1)
    task.cancel()
    peer.reply(await peer.request("CANCEL"), 200)
    peer.reply(invite, 487)
    await scene.nothing_left()


async def test_a_call_to_the_fax_number_is_received(scene: Scene) -> None:
    peer, desk = scene.peer, scene.desk
    peer.user = NUMBER.encode()
    await peer.machine(desk.process)
    peer.send("INVITE", peer.audio)
    status, _ = await peer.response("INVITE")
    assert status == 200
    peer.send("ACK", cseq=peer.cseq)
    invite, sdp = await peer.offered()  # the receiver starts the switch
    peer.begin_t38(sdp, Transmit(desk.tiff), SENDER)
    peer.reply(invite, 200, peer.image)
    await asyncio.wait_for(peer.request("BYE", 60), 60)
    outcome = await desk.outcome()
    assert (outcome.result, outcome.pages, outcome.over) == ("sent", 1, "t38")
    assert pixels(desk.received) == pixels(desk.tiff)
    assert scene.house.node.counts()["calls"] == 0
    assert scene.house.node.totals["fax_calls"] == 1
    await scene.nothing_left()


async def test_a_call_to_the_fax_number_cancelled_at_once_leaves_nothing(scene: Scene) -> None:
    for number in range(10):
        peer = FaxPeer(scene.house.node.address, f"cancel{number}", NUMBER.encode())
        peer.send("INVITE", peer.describes("m=image 9 udptl t38"))
        peer.send("CANCEL", cseq=peer.cseq)
        status, _ = await peer.response("INVITE")
        assert status in (200, 487)
        peer.send("ACK", cseq=peer.cseq)
        if status == 200:
            peer.send("BYE")
    await scene.nothing_left()


async def test_faxes_take_lines_too(tmp_path: Path, voice: Voice, process: FaxProcess) -> None:
    desk = Desk(process, tmp_path / "none.tiff", tmp_path / "came.tiff")
    async with open_house(tmp_path, voice, lines=1, faxes=desk) as house:
        first, second = (FaxPeer(house.node.address, name, NUMBER.encode()) for name in "ab")
        await first.machine(process)
        first.send("INVITE", first.image)
        assert (await first.response("INVITE"))[0] == 200
        first.send("ACK", cseq=first.cseq)
        await second.machine(process)
        second.send("INVITE", second.image)
        assert (await second.response("INVITE"))[0] == 486
        second.send("ACK", cseq=second.cseq)
        first.send("BYE")
        outcome = await desk.outcome()
        assert outcome.result == "failed"
        assert house.node.counts()["claimed"] == 0
