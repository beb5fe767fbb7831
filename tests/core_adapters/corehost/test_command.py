"""`telebank corehost`: exit codes, JSON, one port line, no clear card number."""

import json
import re
import socket
import sqlite3
import subprocess
import sys
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from core_adapters.corehost.faults import Act, Match, parse_action, parse_plan
from core_adapters.hostfile import read_host_file
from core_adapters.iso8583.profile_load import load_profile
from support.corehost_client import PROFILE, Line, Terminal
from support.corehost_process import CoreHostProcess
from telebank.commands.corehost import command
from transactions.reconcile_values import HostRow

DOCUMENT = Path(__file__).parents[3] / "docs" / "corehost.md"
TELEBANK = str(Path(sys.executable).with_name("telebank"))


def call(*words: str) -> Result:
    return CliRunner().invoke(command, list(words))


def run_to_end(*words: str) -> subprocess.CompletedProcess[str]:
    line = [TELEBANK, "corehost", "run", *words]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)


def test_every_command_has_examples() -> None:
    for words in ((), *((name,) for name in command.commands)):
        assert "Example" in call(*words, "--help").output


def test_balances_are_printed_masked(own_host: CoreHostProcess) -> None:
    folder, card = str(own_host.folder), own_host.cards[0].card
    one = call("balance", card, "--data", folder, "--json")
    assert json.loads(one.output)[0]["balance"] == "10000.00 CNY"
    assert card not in one.output
    everything = json.loads(call("balance", "--all", "--data", folder, "--json").output)
    assert sum(Decimal(row["balance"].split()[0]) for row in everything) == 0
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


async def test_the_days_file_is_what_the_profile_says_and_agrees_with_the_totals(
    own_host: CoreHostProcess, tmp_path: Path
) -> None:
    line = await Line.open(own_host.port, Terminal(own_host.keys))
    orders = [
        (await line.move(own_host.cards[n].card, own_host.cards[n + 1].card, fen))[0]
        for n, fen in enumerate((100, 600_000, 2_500))
    ]
    assert await line.code(line.terminal.reversal(orders[1])) == "00"
    echo = await line.ask(line.terminal.network("301"))
    totals = await line.ask(line.terminal.totals(echo.fields[15]))
    day = own_host.tell("cut-over")["business_date"]
    today = f"{date.fromisoformat(day) - timedelta(days=1)}"
    path = tmp_path / "day.csv"
    result = call("file", "--date", today, "--data", str(own_host.folder), "-o", str(path))
    assert (result.exit_code, "3 row(s)" in result.output) == (0, True)
    printed = call("file", "--date", today, "--data", str(own_host.folder)).output
    assert printed.splitlines() == path.read_text().splitlines()
    section = load_profile(PROFILE).host_file
    assert section is not None
    rows = [row for row in read_host_file(path, section) if isinstance(row, HostRow)]
    assert [row.reference for row in rows] == [order.fields[37] for order in orders]
    assert [row.status for row in rows] == ["posted", "reversed", "posted"]
    assert {str(row.business_date) for row in rows} == {today}
    assert int(totals.fields[88]) == sum(row.amount for row in rows)
    assert int(totals.fields[89]) == rows[1].amount
    assert int(totals.fields[84]) == 0
    assert all(card.card not in printed for card in own_host.cards)


def test_file_mistakes_are_said(tmp_path: Path, own_host: CoreHostProcess) -> None:
    folder = str(own_host.folder)
    assert call("file", "--date", "22.11.2026", "--data", folder).exit_code == 2
    assert call("file", "--date", "2026-11-22", "--data", str(tmp_path / "none")).exit_code == 3
    (tmp_path / "plain").write_text("no folder")
    nowhere = str(tmp_path / "plain" / "x.csv")
    assert call("file", "--date", "2026-11-22", "--data", folder, "-o", nowhere).exit_code == 2
    made = tmp_path / "hostfiles" / "x.csv"
    assert call("file", "--date", "2026-11-22", "--data", folder, "-o", str(made)).exit_code == 0
    assert made.exists()
    words = ("--date", "2026-11-22", "--data", folder, "-o", str(tmp_path / "x.csv"), "--json")
    assert json.loads(call("file", *words).output)["rows"] == 0


def test_help_and_document_name_every_action_and_key() -> None:
    said = call("run", "--help").output
    document = DOCUMENT.read_text(encoding="utf-8")
    for act in Act:
        assert re.search(rf"\b{act.value}\b", said)
        assert re.search(rf"^\| `{act.value}[ `].*\| `\"{act.value}\b.*`", document, re.M)
    for key in Match.__struct_fields__:
        assert re.search(rf"\b{key}\b", said)
        assert f"\n| `{key}` |" in document


def test_the_plans_of_the_document_are_plans() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    plans = re.findall(r"```json\n(.*?)```", document, re.S)
    examples = re.findall(r"\| `\"([a-z_]+[^`]*)\"` \|$", document, re.M)
    assert all(parse_plan(plan.encode()) for plan in plans)
    named = [one for one in examples if one.split()[0] in {act.value for act in Act}]
    assert {parse_action(one).act for one in named} == {*Act}


def test_a_broken_plan_says_what_to_write(tmp_path: Path) -> None:
    plan = tmp_path / "faults.json"
    plan.write_text('[{"match": {"mti": "0200"},\n "action": "drop_after"')
    refused = run_to_end("--faults", str(plan), "--data", str(tmp_path / "bank"))
    assert refused.returncode == 2
    assert f"{plan}: not JSON: line 2" in refused.stderr
    assert '"action": "drop_after", "times": 1}]' in refused.stderr


async def test_the_date_moves_by_command(own_host: CoreHostProcess) -> None:
    folder = str(own_host.folder)
    line = await Line.open(own_host.port, Terminal(own_host.keys))
    await line.sign_on()
    said = json.loads(call("cut-over", "--data", folder, "--json").output)
    assert said["connections_told"] == 1
    told = await line.reply()
    assert told.fields[15] == said["business_date"][5:].replace("-", "")
    for _ in range(2):
        assert "told to 1 connection" in call("cut-over", "--data", folder).output
    refused = call("cut-over", "--data", folder)
    assert (refused.exit_code, "ahead of the clock" in refused.stderr) == (1, True)


@pytest.mark.parametrize("words", [("cut-over",), ("key-change", "mak")])
def test_a_command_to_no_host_is_exit_3(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = call(*words, "--data", str(tmp_path))
    assert (result.exit_code, "no core host runs" in result.output) == (3, True)


def test_a_key_change_without_a_gateway_is_exit_1(own_host: CoreHostProcess) -> None:
    result = call("key-change", "mak", "--data", str(own_host.folder))
    assert (result.exit_code, "nothing was changed" in result.output) == (1, True)
    assert call("key-change", "kbpk", "--data", str(own_host.folder)).exit_code == 2


def test_tls_needs_both_files_and_good_ones(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "bank"), "--listen", "127.0.0.1:0")
    half = run_to_end(*data, "--tls-ca", "ca.pem")
    assert (half.returncode, "--tls-certificate" in half.stderr) == (2, True)
    none = run_to_end(*data, "--tls-certificate", "a.pem", "--tls-key", "a.key")
    assert (none.returncode, "a.pem: no such file" in none.stderr) == (2, True)
