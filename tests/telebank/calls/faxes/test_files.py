"""A fax's files: taken whole and durable, or left where they were."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from telebank.calls.faxes.files import PAGES, PAPER, FaxFiles

FAX = "01-1-F1"


@pytest.fixture
def handed(tmp_path: Path) -> Path:
    folder = tmp_path / "handed" / "0123456789abcdef"
    folder.mkdir(parents=True)
    for name in (PAPER, PAGES):
        (folder / name).write_bytes(b"paper")
    return folder


def fails_at(act: str, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The call number `at` of a function of `os` finds the disk full."""
    real: Callable[..., Any] = getattr(os, act)
    seen = [0]

    def full(*args: Any, **more: Any) -> Any:
        seen[0] += 1
        if seen[0] == at:
            raise OSError(28, os.strerror(28))
        return real(*args, **more)

    monkeypatch.setattr(os, act, full)


def test_a_folder_is_taken_whole(tmp_path: Path, handed: Path) -> None:
    handed.chmod(0o755)
    own = FaxFiles(tmp_path / "fax").adopt(FAX, handed)
    assert not handed.exists()
    modes = [path.stat().st_mode & 0o777 for path in (own, own / PAPER, own / PAGES)]
    assert modes == [0o700, 0o600, 0o600]


@pytest.mark.parametrize(("act", "at"), [*(("fsync", n) for n in range(1, 5)), ("rename", 1)])
def test_what_cannot_be_made_durable_stays_where_it_was(
    tmp_path: Path, handed: Path, monkeypatch: pytest.MonkeyPatch, act: str, at: int
) -> None:
    fails_at(act, at, monkeypatch)
    with pytest.raises(OSError, match="No space"):
        FaxFiles(tmp_path / "fax").adopt(FAX, handed)
    assert sorted(path.name for path in handed.iterdir()) == [PAGES, PAPER]
    assert list((tmp_path / "fax").iterdir()) == []


def test_half_a_paper_stays_where_it_was(tmp_path: Path, handed: Path) -> None:
    (handed / PAGES).unlink()
    with pytest.raises(FileNotFoundError):
        FaxFiles(tmp_path / "fax").adopt(FAX, handed)
    assert (handed / PAPER).exists()
