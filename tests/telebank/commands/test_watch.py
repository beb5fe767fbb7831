"""`telebank watch` and `telebank alarms` where they cannot do what they are asked."""

import asyncio
import json
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner

from telebank.commands.common import EXIT_UNREACHABLE, EXIT_USAGE
from telebank.commands.watch import running, serve
from telebank.main import main
from telebank.ops.alarms import Alarms
from telebank.ops.metrics_source import Place
from telebank.settings import Table, load_settings, store_url


def place(data: Path) -> Place:
    return Place(data, data / "control.sock", "01", store_url(data))


QUIET: dict[str, Table] = {"metrics": {"listen": "127.0.0.1:0", "every_s": 0.5}}


def asked(data: Path, *words: str) -> tuple[int, str]:
    ran = CliRunner().invoke(main, [*words, "--data", str(data)])
    return ran.exit_code, ran.output


def test_a_secret_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = tmp_path / "config" / "telebank.toml"
    file.parent.mkdir()
    file.write_text('schema = 1\n[snmp]\ncommunity_file = "snmp.community"\n')
    code, said = asked(tmp_path, "watch", "--metrics", "127.0.0.1:0", "--snmp", "127.0.0.1:0")
    assert code == EXIT_USAGE, said
    assert "keys/snmp.community" in said.replace("\n", "")


def test_alarms_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    file = tmp_path / "config" / "alarms.yaml"
    file.parent.mkdir()
    file.write_text("- {name: a}")
    code, said = asked(tmp_path, "watch", "--metrics", "127.0.0.1:0")
    assert code == EXIT_USAGE, said
    assert "alarms.yaml" in said


def test_a_port_that_is_taken_is_named_with_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, said = asked(tmp_path, "watch", "--metrics", f"127.0.0.1:{port}")
    assert code == EXIT_UNREACHABLE, said
    assert f"TCP 127.0.0.1:{port} is taken by" in said


def test_alarms_of_nobody(tmp_path: Path) -> None:
    code, said = asked(tmp_path, "alarms")
    assert code == EXIT_UNREACHABLE, said
    assert "telebank watch" in said
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "watch.json").write_text(json.dumps({"listen": "127.0.0.1:1"}))
    assert asked(tmp_path, "alarms")[0] == EXIT_UNREACHABLE


async def test_alarms_of_a_watcher_with_no_node(tmp_path: Path) -> None:
    async with running(load_settings(tmp_path, QUIET), place(tmp_path)) as (said, _):
        (tmp_path / "run").mkdir(exist_ok=True)
        (tmp_path / "run" / "watch.json").write_text(json.dumps(said))
        printed = ""
        for _ in range(60):
            code, printed = await asyncio.to_thread(asked, tmp_path, "alarms", "--language", "zh")
            if "node_away" in printed:
                break
            await asyncio.sleep(0.5)
    # about to be, or raised where the machine is slow
    assert ("待定" if code == 0 else "告警中") in printed, printed
    assert "节点没有应答" in printed


async def test_a_watcher_whose_work_fails_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> list[object]:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(Alarms, "looked", broken)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(serve(load_settings(tmp_path, QUIET), place(tmp_path)), 60)
    assert not (tmp_path / "run" / "watch.json").exists()
