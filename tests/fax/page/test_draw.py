"""PDFs of all sorts as pages of a fax: their size on paper, their limits, what cannot be read."""

import io
import random

import pypdfium2 as pdfium
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from reportlab.lib.pagesizes import A3, A4, A5, landscape, letter
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from fax.page.draw import pages
from fax.page.options import MAX_PAGES, MAX_PDF_BYTES, WIDTH, Continued, PageError, Resolution

LINES = {"fine": 2291, "standard": 1146}
"""Of A4."""
MM = 72 / 25.4


def _pdf(*sizes: tuple[float, float], encrypt: StandardEncryption | None = None) -> bytes:
    """Pages with a frame ten millimetres inside their edge."""
    out = io.BytesIO()
    canvas = Canvas(out, encrypt=encrypt)
    for width, height in sizes:
        canvas.setPageSize((width, height))
        canvas.setLineWidth(2)
        canvas.rect(10 * MM, 10 * MM, width - 20 * MM, height - 20 * MM)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _inked(image: Image.Image) -> tuple[float, float, float, float]:
    """Left, top, right and bottom of what is black, in millimetres from the top of the line."""
    box = image.convert("L").point(lambda value: 255 - value).getbbox()
    assert box is not None
    across, down = 25.4 / 204, 25.4 / (196 if image.height > WIDTH else 98)
    return (box[0] * across, box[1] * down, box[2] * across, box[3] * down)


@pytest.mark.parametrize("resolution", ["fine", "standard"])
def test_a4_keeps_its_size_and_stands_in_the_middle(resolution: Resolution) -> None:
    [page] = pages(_pdf(A4), resolution)
    assert (page.mode, page.size) == ("1", (WIDTH, LINES[resolution]))
    assert _inked(page) == pytest.approx((12.6, 9.7, 202.6, 287.4), abs=0.6)


@pytest.mark.parametrize(
    ("size", "wide", "high"),
    [
        (landscape(A4), 190.0, 277.0),
        (A3, 196.0, 283.0),
        (letter, 190.7, 252.7),
        (landscape(letter), 190.7, 252.7),
        (A5, 128.0, 190.0),
        ((80 * MM, 3000 * MM), 5.9, 295.0),
        ((600 * MM, 600 * MM), 203.0, 203.0),
    ],
)
def test_other_sizes_are_fitted(size: tuple[float, float], wide: float, high: float) -> None:
    [page] = pages(_pdf(size), "fine")
    assert page.size == (WIDTH, LINES["fine"])
    left, top, right, bottom = _inked(page)
    assert right - left == pytest.approx(wide, abs=1.5)
    assert bottom - top == pytest.approx(high, abs=2)
    assert left + right == pytest.approx(215.2, abs=1)


def test_a_page_that_its_file_turns_is_turned_once() -> None:
    document = pdfium.PdfDocument(_pdf(A4))
    document[0].set_rotation(90)
    out = io.BytesIO()
    document.save(out)
    [page] = pages(out.getvalue(), "fine")
    left, top, right, bottom = _inked(page)
    assert (right - left, bottom - top) == pytest.approx((190, 277), abs=1.5)


def test_what_was_filled_into_a_form_is_drawn() -> None:
    out = io.BytesIO()
    canvas = Canvas(out)
    canvas.acroForm.textfield(
        value="PAID 12.00", x=200, y=400, width=200, height=40, borderWidth=0, fontSize=30
    )
    canvas.showPage()
    canvas.save()
    [page] = pages(out.getvalue(), "fine")
    left, top, right, bottom = _inked(page)
    assert right - left > 40
    assert bottom - top > 5


def test_pages_that_are_left_come_with_their_numbers() -> None:
    pdf = _pdf(A4, A4, A4)
    whole, left = list(pages(pdf, "fine")), list(pages(pdf, "fine", Continued(1, "en")))
    assert (len(whole), len(left)) == (3, 2)
    assert left[0].size == whole[1].size
    assert _inked(left[0])[1] < 9
    assert left[0].tobytes() != left[1].tobytes()
    with pytest.raises(PageError, match="no page 4: this PDF has 3") as none:
        list(pages(pdf, "fine", Continued(3, "en")))
    assert none.value.code == "page"


def test_a_locked_pdf_is_told_from_a_broken_one() -> None:
    with pytest.raises(PageError, match="save it without a password") as locked:
        list(pages(_pdf(A4, encrypt=StandardEncryption("secret")), "fine"))
    assert locked.value.code == "locked"
    assert len(list(pages(_pdf(A4, encrypt=StandardEncryption("", "owner")), "fine"))) == 1
    for broken in (b"", b"%PDF-1.4\n", b"hello", _pdf(A4)[:300]):
        with pytest.raises(PageError, match="save it anew") as no_pdf:
            next(pages(broken, "fine"))
        assert no_pdf.value.code == "no_pdf"


def test_what_is_too_much_is_refused() -> None:
    last = Continued(MAX_PAGES - 1, "en")
    assert len(list(pages(_pdf(*[A4] * MAX_PAGES), "standard", last))) == 1
    with pytest.raises(PageError, match=f"send 1 to {MAX_PAGES}") as many:
        next(pages(_pdf(*[A4] * (MAX_PAGES + 1)), "standard"))
    with pytest.raises(PageError, match="in parts") as big:
        next(pages(b"%PDF" + bytes(MAX_PDF_BYTES), "standard"))
    assert (many.value.code, big.value.code) == ("too_many", "too_big")


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_damage_is_an_error_or_a_page(seed: int, cut: bool) -> None:
    chance, octets = random.Random(seed), bytearray(_pdf(A4))
    if cut:
        del octets[chance.randrange(len(octets)) :]
    for _ in range(chance.randrange(1, 30)):
        if octets:
            octets[chance.randrange(len(octets))] = chance.randrange(256)
    try:
        drawn = list(pages(bytes(octets), "standard"))
    except PageError:
        return
    assert {page.size for page in drawn} <= {(WIDTH, LINES["standard"])}
