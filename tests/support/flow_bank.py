"""A very small bank for tests of the flow engine, and copies of it with one thing changed."""

import shutil
from pathlib import Path

from telebank.flow.check import check_release
from telebank.flow.model import Finding, FlowError
from telebank.flow.options import FlowOptions
from telebank.flow.release import read_release

BANK = Path(__file__).resolve().parents[1] / "telebank" / "flow" / "bank"
LISTS = BANK.with_name("lists")
"""Another, of lists, words and optional values."""
DESK = BANK.with_name("desk")
"""Another, of branches, and of settings and payees that the node keeps itself."""


def changed(folder: Path, file: str, old: str, new: str, bank: Path = BANK) -> Path:
    """A copy of the bank in which `old` (there exactly once) has become `new`."""
    copy = folder / "config"
    shutil.copytree(bank, copy)
    path = copy / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file}"
    path.write_text(text.replace(old, new), encoding="utf-8")
    return copy


def findings_of(config: Path, options: FlowOptions | None = None) -> list[Finding]:
    """Everything that is refused in a configuration folder, read or checked."""
    try:
        return check_release(read_release(config), options or FlowOptions())
    except FlowError as error:
        return error.findings


def line_of(config: Path, file: str, words: str) -> int:
    """The number of the only line of a file that has `words` in it."""
    lines = (config / file).read_text(encoding="utf-8").splitlines()
    found = [number for number, line in enumerate(lines, 1) if words in line]
    assert len(found) == 1, f"{words!r} is on {len(found)} lines of {file}"
    return found[0]
