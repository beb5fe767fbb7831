"""Several prompt banks at once: opened and left while a worker runs, also by the next process."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from support.media_peer import FRAME, make_bank, open_call
from telebank import wire
from telebank.media.client import MediaError, MediaWorkers


def second_bank(folder: Path) -> bytes:
    """Another bank, of other noise; its A-law octets."""
    folder.mkdir()
    octets = make_bank(folder, seconds=2)
    noise = random.Random(5).randbytes(len(octets["PCMA"]))
    (folder / "prompts.pcma").write_bytes(noise)
    return noise


async def heard(pool: MediaWorkers, bank: int, start: int) -> bytes:
    channel, peer, events = await open_call(pool)
    channel.play([(start, 3 * FRAME)], "", 1, bank)
    packets = [await peer.hear_play()] + [await peer.hear() for _ in range(2)]
    await events.of(wire.PlayEnded)
    channel.close()
    return b"".join(packet.payload for packet in packets)


async def test_calls_play_from_their_own_banks_at_once(
    pool: MediaWorkers, bank: dict[str, bytes], tmp_path: Path
) -> None:
    noise = second_bank(tmp_path / "second")
    number = await pool.open_bank(tmp_path / "second")
    (old, old_peer, _), (new, new_peer, _) = await open_call(pool), await open_call(pool)
    old.play([(100, 50 * FRAME)], "", 1)
    new.play([(200, 50 * FRAME)], "", 1, number)
    first, second = await old_peer.hear_play(), await new_peer.hear_play()
    assert first.payload == bank["PCMA"][100 : 100 + FRAME]
    assert second.payload == noise[200 : 200 + FRAME]
    for index in range(1, 20):
        at = index * FRAME
        assert (await old_peer.hear()).payload == bank["PCMA"][100 + at : 100 + at + FRAME]
        assert (await new_peer.hear()).payload == noise[200 + at : 200 + at + FRAME]


async def test_a_bank_that_was_left_is_refused_and_stops_what_played(
    pool: MediaWorkers, bank: dict[str, bytes], tmp_path: Path
) -> None:
    second_bank(tmp_path / "second")
    number = await pool.open_bank(tmp_path / "second")
    channel, peer, events = await open_call(pool)
    channel.play([(0, 8_000)], "", 1, number)
    await peer.hear_play()
    pool.leave_bank(number)
    assert (await events.of(wire.PlayEnded)).reason == "stopped"
    channel.play([(0, 8_000)], "", 2, number)
    assert (await events.of(wire.PlayEnded)).reason == "refused"
    pool.leave_bank(0)
    assert await heard(pool, 0, 40) == bank["PCMA"][40 : 40 + 3 * FRAME]


async def test_the_next_process_has_the_banks_too(pool: MediaWorkers, tmp_path: Path) -> None:
    noise = second_bank(tmp_path / "second")
    number = await pool.open_bank(tmp_path / "second")
    pid = pool.pids[0]
    os.kill(pid, signal.SIGKILL)
    while pool.pids in ([], [pid]) or not pool._workers[0].ready:
        await asyncio.sleep(0.02)
    assert await heard(pool, number, 80) == noise[80 : 80 + 3 * FRAME]


async def test_what_is_no_bank_and_one_too_many_are_errors(
    pool: MediaWorkers, tmp_path: Path
) -> None:
    with pytest.raises(MediaError, match="cannot be played from"):
        await pool.open_bank(tmp_path / "nothing")
    second_bank(tmp_path / "second")
    for _ in range(wire.MAX_BANKS - 1):
        await pool.open_bank(tmp_path / "second")
    with pytest.raises(MediaError, match="banks are open"):
        await pool.open_bank(tmp_path / "second")
