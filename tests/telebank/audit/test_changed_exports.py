"""An export with one byte of an entry, a checkpoint or a hash changed is never found good."""

import hashlib
import io
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.audit.canonical import canonical
from telebank.audit.merkle import CompactRange, leaf_hash
from telebank.audit.notes import SigningKey
from telebank.audit.verify import Anchors, Bad, Keys, verify_export, verify_proof

KEY = SigningKey.of_seed("01", 1, hashlib.sha256(b"key").digest())
ENTRIES, EACH = 12, 4
HEAD = {"type": "telebank-audit", "format": 1, "statements": []}
LOG = {"node": "01", "origin": "telebank/node-01", "first": 1, "last": ENTRIES, "before": []}


def _entry(number: int) -> bytes:
    return canonical({"node": "01", "sequence": number, "detail": {"text": "密 1"}, "kind": "key"})


def _made() -> tuple[list[bytes], dict[int, str]]:
    """Lines of entries and checkpoints, and the checkpoints by size."""
    tree, lines, notes = CompactRange(), [], {}
    for number in range(1, ENTRIES + 1):
        lines.append(_entry(number))
        tree.append(leaf_hash(lines[-1]))
        if number % EACH == 0:
            notes[number] = KEY.checkpoint(number, tree.root())
            lines.append(json.dumps({"type": "checkpoint", "note": notes[number]}).encode())
    return lines, notes


LINES, NOTES = _made()


def _good(lines: list[bytes]) -> bool:
    head = [json.dumps(HEAD).encode(), json.dumps({"type": "log", **LOG}).encode()]
    text = b"\n".join([*head, *lines, b'{"type":"end"}', b""])
    with tempfile.TemporaryDirectory() as name:
        for size, note in NOTES.items():
            (Path(name) / f"{size:012d}.checkpoint").write_text(note, encoding="utf-8")
        keys = Keys([KEY.public])
        try:
            reports = verify_export(io.BytesIO(text), keys, lambda: Anchors(Path(name), keys))
        except Bad:
            return False
    return not any(report.faults for report in reports)


def _proof(entry: bytes) -> dict[str, object]:
    """That this entry is the only one of node 01."""
    return {
        "format": 1,
        "entry": entry.decode(),
        "path": [],
        "checkpoint": KEY.checkpoint(1, leaf_hash(entry)),
        "statements": [],
    }


def test_an_entry_of_another_node_is_not_proved() -> None:
    own = _entry(1)
    assert "entry 01-1 stands" in verify_proof(_proof(own), Keys([KEY.public]), None)
    other = own.replace(b'"node":"01"', b'"node":"02"')
    with pytest.raises(Bad, match="entry 02-1 is not of telebank/node-01"):
        verify_proof(_proof(other), Keys([KEY.public]), None)


def test_a_log_under_the_name_of_another_is_refused(tmp_path: Path) -> None:
    head = json.dumps(HEAD) + "\n" + json.dumps({"type": "log", **LOG, "node": "02"}) + "\n"
    keys = Keys([KEY.public])
    with pytest.raises(Bad, match="telebank/node-01 is not the log of node 02"):
        verify_export(io.BytesIO(head.encode()), keys, lambda: Anchors(tmp_path, keys))


def test_what_was_not_changed_is_good() -> None:
    assert _good(LINES)


@given(st.integers(0, len(LINES) - 1), st.data())
def test_one_byte_of_a_line_is_changed(number: int, data: st.DataObject) -> None:
    line = LINES[number]
    at = data.draw(st.integers(0, len(line) - 1))
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != line[at]))
    changed = line[:at] + bytes([other]) + line[at + 1 :]
    same = b'"type"' in line and _same(line, changed)
    assert same or not _good([*LINES[:number], changed, *LINES[number + 1 :]])


def _same(line: bytes, changed: bytes) -> bool:
    """Whether a checkpoint's line says the same in other words (white space, an escape)."""
    try:
        return bool(json.loads(changed) == json.loads(line))
    except ValueError:
        return False


@given(st.permutations(range(ENTRIES)))
def test_entries_in_any_other_order(order: list[int]) -> None:
    entries = [line for line in LINES if b'"type"' not in line]
    if order == sorted(order):
        return
    assert not _good([entries[number] for number in order])


@given(st.integers(0, ENTRIES - 1))
def test_any_entry_left_out(number: int) -> None:
    entries = [line for line in LINES if b'"type"' not in line]
    assert not _good(entries[:number] + entries[number + 1 :])
