"""A whole bank whose core is a database, over real calls: PostgreSQL and SQLite through ODBC."""

import asyncio
from pathlib import Path

import pytest

from core_adapters.corehost.seed import SeedCard
from support.bank_process import Voice
from support.money_caller import BALANCE, prompts, prove, report_loss, ring, transfer
from support.money_journal import LOSS, MoneyJournal, Row
from support.sql_bank_process import SqlBankProcess

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

OPENING = 1_000_000
NEVER_DONE = ["RECORDED", "SENT", "UNKNOWN", "QUERYING", "DECLINED"]


async def settled(bank: SqlBankProcess, who: SeedCard) -> Row:
    """The customer's one transfer, once it has an end."""
    for _ in range(300):
        rows = MoneyJournal(bank.node.data).rows(who)
        if rows and rows[-1].settled:
            return rows[-1]
        await asyncio.sleep(0.1)
    raise AssertionError("not settled in 30 s")


async def quoted(bank: SqlBankProcess) -> None:
    """Wait until the database has made a quote."""
    for _ in range(900):
        if bank.books.query("SELECT 1 FROM {t}quote"):
            return
        await asyncio.sleep(0.1)
    raise AssertionError("never quoted")


async def sent(bank: SqlBankProcess, who: SeedCard) -> None:
    """Wait until the customer's transfer is at the database."""
    for _ in range(900):
        rows = MoneyJournal(bank.node.data).rows(who)
        if rows and rows[-1].history[-1] == "SENT":
            return
        await asyncio.sleep(0.1)
    raise AssertionError("never sent")


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
async def test_a_day_at_a_bank_that_is_a_database(
    tmp_path: Path, voice: Voice, dialect: str
) -> None:
    """Balance, quote and transfer, a wrong PIN, a report of loss; all money is where it belongs."""
    with SqlBankProcess.open(tmp_path, voice, dialect) as bank:
        payer, payee, loser = bank.node.cards[0], bank.node.cards[1], bank.node.cards[2]
        async with bank.node.phone() as phone:
            calls = [
                (f"{prove(loser)} {BALANCE}", "bal.amount"),
                (transfer(payer, payee, "1200"), "tr.done"),
                (f"{prove(payee, '9' * 12)}", "auth.wrong_pin"),
            ]
            heard = await asyncio.gather(*(ring(bank.node, phone, *one) for one in calls))
            assert [
                until in prompts(one) for one, (_, until) in zip(heard, calls, strict=True)
            ] == [True] * 3, [prompts(one) for one in heard]
            lost = await ring(bank.node, phone, report_loss(loser), "loss.done")
            assert "loss.done" in prompts(lost)
        row = await settled(bank, payer)
        assert (row.history, row.told) == (["RECORDED", "SENT", "APPROVED"], "ok")
        assert row.messages == [("SQL", "00")]
        assert (bank.held(payer), bank.held(payee)) == (OPENING - 120_200, OPENING + 120_000)
        assert MoneyJournal(bank.node.data).only(loser, LOSS).state == "APPROVED"
        assert bank.books.findings() == []


async def test_a_connection_killed_in_mid_transfer_is_settled_by_asking(
    tmp_path: Path, voice: Voice
) -> None:
    with SqlBankProcess.open(tmp_path, voice, "postgresql") as bank:
        payer, payee = bank.node.cards[0], bank.node.cards[1]
        async with bank.node.phone() as phone:
            with bank.locked(payer):
                call = asyncio.create_task(
                    ring(bank.node, phone, transfer(payer, payee, "25"), "tr.in_doubt")
                )
                await asyncio.to_thread(bank.kill_waiting)
                assert "tr.in_doubt" in prompts(await call)
            row = await settled(bank, payer)
            assert (row.history, row.told) == (NEVER_DONE, "in_doubt")
            assert (bank.held(payer), bank.held(payee)) == (OPENING, OPENING)
            # The customer hears first how it ended, and the next transfer is done.
            again = await ring(bank.node, phone, transfer(payer, payee, "26"), "tr.done")
            assert {"notice.not_posted", "tr.done"} <= set(prompts(again))
        assert bank.held(payee) == OPENING + 2_600
        assert bank.books.findings() == []


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
async def test_a_node_killed_in_mid_transfer_settles_at_its_restart(
    tmp_path: Path, voice: Voice, dialect: str
) -> None:
    with SqlBankProcess.open(tmp_path, voice, dialect) as bank:
        payer, payee = bank.node.cards[0], bank.node.cards[1]
        async with bank.node.phone() as phone:
            call = asyncio.create_task(ring(bank.node, phone, transfer(payer, payee, "25")))
            # The read-back takes longer than to lock: SQLite locks all of its file.
            await quoted(bank)
            with bank.locked(payer):
                await sent(bank, payer)
                await asyncio.to_thread(bank.node.kill)
            await call
        await asyncio.to_thread(bank.node.run)
        row = await settled(bank, payer)
        assert (row.history, row.told) == (NEVER_DONE, None)
        assert (bank.held(payer), bank.held(payee)) == (OPENING, OPENING)
        assert bank.books.findings() == []
