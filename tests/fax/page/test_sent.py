"""Statements as they are printed, sent from terminal to terminal and bound on the other side."""

from pathlib import Path

import pytest

from fax.documents.compose import MAX_ROWS
from fax.documents.layout import write_pdf
from fax.page.draw import pages
from fax.page.options import Continued, Resolution
from fax.page.received import to_pdf
from fax.page.tiff import frames, write_tiff
from fax.terminal import Accept, Transmit
from support.fax_lines import Network, over_t38, t38_pair
from support.fax_paper import entries, images_of, paper


@pytest.mark.parametrize(
    ("rows", "resolution", "loss", "continued"),
    [
        (40, "fine", 0.05, None),
        (40, "standard", 0.0, None),
        (60, "fine", 0.0, Continued(1, "zh")),
        (MAX_ROWS, "standard", 0.10, None),
    ],
)
def test_a_statement_arrives_dot_by_dot(
    tmp_path: Path, rows: int, resolution: Resolution, loss: float, continued: Continued | None
) -> None:
    sent, arrived = tmp_path / "sent.tiff", tmp_path / "arrived.tiff"
    pdf = write_pdf(paper("card_recent", "zh", answers=[entries(rows)]))
    count = write_tiff(pages(pdf, resolution, continued), sent, resolution)
    ours, theirs = over_t38(
        t38_pair((Transmit(sent), Accept(arrived))), Network(1, loss), Network(2, loss)
    )
    assert (ours.result.code, theirs.result.code) == (0, 0)
    assert ours.result.pages == count
    assert [image.tobytes() for image in images_of(arrived)] == [
        image.tobytes() for image in images_of(sent)
    ]
    assert [lines for _, lines in frames(arrived)] == [lines for _, lines in frames(sent)]
    assert to_pdf(arrived, tmp_path / "arrived.pdf") == count
