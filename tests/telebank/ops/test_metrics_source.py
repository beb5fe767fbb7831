"""The last look is not served as now for ever; a busy node is not taken for dead."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from aiohttp import web

from support.watch_seen import node
from telebank.ops import health, metrics_source
from telebank.ops.metrics_source import Place, Source
from telebank.ops.metrics_types import MISSES, AlarmNow, Disk, Snapshot

PATIENCE_S = 60.0


class Node:
    """Answers at a control socket, or makes whoever asks wait."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.answers.set()

    async def watch(self, _request: web.Request) -> web.Response:
        await self.answers.wait()
        return web.Response(body=msgspec.json.encode(node()), content_type="application/json")


@pytest.fixture
async def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Node]:
    monkeypatch.setattr(metrics_source, "ASK_S", 1.0)
    there = Node()
    app = web.Application()
    app.add_routes([web.get("/v1/watch", there.watch)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.UnixSite(runner, str(tmp_path / "c.sock")).start()
    yield there
    there.answers.set()
    await runner.cleanup()


def source(data: Path) -> Source:
    place = Place(data, data / "c.sock", "01", f"sqlite:///{data / 'telebank.db'}")
    return Source(place, every_s=0.1)


async def until(what: Callable[[], bool], words: str) -> None:
    for _ in range(int(PATIENCE_S * 20)):
        if what():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(words)


async def test_a_node_that_misses_once_lives_and_one_that_goes_on_does_not(
    asked: Node, tmp_path: Path
) -> None:
    looked = source(tmp_path)
    assert not looked.seen.live  # never seen
    assert (await looked.look()).live
    asked.answers.clear()
    for number in range(1, MISSES + 1):
        seen = await looked.look()
        assert (seen.node, seen.misses, seen.live) == (None, number, number < MISSES)
        assert not health.judge(seen).ready
    asked.answers.set()
    assert (await looked.look()).misses == 0


async def test_a_look_that_hangs_makes_what_was_seen_unknown(
    asked: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, hangs = threading.Event(), threading.Event()
    go_on.set()

    def disk(_source: Source) -> Disk:
        if not go_on.is_set():
            hangs.set()
            assert go_on.wait(PATIENCE_S * 2)
        return Disk(total=10, free=5)

    judged: list[Snapshot] = []

    def judge(seen: Snapshot, _now: float) -> Sequence[AlarmNow]:
        judged.append(seen)
        return ()

    monkeypatch.setattr(Source, "_disk", disk)
    looked = source(tmp_path)
    looked.judge = judge
    running = asyncio.ensure_future(looked.run())
    try:
        await until(lambda: looked.seen.node is not None, "the node was never seen")
        go_on.clear()
        await until(hangs.is_set, "no look hangs")
        await until(lambda: looked.seen.node is None, "what was seen stays for ever")
        assert not looked.seen.live
        assert "has seen nothing for" in "; ".join(health.judge(looked.seen).no)
        many = len(judged)
        await until(lambda: len(judged) > many, "alarms do not go on")
        assert judged[-1].node is None
        go_on.set()
        await until(lambda: looked.seen.node is not None, "it does not come back")
    finally:
        go_on.set()
        running.cancel()


async def test_what_nobody_looks_at_any_more_is_unknown(asked: Node, tmp_path: Path) -> None:
    assert asked
    looked = source(tmp_path)
    seen = await looked.look()
    assert seen.live
    looked._seen = msgspec.structs.replace(seen, at=seen.at - 100)
    assert looked.seen.node is looked.seen.store is None
    assert looked.seen is looked.seen  # made once for all who read
    assert not looked.seen.live
