"""What goes wrong, and that "not begun" and "perhaps done" are never mixed up."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core_adapters.sql.options import SqlOptions
from support.sql_banks import (
    CARDS,
    IDENTITY,
    OPENING,
    Books,
    Gateway,
    SqlBank,
    make,
    options,
)
from support.sql_servers import Cluster, CommitCutter
from transactions.outcome import Approved, Declined, NotSent, Unknown
from transactions.ports import JournalUnavailable, LeaseLost, ReversalUnanswered, Reversed
from transactions.request import HostMessage, Request

TRANSFER = "transfer.card_to_card"


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what other processes do; the test's own limit ends it where they never do."""
    while not condition():
        await asyncio.sleep(0.01)


async def ready(gateway: Gateway, name: str) -> Request:
    return make(TRANSFER, await gateway.terms(0, 1, "10.00", name), name)


def patient(bank: SqlBank, timeout_s: float) -> Any:
    """The profile with this time-out, which the database itself does not enforce."""
    profile = bank.profile(timeout_s)
    bare = replace(profile.dialects[bank.dialect], begin=())
    return replace(profile, dialects={bank.dialect: bare})


def waiting(bank: SqlBank) -> bool:
    """Whether a gateway's statement waits for a lock (PostgreSQL)."""
    return bool(_waiting_pids(bank))


def _waiting_pids(bank: SqlBank) -> list[Any]:
    return bank.query(
        "SELECT pid FROM pg_stat_activity WHERE usename = 'telebank_gateway'"
        " AND wait_event_type = 'Lock' AND datname = current_database()"
    )


# -- killed, cut, too slow ----------------------------------------------------------------------


async def test_a_connection_killed_in_mid_statement_is_unknown_until_asked(
    postgresql: SqlBank,
) -> None:
    bank = postgresql
    async with Gateway(bank, options(bank)) as gateway:
        request = await ready(gateway, "t1")
        with bank.locked(0):
            call = asyncio.create_task(gateway.ask(request))
            await until(lambda: waiting(bank))
            for row in _waiting_pids(bank):
                bank.query("SELECT pg_terminate_backend(?)", row[0])
            assert await call == Unknown("connection_lost")
        sent = gateway.message("t1")
        assert await gateway.host.query_status(request, sent) == Declined("not_posted")
        assert bank.postings("t1") == 0
        assert await gateway.ask(request) == Declined("not_posted")


@pytest.mark.parametrize("settled_by", ["query", "reverse"])
async def test_a_commit_whose_answer_is_lost_is_unknown_and_was_done(
    postgresql: SqlBank, cluster: Cluster, tmp_path: Path, settled_by: str
) -> None:
    bank = postgresql
    cutter = CommitCutter(tmp_path, cluster)
    through = bank.connection.replace(str(cluster.folder), str(tmp_path))
    async with Gateway(bank, options(bank, connection=through, workers=1)) as gateway:
        request = await ready(gateway, "t1")
        cutter.armed.set()
        outcome = await gateway.ask(request)
        assert isinstance(outcome, Unknown)
        await until(cutter.cut.is_set)
        await until(lambda: bank.postings("t1") == 1)
        sent = gateway.message("t1")
        assert await gateway.host.wait_signed_on(10)
        if settled_by == "query":
            told = await gateway.host.query_status(request, sent)
            assert isinstance(told, Approved)
            assert told.data["ref"] == sent.field37
            assert bank.postings("t1") == 1
        else:
            undone = await gateway.host.reverse(request, sent, "time_out", gateway.books, 0)
            assert undone == Reversed()
            assert bank.balance(0) == OPENING
    cutter.close()


async def test_a_lock_that_lasts_too_long_is_a_decline_that_was_rolled_back(bank: SqlBank) -> None:
    short = bank.connection.replace("Timeout=5000", "Timeout=200")
    if bank.dialect == "postgresql":
        short += "ConnSettings={SET lock_timeout = 200};"
    async with Gateway(bank, options(bank, connection=short)) as gateway:
        request = await ready(gateway, "t1")
        with bank.locked(0):
            assert await gateway.ask(request) == Declined("busy")
        assert bank.stored("t1") is None
        assert isinstance(await gateway.ask(request), Approved)  # the adapter itself bars nothing


async def test_what_is_repeated_until_done_is_not_declined_by_a_lock(sqlite: SqlBank) -> None:
    short = sqlite.connection.replace("Timeout=5000", "Timeout=100")
    async with Gateway(sqlite, options(sqlite, connection=short)) as gateway:
        report = make("card.report_loss", {"card": CARDS[0], "identity": IDENTITY}, "l1")
        with sqlite.locked(0):
            assert await gateway.ask(report) == Unknown("busy")
        again = await gateway.host.execute(report, gateway.books, gateway.message("l1"))
        assert isinstance(again, Approved)


async def test_an_error_of_the_question_says_nothing_of_the_original(sqlite: SqlBank) -> None:
    short = sqlite.connection.replace("Timeout=5000", "Timeout=100")
    async with Gateway(sqlite, options(sqlite, connection=short)) as gateway:
        await gateway.transfer("t1", 0, 1, "10.00")
        request, sent = make(TRANSFER, {}, "t1"), gateway.message("t1")
        with sqlite.locked(0):
            assert await gateway.host.query_status(request, sent) == Unknown("busy")
            undone = await gateway.host.reverse(request, sent, "time_out", gateway.books, 0)
            assert undone == ReversalUnanswered(True, "busy")
        assert isinstance(await gateway.host.query_status(request, sent), Approved)


async def test_the_databases_own_time_out_is_unknown_until_asked(postgresql: SqlBank) -> None:
    bank = postgresql
    async with Gateway(bank, options(bank), profile=bank.profile(0.3)) as gateway:
        request = await ready(gateway, "t1")
        with bank.locked(0):
            assert await gateway.ask(request) == Unknown("time_out")
            sent = gateway.message("t1")
            assert await gateway.host.query_status(request, sent) == Declined("not_posted")
        assert gateway.alarms == []


async def test_a_worker_that_hangs_is_replaced_and_never_commits(bank: SqlBank) -> None:
    chosen = options(bank, workers=1, grace_s=0.1)
    async with Gateway(bank, chosen, profile=patient(bank, 0.2)) as gateway:
        request = await ready(gateway, "t1")
        with bank.locked(0):
            assert await gateway.ask(request) == Unknown("time_out")
            assert [alarm.kind for alarm in gateway.alarms] == ["hung"]
            assert await gateway.host.wait_signed_on(10)
            assert (await gateway.host.health()).links_up == 1
        sent = gateway.message("t1")
        assert await gateway.host.query_status(request, sent) == Declined("not_posted")
        assert bank.postings("t1") == 0
        assert bank.balance(0) == OPENING
        assert gateway.late == []


async def test_a_query_waits_for_an_original_that_is_still_on_its_way(postgresql: SqlBank) -> None:
    """The gateway has given up, the database has not begun to answer: asking settles it."""
    bank = postgresql
    async with Gateway(bank, options(bank)) as gateway:
        request = await ready(gateway, "t1")
        with bank.locked(0):
            call = asyncio.create_task(gateway.ask(request))
            await until(lambda: waiting(bank))
            sent = gateway.message("t1")
            question = asyncio.create_task(gateway.host.query_status(request, sent))
            await until(lambda: len(_waiting_pids(bank)) == 2)
        first, told = await asyncio.gather(call, question)
        assert isinstance(first, Approved)
        assert told == first


# -- nothing begun ------------------------------------------------------------------------------


async def test_a_full_pool_is_not_sent(bank: SqlBank) -> None:
    chosen = options(bank, workers=1, waiting_max=1, wait_s=0.2)
    async with Gateway(bank, chosen) as gateway:
        first, second, third = [await ready(gateway, f"t{n}") for n in range(3)]
        with bank.locked(0):
            call = asyncio.create_task(gateway.ask(first))
            await until(lambda: any(one.request_id == "t0" for one in gateway.books.sent))
            waiter = asyncio.create_task(gateway.ask(second))
            await asyncio.sleep(0)
            assert await gateway.ask(third) == NotSent("pool_full")
            assert await waiter == NotSent("pool_full")
        assert isinstance(await call, Approved)
        assert {one.request_id for one in gateway.books.sent} & {"t1", "t2"} == set()
        assert bank.stored("t1") is bank.stored("t2") is None


async def test_a_loss_report_goes_ahead_of_those_who_wait(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank, workers=1)) as gateway:
        first, second = [await ready(gateway, f"t{n}") for n in range(2)]
        report = make("card.report_loss", {"card": CARDS[5], "identity": IDENTITY}, "l1")
        with bank.locked(0):
            calls = [asyncio.create_task(gateway.ask(first))]
            await until(lambda: gateway.books.sent[-1].request_id == "t0")
            calls.append(asyncio.create_task(gateway.ask(second)))
            await asyncio.sleep(0)
            calls.append(asyncio.create_task(gateway.ask(report)))
            await asyncio.sleep(0)
        assert all(isinstance(one, Approved) for one in await asyncio.gather(*calls))
        order = [one.request_id for one in gateway.books.sent if not one.request_id.endswith("e")]
        assert order == ["t0", "l1", "t1"]


async def test_a_database_away_at_the_start_is_not_sent_then_comes(tmp_path: Path) -> None:
    from support.sql_banks import sqlite_bank

    home = tmp_path / "later"
    away = f"DRIVER=SQLite3;DATABASE={home}/bank.db;BigInt=1;Timeout=500"
    chosen = SqlOptions(dialect="sqlite", connection=away, workers=2, backoff_min_s=0.05)
    gateway = Gateway(SqlBank("sqlite", away, away, prefix="tb_"), chosen)
    await gateway.host.start()
    try:
        request = make("card.balance", {"card": CARDS[0]}, "b1")
        assert not await gateway.host.wait_signed_on(0.2)
        assert (await gateway.host.health()).links_up == 0
        assert await gateway.ask(request) == NotSent("no_link")
        assert gateway.books.sent == []
        home.mkdir()
        sqlite_bank(home)
        assert await gateway.host.wait_signed_on(10)
        assert isinstance(await gateway.ask(request), Approved)
    finally:
        await gateway.host.close()


async def test_a_server_that_goes_and_comes_back(postgresql: SqlBank, cluster: Cluster) -> None:
    bank = postgresql
    chosen = options(bank, look_s=0.05, ping_after_s=0.01, backoff_min_s=0.05, backoff_max_s=0.1)
    async with Gateway(bank, chosen) as gateway:
        request = await ready(gateway, "t1")
        await asyncio.to_thread(cluster.stop)
        try:
            while (await gateway.host.health()).links_up:
                await asyncio.sleep(0.01)
            assert await gateway.ask(request) == NotSent("no_link")
            sent = gateway.message("t1-quote")
            reversal = await gateway.host.reverse(request, sent, "x", gateway.books, 0)
            assert reversal == ReversalUnanswered(False, "no_link")
        finally:
            await asyncio.to_thread(cluster.start)
        assert await gateway.host.wait_signed_on(10)
        assert isinstance(await gateway.ask(request), Approved)
        assert [one.request_id for one in gateway.books.sent] == ["t1-quote", "t1"]


async def test_a_connection_that_died_in_its_sleep_is_not_trusted(postgresql: SqlBank) -> None:
    bank = postgresql
    async with Gateway(bank, options(bank, workers=1, ping_after_s=0.01, look_s=60)) as gateway:
        request = await ready(gateway, "t1")
        bank.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = 'telebank_gateway' AND datname = current_database()"
        )
        await asyncio.sleep(0.02)
        assert await gateway.ask(request) == NotSent("no_link")
        assert bank.stored("t1") is None
        assert await gateway.host.wait_signed_on(10)
        assert isinstance(await gateway.ask(request), Approved)


class Refusing(Books):
    """A journal that will not make the row durable, or takes too long for it."""

    error: Exception | None = None
    wait: float = 0.0

    async def sending(self, message: HostMessage) -> None:
        if self.error is not None:
            raise self.error
        await asyncio.sleep(self.wait)
        await super().sending(message)


@pytest.mark.parametrize("error", [LeaseLost("t1"), JournalUnavailable("t1")])
async def test_without_a_durable_row_nothing_goes(bank: SqlBank, error: Exception) -> None:
    books = Refusing()
    async with Gateway(bank, options(bank, workers=1), books=books) as gateway:
        request = await ready(gateway, "t1")
        books.error = error
        with pytest.raises(type(error)):
            await gateway.ask(request)
        assert bank.stored("t1") is None
        books.error = None
        assert isinstance(await gateway.ask(request), Approved)  # the worker was given back


async def test_past_its_deadline_nothing_goes(bank: SqlBank) -> None:
    books = Refusing()
    async with Gateway(bank, options(bank), books=books) as gateway:
        request = await ready(gateway, "t1")
        books.wait = 0.05
        late = replace(request, deadline=time.monotonic() + 0.01)
        assert await gateway.ask(late) == NotSent("deadline")
        assert bank.stored("t1") is None


async def test_a_cancelled_call_commits_nothing_and_gives_its_worker_back(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank, workers=1)) as gateway:
        request = await ready(gateway, "t1")
        with bank.locked(0):
            call = asyncio.create_task(gateway.ask(request))
            await until(lambda: gateway.books.sent[-1].request_id == "t1")
            await asyncio.sleep(0.05)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        told = await gateway.host.query_status(request, gateway.message("t1"))
        assert told == Declined("not_posted")
        assert bank.postings("t1") == 0


async def test_after_the_stop_nothing_goes(bank: SqlBank) -> None:
    async with Gateway(bank, options(bank)) as gateway:
        request = await ready(gateway, "t1")
    assert await gateway.ask(request) == NotSent("stopping")
    alive = [one.name for one in threading.enumerate() if one.name.startswith("sql ")]
    await until(lambda: not any(one.name.startswith("sql ") for one in threading.enumerate()))
    assert len(alive) <= 4


# -- answers that are not understood ------------------------------------------------------------


async def test_a_code_that_is_not_listed_is_unknown_and_not_committed(bank: SqlBank) -> None:
    profile = bank.profile()
    codes = {code: meaning for code, meaning in profile.codes.items() if code != "00"}
    async with Gateway(bank, options(bank)) as gateway:
        request = await ready(gateway, "t1")
    strange = Gateway(bank, options(bank), profile=replace(profile, codes=codes))
    async with strange as gateway:
        assert await gateway.ask(request) == Unknown("code")
        assert [alarm.kind for alarm in gateway.alarms] == ["code"]
    assert bank.stored("t1") is None
    assert bank.whole() == len(CARDS) * OPENING


async def test_a_driver_that_cuts_numbers_is_not_used(sqlite: SqlBank) -> None:
    cutting = sqlite.connection.replace("BigInt=1;", "")
    gateway = Gateway(sqlite, options(sqlite, connection=cutting, workers=1))
    await gateway.host.start()
    try:
        assert not await gateway.host.wait_signed_on(0.3)
    finally:
        await gateway.host.close()


async def test_an_error_that_is_not_listed_is_unknown_with_an_alarm(postgresql: SqlBank) -> None:
    bank = postgresql
    async with Gateway(bank, options(bank)) as gateway:
        request = await ready(gateway, "t1")
        bank.query(
            "ALTER TABLE telebank.entry ADD CHECK (telebank.today() IS NOT NULL AND 1/minor > 9)"
        )
        bank.query(
            "CREATE OR REPLACE FUNCTION telebank.post(p_id text, p_from text, p_to text,"
            " p_minor bigint, p_fee bigint) RETURNS void LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'card % is odd', p_from USING ERRCODE = 'TB001'; END $$"
        )
        assert await gateway.ask(request) == Unknown("sqlstate_TB001")
        assert [alarm.kind for alarm in gateway.alarms] == ["error"]
        assert "A0" not in str(gateway.alarms)
        told = await gateway.host.query_status(request, gateway.message("t1"))
        assert told == Declined("not_posted")
