"""The processor on this adapter, end to end, with both ways of settling."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest

from support.sql_banks import CARDS, IDENTITY, OPENING, Node, SqlBank, options
from support.sql_servers import Cluster, CommitCutter
from transactions.lifecycle import State
from transactions.money import Money
from transactions.outcome import Declined, NotSent, Unknown


async def test_quote_transfer_balance_and_a_repeat(bank: SqlBank) -> None:
    async with Node(bank) as node:
        answer = await node.transfer("t1", 0, 1, "2000.00")
        assert answer.exit == "ok"
        assert answer.data["available"] == Money.parse("997998.00")
        again = await node.transfer("t2", 0, 1, "2000.00")  # told that it was done just now
        assert again.exit == "ok"
        read = await node.processor.submit(
            node.request("card.balance", {"card": CARDS[0]}, "b1", 0)
        )
        assert read.data["ledger"] == Money.parse("995996.00")
        node.check()


async def test_a_decline_is_told_and_frees_its_limit(bank: SqlBank) -> None:
    async with Node(bank) as node:
        quote = await node.quote("t1", 0, 1, "400000.00")
        bank.query("UPDATE {t}account SET minor = minor - 60000000 WHERE id = 'A0'")
        bank.query("UPDATE {t}account SET minor = minor + 60000000 WHERE id = 'A9'")
        inputs = {"quote": quote.data["quote"]}
        answer = await node.processor.submit(node.request("transfer.card_to_card", inputs, "t1", 0))
        assert (answer.exit, answer.outcome) == ("refused", Declined("insufficient"))
        assert +node.journal_books.used == {}
        node.check()


async def test_a_loss_report_by_processor(bank: SqlBank) -> None:
    async with Node(bank) as node:
        request = node.request(
            "card.report_loss", {"card": CARDS[0], "identity": IDENTITY}, "l1", 0
        )
        answer = await node.processor.submit(request)
        assert answer.exit == "ok"
        assert answer.data["ref"] == answer.reference
        assert node.state("l1") is State.APPROVED


@pytest.mark.parametrize("recovery", ["reverse", "query"])
async def test_a_commit_without_answer_is_settled(
    postgresql: SqlBank, cluster: Cluster, tmp_path: Path, recovery: str
) -> None:
    bank = postgresql
    cutter = CommitCutter(tmp_path, cluster)
    through = bank.connection.replace(str(cluster.folder), str(tmp_path))
    chosen = options(bank, connection=through, workers=1, backoff_min_s=0.05)
    async with Node(bank, recovery, chosen) as node:
        quote = await node.quote("t1", 0, 1, "10.00")
        cutter.armed.set()
        inputs = {"quote": quote.data["quote"]}
        answer = await node.processor.submit(node.request("transfer.card_to_card", inputs, "t1", 0))
        assert answer.exit == "in_doubt"
        assert isinstance(answer.outcome, Unknown)
        await node.settled()
        assert node.state("t1") is (State.REVERSED if recovery == "reverse" else State.APPROVED)
        assert bank.balance(1) == OPENING + (0 if recovery == "reverse" else 10_00)
        node.check()
    cutter.close()


@pytest.mark.parametrize("recovery", ["reverse", "query"])
async def test_a_hung_worker_is_settled_whatever_it_does_later(
    bank: SqlBank, recovery: str
) -> None:

    profile = bank.profile(0.2)
    bare = replace(profile.dialects[bank.dialect], begin=())
    profile = replace(profile, dialects={bank.dialect: bare})
    chosen = options(bank, workers=2, grace_s=0.1, backoff_min_s=0.05)
    async with Node(bank, recovery, chosen, profile) as node:
        quote = await node.quote("t1", 0, 1, "10.00")
        inputs = {"quote": quote.data["quote"]}
        with bank.locked(0):
            request = node.request("transfer.card_to_card", inputs, "t1", 0)
            answer = await node.processor.submit(request)
            assert answer.exit == "in_doubt"
        await node.settled()
        assert bank.postings("t1") == 0
        node.check()


async def test_with_the_database_away_the_caller_hears_not_done(
    postgresql: SqlBank, cluster: Cluster
) -> None:
    bank = postgresql
    async with Node(bank) as node:
        quote = await node.quote("t1", 0, 1, "10.00")
        await asyncio.to_thread(cluster.stop)
        try:
            while (await node.host.health()).links_up:
                await asyncio.sleep(0.01)
            inputs = {"quote": quote.data["quote"]}
            request = node.request("transfer.card_to_card", inputs, "t1", 0)
            answer = await node.processor.submit(request)
            assert (answer.exit, answer.outcome) == ("not_done", NotSent("no_link"))
        finally:
            await asyncio.to_thread(cluster.start)
        assert await node.host.wait_signed_on(10)
        node.check()


@pytest.mark.parametrize("recovery", ["reverse", "query"])
@pytest.mark.parametrize(("seed", "commit"), [(0, "COMMIT"), (1, "COMMIT"), (2, ""), (3, "")])
async def test_connections_killed_at_random_lose_and_double_nothing(
    postgresql: SqlBank, recovery: str, seed: int, commit: str
) -> None:
    """With COMMIT as a statement, and with the driver's own, which says success where the
    connection died just before it: only the ping after it tells."""
    bank, dice = postgresql, random.Random(seed)
    profile = bank.profile()
    dialect = replace(profile.dialects["postgresql"], commit=commit)
    profile = replace(profile, dialects={"postgresql": dialect})
    async with Node(bank, recovery, profile=profile) as node:
        done = asyncio.Event()

        async def killer() -> int:
            killed = 0
            while not done.is_set():
                await asyncio.sleep(dice.uniform(0.0, 0.03) if killed else 0)
                rows = await asyncio.to_thread(
                    bank.query,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE usename = 'telebank_gateway' AND datname = current_database()"
                    " AND state <> 'idle' LIMIT 1",
                )
                killed += len(rows)
            return killed

        async def customer(number: int) -> list[str]:
            said = []
            for turn in range(8):
                payee = (number + turn + 1) % 20
                answer = await node.transfer(f"t{number}-{turn}", number, payee, f"{turn + 1}.00")
                said.append(answer.exit)
            return said

        trouble = asyncio.create_task(killer())
        said = await asyncio.gather(*(customer(number) for number in range(20)))
        await node.settled()
        done.set()
        assert await trouble > 0
        node.check()
        exits = {word for one in said for word in one}
        assert exits <= {"ok", "in_doubt", "not_done", "refused", "unavailable", "pending"}
