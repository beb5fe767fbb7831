"""Scheduled transfers carried out: each due date once, whatever is killed, late, empty or away."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from support.ledger_world import CARDS
from support.order_house import FIRST, Kill, Life, OrderHouse, doomed, settled
from support.transactions_host import Fault
from telebank.customers.order_options import OrderOptions
from transactions.money import Money
from transactions.request import AuthLevel

ID = "order-100001-20260401"


async def test_on_its_day_and_once(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life() as life:
        assert await life.order() == 100001
        assert await life.look() == 0
        assert house.runs() == []
        house.later(days=1)
        life.host.business_date = house.day
        assert await life.look() == 1
        assert await life.look() == 0
        assert house.posted() == [ID]
        assert house.requests() == {ID: "APPROVED"}
        assert house.runs() == [(FIRST, "done", "")]
        assert await life.notices() == [("posted", Money.parse("100.00"))]
        listed = await life.ask("order.list", "l1", {})
        assert listed.exit == "last"
        (row,) = listed.data["items"]
        assert (row["state"], row["next"]) == ("done", FIRST)
        house.later(days=32)
        assert (await life.ask("order.list", "l2", {})).exit == "none"


async def test_the_hosts_date_decides_not_the_clock(place: Path) -> None:
    """Over a weekend the host's date stands; at its next one, all that came is carried out."""
    house = OrderHouse(place)
    async with house.life() as life:
        await life.order(every="week")
        await life.order("o2", first=FIRST + timedelta(days=1), amount=Money.parse("50.00"))
        house.clock.forward(2 * 86_400)
        assert await life.look() == 0
        life.host.business_date = FIRST + timedelta(days=2)
        assert await life.look() == 2
        assert house.posted() == [ID, "order-100002-20260402"]
        life.host.links_up = 0
        life.host.business_date = FIRST + timedelta(days=7)
        assert await life.look() == 0


async def test_missed_dates_are_told_and_the_others_go_oldest_first(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life() as life:
        await life.order(every="week", last=FIRST + timedelta(days=14))
        life.host.business_date = FIRST + timedelta(days=10)
        assert await life.look() == 2
        assert house.runs() == [
            (FIRST, "missed", "missed"),
            (FIRST + timedelta(days=7), "done", ""),
        ]
        assert house.requests()[ID] == "NOT_SENT"
        assert [what for what, _ in await life.notices()] == ["not_posted", "posted"]
        life.host.business_date = FIRST + timedelta(days=20)
        assert await life.look() == 1
        assert house.runs()[-1][1:] == ("missed", "missed")
        (row,) = (await life.ask("order.list", "l1", {})).data["items"]
        assert (row["state"], row["next"]) == ("missed", FIRST + timedelta(days=14))


async def test_too_little_money_is_tried_again_until_it_is_too_late(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life() as life:
        token = life.store.vault.token(CARDS[0])
        house.bank.balances[token] = 0
        await life.order(every="month")
        life.host.business_date = FIRST
        assert await life.look() == 1
        assert await life.look() == 0
        for _ in range(2):
            house.later(hours=1)
            assert await life.look() == 1
        assert house.runs() == [(FIRST, "open", "insufficient")]
        assert set(house.requests()) == {ID, f"{ID}.2", f"{ID}.3"}
        changed = {"order": "100001", "amount": Money.parse("1.00")}
        assert (await life.ask("order.change", "c1", changed)).exit == "no_order"
        house.bank.balances[token] = 10_000
        house.later(hours=1)
        assert await life.look() == 1
        assert house.posted() == [f"{ID}.4"]
        assert await life.notices() == [("posted", Money.parse("100.00"))]
        house.bank.balances[token] = 0
        house.later(hours=1)
        life.host.business_date = date(2026, 5, 1)
        assert await life.look() == 1
        life.host.business_date = date(2026, 5, 5)
        house.later(hours=1)
        assert await life.look() == 1
        assert house.runs()[-1] == (date(2026, 5, 1), "failed", "insufficient")
        assert await life.notices() == [("not_posted", Money.parse("100.00"))]


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER, Fault.NOT_SENT])
async def test_what_was_undone_is_done_on_the_same_date_all_the_same(
    tmp_path: Path, fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The database makes no difference here.
    monkeypatch.setattr("support.transactions_host.TIMEOUT", 0.05)
    house = OrderHouse(tmp_path)

    def once(name: str, role: str, attempt: int) -> Fault:
        return fault if (name, role) == (ID, "request") else Fault.NONE

    async with house.life(once) as life:
        await life.order()
        life.host.business_date = FIRST
        assert await life.look() == 1
        await settled(life)
        for _ in range(2):
            house.later(hours=1)
            await life.look()
        assert house.posted() == [f"{ID}.2"]
        assert house.runs() == [(FIRST, "done", "")]
        assert [what for what, _ in await life.notices()] == ["posted"]


async def test_a_lost_card_pays_nothing_and_its_customer_hears_so(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life() as life:
        await life.order()
        reported = {"identity": "1234"}
        assert (await life.ask("card.report_loss", "loss", reported)).exit == "ok"
        life.host.business_date = FIRST
        assert await life.look() == 1
        assert house.runs() == [(FIRST, "failed", "lost")]
        assert house.posted() == []
        notice = await life.store.journal.next_notice(life.store.vault.token(CARDS[0]))
        assert notice is not None
        assert notice.result == "not_posted"


async def test_proof_of_its_making_goes_with_it(place: Path) -> None:
    house = OrderHouse(place)
    large = Money.parse("20000.00")
    async with house.life() as life:
        inputs = {"payee": CARDS[1], "payee_masked": "****0001", "amount": large}
        inputs |= {"first": FIRST, "every": "once"}
        assert (await life.ask("order.make", "o0", inputs)).exit == "prove"
        await life.order(amount=large, auth=AuthLevel.SECOND_FACTOR)
        small = await life.order("o2")
        changed = {"order": str(small), "amount": large}
        assert (await life.ask("order.change", "c1", changed)).exit == "prove"
        life.host.business_date = FIRST
        assert await life.look() == 2
        minor = Counter(posting.minor for posting in house.bank.postings.values())
        assert minor == {20_000_00: 1}
        assert house.runs()[1] == (FIRST, "open", "prove")  # of what he has used on the day
        life.host.business_date = FIRST + timedelta(days=1)
        house.later(hours=1)
        assert await life.look() == 1
        assert house.runs()[1] == (FIRST, "done", "")


async def test_with_another_fee_than_was_told_nothing_goes(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life() as life:
        await life.order(fee=Money.parse("0.00"))
        await life.order("o2", fee=Money.parse("2.00"), amount=Money.parse("50.00"))
        life.host.business_date = FIRST
        assert await life.look() == 2
        assert house.posted() == [ID]
        assert house.runs()[1] == (FIRST, "failed", "fee_changed")
        assert [what for what, _ in await life.notices()] == ["posted", "not_posted"]


async def test_cancelled_before_it_goes(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life() as life:
        await life.order(every="week")
        order = {"order": "100001"}
        assert (await life.ask("order.cancel", "x1", order, by=1)).exit == "no_order"
        assert (await life.ask("order.cancel", "x2", order)).exit == "ok"
        assert (await life.ask("order.cancel", "x3", order)).exit == "no_order"
        life.host.business_date = FIRST
        assert await life.look() == 0
        (row,) = (await life.ask("order.list", "l1", {})).data["items"]
        assert row["state"] == "cancelled"


async def test_two_nodes_never_carry_out_one_twice(place: Path) -> None:
    house = OrderHouse(place)
    async with house.life() as first, house.life(node="02") as second:
        for number in range(6):
            await first.order(f"o{number}", amount=Money.parse(f"{number + 1}.00"))
        first.host.business_date = second.host.business_date = FIRST
        looks = await asyncio.gather(*(life.look() for life in (first, second) * 3))
        assert sum(looks) == 6
        assert len(house.posted()) == 6
        assert {state for _, state, _ in house.runs()} == {"done"}


@pytest.mark.parametrize("after", [False, True])
async def test_killed_at_any_commit_each_due_date_is_paid_once(place: Path, after: bool) -> None:
    """Whatever commit is a node's last, the next life finishes: exactly one payment a due date."""
    step, killed = 0, True
    options = OrderOptions(retry_s=600)
    house = OrderHouse(place, options=options)
    async with house.life() as life:
        await life.order(every="week")
    due = FIRST
    while killed:
        step += 1
        kill = Kill(step, after)
        house.day = due
        async with house.life(kill=kill) as life:
            await doomed(asyncio.ensure_future(life.look()), kill)
        killed = kill.dead.is_set()
        async with house.life() as life:
            await _finish(house, life)
        paid = [name for name in house.posted() if f"{due:%Y%m%d}" in name]
        assert len(paid) == 1, (step, after, paid, house.requests())
        assert (due, "done", "") in house.runs()
        due += timedelta(days=7)
        house.later(hours=1)
    assert step > 8
    assert sum(house.bank.balances.values()) == 8 * 100_000_00


async def _finish(house: OrderHouse, life: Life) -> None:
    for _ in range(4):
        await settled(life)
        await life.look()
        house.later(hours=1)


async def test_a_dead_nodes_due_dates_are_taken_over(place: Path) -> None:
    house = OrderHouse(place)
    kill = Kill(4, after=True)  # the run is its own, nothing was asked yet
    async with house.life() as life:
        await life.order()
    house.day = FIRST
    async with house.life(kill=kill) as life:
        await doomed(asyncio.ensure_future(life.look()), kill)
    assert house.runs() == [(FIRST, "open", "")]
    async with house.life(node="02") as other:
        assert await other.look() == 0
        house.later(seconds=house.options.hold_s)
        assert await other.look() == 1
        assert house.posted() == [ID]


@pytest.mark.sqlite_file
async def test_no_card_number_is_in_any_file(tmp_path: Path) -> None:
    # A server's files are its own.
    house = OrderHouse(tmp_path)
    async with house.life() as life:
        await life.order()
        life.host.business_date = FIRST
        await life.look()
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        found = b"".join(path.read_bytes() for path in files)
        assert b"order-100001-20260401" in found
        assert not any(card.digits.encode() in found for card in CARDS)


def test_options_are_bounded() -> None:
    with pytest.raises(ValueError, match="grace_days"):
        replace(OrderOptions(), grace_days=31)
    with pytest.raises(ValueError, match="retry_s"):
        OrderOptions(retry_s=0)
