"""`telebank corehost`: exit codes, JSON, one port line, no clear card number."""

import json
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

from click.testing import CliRunner, Result

from support.corehost_process import CoreHostProcess
from telebank.commands.corehost import command

TELEBANK = str(Path(sys.executable).with_name("telebank"))


def call(*words: str) -> Result:
    return CliRunner().invoke(command, list(words))


def run_to_end(*words: str) -> subprocess.CompletedProcess[str]:
    line = [TELEBANK, "corehost", "run", *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


def test_every_command_has_examples() -> None:
    for words in ((), ("run",), ("balance",), ("check",)):
        assert "Example" in call(*words, "--help").output


def test_balances_are_printed_masked(own_host: CoreHostProcess) -> None:
    folder, card = str(own_host.folder), own_host.cards[0].card
    one = call("balance", card, "--data", folder, "--json")
    assert json.loads(one.output)[0]["balance"] == "10000.00 CNY"
    assert card not in one.output
    everything = json.loads(call("balance", "--all", "--data", folder, "--json").output)
    assert sum(float(row["balance"].split()[0]) for row in everything) == 0
    assert "vault:CNY" in call("balance", "--all", "--data", folder).output


def test_balance_wants_one_card_or_all(own_host: CoreHostProcess) -> None:
    folder = str(own_host.folder)
    assert call("balance", "--data", folder).exit_code == 2
    assert call("balance", "6227", "--all", "--data", folder).exit_code == 2
    assert call("balance", "6227", "--data", folder).exit_code == 1


def test_no_bank_is_said_so(tmp_path: Path) -> None:
    for words in (("check",), ("balance", "--all")):
        result = call(*words, "--data", str(tmp_path))
        assert (result.exit_code, "no bank at" in result.output) == (3, True)


def test_check_is_fine_or_says_what_is_not(own_host: CoreHostProcess) -> None:
    folder = str(own_host.folder)
    assert call("check", "--data", folder).exit_code == 0
    assert own_host.stop() == 0
    db = sqlite3.connect(own_host.folder / "bank.sqlite3")
    db.executescript("DROP TRIGGER leg_kept; UPDATE leg SET minor = minor + 1 WHERE posting = 1")
    db.close()
    result = call("check", "--data", folder, "--json")
    assert result.exit_code == 1
    assert len(json.loads(result.output)["findings"]) >= 2


def test_a_taken_port_is_exit_3_and_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run_to_end("--listen", f"127.0.0.1:{port}", "--data", str(tmp_path / "bank"))
    assert result.returncode == 3
    assert f"127.0.0.1:{port}" in result.stderr


def test_mistakes_are_exit_2(own_host: CoreHostProcess, tmp_path: Path) -> None:
    second = run_to_end("--listen", "127.0.0.1:0", "--data", str(own_host.folder))
    assert (second.returncode, "another core host" in second.stderr) == (2, True)
    assert run_to_end("--listen", "nowhere").returncode == 2
    plan = tmp_path / "bad.json"
    plan.write_text('[{"action": "explode"}]')
    bad = run_to_end("--data", str(tmp_path / "other"), "--faults", str(plan))
    assert (bad.returncode, "explode" in bad.stderr) == (2, True)


def test_the_port_file_has_the_printed_line(tmp_path: Path) -> None:
    path = tmp_path / "port.json"
    with CoreHostProcess.start(tmp_path, "--port-file", str(path), "--no-ledger") as host:
        said = json.loads(path.read_text())
        assert (said["port"], said["ledger"]) == (host.port, False)
    assert not host.folder.joinpath("bank.sqlite3").exists()
