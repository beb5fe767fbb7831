"""Reports of loss on SQLite and PostgreSQL: how long they hold, and who decides on them."""

from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest

from support.store_kit import DAY, PAYER, FakeClock, open_store, reference, rows
from telebank.staff.roles import first_people
from telebank.store import approvals, hot_list, people, tables
from telebank.store.store import Store
from transactions.approval import Actor, Approving, Proposal, content_hash
from transactions.card import SealedCard
from transactions.hot_list import LIFT, Decided, HotDecision
from transactions.journal import Existing, Recorded, RecordPlan, RecordRefused
from transactions.lifecycle import State
from transactions.outcome import Declined
from transactions.request import Request

UNTIL = DAY + timedelta(days=5)
A_DAY = 86_400.0
CHEN = Actor("chen", "administrator", "control")
WU = Actor("wu", "supervisor", "control")


async def report(store: Store, name: str, until: date | None = UNTIL) -> str:
    """A report that the host has taken; its reference."""
    inputs = {"card": PAYER, "identity": "4021", **({} if until is None else {"until": until})}
    request = Request(name, "card.report_loss", 1, inputs, "customer", reference=reference(name))
    token = store.vault.token(PAYER)
    plan = RecordPlan(
        *("state", "repeat", "h"),
        customer=token,
        hot_list=PAYER,
        hot_until=until,
        takes_hot=True,
    )
    assert isinstance(await store.journal.record(request, plan), Recorded)
    await store.journal.advance(name, [State.REPEATING])
    await store.journal.advance(name, [State.APPROVED])
    return request.reference


async def hot(store: Store) -> bool:
    return await store.journal.hot_listed(store.vault.token(PAYER))


async def state(store: Store, of: str) -> str:
    job = partial(hot_list.find, reference=of, zone=store.journal.zone)
    found = await store.journal.run(job)
    assert found is not None
    return found.state


async def founders(store: Store) -> None:
    for name, role in (("chen", "administrator"), ("wu", "supervisor")):
        secrets = people.NewSecrets("hash", store.vault.seal_digits("SEED"))
        new = people.NewPerson(name, name.title(), role, secrets)
        by = Actor("os:bank", "machine", "control")
        assert (
            await store.journal.run(partial(people.add_first, new=new, by=by, rule=first_people))
            is None
        )


async def decide(store: Store, name: str, decision: HotDecision) -> object:
    card = await store.journal.run(partial(hot_list.card_of, reference=decision.reference))
    inputs = {"card": card or PAYER, "report": decision.reference}
    request = Request(name, "service", 1, inputs, decision.by.id, channel="staff")
    token = store.vault.token(PAYER)
    plan = RecordPlan("state", "repeat", name, customer=token, takes_hot=True, decision=decision)
    return await store.journal.record(replace(request, reference=reference(name)), plan)


def confirming(of: str, by: Actor = WU) -> HotDecision:
    return HotDecision(of, "confirmed", by, "signed")


def lifting(of: str, by: Actor = WU) -> HotDecision:
    return HotDecision(
        of, "lifted", by, "found", Approving(LIFT, of, content_hash(LIFT, of, {}), by)
    )


async def propose(store: Store, of: str) -> object:
    draft = approvals.Draft(
        id=f"p-{of}",
        act=LIFT,
        object=of,
        detail={},
        content_hash=content_hash(LIFT, of, {}),
        note="found",
        by=CHEN,
        lives=timedelta(days=30),
    )
    check = partial(hot_list.hindrance, reference=of, becomes="lifted", zone=store.journal.zone)
    return await store.journal.run(partial(approvals.propose, draft=draft, check=check))


async def test_a_report_ends_with_its_last_day_on_the_banks_clock(place: Path) -> None:
    clock = FakeClock()  # noon in Beijing
    async with open_store(place, clock=clock) as store:
        first = await report(store, "r1")
        clock.forward(5 * A_DAY + A_DAY / 2 - 1)  # 23:59:59 of the last day there, 16 h by UTC
        assert await hot(store)
        assert await state(store, first) == "reported"
        clock.forward(1)
        assert not await hot(store)
        assert await state(store, first) == "expired"
        await report(store, "r2", UNTIL + timedelta(days=6))
        assert await hot(store)
    assert [row.until for row in rows(place, tables.hot_card)] == [UNTIL, date(2026, 4, 11)]


async def test_a_report_for_good_and_one_confirmed_never_end(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await founders(store)
        first = await report(store, "r1")
        assert isinstance(await decide(store, "c1", confirming(first)), Recorded)
        clock.forward(9_999 * A_DAY)
        assert await hot(store)
        assert await state(store, first) == "confirmed"
        (row,) = rows(place, tables.hot_card)
        assert (row.decided_by, row.note, row.decision) == ("wu", "signed", "c1")
        events = [one for one in rows(place, tables.event) if one.kind == "card.hot_list_confirmed"]
        assert [(one.actor, one.role, one.detail["reference"]) for one in events] == [
            ("wu", "supervisor", first)
        ]
        again = await decide(store, "c2", confirming(first))
        assert again == RecordRefused("already_confirmed")
    async with open_store(place, clock=clock) as store:
        await report(store, "r2", None)
        assert (await store.journal.run(partial(hot_list.newest, zone=store.journal.zone)))[
            0
        ].until is None


@pytest.mark.parametrize("becomes", ["confirmed", "lifted"])
async def test_nothing_is_decided_on_what_is_over_or_unknown(place: Path, becomes: Decided) -> None:
    clock = FakeClock()
    make = confirming if becomes == "confirmed" else lifting
    async with open_store(place, clock=clock) as store:
        await founders(store)
        assert await decide(store, "c0", make("019999999999")) == RecordRefused("unknown_reference")
        first = await report(store, "r1")
        clock.forward(7 * A_DAY)
        assert await decide(store, "c1", make(first)) == RecordRefused("report_expired")
    assert {row.id for row in rows(place, tables.request)} == {"r1"}
    turned = [one for one in rows(place, tables.event) if one.kind == "approval.turned_away"]
    assert [one.outcome for one in turned] == ["unknown_reference", "report_expired"]


async def test_two_people_lift_every_report_of_the_card(place: Path) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(open_store(place, "01", nodes=2))
        two = await stack.enter_async_context(open_store(place, "02", nodes=2))
        await founders(one)
        first = await report(one, "r1")
        second = await report(one, "r2")
        await decide(one, "c1", confirming(second))
        await one.journal.advance("c1", [State.REPEATING])
        assert await two.journal.hot_listed(two.vault.token(PAYER))
        # The host has not answered the confirmation: a lifting might come before it.
        assert await decide(two, "l1", lifting(first)) == RecordRefused("unsettled")
        await one.journal.advance("c1", [State.APPROVED])
        assert await decide(two, "l1", lifting(first)) == RecordRefused("no_proposal")
        assert isinstance(await propose(one, first), Proposal)
        assert await decide(two, "l1", lifting(first, CHEN)) == RecordRefused("same_person")
        assert await hot(one)
        assert isinstance(await decide(two, "l1", lifting(first)), Recorded)
        assert not await hot(one)
        assert not await hot(two)
        assert await decide(one, "l2", lifting(first)) == RecordRefused("already_lifted")
        assert await decide(one, "c9", confirming(second)) == RecordRefused("already_lifted")
    listed = rows(place, tables.hot_card)
    assert [(row.state, row.decided_by, row.decision) for row in listed] == [
        ("lifted", "wu", "l1"),
        ("lifted", "wu", "l1"),
    ]
    (lifted,) = [row for row in rows(place, tables.request) if row.id == "l1"]
    assert (lifted.state, lifted.channel, lifted.actor) == ("RECORDED", "staff", "wu")


async def test_one_person_lifts_nothing_and_who_has_left_confirms_nothing(place: Path) -> None:
    async with open_store(place) as store:
        first = await report(store, "r1")
        alone = HotDecision(first, "lifted", WU, "found")
        assert await decide(store, "l1", alone) == RecordRefused("no_proposal")
        assert await decide(store, "c1", confirming(first)) == RecordRefused("gone")
        assert await state(store, first) == "reported"


async def test_what_the_customer_signed_for_stays_though_the_host_declines(place: Path) -> None:
    async with open_store(place) as store:
        await founders(store)
        inputs = {"card": PAYER, "identity": "4021", "until": UNTIL}
        request = Request("r1", "s", 1, inputs, "customer", reference=reference("r1"))
        plan = RecordPlan("state", "repeat", "h", hot_list=PAYER, hot_until=UNTIL, takes_hot=True)
        await store.journal.record(request, plan)
        await store.journal.advance("r1", [State.REPEATING])
        assert isinstance(await decide(store, "c1", confirming(request.reference)), Recorded)
        await store.journal.advance("r1", [State.DECLINED], outcome=Declined("not_matched"))
        assert await hot(store)
        again = await store.journal.record(request, plan)
        assert isinstance(again, Existing)
        assert again.until == UNTIL


async def test_the_card_of_a_report_comes_back_sealed(place: Path) -> None:
    async with open_store(place) as store:
        first = await report(store, "r1")
        card = await store.journal.run(partial(hot_list.card_of, reference=first))
        assert isinstance(card, SealedCard)
        assert store.vault.unseal(card) == PAYER
        assert await store.journal.run(partial(hot_list.card_of, reference="019999999999")) is None
