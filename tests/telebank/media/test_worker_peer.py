"""What a real worker hears: keys, strangers, holds, silence, nonsense."""

import asyncio
import contextlib
import random
import time
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.media_peer import FRAME, MU_LAW, Events, Peer, open_call
from telebank import wire
from telebank.media.client import MediaChannel, MediaWorkers
from telebank.media.keys import A_SECOND, AT_ONCE
from telebank.media.options import MediaOptions
from telebank.rtp import Packet, build


async def keys_until(events: Events, last: str) -> str:
    """Digits up to and with `last`."""
    digits = ""
    while not digits.endswith(last):
        digits += (await events.of(wire.Key)).digit
    return digits


async def obeyed(channel: MediaChannel, events: Events) -> None:
    """Every order given so far has been carried out: orders are, in turn."""
    channel.play([], "", token=99)
    while (await events.of(wire.PlayEnded)).token != 99:
        pass


async def figures(channel: MediaChannel, events: Events) -> wire.Stats:
    channel.close()
    stats = await events.of(wire.Stats)
    await events.of(wire.Closed)
    return stats


async def test_keys_need_no_prompt_and_carry_the_secret_mark(pool: MediaWorkers) -> None:
    channel, peer, events = await open_call(pool)
    peer.press("12")
    typed = [await events.of(wire.Key) for _ in range(2)]
    channel.collect(True)
    await obeyed(channel, events)
    peer.press("3")
    typed.append(await events.of(wire.Key))
    channel.collect(False)
    await obeyed(channel, events)
    peer.press("#")
    typed.append(await events.of(wire.Key))
    assert [(key.digit, key.secret, key.token) for key in typed] == [
        ("1", False, 0),
        ("2", False, 0),
        ("3", True, 0),
        ("#", False, 0),
    ]
    assert [key.at for key in typed] == sorted(key.at for key in typed)


@pytest.mark.parametrize("seed", range(3))
async def test_keys_of_a_bad_line_are_right(pool: MediaWorkers, seed: int) -> None:
    """5 % loss, duplicates, and packets overtaking each other by up to three."""
    draw = random.Random(seed)
    _, peer, events = await open_call(pool)
    wanted = "".join(draw.choices("0123456789*ABCD", k=60)) + "#"
    for digit in wanted:
        kept = [p for p in peer.key_packets(digit) if draw.random() >= 0.05]
        kept += [p for p in kept if draw.random() < 0.05]
        order = sorted(range(len(kept)), key=lambda index: index + draw.random() * 3)
        for index in order:
            peer.send(build(kept[index]))
        await asyncio.sleep(0.03)  # a quick hand: the first forty may come at once
    assert await keys_until(events, "#") == wanted


async def test_keys_are_heard_before_the_source_is_latched(pool: MediaWorkers) -> None:
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel)
    peer = Peer(channel.port)
    channel.set_remote(peer.remote())
    await peer.hear()
    peer.press("4")
    assert (await events.of(wire.Key)).digit == "4"


async def test_the_event_type_is_the_one_agreed(pool: MediaWorkers) -> None:
    _, peer, events = await open_call(pool, event_type=96)
    for packet in peer.key_packets("1"):
        peer.send(build(packet))
    for packet in peer.key_packets("2"):
        peer.send(build(packet._replace(payload_type=96)))
    assert (await events.of(wire.Key)).digit == "2"


async def test_strangers_are_neither_heard_nor_latched_nor_sent_to(pool: MediaWorkers) -> None:
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel)
    peer, stranger = Peer(channel.port), Peer(channel.port)
    stranger.talk(8)  # before anything is agreed
    channel.set_remote(peer.remote())
    await peer.hear()
    stranger.talk(8)  # while the source is open
    stranger.press("666")
    peer.talk(8)
    peer.press("0")
    assert (await events.of(wire.Key)).digit == "0"
    stranger.talk(200)  # after it is latched
    stranger.press("666")
    stranger.send(bytes([0x81, 203, 0, 1]) + bytes(4))  # RTCP BYE
    peer.press("1")
    assert (await events.of(wire.Key)).digit == "1"
    for _ in range(5):
        await peer.hear()
    with pytest.raises(BlockingIOError):
        stranger.socket.recv(2_048)
    stats = await figures(channel, events)
    assert (stats.keys, stats.dropped_foreign) == (2, 8 + 8 + 18)


async def test_rtcp_bye_of_the_peer_ends_nothing(pool: MediaWorkers) -> None:
    channel, peer, events = await open_call(pool, rtcp_mux=True)
    peer.send(bytes([0x81, 203, 0, 1]) + bytes(4))
    peer.press("1")
    assert (await events.of(wire.Key)).digit == "1"
    assert (await figures(channel, events)).keys == 1


@pytest.mark.parametrize("options", [MediaOptions(learn_after_s=0.2)])
async def test_a_peer_behind_translation_is_learnt_and_sent_to(pool: MediaWorkers) -> None:
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel)
    named, real = Peer(channel.port), Peer(channel.port)
    channel.set_remote(named.remote(learn_from="127.0.0.1"))
    heard = None
    while heard is None:
        real.talk(4)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                heard = await real.hear()
    real.press("8")
    assert (await events.of(wire.Key)).digit == "8"


async def test_keys_before_a_peer_behind_translation_is_learnt_are_not_lost(
    pool: MediaWorkers,
) -> None:
    """In the first second, as a dialler presses, and with silence suppressed: nothing but keys."""
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel)
    named, real, other = Peer(channel.port), Peer(channel.port), Peer(channel.port)
    channel.set_remote(named.remote(learn_from="127.0.0.1"))
    await named.hear()
    other.press("999")  # of another call behind the same address, gone astray
    real.press("123")
    heard = None
    while heard is None:
        real.talk(4)
        with suppress(TimeoutError):
            async with asyncio.timeout(0.1):
                heard = await real.hear()
    real.press("4")
    assert await keys_until(events, "4") == "1234"


@pytest.mark.parametrize("options", [MediaOptions(learn_after_s=0.0)])
@pytest.mark.parametrize("learn_from", ["", "127.0.0.2"])
async def test_no_stranger_is_learnt_however_long_the_peer_says_nothing(
    pool: MediaWorkers, learn_from: str
) -> None:
    """Strangers are of another host than the signalling of the call."""
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel)
    peer, stranger = Peer(channel.port), Peer(channel.port)
    channel.set_remote(peer.remote(learn_from=learn_from))
    for _ in range(10):
        await peer.hear()
        stranger.talk(10)
    stranger.press("666")
    peer.talk()
    peer.press("1")
    assert (await events.of(wire.Key)).digit == "1"
    with pytest.raises(BlockingIOError):
        stranger.socket.recv(2_048)
    assert (await figures(channel, events)).dropped_foreign == 100 + 18


async def test_a_flood_of_keys_is_told_at_the_rate_of_a_hand(pool: MediaWorkers) -> None:
    """Four thousand presses in two seconds, of which each looks like one."""
    channel, peer, events = await open_call(pool)
    _, other, other_events = await open_call(pool)
    begun = time.monotonic()
    for _ in range(500):
        for _ in range(8):
            peer.send(build(peer.key_packets("7")[0]))
        await asyncio.sleep(0.004)
    other.press("5")
    assert (await other_events.of(wire.Key)).digit == "5"
    stats = await figures(channel, events)
    seconds = time.monotonic() - begun
    assert AT_ONCE < stats.keys <= AT_ONCE + A_SECOND * seconds + 1
    assert stats.keys_dropped > 1_000
    assert len([event for event in events.all if isinstance(event, wire.Key)]) == stats.keys


async def test_a_new_remote_moves_the_media_and_keeps_the_port(pool: MediaWorkers) -> None:
    channel, first, events = await open_call(pool)
    second = Peer(channel.port, MU_LAW)
    channel.set_remote(second.remote(codec="PCMU"))
    assert (await second.hear()).payload_type == MU_LAW
    second.talk()
    first.press("1")
    second.press("2")
    assert (await events.of(wire.Key)).digit == "2"
    third = Peer(channel.port)
    channel.set_remote(third.remote())
    await third.hear()
    third.press("3")
    assert (await events.of(wire.Key)).digit == "3"


@pytest.mark.parametrize("options", [MediaOptions(media_timeout_s=1.0)])
async def test_silence_is_told_once_and_not_while_held(
    pool: MediaWorkers, options: MediaOptions
) -> None:
    channel, peer, events = await open_call(pool)
    held, _, held_events = await open_call(pool)
    held.hold(True)
    lost = await events.of(wire.MediaLost)
    assert lost.seconds >= options.media_timeout_s
    await asyncio.sleep(1.2)
    assert held_events.all == []
    assert events.all == []
    peer.press("1")  # the peer is back, and gone again
    await events.of(wire.Key)
    await events.of(wire.MediaLost)
    held.hold(False)
    await held_events.of(wire.MediaLost)
    channel.close()


@pytest.mark.parametrize("options", [MediaOptions(media_timeout_s=2.0)])
async def test_one_packet_in_64_keeps_a_call_alive(pool: MediaWorkers) -> None:
    channel, peer, events = await open_call(pool)
    for _ in range(512):
        peer.talk(1)
        await asyncio.sleep(0.005)
    stats = await figures(channel, events)
    assert stats.sampled
    assert not [event for event in events.all if isinstance(event, wire.MediaLost)]
    assert 64 * 6 <= stats.packets_received <= 64 * 9


@pytest.mark.parametrize("options", [MediaOptions(media_timeout_s=1.5)])
async def test_comfort_noise_is_life_and_then_silence_may_be_meant(pool: MediaWorkers) -> None:
    """A caller who listens sends a few packets of comfort noise; then none, as the noise stays."""
    _, peer, events = await open_call(pool)
    _, _, dumb_events = await open_call(pool)
    for _ in range(10):
        peer.timestamp += 10 * FRAME
        peer.send(build(peer.packet(13, bytes([64]))))
        await asyncio.sleep(0.25)
    await dumb_events.of(wire.MediaLost)  # whoever never said that it would be silent
    await asyncio.sleep(2.0)
    assert events.all == []
    peer.press("1")  # it speaks again, and is gone without a word
    await events.of(wire.Key)
    assert (await events.of(wire.MediaLost)).seconds < 10


async def test_a_refused_address_or_codec_leaves_the_worker_well(pool: MediaWorkers) -> None:
    channel, peer, _ = await open_call(pool)
    channel.set_remote(peer.remote(codec="G729"))
    remote = wire.SetRemote(
        address="bank.example", port=4_000, codec="PCMA", payload_type=8, event_type=101
    )
    channel.set_remote(remote)
    for _ in range(20):
        await peer.hear()


async def test_no_malformed_packet_hurts_the_worker(pool: MediaWorkers) -> None:
    """Every truncation of a good packet, and hypothesis' worst, into a latched and an open leg."""
    _, peer, events = await open_call(pool, rtcp_mux=True)
    unlatched = await pool.open("127.0.0.1", Events())
    assert isinstance(unlatched, MediaChannel)
    peer_two = Peer(unlatched.port)
    unlatched.set_remote(peer_two.remote())
    await peer_two.hear()
    pids, typed = pool.pids, ""
    whole = build(peer.packet(101, b"\x01\x0a\x00\xa0"))
    for cut in range(len(whole)):
        peer.send(whole[:cut])
        peer_two.send(whole[:cut])

    @settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow], deadline=None)
    @given(st.binary(max_size=60), st.sampled_from([8, 101, 0x80 | 101, 200, 13]))
    def throw(tail: bytes, second: int) -> None:
        for data in (tail, bytes([0x80, second]) + tail, bytes([0xBF, second]) + tail):
            peer.send(data)
            peer_two.send(data)

    throw()
    peer_two.send(bytes(9_000))
    peer.ssrc ^= 1
    # Random bytes may have spelt keys too, and what still waits in the socket may crowd out the
    # first presses: a caller would press again.
    presses = 0
    while "1D2C3B4A" not in typed and (presses := presses + 1) <= 5:
        peer.press("1D2C3B4A")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                while "1D2C3B4A" not in typed:
                    typed += (await events.of(wire.Key)).digit
    assert "1D2C3B4A" in typed
    assert pool.pids == pids
    assert isinstance(await pool.open("127.0.0.1", Events()), MediaChannel)


async def test_other_packets_than_audio_do_not_latch(pool: MediaWorkers) -> None:
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel)
    peer = Peer(channel.port)
    channel.set_remote(peer.remote())
    await peer.hear()
    for number in range(10):
        peer.send(build(Packet(77, False, number, number, 9, bytes(FRAME))))
    peer.send(build(peer.key_packets("1")[0]))
    await events.of(wire.Key)
    stats = await figures(channel, events)
    assert (stats.dropped_foreign, stats.sampled) == (10, False)
