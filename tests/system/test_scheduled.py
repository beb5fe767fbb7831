"""A transfer scheduled by telephone; the host's date comes, the node is killed while it is carried
out, and started again: paid once, and told first in the customer's next call."""

import asyncio
import signal
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from core_adapters.corehost.seed import SeedCard
from support.bank_process import TELEBANK, BankProcess, Voice
from support.crashing_node import COMMAND
from support.money_caller import prompts, prove, ring
from support.money_journal import TRANSFER, MoneyJournal, Row, assert_whole

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

SETTINGS = {
    "orders": {"look_s": 0.2, "retry_s": 0.5, "doubt_s": 0.2},
    "transactions": {"retry_first_s": 0.5, "retry_cap_s": 1.0, "attempts_max": 1_000},
}
BEIJING = timezone(timedelta(hours=8))
DEATH_S = END_S = 90.0
STEPS = [
    pytest.param("record and send", "before", marks=pytest.mark.long),
    ("record and send", "after"),
    pytest.param("advance APPROVED", "before", marks=pytest.mark.long),
    pytest.param("advance APPROVED", "after", marks=pytest.mark.long),
]


def _orders(bank: BankProcess, who: SeedCard) -> list[Row]:
    rows = MoneyJournal(bank.data).rows(who, TRANSFER)
    return [row for row in rows if row.id.startswith("order-")]


async def _scheduled(bank: BankProcess, who: SeedCard, payee: SeedCard) -> date:
    """A call that schedules one for tomorrow."""
    first = datetime.now(UTC).astimezone(BEIJING).date() + timedelta(days=1)
    dated = f"@ord.first {first:%Y%m%d}# @ord.every 1 @sys.confirm_amount 1"
    keys = f"!2 !5 !1 !{payee.card}# !100# {dated}"
    async with bank.phone() as phone:
        report = await ring(bank, phone, f"{prove(who)} {keys}", "ord.done_once")
    assert "ord.done_once" in prompts(report), prompts(report)
    return first


def _comes(bank: BankProcess, day: date) -> None:
    """The host's date moves on to this day."""
    for _ in range(3):
        if bank.host.tell("cut-over")["business_date"] >= day.isoformat():
            return
    raise AssertionError(f"the host's date does not come to {day}")


async def _done(bank: BankProcess, who: SeedCard) -> list[Row]:
    for _ in range(int(END_S * 10)):
        rows = _orders(bank, who)
        if rows and rows[-1].state == "APPROVED":
            return rows
        await asyncio.sleep(0.1)
    raise AssertionError(f"not carried out: {_orders(bank, who)}\n{bank.log_text()[-2000:]}")


@pytest.mark.parametrize(("step", "when"), STEPS)
async def test_paid_once_whatever_step_its_node_dies_at(
    voice: Voice, tmp_path: Path, step: str, when: str
) -> None:
    node = [*COMMAND, TRANSFER, step, when]
    with BankProcess.start(tmp_path / "bank", voice, node, **SETTINGS) as bank:
        who, payee = bank.cards[0], bank.cards[1]
        before = bank.host.balances()
        day = await _scheduled(bank, who, payee)
        _comes(bank, day)
        assert await asyncio.to_thread(bank.wait, DEATH_S) == -signal.SIGKILL
        bank.launcher = TELEBANK
        await asyncio.to_thread(bank.run)
        rows = await _done(bank, who)
        assert rows[0].id == f"order-100001-{day:%Y%m%d}"
        assert [row.state for row in rows[:-1]] == ["REVERSED"] * (len(rows) - 1)
        after = bank.host.balances()
        assert after[payee.card] - before[payee.card] == 100_00
        assert before[who.card] - after[who.card] == 100_00 + rows[-1].fee
        async with bank.phone() as phone:
            report = await ring(bank, phone, prove(who), "main.menu")
        assert [one for one in prompts(report) if one.startswith("notice.")] == ["notice.posted"]
        assert_whole(bank)
