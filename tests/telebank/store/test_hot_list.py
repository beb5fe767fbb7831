"""Reports of loss on SQLite and PostgreSQL: how long they hold, and who decides on them."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Executable, Update

from support.store_kit import DAY, PAYER, FakeClock, message, open_store, reference, rows
from telebank.staff.roles import first_people
from telebank.store import approvals, hot_list, people, tables
from telebank.store.approvals import NotProposed
from telebank.store.statements import Result
from telebank.store.store import Store
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Actor, Approving, Detail, Proposal, content_hash
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


async def standing(store: Store, of: str) -> Detail:
    job = partial(hot_list.standing, reference=of, zone=store.journal.zone)
    found: Detail = await store.journal.run(job)
    return found


async def lifting(store: Store, of: str, by: Actor = WU) -> HotDecision:
    """The second person's word, of the reports that stand when he says it."""
    return as_said(of, await standing(store, of), by)


def as_said(of: str, detail: Detail, by: Actor = WU) -> HotDecision:
    return HotDecision(
        of, "lifted", by, "found", Approving(LIFT, of, content_hash(LIFT, of, detail), by)
    )


async def propose(store: Store, of: str, detail: Detail | None = None) -> object:
    said = await standing(store, of) if detail is None else detail
    draft = approvals.Draft(
        id=f"p-{of}",
        act=LIFT,
        object=of,
        detail=said,
        content_hash=content_hash(LIFT, of, said),
        note="found",
        by=CHEN,
        lives=timedelta(days=30),
    )
    zone = store.journal.zone
    check = partial(hot_list.not_liftable, reference=of, detail=said, zone=zone)
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

    async def make(of: str) -> HotDecision:
        return confirming(of) if becomes == "confirmed" else await lifting(store, of)

    async with open_store(place, clock=clock) as store:
        await founders(store)
        assert await decide(store, "c0", await make("019999999999")) == RecordRefused(
            "unknown_reference"
        )
        first = await report(store, "r1")
        clock.forward(7 * A_DAY)
        assert await decide(store, "c1", await make(first)) == RecordRefused("report_expired")
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
        assert await decide(two, "l1", await lifting(two, first)) == RecordRefused("unsettled")
        await one.journal.advance("c1", [State.APPROVED])
        assert await decide(two, "l1", await lifting(two, first)) == RecordRefused("no_proposal")
        assert isinstance(await propose(one, first), Proposal)
        assert await decide(two, "l1", await lifting(two, first, CHEN)) == RecordRefused(
            "same_person"
        )
        assert await hot(one)
        assert isinstance(await decide(two, "l1", await lifting(two, first)), Recorded)
        assert not await hot(one)
        assert not await hot(two)
        assert await decide(one, "l2", await lifting(one, first)) == RecordRefused("already_lifted")
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


async def lift(store: Store, name: str, of: str, *ends: State) -> None:
    """Two people lift a report, and the host says so far."""
    assert isinstance(await propose(store, of), Proposal)
    assert isinstance(await decide(store, name, await lifting(store, of)), Recorded)
    for end in ends:
        await store.journal.advance(name, [end])


def loss(name: str) -> tuple[Request, RecordPlan]:
    inputs = {"card": PAYER, "identity": "4021", "until": UNTIL}
    request = Request(name, "card.report_loss", 1, inputs, "customer", reference=reference(name))
    plan = RecordPlan("state", "repeat", "h", hot_list=PAYER, hot_until=UNTIL, takes_hot=True)
    return request, plan


async def test_a_report_waits_for_a_lifting_that_the_host_has_not_answered(place: Path) -> None:
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(open_store(place, "01", nodes=2))
        two = await stack.enter_async_context(open_store(place, "02", nodes=2))
        await founders(one)
        await lift(one, "l1", await report(one, "r1"), State.REPEATING)
        token = two.vault.token(PAYER)
        request, plan = loss("r2")
        plan = replace(plan, customer=token)
        taken = await two.journal.record(request, plan, message("r2", "000001"))
        assert isinstance(taken, Recorded)  # a report is never refused
        assert taken.waits
        assert await two.journal.hot_listed(token)
        await two.journal.advance("r2", [State.REPEATING])
        assert await two.journal.must_wait("r2")
        assert not await one.journal.must_wait("l1")
        await decide(one, "c2", confirming(request.reference))
        assert await one.journal.must_wait("c2")
        await one.journal.advance("l1", [State.APPROVED])
        assert not await two.journal.must_wait("r2")
        assert not await one.journal.must_wait("c2")
        again = await two.journal.record(*loss("r3"), message("r3", "000002"))
        assert isinstance(again, Recorded)
        assert not again.waits
    assert [(row.id, row.state) for row in rows(place, tables.request) if row.id in "r2r3"] == [
        ("r2", "REPEATING"),
        ("r3", "SENT"),
    ]
    assert [row.request for row in rows(place, tables.host_message)] == ["r3"]


async def test_a_lifting_that_only_people_can_settle_stops_no_report(place: Path) -> None:
    async with open_store(place) as store:
        await founders(store)
        await lift(store, "l1", await report(store, "r1"), State.REPEATING, State.MANUAL)
        taken = await store.journal.record(*loss("r2"), message("r2", "000001"))
        assert isinstance(taken, Recorded)
        assert not taken.waits


@pytest.mark.parametrize("what", ["another report", "signed for", "over"])
async def test_only_what_both_people_saw_is_lifted(place: Path, what: str) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await founders(store)
        first = await report(store, "r1", None)
        second = await report(store, "r2")
        seen = await standing(store, first)
        assert seen["reports"] == f"{second} reported, {first} reported"
        assert isinstance(await propose(store, first), Proposal)
        why = "report_expired" if what == "over" else "reports_changed"
        if what == "another report":
            await report(store, "r3")
        elif what == "signed for":
            await decide(store, "c1", confirming(second))
            await store.journal.advance("c1", [State.REPEATING])
            await store.journal.advance("c1", [State.APPROVED])
        else:
            clock.forward(7 * A_DAY)
        refused = await decide(store, "l1", as_said(first, seen))
        assert refused == RecordRefused("reports_changed")
        refused = await decide(store, "l1", await lifting(store, first))
        assert refused == RecordRefused("different_content")
        assert await propose(store, second, seen) == NotProposed(why)
        assert await hot(store)
    turned = [one for one in rows(place, tables.event) if one.kind == "approval.turned_away"]
    assert [one.outcome for one in turned][:2] == ["reports_changed", "different_content"]


async def test_a_proposal_names_the_newest_reports_and_its_digest_is_of_all(place: Path) -> None:
    async with open_store(place) as store:
        first = await report(store, "r1")
        for number in range(2, hot_list.MAX_NAMED + 3):
            await report(store, f"r{number}")
        before = await standing(store, first)
        assert str(before["reports"]).endswith("and 2 more")
        assert len(str(before["reports"])) <= tables.TEXT
        await founders(store)
        await decide(store, "c1", confirming(first))  # not among those that are named
        after = await standing(store, first)
        assert (after["reports"], after["digest"] == before["digest"]) == (before["reports"], False)


async def test_one_who_has_left_and_would_confirm_is_in_the_log(place: Path) -> None:
    async with open_store(place) as store:
        first = await report(store, "r1")
        assert await decide(store, "c1", confirming(first)) == RecordRefused("gone")
    turned = [one for one in rows(place, tables.event) if one.kind == "approval.turned_away"]
    assert [(one.outcome, one.actor, one.detail["object"]) for one in turned] == [
        ("gone", "wu", first)
    ]


class Overtaken(Transaction):
    """A job in which another node drops the report just before the row is changed."""

    def execute(self, statement: Executable, values: Mapping[str, Any] | None = None) -> Result:
        if isinstance(statement, Update) and statement.table is tables.hot_card:
            assert hot_list.declined(self, "r1")
        return super().execute(statement, values)


@pytest.mark.parametrize("becomes", ["confirmed", "lifted"])
async def test_nothing_is_decided_on_a_report_that_goes_meanwhile(
    place: Path, becomes: Decided
) -> None:
    async with open_store(place) as store:
        await founders(store)
        first = await report(store, "r1")
        await propose(store, first)
        said = confirming(first) if becomes == "confirmed" else await lifting(store, first)

        def overtaken(part: Transaction) -> object:
            other = Overtaken(part.connection, part.stamp, part.node, part.epoch)
            with pytest.raises(Refused) as refused:
                hot_list.decide(other, "c1", said, store.journal.zone)
            assert [one.kind for one in refused.value.events] == ["approval.turned_away"]
            return refused.value.value

        got = await store.journal.run(overtaken)
        assert got == RecordRefused("unknown_reference")
