"""A real node with two or three media workers: thirty calls, and a worker killed in their midst."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from support.bank_process import BankProcess, Voice
from telebank.phone.phone import Phone, PhoneCall, PhoneOptions

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]

CALLS = 30
QUICK = {"t1": 0.1, "t2": 0.4, "t4": 0.4}
"""64 of T1 hold the transaction of a BYE."""


def channels(bank: BankProcess) -> dict[int, int]:
    """Channels of each worker that is up, by process id."""
    workers = bank.control("/v1/board")["workers"]
    return {each["pid"]: each["channels"] for each in workers if each["up"]}


async def until(bank: BankProcess, wanted: list[int]) -> dict[int, int]:
    """Wait until the workers have so many, the fewest first."""
    async with asyncio.timeout(60):
        while sorted((found := await asyncio.to_thread(channels, bank)).values()) != wanted:
            await asyncio.sleep(0.1)
    return found


async def dial(bank: BankProcess, phone: Phone, many: int) -> list[PhoneCall]:
    """Calls that are answered and stay."""
    calls = [await phone.dial(bank.uri, PhoneOptions(patience_s=120.0)) for _ in range(many)]
    async with asyncio.timeout(60):
        await asyncio.gather(*(call.answered.wait() for call in calls))
    return calls


@pytest.mark.parametrize("workers", [2, 3])
async def test_calls_are_spread_and_a_worker_that_dies_takes_its_own_alone(
    tmp_path: Path, voice: Voice, workers: int
) -> None:
    each = CALLS // workers
    with BankProcess.start(tmp_path, voice, sip=QUICK, media={"workers": workers}) as bank:
        async with bank.phone() as phone:
            calls = await dial(bank, phone, CALLS)
            before = await until(bank, [each] * workers)
            assert set(before) == set(bank.worker_pids)
            victim = bank.worker_pids[0]
            os.kill(victim, signal.SIGKILL)
            after = await until(bank, [0, *[each] * (workers - 1)])
            assert victim not in after
            assert len(set(after) & set(before)) == workers - 1
            over = await ended(calls, each)
            (heir,) = set(after) - set(before)
            new = await dial(bank, phone, each)
            filled = await until(bank, [each] * workers)
            assert filled[heir] == each
            assert [call.over.done() for call in new] == [False] * each
            assert sum(call.over.done() for call in calls) == len(over) == each
        bank.wait_idle()
        assert bank.log_text().count("call.worker_lost") == each


async def ended(calls: list[PhoneCall], many: int) -> list[PhoneCall]:
    """Wait until so many are over; which they are."""
    async with asyncio.timeout(30):
        while len(over := [call for call in calls if call.over.done()]) < many:
            await asyncio.sleep(0.05)
    return over
