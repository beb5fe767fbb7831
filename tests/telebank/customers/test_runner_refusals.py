"""Scheduled transfers that are not carried out: told once, and never paid after that."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.ledger_world import CARDS
from support.order_house import FIRST, Kill, Life, OrderHouse, PricingHost, doomed, settled
from support.transactions_host import Host
from telebank.customers.order_options import OrderOptions
from transactions.answer import Answer
from transactions.money import Money
from transactions.outcome import Declined, Outcome
from transactions.ports import MessageLog
from transactions.request import HostMessage, Request

ID = "order-100001-20260401"
HUNDRED = Money.parse("100.00")


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("why", ["over_limit", "fee_changed", "missed"])
async def test_killed_at_any_commit_a_refusal_is_told_once_and_not_paid_after(
    place: Path, after: bool, why: str
) -> None:
    """Whatever commit is a node's last: a customer who hears "not posted" is not charged later,
    though the host would take it by then."""
    step, killed, refused = 0, True, 0
    house = OrderHouse(place, options=OrderOptions(retry_s=600))
    async with house.life() as life:
        await life.order(every="week", fee=Money.parse("0.00"))
    due = FIRST
    while killed:
        step += 1
        kill = Kill(step, after)
        house.day = due + timedelta(days=4 if why == "missed" else 0)
        async with house.life(kill=kill, host=PricingHost) as life:
            _refusing(life, why)
            await doomed(asyncio.ensure_future(life.look()), kill)
        killed = kill.dead.is_set()
        async with house.life() as life:
            heard = await life.notices()
            await _finish(house, life)
            heard += await life.notices()
        paid = [name for name in house.posted() if f"{due:%Y%m%d}" in name]
        told = "posted" if paid else "not_posted"
        assert heard == [(told, HUNDRED)], (step, after, paid, house.requests())
        ends = "done" if paid else "missed" if why == "missed" else "failed"
        assert (due, ends, "" if paid else why) in house.runs()
        refused += not paid
        due += timedelta(days=7)
        house.later(hours=1)
    assert step > 5
    assert refused
    assert sum(house.bank.balances.values()) == 8 * 100_000_00


def _refusing(life: Life, why: str) -> None:
    assert isinstance(life.host, PricingHost)
    life.host.refuses = why if why == "over_limit" else ""
    life.host.fee = "3.00" if why == "fee_changed" else "0.00"


async def _finish(house: OrderHouse, life: Life) -> None:
    for _ in range(4):
        await settled(life)
        await life.look()
        house.later(hours=1)


class RefusingUnsent(Host):
    """Its adapter knows by itself that a transfer would be refused, and sends nothing."""

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        if request.service == "transfer.card_to_card":
            return Declined("over_limit")
        return await super().execute(request, log, repeat_of)


async def test_a_refusal_is_final_whatever_state_its_row_has(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life(host=RefusingUnsent) as life:
        await life.order()
        life.host.business_date = FIRST
        assert await life.look() == 1
        assert house.requests() == {ID: "NOT_SENT"}
        assert house.runs() == [(FIRST, "failed", "over_limit")]
        assert await life.notices() == [("not_posted", HUNDRED)]
    house.day = FIRST
    async with house.life() as life:
        house.later(hours=1)
        assert await life.look() == 0
        assert house.posted() == []


@pytest.mark.parametrize("every", ["once", "month"])
async def test_what_is_tried_again_can_be_cancelled_and_is_not_paid_then(
    place: Path, every: str
) -> None:
    house = OrderHouse(place)
    async with house.life() as life:
        token = life.store.vault.token(CARDS[0])
        house.bank.balances[token] = 0
        await life.order(every=every)
        life.host.business_date = FIRST
        assert await life.look() == 1
        assert house.runs() == [(FIRST, "open", "insufficient")]
        (row,) = (await life.ask("order.list", "l1", {})).data["items"]
        assert row["state"] == "waiting"
        order = {"order": "100001"}
        assert (await life.ask("order.cancel", "x1", order, by=1)).exit == "no_order"
        assert (await life.ask("order.cancel", "x2", order)).exit == "ok"
        assert (await life.ask("order.cancel", "x3", order)).exit == "no_order"
        house.bank.balances[token] = 100_000_00
        house.later(hours=1)
        assert await life.look() == 1
        assert house.posted() == []
        assert [state for _, state, _ in house.runs()] == ["failed"]
        (row,) = (await life.ask("order.list", "l2", {})).data["items"]
        assert row["state"] == "cancelled"


async def test_what_is_cancelled_while_it_is_quoted_is_not_paid(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life() as life:
        await life.order()
        life.host.business_date = FIRST
        submit = life.processor.submit

        async def cancelling(request: Request) -> Answer:
            answer = await submit(request)
            if request.service == "transfer.quote":
                assert (await life.ask("order.cancel", "x1", {"order": "100001"})).exit == "ok"
            return answer

        object.__setattr__(life.processor, "submit", cancelling)
        assert await life.look() == 1
        assert house.posted() == []
        assert house.runs() == [(FIRST, "failed", "cancelled")]


async def test_what_was_carried_out_cannot_be_cancelled(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life() as life:
        await life.order()
        life.host.business_date = FIRST
        await life.look()
        assert (await life.ask("order.cancel", "x1", {"order": "100001"})).exit == "no_order"


async def test_a_node_that_was_too_slow_does_not_say_failed_of_what_another_paid(
    place: Path,
) -> None:
    """The first node's hold is over while it learns of a refusal; the second pays. What the first
    does then changes nothing."""
    house = OrderHouse(place)
    async with house.life(host=PricingHost) as slow, house.life(node="02") as other:
        await slow.order()
        slow.host.business_date = other.host.business_date = FIRST
        _refusing(slow, "over_limit")
        asked, paid = _slow_to_hear(slow)
        look = asyncio.ensure_future(slow.look())
        await asked.wait()
        house.later(seconds=house.options.hold_s)
        assert await other.look() == 1
        paid.set()
        await look
        assert house.requests() == {ID: "APPROVED"}
        assert house.runs() == [(FIRST, "done", "")]
        assert house.events("order.run") == [("open", ""), ("done", "")]
        assert await other.notices() == [("posted", HUNDRED)]


def _slow_to_hear(life: Life) -> tuple[asyncio.Event, asyncio.Event]:
    """The node's second question to the journal is answered, but heard of only when the second
    event is set; the first says that it was asked."""
    asked, go_on = asyncio.Event(), asyncio.Event()
    find, count = life.store.journal.find, 0

    async def slow(request_id: str, quote: str | None = None) -> Any:
        nonlocal count
        count += 1
        found = await find(request_id, quote)
        if count == 2:
            asked.set()
            await go_on.wait()
        return found

    object.__setattr__(life.store.journal, "find", slow)
    return asked, go_on


async def test_the_same_again_waits_out_the_ten_minutes(place: Path) -> None:
    """Nobody can be asked whether he means it."""
    house = OrderHouse(place)
    async with house.life() as life:
        await life.order()
        await life.order("o2")
        life.host.business_date = FIRST
        assert await life.look() == 2
        assert house.posted() == [ID]
        assert house.runs()[1] == (FIRST, "open", "repeated")
        house.later(seconds=599)
        assert await life.look() == 0
        house.later(seconds=2)
        assert await life.look() == 1
        assert house.posted() == [ID, "order-100002-20260401"]


@pytest.mark.parametrize(("fee", "paid"), [("50.00", True), ("50.01", False)])
async def test_a_fee_that_was_never_told_has_a_highest_amount(
    place: Path, fee: str, paid: bool
) -> None:
    house = OrderHouse(place)
    async with house.life(host=PricingHost) as life:
        await life.order(amount=Money.parse("70.00"))
        await life.order("o2", fee=Money.parse("0.00"))
        change = {"order": "100002", "amount": Money.parse("80.00")}
        assert (await life.ask("order.change", "c1", change)).exit == "ok"
        life.host.fee, life.host.business_date = fee, FIRST  # type: ignore[attr-defined]
        assert await life.look() == 2
        assert len(house.posted()) == (2 if paid else 0)
        ends = ("done", "") if paid else ("failed", "fee_changed")
        assert house.runs() == [(FIRST, *ends), (FIRST, *ends)]


async def test_for_tomorrow_is_not_for_tonight_after_an_early_cut_over(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life() as life:
        life.host.business_date = FIRST  # while our own calendar says the day before
        inputs: dict[str, Any] = {"payee": CARDS[1], "payee_masked": "****0001", "amount": HUNDRED}
        inputs |= {"every": "once", "first": FIRST}
        assert (await life.ask("order.make", "o1", inputs)).exit == "bad_date"
        inputs["first"] = FIRST + timedelta(days=1)
        assert (await life.ask("order.make", "o2", inputs)).exit == "ok"
        assert await life.look() == 0


def test_the_highest_fee_is_an_amount() -> None:
    for wrong in ("dear", "-1.00", "0.001"):
        with pytest.raises(ValueError, match="fee_most"):
            OrderOptions(fee_most=wrong)
    yen = Money.parse("1", "JPY").currency
    assert OrderOptions().highest_fee(yen) == Money.parse("50", "JPY")
    assert OrderOptions(fee_most="0.50").highest_fee(yen) == Money(0, yen)
