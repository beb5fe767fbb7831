"""Releases that people publish: two of them, in one commit with the event; one step back by one of
them; a start that differs changes nothing any more. On SQLite and PostgreSQL."""

from collections.abc import Mapping
from datetime import timedelta
from functools import partial
from pathlib import Path

from support.store_kit import FakeClock, check_log, money_plan, open_store, rows, transfer
from telebank.flow.release import hash_of
from telebank.settings import store_url
from telebank.staff.roles import first_people
from telebank.store import approvals, people, releases, tables
from telebank.store.engine import open_read_only
from telebank.store.releases import ACT, ALONE, MAX_UNPUBLISHED, Published
from telebank.store.store import Store
from transactions.approval import Actor, Approving, Proposal, content_hash
from transactions.journal import Recorded
from transactions.lifecycle import State

CHEN = Actor("chen", "administrator", "control")
WU = Actor("wu", "supervisor", "control")
ONE = {"services.yaml": b"one\n", "flows/main.yaml": b"menu\n"}
TWO = {"services.yaml": b"two\n", "recordings/zh/a-0.flac": b"\xff"}
THREE = {"services.yaml": b"three\n"}


async def staff(store: Store) -> None:
    for name, role in (("chen", "administrator"), ("wu", "supervisor")):
        secrets = people.NewSecrets("hash", store.vault.seal_digits("SEED"))
        new = people.NewPerson(name, name, role, secrets)
        job = partial(people.add_first, new=new, by=WU, rule=first_people)
        assert await store.journal.run(job) is None


async def propose(
    store: Store, files: Mapping[str, bytes], before: Mapping[str, bytes], by: Actor = CHEN
) -> Proposal | approvals.NotProposed:
    of, detail = hash_of(files), {"before": hash_of(before)}
    draft = approvals.Draft(
        id=f"propose-{of[:8]}-{hash_of(before)[:8]}",
        act=ACT,
        object=of,
        detail=detail,
        content_hash=content_hash(ACT, of, detail),
        note="gas",
        by=by,
        lives=timedelta(hours=1),
    )
    check = partial(releases.propose, files=files, detail=detail, by=by, note="gas")
    return await store.journal.run(partial(approvals.propose, draft=draft, check=check))


def approving(files: Mapping[str, bytes], before: Mapping[str, bytes], by: Actor = WU) -> Approving:
    of = hash_of(files)
    return Approving(ACT, of, content_hash(ACT, of, {"before": hash_of(before)}), by, "read")


async def test_two_people_publish_in_one_commit(place: Path) -> None:
    async with open_store(place) as store:
        await staff(store)
        await store.releases.begin(ONE)
        assert isinstance(await propose(store, TWO, ONE), Proposal)
        now = await store.releases.current()
        assert now is not None
        assert now.hash == hash_of(ONE)
        assert await store.releases.files(hash_of(TWO)) == TWO
        assert await store.releases.publish(approving(TWO, ONE, CHEN)) == "same_person"
        assert await store.releases.publish(approving(TWO, THREE)) == "different_content"
        done = await store.releases.publish(approving(TWO, ONE))
        assert isinstance(done, Published)
        assert (done.number, done.hash, done.by) == (2, hash_of(TWO), "wu")
        assert await store.releases.current() == done
        assert await store.releases.publish(approving(TWO, ONE)) == "no_proposal"
    said = rows(place, tables.event, tables.event.c.kind == "release.published")[-1]
    assert (said.actor, said.role, said.detail["proposed_by"]) == ("wu", "supervisor", "chen")
    assert said.detail["number"] == 2
    assert "services.yaml changed" in said.detail["changed"]
    published = rows(place, tables.publication)[-1]
    assert rows(place, tables.approval, tables.approval.c.id == published.approval)[0].state == (
        "approved"
    )
    with open_read_only(store_url(place)).connect() as connection:
        check_log(connection)


async def test_a_proposal_is_of_what_was_in_force_when_it_was_made(place: Path) -> None:
    async with open_store(place) as store:
        await staff(store)
        await store.releases.begin(ONE)
        again = await propose(store, ONE, ONE)
        assert isinstance(again, approvals.NotProposed)
        assert again.reason == "in_force"
        late = await propose(store, TWO, THREE)
        assert isinstance(late, approvals.NotProposed)
        assert late.reason == "moved_on"
        assert await store.releases.files(hash_of(TWO)) == {}
        for files in (TWO, THREE):
            assert isinstance(await propose(store, files, ONE), Proposal)
        assert isinstance(await store.releases.publish(approving(TWO, ONE)), Published)
        assert await store.releases.publish(approving(THREE, ONE)) == "moved_on"
        now = await store.releases.current()
        assert now is not None
        assert now.hash == hash_of(TWO)
    turned = rows(place, tables.event, tables.event.c.kind == "approval.turned_away")
    assert [event.outcome for event in turned] == ["in_force", "moved_on", "moved_on"]


async def published(store: Store, files: Mapping[str, bytes], before: Mapping[str, bytes]) -> None:
    assert isinstance(await propose(store, files, before), Proposal)
    assert isinstance(await store.releases.publish(approving(files, before)), Published)


async def test_one_step_back_is_one_persons_with_an_alarm(place: Path) -> None:
    async with open_store(place) as store:
        await staff(store)
        await store.releases.begin(ONE)
        assert await store.releases.roll_back(WU, "", "") == "first"
        await published(store, TWO, ONE)
        await published(store, THREE, TWO)
        gone = Actor("wu", "it", "control")
        assert await store.releases.roll_back(gone, "", "") == "gone"
        back = await store.releases.roll_back(WU, "", "callers hear nothing")
        assert isinstance(back, Published)
        assert (back.number, back.hash, back.by) == (4, hash_of(TWO), "wu")
        assert await store.releases.roll_back(WU, hash_of(TWO), "") == "in_force"
    alarms = rows(place, tables.event, tables.event.c.kind == "alarm.release")
    said = [(event.detail["release"], event.detail["note"]) for event in alarms]
    assert said == [(hash_of(TWO), "callers hear nothing")]
    backs = rows(place, tables.event, tables.event.c.kind == "release.rolled_back")
    assert {(event.actor, event.role) for event in backs} == {("wu", "supervisor")}
    with open_read_only(store_url(place)).connect() as connection:
        check_log(connection)


async def test_any_other_release_takes_two_people_though_it_was_in_force(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await staff(store)
        await store.releases.begin(ONE)
        await published(store, TWO, ONE)
        await published(store, THREE, TWO)
        for old in (ONE, {"services.yaml": b"never\n"}):
            assert await store.releases.roll_back(WU, hash_of(old), "") == "too_far"
        clock.forward(ALONE.total_seconds() + 1)
        for to in ("", hash_of(TWO)):
            assert await store.releases.roll_back(WU, to, "") == "too_late"
        await published(store, ONE, THREE)
        clock.forward(ALONE.total_seconds())
        back = await store.releases.roll_back(WU, hash_of(THREE), "just in time")
        assert isinstance(back, Published)
        for to in ("", hash_of(ONE)):
            assert await store.releases.roll_back(WU, to, "and on") == "too_far"
    turned = rows(place, tables.event, tables.event.c.kind == "approval.turned_away")
    assert [event.outcome for event in turned] == [
        *("too_far", "too_far", "too_late", "too_late", "too_far", "too_far")
    ]


async def test_what_a_start_published_is_no_one_persons_to_take_back(place: Path) -> None:
    async with open_store(place) as store:
        await staff(store)
        await store.releases.begin(ONE)
        await store.releases.begin(TWO)
        for to in ("", hash_of(ONE)):
            assert await store.releases.roll_back(WU, to, "") == "too_far"


async def test_a_start_changes_nothing_after_people_published(place: Path) -> None:
    async with open_store(place) as store:
        await staff(store)
        await store.releases.begin(ONE)
        await propose(store, TWO, ONE)
        done = await store.releases.publish(approving(TWO, ONE))
        assert await store.releases.begin(TWO) == done
        assert await store.releases.begin(ONE) == done
    assert len(rows(place, tables.publication)) == 2
    alarms = rows(place, tables.event, tables.event.c.kind == "alarm.release")
    assert [(event.outcome, event.detail["folder"]) for event in alarms] == [
        ("not_taken", hash_of(ONE))
    ]


async def test_what_was_refused_long_ago_is_dropped(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        await staff(store)
        await store.releases.begin(ONE)
        for number in range(MAX_UNPUBLISHED + 3):
            clock.forward(1)
            files = {"services.yaml": f"try {number}\n".encode()}
            made = await propose(store, files, ONE)
            assert isinstance(made, Proposal)
            ended = partial(approvals.refuse, approval_id=made.id, by=WU, note="no")
            assert await store.journal.run(ended) is not None
    kept = rows(place, tables.release)
    assert len(kept) == MAX_UNPUBLISHED + 2
    assert hash_of(ONE) in {row.hash for row in kept}
    assert len(rows(place, tables.release_file)) == MAX_UNPUBLISHED + 3


async def test_releases_of_open_rows_are_known(place: Path) -> None:
    async with open_store(place, nodes=2) as store, open_store(place, "02", nodes=2) as other:
        assert await store.releases.used() == frozenset()
        for name, release in (("r1", "f00d"), ("r2", "beef"), ("r3", "cafe")):
            assert isinstance(
                await store.journal.record(
                    transfer(name, release=release), money_plan(guarded=False)
                ),
                Recorded,
            )
        await store.journal.advance("r2", [State.NOT_SENT])
        assert await store.releases.used() == {"f00d", "cafe"}
        assert await other.releases.used() == frozenset()
