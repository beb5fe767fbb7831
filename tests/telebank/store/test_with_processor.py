"""The processor on the real journal, in real time: callers at once, and a node begun again."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

from support.ledger_world import PIN, World
from support.store_kit import check_log, message, open_store, recorded, rows
from support.transactions_host import Host
from support.transactions_time import LoopClock
from telebank.settings import store_url
from telebank.store import tables
from telebank.store.clock import SystemClock
from telebank.store.engine import open_read_only
from telebank.store.store import Store
from transactions.processor import Processor


def _world(store: Store) -> World:
    """The bank and its callers over `store`, with a host that behaves."""
    vault: Any = store.vault
    world = World(vault=vault)
    world.host = Host(world.bank, vault)
    world.hosts.append(world.host)
    world.processor = Processor(
        world.contracts, world.host, store.journal, vault, world.options, LoopClock()
    )
    world.host.on_late = world.processor.late_answer
    return world


async def test_twenty_callers_at_once(place: Path) -> None:
    async with open_store(place, clock=SystemClock()) as store:
        world = _world(store)
        await world.processor.recover()
        answers = await asyncio.gather(
            *(world.transfer(f"r{n}", n % 2, 1 - n % 2, f"{n + 1}.00") for n in range(20))
        )
        assert Counter(answer.exit for answer in answers) == {"ok": 20}
        wrong = await asyncio.gather(*(world.verify(f"p{n}", 0, "000000000000") for n in range(30)))
        assert Counter(answer.exit for answer in wrong) == {"wrong_pin": 3, "locked": 27}
        assert (await world.verify("right", 1, PIN)).exit == "ok"
        await world.processor.close()
    states = Counter(row.state for row in rows(place, tables.request))
    assert states["APPROVED"] == 20
    assert {row.state for row in rows(place, tables.limit_use)} == {"used"}
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        check_log(connection)
    engine.dispose()


async def test_rows_left_by_a_dead_node_are_settled_at_its_next_start(place: Path) -> None:
    async with open_store(place, clock=SystemClock()) as store:
        await recorded(store, "unsent")
        await recorded(store, "sent")
        await store.journal.sending(message("sent", "000001"))
    async with open_store(place, clock=SystemClock()) as store:
        world = _world(store)
        await world.processor.recover()
        while await store.journal.open_rows():
            await asyncio.sleep(0.01)
        await world.processor.close()
        notice = await store.journal.next_notice("token-of-payer")
        assert notice is not None
        assert notice.result == "not_posted"
    states = {row.id: row.state for row in rows(place, tables.request)}
    assert states == {"unsent": "NOT_SENT", "sent": "REVERSED"}
