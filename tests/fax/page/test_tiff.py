"""TIFF as a T.30 terminal has it, and received pages as PDF."""

import random
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from fax.page.options import MAX_PAGES, WIDTH, PageError, Resolution
from fax.page.received import to_pdf
from fax.page.tiff import frames, write_tiff
from support.fax_paper import images_of


def _page(text: str, lines: int = 400, width: int = WIDTH) -> Image.Image:
    image = Image.new("1", (width, lines), 1)
    ImageDraw.Draw(image).text((200, 100), text, fill=0)
    return image


def _written(path: Path, *images: Image.Image, resolution: Resolution = "fine") -> Path:
    write_tiff(images, path, resolution)
    return path


@pytest.mark.parametrize(("resolution", "down"), [("fine", 196), ("standard", 98)])
def test_every_page_has_the_tags_that_terminals_ask_for(
    tmp_path: Path, resolution: Resolution, down: int
) -> None:
    made = [_page("one"), _page("two", 700)]
    file = _written(tmp_path / "pages.tiff", *made, resolution=resolution)
    with Image.open(file) as tiff:
        for index in range(2):
            tiff.seek(index)
            assert tiff.tag_v2[256] == WIDTH
            assert tiff.tag_v2[259] == 4
            assert tiff.tag_v2.get(258, (1,)) == (1,)
            assert (tiff.tag_v2[282], tiff.tag_v2[283], tiff.tag_v2[296]) == (204, down, 2)
    assert [page.tobytes() for page in images_of(file)] == [page.tobytes() for page in made]
    assert [lines for _, lines in frames(file)] == [down, down]


@pytest.mark.parametrize("made", [[_page("x", width=1700)], [_page("x").convert("L")], []])
def test_what_no_terminal_takes_is_not_written(tmp_path: Path, made: list[Image.Image]) -> None:
    with pytest.raises(PageError):
        write_tiff(made, tmp_path / "pages.tiff", "fine")


def test_more_pages_than_a_fax_has_are_refused(tmp_path: Path) -> None:
    page = _page("x", 10)
    assert write_tiff([page] * MAX_PAGES, tmp_path / "most.tiff", "fine") == MAX_PAGES
    with pytest.raises(PageError, match="in parts"):
        write_tiff([page] * (MAX_PAGES + 1), tmp_path / "more.tiff", "fine")


def test_received_pages_of_different_sizes_become_one_pdf(tmp_path: Path) -> None:
    file = tmp_path / "in.tiff"
    fine, standard, wide = _page("fine", 2291), _page("half", 1145), _page("b4", 2800, 2048)
    fine.save(
        file, "TIFF", save_all=True, append_images=[wide], compression="group4", dpi=(204, 196)
    )
    assert to_pdf(file, tmp_path / "in.pdf") == 2
    _written(tmp_path / "half.tiff", standard, resolution="standard")
    assert to_pdf(tmp_path / "half.tiff", tmp_path / "half.pdf") == 1
    sizes = [_sizes(tmp_path / name) for name in ("in.pdf", "half.pdf")]
    assert sizes[0] == [pytest.approx((215.2, 296.9), abs=1), pytest.approx((255, 363), abs=1)]
    assert sizes[1] == [pytest.approx((215.2, 296.8), abs=1)]
    assert (tmp_path / "in.pdf").stat().st_size < 20_000


def test_the_dots_of_a_received_page_are_kept(tmp_path: Path) -> None:
    made = _page("every dot counts", 2291)
    to_pdf(_written(tmp_path / "in.tiff", made), tmp_path / "in.pdf")
    document = pdfium.PdfDocument(tmp_path / "in.pdf")
    [image] = list(document[0].get_objects())
    seen = image.get_bitmap().to_pil().convert("1")
    assert seen.tobytes() == made.tobytes()


def test_a_broken_tiff_is_said(tmp_path: Path) -> None:
    file = tmp_path / "in.tiff"
    for octets in (b"", b"II*\x00", b"no tiff", b"II*\x00\x08\x00\x00\x00\xff\xff"):
        file.write_bytes(octets)
        with pytest.raises(PageError):
            to_pdf(file, tmp_path / "in.pdf")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_damage_is_an_error_or_a_page(
    tmp_path_factory: pytest.TempPathFactory, seed: int, cut: bool
) -> None:
    folder, chance = tmp_path_factory.mktemp("tiff"), random.Random(seed)
    file = _written(folder / "in.tiff", _page("one"), _page("two"))
    octets = bytearray(file.read_bytes())
    if cut:
        del octets[chance.randrange(len(octets)) :]
    for _ in range(chance.randrange(1, 20)):
        if octets:
            octets[chance.randrange(len(octets))] = chance.randrange(256)
    file.write_bytes(octets)
    try:
        assert to_pdf(file, folder / "in.pdf") <= MAX_PAGES
    except PageError:
        return


def _sizes(path: Path) -> list[tuple[float, float]]:
    """Pages of a PDF, in millimetres."""
    document = pdfium.PdfDocument(path)
    return [tuple(side / 72 * 25.4 for side in page.get_size()) for page in document]
