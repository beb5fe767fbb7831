"""The node is killed with -9 before or after each step of its journal, and started again.

Without anybody's help: every row comes to an end, none is left SENT, the money is whole, and the
customer's next call says what became of it before anything else.
"""

import asyncio
import os
import random
import signal
from dataclasses import dataclass
from functools import partial
from itertools import product

import pytest

from support.bank_process import TELEBANK
from support.crashing_node import COMMAND
from support.money_caller import prompts, prove, report_loss, transfer
from support.money_journal import LOSS, TRANSFER, Row, assert_whole
from support.money_stage import OPENING, SETTINGS, Scene, Stage
from telebank.phone.report import CallReport

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(1800),
]

SEED = int(os.environ.get("SEED", "20260302"))
SAMPLE = 4
DEATH_S = 90.0

DONE = {
    "record and send": ("", "SENT"),
    "advance APPROVED": ("SENT", "APPROVED"),
    "told": ("APPROVED", "APPROVED"),
}
"""Step: the row's state when the process dies before it, and after it."""
UNDONE = {
    "advance UNKNOWN": ("SENT", "REVERSING"),
    "sending reversal": ("REVERSING", "REVERSING"),
    "answered reversal": ("REVERSING", "REVERSING"),
    "advance REVERSED": ("REVERSING", "REVERSED"),
    "told": ("REVERSED", "REVERSED"),
}
REPEATED = {
    "advance UNKNOWN": ("SENT", "REPEATING"),
    "sending repeat": ("REPEATING", "REPEATING"),
    "answered repeat": ("REPEATING", "REPEATING"),
    "advance APPROVED": ("REPEATING", "APPROVED"),
    "told": ("APPROVED", "APPROVED"),
}
PATHS = {
    "transfer done": (TRANSFER, DONE),
    "transfer undone": (TRANSFER, UNDONE),
    "loss reported": (LOSS, DONE),
    "loss repeated": (LOSS, REPEATED),
}


@dataclass(frozen=True)
class Case:
    """Where the process dies."""

    path: str
    step: str
    when: str

    def __str__(self) -> str:
        return f"{self.path}, {self.when} {self.step}"

    @property
    def service(self) -> str:
        return PATHS[self.path][0]

    @property
    def dies_in(self) -> str:
        """The row's state in which the process dies; empty where there is no row."""
        return PATHS[self.path][1][self.step][self.when == "after"]


CASES = [
    Case(path, step, when)
    for path, (_, steps) in PATHS.items()
    for step, when in product(steps, ("before", "after"))
]
CHOSEN = random.Random(SEED).sample(CASES, SAMPLE)


@dataclass(frozen=True)
class Seen:
    """What is looked at while the scene's bank still runs."""

    exit_code: int
    died: list[Row]
    settled: list[Row]
    report: CallReport
    held: tuple[int, int]


async def crash(stage: Stage, *, case: Case) -> Seen:
    """One call, the death, a restart, the next call."""
    # Short: the address of a Unix socket in its folder has about a hundred characters.
    name = f"crash{CASES.index(case)}"
    node = [*COMMAND, case.service, case.step, case.when]
    async with stage.open_bank(name, node, **SETTINGS) as day:
        payer, payee = day.pair(0)
        fault = {"match": {"mti": "0200", "processing": "42"}, "action": "wrong_field 39 96"}
        if case.path == "loss repeated":
            fault = {"match": {"mti": "0302"}, "action": "wrong_field 39 96"}
        if case.path in ("transfer undone", "loss repeated"):
            day.bank.host.plan([fault])
        lost = case.service == LOSS
        first = report_loss(payer) if lost else transfer(payer, payee, "50")
        caller = asyncio.ensure_future(day.ring(first))
        code = await asyncio.to_thread(day.bank.wait, DEATH_S)
        caller.cancel()
        died = day.journal.rows(payer)
        day.bank.launcher = TELEBANK
        await asyncio.to_thread(day.bank.run)
        # The node took no call before it had settled what it found (rule 8).
        settled = day.journal.rows(payer)
        until = "auth.lost" if lost and settled else next_words(settled[0] if settled else None)
        report = await day.ring(prove(payer), until)
        assert_whole(day.bank)
        return Seen(code, died, settled, report, (day.held(payer), day.held(payee)))


def next_words(row: Row | None) -> str:
    """What the customer's next call says first."""
    if row is None or row.told == "ok":
        return "main.menu"
    return "notice.posted" if row.state == "APPROVED" else "notice.not_posted"


def end_of(case: Case) -> str:
    """Where a row comes to, whenever its process died."""
    if not case.dies_in:
        return ""
    if case.service == LOSS or case.dies_in == "APPROVED":
        return "APPROVED"
    return "NOT_SENT" if case.dies_in == "RECORDED" else "REVERSED"


SCENES: list[Scene[Seen]] = [partial(crash, case=case) for case in CHOSEN]


@pytest.mark.parametrize("scene", SCENES, ids=[f"seed {SEED}: {case}" for case in CHOSEN])
async def test_a_node_killed_at_a_step(stage: Stage, scene: partial[None]) -> None:
    await check(stage, scene)


REST: list[Scene[Seen]] = [partial(crash, case=case) for case in CASES if case not in CHOSEN]


@pytest.mark.long
@pytest.mark.parametrize("scene", REST, ids=[str(case) for case in CASES if case not in CHOSEN])
async def test_a_node_killed_at_every_other_step(stage: Stage, scene: partial[None]) -> None:
    await check(stage, scene)


async def check(stage: Stage, scene: partial[None]) -> None:
    case: Case = scene.keywords["case"]
    seen: Seen = await stage.of(scene)
    assert seen.exit_code == -signal.SIGKILL
    assert [row.state for row in seen.died] == ([case.dies_in] if case.dies_in else [])
    end = end_of(case)
    assert [row.state for row in seen.settled] == ([end] if end else [])
    moved = 5_000 if (case.service, end) == (TRANSFER, "APPROVED") else 0
    assert seen.held == (OPENING - moved, OPENING + moved)
    if case.service == LOSS:
        assert ("auth.lost" in prompts(seen.report)) == bool(end)
    else:
        heard = [p for p in prompts(seen.report) if p.startswith("notice.")]
        expected = next_words(seen.settled[0]) if end else ""
        assert heard == ([expected] if expected.startswith("notice.") else [])
