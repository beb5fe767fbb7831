"""Whole faxes in real time between two fax processes, and what disturbs them."""

import asyncio
import contextlib
import os
import random
import socket
from pathlib import Path

import numpy as np
import pytest

from fax.terminal import Accept, Transmit
from support.fax_process import (
    HOST,
    RECEIVER,
    SENDER,
    Relay,
    audio_pair,
    ends,
    opened,
    pixels,
    write_pages,
)
from telebank.faxing.client import (
    Closed,
    Ended,
    FaxProcess,
    Heard,
    Negotiated,
    PageConfirmed,
    PageReceived,
    PostMessageSent,
)
from telebank.faxing.options import FaxingOptions
from telebank.faxing.rtp import FRAME, Outgoing
from telebank.rtp import CONSECUTIVE
from voice_prompts import g711

JUNK = 300
"""Malformed datagrams, about, from strangers and again from the address agreed."""


def junk(seed: int) -> list[bytes]:
    """What is no T.38: nonsense, stumps, headers that promise too much, stray audio."""
    draw = random.Random(seed)
    stray = Outgoing(8)
    made = [b"\x40" + draw.randbytes(draw.randrange(60)) for _ in range(JUNK // 2)]
    made += [bytes([0, n, 60]) + draw.randbytes(draw.randrange(30)) for n in range(90)]
    made += [stray.packet(bytes(160)) for _ in range(60)]
    made += [b"", b"\0", b"\0\1\xff\xff", bytes(9_000)]
    draw.shuffle(made)
    return made


async def test_a_fax_that_begins_as_audio_and_goes_on_as_t38_arrives_through_nonsense(
    process: FaxProcess, other: FaxProcess, tmp_path: Path
) -> None:
    pages, received = write_pages(tmp_path / "p.tiff"), tmp_path / "r.tiff"
    sending, receiving = Transmit(pages), Accept(received)
    (one, told), (two, heard) = await opened(process), await opened(other)
    two.begin_audio((HOST, one.audio_port), "PCMA", receiving, False, RECEIVER)
    one.begin_audio((HOST, two.audio_port), "PCMA", sending, True, SENDER)
    assert (await told.of(Heard)).tone == "CED"

    nonsense = junk(7)

    def some(count: int) -> list[bytes]:
        """Two before each datagram, once the fax is under way."""
        return [nonsense.pop() for _ in range(2) if nonsense and count > 3]

    relay = await Relay.between(one.t38_port, two.t38_port, some)
    two.begin_t38((HOST, relay.ports[1]), 400, receiving, False, RECEIVER)
    one.begin_t38((HOST, relay.ports[0]), 400, sending, True, SENDER)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        for data in junk(8):
            for line in (one, two):
                stranger.sendto(data, (HOST, line.t38_port))
                stranger.sendto(data, (HOST, line.audio_port))
        sent, came = await ends(told, heard)
    one.close()
    two.close()
    closed = await told.of(Closed), await heard.of(Closed)
    relay.close()

    assert (sent.code, sent.pages, sent.asked) == (0, 1, False)
    assert (came.code, came.pages, came.bad_rows) == (0, 1, 0)
    assert (sent.peer_ident, came.peer_ident) == ("receiver", "sender")
    assert pixels(received) == pixels(pages)
    assert received.stat().st_mode & 0o777 == 0o600
    assert all(one.malformed > 50 and one.foreign > 50 for one in closed)
    assert [type(event) for event in told.all if not isinstance(event, Heard)] == [
        Negotiated,
        PostMessageSent,
        PageConfirmed,
        Ended,
        Closed,
    ]
    assert [type(event) for event in heard.all if not isinstance(event, Heard)] == [
        Negotiated,
        PageReceived,
        Ended,
        Closed,
    ]


@pytest.mark.parametrize("options", [FaxingOptions(learn_after_s=0.0)])
async def test_t38_is_learnt_from_another_port_and_sent_there(
    process: FaxProcess, tmp_path: Path
) -> None:
    loop = asyncio.get_running_loop()
    line, _ = await opened(process)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as named,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as real,
    ):
        for one in (named, real):
            one.setblocking(False)
            one.bind((HOST, 0))
        accept = Accept(tmp_path / "a.tiff")
        line.begin_t38((HOST, named.getsockname()[1]), None, accept, False, RECEIVER)
        async with asyncio.timeout(40):
            await loop.sock_recv(named, 2_048)
            for sequence in range(4):  # no signal, as a terminal says while it waits
                real.sendto(bytes([0, sequence, 1, 0, 0, 0]), (HOST, line.t38_port))
            assert await loop.sock_recv(real, 2_048)


def tone() -> list[bytes]:
    """A second of the calling tone (CNG, 1100 Hz; T.30 4.2), as a fax machine begins."""
    out, codes = Outgoing(8), g711.encode_table("pcma")
    wave = 8_000 * np.sin(2 * np.pi * 1_100 * np.arange(8_000) / 8_000)
    octets = codes[wave.astype(np.int16).view(np.uint16)].tobytes()
    return [out.packet(octets[at : at + FRAME]) for at in range(0, len(octets), FRAME)]


@pytest.mark.parametrize("options", [FaxingOptions(learn_after_s=0.0)])
@pytest.mark.parametrize("learn_from", ["127.0.0.3", ""])
async def test_audio_from_elsewhere_is_neither_heard_nor_answered(
    process: FaxProcess, tmp_path: Path, learn_from: str
) -> None:
    """Strangers come first: from another port of the address agreed, and from another host. Then
    comes the host of the signalling, where there is one, else the peer."""
    loop = asyncio.get_running_loop()
    line, told = await opened(process, learn_from)
    with contextlib.ExitStack() as stack:
        hosts = ("127.0.0.4", "127.0.0.4", "127.0.0.2", "127.0.0.3")
        peer, near, far, real = (
            stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in hosts
        )
        for one, host in zip((peer, near, far, real), hosts, strict=True):
            one.setblocking(False)
            one.bind((host, 0))
        accept = Accept(tmp_path / "a.tiff")
        line.begin_audio(peer.getsockname(), "PCMA", accept, False, RECEIVER)

        async def calls(sender: socket.socket) -> None:
            for data in tone():
                sender.sendto(data, (HOST, line.audio_port))
                await asyncio.sleep(0.02)

        async with asyncio.timeout(30):
            await loop.sock_recv(peer, 2_048)
            strangers = (near, far) if learn_from else (near, far, real)
            for stranger in strangers:
                await calls(stranger)
            assert not told.every(Heard)
            while not told.every(Heard):
                await calls(real if learn_from else peer)
        assert told.every(Heard)[0].tone == "CNG"
        if learn_from:
            assert await loop.sock_recv(real, 2_048)
        for stranger in strangers:
            with pytest.raises(BlockingIOError):
                stranger.recv(2_048)
    line.close()
    foreign = (await told.of(Closed)).foreign
    assert foreign == len(strangers) * len(tone()) + (CONSECUTIVE - 1 if learn_from else 0)


async def test_a_fax_that_moves_goes_on_with_the_new_address(
    process: FaxProcess, tmp_path: Path
) -> None:
    loop = asyncio.get_running_loop()
    line, told = await opened(process)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as second,
    ):
        for one in (first, second):
            one.setblocking(False)
            one.bind((HOST, 0))
        accept = Accept(tmp_path / "a.tiff")
        line.begin_audio((HOST, first.getsockname()[1]), "PCMU", accept, False, RECEIVER)
        async with asyncio.timeout(40):
            before = await loop.sock_recv(first, 2_048)
            line.move((HOST, second.getsockname()[1]))
            after = await loop.sock_recv(second, 2_048)
    assert before[8:12] == after[8:12]  # the same stream
    assert not told.every(Ended)


async def test_a_file_that_is_no_fax_ends_at_once_and_honestly(
    process: FaxProcess, tmp_path: Path
) -> None:
    (tmp_path / "p.tiff").write_bytes(os.urandom(2_000))
    for path in (tmp_path / "p.tiff", tmp_path / "missing.tiff"):
        line, told = await opened(process)
        line.begin_t38((HOST, line.t38_port), 400, Transmit(path), True, SENDER)
        line.close()
        ended = await told.of(Ended)
        assert ended.code != 0
        assert ended.pages == 0
        await told.of(Closed)


@pytest.mark.long
@pytest.mark.parametrize("codec", ["PCMA", "PCMU"])
async def test_a_fax_over_audio_in_real_time(
    process: FaxProcess, other: FaxProcess, tmp_path: Path, codec: str
) -> None:
    pages, received = write_pages(tmp_path / "p.tiff", 2), tmp_path / "r.tiff"
    (_, told), (_, heard) = await audio_pair(process, other, pages, received, codec)
    sent, came = await ends(told, heard)
    assert (sent.code, sent.pages, came.code, came.pages) == (0, 2, 0, 2)
    assert pixels(received) == pixels(pages)
    assert [event.pages for event in told.every(PageConfirmed)] == [1, 2]
    assert next(event.tone for event in heard.every(Heard)) == "CNG"
