"""What callers may not: heard word for word in both languages, and no money has moved."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import pytest

from support.money_caller import PATIENCE_S, fen, said
from support.money_stage import OPENING, Stage
from support.service_bills import paid
from support.service_books import Values
from support.service_calls import (
    HASTY,
    LANGUAGES,
    NO_VALUES,
    Case,
    Heard,
    Passage,
    Visit,
    assert_heard,
    books_of,
    check,
    open_branch,
    plain,
)
from support.service_keys import known_routes, route, script
from support.service_refusals import INVESTMENTS_REFUSED, REFUSALS, TOO_LATE
from telebank.phone.hearing import ClipHeard
from telebank.phone.phone import PhoneOptions
from telebank.phone.script import parse_script

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(600),
]

BANK, INVESTMENTS = "refusals", "refused_investments"


def _params(cases: Sequence[Case], bank: str) -> list[object]:
    """Each case in both languages, each by a customer of its own."""
    known_routes()  # now, and not while phones wait for it
    calls = [(case, language) for case in cases for language in LANGUAGES]
    found = [Visit(*call, bank, number, number) for number, call in enumerate(calls)]
    return [pytest.param(one, id=f"{one.case.name}-{one.language}") for one in found]


@pytest.mark.long
@pytest.mark.parametrize(
    "scene",
    [
        *_params(REFUSALS, BANK),
        *_params(TOO_LATE, HASTY),
        *_params(INVESTMENTS_REFUSED, INVESTMENTS),
    ],
)
async def test_a_refusal_is_told_and_nothing_moves(stage: Stage, scene: Visit) -> None:
    outcome = await stage.of(scene)
    # In a thread: phones of other scenes ring on this loop.
    await asyncio.to_thread(check, await open_branch(stage, scene.bank), scene, outcome)


@dataclass(frozen=True, eq=False)
class PaidMeanwhile:
    """A bill that another call pays while its subscriber listens to what he owes; a scene."""

    language: str
    number: int
    biller: str = "water"

    async def __call__(self, stage: Stage) -> tuple[Heard, Sequence[Passage], int]:
        """Hear what is owed, wait until it is paid by another call, and confirm; what was heard,
        what should have been, and what was owed."""
        day = await open_branch(stage, BANK)
        who, books = day.bank.cards[self.number], books_of(day)
        entries = {"NUMBER": books.number(who, self.biller)}
        owed = sum(one.minor for one in books.bills(who, self.biller) if not one.paid_by)
        way = route(f"bill.enquiry biller={self.biller}", entries).keys[1:]
        keys = script(way, who, self.language, entries)
        clips: list[ClipHeard] = []
        call = await day.phone.dial(day.bank.uri, PhoneOptions(patience_s=60), clips.append)
        talking = asyncio.ensure_future(call.run(parse_script(f"{keys} @bill.choose")))
        # The other one is read to for twice as long as this one takes to have his quote.
        other = replace(paid("B-03", self.biller), waits={}, entries=lambda _books, _who: entries)
        visit = Visit(other, self.language, BANK, self.number + 2, self.number + 2)
        paying = asyncio.ensure_future(visit(stage))
        await _until(lambda: call.report.heard("bill.choose"))
        await paying
        terms: Values = {"biller": self.biller, "number": entries["NUMBER"], "amount": fen(owed)}
        terms = {**terms, "fee": fen(0)}
        passages: list[Passage] = [[("bill.confirm", terms)], [("dep.refused", NO_VALUES)]]
        for ((prompt, values),) in passages:
            call.press("1")
            wanted = said(day.bank, prompt, self.language, **values)
            await _until(partial(_has, clips, wanted))
        call.hang_up()
        return Heard(await talking, tuple(clips)), passages, owed


def _has(clips: Sequence[ClipHeard], wanted: str) -> bool:
    return wanted in "".join(plain(one.text) for one in clips)


async def _until(come: Callable[[], bool]) -> None:
    """Wait for something that is heard."""
    async with asyncio.timeout(PATIENCE_S):
        while not come():
            await asyncio.sleep(0.1)


@pytest.mark.long
@pytest.mark.parametrize(
    "scene",
    [
        PaidMeanwhile(language, 2 * len(REFUSALS) + place)
        for place, language in enumerate(LANGUAGES)
    ],
    ids=LANGUAGES,
)
async def test_a_bill_that_is_paid_while_it_is_read_back(
    stage: Stage, scene: PaidMeanwhile
) -> None:
    heard, expected, owed = await stage.of(scene)
    day = await open_branch(stage, BANK)
    assert_heard(day, heard, scene.language, expected)
    who, payer = (day.bank.cards[scene.number + place] for place in (0, 2))
    assert [row.state for row in day.journal.rows(payer, "bill.pay")] == ["APPROVED"]
    assert [row.state for row in day.journal.rows(who, "bill.pay")] == ["DECLINED"]
    held = [books_of(day).held(one.account) for one in (who, payer)]
    assert held == [OPENING, OPENING - owed]


@pytest.mark.long
async def test_the_books_are_in_order(stage: Stage) -> None:
    await stage.all_over()
    for name in (BANK, HASTY, INVESTMENTS):
        day = await open_branch(stage, name)
        assert day.bank.host.findings() == []
        assert [row.id for row in day.journal.rows() if not row.settled] == []
