"""What has had its time goes, file and row; what is held stays, and every run is told."""

import asyncio
import json
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from support.old_things import OldThings
from support.store_kit import NOON, check_log, money_plan, open_store, rows, transfer
from telebank.commands.wiring.retention import RetentionRoom
from telebank.retention import held
from telebank.retention.holds import Wanted, all_held, release
from telebank.retention.holds import place as place_hold
from telebank.retention.rules import RetentionError, Rules, load_rules
from telebank.retention.sweep import before, due
from telebank.settings import seed_dir, store_url
from telebank.store import tables
from telebank.store.engine import open_read_only
from telebank.store.fax_tables import fax_dial, fax_job
from telebank.store.matter_tables import matter, matter_entry
from telebank.store.retention_tables import legal_hold
from telebank.store.seat_tables import contact, recording
from telebank.store.store import Store
from transactions.approval import Actor

BEIJING = timezone(timedelta(hours=8))
RULES = Rules(hour=3, years=1, recordings=30, talks=60, matters=60, faxes=60, personal=400)
WU = Actor("wu", "supervisor", "socket")


async def sweep(store: Store, folder: Path, rules: Rules = RULES, days: float = 0) -> RetentionRoom:
    room = RetentionRoom(rules, folder, store, lambda: NOON + timedelta(days=days))
    assert room.begin("root")
    assert not room.begin("root"), "one at a time"
    async with asyncio.timeout(60):
        while room.busy:
            await asyncio.sleep(0.02)
    return room


def names(folder: Path, table: Any, column: Any) -> list[str]:
    return sorted(getattr(row, column.name) for row in rows(folder, table))


async def test_what_has_had_its_time_goes_and_nothing_else(place: Path) -> None:
    async with open_store(place) as store:
        old = OldThings(store, place, NOON)
        for name, days in (("new", 1), ("old", 90)):
            await old.talk(name, days)
            await old.matter(name, days)
            await old.fax(name, days)
        await old.talk("goes-on", 90, how_ended="")
        await old.matter("open", 90, state="open")
        await old.fax("waits", 90, state="queued")
        await old.fax("pages", 90, folder="there")
        files = [await old.recording("new", 1), await old.recording("old", 31)]
        await old.recording("running", 31, state="running")
        elsewhere = await old.recording("elsewhere", 31, node="02")
        room = await sweep(store, place)
    assert room.outcome == "ok"
    assert names(place, contact, contact.c.id) == ["goes-on", "new"]
    assert names(place, matter, matter.c.number) == ["new", "open"]
    assert names(place, matter_entry, matter_entry.c.matter) == ["new", "open"]
    assert names(place, fax_job, fax_job.c.id) == ["new", "pages", "waits"]
    assert names(place, fax_dial, fax_dial.c.job) == ["new", "pages", "waits"]
    kept = ["elsewhere.rec", "new.rec", "running.rec"]
    assert names(place, recording, recording.c.name) == kept
    assert [file.exists() for file in (*files, elsewhere)] == [True, False, True]
    (told,) = rows(place, tables.event)
    assert (told.kind, told.actor, told.outcome) == ("retention.run", "root", "ok")
    assert told.detail == {"recordings": 1, "talks": 1, "matters": 1, "faxes": 1, "personal": 0}


async def test_more_than_a_page_goes_in_several_commits(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        old = OldThings(store, tmp_path, NOON)
        for number in range(450):
            await old.talk(f"t{number}", 90)
        before_it = store.commits
        room = await sweep(store, tmp_path)
        assert store.commits - before_it >= 3
    assert (room.swept["talks"].found, room.swept["talks"].deleted) == (450, 450)
    assert rows(tmp_path, contact) == []


async def test_what_a_hold_names_is_never_deleted(place: Path) -> None:
    async with open_store(place) as store:
        old = OldThings(store, place, NOON)
        for name in ("mine", "other"):
            await old.talk(name, 90, customer=f"token-of-{name}")
            await old.matter(name, 90, customer=f"token-of-{name}", call="")
            await old.fax(name, 90, customer=f"token-of-{name}")
        file = await old.recording("mine", 90)
        wanted = Wanted("h-1", "customer", "token-of-mine", "case 7")
        assert await store.journal.run(lambda part: place_hold(part, wanted, WU)) == "ok"
        room = await sweep(store, place)
        assert names(place, contact, contact.c.id) == ["mine"]
        assert names(place, matter, matter.c.number) == ["mine"]
        assert names(place, fax_job, fax_job.c.id) == ["mine"]
        assert file.exists(), "of a call that he was in"
        assert {name: one.held for name, one in room.swept.items()} == {
            **dict.fromkeys(("recordings", "talks", "matters", "faxes"), 1),
            "personal": 0,
        }
        assert await store.journal.run(lambda part: release(part, "h-1", "closed", WU)) == "ok"
        assert await store.journal.run(lambda part: release(part, "h-1", "closed", WU)) == "unknown"
        await sweep(store, place)
    assert rows(place, contact) + rows(place, matter) + rows(place, fax_job) == []
    assert not file.exists()
    told = [(row.kind, row.actor) for row in rows(place, tables.event)]
    assert told == [
        ("retention.hold", "wu"),
        ("retention.run", "root"),
        ("retention.release", "wu"),
        ("retention.run", "root"),
    ]


async def test_a_reference_holds_its_customer_and_his_calls(place: Path) -> None:
    async with open_store(place) as store:
        old = OldThings(store, place, NOON)
        await store.journal.record(transfer("r7"), money_plan())
        await old.talk("his", 90, customer="token-of-payer")
        await old.talk("same-call", 90, call="01-000001")
        await old.talk("other", 90)
        nobody = Wanted("h-0", "reference", "019999999999", "x")
        assert await store.journal.run(lambda part: place_hold(part, nobody, WU)) == "unknown"
        wanted = Wanted("h-1", "reference", "010000000007", "x", date(2026, 4, 1))
        assert await store.journal.run(lambda part: place_hold(part, wanted, WU)) == "ok"
        await sweep(store, place)
    assert names(place, contact, contact.c.id) == ["his", "same-call"]
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        assert held(connection, "token-of-payer")
        assert held(connection, "token-of-payer", date(2026, 4, 1))
        assert not held(connection, "token-of-payer", date(2026, 4, 2))
        assert not held(connection, "token-of-other")
        assert all_held(connection, date(2026, 4, 2)).tokens == frozenset()
    engine.dispose()


async def test_personal_detail_of_the_log_goes_and_the_log_still_verifies(place: Path) -> None:
    async with open_store(place) as store:
        old = OldThings(store, place, NOON)
        await old.personal("c1")
        await old.personal("c2")
        wanted = Wanted("h-1", "customer", "token-of-c2", "case 7")
        await store.journal.run(lambda part: place_hold(part, wanted, WU))
        await sweep(store, place, days=399)
        assert [row.personal is None for row in rows(place, tables.event)][:2] == [False, False]
        await sweep(store, place, days=402)
    found = rows(place, tables.event)
    assert [(row.personal is None, row.salt is None) for row in found[:2]] == [
        (True, True),
        (False, False),
    ]
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        assert check_log(connection) == len(found)
    engine.dispose()


async def test_a_file_that_cannot_be_removed_keeps_its_row_and_is_told(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        path = await OldThings(store, tmp_path, NOON).recording("old", 90)
        path.unlink()
        path.mkdir()
        room = await sweep(store, tmp_path)
    assert (room.outcome, room.swept["recordings"].failed) == ("partly", 1)
    assert len(rows(tmp_path, recording)) == 1
    (told,) = rows(tmp_path, tables.event)
    assert (told.outcome, told.detail["recordings_failed"]) == ("partly", 1)


async def test_too_many_holds_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("telebank.retention.holds.MAX_HOLDS", 2)
    async with open_store(tmp_path) as store:
        said = [
            await store.journal.run(
                lambda part, n=n: place_hold(part, Wanted(f"h-{n}", "customer", "t", "x"), WU)
            )
            for n in range(3)
        ]
    assert said == ["ok", "ok", "too_many"]
    assert len(rows(tmp_path, legal_hold)) == 2


# -- the clock -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "now", "runs"),
    [
        ("2026-11-23T18:59:50", "2026-11-23T19:00:20", True),
        ("2026-11-23T19:00:20", "2026-11-23T19:00:50", False),
        ("2026-11-23T18:00:00", "2026-11-24T18:00:00", True),
        ("2024-02-28T18:59:50", "2024-02-28T19:00:20", True),
        ("2024-02-29T18:59:50", "2024-02-29T19:00:20", True),
        ("2026-11-23T19:00:20", "2026-11-23T18:59:00", False),
        ("2026-11-23T18:59:00", "2026-11-23T19:00:01", True),
    ],
)
def test_it_is_due_once_a_day_at_its_hour(last: str, now: str, *, runs: bool) -> None:
    def utc(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)

    assert due(utc(now), utc(last), 3, BEIJING) is runs


def test_a_day_goes_whole_and_29_february_is_a_day() -> None:
    noon = datetime(2024, 3, 1, 4, 0, tzinfo=UTC)
    assert before(noon, 1, BEIJING) == datetime(2024, 2, 29, tzinfo=BEIJING)
    assert before(noon, 366, BEIJING) == datetime(2023, 3, 1, tzinfo=BEIJING)
    late = datetime(2024, 2, 29, 17, 0, tzinfo=UTC)  # 1 March in Beijing
    assert before(late, 0, BEIJING) == datetime(2024, 3, 1, tzinfo=BEIJING)


# -- the file ------------------------------------------------------------------------------------


def test_the_shipped_rules_keep_what_belongs_to_the_audit_log() -> None:
    rules = load_rules(seed_dir() / "retention.yaml")
    assert rules.years >= 5
    assert rules.personal == 0
    assert set(rules.days()) <= {"recordings", "talks", "matters", "faxes"}


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"personal": 365}, "stays whole for 1 years"),
        ({"talks": -1}, "talks"),
        ({"journal": 10}, "journal"),
        ({"hour": 24}, "hour"),
        ({"years": 0}, "years"),
    ],
)
def test_rules_that_cannot_stand_name_the_file_and_why(
    tmp_path: Path, change: dict[str, int], word: str
) -> None:
    good = {"hour": 3, "years": 1, "recordings": 1, "talks": 1, "matters": 1, "faxes": 1}
    path = tmp_path / "retention.yaml"
    path.write_text(json.dumps({**good, "personal": 0, **change}))
    with pytest.raises(RetentionError, match=word) as told:
        load_rules(path)
    assert str(path) in str(told.value)
