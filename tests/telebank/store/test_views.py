"""Calls folded from the event log, reading by cursor, and the command that lists them."""

import json
import threading
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from support.store_kit import NOON, FakeClock, open_store
from telebank.commands.calls import command
from telebank.settings import store_url
from telebank.store.eventlog import follow, open_read_only, read_events
from telebank.store.store import Store
from telebank.store.views import Keys, ServiceAsked, recent_calls
from transactions.journal import JournalEvent


async def _say(store: Store, call: str, kind: str, **detail: Any) -> None:
    await store.journal.append(JournalEvent(kind, call=call, leg="1", detail=detail))


async def _begin(store: Store, call: str) -> None:
    started = {"from_masked": "138****5678", "to": "95588", "codec": "PCMA"}
    await _say(store, call, "call.started", **started)
    await _say(store, call, "call.language", language="zh")
    await _say(store, call, "node.entered", flow="main", node="menu")
    await _say(store, call, "key", digit="1", node="menu")
    for _ in range(3):
        await _say(store, call, "key", digit="•", node="pin")
    await _say(store, call, "service.asked", service="pin.verify")


async def _finish(store: Store, call: str) -> None:
    await _say(store, call, "service.answered", service="pin.verify", exit="ok", ms=41)
    await _say(store, call, "call.ended", by="caller", seconds=12.5)


def _reader(folder: Path) -> Engine:
    return open_read_only(store_url(folder))


async def test_a_call_is_folded_from_its_events(place: Path) -> None:
    async with open_store(place) as store:
        await _begin(store, "c1")
        await _finish(store, "c1")
    engine = _reader(place)
    with engine.connect() as connection:
        (row,) = recent_calls(connection).calls
    engine.dispose()
    assert (row.reference, row.node, row.caller, row.called) == ("c1", "01", "138****5678", "95588")
    assert (row.codec, row.language, row.started) == ("PCMA", "zh", NOON)
    assert row.keys == (Keys("menu", "1"), Keys("pin", "•••"))
    assert row.path == "1 •••"
    assert row.services == (ServiceAsked("pin.verify", "ok", 41),)
    assert (row.ended_by, row.seconds, row.at) == ("caller", 12.5, "main/menu")


async def test_newest_first_and_only_what_changed_after_a_cursor(place: Path) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        for number in range(5):
            clock.forward(1)
            await _begin(store, f"c{number}")
        await store.journal.append(JournalEvent("node.started"))
        engine = _reader(place)
        with engine.connect() as connection:
            page = recent_calls(connection, 3)
            assert [row.reference for row in page.calls] == ["c4", "c3", "c2"]
            assert recent_calls(connection, 3, page.cursor).calls == []
        await _finish(store, "c1")
        with engine.connect() as connection:
            (row,) = recent_calls(connection, 3, page.cursor).calls
            assert (row.reference, row.ended_by, row.path) == ("c1", "caller", "1 •••")
        engine.dispose()


async def test_reading_by_a_vector_of_nodes_misses_nothing(place: Path) -> None:
    async with (
        open_store(place, "01", nodes=2) as one,
        open_store(place, "02", nodes=2) as two,
    ):
        for number in range(4):
            await one.journal.append(JournalEvent("alarm", detail={"what": f"a{number}"}))
            await two.journal.append(JournalEvent("alarm", detail={"what": f"b{number}"}))
        engine = _reader(place)
        with engine.connect() as connection:
            first = read_events(connection, {"01": 1}, limit=4)
            assert [event.detail["what"] for event in first.events] == ["a1", "a2", "a3", "b0"]
            assert first.cursor == {"01": 4, "02": 1}
            second = read_events(connection, first.cursor)
            assert [event.detail["what"] for event in second.events] == ["b1", "b2", "b3"]
            assert read_events(connection, second.cursor).events == []
        engine.dispose()


async def test_following_sees_each_event_once_and_stops(place: Path) -> None:
    async with open_store(place) as store:
        await store.journal.append(JournalEvent("alarm", detail={"what": "before"}))
        engine = _reader(place)
        stop = threading.Event()
        pages = follow(engine, {}, stop.wait, every_s=0)
        assert [event.detail["what"] for event in next(pages).events] == ["before"]
        assert next(pages).events == []
        await store.journal.append(JournalEvent("alarm", detail={"what": "after"}))
        assert [event.detail["what"] for event in next(pages).events] == ["after"]
        stop.set()
        assert [page.events for page in pages] == [[]]
        engine.dispose()


async def test_the_command_lists_calls(place: Path) -> None:
    async with open_store(place) as store:
        await _begin(store, "c1")
        await _finish(store, "c1")
        await _begin(store, "c2")
    run = CliRunner()
    listed = run.invoke(command, ["--data", str(place), "--json"])
    assert listed.exit_code == 0, listed.output
    rows = {row["call"]: row for row in json.loads(listed.output)}
    assert rows["c1"]["keys"][1] == {"node": "pin", "digits": "•••"}
    assert rows["c1"]["services"] == [{"service": "pin.verify", "exit": "ok", "ms": 41}]
    assert (rows["c2"]["seconds"], rows["c2"]["ended_by"]) == (None, "")
    table = run.invoke(command, ["--data", str(place)], env={"COLUMNS": "160"})
    assert table.exit_code == 0
    assert "1 •••" in table.output
    assert "pin.verify ok 41 ms" in table.output
    one = run.invoke(command, ["--data", str(place), "c1"])
    assert (one.exit_code, "138****5678" in one.output) == (0, True)
    assert run.invoke(command, ["--data", str(place), "c9"]).exit_code == 1


@pytest.mark.sqlite_file
def test_the_command_says_where_there_is_no_database(tmp_path: Path) -> None:
    # The file: a server without our tables is in test_postgresql.
    result = CliRunner().invoke(command, ["--data", str(tmp_path)])
    assert result.exit_code == 3
    assert "no database at" in result.output
    assert list(tmp_path.iterdir()) == []
