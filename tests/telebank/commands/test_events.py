"""`telebank events` over a real store."""

import asyncio
import json
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from support.store_kit import NOON, FakeClock, open_store
from telebank.main import main
from telebank.settings import store_url
from telebank.store.event_search import Question
from telebank.store.eventlog import open_read_only, read_events
from transactions.journal import JournalEvent

CARD = "6227001234567890"


async def write(folder: Path) -> None:
    """Four events, an hour apart."""
    clock = FakeClock()
    async with open_store(folder, clock=clock) as store:
        for event in (
            JournalEvent("alarm.manual", request="r1", detail={"why": f"asked about {CARD}"}),
            JournalEvent("alarm", detail={"what": "link", "text": "down"}),
            JournalEvent("alarming.not", actor="system"),
            JournalEvent("approval.approved", actor="wu", role="supervisor", outcome="approved"),
        ):
            await store.journal.append(event)
            clock.forward(3600)


async def ask(folder: Path, *words: str) -> Result:
    runner = CliRunner(env={"TELEBANK_DATA": str(folder), "COLUMNS": "160"})
    return await asyncio.to_thread(runner.invoke, main, ["events", *words])


def told(ran: Result) -> list[dict[str, Any]]:
    assert ran.exit_code == 0, ran.output
    return [json.loads(line) for line in ran.output.splitlines()]


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (["--kind", "alarm"], ["alarm.manual", "alarm"]),
        (["--kind", "alarm.*"], ["alarm.manual", "alarm"]),
        (["--kind", "alarm.manual"], ["alarm.manual"]),
        (["--kind", "alar"], []),
        (["--kind", "alarm", "--limit", "1"], ["alarm"]),
        (["--actor", "wu"], ["approval.approved"]),
        (
            ["--since", (NOON + timedelta(hours=2)).isoformat()],
            ["alarming.not", "approval.approved"],
        ),
        (["--since", "30m"], []),
        (["--kind", "%"], []),
    ],
)
async def test_events_are_found(tmp_path: Path, words: list[str], kinds: list[str]) -> None:
    await write(tmp_path)
    assert [one["kind"] for one in told(await ask(tmp_path, "--json", *words))] == kinds


async def test_following_picks_what_searching_finds(tmp_path: Path) -> None:
    await write(tmp_path)
    engine = open_read_only(store_url(tmp_path))
    with engine.connect() as connection:
        every = read_events(connection, {}).events
    engine.dispose()
    for asked in (
        Question("alarm"),
        Question(actor="wu"),
        Question(since=NOON + timedelta(hours=2)),
    ):
        words = [f"--kind={asked.kind}", f"--actor={asked.actor}"]
        words += [] if asked.since is None else [f"--since={asked.since.isoformat()}"]
        found = told(await ask(tmp_path, "--json", *words))
        assert [one["sequence"] for one in found] == [
            event.sequence for event in every if asked.fits(event)
        ]


async def test_the_table_is_masked(tmp_path: Path) -> None:
    await write(tmp_path)
    ran = await ask(tmp_path, "--kind", "alarm")
    assert ran.exit_code == 0
    assert CARD not in ran.output
    assert all(word in ran.output for word in ("alarm.manual", "request r1", "622700******7890"))
    assert "UTC" in ran.output
    assert "wu (supervisor)" in (await ask(tmp_path)).output
    assert (await ask(tmp_path, "--actor", "nobody")).output == "no such events\n"


async def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    missing = await ask(tmp_path)
    assert missing.exit_code == 3
    late = await ask(tmp_path, "--since", "yesterday")
    assert (late.exit_code, "30m, 2h or 7d" in late.output) == (2, True)


async def test_following_goes_on_with_what_is_written(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await store.journal.append(JournalEvent("alarm.manual", request="r1"))
        words = ("events", "--follow", "--json", "--kind", "alarm", "--data", str(tmp_path))
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "telebank", *words), stdout=subprocess.PIPE
        )
        assert running.stdout is not None
        try:
            first = json.loads(await running.stdout.readline())
            await store.journal.append(JournalEvent("call.started", call="c1"))
            await store.journal.append(JournalEvent("alarm", detail={"what": CARD}))
            second = json.loads(await running.stdout.readline())
        finally:
            running.send_signal(signal.SIGINT)
        assert await running.wait() == 0
        assert [first["kind"], second["kind"]] == ["alarm.manual", "alarm"]
        assert second["detail"] == {"what": "622700******7890"}


async def test_heartbeats_are_shown_to_whoever_asks_for_them(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await store.journal.append(JournalEvent("node.started"))
        for _ in range(3):
            await store.journal.append(JournalEvent("audit.heartbeat"))
    assert [each["kind"] for each in told(await ask(tmp_path, "--json"))] == ["node.started"]
    assert len(told(await ask(tmp_path, "--json", "--kind", "audit"))) == 3
