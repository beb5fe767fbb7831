"""What only a database server can do to the store: end connections, stop, keep silent, lose the
answer to a COMMIT, wait for locks, refuse. Nothing is half written and nothing hangs."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url, text

from support.sql_servers import CommitCutter
from support.store_kit import (
    check_log,
    money_plan,
    open_store,
    recorded,
    rows,
    transfer,
)
from support.store_postgresql import StoreServer, name_in_settings
from telebank.settings import store_url
from telebank.store import postgresql, tables
from telebank.store.engine import open_read_only
from telebank.store.errors import StoreMissing, StoreUnavailable
from telebank.store.postgresql import CommitUnknown, Mark
from telebank.store.store import Store
from telebank.store.transaction import Transaction
from transactions.journal import JournalEvent, Recorded
from transactions.ports import LeaseLost

PID = text("SELECT pg_backend_pid()")
Say = Callable[[str], Any]


@pytest.fixture
def say(server: StoreServer, remote: Path) -> Say:
    """Commands to the server, in the database of this test."""
    database = str(make_url(store_url(remote)).database)
    return lambda command: server.say(command, database)


def _log_length(place: Path) -> int:
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        length = check_log(connection)
    engine.dispose()
    return length


async def _backend(store: Store) -> int:
    return int(await store._writer.run(lambda part: part.execute(PID).scalar_one()))


async def test_commits_are_durable_and_every_wait_ends(remote: Path) -> None:
    names = ("synchronous_commit", "transaction_isolation", "lock_timeout", "statement_timeout")

    def show(part: Transaction) -> list[Any]:
        return [part.execute(text(f"SHOW {name}")).scalar_one() for name in names]

    async with open_store(remote, busy_timeout_ms=3_000) as store:
        assert await store._writer.run(show) == ["on", "read committed", "5s", "10s"]


async def test_a_connection_ended_at_rest_costs_no_job(remote: Path, say: Say) -> None:
    async with open_store(remote) as store:
        await recorded(store, "r1")
        say(f"SELECT pg_terminate_backend({await _backend(store)}, 5000)")
        await recorded(store, "r2")
    assert _log_length(remote) == 2


async def test_a_connection_ended_in_mid_job_writes_nothing_of_its_commit(
    remote: Path,
) -> None:
    def die(part: Transaction) -> None:
        part.event(JournalEvent("half"))
        part.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    async with open_store(remote) as store:
        await recorded(store, "r1")
        ends = await asyncio.gather(
            store.journal.append(JournalEvent("same commit")),
            store._writer.run(die),
            return_exceptions=True,
        )
        assert [type(end) for end in ends] == [StoreUnavailable] * 2
        assert "terminating connection" in str(ends[1])
        await recorded(store, "r2")
    assert [row.kind for row in rows(remote, tables.event)] == ["request.state"] * 2


async def test_a_server_stopped_in_mid_work_and_started_again(
    remote: Path, server: StoreServer
) -> None:
    kept: set[str] = set()
    lost: dict[str, str] = {}

    async def customer(store: Store, lane: int) -> None:
        for number in range(1_000):
            name = f"{lane}-{number}"
            try:
                await recorded(store, name)
                kept.add(name)
            except StoreUnavailable as error:
                lost[name] = str(error)
                await asyncio.sleep(0.05)
            if len(kept) > held[0] + 50:
                return

    held = [10**6]
    async with open_store(remote) as store:
        lanes = [asyncio.create_task(customer(store, lane)) for lane in range(8)]
        while len(kept) < 30:
            await asyncio.sleep(0.01)
        await asyncio.to_thread(server.cluster.stop)
        # Of a commit cut off by the stop nobody hears before the server can be asked again.
        for _ in range(100):
            if lost:
                break
            await asyncio.sleep(0.01)
        await asyncio.to_thread(server.cluster.start)
        held[0] = len(kept)
        await asyncio.gather(*lanes)
    assert [why for why in lost.values() if "not known" in why] == []
    assert {row.id for row in rows(remote, tables.request)} == kept
    assert _log_length(remote) == len(kept)


@pytest.fixture
def cutter(
    remote: Path, server: StoreServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[CommitCutter]:
    """Between the store and its server; it can keep back the answer to a COMMIT."""
    folder = tmp_path_factory.mktemp("cut")
    cutter = CommitCutter(folder, server.cluster)
    database = str(make_url(store_url(remote)).database)
    name_in_settings(remote, server.url(database, folder))
    yield cutter
    cutter.close()


async def test_a_commit_whose_answer_was_lost_is_asked_after(
    remote: Path, cutter: CommitCutter
) -> None:
    async with open_store(remote) as store:
        await recorded(store, "r1")
        cutter.armed.set()
        await recorded(store, "r2")  # the server had committed it: it counts
        assert not cutter.armed.is_set()
        await recorded(store, "r3")
    assert _log_length(remote) == 3


async def test_a_transaction_that_the_server_lost_was_not_made(remote: Path) -> None:
    """Also where another one has its number by now: that one has not its row."""
    async with open_store(remote) as store:
        await recorded(store, "r1")
        engine = store._writer._engine
        with engine.begin() as connection:
            [number] = connection.execute(text("SELECT pg_current_xact_id()")).one()
        made = rows(remote, tables.leaf)[-1]
        leaf = {"node": made.node, "sequence": made.sequence, "hash": made.hash}
        assert not postgresql.was_made(engine, Mark(str(int(number) + 1_000_000), None), 5.0)
        assert postgresql.was_made(engine, Mark(str(number), leaf), 5.0)
        others = leaf | {"hash": bytes(32)}
        assert not postgresql.was_made(engine, Mark(str(number), others), 5.0)
        with pytest.raises(CommitUnknown, match=r"in 0\.2 s"):
            postgresql.was_made(engine, Mark("no number", None), 0.2)


async def test_where_the_server_cannot_be_asked_it_is_said_and_the_log_goes_on_whole(
    remote: Path, cutter: CommitCutter, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_word(*_: object) -> bool:
        raise CommitUnknown("no word")

    monkeypatch.setattr("telebank.store.writer.was_made", no_word)
    async with open_store(remote) as store:
        await recorded(store, "r1")
        cutter.armed.set()
        with pytest.raises(StoreUnavailable, match="not known"):
            await recorded(store, "r2")
        await recorded(store, "r3")
    assert [row.id for row in rows(remote, tables.request)] == ["r1", "r2", "r3"]
    assert _log_length(remote) == 3


async def test_a_commit_that_the_server_refuses_is_not_taken_for_made(
    remote: Path, say: Say
) -> None:
    say("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''never''; END'")
    say(
        "CREATE CONSTRAINT TRIGGER late AFTER INSERT ON request DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION no()"
    )
    async with open_store(remote) as store:
        with pytest.raises(StoreUnavailable, match="never"):
            await recorded(store, "r1")
        say("DROP FUNCTION no CASCADE")
        await recorded(store, "r2")
    assert [row.id for row in rows(remote, tables.request)] == ["r2"]
    assert _log_length(remote) == 1


async def test_a_server_that_keeps_silent_is_given_up(
    remote: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "LOCK_GRACE_MS", 200)
    async with open_store(remote, busy_timeout_ms=20) as store:
        await recorded(store, "r1")
        process = await _backend(store)
        os.kill(process, signal.SIGSTOP)
        try:
            with pytest.raises(StoreUnavailable, match=r"no answer in 0\.66 s"):
                await recorded(store, "r2")
        finally:
            os.kill(process, signal.SIGCONT)
        await recorded(store, "r3")
    assert [row.id for row in rows(remote, tables.request)] == ["r1", "r3"]


async def test_a_lock_held_elsewhere_is_said_and_the_writer_goes_on(
    remote: Path, server: StoreServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgresql, "LOCK_GRACE_MS", 0)
    url = make_url(store_url(remote))
    async with open_store(remote, busy_timeout_ms=100) as store:
        await recorded(store, "r1")
        with psycopg.connect(
            host=str(server.cluster.folder), user="owner", dbname=url.database
        ) as other:
            other.execute("LOCK TABLE lease IN EXCLUSIVE MODE")
            with pytest.raises(StoreUnavailable, match="lock timeout"):
                await recorded(store, "r2")
        await recorded(store, "r2")
    assert len(rows(remote, tables.request)) == 2


async def test_a_full_server_is_said_and_the_rest_stays_whole(remote: Path, say: Say) -> None:
    async with open_store(remote) as store:
        await recorded(store, "r1")
        say(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE"
            " ''could not extend file'' USING ERRCODE = ''disk_full''; END'"
        )
        say(
            "CREATE TRIGGER full_disk BEFORE INSERT ON leaf FOR EACH STATEMENT"
            " EXECUTE FUNCTION full_disk()"
        )
        for name in ("r2", "r3"):
            with pytest.raises(StoreUnavailable, match="could not extend file"):
                await recorded(store, name)
        assert len(await store.journal.open_rows()) == 1  # what only reads goes on
        say("DROP FUNCTION full_disk CASCADE")
        await recorded(store, "r4")
    assert [row.id for row in rows(remote, tables.request)] == ["r1", "r4"]
    assert _log_length(remote) == 2


async def test_a_node_that_stands_still_in_mid_commit_loses_its_rows_and_its_lease(
    remote: Path,
) -> None:
    loop = asyncio.get_running_loop()
    stands, wakes = asyncio.Event(), loop.create_future()

    def stand_still(part: Transaction) -> None:
        part.event(JournalEvent("half"))
        loop.call_soon_threadsafe(stands.set)
        asyncio.run_coroutine_threadsafe(_of(wakes), loop).result()

    async with open_store(remote, busy_timeout_ms=1_000) as old:
        await recorded(old, "r1")
        stalled = asyncio.create_task(old._writer.run(stand_still))
        await stands.wait()
        async with open_store(remote, busy_timeout_ms=1_000) as new:
            assert new.epoch == old.epoch + 1
            await recorded(new, "r2")
            wakes.set_result(None)
            with pytest.raises(StoreUnavailable):
                await stalled
            with pytest.raises(LeaseLost):
                await recorded(old, "r3")
    assert [row.kind for row in rows(remote, tables.event)] == ["request.state"] * 2
    assert _log_length(remote) == 2


async def _of(future: "asyncio.Future[None]") -> None:
    await future


async def test_a_value_that_does_not_fit_fails_its_job_alone(remote: Path) -> None:
    async with open_store(remote) as store:
        await store.journal.next_stan()
        long = transfer("long", channel="telephone" * 4)
        ends = await asyncio.gather(
            store.journal.record(long, money_plan(guarded=False)),
            store.journal.record(transfer("fits"), money_plan(guarded=False)),
            return_exceptions=True,
        )
    assert "too long" in str(ends[0])
    assert isinstance(ends[1], Recorded)
    assert [row.id for row in rows(remote, tables.request)] == ["fits"]


async def test_nodes_that_start_at_once_make_the_tables_once(
    tmp_path: Path, server: StoreServer
) -> None:
    database = server.empty()
    name_in_settings(tmp_path, server.url(database))
    async with (
        open_store(tmp_path, "01", nodes=2) as one,
        open_store(tmp_path, "02", nodes=2) as two,
    ):
        await recorded(one, "r1")
        assert two.epoch == 1
    server.drop(database)


async def test_readers_cannot_write_and_see_one_moment(remote: Path) -> None:
    async with open_store(remote) as store:
        await recorded(store, "r1")
        engine = open_read_only(store_url(remote))
        with engine.connect() as connection, pytest.raises(Exception, match="read-only"):
            connection.exec_driver_sql("DELETE FROM lease")
        count = text("SELECT count(*) FROM request")
        with engine.connect() as connection:
            assert connection.execute(count).scalar_one() == 1
            await recorded(store, "r2")
            assert connection.execute(count).scalar_one() == 1
        engine.dispose()


def test_readers_are_told_what_is_missing(server: StoreServer, tmp_path: Path) -> None:
    database = server.empty()
    with pytest.raises(StoreMissing, match=f"{database} has no tables yet"):
        open_read_only(server.url(database))
    server.drop(database)
    with pytest.raises(StoreMissing, match=f'database "{database}" does not exist'):
        open_read_only(server.url(database))
    with pytest.raises(StoreMissing, match="cannot open the database"):
        open_read_only(server.url(database, tmp_path))


@pytest.fixture
def guarded(server: StoreServer) -> Iterator[str]:
    """A database of a user who has a password, set up as docs/store.md says; its name."""
    database, rules = server.empty(), server.cluster.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text("local all telebank scram-sha-256\n" + before)
    server.say("SELECT pg_reload_conf()")
    server.say("CREATE ROLE telebank LOGIN PASSWORD 'violet-anchor'")
    server.say(f"ALTER DATABASE {database} OWNER TO telebank")
    yield database
    server.drop(database)
    server.say("DROP ROLE telebank")
    rules.write_text(before)
    server.say("SELECT pg_reload_conf()")


async def test_a_password_from_a_file(guarded: str, server: StoreServer, tmp_path: Path) -> None:
    url = server.url(guarded).replace("owner@", "telebank@")
    name_in_settings(tmp_path, url, password_file="keys/store-password")
    secret = tmp_path / "keys" / "store-password"
    secret.parent.mkdir()
    secret.write_text("violet-anchor\n")
    secret.chmod(0o600)
    async with open_store(tmp_path) as store:
        await recorded(store, "r1")
    assert len(rows(tmp_path, tables.request)) == 1
    secret.write_text("wrong-anchor\n")
    with pytest.raises(StoreUnavailable, match="password authentication failed") as refused:
        async with open_store(tmp_path):
            pass
    assert "docs/store.md" in str(refused.value)
    assert "anchor" not in str(refused.value)
