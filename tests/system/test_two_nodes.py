"""Two nodes on one PostgreSQL behind Kamailio with the shipped configuration: calls spread over
both; one drains; one is killed while money is at the host, and the other ends what it left."""

import asyncio
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from core_adapters.corehost.seed import SeedCard
from support.bank_process import TELEBANK, Voice
from support.kamailio_front import Front, kamailio_front
from support.money_caller import PATIENCE_S, transfer
from support.money_journal import TRANSFER
from support.money_stage import OPENING
from support.settle_bank import House
from support.store_kit import rows
from telebank.phone.phone import Phone, PhoneCall, PhoneOptions
from telebank.phone.script import parse_script
from telebank.settings import store_url
from telebank.store import tables
from telebank.store.engine import open_read_only
from telebank.store.views import CallRow, recent_calls

# Alone, not on the stage: Kamailio takes a node that does not answer for seconds for dead.
pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.timeout(900),
]

FIRST, SECOND = "01", "02"
AWAKE_S = 6.0
"""A caller presses a key so often: who says nothing is sent away."""
WAIT_S = 60.0
PAID = 50_00
"""Fen of the transfer that is done."""


@dataclass(frozen=True)
class Seen:
    """What became of it."""

    spread: dict[str, int]
    """Four calls at once, by node."""
    while_draining: dict[str, int]
    """New calls by node, once Kamailio had noticed."""
    drained: CallRow
    """The call that was on the node that drained."""
    killed: str
    exit_code: int
    after: list[dict[str, int]]
    """New calls by node, after the kill and when all was settled."""
    kept: CallRow
    """The call that was on the other node all the time."""
    states: list[str]
    """Of both transfers."""
    history: list[str]
    """Of the one that was at the host when its node was killed."""
    settled: list[Any]
    held: list[int]
    """Fen: by who paid, by the payee, by whose transfer was undone."""
    findings: list[str]
    """Of the host's books."""


@dataclass
class Callers:
    """Phones that call the bank at Kamailio, each with a number of its own."""

    house: House
    front: Front
    phone: Phone
    count: int = 0

    async def dial(self, script: str = "") -> tuple[str, PhoneCall, Any]:
        """A caller; the last two digits of his number, and his call as a task."""
        self.count += 1
        number = f"{self.count:02d}"
        options = PhoneOptions(patience_s=PATIENCE_S, from_user=f"138000000{number}")
        call = await self.phone.dial(self.front.uri, options)
        return number, call, asyncio.ensure_future(call.run(parse_script(script)))

    @asynccontextmanager
    async def stays(self) -> AsyncIterator[str]:
        """Somebody who goes to and fro in the menus until the end of the block."""
        number, call, task = await self.dial()
        async with asyncio.timeout(WAIT_S):
            await call.answered.wait()
        awake = asyncio.ensure_future(_wander(call))
        try:
            yield number
        finally:
            awake.cancel()
            call.hang_up()
            await task

    async def where(self, number: str) -> str:
        """The node that has his call."""
        return (await self.row(number)).node

    async def moves_on(self, number: str) -> None:
        """Wait until the bank has taken another key of his."""
        before = len((await self.row(number)).keys)
        for _ in range(int(WAIT_S * 5)):
            if len((await self.row(number)).keys) > before:
                return
            await asyncio.sleep(0.2)
        raise AssertionError(f"no key of {number} is taken any more: {await self.row(number)}")

    async def row(self, number: str, *, over: bool = False) -> CallRow:
        """His call as the log has it, once it is there, or over."""
        for _ in range(int(WAIT_S * 5)):
            found = await asyncio.to_thread(self._row, number)
            if found is not None and (found.ended_by or not over):
                return found
            await asyncio.sleep(0.2)
        raise AssertionError(f"the call of {number} is not in the log as it should be: {found}")

    def _row(self, number: str) -> CallRow | None:
        engine = open_read_only(store_url(self.house.data))
        try:
            with engine.connect() as connection:
                calls = recent_calls(connection, 100).calls
        finally:
            engine.dispose()
        return next((call for call in calls if call.caller.endswith(number)), None)

    async def by_node(self, count: int, *, together: bool = False) -> dict[str, int]:
        """So many callers one after the other, all at once if `together`, by their nodes."""
        found: Counter[str] = Counter()
        async with AsyncExitStack() as all_of_them:
            for _ in range(count):
                async with AsyncExitStack() as one:
                    found[await self.where(await one.enter_async_context(self.stays()))] += 1
                    if together:
                        all_of_them.push_async_exit(one.pop_all())
        return dict(found)


async def _wander(call: PhoneCall) -> None:
    call.press("1")  # Chinese
    while True:
        for key in ("1", "*"):  # to the card, and back
            await asyncio.sleep(AWAKE_S)
            call.press(key)


@asynccontextmanager
async def _fronted(house: House, folder: Path) -> AsyncIterator[Callers]:
    nodes = {name: node.sip for name, node in house.nodes.items()}
    with ExitStack() as stack:
        front = await asyncio.to_thread(stack.enter_context, kamailio_front(folder, nodes))
        async with house.nodes[FIRST].phone() as phone:
            yield Callers(house, front, phone)


@asynccontextmanager
async def _one_on(callers: Callers, name: str) -> AsyncIterator[str]:
    """A caller who stays, on that node: of two at once one is."""
    async with AsyncExitStack() as kept:
        async with AsyncExitStack() as others:
            for _ in range(2):
                one = await others.enter_async_context(AsyncExitStack())
                number = await one.enter_async_context(callers.stays())
                if await callers.where(number) == name:
                    kept.push_async_exit(one.pop_all())
                    break
            else:
                raise AssertionError(f"two calls, and none is on {name}")
        yield number


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def seen(voice: Voice, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """One day of such a bank."""
    folder = tmp_path_factory.mktemp("two_nodes")
    async with (
        House.open(folder / "house", voice, 2, TELEBANK) as house,
        _fronted(house, folder / "front") as callers,
    ):
        payer, payee, other = house.host.cards[:3]
        spread = await callers.by_node(4, together=True)
        while_draining, drained = await _drained(house, callers)
        await _paid(house, callers, transfer(payer, payee, "50"))
        async with _one_on(callers, FIRST) as stayer:
            killed, code = await _killed(house, callers, other, payee)
            after = await callers.by_node(3)
            await house.until_settled(killed)
            await callers.moves_on(stayer)
            after_settling = await callers.by_node(1)
        kept = await callers.row(stayer, over=True)
        requests = rows(house.data, tables.request, tables.request.c.service == TRANSFER)
        lost = next(row.id for row in requests if row.state != "APPROVED")
        of = tables.request_state.c.request == lost
        held = house.host.balances()
        return Seen(
            spread=spread,
            while_draining=while_draining,
            drained=drained,
            killed=killed,
            exit_code=code,
            after=[after, after_settling],
            kept=kept,
            states=sorted(row.state for row in requests),
            history=[row.state for row in rows(house.data, tables.request_state, of)],
            settled=house.events("node.settled"),
            held=[held[who.card] for who in (payer, payee, other)],
            findings=house.host.findings(),
        )


async def _drained(house: House, callers: Callers) -> tuple[dict[str, int], CallRow]:
    """The second node drains under a caller, ends when he has gone, and starts anew."""
    node = house.nodes[SECOND]
    async with _one_on(callers, SECOND) as live:
        await asyncio.to_thread(node.control, "/v1/drain", "POST")
        await asyncio.to_thread(callers.front.until_down, SECOND)
        new = await callers.by_node(4, together=True)
        await callers.moves_on(live)
    ended = await callers.row(live, over=True)
    await asyncio.to_thread(node.stop)
    await house.start(SECOND)
    await asyncio.to_thread(callers.front.until_up, SECOND, 2)
    return new, ended


async def _paid(house: House, callers: Callers, script: str) -> None:
    """A transfer that is done."""
    _, call, task = await callers.dial(script)
    async with asyncio.timeout(2 * WAIT_S):
        while house.states() != ["APPROVED"]:
            await asyncio.sleep(0.2)
    call.hang_up()
    await task


async def _killed(
    house: House, callers: Callers, payer: SeedCard, payee: SeedCard
) -> tuple[str, int]:
    """A transfer that the host has made and never answers; its node is killed meanwhile."""
    house.host.plan([{"match": {"mti": "0200", "processing": "42"}, "action": "drop_after"}])
    number, _, task = await callers.dial(transfer(payer, payee, "70"))
    async with asyncio.timeout(2 * WAIT_S):
        while house.host.balances()[payer.card] == OPENING:
            await asyncio.sleep(0.05)
    name = await callers.where(number)
    code = await asyncio.to_thread(house.nodes[name].kill)
    house.host.plan([])
    task.cancel()
    return name, code


def test_calls_spread_over_both_nodes(seen: Seen) -> None:
    assert seen.spread == {FIRST: 2, SECOND: 2}


def test_a_node_that_drains_gets_no_new_calls_and_its_own_goes_on(seen: Seen) -> None:
    assert seen.while_draining == {FIRST: 4}
    assert (seen.drained.node, seen.drained.ended_by) == (SECOND, "remote")


def test_what_a_killed_node_had_at_the_host_is_ended_by_the_other(seen: Seen) -> None:
    assert (seen.killed, seen.exit_code) == (SECOND, -signal.SIGKILL)
    # Its callers' next calls are answered, from the first second on; nobody else noticed anything.
    assert seen.after == [{FIRST: 3}, {FIRST: 1}]
    assert (seen.kept.node, seen.kept.ended_by) == (FIRST, "remote")
    # The host's totals are those of the journal: what was done, and not what was undone.
    assert seen.states == ["APPROVED", "REVERSED"]
    assert seen.history == ["RECORDED", "SENT", "UNKNOWN", "REVERSING", "REVERSED"]
    assert [(row.node, row.detail["by"]) for row in seen.settled] == [(SECOND, FIRST)]
    assert seen.held == [OPENING - PAID, OPENING + PAID, OPENING]
    assert seen.findings == []
