"""A running node's watch over the others, with a real PostgreSQL and a real child process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from support.corehost_process import CoreHostProcess
from support.sql_servers import Cluster
from support.store_kit import message, open_store, recorded, rows
from support.store_postgresql import StoreServer
from telebank.commands.wiring.neighbours import Neighbours
from telebank.flow.release import release_files
from telebank.settings import Settings, load_settings, seed_dir, store_url
from telebank.store import tables
from telebank.store.clock import SystemClock
from telebank.store.sealing import Keyring
from telebank.store.store import Store

POLL_S = 0.1
POLLS = 600
NOBODY = 9
"""A port that nobody listens on: the host is away."""


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """Folder of node 02 on a PostgreSQL, with the keys of a host that does not run."""
    host = CoreHostProcess.start(tmp_path)
    host.stop()
    server = StoreServer(Cluster("-c fsync=off"))
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "telebank.toml").write_text(
        'schema = 1\n[node]\nid = "02"\nof = 2\nsettle_others_after_s = 2\n'
        "[transactions]\nsend_deadline_s = 0.5\n"
        f'[store]\nurl = "{server.url(server.empty())}"\nheartbeat_s = 0.2\n'
    )
    yield tmp_path
    server.remove()


@contextlib.asynccontextmanager
async def node(data: Path, settings: Settings) -> AsyncIterator[Store]:
    keyring = Keyring.open_or_create(data / "keys")
    store = await Store.open(store_url(data), settings.node.id, keyring, settings.store)
    yield store
    await store.close()


async def until(found: Callable[[], Any]) -> Any:
    for _ in range(POLLS):
        if value := found():
            return value
        await asyncio.sleep(POLL_S)
    raise AssertionError("it did not happen")


def events(data: Path, kind: str) -> list[Any]:
    return list(rows(data, tables.event, tables.event.c.kind == kind))


def lease(data: Path, name: str) -> Any:
    (row,) = rows(data, tables.lease, tables.lease.c.node == name)
    return row


def spoil(data: Path, name: str, heartbeat_us: int) -> None:
    engine = create_engine(store_url(data))
    with engine.begin() as connection:
        connection.execute(
            text("UPDATE lease SET heartbeat = :at WHERE node = :node"),
            {"at": heartbeat_us, "node": name},
        )
    engine.dispose()


async def test_what_it_started_ends_with_it_and_gives_the_node_back(data: Path) -> None:
    async with open_store(data, "01", SystemClock(), nodes=2) as one:
        await one.releases.begin(release_files(seed_dir()))
        await recorded(one, "r1")
        await one.journal.sending(message("r1", "000001"))
    async with node(data, settings := load_settings(data)) as store:
        watch = Neighbours(store, data, settings, NOBODY, pytest.fail)
        watch.start()
        (settling,) = await until(lambda: events(data, "node.settling"))
        assert lease(data, "01").holder.endswith(":settle")
        await watch.close()
        assert lease(data, "01").holder == ""
    assert (settling.node, settling.detail["by"]) == ("01", "02")
    assert [row.state for row in rows(data, tables.request)] == ["REVERSING"]
    (alarm,) = events(data, "alarm.node_dead")
    assert alarm.node == "02"
    assert {name: alarm.detail[name] for name in ("node", "open")} == {"node": "01", "open": 1}
    (settled,) = events(data, "node.settled")
    assert settled.detail["left"] == 1


async def test_a_heart_that_stopped_beats_again_after_an_alarm(data: Path) -> None:
    """By a neighbour's lease that no time can be read from."""
    async with open_store(data, "01", SystemClock(), nodes=2) as one:
        await recorded(one, "r1")
        await one.journal.sending(message("r1", "000001"))
    async with node(data, settings := load_settings(data)) as store:
        watch = Neighbours(store, data, settings, NOBODY, pytest.fail)
        spoil(data, "01", 8 * 10**18)
        watch.start()
        (alarm,) = await until(lambda: events(data, "alarm.neighbours"))
        assert alarm.detail == {"why": "looking round failed: OverflowError"}
        first = lease(data, "02").heartbeat
        await until(lambda: lease(data, "02").heartbeat > first)  # though it still cannot look
        assert len(events(data, "alarm.neighbours")) == 1
        spoil(data, "01", 10**15)
        await until(lambda: events(data, "alarm.node_dead"))
        await watch.close()


async def test_a_settling_that_failed_unforeseen_is_an_alarm_and_tried_again(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(data, "01", SystemClock(), nodes=2) as one:
        await recorded(one, "r1")
        await one.journal.sending(message("r1", "000001"))
    monkeypatch.setattr("telebank.ops.neighbours.RETRY_FIRST_S", 0.2)
    monkeypatch.setattr("sys.executable", 7)  # what no process is started with
    async with node(data, settings := load_settings(data)) as store:
        watch = Neighbours(store, data, settings, NOBODY, pytest.fail)
        watch.start()
        await until(lambda: len(events(data, "alarm.node_dead")) > 1)
        await watch.close()
    assert [alarm.detail for alarm in events(data, "alarm.neighbours")][:1] == [
        {"why": "settling failed: TypeError", "node": "01"}
    ]


async def test_an_idle_node_beats_and_is_told_when_its_lease_is_gone(data: Path) -> None:
    lost = asyncio.Event()
    async with node(data, settings := load_settings(data)) as store:
        watch = Neighbours(store, data, settings, NOBODY, lost.set)
        first = lease(data, "02").heartbeat
        watch.start()
        await until(lambda: lease(data, "02").heartbeat > first)
        async with node(data, settings):
            await asyncio.wait_for(lost.wait(), POLLS * POLL_S)
        await watch.close()
    assert events(data, "alarm.node_dead") == []
