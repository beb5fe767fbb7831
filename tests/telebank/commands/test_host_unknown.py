"""`telebank host unknown` while a node runs, and after it was killed in the middle of a sending."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.staff_house import open_house
from support.store_kit import FakeClock, message, open_store, recorded
from telebank.commands.host.standing import IN_FLIGHT, Bench, node_runs
from telebank.commands.host.unknown import command
from telebank.settings import store_url
from telebank.store.engine import open_read_only
from telebank.store.unsettled import Unsettled, unsettled


def ask(folder: Path, *words: str) -> Result:
    """The command, 170 columns wide."""
    environment = {"TELEBANK_DATA": str(folder), "COLUMNS": "180"}
    return CliRunner(env=environment).invoke(command, list(words))


async def sent(folder: Path) -> tuple[str, Unsettled]:
    """A request that was sent and then nothing more: its node is gone."""
    async with open_store(folder, clock=FakeClock()) as store:
        request = await recorded(store, "r1")
        await store.journal.sending(message("r1", "000001"))
    engine = open_read_only(store_url(folder))
    with engine.connect() as connection:
        (row,) = unsettled(connection)
    engine.dispose()
    return request.reference, row


async def test_what_a_killed_node_was_sending_is_in_doubt(tmp_path: Path) -> None:
    reference, _ = await sent(tmp_path)
    listed = await asyncio.to_thread(ask, tmp_path, "--json")
    told = json.loads(listed.output)
    (row,) = told["rows"]
    assert (row["reference"], row["state"], row["standing"]) == (reference, "SENT", "in_doubt")
    assert (told["manual"], told["in_doubt"], told["node_runs"]) == (0, 1, False)
    table = await asyncio.to_thread(ask, tmp_path)
    assert "in doubt: settled when the node starts" in " ".join(table.output.split())
    assert "no node is running here: 1 in doubt" in table.output
    one = await asyncio.to_thread(ask, tmp_path, reference)
    assert "SENT: in doubt: settled when the node starts" in one.output
    assert [ran.exit_code for ran in (listed, table, one)] == [1, 1, 1]


async def test_without_a_node_and_without_rows_it_says_both(tmp_path: Path) -> None:
    async with open_store(tmp_path):
        pass
    ran = await asyncio.to_thread(ask, tmp_path)
    said = "every request has its end\nno node is running here\n"
    assert (ran.exit_code, ran.output) == (0, said)


@pytest.mark.parametrize("reference", ["999", "999999999999"])
async def test_a_reference_that_no_request_has(tmp_path: Path, reference: str) -> None:
    async with open_store(tmp_path):
        pass
    ran = await asyncio.to_thread(ask, tmp_path, reference)
    assert (ran.exit_code, f"no request has the reference {reference}" in ran.output) == (3, True)


async def test_how_a_row_stands(tmp_path: Path) -> None:
    _, row = await sent(tmp_path)

    def stands(after: timedelta, *, runs: bool = True, node: str = "01") -> tuple[str, bool]:
        judged = Bench(node, runs, row.since + after).judge(row)
        return judged.word, judged.stopped

    assert stands(IN_FLIGHT) == ("in_flight", False)
    assert stands(IN_FLIGHT + timedelta(seconds=1)) == ("in_doubt", False)
    assert stands(timedelta(0), runs=False) == ("in_doubt", True)
    assert stands(timedelta(0), runs=False, node="02") == ("in_flight", False)


async def test_a_running_node_is_seen_at_its_control_socket(tmp_path: Path) -> None:
    control = tmp_path / "control.sock"
    async with open_house(tmp_path) as house:
        assert await asyncio.to_thread(node_runs, tmp_path, control)
        await house.manual("r1")
        ran = await asyncio.to_thread(ask, tmp_path, "--json")
        assert json.loads(ran.output)["node_runs"] is True
        assert [row["standing"] for row in json.loads(ran.output)["rows"]] == [""]
    assert not await asyncio.to_thread(node_runs, tmp_path, control)


def test_where_the_socket_cannot_be_asked_the_process_is_looked_for(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120) / "control.sock"  # longer than a socket's name may be
    assert not node_runs(tmp_path, deep)
    (tmp_path / "run").mkdir()
    ready = tmp_path / "run" / "node.json"
    for text, runs in (
        ('{"pid": 1}', True),
        ('{"pid": 4194305}', False),
        ('{"pid": "x"}', False),
        ("no json", False),
    ):
        ready.write_text(text)
        assert node_runs(tmp_path, deep) is runs
