"""What a node does for its audit log: checkpoints by count, time and at a stop, copies of them,
heartbeats, and alarms where the log, its keys or its copies are not as they should be."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.audit_log import AuditLog
from support.store_kit import FakeClock, open_store, rows
from telebank.commands.wiring.audit import AuditRoom
from telebank.settings import SettingsError, load_settings, store_url
from telebank.store import tables
from telebank.store.audit_keys import next_key
from telebank.store.audit_options import AuditOptions
from telebank.store.audit_tables import audit_key, checkpoint
from telebank.store.checkpoints import put_checkpoint
from telebank.store.clock import Clock, SystemClock
from telebank.store.signing import Signer
from telebank.store.store import Store
from transactions.journal import JournalEvent

SOON_S = 60.0
NEVER = 3_600.0
LOOK_S = 0.02


async def until(what: Callable[[], Any]) -> Any:
    """Wait until it is true; returns it."""
    async with asyncio.timeout(SOON_S):
        while not (found := await asyncio.to_thread(what)):
            await asyncio.sleep(LOOK_S)
    return found


@asynccontextmanager
async def room(folder: Path, clock: Clock | None = None, **options: Any) -> AsyncIterator[Store]:
    """A store whose log is followed."""
    said = {"every_s": NEVER, "heartbeat_s": NEVER, **options}
    async with open_store(folder, clock=clock or SystemClock(), nodes=2) as store:
        followed = AuditRoom(AuditOptions(**said), store, folder / "keys", LOOK_S)
        followed.start()
        try:
            yield store
        finally:
            await followed.close()


async def write(store: Store, count: int) -> None:
    for number in range(count):
        await store.journal.append(JournalEvent("key", call="c", detail={"number": number}))


def points(folder: Path) -> list[tuple[int, str]]:
    """Sizes and reasons of the checkpoints."""
    return [(row.size, row.reason) for row in rows(folder, checkpoint)]


def alarms(folder: Path) -> list[str]:
    """Why the alarms were raised."""
    found = rows(folder, tables.event, tables.event.c.kind.startswith("alarm."))
    return [row.detail["why"] for row in found]


async def test_checkpoints_by_count_and_at_a_stop(place: Path) -> None:
    async with room(place, entries=10) as store:
        await write(store, 10)
        assert await until(lambda: points(place)) == [(10, "entries")]
        await write(store, 3)
    assert points(place) == [(10, "entries"), (13, "stop")]
    async with room(place, entries=10):
        pass  # nothing is new
    assert points(place) == [(10, "entries"), (13, "stop")]
    async with room(place, entries=10) as store:
        await write(store, 10)
        await until(lambda: len(points(place)) == 3)
    assert points(place)[-1] == (23, "entries")


async def test_checkpoints_and_heartbeats_by_time(tmp_path: Path) -> None:
    async with room(tmp_path, every_s=1, heartbeat_s=1):
        await until(lambda: len(points(tmp_path)) > 1)
    assert {reason for _, reason in points(tmp_path)} <= {"time", "stop"}
    beats = rows(tmp_path, tables.event, tables.event.c.kind == "audit.heartbeat")
    assert beats[0].detail == {"checkpoint": 0}
    assert beats[-1].detail["checkpoint"] > 0


async def test_copies_are_made_and_verified(place: Path) -> None:
    log = AuditLog(place)
    log.anchors.mkdir()
    async with room(place, entries=5, anchors=(str(log.anchors),)) as store:
        await write(store, 5)
        await until(lambda: list(log.anchors.rglob("000000000005.checkpoint")))
        await write(store, 2)
    log.keep_keys()
    (one,) = log.verify()["logs"]
    assert (one["entries"], one["anchors"], one["last_good_anchor"]) == (7, 2, 7)
    assert not list(log.anchors.rglob(".*")), "nothing half written is left"


async def test_a_copy_that_is_late_is_one_alarm_and_is_made_later(tmp_path: Path) -> None:
    # A clock that stands months ago: whatever is not copied is late at once.
    log = AuditLog(tmp_path)
    async with room(tmp_path, FakeClock(), entries=2, anchors=(str(log.anchors),)) as store:
        await write(store, 2)
        (why,) = await until(lambda: alarms(tmp_path))
        assert "is it mounted?" in why
        await write(store, 4)
        await until(lambda: len(points(tmp_path)) > 1)
        assert not log.anchors.exists()
        log.anchors.mkdir()
        await until(lambda: list(log.anchors.rglob("*.checkpoint")))
    assert len(alarms(tmp_path)) == 1
    log.keep_keys()
    assert log.verify()["good"]


async def test_a_place_with_copies_of_another_log_is_an_alarm(tmp_path: Path) -> None:
    log = await AuditLog.make(tmp_path, (4,))
    kept = sorted(path.name for path in log.anchors.rglob("*") if path.is_file())
    for name in (*tmp_path.glob("telebank.db*"),):
        name.unlink()
    async with room(tmp_path, anchors=(str(log.anchors),)) as store:
        await write(store, 9)
        (why,) = await until(lambda: alarms(tmp_path))
    assert "not of this log" in why
    assert sorted(path.name for path in log.anchors.rglob("*") if path.is_file()) == kept


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("DELETE FROM leaf WHERE sequence > 2", "the log ends at"),
        ("UPDATE checkpoint SET peaks = zeroblob(32)", "was changed"),
    ],
)
async def test_a_log_that_was_changed_is_signed_no_more(
    tmp_path: Path, change: str, why: str
) -> None:
    log = await AuditLog.make(tmp_path, (4,))
    log.sql("DELETE FROM event WHERE sequence > 2" if "leaf" in change else "", change)
    async with room(tmp_path, every_s=1):
        (told,) = await until(lambda: alarms(tmp_path))
    assert why in told
    assert [size for size, _ in points(tmp_path)] == [4]


async def test_a_checkpoint_whose_commit_was_not_heard_of_is_no_fault(tmp_path: Path) -> None:
    log = await AuditLog.make(tmp_path, (4,))
    signer = Signer(store_url(tmp_path), "01", tmp_path / "keys")
    log.sql("CREATE TABLE kept AS SELECT * FROM checkpoint", "DELETE FROM checkpoint")
    signed = signer.sign()
    log.sql("INSERT INTO checkpoint SELECT * FROM kept", "DROP TABLE kept")
    assert signed is not None
    async with open_store(tmp_path, nodes=2) as store:
        put = partial(put_checkpoint, tree=signed.tree, note=signed.note, reason="time")
        await store.journal.run(put)
    signer.close()
    assert points(tmp_path) == [(4, "time")]
    assert log.verify()["good"]


async def test_a_leaf_that_is_gone_is_signed_no_more(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    await log.unsigned(4)
    log.sql("DELETE FROM leaf WHERE sequence = 3")
    async with room(tmp_path, every_s=1):
        (why,) = await until(lambda: alarms(tmp_path))
    assert why == "the leaf of entry 01-3 is gone"
    assert points(tmp_path) == []


async def test_the_next_key_signs_and_the_auditor_notices_nothing(place: Path) -> None:
    log = AuditLog(place)
    log.anchors.mkdir()
    async with room(place, entries=3, anchors=(str(log.anchors),)) as store:
        await write(store, 3)
        await until(lambda: points(place))
        log.keep_keys()
        next_key(place / "keys", "01")
        await write(store, 3)
        await until(lambda: len(points(place)) > 1)
    assert [row.number for row in rows(place, audit_key)] == [1, 2]
    (told,) = rows(place, tables.event, tables.event.c.kind == "audit.key")
    assert told.detail["public"] == rows(place, audit_key)[1].public
    (one,) = log.verify()["logs"]
    assert not one["faults"]
    assert one["last_good_anchor"] == one["last"]
    assert list(log.anchors.rglob("2.statement"))


async def test_another_key_in_its_place_signs_nothing(tmp_path: Path) -> None:
    await AuditLog.make(tmp_path, (4,))
    (tmp_path / "keys" / "audit01k1.key").unlink()
    async with room(tmp_path, every_s=1) as store:
        await write(store, 1)
        (why,) = await until(lambda: alarms(tmp_path))
    assert "is not the one of DATA/keys" in why


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"every_s": 0}, "audit.every_s is 0: give 1 to 3600"),
        ({"entries": 0}, "audit.entries is 0"),
        ({"heartbeat_s": 9_999}, "audit.heartbeat_s is 9999"),
        ({"anchor_late_s": 1}, "audit.anchor_late_s is 1"),
        ({"anchors": ["anchors"]}, "give whole paths"),
        ({"anchors": ["/a"] * 9}, "8 at most"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, table: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        load_settings(tmp_path, {"audit": table})
