"""Many callers at once on the same accounts, and many guesses at one telephone PIN."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass

import pytest

from core_adapters.corehost.seed import SeedCard
from support.money_caller import prompts, prove, transfer
from support.money_journal import TRANSFER
from support.money_stage import OPENING, Stage
from telebank.phone.report import CallReport

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(900),
]

ACCOUNTS = 10
GUESSES = 30


@dataclass(frozen=True)
class Transfer:
    """One of twenty: who pays whom, and how much."""

    payer: SeedCard
    payee: SeedCard
    yuan: int


def ring_of_accounts(cards: list[SeedCard]) -> list[Transfer]:
    """Each account pays both its neighbours: twenty callers, every account in four transfers."""
    return [
        Transfer(payer, cards[(index + step) % ACCOUNTS], 10 + index)
        for step in (1, -1)
        for index, payer in enumerate(cards)
    ]


async def twenty_callers(stage: Stage) -> list[CallReport]:
    day = await stage.day()
    calls = ring_of_accounts(day.bank.cards[40 : 40 + ACCOUNTS])
    return list(
        await asyncio.gather(
            *(day.ring(transfer(c.payer, c.payee, str(c.yuan)), "tr.done") for c in calls)
        )
    )


async def test_twenty_callers_on_the_same_accounts(stage: Stage) -> None:
    day = await stage.day()
    reports = await stage.of(twenty_callers)
    cards = day.bank.cards[40 : 40 + ACCOUNTS]
    heard_done = [
        call
        for call, report in zip(ring_of_accounts(cards), reports, strict=True)
        if "tr.done" in prompts(report)
    ]
    assert len(heard_done) == 2 * ACCOUNTS, [prompts(report) for report in reports]
    rows = [row for who in cards for row in day.journal.rows(who, TRANSFER)]
    assert [row.history for row in rows] == [["RECORDED", "SENT", "APPROVED"]] * len(heard_done)
    expected = {one.card: OPENING for one in cards}
    for call in heard_done:
        expected[call.payer.card] -= call.yuan * 100
        expected[call.payee.card] += call.yuan * 100
    assert {one.card: day.held(one) for one in cards} == expected
    assert day.bank.host.findings() == []
    assert "locked" not in day.bank.log_text()


async def thirty_guesses(stage: Stage) -> list[CallReport]:
    day = await stage.day()
    who = day.bank.cards[59]
    guesses = [str(int(who.pin) ^ (number + 1)).zfill(12)[-12:] for number in range(GUESSES)]
    return list(await asyncio.gather(*(day.ring(f"{prove(who, guess)} ~4") for guess in guesses)))


async def test_thirty_calls_guessing_one_pin_get_three_tries(stage: Stage) -> None:
    day = await stage.day()
    reports = await stage.of(thirty_guesses)
    heard = [next((p for p in prompts(r) if p.startswith("auth.")), "") for r in reports]
    assert heard.count("auth.wrong_pin") == 3
    assert heard.count("auth.locked") == GUESSES - 3
    with closing(sqlite3.connect(day.bank.host.folder / "bank.sqlite3")) as host:
        tries = host.execute(
            "SELECT wrong_today, wrong_in_all FROM card WHERE number = ?",
            (day.bank.cards[59].card,),
        ).fetchone()
    assert tries == (3, 3)


SCENES = (twenty_callers, thirty_guesses)
