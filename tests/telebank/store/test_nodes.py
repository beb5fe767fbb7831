"""Several nodes writing to one database at once: what the rules say holds over all of them."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

from support.store_kit import (
    DAY,
    PAYER,
    check_log,
    message,
    money_plan,
    open_store,
    reference,
    rows,
    transfer,
)
from telebank.settings import store_url
from telebank.store import tables
from telebank.store.engine import open_read_only
from telebank.store.store import Store
from transactions.journal import Existing, Hold, Recorded, RecordPlan, RecordRefused
from transactions.money import Money
from transactions.request import Request

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


def _report(name: str) -> Request:
    return Request(
        name, "card.report_loss", 1, {"card": PAYER}, "customer", reference=reference(name)
    )


async def test_no_transfer_is_sent_from_a_card_that_is_hot(place: Path) -> None:
    """Asked before, and reported lost at another node before SENT was written."""
    async with AsyncExitStack() as stack:
        one, two, _ = await _nodes(stack, place)
        token = one.vault.token(PAYER)
        plan = money_plan(guarded=False, customer=token)
        assert not await one.journal.hot_listed(token)
        lost = RecordPlan("state", "repeat", "h", customer=token, hot_list=PAYER, takes_hot=True)
        assert isinstance(await two.journal.record(_report("l1"), lost), Recorded)
        sent = message("r1", "000001")
        assert await one.journal.record(transfer("r1"), plan, sent) == RecordRefused("lost")
        assert isinstance(await one.journal.record(_report("l2"), lost), Recorded)
    assert {row.id for row in rows(place, tables.request)} == {"l1", "l2"}
    assert rows(place, tables.host_message) == []


async def test_a_report_and_transfers_of_one_card_go_one_after_the_other(place: Path) -> None:
    """What the journal has of transfers after the report came is refused, at whichever node."""
    async with AsyncExitStack() as stack:
        nodes = await _nodes(stack, place)
        token = nodes[0].vault.token(PAYER)
        plan = money_plan(guarded=False, customer=token)
        lost = RecordPlan("state", "repeat", "h", customer=token, hot_list=PAYER, takes_hot=True)
        work = [
            nodes[n % 3].journal.record(_report("l1"), lost)
            if n == 13
            else nodes[n % 3].journal.record(transfer(f"r{n}"), plan)
            for n in range(40)
        ]
        results = await asyncio.gather(*work)
        assert type(results[13]) is Recorded
        assert {r for r in results if isinstance(r, RecordRefused)} <= {RecordRefused("lost")}
        for node in nodes:
            again = await node.journal.record(transfer("after"), plan)
            assert again == RecordRefused("lost")
