"""A paper to send."""

from pathlib import Path

import pytest

from support.fax_bank import write_pdf


@pytest.fixture
def pdf(tmp_path: Path) -> bytes:
    made: bytes = write_pdf(tmp_path / "paper.pdf", 1).read_bytes()
    return made
