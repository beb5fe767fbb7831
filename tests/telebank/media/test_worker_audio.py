"""A real worker process, real sockets: what the caller's end of the line receives."""

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from support.media_peer import A_LAW, FRAME, MU_LAW, Peer, open_call
from telebank import wire
from telebank.media.client import MediaWorkers
from telebank.rtp import Packet

SILENCE = {"PCMA": b"\xd5", "PCMU": b"\xff"}


async def hear_frames(peer: Peer, count: int) -> list[Packet]:
    packets = [await peer.hear_play()]
    packets += [await peer.hear() for _ in range(count - 1)]
    return packets


async def hear_until_quiet(peer: Peer) -> Packet | None:
    """The last packet before a fifth of a second of nothing."""
    last = None
    while True:
        try:
            async with asyncio.timeout(0.2):
                last = await peer.hear()
        except TimeoutError:
            return last


@pytest.mark.parametrize(("codec", "payload_type"), [("PCMA", A_LAW), ("PCMU", MU_LAW)])
async def test_segments_are_joined_to_the_sample(
    pool: MediaWorkers, bank: dict[str, bytes], codec: str, payload_type: int
) -> None:
    channel, peer, events = await open_call(pool, codec=codec, payload_type=payload_type)
    channel.play([(100, 1_000), (-1, 333), (7_000, 5), (7_500, 0), (20, 480)], "", token=7)
    law = bank[codec]
    wanted = law[100:1_100] + SILENCE[codec] * 333 + law[7_000:7_005] + law[20:500]
    frames = -(-len(wanted) // FRAME)
    packets = await hear_frames(peer, frames + 2)
    heard = b"".join(packet.payload for packet in packets)
    assert heard == wanted.ljust((frames + 2) * FRAME, SILENCE[codec])
    assert {packet.payload_type for packet in packets} == {payload_type}
    ended = await events.of(wire.PlayEnded)
    assert (ended.token, ended.reason, ended.played) == (7, "done", len(wanted))
    assert ended.first_packet_at > 0


async def test_headers_run_on_through_silence_and_prompts(pool: MediaWorkers) -> None:
    channel, peer, events = await open_call(pool)
    channel.play([(0, 800)], "", token=1)
    packets = await hear_frames(peer, 8)
    channel.play([(0, 800)], "", token=2)
    while len(packets) < 20:
        packets.append(await peer.hear())
    for before, after in pairwise(packets):
        assert after.sequence == (before.sequence + 1) & 0xFFFF
        assert after.timestamp == (before.timestamp + FRAME) & 0xFFFFFFFF
        assert after.ssrc == before.ssrc
    assert sum(packet.marker for packet in packets) == 2
    assert [(await events.of(wire.PlayEnded)).token for _ in range(2)] == [1, 2]


async def test_a_key_stops_the_prompt_within_one_frame(pool: MediaWorkers) -> None:
    channel, peer, events = await open_call(pool)
    channel.play([(0, 24_000)], "12#", token=3)
    heard = await hear_frames(peer, 5)
    peer.press("9")
    assert (await events.of(wire.Key)).token == 3
    heard += [await peer.hear() for _ in range(3)]
    assert SILENCE["PCMA"] * FRAME not in [packet.payload for packet in heard]
    peer.press("1")
    key = await events.of(wire.Key)
    ended = await events.of(wire.PlayEnded)
    assert (key.digit, key.token, ended.token, ended.reason) == ("1", 3, 3, "key")
    while (packet := await peer.hear()).payload != SILENCE["PCMA"] * FRAME:
        heard.append(packet)
    assert len(heard) * FRAME == ended.played
    assert len(heard) <= (key.at - ended.first_packet_at) / 0.020 + 2


async def test_stop_replace_and_refuse(pool: MediaWorkers) -> None:
    channel, peer, events = await open_call(pool)
    channel.play([(0, 24_000)], "", token=1)
    await peer.hear_play()
    channel.play([(0, 24_000)], "", token=2)
    assert (await events.of(wire.PlayEnded)).reason == "replaced"
    channel.stop()
    stopped = await events.of(wire.PlayEnded)
    assert (stopped.token, stopped.reason) == (2, "stopped")
    channel.play([(31_990, 20)], "", token=3)
    refused = await events.of(wire.PlayEnded)
    assert (refused.token, refused.reason, refused.played) == (3, "refused", 0)
    channel.play([], "", token=4)
    assert (await events.of(wire.PlayEnded)).reason == "done"
    with pytest.raises(ValueError, match="2001 segments"):
        channel.play([(0, 1)] * 2_001, "", token=5)
    channel.play([(0, 1)] * 2_000, "", token=6)
    assert (await events.of(wire.PlayEnded)).played == 2_000


async def test_nothing_is_sent_while_the_direction_forbids(pool: MediaWorkers) -> None:
    channel, peer, events = await open_call(pool)
    channel.play([(0, 1_600)], "", token=1)
    first = await peer.hear_play()
    channel.set_remote(peer.remote(direction="recvonly"))
    last = await hear_until_quiet(peer) or first
    channel.set_remote(peer.remote())
    resumed = await peer.hear_play()
    assert resumed.sequence == (last.sequence + 1) & 0xFFFF
    assert (resumed.timestamp - last.timestamp) & 0xFFFFFFFF >= 9 * FRAME
    assert (await events.of(wire.PlayEnded)).played == 1_600


async def test_law_changes_in_mid_prompt(pool: MediaWorkers, bank: dict[str, bytes]) -> None:
    channel, peer, _ = await open_call(pool)
    channel.play([(0, 16_000)], "", token=1)
    start = (await peer.hear_play()).sequence
    channel.set_remote(peer.remote(codec="PCMU", payload_type=MU_LAW))
    while (packet := await peer.hear()).payload_type != MU_LAW:
        pass
    position = (packet.sequence - start & 0xFFFF) * FRAME
    assert packet.payload == bank["PCMU"][position : position + FRAME]


async def test_figures_at_close(pool: MediaWorkers, tmp_path: Path) -> None:
    channel, peer, events = await open_call(pool)
    peer.press("5")
    await events.of(wire.Key)
    channel.close()
    stats = await events.of(wire.Stats)
    assert (stats.channel, stats.keys, stats.sampled) == (channel.number, 1, True)
    assert stats.packets_sent > 0
    await events.of(wire.Closed)
    assert pool.channels == 0
