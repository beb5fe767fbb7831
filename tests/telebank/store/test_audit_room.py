"""What a node does for its audit log: checkpoints by count, time and at a stop, copies of them,
heartbeats, and alarms where the log, its keys or its copies are not as they should be."""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.audit_log import AuditLog, sign
from support.store_kit import NOON, FakeClock, open_store, rows
from telebank.commands.wiring.audit import AuditRoom
from telebank.settings import SettingsError, load_settings, store_url
from telebank.store import tables
from telebank.store.anchoring import Anchoring
from telebank.store.audit_keys import next_key
from telebank.store.audit_options import AuditOptions
from telebank.store.audit_tables import audit_key, checkpoint
from telebank.store.checkpoints import put_checkpoint
from telebank.store.clock import Clock, SystemClock, to_us
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
async def room(
    folder: Path, clock: Clock | None = None, again_s: float = NEVER, **options: Any
) -> AsyncIterator[Store]:
    """A store whose log is followed."""
    said = {"every_s": NEVER, "heartbeat_s": NEVER, **options}
    async with open_store(folder, clock=clock or SystemClock(), nodes=2) as store:
        followed = AuditRoom(AuditOptions(**said), store, folder / "keys", LOOK_S, again_s)
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


@pytest.mark.sqlite_file
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


async def test_a_place_that_ends_with_a_slash_is_late_like_another(tmp_path: Path) -> None:
    place = f"{tmp_path / 'anchors'}/"
    async with room(tmp_path, FakeClock(), entries=2, anchors=(place,)) as store:
        await write(store, 2)
        (why,) = await until(lambda: alarms(tmp_path))
    assert "is it mounted?" in why


def hang(anchors: Path) -> Path:
    """Put a pipe where the newest copy lies: whoever opens it waits, as for a mount that hangs."""
    pipe = anchors / "telebank_node-01" / "2026-03-31" / "000000000001.checkpoint"
    pipe.parent.mkdir(parents=True)
    os.mkfifo(pipe)
    return pipe


async def let_go(pipe: Path) -> None:
    """Once somebody waits for it."""
    opened: list[int] = []

    def write() -> bool:
        with contextlib.suppress(OSError):
            opened.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
        return bool(opened)

    await until(write)
    os.close(opened[0])


async def test_a_place_that_hangs_from_the_start_is_late(tmp_path: Path) -> None:
    log = AuditLog(tmp_path)
    await log.unsigned(1)
    pipe = hang(log.anchors)
    options = AuditOptions(anchors=(str(log.anchors),), anchor_late_s=10)
    anchoring = Anchoring(options, store_url(tmp_path), "01")
    copying = threading.Thread(target=anchoring.copy, args=(str(log.anchors),), daemon=True)
    copying.start()
    assert anchoring.late(datetime.now(UTC), timedelta(seconds=9)) == {}
    late = anchoring.late(datetime.now(UTC), timedelta(seconds=10))
    assert list(late) == [str(log.anchors)]
    assert "has not answered since the start, 10 s ago" in late[str(log.anchors)]
    await let_go(pipe)
    await asyncio.to_thread(copying.join, SOON_S)
    assert not copying.is_alive()
    anchoring.close()


async def test_a_place_that_hangs_keeps_no_other_waiting(tmp_path: Path) -> None:
    log, slow = AuditLog(tmp_path), tmp_path / "slow"
    log.anchors.mkdir()
    pipe = hang(slow)
    async with room(tmp_path, entries=2, anchors=(str(slow), str(log.anchors))) as store:
        await write(store, 2)
        await until(lambda: list(log.anchors.rglob("*2.checkpoint")))
        await write(store, 2)
        await until(lambda: list(log.anchors.rglob("*4.checkpoint")))
        assert not list(slow.rglob("*.leaves"))
        await let_go(pipe)
        await until(lambda: alarms(tmp_path))  # it is no checkpoint
    log.keep_keys()
    assert log.verify()["good"]


async def test_a_copy_that_is_no_text_is_said(tmp_path: Path) -> None:
    log = await AuditLog.make(tmp_path, (4,))
    async with open_store(tmp_path, nodes=2) as store:
        await write(store, 2)
    anchoring = Anchoring(AuditOptions(anchors=(str(log.anchors),)), store_url(tmp_path), "01")
    anchoring.copy(str(log.anchors))  # finds where the copies end
    (before,) = log.anchors.rglob("*.checkpoint")
    before.with_name("000000000006.checkpoint").write_bytes(b"\xff\xfe")
    async with open_store(tmp_path, nodes=2) as store:
        await sign(store, Signer(store_url(tmp_path), "01", tmp_path / "keys"))
    anchoring.copy(str(log.anchors))
    late = anchoring.late(datetime.now(UTC), timedelta())
    anchoring.close()
    assert "is another checkpoint of this size" in late[str(log.anchors)]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("DELETE FROM leaf WHERE sequence > 2", "the log ends at"),
        ("UPDATE checkpoint SET peaks = {zeros}", "was changed"),
        ("DELETE FROM checkpoint", "its checkpoints are gone"),
    ],
)
async def test_a_log_that_was_changed_is_signed_no_more(
    tmp_path: Path, change: str, why: str
) -> None:
    log = await AuditLog.make(tmp_path, (4,))
    change = change.format(zeros=log.zeros())
    log.sql("DELETE FROM event WHERE sequence > 2" if "leaf" in change else "", change)
    async with room(tmp_path, every_s=1):
        (told,) = await until(lambda: alarms(tmp_path))
    assert why in told
    assert [size for size, _ in points(tmp_path)] == ([] if "DELETE FROM c" in change else [4])


async def test_a_checkpoint_that_another_key_signed_is_not_built_on(tmp_path: Path) -> None:
    log = await AuditLog.make(tmp_path, (4,))
    log.sql("UPDATE event SET actor = 'nobody' WHERE sequence = 2")
    log.rehash()
    own = (tmp_path / "keys" / "audit01k1.key").read_bytes()
    (tmp_path / "keys" / "audit01k1.key").unlink()
    log.resign()  # with a key that is made for it
    (tmp_path / "keys" / "audit01k1.key").write_bytes(own)
    async with room(tmp_path, every_s=1) as store:
        await write(store, 1)
        (why,) = await until(lambda: alarms(tmp_path))
    assert "it is not signed by a trusted key" in why
    assert [size for size, _ in points(tmp_path)] == [4]


@pytest.mark.sqlite_file
async def test_what_nobody_foresaw_is_an_alarm_and_begun_anew(tmp_path: Path) -> None:
    log = await AuditLog.make(tmp_path, (4,))
    log.sql("UPDATE checkpoint SET at = 'no time'")
    async with room(tmp_path, again_s=LOOK_S, every_s=1) as store:
        await write(store, 1)
        (why,) = await until(lambda: alarms(tmp_path))
        log.sql(f"UPDATE checkpoint SET at = {to_us(NOON)}")
        await until(lambda: len(points(tmp_path)) > 1)
    assert why.startswith("following ended with TypeError")
    assert len(alarms(tmp_path)) == 1


async def test_a_checkpoint_whose_commit_was_not_heard_of_is_no_fault(tmp_path: Path) -> None:
    log = await AuditLog.make(tmp_path, (4,))
    await log.unsigned(2)
    next_key(tmp_path / "keys", "01")
    signer = Signer(store_url(tmp_path), "01", tmp_path / "keys")
    signed = signer.sign()
    assert signed is not None
    async with open_store(tmp_path, nodes=2) as store:
        put = partial(put_checkpoint, tree=signed.tree, note=signed.note, reason="time")
        for _ in range(2):
            await store.journal.run(partial(put, key=signed.key))
    signer.close()
    assert points(tmp_path) == [(4, "time"), (6, "time")]
    assert len(rows(tmp_path, tables.event, tables.event.c.kind == "audit.key")) == 1
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
        ({"anchors": ["/a", "/a/"]}, "one directory twice"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, table: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        load_settings(tmp_path, {"audit": table})
