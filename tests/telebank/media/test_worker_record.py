"""A real worker records what a caller sends: every octet, in order, and no more than its bound."""

import random

import pytest

from support.media_peer import FRAME, Events, Peer, open_call
from telebank import wire
from telebank.media.client import MediaWorkers
from telebank.rtp import Packet, build

SILENCE = b"\xd5" * FRAME


async def recorded(events: Events) -> bytes:
    """All parts of the next recording."""
    parts: list[wire.Recorded] = []
    while not (parts and parts[-1].last):
        parts.append(await events.of(wire.Recorded))
    assert {(part.token, part.codec) for part in parts} == {(7, "PCMA")}
    assert all(len(part.octets) <= wire.RECORDED_PART for part in parts)
    return b"".join(part.octets for part in parts)


def speech(peer: Peer, frames: int) -> list[Packet]:
    """Packets of noise, a frame each, as a telephone sends them."""
    draw, packets = random.Random(19), []
    for _ in range(frames):
        peer.timestamp += FRAME
        packets.append(peer.packet(peer.payload_type, draw.randbytes(FRAME)))
    return packets


async def begun(pool: MediaWorkers, most: int) -> tuple[Peer, Events]:
    """A recording that has begun, and nothing else of the peer's is on its way."""
    channel, peer, events = await open_call(pool)
    peer.press("1")
    await events.of(wire.Key)
    channel.record(7, most)
    channel.play([(0, FRAME)], "", 1)  # obeyed after the recording's beginning
    assert (await events.of(wire.PlayEnded)).reason == "done"
    return peer, events


async def test_what_is_said_is_recorded_octet_by_octet_until_the_bound(pool: MediaWorkers) -> None:
    peer, events = await begun(pool, most=300 * FRAME + 50)
    said = speech(peer, 320)
    for packet in said:
        peer.send(build(packet))
        await peer.hear()
    assert await recorded(events) == b"".join(one.payload for one in said)[: 300 * FRAME + 50]
    peer.press("5")  # keys are heard as before, and the filter is on again
    assert (await events.of(wire.Key)).digit == "5"


async def test_lost_packets_are_silence_and_late_ones_lie_where_they_belong(
    pool: MediaWorkers,
) -> None:
    peer, events = await begun(pool, most=10 * FRAME)
    said = speech(peer, 10)
    for place in (0, 2, 1, 4, 9):
        peer.send(build(said[place]))
    wanted = [said[place].payload if place in (0, 1, 2, 4, 9) else SILENCE for place in range(10)]
    assert await recorded(events) == b"".join(wanted)


@pytest.mark.parametrize("spoken", [0, 3])
async def test_it_ends_when_told(pool: MediaWorkers, spoken: int) -> None:
    channel, peer, events = await open_call(pool)
    peer.press("1")
    await events.of(wire.Key)
    channel.record(7, wire.MAX_RECORDED)
    channel.play([(0, FRAME)], "", 1)
    await events.of(wire.PlayEnded)
    said = speech(peer, spoken)
    for packet in said:
        peer.send(build(packet))
    peer.press("#")
    assert (await events.of(wire.Key)).digit == "#"
    channel.stop_record()
    assert await recorded(events) == b"".join(packet.payload for packet in said)


async def test_it_ends_by_time_where_nothing_comes(pool: MediaWorkers) -> None:
    _, events = await begun(pool, most=FRAME)
    assert await recorded(events) == b""
