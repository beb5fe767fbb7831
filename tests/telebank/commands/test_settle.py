"""`telebank settle` as a process, with a real core host or without one."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import create_engine, update

from support.corehost_process import CoreHostProcess
from support.store_kit import message, open_store, recorded, rows
from telebank.commands.wiring.neighbours import open_as_started
from telebank.flow.release import release_files
from telebank.settings import load_settings, seed_dir, store_url
from telebank.store import tables
from telebank.store.clock import Stamp, SystemClock
from telebank.store.errors import BeingSettled
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from telebank.store.succession import Entry
from transactions.lifecycle import State

NODES = 2
FINDING, USAGE, UNREACHABLE = 1, 2, 3
TERMINAL = "TEL00001"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CoreHostProcess]:
    """A core host that runs."""
    with CoreHostProcess.start(tmp_path_factory.mktemp("host")) as running:
        yield running


@pytest_asyncio.fixture
async def data(host: CoreHostProcess, tmp_path: Path) -> AsyncIterator[Path]:
    """The folder of node 02; node 01 left one row SENT and one to people."""
    (tmp_path / "keys").symlink_to(host.keys)
    config = tmp_path / "config"
    config.mkdir()
    text = f'schema = 1\n[node]\nid = "02"\nof = {NODES}\n[hosts.tb87]\nterminal = "TB010002"\n'
    (config / "telebank.toml").write_text(text)
    async with open_store(tmp_path, "01", SystemClock(), nodes=NODES, terminal=TERMINAL) as one:
        await one.releases.begin(release_files(seed_dir()))
        for name, stan in (("r1", "000001"), ("r2", "000002")):
            await recorded(one, name)
            await one.journal.sending(message(name, stan, field41=TERMINAL))
        await one.journal.advance("r2", [State.UNKNOWN, State.MANUAL])
    yield tmp_path


def words(data: Path, port: int, *options: str, node: str = "01") -> list[str]:
    return [
        *(sys.executable, "-m", "telebank", "settle", node, "--data", str(data)),
        *("--host-port", str(port), *options),
    ]


async def run(data: Path, port: int, *options: str, node: str = "01") -> tuple[int, str, str]:
    """Exit code, standard output and standard error."""
    done = await asyncio.to_thread(
        subprocess.run, words(data, port, *options, node=node), capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


def lease(data: Path, node: str = "01") -> Any:
    (row,) = rows(data, tables.lease, tables.lease.c.node == node)
    return row


def states(data: Path) -> list[str]:
    return [row.state for row in rows(data, tables.request)]


async def test_a_row_is_settled_as_the_node_that_left_it(host: CoreHostProcess, data: Path) -> None:
    code, out, err = await run(data, host.port, "--json")
    assert code == 0, err
    assert json.loads(out) == {
        "node": "01",
        "epoch": 2,
        "terminal": TERMINAL,
        "settled": 1,
        "left": 0,
        "manual": 1,
        "host_up": True,
    }
    assert "node 01: 1 open, 1 for people, host away" in err
    assert states(data) == ["REVERSED", "MANUAL"]
    undone = [row for row in rows(data, tables.host_message) if row.role == "reversal"]
    assert [(row.mti, row.field41, row.stan) for row in undone] == [("0420", TERMINAL, "000001")]
    assert (lease(data).holder, lease(data).terminal) == ("", TERMINAL)
    told = [row for row in rows(data, tables.event) if row.kind.startswith("node.sett")]
    assert [(row.node, row.kind, row.detail["by"]) for row in told] == [
        ("01", "node.settling", "02"),
        ("01", "node.settled", "02"),
    ]
    code, out, _ = await run(data, host.port)
    assert (code, out) == (0, "node 01: 0 settled, 0 left, 1 wait for two people\n")
    code, out, _ = await run(data, host.port, "--json")
    assert (code, json.loads(out)["host_up"]) == (0, None)  # nobody asked it


async def test_without_the_host_the_row_stays_and_the_lease_is_given_back(data: Path) -> None:
    code, out, err = await run(data, 9, "--within", "1")
    assert (code, out) == (UNREACHABLE, "node 01: 0 settled, 1 left, 1 wait for two people\n")
    assert "the host does not answer" in err
    assert states(data) == ["REVERSING", "MANUAL"]
    assert lease(data).holder == ""


async def test_a_row_that_the_host_does_not_answer_is_a_finding(
    host: CoreHostProcess, data: Path
) -> None:
    host.plan([{"match": {"mti": "0420"}, "action": "drop_before"}])
    try:
        code, out, err = await run(data, host.port, "--within", "2")
    finally:
        host.plan([])
    assert (code, out) == (FINDING, "node 01: 0 settled, 1 left, 1 wait for two people\n"), err
    assert "give it more time" in err


async def test_a_node_that_may_live_is_left_alone(data: Path) -> None:
    async with open_store(data, "01", SystemClock(), nodes=NODES) as alive:
        code, _, err = await run(data, 9)
        assert code == UNREACHABLE
        assert "node 01 was heard of" in err
        assert "wait until it has been silent for 120 s" in err
        seen = (await alive.look_at_self()).seen
        code, _, err = await run(data, 9, "--seen", f"{seen.epoch}:1")
        assert (code, "has come back" in err) == (UNREACHABLE, True)
        await alive.journal.next_stan()


class Behind(SystemClock):
    """Of a machine whose clock is behind ours by more than a node is silent for."""

    def read(self) -> Stamp:
        read = super().read()
        return Stamp(read.utc_us - 130_000_000, read.monotonic_us)


def let_run_elsewhere(data: Path) -> None:
    """Nobody here can know whether the holder has ended; three heartbeats are three seconds."""
    engine = create_engine(store_url(data))
    with engine.begin() as connection:
        connection.execute(update(tables.lease).values(holder="there:0123456789abcdef:77:1"))
    engine.dispose()
    config = data / "config" / "telebank.toml"
    config.write_text(config.read_text() + "[store]\nheartbeat_s = 1\n")


async def test_a_node_that_beats_lives_whatever_the_clocks_say(data: Path) -> None:
    async with open_store(data, "01", Behind(), nodes=NODES, heartbeat_s=0.1) as alive:
        let_run_elsewhere(data)
        settling = asyncio.ensure_future(run(data, 9))
        while not settling.done():
            await alive.look_at_self()
            await asyncio.sleep(0.2)
        code, _, err = await settling
        assert (code, "node 01 lives: its lease moved within 3 s" in err) == (UNREACHABLE, True)
        await alive.journal.next_stan()


async def test_a_node_that_does_not_beat_is_settled_after_a_while(
    host: CoreHostProcess, data: Path
) -> None:
    async with open_store(data, "01", Behind(), nodes=NODES, terminal=TERMINAL):
        let_run_elsewhere(data)
        code, out, err = await run(data, host.port)
    assert (code, out) == (0, "node 01: 1 settled, 0 left, 1 wait for two people\n"), err
    assert "node 01: watching its lease for 3 s" in err


async def test_what_cannot_be_used_is_said(data: Path) -> None:
    code, _, err = await run(data, 9, node="07")
    assert (code, "the store knows no node 07; it has 01" in err) == (UNREACHABLE, True)
    code, _, err = await run(data, 9, "--seen", "yesterday")
    assert code == USAGE
    (data / "keys").unlink()
    code, _, err = await run(data, 9)
    assert (code, f"no keys in {data / 'keys'}" in err) == (USAGE, True)
    assert not (data / "keys").exists()  # the folder was mistyped, perhaps
    Keyring.create(data / "keys")
    code, _, err = await run(data, 9)
    assert (code, "Copy token.key" in err) == (USAGE, True)
    assert lease(data).epoch == 1


async def test_a_folder_that_cannot_be_written_is_said(data: Path) -> None:
    (data / "run").write_text("")
    code, _, err = await run(data, 9)
    assert (code, f"cannot use {data / 'run'}" in err) == (UNREACHABLE, True), err
    assert lease(data).holder == ""


async def test_a_security_module_that_is_away_is_not_a_wrong_command(data: Path) -> None:
    (data / "pin").write_text("123456789012\n")
    (data / "pin").chmod(0o600)
    more = '[keys]\nmodule = "pkcs11"\nlibrary = "absent.so"\ntoken = "x"\ntoken_pin_file = "pin"\n'
    config = data / "config" / "telebank.toml"
    config.write_text(config.read_text() + more.replace('"pin"', f'"{data / "pin"}"'))
    code, _, err = await run(data, 9)
    assert (code, "the token failed to open" in err) == (UNREACHABLE, True), err


@pytest.mark.parametrize("way", ["SIGTERM", "parent gone"])
async def test_a_node_that_comes_back_waits_until_the_settler_gave_it_back(
    data: Path, way: str
) -> None:
    child = subprocess.Popen(
        words(data, 9, "--while-stdin"), stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stderr is not None
    try:
        while "host away" not in await asyncio.to_thread(child.stderr.readline):
            pass
        node = load_settings(data, {"node": {"id": "01"}})
        keyring = Keyring.open_or_create(data / "keys")
        with pytest.raises(BeingSettled, match="the rows of node 01 are being settled"):
            await Store.open(store_url(data), "01", keyring, node.store)
        starting = asyncio.ensure_future(open_as_started(store_url(data), node, keyring))
        if way == "SIGTERM":
            child.terminate()
        else:
            child.stdin.close()
        store = await starting
        assert (store.rival, store.epoch) == ("", 3)  # given back, not taken
        assert await asyncio.to_thread(child.wait) == UNREACHABLE
        (row,) = await store.journal.open_rows()
        assert row.state is State.REVERSING
        await store.close()
    finally:
        child.kill()
        child.wait()
        child.stderr.close()


async def test_a_settler_that_lost_the_node_says_so(data: Path) -> None:
    child = subprocess.Popen(words(data, 9), stderr=subprocess.PIPE, text=True)
    assert child.stderr is not None
    try:
        while "host away" not in await asyncio.to_thread(child.stderr.readline):
            pass
        keyring = Keyring.open_or_create(data / "keys")
        options = load_settings(data).store
        entry = Entry(over_settler=True)
        store = await Store.open(store_url(data), "01", keyring, options, entry=entry)
        assert await asyncio.to_thread(child.wait) == UNREACHABLE
        assert "node 01 was taken by another process" in child.stderr.read()
        await store.journal.next_stan()
        await store.close()
    finally:
        child.kill()
        child.wait()
        child.stderr.close()
