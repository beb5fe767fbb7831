"""The process that prints, as it is run: one question in, one answer out, sealed files."""

import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from fax.documents.jobs import (
    MAX_QUESTION,
    Answer,
    BindPages,
    Done,
    DrawPages,
    Failed,
    PrintPaper,
    Question,
)
from fax.documents.press import run
from fax.page.options import Continued
from support.fax_paper import images_of, numbered, paper, texts_of


def _ask(question: Question | bytes) -> tuple[int, Answer]:
    asked = question if isinstance(question, bytes) else msgspec.json.encode(question)
    done = subprocess.run(
        [sys.executable, "-m", "fax.documents"],
        input=asked,
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == b""
    assert done.stdout.count(b"\n") == 1
    answer: Answer = msgspec.json.decode(done.stdout, type=Answer)
    return done.returncode, answer


def _modes(folder: Path) -> dict[str, int]:
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    return {".": stat.S_IMODE(folder.stat().st_mode), **found}


def test_a_paper_becomes_pdf_and_pages_that_nobody_else_reads(tmp_path: Path) -> None:
    folder = tmp_path / "01-3-F7"
    pdf, tiff = folder / "paper.pdf", folder / "pages.tiff"
    code, answer = _ask(PrintPaper(paper("card_recent", "zh"), str(pdf), str(tiff)))
    assert (code, answer) == (0, Done(1))
    assert _modes(folder) == {".": 0o700, "paper.pdf": 0o600, "pages.tiff": 0o600}
    assert "近期交易明细" in texts_of(pdf.read_bytes())[0]
    assert len(images_of(tiff)) == 1


def test_what_is_left_of_a_fax_is_drawn_and_what_came_is_bound(tmp_path: Path) -> None:
    pdf, tiff, back = tmp_path / "paper.pdf", tmp_path / "left.tiff", tmp_path / "back.pdf"
    assert run(PrintPaper(numbered(90), str(pdf), "")) == Done(0)
    total = len(texts_of(pdf.read_bytes()))
    left = DrawPages(str(pdf), str(tiff), "standard", Continued(1, "zh"))
    assert _ask(left) == (0, Done(total - 1))
    assert _ask(BindPages(str(tiff), str(back))) == (0, Done(total - 1))
    assert len(texts_of(back.read_bytes())) == total - 1


def test_trouble_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    pdf, tiff = tmp_path / "paper.pdf", tmp_path / "pages.tiff"
    pdf.write_bytes(b"no pdf")
    tiff.write_bytes(b"of before")
    code, answer = _ask(DrawPages(str(pdf), str(tiff)))
    assert code == 1
    assert isinstance(answer, Failed)
    assert "save it anew as PDF" in answer.why
    assert tiff.read_bytes() == b"of before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pages.tiff", "paper.pdf"]


@pytest.mark.parametrize(
    "question", [b"", b"{}", b'{"type":"paper"}', b"x" * (MAX_QUESTION + 1), b'{"type":"rm"}']
)
def test_what_is_no_question_is_answered(question: bytes) -> None:
    code, answer = _ask(question)
    assert code == 1
    assert isinstance(answer, Failed)


def test_a_file_that_is_missing_and_a_folder_that_cannot_be_are_said(tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.pdf")
    answer = run(DrawPages(gone, str(tmp_path / "pages.tiff")))
    assert answer == Failed(f"{gone}: No such file or directory")
    answer = run(PrintPaper(numbered(1), str(tmp_path / "no" / "such" / "paper.pdf"), ""))
    assert isinstance(answer, Failed)
    assert "No such file" in answer.why
