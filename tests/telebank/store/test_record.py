"""What may be recorded: once by id, once by quote, not twice to the same payee, within limits."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from support.store_kit import (
    DAY,
    NOON,
    PAYEE,
    PAYER,
    FakeClock,
    message,
    money_plan,
    open_store,
    recorded,
    reference,
    rows,
    transfer,
)
from telebank.store import tables
from transactions.card import CardNumber, SealedCard
from transactions.journal import (
    Existing,
    GuardKey,
    GuardState,
    Hold,
    Recorded,
    RecordPlan,
    RecordRefused,
)
from transactions.lifecycle import State
from transactions.money import Money
from transactions.outcome import Approved, Declined, Value
from transactions.request import Request
from transactions.secret import Secret


async def test_recorded_is_numbered_and_stamped(place: Path) -> None:
    async with open_store(place) as store:
        first = await recorded(store, "r1")
        second = await recorded(store, "r2")
        assert (first.node, first.epoch, first.created_at) == ("01", store.epoch, NOON)
        assert first.business_date == DAY
        assert first.reference == "010000000001"
        assert second.reference == "010000000002"
    (row, _) = rows(place, tables.request)
    assert (row.state, row.amount, row.currency) == ("RECORDED", 10_000, "CNY")
    assert row.inputs["amount"] == {"money": [10_000, "CNY"]}
    assert "from" not in row.inputs


async def test_same_id_gives_the_first_result_and_other_content_is_refused(place: Path) -> None:
    async with open_store(place) as store:
        journal = store.journal
        await recorded(store, "r1")
        again = await journal.record(transfer("r1"), money_plan(guarded=False))
        assert again == Existing("r1", State.RECORDED, None, "010000000001")
        await journal.sending(message("r1", "000001"))
        outcome = Approved({"ref": "x1", "available": Money.parse("5")}, "H-77")
        await journal.advance("r1", [State.APPROVED], outcome=outcome)
        again = await journal.record(transfer("r1"), money_plan(guarded=False))
        assert again == Existing("r1", State.APPROVED, outcome, "010000000001")
        other = await journal.record(transfer("r1"), money_plan(content_hash="other"))
        assert other == RecordRefused("different_content")
    assert len(rows(place, tables.request)) == 1
    (refused,) = rows(place, tables.event, tables.event.c.kind == "request.refused")
    assert refused.outcome == "different_content"


async def test_one_posting_a_quote(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "r1", quote="q1")
        again = await store.journal.record(transfer("r2"), money_plan(quote="q1"))
        assert isinstance(again, Existing)
        assert again.request_id == "r1"
        await recorded(store, "r3", quote="q3")
        await recorded(store, "r4", quote=None)
        await recorded(store, "r5", quote=None)


async def test_a_quote_posted_with_other_content_is_refused_with_an_alarm(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "r1", quote="q1")
        plan = money_plan(quote="q1", content_hash="another customer's")
        other = await store.journal.record(transfer("r2"), plan)
        assert other == RecordRefused("different_content")
    assert [row.id for row in rows(place, tables.request)] == ["r1"]
    (alarm,) = rows(place, tables.event, tables.event.c.kind == "alarm.quote")
    assert (alarm.request, alarm.detail["first"]) == ("r2", "010000000001")
    (refused,) = rows(place, tables.event, tables.event.c.kind == "request.refused")
    assert refused.outcome == "different_content"


async def test_what_was_recorded_is_found_by_id_then_by_quote(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "r1", quote="q1")
        await recorded(store, "r2", quote="q2")
    async with open_store(place) as store:
        journal = store.journal
        found = await journal.find("r1", "q2")
        assert found is not None
        assert found.existing == Existing("r1", State.RECORDED, None, "010000000001")
        assert (found.service, found.quote) == ("transfer.card_to_card", "q1")
        assert found.customer == "token-of-payer"
        by_quote = await journal.find("r9", "q2")
        assert by_quote is not None
        assert by_quote.existing.request_id == "r2"
        assert await journal.find("r9", "q9") is None
        assert await journal.find("r9") is None


@pytest.mark.parametrize(
    ("inputs", "payee", "named"),
    [
        ({"from": PAYER, "biller": "water"}, "water|20000417", "water ****0417"),
        ({"card": PAYER, "kind": "time"}, "time", "time"),
        ({"card": PAYER, "sub": "0003"}, "0003", "****03"),
        ({"card": PAYER, "biller": "pager"}, "pager|12345", "pager ****45"),
        ({"card": PAYER, "biller": "internet"}, "internet|AB12345", "internet ****345"),
        ({"card": PAYER, "term": "y1"}, "0021|y1", "****21 y1"),
        ({"card": PAYER, "from": "usd", "to": "cny"}, "usd|cny|716.95", "usd cny 716.95"),
        ({"card": PAYER}, "", ""),
        ({"card": PAYER, "other": PAYEE}, "token-of-payee", ""),
        ({"from": PAYER, "to": PAYEE}, "token-of-payee", PAYEE.masked),
    ],
)
async def test_what_the_money_is_for_is_named(
    place: Path, inputs: dict[str, Value], payee: str, named: str
) -> None:
    guard = GuardKey("payer", payee, Money.parse("100"))
    async with open_store(place) as store:
        await store.journal.record(transfer("r1", inputs=inputs), money_plan(guard=guard))
    (row,) = rows(place, tables.request)
    assert row.payee_masked == named


@pytest.mark.parametrize(("minutes", "day"), [(480, 1), (-480, 31)])
async def test_the_business_date_is_of_the_banks_clock_not_the_machines(
    place: Path, minutes: int, day: int
) -> None:
    clock = FakeClock()
    clock.forward(13 * 3600)  # 2026-03-31 17:00 UTC
    async with open_store(place, clock=clock, utc_offset_minutes=minutes) as store:
        made = await store.journal.record(transfer("r1", business_date=None), money_plan())
        assert isinstance(made, Recorded)
        assert made.request.business_date is not None
        assert made.request.business_date.day == day


async def test_an_open_twin_is_refused_and_a_done_one_needs_telling(place: Path) -> None:
    clock = FakeClock()
    key = GuardKey("payer", "payee", Money.parse("100.00"))
    async with open_store(place, clock=clock) as store:
        journal = store.journal
        assert await journal.guard_state(key) == GuardState("free")
        assert isinstance(await journal.record(transfer("r1"), money_plan()), Recorded)
        assert (await journal.guard_state(key)).state == "open"
        assert await journal.record(transfer("r2"), money_plan()) == RecordRefused("pending")
        told = money_plan(repeat_told=True)
        assert await journal.record(transfer("r2"), told) == RecordRefused("pending")
        other_amount = money_plan(amount="100.01")
        assert isinstance(await journal.record(transfer("r3", "100.01"), other_amount), Recorded)
        await journal.sending(message("r1", "000001"))
        await journal.advance("r1", [State.APPROVED])
        done = GuardState("done", "010000000001", NOON)
        assert await journal.guard_state(key) == done
        clock.forward(600)
        assert await journal.record(transfer("r2"), money_plan()) == RecordRefused("repeated")
        assert isinstance(await journal.record(transfer("r4"), told), Recorded)


async def test_after_ten_minutes_the_same_triple_is_free(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await store.journal.record(transfer("r1"), money_plan())
        await store.journal.sending(message("r1", "000001"))
        await store.journal.advance("r1", [State.APPROVED])
        clock.forward(600.000001)
        assert isinstance(await store.journal.record(transfer("r2"), money_plan()), Recorded)


async def test_a_refused_twin_opens_again_when_the_first_is_undone(place: Path) -> None:
    async with open_store(place) as store:
        await store.journal.record(transfer("r1"), money_plan())
        await store.journal.advance("r1", [State.NOT_SENT])
        assert isinstance(await store.journal.record(transfer("r2"), money_plan()), Recorded)


async def test_manual_is_still_open(place: Path) -> None:
    async with open_store(place) as store:
        journal = store.journal
        await journal.record(transfer("r1"), money_plan())
        await journal.sending(message("r1", "000001"))
        await journal.advance("r1", [State.UNKNOWN, State.MANUAL])
        assert await journal.record(transfer("r2"), money_plan()) == RecordRefused("pending")
        await journal.advance("r1", [State.CLOSED_NOT_POSTED])
        assert isinstance(await journal.record(transfer("r2"), money_plan()), Recorded)


async def test_limits_hold_confirm_and_release_into_their_own_day(place: Path) -> None:
    async with open_store(place) as store:
        journal = store.journal
        plan = money_plan(guarded=False, ceiling="250.00")
        for name in ("r1", "r2"):
            assert isinstance(await journal.record(transfer(name), plan), Recorded)
        assert await journal.record(transfer("r3"), plan) == RecordRefused("over_limit")
        tomorrow = DAY + timedelta(days=1)
        next_day = transfer("r4", business_date=tomorrow)
        assert isinstance(await journal.record(next_day, plan), Recorded)
        await journal.sending(message("r1", "000001"))
        await journal.advance("r1", [State.APPROVED])
        assert await journal.record(transfer("r5"), plan) == RecordRefused("over_limit")
        await journal.sending(message("r2", "000002"))
        await journal.advance("r2", [State.UNKNOWN, State.REVERSING])
        assert await journal.record(transfer("r5"), plan) == RecordRefused("over_limit")
        await journal.advance("r2", [State.REVERSED])
        assert isinstance(await journal.record(transfer("r5"), plan), Recorded)
    states = {row.request: row.state for row in rows(place, tables.limit_use)}
    assert states == {"r1": "used", "r2": "released", "r4": "held", "r5": "held"}


async def test_a_reopened_reversal_holds_again(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "r1")
        await store.journal.sending(message("r1", "000001"))
        await store.journal.advance("r1", [State.UNKNOWN, State.REVERSING])
        await store.journal.advance("r1", [State.REVERSED])
        await store.journal.advance("r1", [State.MANUAL], why="approved after reversal")
    (use,) = rows(place, tables.limit_use)
    (row,) = rows(place, tables.request)
    assert (use.state, row.state, row.settled_at) == ("held", "MANUAL", None)


async def test_a_refusal_on_the_second_limit_leaves_nothing_of_the_first(place: Path) -> None:
    big, small = Money.parse("1000"), Money.parse("10")
    amount = Money.parse("100")
    holds = (Hold("daily", "c", amount, big), Hold("single", "c", amount, small))
    async with open_store(place) as store:
        plan = money_plan(guarded=False, holds=holds)
        assert await store.journal.record(transfer("r1"), plan) == RecordRefused("over_limit")
    assert rows(place, tables.request) == []
    assert rows(place, tables.limit_use) == []
    assert rows(place, tables.request_state) == []


async def test_a_loss_report_hot_lists_in_the_same_commit(place: Path) -> None:
    request = Request(
        "r1", "card.report_loss", 1, {"card": PAYER, "identity": "110101199003078888"}, "customer"
    )
    request = replace(request, reference=reference("r1"))
    plan = RecordPlan("state", "repeat", "h", hot_list=PAYER)
    async with open_store(place) as store:
        journal = store.journal
        token = store.vault.token(PAYER)
        assert not await journal.hot_listed(token)
        before = store.commits
        await journal.record(request, plan)
        assert store.commits == before + 1
        assert await journal.hot_listed(token)
        assert not await journal.hot_listed(store.vault.token(PAYEE))
        second = replace(request, id="r2", reference=reference("r2"))
        assert isinstance(await journal.record(second, plan), Recorded)
    listed = rows(place, tables.hot_card)
    assert [(hot.request, hot.masked) for hot in listed] == [
        ("r1", PAYER.masked),
        ("r2", PAYER.masked),
    ]


@pytest.mark.parametrize(("declined", "stands"), [("r1", "r2"), ("r2", "r1")])
async def test_a_declined_report_does_not_lift_another_that_stands(
    place: Path, declined: str, stands: str
) -> None:
    plan = RecordPlan("state", "repeat", "h", hot_list=PAYER)
    async with open_store(place) as store:
        journal, token = store.journal, store.vault.token(PAYER)
        for name in ("r1", "r2"):
            loss = Request(name, "card.report_loss", 1, {"card": PAYER}, "c")
            await journal.record(replace(loss, reference=reference(name)), plan)
            await journal.advance(name, [State.REPEATING])
        await journal.advance(declined, [State.DECLINED], outcome=Declined("not_matched"))
        assert await journal.hot_listed(token)
        await journal.advance(stands, [State.DECLINED], outcome=Declined("not_matched"))
        assert not await journal.hot_listed(token)


async def test_a_loss_report_that_the_host_declines_gives_the_card_back(place: Path) -> None:
    request = Request("r1", "card.report_loss", 1, {"card": PAYER}, "customer")
    plan = RecordPlan("state", "repeat", "h", hot_list=PAYER)
    async with open_store(place) as store:
        journal = store.journal
        await journal.record(request, plan)
        await journal.advance("r1", [State.REPEATING])
        assert await journal.hot_listed(store.vault.token(PAYER))
        await journal.advance("r1", [State.DECLINED], outcome=Declined("not_matched"))
        assert not await journal.hot_listed(store.vault.token(PAYER))
    assert "card.hot_list_lifted" in [event.kind for event in rows(place, tables.event)]


async def test_open_rows_come_back_sealed_without_secrets(place: Path) -> None:
    inputs = {"card": PAYER, "identity": "110101199003078888", "pin": Secret("135790246813")}
    request = Request("r1", "card.report_loss", 1, inputs, "customer", language="en")
    async with open_store(place) as store:
        await store.journal.record(request, RecordPlan("state", "repeat", "h"))
        await recorded(store, "r2")
    async with open_store(place) as store:
        loss, money = await store.journal.open_rows()
        assert set(loss.request.inputs) == {"card", "identity"}
        assert loss.request.inputs["identity"] == "110101199003078888"
        assert loss.request.language == "en"
        sealed = money.request.inputs["from"]
        assert isinstance(sealed, SealedCard)
        assert store.vault.unseal(sealed) == CardNumber(PAYER.digits)
        assert money.request.inputs["amount"] == Money.parse("100.00")
        assert money.request.inputs["payee_masked"] == "*三"
        assert (money.state, money.recovery, money.sent) == (State.RECORDED, "reverse", None)


async def test_an_id_too_long_is_refused_clearly(place: Path) -> None:
    async with open_store(place) as store:
        with pytest.raises(ValueError, match="1 to 64 characters"):
            await store.journal.record(transfer("r" * 65), money_plan())
    assert rows(place, tables.request) == []


async def test_a_row_of_before_has_a_plain_hash_and_is_known_by_it(place: Path) -> None:
    async with open_store(place) as store:
        journal = store.journal
        before = money_plan(content_hash="5" * 64)
        assert isinstance(await journal.record(transfer("r1"), before), Recorded)
        now = money_plan(content_hash="k:1", plain_hash="5" * 64)
        assert isinstance(await journal.record(transfer("r1"), now), Existing)
        other = money_plan(content_hash="k:1", plain_hash="6" * 64)
        assert await journal.record(transfer("r1"), other) == RecordRefused("different_content")
        told = [event.detail for event in rows(place, tables.event)]
        assert not any("content_hash" in detail for detail in told)
