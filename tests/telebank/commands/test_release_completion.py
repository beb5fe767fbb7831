"""Hashes of releases for the shell: to approve, only those that wait for it."""

from pathlib import Path

from click.shell_completion import ShellComplete

from support.publishing_nodes import founders, proposed
from support.store_kit import open_store
from telebank.commands.release import command
from telebank.store.clock import SystemClock
from telebank.store.releases import SHORT

SHIPPED = {"services.yaml": b"services: {}\n"}
WAITING = {"services.yaml": b"services: {} # changed\n"}


def found(data: Path, verb: str, begun: str = "") -> list[str]:
    shell = ShellComplete(command, {}, "release", "_X")
    return [item.value for item in shell.get_completions([verb, "--data", str(data)], begun)]


async def test_what_waits_is_completed(tmp_path: Path) -> None:
    async with open_store(tmp_path, clock=SystemClock()) as store:
        in_force = await store.releases.begin(SHIPPED)
        await founders(store)
        waits = (await proposed(store, WAITING)).object
    name = waits[:SHORT]
    for verb in ("approve", "reject"):
        assert found(tmp_path, verb) == [name]
        assert found(tmp_path, verb, name[:2]) == [name]
        assert found(tmp_path, verb, "z") == []
    assert {name, in_force.hash[:SHORT], "current"} == set(found(tmp_path, "show"))


def test_without_a_store_there_is_nothing(tmp_path: Path) -> None:
    for verb in ("approve", "reject", "show"):
        assert found(tmp_path / "none", verb) == []
