"""Attacks on the audit log: each is found by a verifier that has an export, anchors and public keys
alone, and it names the first bad entry and the last good anchor."""

import ast
import asyncio
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from support import store_run
from support.audit_log import AuditLog
from telebank.audit import verify as verifier_file
from telebank.store.audit_export import Span

BATCHES = (10, 7, 8)
"""Anchors of sizes 10, 17 and 25."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log as it was written, to be copied."""
    folder = tmp_path_factory.mktemp("log")
    asyncio.run(AuditLog.make(folder, BATCHES))
    return folder


@pytest.fixture
def log(template: Path, tmp_path: Path) -> AuditLog:
    store_run.copy(template, tmp_path)
    return AuditLog(tmp_path)


def found(log: AuditLog, *words: str) -> tuple[Any, Any, Any]:
    """First and last of what may be the first bad entry, and the last good anchor."""
    said = log.verify(None, *words)
    assert not said["good"]
    assert said["logs"][0]["faults"]
    one = said["logs"][0]
    return one["first_bad"], one["last_bad"], one["last_good_anchor"]


def test_an_untouched_log_is_good(log: AuditLog) -> None:
    said = log.verify()
    assert said["good"]
    (one,) = said["logs"]
    assert (one["node"], one["entries"], one["anchors"], one["checkpoints"]) == ("01", 25, 3, 3)
    assert (one["first_bad"], one["last_good_anchor"]) == (None, 25)
    assert one["without_personal"] == 0


def test_an_entry_is_edited(log: AuditLog) -> None:
    log.sql("UPDATE event SET actor = 'nobody' WHERE sequence = 12")
    assert found(log) == (12, 12, 10)


def test_an_entry_is_edited_and_hashed_again(log: AuditLog) -> None:
    log.sql("UPDATE event SET actor = 'nobody' WHERE sequence = 12")
    log.rehash()
    assert found(log) == (12, 12, 10)


def test_a_leaf_is_edited(log: AuditLog) -> None:
    log.sql(f"UPDATE leaf SET hash = {log.zeros()} WHERE sequence = 12")
    assert found(log) == (12, 12, 10)


def test_an_entry_is_deleted_in_the_middle(log: AuditLog) -> None:
    log.sql("DELETE FROM event WHERE sequence = 12", "DELETE FROM leaf WHERE sequence = 12")
    assert found(log) == (12, 12, 10)


def test_an_entry_is_deleted_and_only_its_leaf_left(log: AuditLog) -> None:
    log.sql("DELETE FROM event WHERE sequence = 12")
    assert found(log) == (12, 12, 10)


def test_an_entry_is_deleted_and_the_gap_closed(log: AuditLog) -> None:
    log.sql(
        "DELETE FROM event WHERE sequence = 12",
        "UPDATE event SET sequence = -(sequence - 1) WHERE sequence > 12",
        "UPDATE event SET sequence = -sequence WHERE sequence < 0",
    )
    log.rehash()
    assert found(log) == (12, 12, 10)


def test_entries_are_put_in_another_order(log: AuditLog) -> None:
    log.sql(
        "UPDATE event SET sequence = -14 WHERE sequence = 12",
        "UPDATE event SET sequence = 12 WHERE sequence = 14",
        "UPDATE event SET sequence = 14 WHERE sequence = -14",
    )
    log.rehash()
    assert found(log) == (12, 12, 10)


@pytest.mark.parametrize("also", ["", "DELETE FROM checkpoint WHERE size > 20"])
def test_the_end_is_cut_off_past_an_anchor(log: AuditLog, also: str) -> None:
    log.sql("DELETE FROM event WHERE sequence > 20", "DELETE FROM leaf WHERE sequence > 20")
    log.sql(also)
    assert found(log) == (21, 21, 17)


@pytest.mark.sqlite_file
async def test_the_whole_table_is_replaced(log: AuditLog, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    await AuditLog.make(other, BATCHES)  # by somebody with another key
    for name in tmp_path.glob("telebank.db*"):
        name.unlink()
    shutil.copy(other / "telebank.db", tmp_path / "telebank.db")
    first, _, anchor = found(log)
    assert (first, anchor) == (1, None)


def test_the_log_is_written_anew_with_the_stolen_key(log: AuditLog) -> None:
    log.sql("UPDATE event SET actor = 'nobody' WHERE sequence = 12")
    log.rehash()
    log.resign()
    assert found(log) == (12, 12, 10)


def test_it_is_cut_and_signed_anew_with_the_stolen_key(log: AuditLog) -> None:
    log.sql(
        "DELETE FROM event WHERE sequence > 20",
        "DELETE FROM leaf WHERE sequence > 20",
        "DELETE FROM checkpoint WHERE size > 20",
    )
    log.resign()
    assert found(log) == (21, 21, 17)


def test_without_copied_leaves_the_first_bad_entry_is_one_of_some(log: AuditLog) -> None:
    for path in log.anchors.rglob("*.leaves"):
        path.unlink()
    log.sql("UPDATE event SET actor = 'nobody' WHERE sequence = 12")
    log.rehash()
    log.resign()
    assert found(log) == (11, 17, 10)


def test_without_copied_leaves_a_missing_entry_is_named(log: AuditLog) -> None:
    for path in log.anchors.rglob("*.leaves"):
        path.unlink()
    log.sql("DELETE FROM event WHERE sequence = 12", "DELETE FROM leaf WHERE sequence = 12")
    assert found(log) == (12, 12, 10)


def test_copied_leaves_that_were_changed_prove_nothing(log: AuditLog) -> None:
    (leaves,) = log.anchors.rglob("000000000010-000000000017.leaves")
    leaves.write_bytes(bytes(leaves.stat().st_size))
    assert log.verify()["good"]
    log.sql("UPDATE event SET actor = 'nobody' WHERE sequence = 12")
    log.rehash()
    log.resign()
    assert found(log) == (11, 17, 10)


def test_an_anchor_is_changed(log: AuditLog) -> None:
    (anchor,) = log.anchors.rglob("000000000017.checkpoint")
    anchor.write_text(anchor.read_text(encoding="utf-8").replace("\n17\n", "\n18\n"), "utf-8")
    said = log.verify()
    assert not said["good"]
    assert "is not signed by a trusted key" in said["logs"][-1]["faults"][0]


def test_two_anchors_of_one_size_differ(log: AuditLog) -> None:
    (anchor,) = log.anchors.rglob("000000000017.checkpoint")
    kept = anchor.read_text(encoding="utf-8")
    log.sql("UPDATE event SET actor = 'nobody' WHERE sequence = 12")
    log.rehash()
    log.resign()
    (twin,) = (one for one in _notes(log) if one.split("\n")[1] == "17")
    assert twin != kept
    (anchor.parent / "later").mkdir()
    (anchor.parent / "later" / anchor.name).write_text(twin, encoding="utf-8")
    assert "are of one size and differ" in log.verify()["logs"][-1]["faults"][0]


def _notes(log: AuditLog) -> list[str]:
    lines = map(json.loads, log.export().read_text(encoding="utf-8").splitlines())
    return [said["note"] for said in lines if said.get("type") == "checkpoint"]


def test_the_log_of_a_node_is_left_out(log: AuditLog) -> None:
    file = log.export()
    head, *_, end = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text(head + end, encoding="utf-8")
    said = log.verify(file)
    assert "node 01 has anchors, and the export nothing of it" in said["logs"][0]["faults"]
    assert said["logs"][0]["first_bad"] == 1


def test_the_file_is_cut_short(log: AuditLog) -> None:
    file = log.export()
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(lines[:-5]), encoding="utf-8")
    assert "cut short" in log.verify(file)["logs"][-1]["faults"][0]
    file.write_text("".join(lines)[:-3], encoding="utf-8")
    assert "cut short" in log.verify(file)["logs"][-1]["faults"][0]


async def test_what_no_anchor_stands_for_yet_is_protected_by_nothing(log: AuditLog) -> None:
    await log.unsigned(4)
    log.sql("UPDATE event SET actor = 'nobody' WHERE sequence = 27")
    log.rehash()
    said = log.verify()
    assert said["good"]
    assert (said["logs"][0]["last"], said["logs"][0]["last_good_anchor"]) == (29, 25)


def test_an_export_without_anchors_is_not_verified(log: AuditLog) -> None:
    ran = log.run_verifier(log.export())
    assert ran.returncode == 1
    assert "give --anchors" in ran.stdout


# -- personal detail ------------------------------------------------------------------------------


def test_a_person_is_erased_and_the_log_stays_good(log: AuditLog) -> None:
    log.sql("UPDATE event SET personal = NULL, salt = NULL WHERE sequence IN (3, 12)")
    said = log.verify()
    assert said["good"]
    assert said["logs"][0]["without_personal"] == 2


def test_personal_detail_is_changed(log: AuditLog) -> None:
    log.sql("""UPDATE event SET personal = '{"from_masked":"139****0012"}' WHERE sequence = 12""")
    assert found(log) == (12, 12, 10)


def test_an_export_without_personal_detail(log: AuditLog) -> None:
    file = log.export(personal=False)
    assert "138****" not in file.read_text(encoding="utf-8")
    said = log.verify(file)
    assert said["good"]
    assert said["logs"][0]["without_personal"] == 8


# -- parts and proofs -----------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "last"), [(5, 12), (11, 17), (1, 3), (18, 25)])
def test_a_part_is_verified_as_a_part_alone(log: AuditLog, first: int, last: int) -> None:
    file = log.export(Span("01", first, last))
    said = log.verify(file, "--part")
    assert said["good"], said
    assert said["logs"][0]["entries"] == last - first + 1
    assert not log.verify(file)["good"]


def test_a_part_that_was_changed(log: AuditLog) -> None:
    log.sql("UPDATE event SET actor = 'nobody' WHERE sequence = 12")
    log.rehash()
    log.resign()
    said = log.verify(log.export(Span("01", 5, 14)), "--part")
    assert not said["good"]
    assert said["logs"][0]["first_bad"] == 12


def test_a_part_with_no_anchor_proves_nothing(log: AuditLog) -> None:
    file = log.export(Span("01", 2, 5))
    for path in log.anchors.rglob("*.checkpoint"):
        path.unlink()
    said = log.verify(file, "--part")
    assert "no anchor stands for the log" in said["logs"][0]["faults"][0]


FORGED = "UPDATE event SET actor = 'nobody' WHERE sequence = 14"
NO_POINT, NO_LEAF = (
    "DELETE FROM checkpoint WHERE size >= 17",
    "DELETE FROM leaf WHERE sequence = 16",
)


@pytest.mark.parametrize("hidden", ["", NO_POINT, NO_LEAF])
@pytest.mark.parametrize("copied", [True, False])
def test_a_forged_part_without_the_hashes_up_to_the_next_anchor(
    log: AuditLog, hidden: str, *, copied: bool
) -> None:
    log.sql(FORGED)
    log.rehash()
    log.sql(hidden)
    for path in [] if copied else log.anchors.rglob("*.leaves"):
        path.unlink()
    said = log.verify(log.export(Span("01", 5, 15)), "--part")
    assert not said["good"]
    one = said["logs"][0]
    last = 15 if hidden == NO_LEAF else 17  # or else the hashes end with the anchor
    assert (one["first_bad"], one["last_bad"]) == ((14, 14) if copied else (11, last))
    assert one["last_good_anchor"] == 10


@pytest.mark.parametrize("until", [15, 16])
def test_the_tail_of_a_part_is_left_out_or_stops_before_the_anchor(
    log: AuditLog, until: int
) -> None:
    log.sql(FORGED)
    log.rehash()
    for path in log.anchors.rglob("*.leaves"):
        path.unlink()
    file = log.export(Span("01", 5, 15))
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    read = [json.loads(line) for line in lines]
    kept = [line for line, said in zip(lines, read, strict=True) if _up_to(until, said)]
    assert len(kept) < len(lines)
    file.write_text("".join(kept), encoding="utf-8")
    said = log.verify(file, "--part")
    assert not said["good"]
    assert said["logs"][0]["faults"] == ["the hashes up to anchor 17 are missing"]
    assert (said["logs"][0]["first_bad"], said["logs"][0]["last_bad"]) == (11, 15)


def _up_to(until: int, said: dict[str, Any]) -> bool:
    if said.get("type") == "checkpoint":
        return int(said["note"].split("\n")[1]) <= until
    return int(said.get("sequence", 0)) <= until


def test_a_part_that_is_as_it_was_needs_no_tail_where_the_anchors_have_it(log: AuditLog) -> None:
    log.sql(NO_POINT, "DELETE FROM leaf WHERE sequence = 16")
    said = log.verify(log.export(Span("01", 5, 15)), "--part")
    assert said["good"], said
    assert said["logs"][0]["last_good_anchor"] == 17


def test_a_gap_in_the_tail_of_a_part(log: AuditLog) -> None:
    for path in log.anchors.rglob("*.leaves"):
        path.unlink()
    file = log.export(Span("01", 5, 15))
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text("".join(one for one in lines if '"sequence":16' not in one), "utf-8")
    said = log.verify(file, "--part")
    assert said["logs"][0]["faults"] == ["a hash is missing"]
    assert (said["logs"][0]["first_bad"], said["logs"][0]["last_bad"]) == (11, 16)


def test_entries_beyond_the_end_that_a_part_names_are_not_let_in(log: AuditLog) -> None:
    log.sql(FORGED)
    log.rehash()
    log.sql(NO_POINT)
    file = log.export(Span("01", 5, 15))
    text = file.read_text(encoding="utf-8").replace('"last":15', '"last":10')
    file.write_text(text, encoding="utf-8")
    said = log.verify(file, "--part")
    assert not said["good"]
    assert said["logs"][0]["first_bad"] == 11


@pytest.mark.parametrize("words", [[], ["--part"]])
@pytest.mark.parametrize("anchored", [True, False])
def test_an_export_of_no_log_proves_nothing(
    log: AuditLog, words: list[str], *, anchored: bool
) -> None:
    file = log.export()
    head, *_, end = file.read_text(encoding="utf-8").splitlines(keepends=True)
    file.write_text(head + end, encoding="utf-8")
    if not anchored:
        shutil.rmtree(log.anchors)
        log.anchors.mkdir()
    said = log.verify(file, *words)
    assert not said["good"]
    why = "the export has no log" if words else "and the export nothing of it"
    assert (why if anchored else "no good anchor was read") in said["logs"][0]["faults"][0]


def test_a_log_of_no_entries_proves_nothing(log: AuditLog) -> None:
    said = log.verify(log.export(Span("01", 11, 10)), "--part")
    assert not said["good"]
    assert "the export has no entry of it" in said["logs"][0]["faults"][0]


@pytest.mark.parametrize("sequence", [1, 10, 11, 24, 25])
def test_the_proof_of_one_entry(log: AuditLog, sequence: int) -> None:
    assert log.verify(log.proof(sequence)) == {"good": True, "logs": []}


def test_a_proof_of_what_was_not_logged(log: AuditLog) -> None:
    file = log.proof(12)
    file.write_text(file.read_text(encoding="utf-8").replace("c12", "c99"), "utf-8")
    assert "is not in the tree" in log.verify(file)["logs"][0]["faults"][0]


def test_a_proof_of_a_log_that_was_written_anew(log: AuditLog) -> None:
    log.sql("UPDATE event SET actor = 'nobody' WHERE sequence = 12")
    log.rehash()
    log.resign()
    file = log.proof(12)
    assert log.run_verifier(file).returncode == 0  # the stolen key's word
    assert "no anchor of telebank/node-01 has size 17" in log.verify(file)["logs"][0]["faults"][0]


# -- keys, and the verifier itself ----------------------------------------------------------------


def test_the_verifier_imports_nothing_else() -> None:
    tree = ast.parse(Path(verifier_file.__file__).read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {each.name.partition(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            names.add(str(node.module).partition(".")[0])
    assert names - sys.stdlib_module_names == {"cryptography"}


def test_a_file_that_is_no_export_is_said(log: AuditLog, tmp_path: Path) -> None:
    for text in ("", "{}\n", "[]\n", '{"type": "telebank-audit"}\n', "\x00\n", '{"a":1,"a":2}\n'):
        (tmp_path / "odd").write_text(text, encoding="utf-8")
        said = log.verify(tmp_path / "odd")
        assert not said["good"]
        (fault,) = said["logs"][0]["faults"]
        assert ("twice" if '"a":2' in text else "") in fault
