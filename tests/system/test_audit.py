"""A real node's log, verified by an auditor with one file, anchors and public keys."""

import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.audit_log import AuditLog
from support.bank_process import BankProcess, Voice
from support.store_kit import rows
from telebank.main import main
from telebank.store.tables import event

pytestmark = pytest.mark.system
SOON_S = 60.0
POLL_S = 0.1


def telebank(data: Path, *words: str) -> Result:
    return CliRunner(env={"TELEBANK_DATA": str(data)}).invoke(main, ["audit", *words])


def wait_for_anchors(log: AuditLog, beyond: int) -> int:
    """Wait until one more is copied; returns how many there are."""
    deadline = time.monotonic() + SOON_S
    while (found := len(list(log.anchors.rglob("*.checkpoint")))) <= beyond:
        assert time.monotonic() < deadline, f"{found} anchors after {SOON_S} s"
        time.sleep(POLL_S)
    return found


def test_a_node_is_killed_begun_anew_and_audited(tmp_path: Path, voice: Voice) -> None:
    log = AuditLog(tmp_path)
    log.anchors.mkdir()
    settings = {"every_s": 1, "heartbeat_s": 1, "anchors": [str(log.anchors)]}
    with BankProcess.start(tmp_path, voice, audit=settings) as bank:
        before = wait_for_anchors(log, 0)
        noted = telebank(tmp_path, "keys")
        assert noted.exit_code == 0, noted.output
        log.keys.write_text(noted.output, encoding="utf-8")
        bank.kill()
        assert telebank(tmp_path, "rotate").exit_code == 0
        bank.run()
        wait_for_anchors(log, before)
        assert bank.stop() == 0

    file = tmp_path / "log.jsonl"
    written = telebank(tmp_path, "export", "--all", str(file))
    assert written.exit_code == 0, written.output
    (one,) = log.verify(file)["logs"]
    assert not one["faults"]
    (stopped,) = rows(tmp_path, event, event.c.kind == "node.stopped")
    assert one["last_good_anchor"] >= stopped.sequence, "a stop signs what came before it"
    words = ["--anchors", str(log.anchors), "--keys", str(log.keys)]
    good = telebank(tmp_path, "verify", str(file), *words)
    assert (good.exit_code, good.output.splitlines()[-1]) == (0, "GOOD")

    proof = tmp_path / "entry.json"
    proof.write_text(telebank(tmp_path, "prove", "2").output, encoding="utf-8")
    assert telebank(tmp_path, "verify", str(proof), *words).exit_code == 0
    elsewhere = telebank(tmp_path, "verifier").output
    assert elsewhere.startswith("#!/usr/bin/env python3\n")

    log.sql("UPDATE event SET outcome = 'other' WHERE sequence = 2")
    bad = tmp_path / "bad.jsonl"
    assert telebank(tmp_path, "export", "--all", str(bad)).exit_code == 0
    found = telebank(tmp_path, "verify", str(bad), *words)
    assert found.exit_code == 1
    assert "FIRST BAD ENTRY 01-2\n" in found.output
