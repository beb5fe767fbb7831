"""Files read again while a node runs: what is wrong changes nothing, what can change does."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from support.store_kit import open_store, rows
from telebank.agents.centre import Centre
from telebank.calls.control.server import ControlServer
from telebank.calls.tellers.room import TellerRoom
from telebank.commands.wiring.reloading import Reloader
from telebank.commands.wiring.retention import RetentionRoom
from telebank.commands.wiring.tellers import wall_of
from telebank.flow.release import hash_of, release_files
from telebank.main import main
from telebank.ops.clock import SystemClock
from telebank.retention.rules import rules_of
from telebank.settings import load_settings, seed_dir
from telebank.store import tables

QUEUES = (seed_dir() / "queues.yaml").read_text(encoding="utf-8")
RELEASE = hash_of(release_files(seed_dir()))
RETENTION = (seed_dir() / "retention.yaml").read_text(encoding="utf-8")


@dataclass
class Running:
    """What a node has of it, behind a control socket."""

    data: Path
    room: TellerRoom
    retention: RetentionRoom
    reloader: Reloader

    def write(self, name: str, text: str) -> None:
        (self.data / "config").mkdir(exist_ok=True)
        (self.data / "config" / name).write_text(text, encoding="utf-8")

    async def say(self, *words: str) -> Any:
        return await asyncio.to_thread(
            CliRunner().invoke, main, ["reload", "--data", str(self.data), *words]
        )


@asynccontextmanager
async def running(data: Path) -> AsyncIterator[Running]:
    settings = load_settings(data)
    async with open_store(data) as store:
        room = TellerRoom(
            Centre(settings.queues, wall_of(480)), settings.queues, SystemClock(), None
        )
        retention = RetentionRoom(rules_of(data, seed_dir()), data, store)
        reloader = Reloader(data, store, room, retention, None, lambda: RELEASE)
        node: Any = None
        server = ControlServer(node, data / "control.sock", None, [reloader])
        await server.start()
        try:
            yield Running(data, room, retention, reloader)
        finally:
            await server.close()


async def test_a_file_that_cannot_be_used_changes_nothing_and_is_named(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        before, rules = node.room.options, node.retention.rules
        node.write("retention.yaml", RETENTION.replace("recordings: 365", "recordings: 30"))
        bad = {
            "queues.yaml": ("queues:\n  - name: [\n", "line"),
            "alarms.yaml": ("- {name: x}\n", "alarms.yaml"),
            "telebank.toml": ("schema = 1\n[calls]\nlinse = 3\n", "linse"),
        }
        for name, (text, word) in bad.items():
            node.write(name, text)
            said = await node.say()
            assert said.exit_code == 2, said.output
            assert "nothing was changed" in said.output
            assert word in said.output
            report = await node.reloader.reload("SIGHUP")
            assert word in report.error
            (node.data / "config" / name).unlink()
        assert node.room.options is before
        assert node.retention.rules is rules, "not even the file that is well"
        again = await node.say("--json")
        assert json.loads(again.stdout.splitlines()[-1])["changed"] == ["retention.yaml"]
        assert node.retention.rules.recordings == 30
    told = [row for row in rows(tmp_path, tables.event) if row.actor == "SIGHUP"]
    assert [(row.kind, row.outcome) for row in told] == [("config.reloaded", "refused")] * 3
    first = told[0]
    assert "queues.yaml" in first.detail["error"]


async def test_opening_hours_of_a_queue_change_while_it_runs(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        node.write("queues.yaml", QUEUES)
        assert "nothing differs" in (await node.say()).output
        assert node.room.options.queues[0].most == 100
        node.write("queues.yaml", QUEUES.replace("most: 100", "most: 3"))
        said = await node.say()
        assert said.exit_code == 0, said.output
        assert said.output.endswith("in force: queues.yaml\n")
        assert node.room.options.queues[0].most == 3
        assert "nothing differs" in (await node.say()).output


async def test_what_only_a_restart_takes_is_named_and_goes_on_as_it_was(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        before = node.room.options
        queue = before.queues[0]
        node.write("queues.yaml", QUEUES.replace(f"  {queue.name}:\n", "  another:\n", 1))
        node.write("telebank.toml", "schema = 1\n[calls]\nlines = 7\n[disk]\nlow_mb = 501\n")
        for _ in range(2):
            said = await node.say()
            assert said.exit_code == 0, said.output
            assert "needs a restart: telebank.toml [calls]" in said.output
            assert "needs a restart: telebank.toml [disk]" in said.output
            assert "needs a restart: queues.yaml" in said.output
        assert node.room.options is before


async def test_menus_are_for_a_release(tmp_path: Path) -> None:
    async with running(tmp_path) as node:
        node.write("hours.yaml", (seed_dir() / "hours.yaml").read_text() + "# ours\n")
        assert "needs a release" in (await node.say()).output
