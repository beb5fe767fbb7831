"""`telebank audit` over a real store; the verifier is tried in tests/telebank/store."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.audit_log import AuditLog
from telebank.commands.bench import command as bench
from telebank.main import main


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return asyncio.run(AuditLog.make(tmp_path, (6, 4)))


def audit(log: AuditLog, *words: str) -> Result:
    return CliRunner(env={"TELEBANK_DATA": str(log.folder)}).invoke(main, ["audit", *words])


def test_an_export_is_one_new_file_for_its_owner_alone(log: AuditLog) -> None:
    file = log.folder / "log.jsonl"
    ran = audit(log, "export", "--all", str(file), "--json")
    assert ran.exit_code == 0, ran.output
    said = json.loads(ran.stdout)
    assert said == {"file": str(file), "logs": [{"node": "01", "first": 1, "last": 10}]}
    assert file.stat().st_mode & 0o777 == 0o600
    assert log.verify(file)["good"]
    again = audit(log, "export", "--all", str(file))
    assert again.exit_code == 2
    assert "is there already" in again.output


def test_personal_detail_is_left_out_where_it_is_not_wanted(log: AuditLog) -> None:
    file = log.folder / "log.jsonl"
    assert audit(log, "export", "--all", "--without-personal", str(file)).exit_code == 0
    assert "138****" not in file.read_text(encoding="utf-8")


def test_a_time_is_a_part(log: AuditLog) -> None:
    # The store's clock stands at noon in Beijing, 31 March.
    file = log.folder / "march.jsonl"
    ran = audit(log, "export", "--from", "2026-03-31T03:00", "--to", "2026-04-01", str(file))
    assert ran.output.splitlines()[-1] == "node 01: entries 1 to 10"
    assert log.verify(file, "--part")["good"]
    none = audit(log, "export", "--from", "2026-04-01", str(log.folder / "april.jsonl"))
    assert none.exit_code == 1
    assert "no entries then" in none.output


@pytest.mark.parametrize(
    "words", [[], ["--all", "--from", "2h"], ["--to", "2h"], ["--all", "--node", "07"]]
)
def test_an_export_of_nothing_clear_is_refused(log: AuditLog, words: list[str]) -> None:
    assert audit(log, "export", *words, str(log.folder / "odd.jsonl")).exit_code == 2
    assert not list(log.folder.glob("odd*"))


def test_a_part_whose_beginning_is_gone_is_said_and_leaves_no_file(log: AuditLog) -> None:
    log.sql("DELETE FROM leaf WHERE sequence = 8", "UPDATE event SET utc_us = 1 WHERE sequence < 9")
    ran = audit(log, "export", "--from", "2026-01-01", str(log.folder / "odd.jsonl"))
    assert ran.exit_code == 1
    assert "the leaf of entry 01-8 is gone: export the whole log" in ran.output
    assert not list(log.folder.glob("odd*"))


def test_keys_are_as_the_verifier_reads_them(log: AuditLog) -> None:
    log.keys.write_text(audit(log, "keys").output, encoding="utf-8")
    assert log.verify()["good"]
    (one,) = json.loads(audit(log, "keys", "--json").output)
    assert (one["node"], one["number"]) == ("01", 1)


def test_the_next_key(log: AuditLog) -> None:
    ran = audit(log, "rotate", "--json")
    assert json.loads(ran.output)["number"] == 2
    file = log.folder / "keys" / "audit01k2.key"
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text(encoding="ascii").strip() not in ran.output


def test_a_node_that_never_ran_has_no_next_key(tmp_path: Path) -> None:
    ran = audit(AuditLog(tmp_path), "rotate")
    assert ran.exit_code == 2
    assert "made at its first start" in ran.output


def test_what_cannot_be_proved(log: AuditLog) -> None:
    assert "no entry 01-11" in audit(log, "prove", "11").output
    asyncio.run(log.unsigned(1))
    waits = audit(log, "prove", "11")
    assert waits.exit_code == 1
    assert "no checkpoint stands for entry 01-11 yet" in waits.output
    assert json.loads(audit(log, "prove", "10", "--node", "01").output)["type"]


def test_the_verifier_says_what_it_found_in_words(log: AuditLog) -> None:
    log.sql("UPDATE event SET actor = 'nobody' WHERE sequence = 8")
    words = [str(log.export()), "--anchors", str(log.anchors), "--keys", str(log.keys)]
    ran = audit(log, "verify", *words)
    assert ran.exit_code == 1
    said = ran.output.splitlines()
    assert "node 01: FIRST BAD ENTRY 01-8" in said
    assert any(line.startswith("node 01: last good anchor: 6, ") for line in said)
    assert said[-1] == "NOT GOOD"


def test_the_measurement_ends_with_a_good_log() -> None:
    ran = CliRunner().invoke(bench, ["audit", "--entries", "300", "--json"])
    assert ran.exit_code == 0, ran.output
    said = json.loads(ran.output)
    assert said["good"]
    assert said["entries_per_s"] > 0
    assert said["verified_per_s"] > 0
