"""A node dies or stands still in the middle of a transfer; another one of the same PostgreSQL ends
what it left, under the dead node's terminal and with its STANs, and the first one starts again."""

import asyncio
import json
import os
import signal
from dataclasses import dataclass
from typing import Any

import pytest

from support.bank_process import TELEBANK
from support.crashing_node import COMMAND as CRASHING
from support.money_caller import prompts, prove, ring, transfer
from support.money_journal import TRANSFER
from support.money_stage import OPENING, Scene, Stage
from support.settle_bank import House
from support.settle_stopping import COMMAND as STOPPING
from support.store_kit import rows
from telebank.store import numbers, tables

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]

END_S = 60.0
UNREACHABLE = 3
FIRST, SECOND = "01", "02"


@dataclass(frozen=True)
class Seen:
    """What became of it."""

    exit_code: int
    log: str
    """Of the node that died or stood still."""
    after: list[str]
    """Message types that it sent after it was continued."""
    history: list[str]
    messages: list[Any]
    held: tuple[int, int]
    alarms: list[Any]
    settling: list[Any]
    settled: list[Any]
    lease: Any
    """Of the first node, when it was settled."""
    wire: dict[str, bytes]
    """What went to the host from the other nodes."""
    logs: dict[str, str]
    heard: list[str]
    """By the payer, at the first node that was started again."""


async def killed(stage: Stage) -> Seen:
    """Killed when the host has done it and the journal does not know; two neighbours see it."""
    first = [*CRASHING, TRANSFER, "advance APPROVED", "before"]
    async with House.open(stage.folder / "killed", stage.voice, 3, first) as house:
        node = house.nodes[FIRST]
        async with node.phone() as phone:
            caller = asyncio.ensure_future(ring(node, phone, transfer(*house.host.cards[:2], "50")))
            code = await asyncio.to_thread(node.wait, END_S)
            caller.cancel()
        await house.until_settled(FIRST)
        return await _seen(house, code, [])


async def stopped(stage: Stage) -> Seen:
    """Stopped when the row says SENT and nothing has gone; it wakes when all is settled."""
    first = [*STOPPING, TRANSFER]
    async with House.open(stage.folder / "stopped", stage.voice, 2, first) as house:
        node = house.nodes[FIRST]
        async with node.phone() as phone:
            caller = asyncio.ensure_future(ring(node, phone, transfer(*house.host.cards[:2], "50")))
            await house.until_settled(FIRST)
            point = house.relays[FIRST].sent()
            os.kill(node.pid, signal.SIGCONT)
            code = await asyncio.to_thread(node.wait, END_S)
            caller.cancel()
        return await _seen(house, code, house.relays[FIRST].types_since(point))


async def _seen(house: House, code: int, after: list[str]) -> Seen:
    """Look at everything, start the first node again, and let the payer ring there."""
    node = house.nodes[FIRST]
    payer, payee = house.host.cards[:2]
    (request,) = rows(house.data, tables.request, tables.request.c.service == TRANSFER)
    of = tables.request_state.c.request == request.id
    lease, log = house.lease(FIRST), node.log_text()
    node.launcher = TELEBANK
    await house.start(FIRST)
    async with node.phone() as phone:
        heard = prompts(await ring(node, phone, prove(payer), "notice.not_posted"))
    held = house.host.balances()
    return Seen(
        exit_code=code,
        log=log,
        after=after,
        history=[row.state for row in rows(house.data, tables.request_state, of)],
        messages=list(
            rows(house.data, tables.host_message, tables.host_message.c.request == request.id)
        ),
        held=(held[payer.card], held[payee.card]),
        alarms=house.events("alarm.node_dead"),
        settling=house.events("node.settling"),
        settled=house.events("node.settled"),
        lease=lease,
        wire={
            name: b"".join(map(bytes, relay.streams))
            for name, relay in house.relays.items()
            if name != FIRST
        },
        logs={name: one.log_text() for name, one in house.nodes.items()},
        heard=heard,
    )


def _check(seen: Seen, nodes: int) -> None:
    assert seen.history == ["RECORDED", "SENT", "UNKNOWN", "REVERSING", "REVERSED"]
    assert seen.held == (OPENING, OPENING)
    share = numbers.share(FIRST, nodes)
    assert {row.field41 for row in seen.messages} == {"TB010001"}
    assert {int(row.stan) in share for row in seen.messages} == {True}
    assert [row.mti for row in seen.messages][:2] == ["0200", "0420"]
    # Once, under the epoch after the dead node's, and the lease was given back.
    (settling,), (settled,) = seen.settling, seen.settled
    assert settling.node == settled.node == FIRST
    assert settled.detail == {
        "by": settling.detail["by"],
        "epoch": 2,
        "settled": 1,
        "left": 0,
        "manual": 0,
    }
    assert (seen.lease.holder, seen.lease.epoch) == ("", 2)
    # Of the others only that one sent a reversal, signed on and reversing as the dead node.
    by = settling.detail["by"]
    assert [name for name, sent in seen.wire.items() if b"0420" in sent] == [by]
    assert b"TB010001" in seen.wire[by]
    assert by in {alarm.node for alarm in seen.alarms}
    assert {alarm.detail["node"] for alarm in seen.alarms} == {FIRST}
    assert [done["exit_code"] for done in _ended(seen.logs[by])] == [0]
    assert seen.heard[0] == "notice.not_posted"


def _ended(log: str) -> list[dict[str, Any]]:
    lines = (json.loads(line) for line in log.splitlines() if '"neighbour.settled"' in line)
    return [line for line in lines if line["event"] == "neighbour.settled"]


async def test_a_killed_nodes_transfer_is_settled_by_one_of_the_others(stage: Stage) -> None:
    seen: Seen = await stage.of(killed)
    assert seen.exit_code == -signal.SIGKILL
    _check(seen, 3)
    others = [name for name in seen.wire if name != seen.settling[0].detail["by"]]
    codes = [done["exit_code"] for name in others for done in _ended(seen.logs[name])]
    assert set(codes) <= {UNREACHABLE}  # who came second was refused


async def test_a_stopped_nodes_transfer_is_settled_and_it_sends_nothing(stage: Stage) -> None:
    seen: Seen = await stage.of(stopped)
    _check(seen, 2)
    assert set(seen.after) <= {"0800", "0810"}
    assert seen.exit_code == UNREACHABLE
    assert "lease" in seen.log
    first, undo = seen.messages[:2]
    assert (undo.sent_at - first.sent_at).total_seconds() > 10  # past the send deadline


SCENES: list[Scene[Seen]] = [killed, stopped]
