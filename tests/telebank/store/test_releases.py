"""Releases: what a start brings is kept once, the last publication is in force, and it comes back
byte for byte; the commands that show it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.store_kit import open_store, rows
from telebank.commands.release import command
from telebank.flow.release import hash_of, read_release, release_files
from telebank.settings import seed_dir
from telebank.store import tables
from telebank.store.releases import MAX_FILES, ReleaseError, lay_out

ONE = {"services.yaml": b"one\n", "flows/main.yaml": b"menu\n"}
TWO = {"services.yaml": b"two\n", "hosts/x.yaml": b"\xff\n"}


async def test_what_a_start_brings_is_kept_once_and_published_when_it_differs(place: Path) -> None:
    async with open_store(place) as store:
        assert await store.releases.current() is None
        first = await store.releases.begin(ONE)
        assert (first.number, first.hash, first.by) == (1, hash_of(ONE), "start")
        assert await store.releases.begin(ONE) == first
        second = await store.releases.begin(TWO)
        assert (second.number, await store.releases.current()) == (2, second)
        assert await store.releases.files(second.hash) == TWO
        back = await store.releases.begin(ONE)
        assert (back.number, back.hash) == (3, first.hash)
    assert len(rows(place, tables.release)) == 2
    assert len(rows(place, tables.release_file)) == 4
    said = rows(place, tables.event, tables.event.c.kind == "release.published")
    assert [event.detail["release"] for event in said] == [first.hash, second.hash, first.hash]
    alarms = rows(place, tables.event, tables.event.c.kind == "alarm.release")
    away = "flows/main.yaml removed, hosts/x.yaml added, services.yaml changed"
    back = "flows/main.yaml added, hosts/x.yaml removed, services.yaml changed"
    assert [event.detail["changed"] for event in alarms] == [away, back]
    assert [(event.detail["files"], event.actor) for event in alarms] == [(3, "start")] * 2
    assert [event.detail for event in said[1:]] == [event.detail for event in alarms]
    assert "changed" not in said[0].detail


async def test_the_shipped_release_comes_back_with_the_hash_that_requests_carry(
    place: Path,
) -> None:
    async with open_store(place) as store:
        now = await store.releases.begin(release_files(seed_dir()))
        folder = await store.releases.materialise(place / "run")
        (folder / "services.yaml").write_text("somebody wrote to it")
        assert await store.releases.materialise(place / "run") == folder
    assert now.hash == read_release(seed_dir()).hash == read_release(folder).hash
    assert folder.name == f"release-{now.hash[:16]}"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


async def test_another_node_sees_what_was_published(place: Path) -> None:
    async with (
        open_store(place, "01", nodes=2) as one,
        open_store(place, "02", nodes=2) as two,
    ):
        now = await one.releases.begin(ONE)
        assert await two.releases.current() == now
        assert await two.releases.begin(ONE) == now


async def test_too_much_and_nothing_are_refused(place: Path) -> None:
    many = {f"flows/{number}.yaml": b"" for number in range(MAX_FILES + 1)}
    async with open_store(place) as store:
        for files in (many, {}, {"flows/main.yaml": bytes(20_000_001)}):
            with pytest.raises(ReleaseError, match="a release has"):
                await store.releases.begin(files)
        with pytest.raises(ReleaseError, match="no release is in force"):
            await store.releases.materialise(place / "run")


def test_a_damaged_release_is_not_laid_out(tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="damaged"):
        lay_out(hash_of(ONE), TWO, tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_the_commands_show_releases(place: Path) -> None:
    async with open_store(place) as store:
        first = (await store.releases.begin(ONE)).hash
        second = (await store.releases.begin(TWO)).hash
    data = ["--data", str(place)]
    run = CliRunner()
    listed = json.loads(run.invoke(command, ["list", "--json", *data]).output)
    by_hash = {row["release"]: row for row in listed}
    assert (by_hash[first]["publications"], by_hash[first]["in_force"]) == ([1], False)
    assert (by_hash[second]["publications"], by_hash[second]["in_force"]) == ([2], True)
    assert "in force" in run.invoke(command, ["list", *data]).output
    shown = run.invoke(command, ["show", "current", *data]).output
    assert (second in shown, "hosts/x.yaml" in shown) == (True, True)
    assert run.invoke(command, ["show", first[:8], "services.yaml", *data]).output == "one\n"
    diff = run.invoke(command, ["diff", first[:8], "current", *data])
    assert diff.exit_code == 1
    for words in ("flows/main.yaml: removed", "hosts/x.yaml: added", "-one\n+two"):
        assert words in diff.output
    same = run.invoke(command, ["diff", first, first, "--json", *data])
    assert (same.exit_code, json.loads(same.output)["files"]) == (0, {})
    for wrong in (["show", "0" * 9], ["show", first, "none.yaml"], ["show", "%"]):
        assert run.invoke(command, [*wrong, *data]).exit_code == 1
