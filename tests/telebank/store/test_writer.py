"""The single writer: many jobs a commit, one job's refusal is its own, a failing disk is said."""

import asyncio
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from support import store_crash
from support.store_kit import (
    DAY,
    check_log,
    message,
    money_plan,
    open_store,
    recorded,
    rows,
    transfer,
)
from telebank.audit.canonical import CanonicalError
from telebank.settings import store_url
from telebank.store import lease, tables
from telebank.store.engine import open_read_only
from telebank.store.errors import StoreUnavailable
from telebank.store.events import CUT, MAX_DETAIL, MAX_DETAIL_TEXT
from telebank.store.holder import this_process
from telebank.store.store import Store
from telebank.store.transaction import Transaction
from transactions.journal import JournalEvent, Recorded, RecordRefused
from transactions.lifecycle import IllegalTransition, State
from transactions.ports import JournalUnavailable, LeaseLost


async def test_fifty_at_once_share_commits(place: Path) -> None:
    async with open_store(place) as store:
        await store.journal.next_stan()
        await recorded(store, "first")
        before = store.commits
        await asyncio.gather(*(recorded(store, f"r{n}") for n in range(50)))
        assert store.commits - before < 10
    assert len(rows(place, tables.request)) == 51


async def test_fifty_at_once_keep_within_a_limit(place: Path) -> None:
    async with open_store(place) as store:
        plan = money_plan(guarded=False, ceiling="700.00")
        results = await asyncio.gather(
            *(store.journal.record(transfer(f"r{n}"), plan) for n in range(50))
        )
    assert sum(isinstance(result, Recorded) for result in results) == 7
    assert results.count(RecordRefused("over_limit")) == 43


async def test_thirty_guesses_at_once_get_three_tries(place: Path) -> None:
    async with open_store(place) as store:
        tries = (store.journal.count_attempt("pin:token", 3, DAY) for _ in range(30))
        assert sorted(await asyncio.gather(*tries)) == [0] * 27 + [1, 2, 3]


async def test_of_twins_at_once_one_is_taken(place: Path) -> None:
    async with open_store(place) as store:
        results = await asyncio.gather(
            *(store.journal.record(transfer(f"r{n}"), money_plan()) for n in range(20))
        )
    assert sum(isinstance(result, Recorded) for result in results) == 1
    assert results.count(RecordRefused("pending")) == 19


async def test_one_refusal_in_a_commit_undoes_no_other(place: Path) -> None:
    async with open_store(place) as store:
        for name in ("r1", "r2", "r3"):
            await recorded(store, name)
        before = store.commits
        results = await asyncio.gather(
            store.journal.advance("r1", [State.NOT_SENT]),
            store.journal.advance("r2", [State.SENT, State.CLOSED_POSTED]),
            store.journal.advance("nobody", [State.SENT]),
            store.journal.advance("r3", [State.NOT_SENT]),
            return_exceptions=True,
        )
        assert store.commits - before <= 2
    assert results[0] is None
    assert isinstance(results[1], IllegalTransition)
    assert isinstance(results[2], LookupError)
    assert results[3] is None
    states = {row.id: row.state for row in rows(place, tables.request)}
    assert states == {"r1": "NOT_SENT", "r2": "RECORDED", "r3": "NOT_SENT"}
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        assert check_log(connection) == 5
    engine.dispose()


async def test_a_full_queue_makes_callers_wait(place: Path) -> None:
    async with open_store(place, queue_jobs=4, batch_jobs=2) as store:
        await asyncio.gather(*(recorded(store, f"r{n}") for n in range(40)))
    assert len(rows(place, tables.request)) == 40


async def test_events_asked_for_at_once_keep_their_order(place: Path) -> None:
    async with open_store(place, batch_jobs=7) as store:
        keys = (JournalEvent("key", call="c", detail={"digit": str(n)}) for n in range(50))
        await asyncio.gather(*(store.journal.append(key) for key in keys))
    digits = [row.detail["digit"] for row in rows(place, tables.event)]
    assert digits == [str(n) for n in range(50)]


async def test_a_job_abandoned_by_its_caller_is_still_written(place: Path) -> None:
    async with open_store(place) as store:
        await store.journal.next_stan()
        task = asyncio.create_task(store.journal.append(JournalEvent("call.started", call="c")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await recorded(store, "r1")
    kinds = [row.kind for row in rows(place, tables.event)]
    assert kinds == ["call.started", "request.state"]


async def _record_until_refused(store: Store, done: set[str]) -> None:
    for n in range(2_000):
        await recorded(store, f"r{n}")
        done.add(f"r{n}")


@pytest.mark.sqlite_file
async def test_a_full_disk_is_said_and_the_rest_stays_whole(tmp_path: Path) -> None:
    # The file and its largest size; a full server is in test_postgresql.
    async with open_store(tmp_path, max_bytes=400_000) as store:
        done: set[str] = set()
        with pytest.raises(JournalUnavailable, match="full"):
            await _record_until_refused(store, done)
        for n in range(5):
            with pytest.raises(JournalUnavailable, match="full"):
                await recorded(store, f"again{n}")
        assert await store.journal.hot_listed("nobody") is False
        assert len(await store.journal.open_rows()) == len(done)
    assert {row.id for row in rows(tmp_path, tables.request)} == done
    async with open_store(tmp_path) as store:
        await recorded(store, "after")
    engine = open_read_only(store_url(tmp_path))
    with engine.connect() as connection:
        assert check_log(connection) == len(done) + 1
    engine.dispose()


@pytest.mark.sqlite_file
async def test_a_lock_held_elsewhere_is_said_and_the_writer_goes_on(tmp_path: Path) -> None:
    # The file's one lock; a server's locks are in test_postgresql.
    async with open_store(tmp_path, busy_timeout_ms=20) as store:
        await recorded(store, "r1")
        other = sqlite3.connect(tmp_path / "telebank.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            await recorded(store, "r2")
        other.execute("ROLLBACK")
        other.close()
        await recorded(store, "r2")
    assert len(rows(tmp_path, tables.request)) == 2


async def test_a_closed_store_takes_nothing(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "r1")
    with pytest.raises(StoreUnavailable, match="closed"):
        await store.journal.append(JournalEvent("node.stopped"))


async def test_a_lease_taken_elsewhere_stops_every_commit(place: Path) -> None:
    async with open_store(place) as old:
        await recorded(old, "r1")
        async with open_store(place) as new:
            assert new.epoch == old.epoch + 1
            with pytest.raises(LeaseLost):
                await old.journal.sending(message("r1", "000001"))
            with pytest.raises(LeaseLost):
                await old.journal.open_rows()
            await recorded(new, "r2")
            with pytest.raises(LeaseLost):
                await recorded(old, "r3")
            epoch = new.epoch
        assert await old.lease() == epoch + 1
        await recorded(old, "r3")
    found = {row.id: row.epoch for row in rows(place, tables.request)}
    assert found == {"r1": 1, "r2": 2, "r3": 3}
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        assert check_log(connection) == 3
    engine.dispose()


async def test_a_second_process_takes_the_lease(place: Path) -> None:
    async with open_store(place) as store:
        await recorded(store, "mine")
        with store_crash.start(place, 0) as process:
            assert process.stdout is not None
            line = await asyncio.to_thread(process.stdout.readline)
            process.kill()
        assert line == "epoch 2\n"
        with pytest.raises(LeaseLost):
            await store.journal.sending(message("mine", "000001"))
    mine = next(row for row in rows(place, tables.request) if row.id == "mine")
    assert mine.state == "RECORDED"


async def test_two_nodes_have_logs_of_their_own(place: Path) -> None:
    async with (
        open_store(place, "01", nodes=2) as one,
        open_store(place, "02", nodes=2) as two,
    ):
        await recorded(one, "a1")
        await recorded(two, "b1")
        await recorded(one, "a2")
        assert [row.request.id for row in await two.journal.open_rows()] == ["b1"]
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        assert (check_log(connection, "01"), check_log(connection, "02")) == (2, 1)
    engine.dispose()


def _break_commit(part: Transaction) -> None:
    odd = {"request": "r", "ordinal": 0, "state": "", "why": "", "at": "no time"}
    part.states.append(odd)


def _break_connection(part: Transaction) -> None:
    driver: Any = part.connection.connection.driver_connection
    driver.close()


def _break_job(part: Transaction) -> None:
    part.event(JournalEvent("half"))
    raise KeyError("a bug")


def _break_thread(part: Transaction) -> None:
    raise SystemExit


async def _queue(store: Store, work: Any) -> None:
    await store._writer.run(work)


async def test_text_from_the_wire_is_cleaned_and_nothing_hides_its_call(place: Path) -> None:
    detail: dict[str, Any] = {
        "uri": b"sip:\xff@bank".decode("utf-8", "surrogateescape"),
        "nul": "a\0b",
        "long": "x" * 5_000,
        "huge": 2**60,
        "infinite": float("inf"),
        "odd": object(),
    }
    many: dict[str, Any] = {f"k{number}": number for number in range(MAX_DETAIL + 8)}
    async with open_store(place) as store:
        await store.journal.append(JournalEvent("call.started", call="c\udcff", detail=detail))
        await store.journal.append(JournalEvent("many" * 50, detail=many))
    first, second = rows(place, tables.event)
    assert first.call == "c\N{REPLACEMENT CHARACTER}"
    assert first.detail["uri"] == "sip:\N{REPLACEMENT CHARACTER}@bank"
    assert first.detail["nul"] == "a\N{REPLACEMENT CHARACTER}b"
    assert first.detail["long"] == "x" * (MAX_DETAIL_TEXT - 1) + CUT
    assert first.detail["huge"] == str(2**60)
    assert (first.detail["infinite"], first.detail["odd"]) == ("inf", "<object>")
    assert (len(second.kind), len(second.detail), second.detail[CUT]) == (64, MAX_DETAIL, 9)
    engine = open_read_only(store_url(place))
    with engine.connect() as connection:
        assert check_log(connection) == 2
    engine.dispose()


@pytest.mark.parametrize("broken", [_break_commit, _break_connection])
async def test_a_commit_that_fails_oddly_fails_its_jobs_and_the_writer_goes_on(
    place: Path, broken: Any
) -> None:
    async with open_store(place) as store:
        ends = await asyncio.gather(
            _queue(store, broken), store.journal.next_stan(), return_exceptions=True
        )  # of one commit: nothing of it is durable
        assert [type(end) for end in ends] == [StoreUnavailable] * 2
        await recorded(store, "r1")
        assert not store.died.done()
    assert [row.id for row in rows(place, tables.request)] == ["r1"]


async def test_a_job_whose_rows_cannot_be_made_is_undone_alone(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_store(place) as store:
        monkeypatch.setattr("telebank.store.transaction.clean_event", lambda event: event)
        odd = JournalEvent("k", detail={"uri": "\udcff"})
        ends = await asyncio.gather(
            _queue(store, _break_job), store.journal.append(odd), return_exceptions=True
        )
        await recorded(store, "r1")
        assert [type(end) for end in ends] == [KeyError, CanonicalError]
    assert [row.kind for row in rows(place, tables.event)] == ["request.state"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
async def test_where_the_thread_ends_jobs_fail_at_once_and_the_owner_is_told(
    place: Path,
) -> None:
    async with open_store(place, queue_jobs=2) as store:
        await store.journal.next_stan()
        waiting = [store.journal.append(JournalEvent("k")) for _ in range(5)]
        ends = await asyncio.gather(_queue(store, _break_thread), *waiting, return_exceptions=True)
        assert {type(end) for end in ends} == {StoreUnavailable}
        assert await store.died == "SystemExit"
        with pytest.raises(StoreUnavailable, match="SystemExit"):
            await store.journal.append(JournalEvent("k"))


GONE = 2**22
"""More than any process number."""


def _another(holder: str, **changes: str) -> str:
    """A holder's name that differs in one part."""
    parts = dict(zip(("machine", "place", "number", "start"), holder.split(":"), strict=True))
    return ":".join((parts | changes).values())


@pytest.mark.parametrize(
    ("changes", "may_run"),
    [
        ({}, False),  # this very process
        ({"number": "1"}, False),  # number 1 began at another time: that one has ended
        ({"number": str(GONE)}, False),
        ({"start": "1"}, False),
        # A container of the same name and number, on this machine or after a boot.
        ({"place": "0123456789abcdef"}, True),
        ({"place": "0123456789abcdef", "number": str(GONE)}, True),
        ({"place": ""}, True),
        ({"machine": "renamed"}, False),
    ],
)
async def test_a_holder_that_did_not_give_the_node_back_may_still_run(
    place: Path, changes: dict[str, str], may_run: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    holder = _another(this_process(), **changes)
    await _left_by(place, holder, monkeypatch)
    async with open_store(place) as store:
        assert store.rival == (holder if may_run else "")


async def _left_by(place: Path, holder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_store(place):
        pass
    async with open_store(place) as store:
        assert store.rival == ""  # the one before ended in order
        take = update(tables.lease).values(holder=holder)
        await store.journal.run(lambda part: part.execute(take))
        monkeypatch.setattr(lease, "give_back", lambda *_: None)
    monkeypatch.undo()


async def test_a_process_that_runs_is_a_rival_and_is_none_once_it_ended(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say = (
        "from telebank.store.holder import this_process; print(this_process(), flush=True); input()"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", say), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    holder = (await process.stdout.readline()).decode().strip()
    await _left_by(place, holder, monkeypatch)
    async with open_store(place) as store:
        assert store.rival == holder
        await process.communicate(b"\n")
        assert store.rival == ""


async def test_a_name_of_the_old_form_may_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    await _left_by(place, "bank-1:4711", monkeypatch)
    async with open_store(place) as store:
        assert store.rival == "bank-1:4711"
