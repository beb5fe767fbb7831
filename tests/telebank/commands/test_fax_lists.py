"""Lists on terminals of any width and through pipes: ids and numbers are never cut or wrapped."""

import asyncio
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from support.fax_screen import at_terminal
from support.order_house import OrderHouse
from support.store_kit import FakeClock, open_store
from telebank.store.fax_jobs import add
from telebank.store.fax_rows import FaxDraft
from transactions.card import SealedCard
from transactions.journal import JournalEvent

TITLE = "账户明细 of a customer with a long title, 2026-01-01 to 2026-03-31.pdf"
MASKED = "sip:fax*******room@192.0.2.71:5062"
SEALED = SealedCard("t" * 64, MASKED, "k1", b"sealed")
IDS = ("01-1-F11", "01-1-F12")
REQUEST = "transfer-20260331-000000000000123456"
HASH = "a5" * 32


@pytest.fixture
async def place(tmp_path: Path) -> Path:
    """Two faxes to a long address, and an event with long ids."""
    async with open_store(tmp_path, clock=FakeClock()) as store:
        now = datetime(2026, 3, 31, 4, tzinfo=UTC)
        for name in IDS:
            draft = FaxDraft(name, "uri", SEALED, 12, TITLE, by="wu", role="supervisor")
            until = now + timedelta(days=9)
            await store.journal.run(partial(add, draft=draft, due=now, expires=until, waiting=9))
        about = {"sha256": HASH, "text": "a long sentence of an alarm that gives way to the rest"}
        await store.journal.append(JournalEvent("alarm.manual", request=REQUEST, detail=about))
    return tmp_path


def _command(place: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "telebank", *words, "--data", str(place)]


def _piped(place: Path, *words: str) -> list[str]:
    environment = {**os.environ, "COLUMNS": "40"}
    ran = subprocess.run(
        _command(place, *words), env=environment, capture_output=True, check=True, timeout=60
    )
    return ran.stdout.decode().splitlines()


def _at_terminal(place: Path, width: int, *words: str) -> list[str]:
    """The lines of a command on a real terminal so wide, as the terminal gets them."""
    code, told = at_terminal(_command(place, *words), width)
    assert code == 0, told
    return told.splitlines()


async def test_faxes_through_a_pipe_are_a_line_each(place: Path) -> None:
    head, *rows = await asyncio.to_thread(_piped, place, "fax", "list")
    assert [row.split()[0] for row in rows] == list(reversed(IDS))
    for row in rows:
        assert all(word in row for word in (MASKED, "0 of 12", TITLE, "wu"))
        assert row == row.rstrip()
    assert head.split()[:3] == ["fax", "state", "pages"]
    assert [row.index(MASKED) for row in rows] == [head.index("to  ")] * 2


@pytest.mark.parametrize("width", [40, 60, 80, 95, 120, 200])
async def test_faxes_on_a_terminal(place: Path, width: int) -> None:
    lines = await asyncio.to_thread(_at_terminal, place, width, "fax", "list")
    rows = [line for line in lines if line.startswith("01-")]
    assert [row.split()[0] for row in rows] == list(reversed(IDS))
    for row in rows:
        assert all(word in row for word in (MASKED, "0 of 12", "queued"))
    if width >= 95:  # wide enough for a table: its prose gives way
        assert all(len(line) <= width for line in lines)
        assert (len(lines) > 3) is (width < 200)


async def test_events_through_a_pipe_are_a_line_each(place: Path) -> None:
    (line,) = await asyncio.to_thread(_piped, place, "events", "--kind", "alarm")
    assert all(word in line for word in ("alarm.manual", REQUEST, HASH, "gives way"))


@pytest.mark.parametrize("width", [40, 80, 120, 140])
async def test_events_on_a_terminal(place: Path, width: int) -> None:
    lines = await asyncio.to_thread(_at_terminal, place, width, "events", "--kind", "alarm")
    for word in ("alarm.manual", REQUEST, HASH):
        assert any(word in line for line in lines), word
    if width >= 120:
        assert len(lines) > 1
        assert all(len(line) <= width for line in lines)
    else:
        assert len(lines) == 1


@pytest.mark.parametrize("width", [None, 40, 80, 160])
async def test_orders(tmp_path: Path, width: int | None) -> None:
    house = OrderHouse(tmp_path)
    async with house.life() as life:
        await life.order()
    if width is None:
        lines = await asyncio.to_thread(_piped, tmp_path, "order", "list")
    else:
        lines = await asyncio.to_thread(_at_terminal, tmp_path, width, "order", "list")
    assert len(lines) == 2
    assert all(word in lines[1] for word in ("100001", "waiting", "100.00 CNY", "2026-04-01"))
    assert re.search(r"622700\*{6}\d{4} +622700\*{6}\d{4}", lines[1])
