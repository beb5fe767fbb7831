"""Papers on their way to the node: whole or not there at all."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from fax.page.options import MAX_PDF_BYTES, PageError
from support.fax_bank import write_pdf
from telebank.calls.control.faxes import HANDED, sweep
from telebank.calls.faxes.files import PAGES, PAPER
from telebank.ops.fax_papers import hand_over, take_back

NAME = "0123456789abcdef"


async def test_a_paper_is_handed_over_and_taken_back(tmp_path: Path) -> None:
    pdf = write_pdf(tmp_path / "a.pdf", 2).read_bytes()
    handed = await asyncio.to_thread(hand_over, tmp_path, pdf, "standard", name=NAME)
    folder = tmp_path / HANDED / NAME
    assert (handed.name, handed.pages) == (NAME, 2)
    assert sorted(file.name for file in folder.iterdir()) == sorted((PAPER, PAGES))
    assert folder.stat().st_mode & 0o777 == 0o700
    before = (folder / PAGES).stat().st_ino
    again = await asyncio.to_thread(hand_over, tmp_path, pdf, "standard", name=NAME)
    assert again == handed
    assert (folder / PAGES).stat().st_ino == before, "what may be being taken is left alone"
    assert [one.name for one in (tmp_path / HANDED).iterdir()] == [NAME]
    take_back(tmp_path, handed)
    assert not folder.exists()


@pytest.mark.parametrize(
    ("pdf", "code"), [(b"no paper", "no_pdf"), (bytes(MAX_PDF_BYTES + 1), "too_big")]
)
async def test_nothing_is_left_of_what_cannot_be_drawn(
    tmp_path: Path, pdf: bytes, code: str
) -> None:
    with pytest.raises(PageError) as wrong:
        await asyncio.to_thread(hand_over, tmp_path, pdf, "fine")
    assert wrong.value.code == code, "also where the process that draws said it"
    handed = tmp_path / HANDED
    assert not handed.exists() or list(handed.iterdir()) == []


async def test_what_is_left_of_a_form_is_in_nobodys_way(tmp_path: Path) -> None:
    left = tmp_path / HANDED / NAME
    left.mkdir(parents=True)
    (left / PAPER).write_bytes(b"half of it")
    pdf = write_pdf(tmp_path / "a.pdf", 1).read_bytes()
    handed = await asyncio.to_thread(hand_over, tmp_path, pdf, "standard", name=NAME)
    assert (left / PAPER).read_bytes() == pdf
    assert (handed.name, handed.pages) == (NAME, 1)
    assert [one.name for one in (tmp_path / HANDED).iterdir()] == [NAME]


async def test_old_papers_go_when_another_comes(tmp_path: Path) -> None:
    old = tmp_path / HANDED / ("0" * 16)
    old.mkdir(parents=True)
    os.utime(old, (1, 1))
    pdf = write_pdf(tmp_path / "a.pdf", 1).read_bytes()
    await asyncio.to_thread(hand_over, tmp_path, pdf, "standard")
    assert not old.exists()


def test_others_hand_over_while_old_papers_are_looked_for(tmp_path: Path) -> None:
    """A folder that was just seen there may have another name by the time it is looked at."""
    handed = tmp_path / HANDED
    handed.mkdir(parents=True)
    over = threading.Event()

    def others() -> None:
        while not over.is_set():
            (handed / "fedcba9876543210").mkdir()
            (handed / "fedcba9876543210").rename(handed / NAME)
            (handed / NAME).rmdir()

    with ThreadPoolExecutor(1) as threads:
        coming = threads.submit(others)
        try:
            for _ in range(3_000):
                sweep(tmp_path)
        finally:
            over.set()
        coming.result()
