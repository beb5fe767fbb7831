"""The disk of a running bank fills to the last octet, with a real file system of 400 MB: the node
makes itself room, takes no new money and says so, answers enquiries, and comes back by itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from support.bank_process import BankProcess, Voice
from support.money_caller import BALANCE, order, prompts, prove, ring, transfer
from support.money_journal import MoneyJournal
from support.small_disk import fill, small_disk
from telebank.phone.phone import Phone
from telebank.settings import store_url
from telebank.store import tables
from telebank.store.engine import open_read_only

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(600)]

DISK: dict[str, Any] = {"low_mb": 40, "clear_mb": 60, "ballast_mb": 16, "every_s": 0.2}


@pytest_asyncio.fixture
async def bank(voice: Voice, tmp_path: Path) -> AsyncIterator[BankProcess]:
    """One whose data folder is the small disk; the prompt bank stays on the big one."""
    with small_disk(tmp_path / "small", 400) as data:
        (data / "voice").symlink_to(voice.folder)
        with BankProcess.start(data, voice, disk=DISK) as bank:
            yield bank


async def test_a_full_disk_takes_no_new_money_and_no_call(bank: BankProcess) -> None:
    ballast, junk = bank.data / "ballast", bank.data / "junk"
    payer, payee = bank.cards[0], bank.cards[1]
    await _until(ballast.exists, "no ballast was made")
    async with bank.phone() as phone:
        assert "tr.done" in await _transfer(bank, phone, "10")

        fill(junk)
        await _until(lambda: not ballast.exists(), "the ballast was not let go")
        await _until(lambda: _events(bank)[-1:] == ["alarm.disk"], "no alarm in the log")
        script = f"{prove(payer)} {order(payee, '20')}"
        refused = await ring(bank, phone, script, "sys.unavailable")
        assert "sys.unavailable" in prompts(refused)
        told = await ring(bank, phone, f"{prove(payer)} {BALANCE}", "bal.amount")
        assert "bal.amount" in prompts(told)
        states = [row.state for row in MoneyJournal(bank.data).rows(payer)]
        assert states == ["APPROVED"], "of what was refused there is no row"

        junk.unlink()
        await _until(ballast.exists, "the ballast was not made again")
        await _until(lambda: "disk.roomy" in _events(bank), "the log does not say that it is over")
        assert "tr.done" in await _transfer(bank, phone, "30")
    paid = sum(row.state == "APPROVED" for row in MoneyJournal(bank.data).rows(payer))
    assert paid == 2
    balances = bank.host.balances()
    assert balances[payee.card] - balances[bank.cards[2].card] == 40_00
    assert "Traceback" not in bank.log_text()


async def _transfer(bank: BankProcess, phone: Phone, yuan: str) -> list[str]:
    payer, payee = bank.cards[0], bank.cards[1]
    return prompts(await ring(bank, phone, transfer(payer, payee, yuan), "tr.done"))


def _events(bank: BankProcess) -> list[str]:
    engine = open_read_only(store_url(bank.data))
    with engine.connect() as connection:
        kinds = connection.scalars(tables.event.select().with_only_columns(tables.event.c.kind))
        found = [kind for kind in kinds if "disk" in kind]
    engine.dispose()
    return found


async def _until(happened: Callable[[], bool], why: str) -> None:
    for _ in range(600):
        if happened():
            return
        await asyncio.sleep(0.1)
    raise AssertionError(why)
