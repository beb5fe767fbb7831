"""Staff and approvals on SQLite and PostgreSQL: one commit each, events with it, rules in it."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from support.store_kit import NOON, FakeClock, check_log, message, open_store, recorded, rows
from telebank.settings import store_url
from telebank.staff.roles import first_people, last_of_founders
from telebank.store import approvals, enrolling, logins, people, tables
from telebank.store.engine import open_read_only
from telebank.store.store import Store
from telebank.store.transaction import Transaction
from telebank.store.unsettled import LISTED, history, unsettled
from transactions.approval import Actor, Approving, Proposal, Refusal, content_hash
from transactions.closing import ACT, Closed, Closing, NotClosed
from transactions.journal import JournalEvent
from transactions.lifecycle import UNSETTLED, State

OS = Actor("os:bank", "machine", "control")
CHEN = Actor("chen", "administrator", "control")
WU = Actor("wu", "supervisor", "control")
KNOCK = logins.Knock("chen", "digest", "control")
LOCK = timedelta(minutes=30)


async def add(store: Store, name: str, role: str) -> None:
    """One of the first two."""
    secrets = people.NewSecrets(f"hash of {name}", store.vault.seal_digits("SEED"))
    new = people.NewPerson(name, name.title(), role, secrets)
    job = partial(people.add_first, new=new, by=OS, rule=first_people)
    assert await store.journal.run(job) is None


async def founders(store: Store) -> None:
    await add(store, "chen", "administrator")
    await add(store, "wu", "supervisor")


def draft(reference: str, result: str = "posted", request_id: str = "p1") -> approvals.Draft:
    detail = {"result": result}
    return approvals.Draft(
        id=request_id,
        act=ACT,
        object=reference,
        detail=detail,
        content_hash=content_hash(ACT, reference, detail),
        note="seen",
        by=CHEN,
        lives=timedelta(hours=1),
    )


def closing(reference: str, result: str = "posted", by: Actor = WU) -> Closing:
    said = content_hash(ACT, reference, {"result": result})
    return Closing(reference, "posted", Approving(ACT, reference, said, by))


async def manual(store: Store) -> str:
    request = await recorded(store, "r1")
    await store.journal.sending(message("r1", "000001"))
    way = [State.UNKNOWN, State.REVERSING, State.MANUAL]
    await store.journal.advance("r1", way, why="silence")
    return request.reference


async def test_tries_are_counted_locked_and_forgotten(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await founders(store)
        begin = partial(logins.begin, knock=KNOCK, most=3, lock=LOCK)
        opened = [(await store.journal.run(begin)).open for _ in range(5)]
        assert opened == [True, True, True, False, False]
        clock.forward(LOCK.total_seconds() - 1)
        assert not (await store.journal.run(begin)).open
        clock.forward(1)
        assert (await store.journal.run(begin)).open
        row = rows(place, tables.staff)[0]
        assert (row.wrong, row.locked_until) == (1, None)
        end = partial(logins.end, knock=KNOCK, outcome="ok", step=70, hashed=row.password)
        assert await store.journal.run(end) == "ok"
        assert await store.journal.run(end) == "wrong_code"  # the step was taken
        changed = partial(logins.end, knock=KNOCK, outcome="ok", step=71, hashed="another")
        assert await store.journal.run(changed) == "wrong_code"
    assert rows(place, tables.staff)[0].wrong == 0


async def test_tries_at_once_count_one_each(place: Path) -> None:
    async with open_store(place) as store:
        await founders(store)
        begin = partial(logins.begin, knock=KNOCK, most=10, lock=LOCK)
        found = await asyncio.gather(*(store.journal.run(begin) for _ in range(25)))
        assert sum(one.open for one in found) == 10


async def test_a_name_that_nobody_has_is_counted_nowhere(place: Path) -> None:
    async with open_store(place) as store:
        await founders(store)
        knock = logins.Knock("a password typed too early", "d1", "control")
        begun = await store.journal.run(partial(logins.begin, knock=knock, most=3, lock=LOCK))
        assert (begun.person, begun.open) == (None, False)
        end = partial(logins.end, knock=knock, outcome="unknown", step=0, hashed="")
        assert await store.journal.run(end) == "unknown"
    events = rows(place, tables.event)
    assert "typed too early" not in repr(events)
    assert events[-1].detail == {"name_digest": "d1"}


async def test_a_row_is_closed_in_one_commit(place: Path) -> None:
    async with open_store(place) as store:
        await founders(store)
        reference = await manual(store)
        made = await store.journal.run(partial(approvals.propose, draft=draft(reference)))
        assert isinstance(made, Proposal)
        before = store.commits
        closed = await store.journal.close_row(closing(reference))
        assert store.commits == before + 1
        assert isinstance(closed, Closed)
        assert (closed.state, closed.holds) == (State.CLOSED_POSTED, 1)
    (row,) = rows(place, tables.request)
    (use,) = rows(place, tables.limit_use)
    (approval,) = rows(place, tables.approval)
    assert (row.state, use.state, approval.state) == ("CLOSED_POSTED", "used", "approved")
    assert (approval.decided_by, approval.decided_at) == ("wu", NOON)
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        check_log(connection)
    engine.dispose()


async def test_a_refused_closing_changes_nothing_but_the_log(place: Path) -> None:
    async with open_store(place) as store:
        await founders(store)
        reference = await manual(store)
        assert await store.journal.close_row(closing(reference)) == NotClosed(
            "no_proposal", State.MANUAL
        )
        await store.journal.run(partial(approvals.propose, draft=draft(reference)))
        refused: list[tuple[Closing, Refusal]] = [
            (closing(reference, "not_posted"), "different_content"),
            (closing(reference, by=CHEN), "same_person"),
            (closing(reference, by=Actor("sun", "supervisor", "")), "gone"),
        ]
        for said, why in refused:
            assert await store.journal.close_row(said) == NotClosed(why, State.MANUAL)
        nowhere = await store.journal.close_row(closing("999999999999"))
        assert nowhere == NotClosed("unknown_reference")
    assert rows(place, tables.request)[0].state == "MANUAL"
    assert rows(place, tables.limit_use)[0].state == "held"
    turned = [e for e in rows(place, tables.event) if e.kind == "approval.turned_away"]
    assert [(event.actor, event.outcome) for event in turned] == [
        ("wu", "no_proposal"),
        ("wu", "different_content"),
        ("chen", "same_person"),
        ("sun", "gone"),
        ("wu", "unknown_reference"),
    ]


async def test_a_commit_that_fails_leaves_the_proposal_and_the_row(place: Path) -> None:
    """What fails behind the approval undoes the approval too."""
    async with open_store(place) as store:
        await founders(store)
        reference = await manual(store)
        await store.journal.run(partial(approvals.propose, draft=draft(reference)))

        def half(part: Transaction) -> None:
            assert isinstance(approvals.approve(part, closing(reference).approving), Proposal)
            raise RuntimeError("a bug behind it")

        with pytest.raises(RuntimeError):
            await store.journal.run(half)
        assert rows(place, tables.approval)[0].state == "pending"
        assert isinstance(await store.journal.close_row(closing(reference)), Closed)


async def test_the_table_itself_wants_two_people(place: Path) -> None:
    async with open_store(place) as store:
        await founders(store)
        reference = await manual(store)
        await store.journal.run(partial(approvals.propose, draft=draft(reference)))
        pending = rows(place, tables.approval)[0]

        def alone(part: Transaction) -> None:
            row = pending._asdict() | {"id": "p2", "state": "approved", "decided_by": "chen"}
            part.execute(insert(tables.approval), row)
            part.event(JournalEvent("test"))

        with pytest.raises(IntegrityError):
            await store.journal.run(alone)


async def test_one_proposal_waits_for_an_object(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await founders(store)
        reference = await manual(store)
        first = await store.journal.run(partial(approvals.propose, draft=draft(reference)))
        assert first == await store.journal.run(partial(approvals.propose, draft=draft(reference)))
        other = draft(reference, request_id="p2")
        waiting = await store.journal.run(partial(approvals.propose, draft=other))
        assert isinstance(waiting, approvals.NotProposed)
        assert waiting.reason == "same_person"
        assert [one.id for one in await store.journal.run(approvals.newest)] == ["p1"]
        clock.forward(3_600)
        for state, ids in (("pending", []), ("expired", ["p1"]), ("", ["p1"])):
            found = await store.journal.run(partial(approvals.newest, state=state))
            assert [one.id for one in found] == ids
        anew = await store.journal.run(partial(approvals.propose, draft=other))
        assert isinstance(anew, Proposal)
    states = {row.id: row.state for row in rows(place, tables.approval)}
    assert states == {"p1": "expired", "p2": "pending"}


async def test_lapsed_proposals_are_in_nobodys_way(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(approvals, "MAX_PENDING", 3)
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await founders(store)

        async def propose(number: int) -> object:
            one = draft(f"ref{number}", request_id=f"p{number}")
            return await store.journal.run(partial(approvals.propose, draft=one))

        assert [type(await propose(number)) for number in range(3)] == [Proposal] * 3
        refused = await propose(3)
        assert isinstance(refused, approvals.NotProposed)
        assert refused.reason == "too_many"
        clock.forward(3_600)
        end = partial(approvals.refuse, approval_id="p0", by=WU, note="")
        assert await store.journal.run(end) is None
        assert {row.state for row in rows(place, tables.approval)} == {"expired"}
        assert isinstance(await propose(4), Proposal)
    said = rows(place, tables.event, tables.event.c.kind == "approval.expired")
    assert sorted(event.detail["approval"] for event in said) == ["p0", "p1", "p2"]


async def test_a_person_is_let_in_by_two_halves(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await founders(store)
        seed = store.vault.seal_digits("SEED")
        said = draft("li", request_id="p9")
        said = replace(said, act="staff.add", content_hash=content_hash("staff.add", "li", {}))
        assert isinstance(await store.journal.run(partial(approvals.propose, draft=said)), Proposal)
        approving = Approving("staff.add", "li", said.content_hash, WU)
        nothing = people.NewPerson("li", "Li", "teller", people.NewSecrets("", seed))
        invitation = enrolling.Invitation("b" * 64, seed, timedelta(hours=1))
        add_li = partial(enrolling.add, new=nothing, invitation=invitation, approving=approving)
        assert await store.journal.run(add_li) is None
        himself = Actor("li", "teller", "control")
        assert not await store.journal.run(partial(approvals.still_here, actor=himself))
        new = people.NewSecrets("hash of li", seed)

        async def enrol(*halves: str) -> str | None:
            who = enrolling.Enrolling("li", "digest", "control", halves)
            return await store.journal.run(partial(enrolling.enrol, who=who, new=new, most=9))

        assert await enrol("b" * 64, "b" * 64) == "wrong_code"
        assert await enrol("b" * 64, "") == "wrong_code"  # the other half was not given yet
        half = partial(enrolling.give_half, person_id="li", half="a" * 64, by=CHEN)
        assert await store.journal.run(half) is None
        assert await enrol("b" * 64, "a" * 64) is None
        assert await store.journal.run(partial(approvals.still_here, actor=himself))
        for who, names in (("chen", ["li"]), ("wu", ["li"]), ("li", [])):
            told = partial(enrolling.let_in, who=who, since=NOON - timedelta(days=7))
            assert [one.name for one in await store.journal.run(told)] == names
        person = await store.journal.run(partial(people.find, person_id="li"))
        assert person is not None
        assert (person.state, person.changed_at) == ("active", clock.read().utc)
        changed = partial(enrolling.change_password, by=himself, old="hash of li", hashed="new")
        assert await store.journal.run(changed)
        assert not await store.journal.run(changed)


async def test_the_last_administrator_stays(place: Path) -> None:
    async with open_store(place) as store:
        await founders(store)
        leave = partial(people.leave, person_id="wu", by=CHEN, rule=last_of_founders)
        assert await store.journal.run(leave) == "last_founder"
        himself = partial(people.leave, person_id="chen", by=CHEN, rule=last_of_founders)
        assert await store.journal.run(himself) == "himself"
    assert {row.state for row in rows(place, tables.staff)} == {"active"}


def test_every_row_without_an_end_is_listed() -> None:
    """What is being sent too: a killed node leaves it so, and may be away for long."""
    assert LISTED == UNSETTLED


async def test_what_is_open_is_read_with_its_history(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "r0")
        reference = await manual(store)
        late = JournalEvent("answer.late", request="r1", detail={"why": "Approved"})
        await store.journal.append(late)
        await store.journal.append(replace(late, kind="alarm.contradiction"))
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        sending, row = sorted(unsettled(connection), key=lambda one: one.request)
        assert sending.state is State.RECORDED
        assert (row.reference, row.state, row.why) == (reference, State.MANUAL, "silence")
        assert (row.payee_masked, row.amount, row.currency) == ("*三", 10_000, "CNY")
        found = history(connection, reference)
        assert found is not None
        assert [step.state for step in found.steps][-1] == "MANUAL"
        assert [(sent.mti, sent.stan) for sent in found.messages] == [("0200", "000001")]
        assert [(hold.limit, hold.state) for hold in found.holds] == [("transfer_daily", "held")]
        kinds = ("answer.late", "alarm.contradiction")
        assert [(note.kind, note.text) for note in found.notes] == [(k, "Approved") for k in kinds]
        assert history(connection, "999999999999") is None
    engine.dispose()


async def test_a_closed_rows_history_names_both_people_and_what_each_wrote(place: Path) -> None:
    async with open_store(place) as store:
        await founders(store)
        reference = await manual(store)
        await store.journal.run(partial(approvals.propose, draft=draft(reference)))
        mine = replace(closing(reference).approving, note="I looked too")
        closed = await store.journal.close_row(Closing(reference, "posted", mine))
        assert isinstance(closed, Closed)
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        found = history(connection, reference)
    engine.dispose()
    assert found is not None
    (one,) = found.people
    assert (one.result, one.state) == ("posted", "approved")
    assert (one.proposed_by, one.note) == ("chen", "seen")
    assert (one.decided_by, one.decider_note, one.decided_at) == ("wu", "I looked too", NOON)
