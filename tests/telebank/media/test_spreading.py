"""Several workers in a pool: channels spread over them, what is joined is together, and a worker
that dies takes its own alone."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from support.media_peer import Events, open_call
from telebank.media.client import MediaChannel, MediaWorkers, WorkerLost
from telebank.media.options import MediaOptions

CALLS = 30


@pytest.fixture(params=[2, 3])
async def several(
    request: pytest.FixtureRequest, bank: object, tmp_path: Path
) -> AsyncIterator[MediaWorkers]:
    pool = MediaWorkers(MediaOptions(workers=request.param), tmp_path)
    await pool.start()
    yield pool
    await pool.close()
    assert pool.pids == []


async def opened(pool: MediaWorkers, beside: MediaChannel | None = None) -> MediaChannel:
    channel = await pool.open("127.0.0.1", Events(), beside)
    assert isinstance(channel, MediaChannel), channel
    return channel


def loads(pool: MediaWorkers) -> list[int]:
    return [worker.load for worker in pool.workers]


async def test_calls_spread_evenly_and_new_ones_go_where_fewest_are(several: MediaWorkers) -> None:
    channels = [await opened(several) for _ in range(CALLS)]
    many = len(several.workers)
    assert loads(several) == [CALLS // many] * many
    last = several.workers[-1]
    over = [channel for channel in channels if channel.worker is last][:5]
    for channel in over:
        channel.close()
    while last.load != CALLS // many - 5:
        await asyncio.sleep(0.01)
    assert [(await opened(several)).worker for _ in over] == [last] * 5
    assert loads(several) == [CALLS // many] * many


async def test_calls_that_begin_at_once_spread_too(several: MediaWorkers) -> None:
    await asyncio.gather(*(opened(several) for _ in range(CALLS)))
    many = len(several.workers)
    assert loads(several) == [CALLS // many] * many


async def test_legs_beside_each_other_are_in_one_worker(several: MediaWorkers) -> None:
    first, second = await opened(several), await opened(several)
    assert first.worker is not second.worker
    legs = [await opened(several, beside=second) for _ in range(10)]
    assert {leg.worker for leg in legs} == {second.worker}
    assert second.worker.load == 11
    many = len(several.workers)
    for _ in range(10 * (many - 1)):  # until the others have as many
        assert (await opened(several)).worker is not second.worker
    assert max(loads(several)) - min(loads(several)) <= 1


async def test_a_killed_worker_takes_its_own_alone_and_its_heir_is_filled_first(
    several: MediaWorkers,
) -> None:
    many = len(several.workers)
    calls = [await open_call(several) for _ in range(2 * many)]
    victim, before = several.workers[1], several.pids
    os.kill(victim.pid, signal.SIGKILL)
    while not all(events.all for channel, _, events in calls if channel.worker is victim):
        await asyncio.sleep(0.01)
    while len(several.pids) < many or victim.pid in before or not victim.ready:
        await asyncio.sleep(0.01)
    for channel, _, events in calls:
        assert events.all == ([WorkerLost(channel.number)] if channel.worker is victim else [])
    assert len(set(several.pids) & set(before)) == many - 1
    assert [(await opened(several)).worker for _ in range(2)] == [victim] * 2
    assert loads(several) == [2] * many
    for _, peer, _ in calls:
        peer.close()
