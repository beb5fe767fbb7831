"""A day at the bank: customers who move money and lose cards, all at once on one node and host.

Every scene has cards of its own and its faults by card, so that the scenes run side by side while
the tests read what came of them: what the caller heard, the journal, and the ledger.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from core_adapters.corehost.seed import SeedCard, card_number
from support.bank_process import BankProcess, Voice
from support.money_caller import (
    CONFIRM,
    fen,
    order,
    prompts,
    prove,
    report_loss,
    ring,
    said,
    transfer,
    words,
)
from support.money_journal import LOSS, MoneyJournal, Row, assert_whole
from telebank.phone.phone import CallReport, Phone
from transactions.card import CardNumber

pytestmark = [pytest.mark.system, pytest.mark.asyncio(loop_scope="module")]

OPENING = 1_000_000
"""Fen on every test card."""
UNKNOWN_AND_UNDONE = ["RECORDED", "SENT", "UNKNOWN", "REVERSING", "REVERSED"]
TRANSFER_42 = {"mti": "0200", "processing": "42"}


@dataclass
class Day:
    """The bank, one phone for everybody, and the scenes under way."""

    bank: BankProcess
    phone: Phone
    rules: list[dict[str, Any]] = field(default_factory=list)
    scenes: dict[str, "asyncio.Task[list[CallReport]]"] = field(default_factory=dict)

    @property
    def journal(self) -> MoneyJournal:
        return MoneyJournal(self.bank.data)

    def pair(self, number: int) -> tuple[SeedCard, SeedCard]:
        """Payer and payee of a scene, nobody else's."""
        return self.bank.cards[2 * number], self.bank.cards[2 * number + 1]

    def held(self, who: SeedCard) -> int:
        return self.bank.host.balances()[who.card]

    async def ring(self, script: str, until: str = "") -> CallReport:
        return await ring(self.bank, self.phone, script, until)

    def fault(self, who: SeedCard, action: str, **match: str) -> dict[str, Any]:
        """Put a fault in force for one card's messages; no rule counts, so none begins anew."""
        rule = {"match": {"card": who.card, **match}, "action": action}
        self.rules.append(rule)
        self.bank.host.plan(self.rules)
        return rule

    def lift(self, *faults: dict[str, Any]) -> None:
        """End faults."""
        self.rules = [rule for rule in self.rules if rule not in faults]
        self.bank.host.plan(self.rules)

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait for a row or a balance; the test's own time-out ends what never comes."""
        while not done():
            await asyncio.sleep(0.1)

    async def settled(self, who: SeedCard) -> Row:
        """The customer's transfer, once it has an end."""
        await self.until(lambda: self.journal.only(who).state.value in ("REVERSED", "APPROVED"))
        return self.journal.only(who)

    async def of(self, scene: "Scene") -> list[CallReport]:
        """The calls of a scene, once it is over."""
        return await self.scenes[scene.__name__]


Scene = Callable[[Day], Awaitable[list[CallReport]]]


# -- transfers ------------------------------------------------------------------------------------


async def transfer_in_chinese(day: Day) -> list[CallReport]:
    payer, payee = day.pair(0)
    first = await day.ring(transfer(payer, payee, "100"), "tr.done")
    # The same again within ten minutes: asked twice, then done.
    again = f"{prove(payer)} {order(payee, '100')} @tr.confirm_again 1"
    return [first, await day.ring(again, "tr.done")]


async def test_a_transfer_in_chinese(day: Day) -> None:
    (payer, payee), (first, _) = day.pair(0), await day.of(transfer_in_chinese)
    row = day.journal.rows(payer)[0]
    assert row.history == ["RECORDED", "SENT", "APPROVED"]
    assert row.messages == [("0200", "00")]
    assert row.told == "ok"
    confirmed = {"payee_masked": CardNumber(payee.card).masked, "amount": fen(10_000)}
    assert words(first, "tr.confirm") == [
        said(day.bank, "tr.confirm", "zh", **confirmed, fee=fen(0))
    ]
    done = {"available": fen(OPENING - 10_000), "ref": row.reference}
    assert words(first, "tr.done") == [said(day.bank, "tr.done", "zh", **done)]


async def test_the_same_again_is_asked_again(day: Day) -> None:
    (payer, payee), (_, second) = day.pair(0), await day.of(transfer_in_chinese)
    heard = prompts(second)
    assert "tr.confirm" not in heard
    assert heard[-2:] == ["tr.confirm_again", "tr.done"]
    assert [row.state for row in day.journal.rows(payer)] == ["APPROVED", "APPROVED"]
    assert (day.held(payer), day.held(payee)) == (OPENING - 20_000, OPENING + 20_000)


async def transfer_in_english(day: Day) -> list[CallReport]:
    payer, payee = day.pair(1)
    script = transfer(payer, payee, "6000.50", language="en")
    first = await day.ring(script, "tr.done")
    # The rest of the day's limit is 2,000 less: our own limit refuses, the host is not asked.
    return [first, await day.ring(transfer(payer, payee, "3000", language="en"), "tr.refused")]


async def test_a_transfer_in_english_with_its_fee(day: Day) -> None:
    (payer, payee), (first, _) = day.pair(1), await day.of(transfer_in_english)
    row = day.journal.rows(payer)[0]
    assert (row.amount, row.fee) == (600_050, 600)
    masked = CardNumber(payee.card).masked
    asked = said(
        day.bank, "tr.confirm", "en", payee_masked=masked, amount=fen(600_050), fee=fen(600)
    )
    assert words(first, "tr.confirm") == [asked]
    left = OPENING - 600_650
    done = said(day.bank, "tr.done", "en", available=fen(left), ref=row.reference)
    assert words(first, "tr.done") == [done]
    assert (day.held(payer), day.held(payee)) == (left, OPENING + 600_050)


async def test_over_the_daily_limit_nothing_goes_to_the_host(day: Day) -> None:
    (payer, _), (_, second) = day.pair(1), await day.of(transfer_in_english)
    assert "tr.refused" in prompts(second)
    assert [row.amount for row in day.journal.rows(payer)] == [600_050]


async def refused_by_the_host(day: Day) -> list[CallReport]:
    payer, payee = day.pair(2)
    unknown = card_number(999_999_999)
    limited = day.fault(payer, "code 61", mti="0200", amount=77_000)
    script = (
        f"{prove(payer)} {order(payee, '20000')} @tr.insufficient !770# @tr.over_limit !1#"
        f" @tr.confirm *"
    )
    first = await day.ring(f"{script}", "main.menu")
    second = await day.ring(f"{prove(payer)} {order(unknown, '5')}", "tr.bad_payee")
    day.lift(limited)
    return [first, second]


async def test_what_the_host_refuses_at_the_quote(day: Day) -> None:
    (payer, payee), (first, second) = day.pair(2), await day.of(refused_by_the_host)
    heard = [p for p in prompts(first) if p.startswith("tr.") and p != "tr.amount"]
    assert heard == ["tr.insufficient", "tr.over_limit", "tr.confirm"]
    assert "tr.bad_payee" in prompts(second)
    assert day.journal.rows(payer) == []
    assert (day.held(payer), day.held(payee)) == (OPENING, OPENING)


# -- telephone PINs -------------------------------------------------------------------------------


def wrong(who: SeedCard) -> str:
    return "9" * len(who.pin) if who.pin[0] != "9" else "8" * len(who.pin)


async def wrong_pin_then_right(day: Day) -> list[CallReport]:
    who, _ = day.pair(3)
    script = f"{prove(who, wrong(who))} @auth.wrong_pin !{who.pin}# !1"
    return [await day.ring(script, "bal.amount")]


async def test_a_wrong_pin_then_the_right_one(day: Day) -> None:
    (call,) = await day.of(wrong_pin_then_right)
    heard = prompts(call)
    assert heard.index("auth.wrong_pin") < heard.index("bal.amount")
    who, _ = day.pair(3)
    assert words(call, "bal.amount") == [
        said(
            day.bank,
            "bal.amount",
            "zh",
            card=CardNumber(who.card).masked,
            available=fen(OPENING),
            ledger=fen(OPENING),
        )
    ]


async def three_wrong_pins(day: Day) -> list[CallReport]:
    who, _ = day.pair(4)
    guess = wrong(who)
    script = f"{prove(who, guess, 'en')} @auth.wrong_pin ~0.1 !{guess}# ~3 !{guess}# @auth.locked"
    first = await day.ring(script, "sys.goodbye")
    return [first, await day.ring(prove(who), "sys.goodbye")]


async def test_three_wrong_pins_lock_the_card(day: Day) -> None:
    first, second = await day.of(three_wrong_pins)
    assert prompts(first).count("auth.wrong_pin") + prompts(first).count("auth.locked") == 4
    # The right PIN does not help any more, and the host is not asked.
    assert "auth.locked" in prompts(second)
    assert "main.menu" not in prompts(second)


# -- lost cards -----------------------------------------------------------------------------------


async def lost_in_chinese(day: Day) -> list[CallReport]:
    who, _ = day.pair(5)
    return [await _lose(day, who, "zh"), await day.ring(prove(who), "auth.lost")]


async def lost_in_english(day: Day) -> list[CallReport]:
    who, _ = day.pair(6)
    return [await _lose(day, who, "en"), await day.ring(prove(who), "auth.lost")]


async def _lose(day: Day, who: SeedCard, language: str) -> CallReport:
    wrong_identity = str((int(who.identity) + 1) % 10_000).zfill(4)
    script = report_loss(who, wrong_identity, language)
    script += f" @loss.not_matched !{who.card}# !{who.identity}# ~4 1"
    return await day.ring(script, "loss.done")


@pytest.mark.parametrize(
    ("scene", "number", "language"), [(lost_in_chinese, 5, "zh"), (lost_in_english, 6, "en")]
)
async def test_a_lost_card_is_refused_at_once(
    day: Day, scene: Scene, number: int, language: str
) -> None:
    (who, _), (report, later) = day.pair(number), await day.of(scene)
    refused, row = day.journal.rows(who, LOSS)
    assert refused.history == ["RECORDED", "SENT", "DECLINED"]
    assert row.history == ["RECORDED", "SENT", "APPROVED"]
    assert row.messages == [("0302", "00")]
    assert {p.language for p in report.prompts if p.prompt == "loss.done"} == {language}
    assert "auth.lost" in prompts(later)


# -- callers who do not wait ----------------------------------------------------------------------


async def gone_while_the_host_thinks(day: Day) -> list[CallReport]:
    payer, payee = day.pair(7)
    day.fault(payer, "delay 6", **TRANSFER_42)
    first = await day.ring(f"{transfer(payer, payee, '70')}", "sys.wait")
    await day.settled(payer)
    second = await day.ring(prove(payer), "notice.posted")
    return [first, second, await day.ring(prove(payer), "main.menu")]


async def test_who_hangs_up_while_the_host_thinks_hears_it_next_time(day: Day) -> None:
    (payer, payee), calls = day.pair(7), await day.of(gone_while_the_host_thinks)
    row = day.journal.only(payer)
    assert row.history == ["RECORDED", "SENT", "APPROVED"]
    assert row.told == "posted"
    assert "tr.done" not in prompts(calls[0])
    assert prompts(calls[1])[-1] == "notice.posted"
    assert not {"notice.posted", "notice.open"} & set(prompts(calls[2]))
    assert (day.held(payer), day.held(payee)) == (OPENING - 7_000, OPENING + 7_000)


async def gone_and_undone(day: Day) -> list[CallReport]:
    payer, payee = day.pair(8)
    day.fault(payer, "drop_after", **TRANSFER_42)
    first = await day.ring(transfer(payer, payee, "80"), "sys.wait")
    await day.settled(payer)
    return [first, await day.ring(prove(payer, language="en"), "notice.not_posted")]


async def test_who_hangs_up_and_is_never_answered_hears_that_it_was_undone(day: Day) -> None:
    (payer, payee), calls = day.pair(8), await day.of(gone_and_undone)
    row = day.journal.only(payer)
    assert row.history == UNKNOWN_AND_UNDONE
    assert row.messages == [("0200", None), ("0420", "00")]
    assert prompts(calls[1])[-1] == "notice.not_posted"
    assert row.told == "not_posted"
    assert (day.held(payer), day.held(payee)) == (OPENING, OPENING)


async def in_doubt(day: Day) -> list[CallReport]:
    """Done at the host, answered 96, and nothing can undo it until the faults are lifted."""
    payer, payee = day.pair(9)
    unknown = day.fault(payer, "wrong_field 39 96", **TRANSFER_42)
    stuck = [day.fault(payer, "code 96", mti=mti) for mti in ("0420", "0421")]
    first = await day.ring(transfer(payer, payee, "90"), "tr.in_doubt")
    redial = f"{prove(payer)} @notice.open ~4 {order(payee, '90')}"
    second = await day.ring(redial, "tr.pending")
    day.lift(unknown, *stuck)
    await day.settled(payer)
    third = await day.ring(
        f"{prove(payer)} @notice.not_posted ~7 {order(payee, '90')} {CONFIRM}", "tr.done"
    )
    return [first, second, third]


async def test_in_doubt_is_said_so_and_a_redial_is_refused(day: Day) -> None:
    (payer, payee), (first, second, third) = day.pair(9), await day.of(in_doubt)
    assert prompts(first)[-1] == "tr.in_doubt"
    heard = prompts(second)
    assert heard.index("notice.open") < heard.index("tr.pending")
    assert "tr.confirm" not in heard
    assert prompts(third)[0] == "notice.not_posted"
    undone, done = day.journal.rows(payer)
    assert undone.history == UNKNOWN_AND_UNDONE
    assert {mti for mti, _ in undone.messages} == {"0200", "0420", "0421"}
    assert undone.messages[-1] == ("0421", "00")
    assert done.history == ["RECORDED", "SENT", "APPROVED"]
    assert (day.held(payer), day.held(payee)) == (OPENING - 9_000, OPENING + 9_000)


async def test_at_the_end_of_the_day_the_money_is_whole(day: Day) -> None:
    await asyncio.gather(*day.scenes.values())
    assert_whole(day.bank)
    assert day.bank.wait_idle()["calls"] == 0


SCENES: Sequence[Scene] = (
    transfer_in_chinese,
    transfer_in_english,
    refused_by_the_host,
    wrong_pin_then_right,
    three_wrong_pins,
    lost_in_chinese,
    lost_in_english,
    gone_while_the_host_thinks,
    gone_and_undone,
    in_doubt,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def day(voice: Voice, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Day]:
    """A running bank with all scenes begun."""
    data = tmp_path_factory.mktemp("day")
    settings = {
        "transactions": {"retry_first_s": 0.5, "retry_cap_s": 1.0},
        "limits": {"transfer_daily": "8000.00"},
    }
    with BankProcess.start(data, voice, **settings) as bank:
        async with bank.phone() as phone:
            day = Day(bank, phone)
            for scene in SCENES:
                day.scenes[scene.__name__] = asyncio.ensure_future(scene(day))
            yield day
            for task in day.scenes.values():
                task.cancel()
            await asyncio.gather(*day.scenes.values(), return_exceptions=True)
