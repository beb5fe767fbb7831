"""Several nodes writing to one database at once: what the rules say holds over all of them."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

from support.store_kit import DAY, check_log, money_plan, open_store, rows, transfer
from telebank.settings import store_url
from telebank.store import tables
from telebank.store.engine import open_read_only
from telebank.store.store import Store
from transactions.journal import Existing, Hold, Recorded, RecordRefused
from transactions.money import Money

NODES = ("01", "02", "03")


async def _nodes(stack: AsyncExitStack, place: Path) -> list[Store]:
    """Three nodes, each with its writer's thread, in small commits that overlap."""
    return [
        await stack.enter_async_context(open_store(place, node, batch_jobs=3)) for node in NODES
    ]


async def test_a_customers_limit_holds_over_all_nodes(place: Path) -> None:
    plan = money_plan(guarded=False, ceiling="700.00")
    async with AsyncExitStack() as stack:
        nodes = await _nodes(stack, place)
        results = await asyncio.gather(
            *(nodes[n % 3].journal.record(transfer(f"r{n}"), plan) for n in range(60))
        )
    assert Counter(type(result) for result in results) == {Recorded: 7, RecordRefused: 53}
    assert {r for r in results if isinstance(r, RecordRefused)} == {RecordRefused("over_limit")}
    assert sum(row.amount for row in rows(place, tables.limit_use)) == 70_000


async def test_a_triple_is_taken_by_one_node(place: Path) -> None:
    async with AsyncExitStack() as stack:
        nodes = await _nodes(stack, place)
        results = await asyncio.gather(
            *(nodes[n % 3].journal.record(transfer(f"r{n}"), money_plan()) for n in range(30))
        )
    assert Counter(type(result) for result in results) == {Recorded: 1, RecordRefused: 29}


async def test_a_quote_and_an_id_are_posted_by_one_node(place: Path) -> None:
    async with AsyncExitStack() as stack:
        nodes = await _nodes(stack, place)
        quoted = await asyncio.gather(
            *(
                nodes[n % 3].journal.record(
                    transfer(f"q{n}"), money_plan(guarded=False, quote=f"quote{n // 6}")
                )
                for n in range(30)
            )
        )
        named = await asyncio.gather(
            *(
                nodes[n % 3].journal.record(transfer(f"id{n // 6}"), money_plan(guarded=False))
                for n in range(30)
            )
        )
    for results in (quoted, named):
        assert Counter(type(result) for result in results) == {Recorded: 5, Existing: 25}
    assert len(rows(place, tables.request)) == 10


async def test_tries_are_counted_over_all_nodes(place: Path) -> None:
    async with AsyncExitStack() as stack:
        nodes = await _nodes(stack, place)
        tries = (nodes[n % 3].journal.count_attempt("pin:x", 3, DAY) for n in range(30))
        assert sum(await asyncio.gather(*tries)) == 3
        await nodes[0].journal.give_back_attempt("pin:x", DAY)
        tries = (nodes[n % 3].journal.count_attempt("pin:x", 3, DAY) for n in range(9))
        assert sum(await asyncio.gather(*tries)) == 1


async def test_many_customers_in_each_others_way_stop_nobody(place: Path) -> None:
    """Every commit draws on the limits of many customers, each node in another order: jobs that
    waited for each other would fail a commit."""
    names = [f"customer{n}" for n in range(24)]

    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(open_store(place, node, batch_jobs=24))
            for node in NODES
        ]
        work = []
        for at, node in enumerate(nodes):
            for turn in range(5):
                mine = names[at * 8 :] + names[: at * 8]
                for name in reversed(mine) if (at + turn) % 2 else mine:
                    hold = Hold("daily", name, Money.parse("1"), Money.parse("100"))
                    plan = money_plan(guarded=False, holds=(hold,))
                    request = transfer(f"{at}-{turn}-{name}")
                    work.append(node.journal.record(request, plan))
        results = await asyncio.gather(*work)
    assert {type(result) for result in results} == {Recorded}
    assert len(results) == len(rows(place, tables.limit_use)) == 360
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        for node in NODES:
            assert check_log(connection, node) == 120
    engine.dispose()
