"""What a call-second of two joined and recorded legs costs: a real worker and its writer, real
sockets and files, and callers in a process of their own."""

import asyncio
import secrets
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from telebank import wire
from telebank.media.bank import FILE_NAMES
from telebank.media.client import Event, MediaChannel, MediaError, MediaWorkers
from telebank.media.load import MOST_LATE
from telebank.media.load_bridge import AUDIO_TYPE, Heard, Order
from telebank.media.options import MediaOptions
from telebank.media.recording import check
from telebank.media.sealed import SealError
from telebank.workers.cpu import children, cpu_seconds, keep_apart

MOST_WRONG = 0.02
"""A leg of which more than this part was not the other's sound did not hear it."""
BEGINNING_S = 0.7
"""Seconds in which a leg's beginning may be silence."""

LAST_S = 30.0
"""Seconds that the writers have for the last recordings."""


@dataclass(frozen=True, slots=True)
class BridgeResult:
    """`cpu_us_per_call_second` counts node, workers and writers; a call has two legs. `rss_mb` is
    the workers' PSS."""

    calls: int
    recorded: int
    failed: int
    seconds: float
    cpu_us_per_call_second: float
    writer_us_per_call_second: float
    tick_late_p99_ms: float
    rss_mb: float


class _Calls:
    """The node's side."""

    def __init__(self) -> None:
        self.legs: list[MediaChannel] = []
        self.recordings: list[wire.CallRecorded] = []
        self.key = secrets.token_bytes(32)
        self.lost = 0

    async def finished(self, recordings: int) -> None:
        """Until so many recordings are on the disk, or far too long."""
        until = time.monotonic() + LAST_S
        while len(self.recordings) < recordings and time.monotonic() < until:
            await asyncio.sleep(0.1)

    def on_event(self, event: Event) -> None:
        match event:
            case wire.CallRecorded():
                self.recordings.append(event)
            case wire.MediaLost() | wire.JoinFailed():
                self.lost += 1


async def bench_bridge(
    calls: int, seconds: float, *, record: bool = True, workers: int = 1
) -> BridgeResult:
    """Run `calls` at once for `seconds`; raises `MediaError` when they cannot even begin."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        for name in FILE_NAMES:
            (Path(directory) / name).write_bytes(bytes(8_000))
        pool = MediaWorkers(MediaOptions(workers=workers, channels=2 * calls), Path(directory))
        await pool.start()
        try:
            return await _run(pool, calls, seconds, Path(directory) if record else None)
        finally:
            await pool.close()


async def _run(pool: MediaWorkers, calls: int, seconds: float, folder: Path | None) -> BridgeResult:
    node = _Calls()
    for index in range(2 * calls):
        beside = node.legs[-1] if index % 2 else None
        channel = await pool.open("127.0.0.1", node.on_event, beside)
        if isinstance(channel, wire.OpenFailed):
            raise MediaError(f"leg {index + 1} of {2 * calls}: {channel.reason}")
        node.legs.append(channel)
    load = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "telebank.media.load_bridge"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 24,
    )
    try:
        keep_apart([0, *pool.pids, *_writers(pool)], load.pid)
        return await _measure(pool, node, load, seconds, folder)
    finally:
        if load.returncode is None:
            load.kill()
        await load.wait()


async def _measure(
    pool: MediaWorkers,
    node: _Calls,
    load: asyncio.subprocess.Process,
    seconds: float,
    folder: Path | None,
) -> BridgeResult:
    assert load.stdin is not None
    assert load.stdout is not None
    order = Order(ports=[leg.port for leg in node.legs], seconds=seconds)
    load.stdin.write(msgspec.json.encode(order) + b"\n")
    ports = msgspec.json.decode(await load.stdout.readline(), type=list[int])
    begun = time.monotonic()
    _connect(node, ports, folder)
    await asyncio.sleep(min(BEGINNING_S + 1, seconds / 2))
    before, start = _cpu_seconds(pool), time.monotonic()
    heard = msgspec.json.decode(await load.stdout.readline(), type=list[Heard])
    after, elapsed = _cpu_seconds(pool), time.monotonic() - start
    calls, late = len(ports) // 2, time.monotonic() - begun > MOST_LATE * seconds
    for leg in node.legs:
        leg.close()
    await node.finished(calls if folder else 0)
    await pool.close()
    share = 1e6 / elapsed / calls
    return BridgeResult(
        calls=calls,
        recorded=len(node.recordings),
        failed=calls if late else _failed(node, heard, seconds, calls if folder else 0),
        seconds=round(elapsed, 2),
        cpu_us_per_call_second=round((sum(after) - sum(before)) * share, 1),
        writer_us_per_call_second=round((after[1] - before[1]) * share, 1),
        tick_late_p99_ms=round(max(s.tick_late_p99_ms for s in pool.worker_stats), 2),
        rss_mb=round(sum(s.rss_mb for s in pool.worker_stats), 1),
    )


def _connect(node: _Calls, ports: list[int], folder: Path | None) -> None:
    for index, (leg, port) in enumerate(zip(node.legs, ports, strict=True)):
        leg.set_remote(_remote(port))
        leg.join(index // 2 + 1)
        if folder is not None and index % 2 == 0:
            path = folder / f"{index // 2}.rec"
            leg.send(wire.RecordCall(path=str(path), key=node.key, wrapped="bench", begun="now"))


def _remote(port: int) -> wire.SetRemote:
    return wire.SetRemote(
        address="127.0.0.1",
        port=port,
        codec="PCMA",
        payload_type=AUDIO_TYPE,
        event_type=101,
    )


def _failed(node: _Calls, heard: list[Heard], seconds: float, recorded: int) -> int:
    beginning = BEGINNING_S * 50
    legs = [leg.gaps > 0 or leg.wrong > beginning + MOST_WRONG * leg.packets for leg in heard]
    calls = sum(one or other for one, other in zip(legs[::2], legs[1::2], strict=True))
    sound = partial(_sound, node.key, seconds)
    return max(calls, recorded - sum(map(sound, node.recordings)), node.lost)


def _sound(key: bytes, seconds: float, recorded: wire.CallRecorded) -> bool:
    """Whether a recording is whole and as long as its call."""
    if recorded.error or recorded.cut or recorded.seconds < seconds - 1:
        return False
    try:
        found = check(Path(recorded.path), lambda _: key)
    except (SealError, OSError):
        return False
    return found.sha256 == recorded.sha256 and not found.cut


def _cpu_seconds(pool: MediaWorkers) -> tuple[float, float]:
    """CPU time of this process and the workers, and of the writers."""
    own = time.process_time() + sum(map(cpu_seconds, pool.pids))
    return own, sum(map(cpu_seconds, _writers(pool)))


def _writers(pool: MediaWorkers) -> list[int]:
    return [child for pid in pool.pids for child in children(pid)]
