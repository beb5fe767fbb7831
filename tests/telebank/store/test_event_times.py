"""Events found by their time, by halves, and read by pages."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from support.audit_log import AuditLog
from support.store_kit import NOON, FakeClock, open_store
from telebank.settings import store_url
from telebank.store.audit_export import between
from telebank.store.clock import to_us
from telebank.store.engine import open_read_only
from telebank.store.eventlog import end_before
from telebank.store.seat_views import day_events
from transactions.journal import JournalEvent

COUNT = 25
SECOND = timedelta(seconds=1)


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    """Entry n was written n seconds after noon, of node 01."""
    asyncio.run(_write(tmp_path))
    return AuditLog(tmp_path)


async def _write(folder: Path, node: str = "01") -> None:
    clock = FakeClock()
    async with open_store(folder, node, clock, nodes=2) as store:
        for number in range(COUNT):
            clock.forward(1)
            kind = "key" if number % 2 else "call.started"
            await store.journal.append(JournalEvent(kind, call="c"))


def _span(log: AuditLog, since: int, until: int) -> tuple[int, int]:
    engine = open_read_only(store_url(log.folder))
    with engine.connect() as connection:
        found = between(connection, "01", NOON + since * SECOND, NOON + until * SECOND)
    engine.dispose()
    return found.first, found.last


@pytest.mark.parametrize(
    ("since", "until", "span"),
    [(5, 9, (5, 8)), (-9, 4, (1, 3)), (20, 99, (20, 25)), (1, 26, (1, 25)), (7, 7, (7, 6))],
)
def test_a_time_is_its_entries(
    log: AuditLog, since: int, until: int, span: tuple[int, int]
) -> None:
    assert _span(log, since, until) == span


def test_times_that_follow_each_other_leave_no_entry_out(log: AuditLog) -> None:
    spans = [_span(log, since, since + 4) for since in range(1, 29, 4)]
    numbers = [number for first, last in spans for number in range(first, last + 1)]
    assert numbers == list(range(1, COUNT + 1))


def test_entries_of_a_clock_that_stood_wrong_do_not_stretch_a_time(log: AuditLog) -> None:
    then = to_us(NOON + 20 * SECOND)
    log.sql(f"UPDATE event SET utc_us = {then} WHERE sequence IN (3, 5)")
    assert _span(log, 18, 22) == (18, 21)
    log.sql(f"UPDATE event SET utc_us = {to_us(NOON + 3 * SECOND)} WHERE sequence = 24")
    assert _span(log, 7, 11) == (7, 10)


def test_a_gap_in_the_log_is_no_end(log: AuditLog) -> None:
    log.sql("DELETE FROM event WHERE sequence BETWEEN 10 AND 14")
    engine = open_read_only(store_url(log.folder))
    with engine.connect() as connection:
        assert end_before(connection, "01", COUNT, NOON + 9 * SECOND) == 8
        assert end_before(connection, "01", COUNT, NOON + 16 * SECOND) == 15
    engine.dispose()


async def test_events_of_a_day_come_by_pages(tmp_path: Path) -> None:
    for node in ("01", "02"):
        await _write(tmp_path, node)
    since, kinds = NOON + 4 * SECOND, ["call.started"]
    engine = open_read_only(store_url(tmp_path))
    with engine.connect() as connection:
        pages = list(day_events(connection, since, kinds, {}, most=3))
        numbers = [[event.sequence for event in page] for page, _ in pages]
        assert numbers == [[5, 7, 9], [11, 13, 15], [17, 19, 21], [23, 25]] * 2
        for at, (_, cursor) in enumerate(pages):  # who stops here goes on from the cursor
            more = list(day_events(connection, since, kinds, cursor))
            left = [number for page in numbers[at + 1 :] for number in page]
            assert [event.sequence for page, _ in more for event in page] == left
    engine.dispose()
    assert pages[-1][1] == {"01": COUNT, "02": COUNT}
