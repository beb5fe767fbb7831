"""Whole runs with faults under virtual time: seeded, sampled by default, whole when `long`.

After each run `World.check` holds every invariant: money conserved, told done only if posted,
nothing posted twice, no open row, limits as the rows say.
"""

import asyncio
import os
import random
from collections import Counter

import pytest

from support.ledger_world import CARDS, Fault, World
from support.transactions_host import Faults
from support.transactions_time import run
from transactions.lifecycle import State
from transactions.processor import Answer
from transactions.request import MessageRole

SEED = int(os.environ.get("SEED", "20260302"))
FIRST = (
    Fault.NONE,
    Fault.NOT_SENT,
    Fault.LOST_BEFORE,
    Fault.LOST_AFTER,
    Fault.LATE,
    Fault.OVERTAKEN,
    Fault.BUG_BEFORE,
    Fault.BUG_AFTER,
    Fault.DECLINED,
    Fault.CUT_OVER,
    Fault.DUPLICATE,
)
SECOND = (Fault.NONE, Fault.NOT_SENT, Fault.LOST_BEFORE, Fault.LOST_AFTER)
STORIES = ("transfer", "loss")
MOST_STEPS = 36
"""Commit points of one story with its settling: before and after every commit."""


def one_fault(first: Fault, second: Fault) -> Faults:
    """The first message of `r1` and of its reversal or repeat go wrong."""

    def plan(request_id: str, role: MessageRole, attempt: int) -> Fault:
        if request_id != "r1" or attempt > 0:
            return Fault.NONE
        return first if role == "request" else second

    return plan


async def ask(world: World, story: str) -> Answer:
    """One caller."""
    if story == "loss":
        return await world.report_loss("r1", 0)
    return await world.transfer("r1", 0, 1, "5")


async def crashed_run(story: str, first: Fault, second: Fault, steps: tuple[int, ...]) -> int:
    """Kill the node at each of `steps` commit points, life after life; returns the lives."""
    world = World(seed=SEED)
    faults = one_fault(first, second)
    caller: asyncio.Task[Answer] | None = None
    for crash_at in steps:
        starting = asyncio.ensure_future(world.start(faults, crash_at))
        died = asyncio.ensure_future(_dies(world))
        await asyncio.wait({starting, died}, return_when=asyncio.FIRST_COMPLETED)
        if starting.done() and caller is None:
            caller = asyncio.ensure_future(ask(world, story))
            await asyncio.wait({caller, died}, return_when=asyncio.FIRST_COMPLETED)
        if not died.done():
            await asyncio.wait({died}, timeout=120)
        if not died.done():
            died.cancel()
            world.journal.crash_at = None
            break
        await world.kill()
    else:
        await world.start()
    assert not any(row.state in (State.RECORDED, State.SENT) for row in world.books.rows.values())
    await world.end()
    _not_told_otherwise(world, caller)
    return world.lives


async def _dies(world: World) -> None:
    await asyncio.sleep(0)
    await world.journal.died.wait()


def _not_told_otherwise(world: World, caller: "asyncio.Task[Answer] | None") -> None:
    """A report of loss that was taken reaches the host, whatever happened to us."""
    row = world.books.rows.get("r1")
    if row is not None and row.plan.hot_list is not None:
        settled = row.state in (State.APPROVED, State.DECLINED)
        assert settled or State.MANUAL in row.history, row.history
    if row is not None and row.plan.hot_list is not None and row.state is State.APPROVED:
        assert world.bank.lost_cards == {world.vault.token(CARDS[0])}
    if caller is not None and caller.done() and not caller.cancelled():
        assert caller.exception() is None


def crash_cases() -> list[tuple[str, Fault, Fault, tuple[int, ...]]]:
    """Every story, fault, second fault and commit point; once with a second crash."""
    cases: list[tuple[str, Fault, Fault, tuple[int, ...]]] = []
    for story in STORIES:
        for first in FIRST:
            for second in SECOND:
                for step in range(MOST_STEPS):
                    cases.append((story, first, second, (step,)))
                    cases.append((story, first, second, (step, (step * 7 + 3) % 12)))
    return cases


def run_crash_cases(cases: list[tuple[str, Fault, Fault, tuple[int, ...]]]) -> Counter[int]:
    """Run them; a failure names its case."""
    lives: Counter[int] = Counter()
    for story, first, second, steps in cases:
        try:
            lives[run(crashed_run(story, first, second, steps))] += 1
        except BaseException as error:
            error.add_note(f"seed {SEED}: {story}, {first}, then {second}, crash at {steps}")
            raise
    return lives


def test_killed_at_sampled_commit_points() -> None:
    print(f"seed {SEED}")
    lives = run_crash_cases(random.Random(SEED).sample(crash_cases(), 600))
    assert lives[2] > 100
    assert lives[3] > 50


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_killed_at_every_commit_point() -> None:
    run_crash_cases(crash_cases())


# -- hang-up at every await ----------------------------------------------------------------------


async def hung_up_run(story: str, first: Fault, second: Fault, turns: int, seconds: float) -> None:
    """The caller goes away after so many turns of the loop and seconds of waiting."""
    world = World(seed=SEED)
    await world.start(one_fault(first, second))
    caller = asyncio.ensure_future(ask(world, story))
    await asyncio.sleep(seconds)
    for _ in range(turns):
        await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait({caller})
    await world.settle()
    row = world.books.rows.get("r1")
    notice = await world.notice("n1", 0, hear=False) if row and story == "transfer" else None
    if row is not None and notice is not None and caller.cancelled():
        expected = "open" if row.state is State.MANUAL else _result(row.state)
        assert notice.exit == expected, f"{row.history}"
    await world.end()


def _result(state: State) -> str:
    return "posted" if state is State.APPROVED else "not_posted"


def hang_up_cases() -> list[tuple[str, Fault, Fault, int, float]]:
    """Turns at the start, and moments during each wait: journal, host, reversal."""
    moments = [(turn, 0.0) for turn in range(30)]
    moments += [
        (turn, at) for at in (0.002, 0.01, 0.05, 0.06, 0.11, 5.0, 15.2) for turn in (0, 1, 2)
    ]
    return [
        (story, first, second, turns, seconds)
        for story in STORIES
        for first in FIRST
        for second in SECOND
        for turns, seconds in moments
    ]


def test_hang_up_at_sampled_awaits() -> None:
    print(f"seed {SEED}")
    for case in random.Random(SEED).sample(hang_up_cases(), 400):
        run(hung_up_run(*case))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_hang_up_at_every_await() -> None:
    for case in hang_up_cases():
        run(hung_up_run(*case))


# -- many callers --------------------------------------------------------------------------------


async def busy_day(seed: int, callers: int, kills: int) -> World:
    """Callers between the same accounts, a host that fails at random, a node that dies."""
    chance = random.Random(seed)
    plan = random.Random(seed + 1)

    def faults(request_id: str, role: MessageRole, attempt: int) -> Fault:
        if role == "reversal":
            return plan.choice(SECOND) if attempt < 3 else Fault.NONE
        return plan.choice(FIRST) if plan.random() < 0.4 else Fault.NONE

    world = World(seed=seed)
    await world.start(faults)
    names = iter(range(10_000))
    for _ in range(kills + 1):
        calls = [asyncio.ensure_future(_call(world, chance, next(names))) for _ in range(callers)]
        await asyncio.sleep(chance.choice((0.01, 0.05, 0.1, 3.0, 15.2, 40.0)))
        await world.kill()
        assert all(call.done() for call in calls)
        await world.start(faults)
    await asyncio.gather(*(_call(world, chance, next(names)) for _ in range(callers)))
    await world.end()
    return world


async def _call(world: World, chance: random.Random, number: int) -> None:
    """One caller: transfers, sometimes asks twice, sometimes hangs up."""
    payer, payee = chance.sample(range(3), 2)
    amount = chance.choice(("1", "1", "2", "300.50", "20000"))
    await asyncio.sleep(chance.random() * 2)
    quote = await world.quote(f"q{number}", payer, payee, amount)
    if quote.exit not in ("ok", "repeated"):
        return
    posting = asyncio.ensure_future(world.post(f"r{number}", payer, quote))
    again = asyncio.ensure_future(world.post(f"a{number}", payer, quote))
    if chance.random() < 0.3:
        await asyncio.sleep(chance.random() / 5)
        posting.cancel()
    await asyncio.wait({posting, again})
    answer = again.result()
    if answer.row:
        await world.processor.told(f"a{number}", answer.exit)


def test_twenty_callers_between_the_same_accounts() -> None:
    print(f"seed {SEED}")
    states: Counter[str] = Counter()
    for offset in range(12):
        try:
            world = run(busy_day(SEED + offset * 10, callers=20, kills=offset % 4))
        except BaseException as error:
            error.add_note(f"seed {SEED + offset * 10}")
            raise
        states.update(row.state for row in world.books.rows.values())
    ends = {"APPROVED", "REVERSED", "DECLINED", "NOT_SENT", "CLOSED_NOT_POSTED"}
    assert ends <= set(states), states


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_many_days_of_twenty_callers() -> None:
    for offset in range(1000):
        try:
            run(busy_day(SEED + offset * 10, callers=20, kills=offset % 6))
        except BaseException as error:
            error.add_note(f"seed {SEED + offset * 10}")
            raise
