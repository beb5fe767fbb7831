"""Alarms of the event log are in the node's log, and a link that nobody answers is one."""

import asyncio
import json
import logging
from collections.abc import Iterator, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog

from support.store_kit import money_plan, open_store, recorded, rows, transfer
from telebank.commands.wiring.alarms import warn, warn_of_release
from telebank.commands.wiring.host_watch import HostWatch
from telebank.flow.release import hash_of
from telebank.ops.logs import set_up_logs
from telebank.store import tables
from telebank.store.releases import Published
from transactions.journal import JournalEvent, RecordRefused


@pytest.fixture
def warned() -> Iterator[list[MutableMapping[str, Any]]]:
    """Lines of the log."""
    with structlog.testing.capture_logs() as lines:
        yield lines


def told(lines: list[MutableMapping[str, Any]]) -> list[MutableMapping[str, Any]]:
    return [line for line in lines if line["event"].startswith("alarm")]


async def test_an_alarm_is_written_and_warned_of(
    tmp_path: Path, warned: list[MutableMapping[str, Any]]
) -> None:
    async with open_store(tmp_path) as store:
        await recorded(store, "r1")
        journal = store.journal
        journal.on_alarm = warn
        why = "reversal refused: 57"
        await journal.append(JournalEvent("alarm.manual", request="r1", detail={"why": why}))
        await journal.append(JournalEvent("call.started", call="c1"))
        await journal.append(JournalEvent("alarm", detail={"what": "date", "text": "x" * 2_000}))
    manual, other = told(warned)
    assert (manual["event"], manual["log_level"]) == ("alarm.manual", "warning")
    assert (manual["request"], manual["detail"]) == ("r1", {"why": why})
    kept = [row for row in rows(tmp_path, tables.event) if row.kind.startswith("alarm")]
    assert [row.detail for row in kept] == [manual["detail"], other["detail"]]


async def test_content_that_differs_is_warned_of(
    tmp_path: Path, warned: list[MutableMapping[str, Any]]
) -> None:
    async with open_store(tmp_path) as store:
        store.journal.on_alarm = warn
        await recorded(store, "r1")
        other = money_plan(content_hash="other")
        assert await store.journal.record(transfer("r1"), other) == RecordRefused(
            "different_content"
        )
    (line,) = told(warned)
    assert (line["event"], line["request"]) == ("alarm.quote", "r1")


async def test_a_start_with_other_files_is_warned_of_once(
    tmp_path: Path, warned: list[MutableMapping[str, Any]]
) -> None:
    async with open_store(tmp_path) as store:
        for files in ({"a": b"1"}, {"a": b"1"}, {"a": b"2"}):
            before = await store.releases.current()
            warn_of_release(before, await store.releases.begin(files), hash_of(files))
    kept = [row for row in rows(tmp_path, tables.event) if row.kind == "alarm.release"]
    (line,) = told(warned)
    assert [row.detail["release"] for row in kept] == [line["detail"]["release"]]


def test_a_start_whose_folder_is_not_in_force_is_told_what_to_do(
    warned: list[MutableMapping[str, Any]],
) -> None:
    now = Published(2, "b" * 64, datetime.now(UTC), "wu")
    warn_of_release(now, now, "b" * 64)
    warn_of_release(now, now, "a" * 64)
    (line,) = told(warned)
    assert (line["detail"]["release"], line["detail"]["folder"]) == ("b" * 64, "a" * 64)
    assert "propose it" in line["detail"]["todo"]


async def links(tmp_path: Path, *told_of: tuple[str, bool, str]) -> list[Any]:
    """Alarms in the event log once a host's adapter has told of its links."""
    async with open_store(tmp_path) as store:
        store.journal.on_alarm = warn
        watch = HostWatch(store)
        for one in told_of:
            watch.link(*one)
        while len(asyncio.all_tasks()) > 1:
            await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
    return [row for row in rows(tmp_path, tables.event) if row.kind == "alarm"]


async def test_a_link_that_is_not_answered_is_an_alarm(
    tmp_path: Path, warned: list[MutableMapping[str, Any]]
) -> None:
    silent = "sign-on was not answered"
    again = (("a1", False, silent), ("a1", False, "disconnected"))
    found = await links(tmp_path, *again, *again, ("a2", False, "3 echoes were not answered"))
    assert [row.detail["text"] for row in found] == [
        f"link a1: {silent}: keys or terminal?",
        "link a2: 3 echoes were not answered: keys or terminal?",
    ]
    assert {row.detail["what"] for row in found} == {"link"}
    assert [line["detail"] for line in told(warned)] == [row.detail for row in found]


async def test_a_link_that_was_up_meanwhile_is_told_of_again(tmp_path: Path) -> None:
    silent = ("a1", False, "sign-on was not answered")
    assert len(await links(tmp_path, silent, ("a1", True, "signed on"), silent)) == 2


async def test_a_link_that_ends_as_it_should_is_no_alarm(tmp_path: Path) -> None:
    why = ("disconnected", "signed off", "the host signed off")
    assert await links(tmp_path, *(("a1", False, words) for words in why)) == []


def test_a_line_names_its_logger(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.root, "handlers", [])
    before = structlog.get_config()
    try:
        set_up_logs()
        structlog.get_logger("telebank.alarm").warning("alarm.manual", request="r1")
    finally:
        structlog.configure(**before)
    line = json.loads(capsys.readouterr().err)
    assert (line["logger"], line["level"], line["event"]) == (
        "telebank.alarm",
        "warning",
        "alarm.manual",
    )
