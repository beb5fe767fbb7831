"""`telebank calls`: who ended a call, when, and what became of calls whose node died."""

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from support.store_kit import open_store
from telebank.commands.calls import command
from telebank.store.store import Store
from transactions.journal import JournalEvent


async def say(store: Store, call: str, kind: str, **detail: Any) -> None:
    await store.journal.append(JournalEvent(kind, call=call, leg="1", detail=detail))


async def begin(store: Store, call: str) -> None:
    await say(store, call, "call.started", from_masked="138******34", to="95588", codec="PCMA")
    for _ in range(17):
        await say(store, call, "key", digit="•", node="card")
    for service in ("pin.verify", "transfer.card_to_card"):
        await say(store, call, "service.asked", service=service)
        await say(store, call, "service.answered", service=service, exit="ok", ms=41)


def listed(folder: Path, *words: str) -> str:
    done = CliRunner().invoke(
        command, ["--data", str(folder), *words], env={"COLUMNS": "80", "TERM": "dumb"}
    )
    assert done.exit_code == 0, done.output
    return done.output


async def test_who_ended_a_call_and_calls_whose_node_died(tmp_path: Path) -> None:
    async with open_store(tmp_path) as store:
        await begin(store, "01-1-1")
    async with open_store(tmp_path) as store:
        for number, by in enumerate(("local", "remote"), 1):
            await begin(store, f"01-2-{number}")
            await say(store, f"01-2-{number}", "call.ended", by=by, seconds=62.0)
        await begin(store, "01-2-3")
        table = listed(tmp_path)
        states = {row["call"]: row["state"] for row in json.loads(listed(tmp_path, "--json"))}
    assert states == {
        "01-1-1": "broken",
        "01-2-1": "over",
        "01-2-2": "over",
        "01-2-3": "talking",
    }
    ends = {line.split()[0]: line.split()[-1] for line in table.splitlines() if "01-" in line[:3]}
    assert ends == {"01-1-1": "died", "01-2-1": "bank", "01-2-2": "caller", "01-2-3": "–"}
    assert "UTC" in table
    assert table.count("live") == 1
    assert max(map(len, table.splitlines())) <= 80
    assert "•×17" in table
    assert "transfer.card_to_card ok" in table
