"""Pages of a TIFF are counted without reading them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from fax.page.count import count_pages
from fax.page.options import MAX_PAGES, WIDTH, PageError
from fax.page.tiff import write_tiff


def _write(path: Path, pages: int) -> Path:
    write_tiff([Image.new("1", (WIDTH, 40), 1)] * pages, path, "fine")
    return path


@pytest.mark.parametrize("pages", [1, 2, 17, MAX_PAGES])
def test_as_many_as_were_written(tmp_path: Path, pages: int) -> None:
    assert count_pages(_write(tmp_path / "pages.tiff", pages)) == pages


def test_the_other_order_of_octets(tmp_path: Path) -> None:
    path = tmp_path / "pages.tiff"
    path.write_bytes(b"MM\0*\0\0\0\x08\0\x01" + bytes(12) + bytes(4))
    assert count_pages(path) == 1


def test_one_that_goes_round_ends(tmp_path: Path) -> None:
    path = tmp_path / "pages.tiff"
    path.write_bytes(b"II*\0\x08\0\0\0\0\0\x08\0\0\0")
    with pytest.raises(PageError, match="more than"):
        count_pages(path)


@given(cut=st.integers(0, 10_000), octets=st.binary(max_size=60))
def test_damage_is_an_error_or_a_number(
    tmp_path_factory: pytest.TempPathFactory, cut: int, octets: bytes
) -> None:
    path = _write(tmp_path_factory.mktemp("tiff") / "pages.tiff", 2)
    whole = path.read_bytes()
    at = cut % len(whole)
    for damaged in (whole[:at], whole[:at] + octets + whole[at + len(octets) :], octets):
        path.write_bytes(damaged)
        try:
            count = count_pages(path)
        except PageError:
            continue
        assert 0 <= count <= MAX_PAGES
