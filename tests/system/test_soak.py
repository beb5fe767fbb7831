"""Thousands of calls, hundreds at once, on one node as it is shipped: nothing is left, and what it
takes does not grow. `make test-long` runs it whole; smaller or larger by the environment:

    SOAK_CALLS=60 SOAK_AT_ONCE=20 pytest -s tests/system/test_soak.py
"""

import asyncio
import math
import os
import random
import shutil
import time
from collections import Counter
from pathlib import Path
from statistics import median

import pytest

from support.bank_process import BankProcess, Voice
from support.release_scene import query
from support.soak_callers import Ringing, mean_s, parties, ringing
from support.soak_watch import Sample, Watch, database_size, growth
from telebank.phone.phone import Phone, PhoneOptions
from telebank.phone.script import parse_script

CALLS = int(os.environ.get("SOAK_CALLS", "5000"))
AT_ONCE = int(os.environ.get("SOAK_AT_ONCE", "300"))
EVERY_S = float(os.environ.get("SOAK_EVERY_S", "15"))
LEAK_KB = 1.0
"""What a call may leave in a process over the second half of the run, in kB …"""
NOISE_KB = 2_048
"""… beside what an allocator's pages and the number of calls at the moment make of it."""
LATE_MS = 10.0
"""How late the worker's ticks may be, half a packet: the median of its 99 of 100."""
ROW_KB = 60
"""What the event log may take for a call: some forty events, each in the audit's tree too."""
CANCEL_EVERY_S, LISTEN_EVERY_S = 2.0, 20.0

pytestmark = [
    pytest.mark.system,
    pytest.mark.long,
    pytest.mark.timeout(7_200),
    pytest.mark.skipif(
        shutil.which("sipp") is None, reason="sipp is not installed: apt-get install sip-tester"
    ),
    pytest.mark.skipif(os.geteuid() != 0, reason="sipp's pcap play needs a raw socket, so root"),
]


async def changes_his_mind(bank: BankProcess, phone: Phone, seed: int) -> str:
    """A call that is given up while it rings, or the moment it is answered; how it ended."""
    call = await phone.dial(bank.uri, PhoneOptions(from_user="13700000002"))
    await asyncio.sleep(random.Random(seed).uniform(0, 0.01))
    call.hang_up()
    await asyncio.wait_for(call.over, 60)
    return "cancelled" if call.report.answered_after is None else "answered"


async def listens(bank: BankProcess, phone: Phone, nth: int) -> str:
    """A call whose every word is known again, up to the balance; what was missing."""
    card = bank.cards[20 + nth % 20]
    keys = f"!1 !1 !{card.card}# @auth.pin !{card.pin} ~1 !1 ~1 !1 @bal.amount"
    call = await phone.dial(bank.uri, PhoneOptions(expect=("bal.amount",), max_seconds=90))
    report = await call.run(parse_script(keys))
    return "" if report.heard("bal.amount") else f"call {nth}: {report.why}"


class Beside:
    """Callers of ours beside those of sipp: some change their mind, some listen."""

    def __init__(self, bank: BankProcess, phone: Phone) -> None:
        self._bank, self._phone = bank, phone
        self.cancels: list[asyncio.Task[str]] = []
        self.listeners: list[asyncio.Task[str]] = []

    async def for_seconds(self, seconds: float) -> None:
        """Place calls for so long."""
        end, steps = time.monotonic() + seconds, 0
        while time.monotonic() < end:
            calling = changes_his_mind(self._bank, self._phone, steps)
            self.cancels.append(asyncio.create_task(calling))
            if steps % round(LISTEN_EVERY_S / CANCEL_EVERY_S) == 0:
                listening = listens(self._bank, self._phone, len(self.listeners))
                self.listeners.append(asyncio.create_task(listening))
            steps += 1
            await asyncio.sleep(CANCEL_EVERY_S)

    async def outcome(self) -> tuple[Counter[str], list[str]]:
        """How the first ended, and what the others missed."""
        ended = Counter(await asyncio.gather(*self.cancels))
        return ended, [why for why in await asyncio.gather(*self.listeners) if why]


async def test_soak(voice: Voice, tmp_path: Path) -> None:
    with BankProcess.start(tmp_path / "bank", voice) as bank:
        async with bank.phone() as phone:
            assert not await listens(bank, phone, 0)  # what is opened once and kept is open
            before = await asyncio.to_thread(bank.wait_idle)
            files, database = bank.open_files(), database_size(bank)
            of = parties(bank.cards)
            seconds = CALLS / AT_ONCE * mean_s(of)
            async with Watch(bank, min(EVERY_S, seconds / 24)) as watch:
                beside = Beside(bank, phone)
                with ringing(bank, tmp_path, of, CALLS, seconds) as calling:
                    await beside.for_seconds(seconds)
                    failed = await asyncio.gather(*(one.failed() for one in calling))
                cancelled, unheard = await beside.outcome()
        steady = watch.between(max(party.most_s for party in of), seconds)
        print(f"cancelled: {dict(cancelled)}; listeners: {len(beside.listeners)}")
        assert not [why for why in failed if why]
        assert not unheard
        assert cancelled["cancelled"]

        after = await asyncio.to_thread(bank.wait_idle)
        assert after["tasks"] == before["tasks"]
        bank.wait_files(files)
        placed = sum(one.calls for one in calling) + len(beside.cancels) + len(beside.listeners)
        assert after["total_calls"] - before["total_calls"] == placed
        grew_kb = (database_size(bank) - database) / 1_024
        print(f"database: {grew_kb:.0f} kB, {grew_kb / placed:.1f} kB a call")
        assert grew_kb < ROW_KB * placed
        kept_in_order(bank, calling, placed + 1, len(beside.cancels))
        flat(steady)
        in_time(steady)


def kept_in_order(bank: BankProcess, calling: list[Ringing], placed: int, given_up: int) -> None:
    """The log has each call once with its end, and what was asked; nothing went wrong in it.

    A call that is given up before its answer was never started.
    """
    kinds = dict(query(bank, "SELECT kind, count(*) FROM event GROUP BY kind"))
    print({kind: many for kind, many in kinds.items() if many > placed // 10})
    assert kinds["call.ended"] == placed
    assert 0 <= placed - kinds["call.started"] <= given_up
    told = sum(one.calls for one in calling if one.party.name.startswith("balance"))
    answers = query(bank, "SELECT count(*) FROM event WHERE kind = 'service.answered'")
    assert answers[0][0] >= 3 * told
    log = bank.log_text()
    assert "Traceback" not in log
    assert "call.failed" not in log


def flat(steady: list[Sample]) -> None:
    """Memory, files and tasks over the second half do not grow with the calls."""
    half = steady[len(steady) // 2 :]
    calls = half[-1].calls - half[0].calls
    most = NOISE_KB + LEAK_KB * calls
    for name in ("node_pss", "worker_pss"):
        grew = growth(half, name)
        print(
            f"{name}: {grew:+.0f} kB over the {calls} calls of the second half, {most:.0f} may be"
        )
        assert grew < most, name
    for name in ("tasks", "files", "transactions", "timers"):
        grew, mean = growth(half, name), sum(getattr(one, name) for one in half) / len(half)
        print(f"{name}: {mean:.0f}, {grew:+.1f}")
        assert grew < max(0.25 * mean, 5 * math.sqrt(AT_ONCE)), name


def in_time(steady: list[Sample]) -> None:
    """As many calls as were meant to be there at once were, and the worker kept time."""
    late, there = [one.late_ms for one in steady], [one.open for one in steady]
    load = sum(one.load for one in steady) / len(steady)
    print(f"ticks late (p99): median {median(late)} ms, at most {max(late)} ms; load {load:.1f}")
    print(f"calls at once: {min(there)} to {max(there)}")
    assert median(there) > 0.8 * AT_ONCE
    assert median(late) < LATE_MS
