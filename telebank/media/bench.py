"""What a call-second costs: a real worker, real sockets, and callers in a process of their own."""

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from telebank import wire
from telebank.media.bank import FILE_NAMES
from telebank.media.client import Event, MediaChannel, MediaError, MediaWorkers
from telebank.media.load import (
    AUDIO_TYPE,
    EVENT_TYPE,
    KEY,
    MOST_LATE,
    Heard,
    Order,
    keys_of,
)
from telebank.media.options import MediaOptions
from telebank.workers.cpu import cpu_seconds, keep_apart

BANK_SAMPLES = 10 * 8_000
KEY_EVERY_FRAMES = 150
"""Each caller presses a key every three seconds."""
MOST_SILENCE = 0.05
"""A call of which more than this part was silence did not hear its prompts."""


@dataclass(frozen=True, slots=True)
class BenchResult:
    """`cpu_us_per_call_second` counts node and workers; `rss_mb` is the workers' PSS."""

    calls: int
    failed: int
    seconds: float
    cpu_us_per_call_second: float
    tick_late_p99_ms: float
    rss_mb: float


class _Calls:
    """The node's side: every call plays the bank again and again, and again after each key."""

    def __init__(self) -> None:
        self.channels: dict[int, MediaChannel] = {}
        self.keys: Counter[int] = Counter()
        self.lost = 0

    def play(self, channel: MediaChannel) -> None:
        segments = [(0, 30_000), (30_000, 20_005), (50_005, BANK_SAMPLES - 50_005)]
        channel.play(segments, stop_keys=KEY, token=1)

    def on_event(self, index: int, event: Event) -> None:
        match event:
            case wire.Key():
                self.keys[index] += 1
            case wire.PlayEnded(reason="done" | "key"):
                self.play(self.channels[index])
            case wire.MediaLost() | wire.Closed():
                self.lost += 1


async def bench_media(
    calls: int, seconds: float, workers: int = 1, *, secure: bool = False
) -> BenchResult:
    """Run `calls` at once for `seconds`, by SRTP if `secure`; raises `MediaError` when they cannot
    even begin."""
    with tempfile.TemporaryDirectory() as directory:
        _make_bank(Path(directory))
        options = MediaOptions(workers=workers, channels=calls)
        pool = MediaWorkers(options, Path(directory))
        await pool.start()
        try:
            return await _run(pool, calls, seconds, directory, secure=secure)
        finally:
            await pool.close()


async def _run(
    pool: MediaWorkers, calls: int, seconds: float, bank: str, *, secure: bool
) -> BenchResult:
    node = _Calls()
    for index in range(calls):
        channel = await pool.open("127.0.0.1", partial(node.on_event, index))
        if isinstance(channel, wire.OpenFailed):
            raise MediaError(f"channel {index + 1} of {calls}: {channel.reason}")
        node.channels[index] = channel
    load = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "telebank.media.load"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 24,
    )
    try:
        if len(pool.pids) == 1:  # several workers are to show what all cores can do
            keep_apart([0, *pool.pids], load.pid)
        ports = [node.channels[index].port for index in range(calls)]
        order = Order(
            ports=ports, bank=bank, seconds=seconds, key_every=KEY_EVERY_FRAMES, secure=secure
        )
        return await _measure(pool, node, load, order)
    finally:
        if load.returncode is None:
            load.kill()
        await load.wait()


async def _measure(
    pool: MediaWorkers, node: _Calls, load: asyncio.subprocess.Process, order: Order
) -> BenchResult:
    assert load.stdin is not None
    assert load.stdout is not None
    load.stdin.write(msgspec.json.encode(order) + b"\n")
    ports = msgspec.json.decode(await load.stdout.readline(), type=list[int])
    before, start = _cpu_seconds(pool), time.monotonic()
    for index, port in enumerate(ports):
        node.channels[index].set_remote(_remote(port, keys_of(index) if order.secure else None))
        node.play(node.channels[index])
    heard = msgspec.json.decode(await load.stdout.readline(), type=list[Heard])
    cpu, elapsed = _cpu_seconds(pool) - before, time.monotonic() - start
    failed = sum(_failed(call, node.keys[index]) for index, call in enumerate(heard))
    failed = len(ports) if elapsed > MOST_LATE * order.seconds else max(failed, node.lost)
    await pool.close()
    return BenchResult(
        calls=len(ports),
        failed=failed,
        seconds=round(elapsed, 2),
        cpu_us_per_call_second=round(cpu * 1e6 / elapsed / len(ports), 1),
        tick_late_p99_ms=round(max(s.tick_late_p99_ms for s in pool.worker_stats), 2),
        rss_mb=round(sum(s.rss_mb for s in pool.worker_stats), 1),
    )


def _remote(port: int, security: wire.SdesKeys | None) -> wire.SetRemote:
    return wire.SetRemote(
        address="127.0.0.1",
        port=port,
        codec="PCMA",
        payload_type=AUDIO_TYPE,
        event_type=EVENT_TYPE,
        security=security,
    )


def _failed(heard: Heard, keys: int) -> bool:
    enough = heard.speech >= heard.packets * (1 - MOST_SILENCE) > 0
    return not enough or heard.gaps > 0 or heard.wrong > 0 or heard.keys != keys


def _cpu_seconds(pool: MediaWorkers) -> float:
    """CPU time of this process and the workers."""
    return time.process_time() + sum(map(cpu_seconds, pool.pids))


def _make_bank(directory: Path) -> None:
    noise = random.Random(1)  # noqa: S311 - test sound
    silences = bytes([0xD5, 0xFF])
    values = [value for value in range(256) if value not in silences]
    for name in FILE_NAMES:
        (directory / name).write_bytes(bytes(noise.choices(values, k=BANK_SAMPLES)))
