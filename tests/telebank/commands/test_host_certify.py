"""`telebank host certify`: hosts of ours, hosts of a bank's own, databases."""

import json
from pathlib import Path

import pytest

from support.corehost_process import CoreHostProcess
from support.host_command import SHIPPED, run
from telebank.settings import seed_dir


def test_a_certification_is_signed_and_verified(tmp_path: Path) -> None:
    report, data = tmp_path / "tb87.html", str(tmp_path)
    words = ("tb87", "--only", "service.card", "--only", "timeout.after", "--seed", "7")
    result = run("certify", *words, "--report", str(report), "--data", data, "--json")
    found = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (found["verdict"], found["failed"], found["seed"]) == ("passed", 0, "7")
    assert {one["id"] for one in found["scenarios"]} >= {"timeout.after", "host.books"}
    assert run("verify", str(report), "--data", data).exit_code == 0
    assert "THIS WAS THE DEMO HOST" in report.read_text(encoding="utf-8")
    report.write_text(report.read_text().replace("REVERSED", "APPROVED"))
    touched = run("verify", str(report), "--data", data, "--json")
    assert touched.exit_code == 1
    assert len(json.loads(touched.stdout)["findings"]) == 2


def test_a_banks_own_host_that_fails_is_exit_1(host: CoreHostProcess, tmp_path: Path) -> None:
    cards = tmp_path / "cards.yaml"
    cards.write_text(
        f'schema: 1\npayers:\n- {{card: "{host.cards[5].card}", pin: "000000000000"}}\n'
        f'payee: {{card: "{host.cards[6].card}"}}\n'
    )
    cards.chmod(0o600)
    where = ("--host", f"127.0.0.1:{host.port}", "--manual", "--cards", str(cards))
    words = ("--keys", str(host.keys), "--only", "service.pin.verify", "--data", str(tmp_path))
    result = run("certify", "tb87", *where, *words, "--timeout", "0.5", "--json")
    found = {one["id"]: one for one in json.loads(result.stdout)["scenarios"]}
    assert result.exit_code == 1
    assert found["service.pin.verify"]["wrong"][0]["seen"] == "declined"
    assert found["service.pin.verify.wrong"]["verdict"] == "passed"
    assert "no test customer is 'locked'" in found["service.pin.verify.locked"]["why"]


def test_a_host_of_ones_own_needs_three_words(tmp_path: Path) -> None:
    result = run("certify", "tb87", "--host", "127.0.0.1:1", "--data", str(tmp_path))
    assert result.exit_code == 2
    assert "--manual and --cards" in result.output
    assert "--host 10.1.2.3:8583" in result.output


def test_a_report_that_cannot_be_written_is_said_before_the_run(tmp_path: Path) -> None:
    report = tmp_path / "none" / "x.html"
    result = run("certify", "tb87", "--report", str(report), "--data", str(tmp_path))
    assert result.exit_code == 2
    assert f"make the folder {report.parent} first" in result.output


def test_scenarios_that_are_not_there_are_answered_by_those_that_are(tmp_path: Path) -> None:
    words = ("--only", "link.", "--only", "nosuch.", "--data", str(tmp_path))
    result = run("certify", "tb87", *words)
    assert result.exit_code == 2
    assert "--only nosuch.: " in result.output
    assert "timeout., late." in result.output


def test_a_host_reached_by_sql_is_checked_too(tmp_path: Path) -> None:
    result = run("check", "sql-demo", "--json", "--data", str(tmp_path))
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert "transfer.card_to_card" in {one["service"] for one in report["services"]}
    refused = run("send", "sql-demo", "card.balance", "--data", str(tmp_path))
    assert refused.exit_code == 2
    text = (seed_dir() / "hosts" / "sql-demo.yaml").read_text(encoding="utf-8")
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(text.replace("    reference: reference ", "    referense: reference "))
    found = run("check", str(wrong), "--json", "--data", str(tmp_path))
    assert found.exit_code == 1
    assert "wrong.yaml" in found.stdout
    assert "host_file" in found.stdout


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_database_is_certified_with_the_same_scenarios(tmp_path: Path, dialect: str) -> None:
    report, data = tmp_path / "sql.html", str(tmp_path)
    words = ["--dialect", dialect, "--report", str(report), "--data", data, "--json"]
    for only in ("service.card.balance", "timeout.after", "wrong.mac", "recovery.query.never"):
        words += ["--only", only]
    result = run("certify", "sql-demo", *words)
    found = json.loads(result.stdout)
    verdicts = {one["id"]: one["verdict"] for one in found["scenarios"]}
    assert result.exit_code == 0, result.stdout
    assert verdicts.pop("wrong.mac") == "not_applicable"
    assert set(verdicts.values()) == {"passed"}
    assert {"timeout.after", "recovery.query.never", "host.books"} <= verdicts.keys()
    assert (found["not_applicable"], found["not_tried"]) == (1, 0)
    assert run("verify", str(report), "--data", data).exit_code == 0


def test_a_bank_s_own_database_is_a_section_of_the_settings(tmp_path: Path) -> None:
    cards = tmp_path / "cards.yaml"
    cards.write_text(
        'schema: 1\npayers:\n- {card: "6227009000000351"}\npayee: {card: "6227009000000369"}\n'
    )
    cards.chmod(0o600)
    where = ("--host", "nowhere", "--manual", "--cards", str(cards), "--data", str(tmp_path))
    result = run("certify", "sql-demo", *where)
    assert result.exit_code == 2
    assert "no section [hosts.nowhere]" in result.output


@pytest.mark.parametrize(
    "changes",
    [
        [
            ("mti: ascii", "mti: bcd"),
            ("numeric: ascii", "numeric: bcd"),
            ("lengths: ascii", "lengths: bcd"),
        ],
        [("{use: none, value", "{use: required, value"), ("bitmap: binary", "bitmap: hex")],
        [
            ("size: 2, form: binary", "size: 4, form: binary"),
            ("algorithm: aes-cmac", "algorithm: x9.19"),
        ],
    ],
    ids=["bcd", "tpdu-hex", "four-bytes-x9.19"],
)
def test_another_profile_needs_no_other_scenarios(
    tmp_path: Path, changes: list[tuple[str, str]]
) -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "other.yaml"
    path.write_text(text, encoding="utf-8")
    only = ("frame.", "cut.reply.1", "wrong.mac", "wrong.garbled", "timeout.after", "cutover.")
    words = [word for one in only for word in ("--only", one)]
    result = run(
        "certify", str(path), *words, "--timeout", "0.3", "--data", str(tmp_path), "--json"
    )
    found = json.loads(result.stdout)
    assert [one for one in found["scenarios"] if one["verdict"] != "passed"] == []
    assert found["passed"] > 8
