"""What a node tells its watcher of links, queues, trunks and workers."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import cast

from support.store_kit import open_store
from telebank.agents.board import QueueRow
from telebank.calls.node import VoiceNode
from telebank.commands.wiring.host_watch import HostWatch
from telebank.commands.wiring.watching import WatchPart, lines_of, queue_of, trunk_of, worker_of
from telebank.ops.metrics_types import Anchors, Link
from telebank.settings import load_settings
from transactions.journal import Journal
from transactions.ports import Health, HostAdapter


async def test_links_with_their_state_latency_and_last_trace_number(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        watch = HostWatch(store)
        watch.expect(["a1", "b1"])
        watch.link("a1", True, "signed on")
        watch.answered("a1", "000041", 0.5)
        watch.answered("a1", "000042", 0.012)
        watch.link("w7", True, "")  # of a pool, whose links have names as they come
        first, second, third = watch.links()
        assert (first.name, first.up, first.answers, first.stan) == ("a1", True, 2, 42)
        assert round(first.latency_ms) == 12
        assert (second.name, second.up, second.stan) == ("b1", False, 0)
        assert (third.name, third.up) == ("w7", True)
        watch.link("a1", False, "disconnected")
        assert not watch.links()[0].up
        while len(asyncio.all_tasks()) > 1:  # what is written of links
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


async def test_how_long_a_link_is_as_it_is_is_not_begun_anew_by_the_same_news(
    tmp_path: Path,
) -> None:
    async with open_store(tmp_path) as store:
        watch = HostWatch(store)
        watch.expect(["a"])
        watch._links["a"].since -= 60.0  # a minute ago
        watch.link("a", False, "disconnected")
        (one,) = watch.links()
        assert one.since_s >= 60.0
        while len(asyncio.all_tasks()) > 1:
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))


def test_a_queue_with_its_longest_wait() -> None:
    since = (datetime.now(UTC) - timedelta(seconds=90)).isoformat(timespec="milliseconds")
    row = QueueRow(
        key="q", zh="普通", en="General", waiting=2, longest_since=since, offered_today=7
    )
    told = queue_of(row)
    assert (told.name, told.waiting, told.offered) == ("General", 2, 7)
    assert told.longest_s >= 90
    assert queue_of(QueueRow(key="q", zh="普通", en="General")).longest_s == 0


def test_a_trunk_is_blocked_where_none_of_its_peers_answers() -> None:
    peers = [{"peer": "a", "well": False}, {"peer": "b", "well": False}]
    one = {"trunk": "east", "calls_in": 1, "calls_out": 2, "peers": peers}
    assert trunk_of(one).blocked
    assert not trunk_of({**one, "peers": [*peers, {"peer": "c", "well": True}]}).blocked
    assert not trunk_of({**one, "peers": []}).blocked


def test_lines_and_workers() -> None:
    figures = {"capacity": 30, "calls": 4, "faxes": 1, "tellers": 2, "setups": 9}
    told = lines_of({**figures, "setups_per_s": 0.5, "refused": {"busy": 3}})
    assert (told.limit, told.busy, told.tellers, told.refused["busy"]) == (30, 5, 2, 3)
    assert worker_of({"up": False, "channels": 0}).late_ms == 0
    assert worker_of({"up": True, "channels": 3, "tick_late_p99_ms": 1.5}).late_ms == 1.5


class Around:
    """What a node has, as far as its watcher is told of it; nothing of single calls."""

    edition = SimpleNamespace(release=SimpleNamespace(hash="ab"))
    missing = ""

    def figures(self) -> dict[str, object]:
        lines = {"capacity": 30, "calls": 4, "faxes": 1, "tellers": 2, "setups": 9}
        more = {"setups_per_s": 0.5, "refused": {}, "draining": False, "faults": 0}
        return {**lines, **more, "trunks": [], "workers": []}

    async def health(self) -> Health:
        return Health(links_up=1, links=2, business_date=None, in_flight=0)

    def anchors(self) -> Anchors:
        return Anchors(places=2, late=1)

    def links(self) -> list[Link]:
        return []

    def counts(self) -> dict[str, int]:
        return {"channels": 4, "busy": 1}

    def queue_rows(self) -> list[QueueRow]:
        return [QueueRow(key="q", zh="普通", en="General", waiting=2)]

    def seat_states(self) -> dict[str, int]:
        return {"ready": 2}


async def test_all_of_it_without_a_row_of_a_call(tmp_path: Path) -> None:
    it = Around()
    part = WatchPart(
        *(load_settings(tmp_path), cast(VoiceNode, it), cast(HostAdapter, it), it, it, it, it),
        *(cast(Journal, None), 3),
    )
    told = await part._told()
    assert (told.seats, [one.waiting for one in told.queues]) == ({"ready": 2}, [2])
    assert told.anchors == Anchors(places=2, late=1)
    assert (told.lines.busy, told.fax.busy, told.host.links_up) == (5, 1, 1)
