"""A real worker that speaks SRTP by keys of the descriptions."""

import asyncio

import pytest

from support.media_peer import FRAME, Events
from support.media_secure import PROFILES, SecurePeer, forged, sdes, secure_call
from telebank import wire
from telebank.media.client import MediaChannel, MediaWorkers
from telebank.media.options import MediaOptions
from telebank.rtp import build


async def figures(channel: MediaChannel, events: Events) -> wire.Stats:
    channel.close()
    stats = await events.of(wire.Stats)
    await events.of(wire.Closed)
    return stats


async def obeyed(channel: MediaChannel, events: Events) -> None:
    channel.play([], "", token=99)
    while (await events.of(wire.PlayEnded)).token != 99:
        pass


@pytest.mark.parametrize("suite", PROFILES)
@pytest.mark.parametrize("ptime", [20, 60])
async def test_a_prompt_goes_out_and_a_key_comes_in(
    pool: MediaWorkers, bank: dict[str, bytes], suite: str, ptime: int
) -> None:
    channel, peer, events = await secure_call(pool, sdes(suite), ptime_ms=ptime)
    channel.play([(0, 1_600)], stop_keys="5", token=1)
    octets = (await peer.hear_play()).payload
    while len(octets) < 2_400:
        octets += (await peer.hear()).payload
    assert bank["PCMA"][:1_600] in octets
    peer.press("5")
    assert (await events.of(wire.Key)).digit == "5"
    assert (await figures(channel, events)).dropped_foreign == 0


async def test_forged_plain_and_replayed_packets_are_foreign(pool: MediaWorkers) -> None:
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel)
    keys = sdes()
    peer = SecurePeer(channel.port, keys)
    channel.set_remote(peer.remote(security=keys))
    await peer.hear()
    for data in map(build, peer.key_packets("6")):
        peer.raw(data)  # in the clear, from the agreed address
    stranger = SecurePeer(channel.port, sdes(seed=9))
    stranger.socket.close()
    stranger.socket = peer.socket  # other keys from the agreed address
    stranger.press("6")
    stranger.talk(8)
    press = [peer.sealed(build(each)) for each in peer.key_packets("1", 0, 1)]
    for _ in range(4):
        peer.raw(press[0])
    peer.press("2")
    assert (await events.of(wire.Key)).digit == "1"
    assert (await events.of(wire.Key)).digit == "2"
    stats = await figures(channel, events)
    assert (stats.keys, stats.dropped_foreign) == (2, 6 + 6 + 8 + 3)


@pytest.mark.parametrize("options", [MediaOptions(media_timeout_s=2.0)])
async def test_the_sequence_wraps_while_the_kernel_drops_most(pool: MediaWorkers) -> None:
    channel, peer, events = await secure_call(pool, sdes())
    peer.press("1")
    assert (await events.of(wire.Key)).digit == "1"
    for index in range(70_000):
        peer.talk(1)
        if index % 512 == 0:
            await asyncio.sleep(0.001)
    peer.press("2")
    assert (await events.of(wire.Key)).digit == "2"
    stats = await figures(channel, events)
    assert (stats.sampled, stats.dropped_foreign) == (True, 0)


async def test_an_unchanged_answer_keeps_both_counters_and_a_new_key_is_taken(
    pool: MediaWorkers,
) -> None:
    keys, other = sdes(seed=1), sdes(seed=2)
    channel, peer, events = await secure_call(pool, keys)
    before = await peer.hear()
    channel.set_remote(peer.remote(security=keys, direction="recvonly"))
    channel.set_remote(peer.remote(security=keys))
    await obeyed(channel, events)
    for _ in range(10):  # libsrtp would refuse an index twice
        packet = await peer.hear()
        assert 0 < (packet.sequence - before.sequence) & 0xFFFF < 100
        before = packet
    old = peer.sealed(build(peer.key_packets("7", 0, 1)[0]))
    peer.raw(old)
    assert (await events.of(wire.Key)).digit == "7"
    changed = wire.SdesKeys(suite=keys.suite, send=keys.send, receive=other.receive)
    channel.set_remote(peer.remote(security=changed))
    await obeyed(channel, events)
    peer.press("8")  # by the old key
    into = peer.into
    peer.key(changed)
    peer.into = into
    peer.press("9")
    assert (await events.of(wire.Key)).digit == "9"
    await peer.hear()


async def test_what_cannot_be_agreed_is_told_and_nothing_goes(pool: MediaWorkers) -> None:
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel)
    keys = sdes()
    peer = SecurePeer(channel.port, keys)
    channel.set_remote(peer.remote())  # plain, at first
    plain = await asyncio.wait_for(
        asyncio.get_running_loop().sock_recv(peer.socket, 2_048), timeout=10
    )
    assert forged(peer, plain)
    short = wire.SdesKeys(suite=keys.suite, send=b"1", receive=keys.receive)
    channel.set_remote(peer.remote(security=short))
    assert "30 octets" in (await events.of(wire.SecurityFailed)).reason
    while True:
        try:
            peer.socket.recv(2_048)
        except BlockingIOError:
            break
    peer.press("1")
    await asyncio.sleep(0.2)
    with pytest.raises(BlockingIOError):
        peer.socket.recv(2_048)
    channel.set_remote(peer.remote(security=keys))
    await peer.hear()
    peer.press("2")
    assert (await events.of(wire.Key)).digit == "2"


async def test_reports_are_srtcp_on_the_same_port_and_on_one_of_their_own(
    pool: MediaWorkers,
) -> None:
    channel, peer, events = await secure_call(pool, sdes(), rtcp_mux=True)
    forged_bye = bytes([0x81, 203, 0, 1]) + bytes(4)
    peer.raw(forged_bye + bytes(14))
    async with asyncio.timeout(40):
        while (data := await peer.receive())[1] != 200:
            pass
    assert data[0] >> 6 == 2
    report = bytes([0x80, 201, 0, 1]) + peer.ssrc.to_bytes(4, "big")
    peer.send(report)
    peer.press("1")
    await events.of(wire.Key)
    stats = await figures(channel, events)
    assert stats.dropped_foreign == 1


async def test_a_recording_holds_what_was_said(pool: MediaWorkers) -> None:
    channel, peer, events = await secure_call(pool, sdes())
    channel.record(token=4, most=FRAME * 10)
    await obeyed(channel, events)
    for _ in range(12):
        peer.talk(1)
        await asyncio.sleep(0.02)
    recorded = await events.of(wire.Recorded)
    assert recorded.octets.count(0) >= FRAME * 9
