"""A real node is stopped (SIGSTOP) just before a transfer may go; another process takes the node
over on the same data. Continued, the first sends nothing to the host and ends."""

import asyncio
import json
import os
import signal
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from support.bank_process import BankProcess, _write_settings
from support.corehost_process import CoreHostProcess
from support.money_caller import prompts, prove, ring, transfer
from support.money_journal import TRANSFER
from support.money_stage import OPENING, SETTINGS, Scene, Stage
from support.store_kit import rows
from support.store_postgresql import StoreServer
from support.store_relay import Relay
from support.store_stalling import COMMAND
from telebank.phone.phone import Phone
from telebank.store import tables

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]

END_S = 60.0
UNREACHABLE = 3


@dataclass(frozen=True)
class Seen:
    """What became of it."""

    before: list[str]
    """Message types that the first node had sent until it stopped."""
    after: list[str]
    """Those since it was continued."""
    exit_code: int
    log: str
    heard: list[str]
    """By the customer of the second node."""
    held: tuple[int, int]
    transfers: list[tuple[str, int, str]]
    """States, epochs and releases of all transfers in the journal."""
    ready: int
    """Process id in run/node.json at the end."""
    second: int
    release: str
    """What the store says is in force."""


async def stall(stage: Stage, *, database: str) -> Seen:
    """One call that stops its node, a second node, one call there, and the first wakes."""
    data = stage.folder / f"stalled-{database}"
    server = await asyncio.to_thread(StoreServer.start) if database == "postgresql" else None
    try:
        settings = dict(SETTINGS)
        if server is not None:
            settings["store"] = {"url": server.url(server.empty())}
        return await _stall(stage, data, settings)
    finally:
        if server is not None:
            await asyncio.to_thread(server.remove)


async def _stall(stage: Stage, data: Path, settings: dict[str, dict[str, object]]) -> Seen:
    data.mkdir(parents=True)
    stage.voice.lend(data)
    _write_settings(data / "config" / "telebank.toml", settings)
    host = await asyncio.to_thread(CoreHostProcess.start, data)
    first = BankProcess(data, stage.voice, settings, host, [*COMMAND, TRANSFER])
    second = BankProcess(data, stage.voice, settings, host)
    real = host.port
    try:
        async with Relay.open(real) as relay, first.phone() as phone:
            host.port = relay.port
            await asyncio.to_thread(first.run)
            host.port = real
            return await _play(first, second, relay, phone)
    finally:
        for node in (second, first, host):
            await asyncio.to_thread(node.kill)


async def _play(first: BankProcess, second: BankProcess, relay: Relay, phone: Phone) -> Seen:
    payer, payee = first.cards[:2]
    other, _ = first.cards[2:4]
    caller = asyncio.ensure_future(_ring(first, phone, transfer(payer, payee, "50")))
    await _stopped(first.pid)
    point, before = relay.sent(), relay.types_since([])
    await asyncio.to_thread(second.run)
    os.kill(first.pid, signal.SIGCONT)
    code, moved, asked = await asyncio.gather(
        asyncio.to_thread(first.wait, END_S),
        _ring(second, phone, transfer(other, payee, "7"), "tr.done"),
        _ring(second, phone, prove(payer), "main.menu"),
    )
    caller.cancel()
    return Seen(
        before,
        relay.types_since(point),
        code,
        first.log_text(),
        moved + asked,
        (first.host.balances()[payer.card], first.host.balances()[payee.card]),
        [
            (row.state, row.epoch, row.release)
            for row in rows(first.data, tables.request, tables.request.c.service == TRANSFER)
        ],
        json.loads((first.data / "run" / "node.json").read_text())["pid"],
        second.pid,
        rows(first.data, tables.publication)[-1].release,
    )


async def _ring(bank: BankProcess, phone: Phone, script: str, until: str = "") -> list[str]:
    return prompts(await ring(bank, phone, script, until))


async def _stopped(pid: int) -> None:
    """Wait until a process stands still (proc_pid_stat(5), field 3)."""
    for _ in range(1_800):
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
        if state == "T":
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the node did not come to its transfer")


SCENES: list[Scene[Seen]] = [
    partial(stall, database=database) for database in ("sqlite", "postgresql")
]


@pytest.mark.parametrize("scene", SCENES, ids=["sqlite", "postgresql"])
async def test_a_node_that_stood_still_sends_nothing(stage: Stage, scene: Scene[Seen]) -> None:
    seen: Seen = await stage.of(scene)
    assert "0200" in seen.before
    assert set(seen.after) <= {"0800", "0810"}
    assert seen.exit_code == UNREACHABLE
    assert "lease" in seen.log
    assert seen.ready == seen.second  # the first took only its own word back
    assert "tr.done" in seen.heard
    assert not [name for name in seen.heard if name.startswith("notice.")]
    assert seen.held == (OPENING, OPENING + 700)
    assert seen.transfers == [("APPROVED", 2, seen.release)]
