"""Many due dates, long doubts, and an order that meets a bug: the others go on."""

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from sqlalchemy import text

from support.ledger_world import CARDS
from support.order_house import FIRST, Life, OrderHouse, settled
from support.store_kit import money_plan, open_store, transfer
from support.transactions_host import Fault
from telebank.customers.order_options import OrderOptions
from telebank.customers.runner import MOST_ALARMS
from telebank.store import order_runs as jobs
from telebank.store.orders import Run
from telebank.store.store import Store
from transactions.answer import Answer
from transactions.money import Money
from transactions.processor import Processor
from transactions.request import Request

ID = "order-100001-20260401"


async def _orders(life: Life, count: int) -> None:
    for number in range(count):
        await life.order(f"o{number}", amount=Money.parse(f"{number + 1}.00"))


async def test_one_look_does_all_that_is_due_however_small_its_batches(place: Path) -> None:
    house = OrderHouse(place, options=OrderOptions(batch=2))
    async with house.life() as life:
        token = life.store.vault.token(CARDS[0])
        house.bank.balances[token] = 0
        await _orders(life, 5)
        life.host.business_date = FIRST
        assert await life.look() == 5
        assert {state for _, state, _ in house.runs()} == {"open"}
        house.bank.balances[token] = 100_000_00
        house.later(hours=1)
        assert await life.look() == 5
        assert len(house.posted()) == 5


async def test_a_long_doubt_is_one_event_and_is_asked_after_less_and_less(tmp_path: Path) -> None:
    # The database makes no difference here.
    house = OrderHouse(tmp_path)

    def refused(name: str, role: str, attempt: int) -> Fault:
        if name != ID:
            return Fault.NONE
        return Fault.BUG_AFTER if role == "request" else Fault.REFUSED

    async with house.life(refused) as life:
        await life.order()
        life.host.business_date = FIRST
        assert await life.look() == 1
        await settled(life)
        assert house.requests() == {ID: "MANUAL"}
        looks = []
        for minute in range(6 * 60):
            house.later(minutes=1)
            if await life.look():
                looks.append(minute + 1)
        assert house.events("order.run") == [("open", ""), ("open", "in_doubt")]
        gaps = [later - sooner for sooner, later in pairwise(looks)]
        assert gaps[:4] == [1, 2, 4, 8]
        assert max(gaps) == 60
        (row,) = (await life.ask("order.list", "l1", {})).data["items"]
        assert row["state"] == "waiting"
        house.later(days=40)
        assert (await life.ask("order.list", "l2", {})).exit == "last"  # still worked on


@dataclass
class Failing:
    """A processor with a bug that orders of these names meet."""

    processor: Processor
    names: str
    well: bool = False

    async def submit(self, request: Request) -> Answer:
        if not self.well and request.id.startswith(self.names):
            raise KeyError("transfer.quote")
        return await self.processor.submit(request)


async def test_a_bug_with_one_order_is_one_alarm_and_the_others_go_on(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life() as life:
        await _orders(life, 3)
        failing = Failing(life.processor, "order-100001-")
        object.__setattr__(life.runner, "processor", failing)
        life.host.business_date = FIRST
        assert await life.look() == 2
        assert house.posted() == ["order-100002-20260401", "order-100003-20260401"]
        assert house.runs()[0] == (FIRST, "open", "failed: KeyError")
        for _ in range(3):
            house.later(hours=1)
            assert await life.look() == 0
        assert house.events("alarm.orders") == [("", "failed: KeyError")]
        failing.well = True
        house.later(hours=1)
        assert await life.look() == 1
        assert ID in house.posted()
        assert house.runs()[0] == (FIRST, "done", "")


async def test_a_bug_that_all_meet_is_not_an_alarm_for_each(tmp_path: Path) -> None:
    # The database makes no difference here.
    house = OrderHouse(tmp_path)
    async with house.life() as life:
        await _orders(life, MOST_ALARMS + 2)
        object.__setattr__(life.runner, "processor", Failing(life.processor, "order-"))
        life.host.business_date = FIRST
        assert await life.look() == 0
        assert len(house.events("alarm.orders")) == MOST_ALARMS
        assert house.runs() == [(FIRST, "open", "failed: KeyError")] * (MOST_ALARMS + 2)


async def test_an_order_that_makes_no_sense_is_one_alarm_and_the_others_go_on(
    place: Path,
) -> None:
    house = OrderHouse(place, options=OrderOptions(batch=1))
    async with house.life() as life:
        await _orders(life, 3)
        await life.store.journal.run(
            lambda part: part.execute(
                text("UPDATE transfer_order SET last = '2026-03-01' WHERE number = 100001")
            )
        )
        life.host.business_date = FIRST
        assert await life.look() == 2
        assert await life.look() == 0
        assert house.posted() == ["order-100002-20260401", "order-100003-20260401"]
        assert house.events("alarm.orders") == [("", "failed: ValueError")]


# -- the jobs -----------------------------------------------------------------------------------


async def _begun(life: Life, number: int, house: OrderHouse) -> None:
    until = house.clock.now + timedelta(seconds=60)
    await life.store.journal.run(lambda part: jobs.begin(part, number, FIRST, None, until))


async def test_only_who_holds_a_run_writes_it(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life() as slow, open_store(place, "02", house.clock, nodes=2) as other:
        await slow.order()
        await _begun(slow, 100001, house)
        house.later(seconds=60)
        late = house.clock.now + timedelta(hours=1)
        taken = await _do(other, jobs.take, number=100001, due=FIRST, until=late)
        assert isinstance(taken, Run)
        assert await _do(slow.store, jobs.take, number=100001, due=FIRST, until=late) is None
        assert not await _do(slow.store, jobs.hold, run=taken, until=late)
        assert not await _do(slow.store, jobs.end, run=taken, state="failed", why="slow")
        again: dict[str, Any] = {"request": ID, "note": "tried_again", "until": late}
        assert not await _do(slow.store, jobs.try_again, run=taken, **again)
        assert house.runs() == [(FIRST, "open", "")]
        assert house.events("order.run") == [("open", "")]
        assert await _do(other, jobs.end, run=taken, state="failed", why="late")
        assert not await _do(other, jobs.end, run=taken, state="done", why="")
        assert house.events("order.run") == [("open", ""), ("failed", "late")]


async def test_what_was_not_carried_out_is_said_by_who_holds_it_and_once(place: Path) -> None:
    """Row and end are one commit: neither where another has the run, or the row stands already."""
    house = OrderHouse(place)
    async with house.life() as slow, open_store(place, "02", house.clock, nodes=2) as other:
        await slow.order()
        await _begun(slow, 100001, house)
        house.later(seconds=60)
        late = house.clock.now + timedelta(hours=1)
        run = await _do(other, jobs.take, number=100001, due=FIRST, until=late)
        plan = money_plan(holds=(), guard=None, takes_hot=True)
        row = jobs.unsent(transfer(ID), plan, "over_limit", other.vault)
        values: dict[str, Any] = {"run": run, "state": "failed", "row": row}
        assert await _do(slow.store, jobs.end_unsent, **values) is False
        assert (house.requests(), house.runs()) == ({}, [(FIRST, "open", "")])
        assert await _do(other, jobs.end_unsent, **values) is True
        assert house.requests() == {ID: "NOT_SENT"}
        assert house.runs() == [(FIRST, "failed", "over_limit")]
        assert await _do(other, jobs.end_unsent, **values) is False
        assert house.events("order.run") == [("open", ""), ("failed", "over_limit")]


async def test_who_waited_longest_is_next(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life() as life:
        await _orders(life, 2)
        await _begun(life, 100002, house)
        house.later(seconds=1)
        await _begun(life, 100001, house)
        house.later(hours=1)
        found = await _do(life.store, jobs.left, most=1)
        assert [run.number for run in found] == [100002]


async def _do(store: Store, job: Any, **values: date | int | str | Any) -> Any:
    return await store.journal.run(lambda part: job(part, **values))
