"""A fax peer behind address translation, whose SDP names an address where nobody is: its audio is
taken from the host that its signalling comes from, and from nowhere else."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from support.bank_process import Voice
from support.calls_peer import udp
from support.fax_peer import NUMBER
from support.fax_process import HOST
from support.fax_scene import Scene, fax_process, open_scene
from telebank.faxing.rtp import Outgoing
from telebank.rtp import CONSECUTIVE
from telebank.sip import SessionDescription

NOWHERE = "127.0.0.9"
"""What the peer takes for its address."""
ELSEWHERE = "127.0.0.3"
ALONE = 75
"""Rounds of 20 ms in which strangers alone send: longer than `FaxingOptions.learn_after_s`."""
AFTER = 20
"""Rounds in which strangers go on once the peer is known."""


@pytest.fixture
async def scene(tmp_path: Path, voice: Voice) -> AsyncIterator[Scene]:
    async with fax_process() as process, open_scene(tmp_path, voice, process) as scene:
        scene.desk.way = "never"  # over G.711
        yield scene


def lies(scene: Scene, rtp: socket.socket) -> bytes:
    """A description of audio at an address of a network that is not ours."""
    audio = f"m=audio {rtp.getsockname()[1]} RTP/AVP 8"
    described = scene.peer.describes(audio)
    return described.replace(b"c=IN IP4 127.0.0.1", f"c=IN IP4 {NOWHERE}".encode())


async def learns(sdp: bytes, rtp: socket.socket) -> None:
    """The node's fax of `sdp` answers `rtp`, and nobody of another host."""
    audio = SessionDescription.parse(sdp).audio
    assert audio is not None
    mine, theirs, silence = Outgoing(8), Outgoing(8), b"\xd5" * 160
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.setblocking(False)
        stranger.bind((ELSEWHERE, 0))
        heard = before = after = 0
        async with asyncio.timeout(60):
            while after < AFTER:
                after += bool(heard)
                before += 1
                for sender, out in ((stranger, theirs), (rtp, mine))[: 1 + (before > ALONE)]:
                    for _ in range(CONSECUTIVE):
                        sender.sendto(out.packet(silence), (HOST, audio.port))
                    await asyncio.sleep(0.02)
                with suppress(BlockingIOError):
                    heard += len(rtp.recv(2_048)) == 172  # RTP of 20 ms
        with pytest.raises(BlockingIOError):
            stranger.recv(2_048)


async def test_of_a_call_that_brings_a_fax(scene: Scene) -> None:
    peer, rtp = scene.peer, udp()
    peer.user = NUMBER.encode()
    peer.send("INVITE", lies(scene, rtp))
    status, sdp = await peer.response("INVITE")
    assert status == 200
    peer.send("ACK", cseq=peer.cseq)
    await learns(sdp, rtp)
    peer.send("BYE")
    await scene.nothing_left()


async def test_of_a_call_of_ours(scene: Scene) -> None:
    peer, rtp = scene.peer, udp()
    scene.desk.call("sip:fax@127.0.0.1", peer.sip.getsockname())
    invite, sdp = await peer.offered()
    peer.reply(invite, 200, lies(scene, rtp))
    await peer.request("ACK")
    await learns(sdp, rtp)
    peer.same_dialog(invite)
    peer.send_as_called("BYE")
    await scene.nothing_left()


async def test_of_a_callers_own_call(scene: Scene) -> None:
    invite = await scene.asks()
    rtp = udp()
    scene.peer.reply(invite, 200, lies(scene, rtp))
    await learns(invite.partition(b"\r\n\r\n")[2], rtp)
    await scene.over()
