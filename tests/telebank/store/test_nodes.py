"""Several nodes writing to one database at once: what the rules say holds over all of them."""

import asyncio
import shutil
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from support.store_kit import (
    DAY,
    PAYER,
    FakeClock,
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
from telebank.store.errors import MessageKeysReused, StartRefused
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.journal import Existing, Hold, Recorded, RecordPlan, RecordRefused
from transactions.money import Money
from transactions.request import Request

NODES = ("01", "02", "03")


async def _nodes(stack: AsyncExitStack, place: Path) -> list[Store]:
    """Three nodes, each with its writer's thread, in small commits that overlap."""
    return [
        await stack.enter_async_context(open_store(place, node, nodes=3, batch_jobs=3))
        for node in NODES
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
        assert sorted(await asyncio.gather(*tries)) == [0] * 27 + [1, 2, 3]
        await nodes[0].journal.give_back_attempt("pin:x", DAY)
        tries = (nodes[n % 3].journal.count_attempt("pin:x", 3, DAY) for n in range(9))
        assert sorted(await asyncio.gather(*tries)) == [0] * 8 + [3]


async def test_many_customers_in_each_others_way_stop_nobody(place: Path) -> None:
    """Every commit draws on the limits of many customers, each node in another order: jobs that
    waited for each other would fail a commit."""
    names = [f"customer{n}" for n in range(24)]

    async with AsyncExitStack() as stack:
        nodes = [
            await stack.enter_async_context(open_store(place, node, nodes=3, batch_jobs=24))
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


def _folder_of(place: Path, machine: str) -> Path:
    return place / machine / "keys"


def _copy_keys(place: Path, of: str, to: str) -> None:
    """As docs/store.md says to give a second node its keys."""
    shutil.rmtree(_folder_of(place, to), ignore_errors=True)
    shutil.copytree(_folder_of(place, of), _folder_of(place, to))


async def test_nodes_whose_keys_are_copies_see_each_others_hot_list_and_tries(place: Path) -> None:
    Keyring.create(_folder_of(place, "a"))
    _copy_keys(place, "a", "b")
    async with (
        open_store(place, "01", keys_at=_folder_of(place, "a"), nodes=2) as one,
        open_store(place, "02", keys_at=_folder_of(place, "b"), nodes=2) as two,
    ):
        lost = RecordPlan("state", "repeat", "h", hot_list=PAYER)
        await one.journal.record(_report("l1"), lost)
        assert await two.journal.hot_listed(two.vault.token(PAYER))
        for store, number in ((one, 1), (two, 2), (one, 0), (two, 0)):
            key = f"pin.verify:{store.vault.token(PAYER)}"
            assert await store.journal.count_attempt(key, 2, DAY) == number


async def test_a_node_with_keys_of_its_own_is_refused_and_takes_nothing(place: Path) -> None:
    async with open_store(place, "01", keys_at=_folder_of(place, "a"), nodes=2) as one:
        for node in ("01", "02"):
            with pytest.raises(
                StartRefused, match=r"seal-k1\.key is another, token\.key is an.*Copy"
            ):
                async with open_store(place, node, keys_at=_folder_of(place, "b"), nodes=2):
                    pass
        await one.journal.next_stan()  # it still has its lease
        assert [row.node for row in rows(place, tables.lease)] == ["01"]
        _copy_keys(place, "a", "b")
        async with open_store(place, "02", keys_at=_folder_of(place, "b"), nodes=2):
            pass


async def test_a_sealing_key_of_another_node_must_be_there(place: Path) -> None:
    Keyring.create(_folder_of(place, "a"))
    _copy_keys(place, "a", "b")
    Keyring.rotate(_folder_of(place, "b"))
    async with open_store(place, "02", keys_at=_folder_of(place, "b"), nodes=2):
        pass
    with pytest.raises(StartRefused, match=r"seal-k2\.key is missing"):
        async with open_store(place, "01", keys_at=_folder_of(place, "a"), nodes=2):
            pass
    kept = {row.name: row.fingerprint for row in rows(place, tables.vault)}
    assert list(kept) == ["seal-k1.key", "seal-k2.key", "token.key"]
    for path in _folder_of(place, "b").glob("*.key"):
        assert kept[path.name] not in path.read_text()


async def test_each_node_numbers_in_its_own_share(place: Path) -> None:
    async with AsyncExitStack() as stack:
        nodes = await _nodes(stack, place)
        firsts = [await node.journal.next_stan() for node in nodes]
        assert firsts == ["000001", "333334", "666667"]
        for number, (node, stan) in enumerate(zip(nodes, firsts, strict=True)):
            sent = message(f"r{number}", stan, field41=f"TB0{number}0001")
            plan = money_plan(guarded=False)
            assert isinstance(
                await node.journal.record(transfer(f"r{number}"), plan, sent), Recorded
            )


async def test_terminals_do_not_make_a_stan_another(place: Path) -> None:
    async with open_store(place) as store:
        plan = money_plan(guarded=False)
        await store.journal.record(transfer("r1"), plan, message("r1", "000001", field41="TB1"))
        with pytest.raises(MessageKeysReused):
            await store.journal.record(transfer("r2"), plan, message("r2", "000001", field41="TB2"))


async def test_a_share_starts_again_at_its_own_start(place: Path) -> None:
    async with open_store(place, "02", nodes=99, number_block=10_100) as store:
        stans = [await store.journal.next_stan() for _ in range(10_102)]
    assert (stans[0], stans[10_100], stans[10_101]) == ("010102", "020202", "010102")


async def test_shares_that_overlap_are_refused_while_the_other_may_run(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, "01", clock, nodes=1):
        with pytest.raises(StartRefused, match=r"000001-999999.*500000-999998.*\[node\] of"):
            async with open_store(place, "02", clock, nodes=2):
                pass
        clock.forward(86_401)
        async with open_store(place, "02", clock, nodes=2):
            pass
    async with open_store(place, "02", clock, nodes=2), open_store(place, "01", clock, nodes=2):
        pass
    async with open_store(place, "03", clock, nodes=3):
        pass  # the others ended in order


async def test_a_node_is_one_of_those_that_share(place: Path) -> None:
    with pytest.raises(ValueError, match="none of the 2"):
        async with open_store(place, "03", nodes=2):
            pass
