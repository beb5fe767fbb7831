"""A node killed in the middle of a publication: its next start has the old release or the new one,
whole; and a folder that differs from what people published changes nothing."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from support.bank_process import BankProcess, Voice
from support.release_scene import Staff, query
from telebank.flow.release import hash_of, release_files

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

CODE_S = 30
"""A code of the second factor lasts so long, and counts once."""


def test_old_or_new_whole_and_no_start_changes_it(voice: Voice, tmp_path: Path) -> None:
    with BankProcess.start(tmp_path / "bank", voice) as bank:
        staff = Staff.found(bank, tmp_path / "private")
        old = staff.say(staff.chen, "status", "--json").json["release"]
        folder = tmp_path / "new"
        assert staff.say(staff.chen, "export", "current", str(folder)).code == 0
        hours = folder / "services.yaml"
        hours.write_text(hours.read_text("utf-8") + "# as of May\n", "utf-8")
        new = hash_of(release_files(folder))
        proposed = staff.say(staff.chen, "propose", str(folder), "--note", "as of May")
        assert proposed.code == 0, proposed

        laid_out = bank.data / "run" / f"release-{new[:16]}"
        _killed_when(bank, staff, new, laid_out.exists)
        assert _in_force(staff) == (old, 1)
        assert query(bank, "SELECT state FROM approval WHERE object = ?", new) == [("pending",)]

        _log_in_again(staff)
        _killed_when(bank, staff, new, lambda: len(_published(bank)) == 2)
        assert _in_force(staff) == (new, 2)
        assert query(bank, "SELECT state FROM approval WHERE object = ?", new) == [("approved",)]
        kinds = [kind for (kind,) in query(bank, "SELECT kind FROM event ORDER BY sequence")]
        assert kinds.count("release.published") == 2

        own = bank.data / "config" / "hosts" / "tb87.yaml"
        own.parent.mkdir(parents=True)
        own.write_bytes((folder / "hosts" / "tb87.yaml").read_bytes() + b"# mine\n")
        bank.restart()
        assert _in_force(staff) == (new, 2)
        alarms = "SELECT outcome FROM event WHERE kind = 'alarm.release'"
        assert query(bank, alarms) == [("not_taken",)]
        assert "DATA/config is not in force" in bank.log_text()


def _killed_when(bank: BankProcess, staff: Staff, new: str, now: Callable[[], bool]) -> None:
    """Approve, kill the node at that moment, and start it again."""
    with ThreadPoolExecutor(1) as thread:
        approving = thread.submit(staff.say, staff.wu, "approve", new[:16])
        deadline = time.monotonic() + 60
        while not now():
            assert time.monotonic() < deadline, approving.result()
        bank.kill()
        approving.result()
    bank.restart()


def _published(bank: BankProcess) -> list[int]:
    return [number for (number,) in query(bank, "SELECT number FROM publication")]


def _in_force(staff: Staff) -> tuple[str, int]:
    """By the node and by the store: they must agree."""
    status = staff.say(staff.chen, "status", "--json").json
    listed = staff.say(staff.chen, "list", "--json").json
    (stored,) = [row["release"] for row in listed if row["in_force"]]
    assert (status["release"], status["new_calls"]) == (stored, stored)
    return stored, status["publication"]


def _log_in_again(staff: Staff) -> None:
    """Logins end with the node; the next code is the first that counts."""
    at = datetime.now(UTC).timestamp()
    time.sleep(CODE_S - at % CODE_S + 0.5)
    staff.desk.login(staff.wu)
