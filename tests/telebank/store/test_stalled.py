"""A node stands still just before SENT is durable, another takes its lease and settles its rows;
when it wakes nothing goes out, and it refuses everything from then on (rule 7)."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

from support.ledger_world import CARDS, OPENING, PIN, World
from support.store_kit import check_log, message, open_store, recorded, rows
from support.transactions_host import Host
from support.transactions_time import LoopClock
from telebank.settings import store_url
from telebank.store import tables
from telebank.store.clock import SystemClock
from telebank.store.engine import open_read_only
from telebank.store.store import Store
from transactions.journal import RecordPlan
from transactions.outcome import NotSent
from transactions.processor import Processor
from transactions.request import HostMessage, Request


class Stalling:
    """A journal that stands still before each step after which a byte may go."""

    def __init__(self, journal: Any) -> None:
        self._journal = journal
        self.reached = asyncio.Event()
        self.goes_on = asyncio.Event()
        self.goes_on.set()

    def stall(self) -> None:
        self.goes_on.clear()
        self.reached.clear()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    async def record(self, request: Request, plan: RecordPlan, *sent: HostMessage | None) -> Any:
        self.reached.set()
        await self.goes_on.wait()
        return await self._journal.record(request, plan, *sent)

    async def sending_again(self, message: HostMessage, due: datetime | None) -> int:
        self.reached.set()
        await self.goes_on.wait()
        count: int = await self._journal.sending_again(message, due)
        return count


def _world(store: Store, journal: Any) -> World:
    """The bank and a node's processor on `journal`, with an adapter that behaves."""
    vault: Any = store.vault
    world = World(vault=vault)
    world.host = Host(world.bank, vault)
    world.hosts.append(world.host)
    world.processor = Processor(
        world.contracts, world.host, journal, vault, world.options, LoopClock()
    )
    world.host.on_late = world.processor.late_answer
    return world


async def test_a_node_that_wakes_without_its_lease_sends_nothing(place: Path) -> None:
    async with open_store(place, clock=SystemClock()) as asleep:
        journal = Stalling(asleep.journal)
        old = _world(asleep, journal)
        await old.processor.recover()
        quote = await old.quote("quote", 0, 1, "5.00")
        journal.stall()
        answer = asyncio.create_task(old.post("r1", 0, quote))
        await journal.reached.wait()
        async with open_store(place, clock=SystemClock()) as awake:
            new = _world(awake, awake.journal)
            report = await new.processor.recover()
            assert report.open == 0
            sent = len(rows(place, tables.host_message))
            journal.goes_on.set()
            assert (await answer).outcome == NotSent("lease_lost")
            for again in (old.quote("more", 0, 1, "6.00"), old.verify("pin", 2, PIN)):
                assert (await again).outcome == NotSent("lease_lost")
            assert len(rows(place, tables.host_message)) == sent
            assert old.bank.postings == {}
            assert old.bank.balances[old.vault.token(CARDS[0])] == OPENING
            # The one that has the lease works.
            assert (await new.transfer("r2", 0, 1, "5.00")).exit == "ok"
            await new.processor.close()
        await old.processor.close()
    assert _states(place)["r2"] == "APPROVED"
    assert "r1" not in _states(place)
    _check(place)


async def test_a_node_that_wakes_without_its_lease_reverses_nothing(place: Path) -> None:
    async with open_store(place, clock=SystemClock()) as asleep:
        await recorded(asleep, "r1")
        await asleep.journal.sending(message("r1", "000001"))
        journal = Stalling(asleep.journal)
        old = _world(asleep, journal)
        journal.stall()
        recovering = asyncio.create_task(old.processor.recover())
        await journal.reached.wait()
        async with open_store(place, clock=SystemClock()) as awake:
            new = _world(awake, awake.journal)
            await new.processor.recover()
            while await awake.journal.open_rows():
                await asyncio.sleep(0.01)
            journal.goes_on.set()
            await recovering
            assert (await old.verify("pin", 2, PIN)).outcome == NotSent("lease_lost")
            await new.processor.close()
        await old.processor.close()
    assert (old.host.reversals, new.host.reversals) == ([], [("0420", 0)])
    assert _states(place) == {"r1": "REVERSED"}
    assert [row.mti for row in rows(place, tables.host_message)] == ["0200", "0420"]
    _check(place)


def _states(place: Path) -> dict[str, str]:
    return {row.id: row.state for row in rows(place, tables.request)}


def _check(place: Path) -> None:
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        check_log(connection)
    engine.dispose()
