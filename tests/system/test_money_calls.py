"""A day at the bank: customers who move money and lose cards, all at once on one node and host.

Each test reads what came of a scene: what the caller heard, the journal, and the ledger.
"""

import asyncio
from collections.abc import Sequence

import pytest

from core_adapters.corehost.seed import SeedCard, card_number
from support.money_caller import (
    BALANCE,
    CONFIRM,
    fen,
    order,
    prompts,
    prove,
    report_loss,
    said,
    transfer,
    words,
)
from support.money_journal import LOSS, assert_whole
from support.money_stage import OPENING, Day, Scene, Stage
from telebank.phone.report import CallReport
from transactions.card import CardNumber

pytestmark = [
    pytest.mark.system,
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.timeout(900),
]

UNKNOWN_AND_UNDONE = ["RECORDED", "SENT", "UNKNOWN", "REVERSING", "REVERSED"]
PIN_WORDS = ["auth.wrong_pin", "auth.wrong_pin", "auth.locked"]
TRANSFER_42 = {"mti": "0200", "processing": "42"}


# -- transfers ------------------------------------------------------------------------------------


async def transfer_in_chinese(stage: Stage) -> list[CallReport]:
    day = await stage.day()
    payer, payee = day.pair(0)
    first = await day.ring(transfer(payer, payee, "100"), "tr.done")
    # The same again within ten minutes: asked twice, then done.
    again = f"{prove(payer)} {order(payee, '100')} @tr.confirm_again 1"
    return [first, await day.ring(again, "tr.done")]


async def test_a_transfer_in_chinese(stage: Stage) -> None:
    day = await stage.day()
    (payer, payee), (first, _) = day.pair(0), await stage.of(transfer_in_chinese)
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


async def test_the_same_again_is_asked_again(stage: Stage) -> None:
    day = await stage.day()
    (payer, payee), (_, second) = day.pair(0), await stage.of(transfer_in_chinese)
    heard = prompts(second)
    assert "tr.confirm" not in heard
    assert heard[:2] == ["tr.confirm_again", "tr.done"]
    assert [row.state for row in day.journal.rows(payer)] == ["APPROVED", "APPROVED"]
    assert (day.held(payer), day.held(payee)) == (OPENING - 20_000, OPENING + 20_000)


async def transfer_in_english(stage: Stage) -> list[CallReport]:
    day = await stage.day()
    payer, payee = day.pair(1)
    script = transfer(payer, payee, "6000.50", language="en")
    first = await day.ring(script, "tr.done")
    # The rest of the day's limit is 2,000 less: our own limit refuses, the host is not asked.
    return [first, await day.ring(transfer(payer, payee, "3000", language="en"), "tr.refused")]


async def test_a_transfer_in_english_with_its_fee(stage: Stage) -> None:
    day = await stage.day()
    (payer, payee), (first, _) = day.pair(1), await stage.of(transfer_in_english)
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


async def test_over_the_daily_limit_nothing_goes_to_the_host(stage: Stage) -> None:
    day = await stage.day()
    (payer, _), (_, second) = day.pair(1), await stage.of(transfer_in_english)
    assert "tr.refused" in prompts(second)
    assert [row.amount for row in day.journal.rows(payer)] == [600_050]


async def refused_by_the_host(stage: Stage) -> list[CallReport]:
    day = await stage.day()
    payer, payee = day.pair(2)
    unknown = card_number(999_999_999)
    limited = day.fault(payer, "code 61", mti="0200", amount=77_000)
    script = f"{prove(payer)} {order(payee, '20000')} @tr.insufficient !770# @tr.over_limit !1#"
    first = await day.ring(f"{script} {CONFIRM[:-1]}* ~1 !*", "main.menu")
    second = await day.ring(f"{prove(payer)} {order(unknown, '5')}", "tr.bad_payee")
    day.lift(limited)
    return [first, second]


async def test_what_the_host_refuses_at_the_quote(stage: Stage) -> None:
    day = await stage.day()
    (payer, payee), (first, second) = day.pair(2), await stage.of(refused_by_the_host)
    heard = [p for p in prompts(first) if p.startswith("tr.") and p != "tr.amount"]
    assert heard == ["tr.insufficient", "tr.over_limit", "tr.confirm"]
    assert "tr.bad_payee" in prompts(second)
    assert day.journal.rows(payer) == []
    assert (day.held(payer), day.held(payee)) == (OPENING, OPENING)


# -- telephone PINs -------------------------------------------------------------------------------


def wrong(who: SeedCard) -> str:
    return "9" * len(who.pin) if who.pin[0] != "9" else "8" * len(who.pin)


async def wrong_pin_then_right(stage: Stage) -> list[CallReport]:
    day = await stage.day()
    who, _ = day.pair(3)
    script = f"{prove(who, wrong(who))} @auth.wrong_pin !{who.pin}# {BALANCE}"
    return [await day.ring(script, "bal.amount")]


async def test_a_wrong_pin_then_the_right_one(stage: Stage) -> None:
    day = await stage.day()
    (call,) = await stage.of(wrong_pin_then_right)
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


async def three_wrong_pins(stage: Stage) -> list[CallReport]:
    day = await stage.day()
    who, _ = day.pair(4)
    guess = wrong(who)
    script = f"{prove(who, guess, 'en')} @auth.wrong_pin !{guess}#"
    script += f" @auth.wrong_pin !{guess}#"
    first = await day.ring(script, "auth.locked")
    return [first, await day.ring(prove(who), "auth.locked")]


async def test_three_wrong_pins_lock_the_card(stage: Stage) -> None:
    first, second = await stage.of(three_wrong_pins)
    assert [p for p in prompts(first) if p in PIN_WORDS] == PIN_WORDS
    # The right PIN does not help any more, and the host is not asked.
    assert "auth.locked" in prompts(second)
    assert "main.menu" not in prompts(second)


# -- lost cards -----------------------------------------------------------------------------------


async def lost_in_chinese(stage: Stage) -> list[CallReport]:
    day = await stage.day()
    who, _ = day.pair(5)
    return [await _lose(day, who, "zh"), await day.ring(prove(who), "auth.lost")]


async def lost_in_english(stage: Stage) -> list[CallReport]:
    day = await stage.day()
    who, _ = day.pair(6)
    return [await _lose(day, who, "en"), await day.ring(prove(who), "auth.lost")]


async def _lose(day: Day, who: SeedCard, language: str) -> CallReport:
    wrong_identity = str((int(who.identity) + 1) % 10_000).zfill(4)
    script = report_loss(who, wrong_identity, language)
    script += f" @loss.not_matched !{who.card}# !{who.identity}# @loss.confirm 1"
    return await day.ring(script, "loss.done")


@pytest.mark.parametrize(
    ("scene", "number", "language"), [(lost_in_chinese, 5, "zh"), (lost_in_english, 6, "en")]
)
async def test_a_lost_card_is_refused_at_once(
    stage: Stage, scene: Scene[list[CallReport]], number: int, language: str
) -> None:
    day = await stage.day()
    (who, _), (report, later) = day.pair(number), await stage.of(scene)
    refused, row = day.journal.rows(who, LOSS)
    assert refused.history == ["RECORDED", "SENT", "DECLINED"]
    assert row.history == ["RECORDED", "SENT", "APPROVED"]
    assert row.messages == [("0302", "00")]
    assert {p.language for p in report.prompts if p.prompt == "loss.done"} == {language}
    assert "auth.lost" in prompts(later)


# -- callers who do not wait ----------------------------------------------------------------------


async def gone_while_the_host_thinks(stage: Stage) -> list[CallReport]:
    day = await stage.day()
    payer, payee = day.pair(7)
    day.fault(payer, "delay 6", **TRANSFER_42)
    first = await day.ring(f"{transfer(payer, payee, '70')}", "sys.wait")
    await day.settled(payer)
    second = await day.ring(prove(payer), "notice.posted")
    return [first, second, await day.ring(prove(payer), "main.menu")]


async def test_who_hangs_up_while_the_host_thinks_hears_it_next_time(stage: Stage) -> None:
    day = await stage.day()
    (payer, payee), calls = day.pair(7), await stage.of(gone_while_the_host_thinks)
    row = day.journal.only(payer)
    assert row.history == ["RECORDED", "SENT", "APPROVED"]
    assert row.told == "posted"
    assert "tr.done" not in prompts(calls[0])
    assert prompts(calls[1])[0] == "notice.posted"
    assert not {"notice.posted", "notice.open"} & set(prompts(calls[2]))
    assert (day.held(payer), day.held(payee)) == (OPENING - 7_000, OPENING + 7_000)


async def gone_and_undone(stage: Stage) -> list[CallReport]:
    """Done at the host, never answered, and the reversal stuck while the customer rings again."""
    day = await stage.day()
    payer, payee = day.pair(8)
    day.fault(payer, "drop_after", **TRANSFER_42)
    stuck = [day.fault(payer, "code 96", mti=mti) for mti in ("0420", "0421")]
    first = await day.ring(transfer(payer, payee, "80"), "sys.wait")
    second = await day.ring(prove(payer), "notice.open")
    day.lift(*stuck)
    await day.settled(payer)
    return [first, second, await day.ring(prove(payer, language="en"), "notice.not_posted")]


async def test_who_hangs_up_and_is_never_answered_hears_that_it_was_undone(stage: Stage) -> None:
    day = await stage.day()
    (payer, payee), calls = day.pair(8), await stage.of(gone_and_undone)
    row = day.journal.only(payer)
    assert row.history == UNKNOWN_AND_UNDONE
    assert row.messages[0] == ("0200", None)
    assert row.messages[-1][1] == "00"
    assert prompts(calls[1])[0] == "notice.open"
    assert prompts(calls[2])[0] == "notice.not_posted"
    assert row.told == "not_posted"
    assert (day.held(payer), day.held(payee)) == (OPENING, OPENING)


async def in_doubt(stage: Stage) -> list[CallReport]:
    """Done at the host, answered 96, and nothing can undo it until the faults are lifted."""
    day = await stage.day()
    payer, payee = day.pair(9)
    unknown = day.fault(payer, "wrong_field 39 96", **TRANSFER_42)
    stuck = [day.fault(payer, "code 96", mti=mti) for mti in ("0420", "0421")]
    first = await day.ring(transfer(payer, payee, "90"), "tr.in_doubt")
    second = await day.ring(f"{prove(payer)} {order(payee, '90')}", "tr.pending")
    day.lift(unknown, *stuck)
    await day.settled(payer)
    third = await day.ring(prove(payer), "notice.not_posted")
    return [first, second, third]


async def test_in_doubt_is_said_so_and_a_redial_is_refused(stage: Stage) -> None:
    day = await stage.day()
    (payer, payee), (first, second, third) = day.pair(9), await stage.of(in_doubt)
    assert prompts(first)[:2] == ["tr.confirm", "tr.in_doubt"]
    # He was told at the time, so the notice waits for the result.
    assert prompts(second)[0] == "tr.pending"
    assert prompts(third)[0] == "notice.not_posted"
    undone = day.journal.only(payer)
    assert undone.history == UNKNOWN_AND_UNDONE
    assert {mti for mti, _ in undone.messages} == {"0200", "0420", "0421"}
    assert undone.messages[-1] == ("0421", "00")
    assert undone.told == "not_posted"
    assert (day.held(payer), day.held(payee)) == (OPENING, OPENING)


async def test_at_the_end_of_the_day_the_money_is_whole(stage: Stage) -> None:
    day = await stage.day()
    await asyncio.gather(*(stage.of(scene) for scene in SCENES), return_exceptions=True)
    assert_whole(day.bank)
    while day.bank.counts()["calls"]:
        await asyncio.sleep(0.1)


SCENES: Sequence[Scene[list[CallReport]]] = (
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
