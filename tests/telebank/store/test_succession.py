"""A dead node's lease is had for settling by one, and only as long as nobody touched it."""

import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from support.store_kit import FakeClock, message, open_store, recorded, rows
from telebank.settings import SettingsError, load_settings, store_url
from telebank.store import tables
from telebank.store.errors import BeingSettled, LeaseMoved
from telebank.store.holder import settles
from telebank.store.options import MAX_NODES, StoreOptions
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from telebank.store.succession import _ALL, Entry, Neighbour, Seen
from transactions.lifecycle import State
from transactions.ports import LeaseLost

NODES = 3


async def _settler(place: Path, entry: Entry, clock: FakeClock | None = None) -> Store:
    keys = Keyring.open_or_create(place / "keys")
    options = StoreOptions(nodes=NODES, terminal="TB010001")
    clock = clock or FakeClock()
    return await Store.open(store_url(place), "01", keys, options, clock, entry=entry)


async def _left(place: Path) -> Neighbour:
    """Node 01 ends with a row SENT and one on the list of two people; as node 02 sees it."""
    async with open_store(place, "01", nodes=NODES, terminal="TB010001") as one:
        await recorded(one, "r1")
        await one.journal.sending(message("r1", "000001"))
        await recorded(one, "r2")
        await one.journal.sending(message("r2", "000002"))
        await one.journal.advance("r2", [State.UNKNOWN, State.MANUAL])
    async with open_store(place, "02", nodes=NODES) as two:
        (found,) = await two.look_round()
        return found


async def test_a_lease_has_what_the_host_knows_its_node_by(place: Path) -> None:
    found = await _left(place)
    assert (found.node, found.holder, found.nodes) == ("01", "", NODES)
    assert (found.terminal, found.open, found.manual) == ("TB010001", 1, 1)


async def test_of_two_that_saw_the_same_one_settles(place: Path) -> None:
    entry = Entry(settling=(await _left(place)).seen)
    results: list[Any] = await asyncio.gather(
        *(_settler(place, entry) for _ in range(2)), return_exceptions=True
    )
    stores = [one for one in results if isinstance(one, Store)]
    refused = [one for one in results if isinstance(one, LeaseMoved)]
    assert (len(stores), len(refused)) == (1, 1)
    assert "another process settles its rows" in str(refused[0])
    (row,) = await stores[0].journal.open_rows()
    assert row.request.id == "r1"
    assert int(await stores[0].journal.next_stan()) in range(1, 333_334)
    await stores[0].close()


async def test_a_heartbeat_since_is_a_node_that_lives(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, "01", clock, nodes=NODES) as one:
        before = await one.look_at_self()
        clock.forward(11)
        after = await one.look_at_self()
        assert after.seen.heartbeat > before.seen.heartbeat
        with pytest.raises(LeaseMoved, match="has come back"):
            await _settler(place, Entry(settling=before.seen), clock)
        await one.journal.next_stan()  # it still has its lease


async def test_a_node_that_nobody_saw_is_not_settled(place: Path) -> None:
    entry = Entry(settling=(await _left(place)).seen)
    options = StoreOptions(nodes=NODES)
    keys = Keyring.open_or_create(place / "keys")
    with pytest.raises(LeaseMoved):
        await Store.open(store_url(place), "03", keys, options, FakeClock(), entry=entry)
    assert [row.node for row in rows(place, tables.lease)] == ["01", "02"]


async def test_who_is_settled_can_do_nothing_more(place: Path) -> None:
    async with open_store(place, "01", nodes=NODES) as asleep:
        settler = await _settler(place, Entry(settling=(await asleep.look_at_self()).seen))
        with pytest.raises(LeaseLost):
            await asleep.journal.next_stan()
        await settler.close()
        with pytest.raises(LeaseLost):
            await asleep.look_round()


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a holder with another process space nobody here knows whether it has ended."""
    told = "there:0123456789abcdef:77:1:settle"
    monkeypatch.setattr("telebank.store.store.this_process", lambda to_settle: told * to_settle)


@pytest.mark.usefixtures("elsewhere")
async def test_a_start_is_told_that_its_rows_are_being_settled(place: Path) -> None:
    clock = FakeClock()
    entry = Entry(settling=(await _left(place)).seen)
    async with AsyncExitStack() as stack:
        settler = await _settler(place, entry, clock)
        stack.push_async_callback(settler.close)
        with pytest.raises(BeingSettled, match=r"being settled by process 77 on there"):
            await _settler(place, Entry(), clock)
        await settler.look_at_self()
        clock.forward(29)
        with pytest.raises(BeingSettled):
            await _settler(place, Entry(), clock)
        clock.forward(1)  # three heartbeats missed: it died too
        node = await _settler(place, Entry(), clock)
        assert node.rival  # what it had SENT is reversed past the deadline only
        with pytest.raises(LeaseLost):
            await settler.look_at_self()
        await node.close()


@pytest.mark.usefixtures("elsewhere")
async def test_a_start_that_waited_long_enough_takes_the_node(place: Path) -> None:
    settler = await _settler(place, Entry(settling=(await _left(place)).seen))
    node = await _settler(place, Entry(over_settler=True))
    with pytest.raises(LeaseLost):
        await settler.look_at_self()
    await node.close()
    await settler.close()
    (row,) = rows(place, tables.lease, tables.lease.c.node == "01")
    # A row is SENT still: whom the settler had the node from may have run.
    assert (settles(row.holder), row.epoch) == (True, 3)


async def test_a_settler_that_died_leaves_its_rival_behind(place: Path) -> None:
    """Whom it had the node from may still be about to send."""
    seen = (await _left(place)).seen
    code = (
        "import asyncio, os, signal, sys\n"
        "from datetime import UTC, datetime\n"
        "from pathlib import Path\n"
        "from telebank.store.options import StoreOptions\n"
        "from telebank.store.sealing import Keyring\n"
        "from telebank.store.clock import from_us\n"
        "from telebank.store.store import Store\n"
        "from telebank.store.succession import Entry, Seen\n"
        "url, keys, epoch, beat = sys.argv[1:]\n"
        "entry = Entry(settling=Seen(int(epoch), from_us(int(beat))))\n"
        "ring = Keyring.open_or_create(Path(keys))\n"
        "asyncio.run(Store.open(url, '01', ring, StoreOptions(nodes=3), entry=entry))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    beat = seen.heartbeat.timestamp() * 1e6
    words = [store_url(place), str(place / "keys"), str(seen.epoch), str(round(beat))]
    await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code, *words], check=False)
    async with open_store(place, "01", nodes=NODES) as node:
        assert node.rival.endswith(":settle")


HOLDER = "there:0123456789abcdef:77:1"


async def test_a_settler_that_ends_early_leaves_whom_it_had_the_node_from(place: Path) -> None:
    """He may still be about to send; every later one has to wait for that."""
    clock = FakeClock()
    found = await _left(place)
    async with open_store(place, "01", clock, nodes=NODES) as node:
        await node.journal.run(
            lambda part: part.execute(update(tables.lease).values(holder=HOLDER))
        )
        beat = (seen := (await node.look_at_self()).seen).heartbeat
        clock.forward(60)
        for _ in range(2):  # the host's keys cannot be opened, say
            settler = await _settler(place, Entry(settling=seen), clock)
            assert settler.rival == HOLDER
            await settler.close()
            (row,) = rows(place, tables.lease, tables.lease.c.node == found.node)
            assert (row.holder, row.heartbeat) == (HOLDER, beat)  # when he was heard of last
            seen = Seen(row.epoch, row.heartbeat)
    settler = await _settler(place, Entry(settling=seen), clock)
    await settler.journal.advance("r1", [State.UNKNOWN, State.REVERSING])
    await settler.close()
    (row,) = rows(place, tables.lease, tables.lease.c.node == found.node)
    assert row.holder == ""  # nothing of his is SENT any more


async def test_what_a_node_itself_leaves_as_sent_needs_no_waiting(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _left(place)
    async with open_store(place, "01", nodes=NODES) as node:
        await node.journal.advance("r1", [State.UNKNOWN, State.REVERSING])
        await node.journal.run(
            lambda part: part.execute(update(tables.lease).values(holder=HOLDER))
        )
        monkeypatch.setattr("telebank.store.lease.give_back", lambda *_: None)
    monkeypatch.undo()
    async with open_store(place, "01", nodes=NODES) as node:
        assert node.rival == HOLDER
        await recorded(node, "r3")
        await node.journal.sending(message("r3", "000003"))
    async with open_store(place, "01", nodes=NODES) as node:
        assert node.rival == ""


def test_a_silence_within_the_send_deadline_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"give at least 61, \[store\] heartbeat_s \+"):
        load_settings(
            tmp_path,
            {"node": {"settle_others_after_s": 60}, "transactions": {"send_deadline_s": 50}},
        )


def test_as_many_nodes_are_listed_as_there_may_be(tmp_path: Path) -> None:
    assert load_settings(tmp_path, {"node": {"of": MAX_NODES}}).store.nodes == MAX_NODES
    assert f"LIMIT {MAX_NODES}" in str(_ALL.compile(compile_kwargs={"literal_binds": True}))


def test_a_silence_shorter_than_three_heartbeats_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"give at least 30, 3 times \[store\] heartbeat_s"):
        load_settings(tmp_path, {"node": {"settle_others_after_s": 29}})
    settings = load_settings(
        tmp_path, {"node": {"settle_others_after_s": 0}, "hosts": {"tb87": {"terminal": "T7"}}}
    )
    assert settings.store == replace(settings.store, terminal="T7")
