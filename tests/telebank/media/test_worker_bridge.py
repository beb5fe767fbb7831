"""Joined and recorded legs through a real worker, real sockets and files."""

import asyncio
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import soundfile

from support.media_bridge import Leg, open_leg, order, share, talk, tone
from support.media_peer import Events
from telebank import wire
from telebank.media.client import MediaChannel, MediaWorkers, WorkerLost
from telebank.media.options import MediaOptions
from telebank.media.recording import Checked, check, play
from telebank.media.worker import FILLED, next_slot

KEY = bytes(range(32))


def key_of(wrapped: str) -> bytes:
    assert wrapped == "k1:wrapped"
    return KEY


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def checked(recorded: wire.CallRecorded) -> Checked:
    found = check(Path(recorded.path), key_of)
    assert found.sha256 == recorded.sha256
    return found


async def joined(pool: MediaWorkers, *codecs: str) -> list[Leg]:
    legs: list[Leg] = []
    for number, codec in enumerate(codecs):
        leg = await open_leg(pool, legs[0] if legs else None, codec)
        leg.channel.join(1)
        leg.peer.say(tone(500 + 300 * number))
        legs.append(leg)
    return legs


@pytest.mark.parametrize(("one", "other"), [("PCMA", "PCMA"), ("PCMA", "PCMU")])
async def test_two_parties_hear_each_other(pool: MediaWorkers, one: str, other: str) -> None:
    a, b = await joined(pool, one, other)
    await talk([a, b], 1.5)
    assert share(a.peer.audio[-4_000:], 800) > 0.95
    assert share(b.peer.audio[-4_000:], 500) > 0.95
    b.channel.leave()
    await talk([a, b], 0.5)
    for leg in (a, b):
        leg.peer.heard.clear()
    await talk([a, b], 0.3)
    assert np.abs(a.peer.audio).max() <= 8
    assert np.abs(b.peer.audio).max() <= 8


async def test_three_hear_two_and_a_watcher_leaves_no_trace(pool: MediaWorkers) -> None:
    a, b, c = await joined(pool, "PCMA", "PCMU", "PCMA")
    watcher = await open_leg(pool, a)
    watcher.channel.join(1, "monitor")
    watcher.peer.say(tone(2_500))
    await talk([a, b, c, watcher], 1.5)
    hears = {0: {800, 1_100}, 1: {500, 1_100}, 2: {500, 800}, 3: {500, 800, 1_100}}
    for index, leg in enumerate((a, b, c, watcher)):
        sound = leg.peer.audio[-4_000:]
        for hertz in (500, 800, 1_100):
            assert (share(sound, hertz) > 0.2) == (hertz in hears[index])
        assert share(sound, 2_500) < 0.001
        assert leg.peer.first_bytes == {0x80}  # no CSRC, no extension
        assert len(leg.peer.ssrcs) == 1
    watcher.channel.join(1, "whisper", toward=a.channel)
    await talk([a, b, c, watcher], 1.0)
    found = [share(leg.peer.audio[-4_000:], 2_500) > 0.1 for leg in (a, b, c)]
    assert found == [True, False, False]


async def test_keys_are_told_to_the_node_and_to_nobody_else(pool: MediaWorkers) -> None:
    a, b = await joined(pool, "PCMA", "PCMA")
    await talk([a, b], 0.5)
    a.peer.press("42")
    await talk([a, b], 0.5)
    assert [(await a.events.of(wire.Key)).digit for _ in range(2)] == ["4", "2"]
    assert b.peer.types == {8}


async def test_a_leg_on_hold_hears_music_and_then_the_other_again(pool: MediaWorkers) -> None:
    a, b = await joined(pool, "PCMA", "PCMA")
    a.channel.join(1, "tone", sound="dial")
    await talk([a, b], 0.8)
    assert share(a.peer.audio[-2_000:], 450) > 0.95
    assert np.abs(b.peer.audio[-2_000:]).max() <= 8
    pool.keep_sound("music", 1_000, 3_000)
    a.channel.join(1, "music")
    await talk([a, b], 0.3)
    a.peer.heard.clear()
    await talk([a, b], 0.4)
    assert share(a.peer.audio, 450) < 0.1
    assert np.abs(a.peer.audio).max() > 1_000
    a.channel.join(1)
    await talk([a, b], 0.8)
    assert share(a.peer.audio[-2_000:], 800) > 0.95


async def test_what_cannot_be_joined_is_told(pool: MediaWorkers) -> None:
    a, _ = await joined(pool, "PCMA", "PCMA")
    far = [await open_leg(pool) for _ in range(3)]  # in the same slot, but of other calls
    for leg in far:
        leg.channel.join(1)
        assert "beside" in (await leg.events.of(wire.JoinFailed)).reason
        leg.channel.join(2 + far.index(leg))
    a.channel.join(1, "choir")
    assert "no role" in (await a.events.of(wire.JoinFailed)).reason
    a.channel.close()
    await a.events.of(wire.Closed)
    refused = await pool.open("127.0.0.1", a.events, a.channel)
    assert isinstance(refused, wire.OpenFailed)
    assert "beside" in refused.reason


async def test_a_recorded_call_is_on_the_disk_before_it_is_closed(
    pool: MediaWorkers, tmp_path: Path
) -> None:
    a, b = await joined(pool, "PCMA", "PCMU")
    await talk([a, b], 0.5)
    a.channel.send(order(str(tmp_path / "call.rec"), note="call 9"))
    await talk([a, b], 1.2)
    a.channel.pause_record(True)
    await talk([a, b], 0.6)
    a.channel.pause_record(False)
    a.channel.collect(True)
    await talk([a, b], 0.6)
    a.channel.collect(False)
    await talk([a, b], 1.8)
    a.channel.close()
    recorded = await a.events.of(wire.CallRecorded)
    await a.events.of(wire.Closed)
    assert (recorded.error, recorded.cut) == ("", False)
    assert recorded.path == str(tmp_path / "call.rec")
    assert checked(recorded).header.note == "call 9"
    play(Path(recorded.path), key_of, tmp_path / "call.wav")
    sound, _ = soundfile.read(tmp_path / "call.wav", dtype="int16")
    assert 3.8 < recorded.seconds < 4.8
    assert share(sound[1_000:8_000, 0], 500) > 0.9
    assert share(sound[1_000:8_000, 1], 800) > 0.9
    marks = {kind: (start, end) for kind, start, end in recorded.marks}
    assert marks.keys() - {"lost"} == {"paused", "secret"}, "lost: on a busy machine"
    assert not sound[slice(*marks["paused"])].any()
    start, end = marks["secret"]
    assert share(sound[start:end, 0], 450) > 0.9
    assert share(sound[start:end, 1], 800) > 0.9
    assert end - start > 8_000
    assert np.abs(b.peer.audio).max() > 1_000


async def test_recordings_that_cannot_be_are_told(pool: MediaWorkers, tmp_path: Path) -> None:
    [a] = await joined(pool, "PCMA")
    taken = tmp_path / "taken.rec"
    taken.write_bytes(b"something")
    for path, key, why in [
        (tmp_path / "absent" / "call.rec", KEY, "No such file"),
        (taken, KEY, "of this name"),
        (tmp_path / "short.rec", KEY[:5], "32 octets"),
    ]:
        a.channel.send(order(str(path), key))
        await talk([a], 0.3)
        recorded = await a.events.of(wire.CallRecorded)
        assert why in recorded.error
        assert recorded.cut
    a.channel.send(order(str(tmp_path / "one.rec")))
    a.channel.send(order(str(tmp_path / "two.rec")))
    assert "already" in (await a.events.of(wire.CallRecorded)).error
    await talk([a], 0.3)
    a.channel.stop_record_call()
    assert checked(await a.events.of(wire.CallRecorded)).seconds > 0
    a.channel.close()
    await a.events.of(wire.Closed)
    assert taken.read_bytes() == b"something"
    assert not list(tmp_path.glob("*.part"))


async def test_a_killed_writer_cuts_recordings_and_the_next_is_whole(
    pool: MediaWorkers, tmp_path: Path
) -> None:
    [a] = await joined(pool, "PCMA")
    a.channel.send(order(str(tmp_path / "one.rec")))
    await talk([a], 8.0)
    [worker] = pool.pids
    [writer] = children(worker)
    os.kill(writer, signal.SIGKILL)
    recorded = await a.events.of(wire.CallRecorded)
    assert "died" in recorded.error
    assert recorded.path == str(tmp_path / "one.rec")
    cut = check(tmp_path / "one.rec.part", key_of)
    assert cut.cut
    assert cut.seconds > 3
    a.channel.send(order(str(tmp_path / "two.rec")))
    await talk([a], 1.0)
    a.channel.close()
    recorded = await a.events.of(wire.CallRecorded)
    assert not recorded.cut
    assert checked(recorded).seconds > 0.8


async def test_a_killed_worker_leaves_what_was_recorded_finished_and_marked_cut(
    pool: MediaWorkers, tmp_path: Path
) -> None:
    [a] = await joined(pool, "PCMA")
    a.channel.send(order(str(tmp_path / "call.rec")))
    await talk([a], 3.0)
    [worker] = pool.pids
    [writer] = children(worker)
    os.kill(worker, signal.SIGKILL)
    told = await a.events.of(wire.CallRecorded)
    assert (told.path, told.cut) == (str(tmp_path / "call.rec"), True)
    assert "worker is gone" in told.error
    await a.events.of(WorkerLost)
    async with asyncio.timeout(40):
        while Path(f"/proc/{writer}").exists():
            await asyncio.sleep(0.02)
    found = check(tmp_path / "call.rec", key_of)
    assert found.cut
    assert "worker" in found.why
    assert found.seconds > 0.8


async def test_at_the_end_of_the_pool_recordings_are_finished(
    pool: MediaWorkers, tmp_path: Path
) -> None:
    [a] = await joined(pool, "PCMA")
    a.channel.send(order(str(tmp_path / "call.rec")))
    await talk([a], 1.0)
    [worker] = pool.pids
    [writer] = children(worker)
    await pool.close()
    assert checked(await a.events.of(wire.CallRecorded)).seconds > 0.8
    async with asyncio.timeout(40):
        while Path(f"/proc/{writer}").exists():
            await asyncio.sleep(0.02)


async def test_a_writer_that_does_not_answer_is_told_with_the_recordings_path(
    pool: MediaWorkers, tmp_path: Path
) -> None:
    [a] = await joined(pool, "PCMA")
    path = str(tmp_path / "call.rec")
    a.channel.send(order(path))
    await talk([a], 1.0)
    [worker] = pool.pids
    [writer] = children(worker)
    os.kill(writer, signal.SIGSTOP)
    try:
        await pool.close()
        recorded = await a.events.of(wire.CallRecorded)
    finally:
        os.kill(writer, signal.SIGKILL)
    assert (recorded.path, recorded.cut) == (path, True)
    assert "does not answer" in recorded.error
    await a.events.of(wire.Closed)


@pytest.mark.parametrize("options", [MediaOptions(channels=1_200)])
async def test_a_recording_among_a_thousand_sockets_is_finished_at_the_end(
    pool: MediaWorkers, tmp_path: Path
) -> None:
    """Descriptors beyond 1024, which select() does not know."""
    events = [Events() for _ in range(600)]
    for one in events:
        assert isinstance(await pool.open("127.0.0.1", one), MediaChannel)
    [a] = await joined(pool, "PCMA")
    a.channel.send(order(str(tmp_path / "call.rec")))
    await talk([a], 1.5)
    await pool.close()
    assert not (await a.events.of(wire.CallRecorded)).cut
    for one in events:
        await one.of(wire.Closed)


@pytest.mark.parametrize("options", [MediaOptions(channels=2 * FILLED + 1)])
async def test_those_joined_share_a_slot_until_it_is_full(pool: MediaWorkers) -> None:
    [a] = await joined(pool, "PCMA")
    for _ in range(2 * FILLED - 1):
        leg = await pool.open("127.0.0.1", Events(), a.channel)
        assert isinstance(leg, MediaChannel), leg
    refused = await pool.open("127.0.0.1", a.events, a.channel)
    assert isinstance(refused, wire.OpenFailed)
    assert "joined" in refused.reason
    assert isinstance(await open_leg(pool), Leg)


@pytest.mark.parametrize(
    ("rows", "slot"),
    [
        ([0, 0, 0, 0], 0),
        ([FILLED - 1, 0, 0, 0], 0),
        ([FILLED, 0, 0, 0], 1),
        ([FILLED, 3, 7, 0], 2),
        ([2 * FILLED, FILLED + 2, FILLED + 1, FILLED + 1], 2),
    ],
)
def test_no_more_slots_are_in_use_than_are_needed(rows: list[int], slot: int) -> None:
    assert next_slot(rows) == slot
