"""Notifications: which events they are, in order, none lost, and net-snmp's snmptrapd gets them."""

import json
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support import net_snmp
from support.store_kit import open_store
from telebank.ops.metrics_store import events_of, last_sequence
from telebank.ops.snmp.agent import know_people, start_engine
from telebank.ops.snmp.identity import next_start
from telebank.ops.snmp.notices import KINDS, Notice, Told, told_of
from telebank.ops.snmp.options import SnmpOptions, read_secrets
from telebank.ops.snmp.sinks import Cursors, Log, Sender, Sink
from telebank.store.engine import open_read_only
from telebank.store.eventlog import LoggedEvent
from transactions.journal import JournalEvent

AT = datetime(2026, 11, 23, 18, 30, tzinfo=UTC)


def event(sequence: int, kind: str, outcome: str = "", **detail: object) -> LoggedEvent:
    request = detail.pop("request", None)
    return LoggedEvent(
        *("01", sequence, AT, 0, "boot", kind, None, None),
        *(request, "system", "system", "", outcome, detail),
    )


@pytest.mark.parametrize(
    ("seen", "notice", "subject"),
    [
        (event(1, "host.link", "down", link="a1"), Notice.HOST_LINK_DOWN, "a1"),
        (event(1, "host.link", "up", link="a1"), Notice.HOST_LINK_UP, "a1"),
        (event(1, "alarm.manual", request="r-7", why="x"), Notice.UNKNOWN_OUTCOME, "r-7"),
        (event(1, "trunk.down", trunk="east", peer="p", left=0), Notice.TRUNK_BLOCKED, "east"),
        (event(1, "trunk.up", trunk="east", peer="p", left=1), Notice.TRUNK_CLEARED, "east"),
        (event(1, "alarm.fax", "failed", fax="f-9"), Notice.FAX_FAILED, "f-9"),
        (event(1, "alarm.threshold", alarm="disk_low"), Notice.DISK_LOW, "disk_low"),
        (event(1, "alarm.disk", "low", what="no room"), Notice.DISK_LOW, "no room"),
        (event(1, "alarm.threshold", alarm="clock_step"), Notice.CLOCK_STEPPED, "clock_step"),
        (event(1, "alarm.threshold", alarm="waits"), Notice.ALARM_RAISED, "waits"),
        (event(1, "alarm.anchor", place="/mnt/a"), Notice.AUDIT_ANCHOR_LATE, "/mnt/a"),
        (event(1, "alarm.over", alarm="disk_low"), Notice.ALARM_CLEARED, "disk_low"),
        (event(1, "alarm.release", "restart"), Notice.ALARM_RAISED, ""),
    ],
)
def test_each_event_is_its_notification(seen: LoggedEvent, notice: Notice, subject: str) -> None:
    told = told_of(seen)
    assert (told.notice, told.subject, told.sequence) == (notice, subject, 1)


def test_numbers_of_cards_are_masked() -> None:
    told = told_of(event(1, "alarm", what="late", text="card 6227000000000012 of x"))
    assert "6227000000000012" not in told.text
    assert "622700******0012" in told.text


class Manager:
    """Takes notifications, or does not."""

    def __init__(self) -> None:
        self.got: list[int] = []
        self.well = True

    async def take(self, told: Told) -> bool:
        if self.well:
            self.got.append(told.sequence)
        return self.well


class Events:
    """A node's log."""

    def __init__(self) -> None:
        self.all: list[LoggedEvent] = []
        self.read: list[tuple[int, int]] = []
        self.well = True

    def last(self) -> int:
        if not self.well:
            raise OSError("the store is away")
        return self.all[-1].sequence if self.all else 0

    def between(self, after: int, last: int, most: int) -> Sequence[LoggedEvent]:
        self.read.append((after, last))
        told = [one for one in self.all if one.kind == "host.link"]
        return [one for one in told if after < one.sequence <= last][-most:]

    def add(self, *sequences: int, kind: str = "host.link") -> None:
        self.all += [event(one, kind, "down", link="a") for one in sequences]


def sink(manager: Manager, events: Events, file: Path, backlog: int = 1_000) -> Sink:
    options = SnmpOptions(
        *("127.0.0.1:0", "noc", "a", "p", ""), sinks=("192.0.2.9:162",), backlog=backlog
    )
    log = Log(events.last, events.between)
    return Sink("192.0.2.9:162", manager.take, log, Cursors(file), options)


async def test_a_new_manager_hears_what_comes_from_now_on(tmp_path: Path) -> None:
    manager, events = Manager(), Events()
    events.add(1, 2, 3)
    one = sink(manager, events, tmp_path / "cursors")
    assert await one.turn()
    events.add(4, 9)
    assert await one.turn()
    assert manager.got == [4, 9]


async def test_nothing_is_lost_while_the_manager_the_watcher_or_the_store_is_away(
    tmp_path: Path,
) -> None:
    manager, events, file = Manager(), Events(), tmp_path / "cursors"
    one = sink(manager, events, file)
    assert await one.turn()
    events.add(1, 2)
    assert await one.turn()
    manager.well = False
    events.add(3, 4)
    assert not await one.turn()
    again = sink(manager, events, file)
    events.add(5)
    manager.well, events.well = True, False
    assert not await again.turn()
    events.well = True
    assert await again.turn()
    assert await again.turn()
    assert manager.got == [1, 2, 3, 4, 5]


async def test_a_backlog_has_an_end_and_keeps_the_newest(tmp_path: Path) -> None:
    manager, events = Manager(), Events()
    one = sink(manager, events, tmp_path / "cursors", backlog=3)
    await one.turn()
    events.add(*range(1, 11))
    assert await one.turn()
    assert manager.got == [8, 9, 10]


async def test_a_store_that_was_put_back_is_followed_from_its_end(tmp_path: Path) -> None:
    manager, events = Manager(), Events()
    Cursors(tmp_path / "cursors").put("192.0.2.9:162", 500)
    events.add(1, 2)
    one = sink(manager, events, tmp_path / "cursors")
    await one.turn()
    events.add(3)
    await one.turn()
    assert manager.got == [3]


async def test_a_cursor_that_cannot_be_kept_holds_in_this_run(tmp_path: Path) -> None:
    manager, events = Manager(), Events()
    one = sink(manager, events, tmp_path / "no folder" / "cursors")
    for number in (1, 2, 3):
        assert await one.turn()
        events.add(number)
    assert await one.turn()
    assert manager.got == [1, 2, 3]


async def test_what_is_no_notification_is_read_once(tmp_path: Path) -> None:
    manager, events, file = Manager(), Events(), tmp_path / "cursors"
    one = sink(manager, events, file)
    await one.turn()
    events.add(1, 2, 3, kind="call.ended")
    assert await one.turn()
    assert await one.turn()
    assert events.read == [(0, 3)]
    assert json.loads(file.read_text()) == {"192.0.2.9:162": 3}
    events.add(4)
    events.add(5, kind="call.ended")
    assert await sink(manager, events, file).turn()
    assert (manager.got, events.read[1:]) == ([4], [(3, 5)])


async def test_what_comes_during_a_reading_is_read_next(tmp_path: Path) -> None:
    manager, events = Manager(), Events()
    one = sink(manager, events, tmp_path / "cursors")
    await one.turn()
    events.add(1, kind="call.ended")
    between = events.between

    def slow(after: int, last: int, most: int) -> Sequence[LoggedEvent]:
        found = between(after, last, most)
        events.add(2)
        return found

    one._log = Log(events.last, slow)
    assert await one.turn()
    one._log = Log(events.last, between)
    assert await one.turn()
    assert manager.got == [2]


async def test_a_store_is_read_up_to_the_last_that_was_asked_for(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        for kind in ("call.ended", "alarm", "host.link", "trunk.up"):
            await store.journal.append(JournalEvent(kind))
        reader = open_read_only(store.url)
        with reader.connect() as connection:
            last = last_sequence(connection, store.node)
            found = events_of(connection, store.node, (last - 3, last - 1), KINDS, 9)
            none = events_of(connection, store.node, (last, last), KINDS, 9)
        reader.dispose()
    assert [one.kind for one in found] == ["alarm", "host.link"]
    assert not none


async def test_cursors_are_written_by_one_thread(tmp_path: Path) -> None:
    wrote = set()

    class Watched(Cursors):
        def put(self, sink: str, sequence: int) -> None:
            wrote.add(threading.get_ident())
            super().put(sink, sequence)

    manager, events = Manager(), Events()
    one = sink(manager, events, tmp_path / "cursors")
    one._cursors = Watched(tmp_path / "cursors")
    events.add(1)
    assert await one.turn()
    events.add(2)
    assert await one.turn()
    assert wrote == {threading.get_ident()}


async def test_what_no_log_has_is_not_lost_while_others_come(tmp_path: Path) -> None:
    """Where all places are taken, during a sending, and the sending fails."""
    got: list[str] = []
    well = [True, False, True, True, True, True]

    async def send(told: Told) -> bool:
        if not got:
            one.beside.append(of("c"))  # the oldest is on its way: b and c wait
        if well.pop(0):
            got.append(told.subject)
            return True
        return False

    def of(subject: str) -> Told:
        return Told(Notice.DISK_LOW, "01", 0, AT, subject, "no room")

    one = sink(Manager(), Events(), tmp_path / "cursors", backlog=2)
    one._send = send
    one.beside.append(of("a"))
    one.beside.append(of("b"))
    assert not await one.turn()
    assert got == ["a"]
    assert await one.turn()
    assert got == ["a", "b", "c"]
    for subject in "xyz":
        one.beside.append(of(subject))
    assert await one.turn()
    assert got[3:] == ["y", "z"]


async def test_what_no_log_has_comes_first(tmp_path: Path) -> None:
    manager, events = Manager(), Events()
    one = sink(manager, events, tmp_path / "cursors")
    await one.turn()
    events.add(1)
    one.beside.append(Told(Notice.DISK_LOW, "01", 0, AT, "disk_low", "no room"))
    assert await one.turn()
    assert manager.got == [0, 1]


@pytest.mark.parametrize(
    ("version", "notify"), [("3", "inform"), ("3", "trap"), ("2c", "inform"), ("2c", "trap")]
)
async def test_snmptrapd_gets_it(tmp_path: Path, version: str, notify: str) -> None:
    port, identity = net_snmp.free_udp_port(), next_start(tmp_path / "engine.json")
    options = SnmpOptions(
        listen="127.0.0.1:0",
        sinks=(f"127.0.0.1:{port}",),
        version=version,  # type: ignore[arg-type]
        notify=notify,  # type: ignore[arg-type]
        retry_s=10,
        **net_snmp.keys_into(tmp_path / "keys"),  # type: ignore[arg-type]
    )
    engine = start_engine(identity)
    secrets = read_secrets(options, tmp_path / "keys")
    know_people(engine, options, secrets)
    sender = Sender(engine, options, secrets, lambda: 12.34)
    sender.open()
    # a trap's receiver must know the sender's engine (RFC 3414 section 3.1)
    user = f"createUser -e 0x{identity.engine.hex()} noc SHA-256 {net_snmp.AUTH} AES "
    known = [user + net_snmp.PRIVACY] if version == "3" else []
    async with net_snmp.snmptrapd(tmp_path / "trapd", port, known) as trapd:
        seen = event(77, "host.link", "down", link="a1")
        assert await sender.send(0, told_of(seen))
        line = await trapd.until("tbHostLinkDown", "a1")
    assert "tbEventSequence.0 = Counter64: 77" in line
    assert "tbEventTime.0 = STRING: 2026-11-23T18:30:00Z" in line
    engine.close_dispatcher()


async def test_an_inform_that_nobody_takes_is_not_sent(tmp_path: Path) -> None:
    options = SnmpOptions(
        sinks=(f"127.0.0.1:{net_snmp.free_udp_port()}",),
        retry_s=0.5,
        **net_snmp.keys_into(tmp_path / "keys"),  # type: ignore[arg-type]
    )
    engine = start_engine(next_start(tmp_path / "engine.json"))
    secrets = read_secrets(options, tmp_path / "keys")
    know_people(engine, options, secrets)
    sender = Sender(engine, options, secrets, lambda: 1.0)
    sender.open()
    assert not await sender.send(0, told_of(event(1, "alarm.manual")))
    engine.close_dispatcher()
