"""The pool: limits as values, a killed or stopped worker, leaks, the end."""

import asyncio
import math
import os
import resource
import signal
import socket
import sys
from pathlib import Path

import pytest

from support.media_peer import Events, make_bank, open_call
from telebank import wire
from telebank.media.client import MediaChannel, MediaError, MediaWorkers, WorkerLost
from telebank.media.options import MediaOptions
from telebank.workers import link


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def opened(pool: MediaWorkers) -> tuple[MediaChannel, Events]:
    events = Events()
    channel = await pool.open("127.0.0.1", events)
    assert isinstance(channel, MediaChannel), channel
    return channel, events


@pytest.mark.parametrize("options", [MediaOptions(channels=2)])
async def test_the_channel_limit_is_a_value_and_channels_come_back(pool: MediaWorkers) -> None:
    (first, events), _ = await opened(pool), await opened(pool)
    refused = await pool.open("127.0.0.1", Events())
    assert isinstance(refused, wire.OpenFailed)
    assert "all 2 channels" in refused.reason
    assert pool.channels == 2
    first.close()
    first.close()
    await events.of(wire.Closed)
    await opened(pool)


@pytest.mark.parametrize("address", ["192.0.2.77", "bank.example", "", "127.0.0.1:99"])
async def test_an_address_that_is_not_ours_is_a_value(pool: MediaWorkers, address: str) -> None:
    refused = await pool.open(address, Events())
    assert isinstance(refused, wire.OpenFailed)
    assert "no socket on" in refused.reason


async def test_ports_come_even_from_the_range(bank: object, tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        low = taken.getsockname()[1] & ~1
        options = MediaOptions(port_low=min(low, 65_400), port_high=min(low, 65_400) + 8)
        pool = MediaWorkers(options, tmp_path)
        await pool.start()
        answers = [await pool.open("127.0.0.1", Events()) for _ in range(6)]
        await pool.close()
    ports = [answer.port for answer in answers if isinstance(answer, MediaChannel)]
    assert ports
    assert len(set(ports)) == len(ports)
    assert all(port % 2 == 0 and options.port_low <= port < options.port_high for port in ports)
    assert isinstance(answers[-1], wire.OpenFailed)


async def test_no_descriptor_is_a_value(pool: MediaWorkers) -> None:
    [pid] = pool.pids
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (descriptors(pid), 20_000))
    refused = await pool.open("127.0.0.1", Events())
    assert isinstance(refused, wire.OpenFailed)
    assert "Too many open files" in refused.reason
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (1_000, 20_000))
    await opened(pool)


async def test_a_killed_worker_is_told_and_replaced(bank: object, tmp_path: Path) -> None:
    pool = MediaWorkers(MediaOptions(workers=2), tmp_path)
    await pool.start()
    before = pool.pids
    calls = [await open_call(pool) for _ in range(4)]
    os.kill(before[0], signal.SIGKILL)
    lost = []
    while len(lost) < 2:
        await asyncio.sleep(0.01)
        lost = [e for _, _, events in calls for e in events.all if isinstance(e, WorkerLost)]
    while len(pool.pids) < 2 or before[0] in pool.pids:
        await asyncio.sleep(0.01)
    for channel, peer, events in calls:
        if not events.all:  # the other worker's calls have noticed nothing
            peer.press("1")
            assert (await events.of(wire.Key)).channel == channel.number
        else:
            assert events.all == [WorkerLost(channel.number)]
            channel.stop()  # into the void, without harm
    answers = [await open_call(pool) for _ in range(2)]
    assert before[1] in pool.pids
    assert len(answers) == 2
    await pool.close()
    assert pool.pids == []


@pytest.mark.parametrize("options", [MediaOptions(open_timeout_s=0.5)])
async def test_a_stopped_worker_is_a_value_and_in_the_end_replaced(pool: MediaWorkers) -> None:
    channel, _, events = await open_call(pool)
    [pid] = pool.pids
    os.kill(pid, signal.SIGSTOP)
    for _ in range(3):
        refused = await pool.open("127.0.0.1", Events())
        assert isinstance(refused, wire.OpenFailed)
        assert "does not answer" in refused.reason
    assert await events.of(WorkerLost) == WorkerLost(channel.number)
    async with asyncio.timeout(40):
        while not isinstance(await pool.open("127.0.0.1", Events()), MediaChannel):
            await asyncio.sleep(0.05)
    assert pool.pids != [pid]


@pytest.mark.parametrize("seconds", [0.9, 0.0, -1.0, math.nan])
def test_a_worker_that_is_only_late_is_not_replaced(seconds: float) -> None:
    with pytest.raises(ValueError, match="give 1 or more"):
        MediaOptions(silent_s=seconds)
    assert MediaOptions(silent_s=1.0).silent_s == 1.0


async def test_a_worker_that_lives_and_says_nothing_is_found_and_replaced(
    bank: object, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody asks it for anything meanwhile: its calls are told, and others notice nothing."""
    pool = MediaWorkers(MediaOptions(workers=2, silent_s=1.5), tmp_path)
    await pool.start()
    folder = tmp_path / "another"
    folder.mkdir()
    make_bank(folder)
    assert await pool.open_bank(folder) == 1
    before = pool.pids
    calls = [await open_call(pool) for _ in range(4)]
    os.kill(before[0], signal.SIGSTOP)
    hung = [events for channel, _, events in calls if channel.worker.pid == before[0]]
    assert len(hung) == 2
    async with asyncio.timeout(30):
        for events in hung:
            assert isinstance(await events.of(WorkerLost), WorkerLost)
        while len(pool.pids) < 2 or before[0] in pool.pids:
            await asyncio.sleep(0.02)
    assert "has said nothing for 1.5 s" in caplog.text
    assert not Path(f"/proc/{before[0]}").exists()
    for channel, peer, events in calls:
        if events not in hung:
            peer.press("1")
            assert (await events.of(wire.Key)).channel == channel.number
    await asyncio.sleep(3)  # those that do answer stay
    assert before[1] in pool.pids
    channel, _, events = await open_call(pool)
    channel.play([(0, 800)], "", token=1, bank=1)
    assert (await events.of(wire.PlayEnded)).token == 1
    await pool.close()


async def test_an_open_given_up_by_its_caller_leaves_nothing(pool: MediaWorkers) -> None:
    [pid] = pool.pids
    await opened(pool)
    count = descriptors(pid)
    task = asyncio.create_task(pool.open("127.0.0.1", Events()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    last, events = await opened(pool)
    last.close()
    await events.of(wire.Closed)
    assert (descriptors(pid), pool.channels) == (count, 1)


async def test_two_hundred_calls_leave_nothing(pool: MediaWorkers) -> None:
    [pid] = pool.pids
    await opened(pool)
    count, ours = descriptors(pid), descriptors(os.getpid())
    for _ in range(50):
        calls = [await opened(pool) for _ in range(4)]
        for channel, _ in calls:
            channel.play([(0, 8_000)], "", token=1)
            channel.close()
        for _, events in calls:
            await events.of(wire.Closed)
    assert descriptors(pid) == count
    assert descriptors(os.getpid()) == ours
    assert pool.channels == 1


async def test_the_worker_goes_when_its_node_does(bank: object, tmp_path: Path) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    command = ["-m", "telebank.media", "--fd", str(theirs.fileno()), "--bank-dir", str(tmp_path)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, pass_fds=(theirs.fileno(),)
    )
    theirs.close()
    assert b"Hello" in await asyncio.to_thread(ours.recv, link.MAX_PACKET)
    ours.send(b"\xc1 no message at all")
    ours.send(b"")
    ours.close()
    async with asyncio.timeout(40):
        assert await process.wait() == 1


async def test_figures_of_the_worker_come_at_the_end(pool: MediaWorkers) -> None:
    channels = [await open_call(pool) for _ in range(3)]
    for _ in range(10):
        await channels[0][1].hear()
    await pool.close()
    [stats] = pool.worker_stats
    assert stats.channels == 3
    assert stats.ticks > 0
    assert stats.cpu_seconds > 0
    assert stats.rss_mb > 5
    for _, _, events in channels:
        await events.of(wire.Closed)


@pytest.mark.parametrize("break_it", ["missing", "uneven"])
async def test_without_a_bank_start_says_what_to_do(
    bank: object, tmp_path: Path, break_it: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if break_it == "missing":
        (tmp_path / "prompts.pcmu").unlink()
    else:
        (tmp_path / "prompts.pcmu").write_bytes(b"short")
    pool = MediaWorkers(MediaOptions(), tmp_path)
    with pytest.raises(MediaError):
        await pool.start()
    assert "build the" in capfd.readouterr().err
    assert isinstance(await pool.open("127.0.0.1", Events()), wire.OpenFailed)


@pytest.mark.parametrize(
    ("name", "value"),
    [("workers", -1), ("channels", 0), ("media_timeout_s", -1.0), ("port_low", 5_001)],
)
def test_options_out_of_bounds_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match="media"):
        MediaOptions(**{"port_high": 9_000, name: value})


@pytest.mark.parametrize(
    ("lines", "cores", "workers"),
    [(500, 1, 1), (500, 16, 1), (501, 2, 1), (501, 4, 2), (3_000, 4, 3), (3_000, 2, 3), (1, 1, 1)],
)
def test_workers_are_as_many_as_lines_and_cores_suggest(
    lines: int, cores: int, workers: int
) -> None:
    assert MediaOptions().sized(lines, cores).workers == workers
    assert MediaOptions(workers=7).sized(lines, cores).workers == 7
