"""Text on grey and on colours, pale text and pictures: what a fax of them shows."""

import io
import re
import subprocess

import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image
from reportlab.lib.colors import Color
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

from fax.page.draw import pages
from fax.page.options import WIDTH, Resolution
from fax.page.shades import THRESHOLD, black_and_white

WHITE, BLACK, BLUE = Color(1, 1, 1), Color(0, 0, 0), Color(0, 0.1, 0.4)
FIGURES = ("4071.86", "9325.04", "7713.60", "5082.49")
TEXT = "   ".join(FIGURES)
SHADES = {
    "black on a fifth of grey": (Color(0.8, 0.8, 0.8), BLACK),
    "black on two fifths of grey": (Color(0.6, 0.6, 0.6), BLACK),
    "black on half grey": (Color(0.5, 0.5, 0.5), BLACK),
    "white on dark blue": (BLUE, WHITE),
    "white on two fifths of grey": (Color(0.6, 0.6, 0.6), WHITE),
    "grey on white": (WHITE, Color(0.6, 0.6, 0.6)),
    "light grey on white": (WHITE, Color(0.75, 0.75, 0.75)),
    "red on yellow": (Color(1, 1, 0.3), Color(0.8, 0, 0)),
}


def _pdf(*rows: tuple[Color, Color], picture: Image.Image | None = None) -> bytes:
    """Rows of figures, each on its own ground, 14 mm high, and a picture beneath them."""
    out = io.BytesIO()
    canvas, top = Canvas(out, pagesize=A4), 780
    for ground, ink in rows:
        canvas.setFillColor(ground)
        canvas.rect(50, top, 495, 26, stroke=0, fill=1)
        canvas.setFillColor(ink)
        canvas.setFont("Helvetica", 13)
        canvas.drawString(60, top + 8, TEXT)
        top -= 40
    if picture is not None:
        canvas.drawImage(ImageReader(picture), 50, 100, 495, 250)
    canvas.save()
    return out.getvalue()


def _one(pdf: bytes, resolution: Resolution = "fine") -> Image.Image:
    [page] = pages(pdf, resolution)
    return page


def _grey(pdf: bytes) -> Image.Image:
    [page] = pdfium.PdfDocument(pdf)
    drawn = page.render(scale=min(1687 / A4[0], 2385 / A4[1]), grayscale=True)
    sheet = Image.new("L", (WIDTH, 2385), 255)
    sheet.paste(drawn.to_pil().convert("L"), (20, 0))
    return sheet


def _old(pdf: bytes) -> Image.Image:
    """The page cut at one level throughout."""
    grey: Image.Image = _grey(pdf).resize((WIDTH, 2291), Image.Resampling.BOX)
    return grey.point(lambda value: 255 if value >= THRESHOLD else 0, mode="1")


def _black(page: Image.Image) -> float:
    return 1.0 - float(np.asarray(page).mean())


def _coded(page: Image.Image) -> int:
    out = io.BytesIO()
    page.save(out, "TIFF", compression="group4")
    return len(out.getvalue())


def _read(page: Image.Image, doubled: int = 1) -> set[str]:
    """The figures that a reader of print makes out; `doubled`: how often lines are repeated."""
    picture = io.BytesIO()
    page.resize((page.width, page.height * doubled)).save(picture, "PNG", dpi=(204, 204))
    command = ["tesseract", "-", "-", "--psm", "6", "-l", "eng"]
    ended = subprocess.run(command, input=picture.getvalue(), capture_output=True, check=True)
    return set(re.findall(r"\d{4}\.\d\d", ended.stdout.decode()))


@pytest.mark.parametrize("resolution", ["fine", "standard"])
@pytest.mark.parametrize("shade", SHADES)
def test_what_is_written_on_shades_is_read(shade: str, resolution: Resolution) -> None:
    assert set(FIGURES) <= _read(
        _one(_pdf(SHADES[shade]), resolution), 1 if resolution == "fine" else 2
    )


@pytest.mark.parametrize(
    "shade", ["black on two fifths of grey", "black on half grey", "light grey on white"]
)
def test_one_level_for_all_loses_it(shade: str) -> None:
    assert not _read(_old(_pdf(SHADES[shade])))


def test_ground_under_black_letters_is_white_and_about_white_ones_black() -> None:
    text = _black(_one(_pdf((WHITE, BLACK))))
    assert _black(_one(_pdf(SHADES["black on two fifths of grey"]))) == pytest.approx(text, rel=0.2)
    ground = 495 * 26 / (A4[0] * A4[1])
    assert _black(_one(_pdf(SHADES["white on dark blue"]))) == pytest.approx(ground, rel=0.15)


def test_rows_of_all_shades_do_not_disturb_each_other() -> None:
    page = _one(_pdf(*SHADES.values()))
    for index in range(len(SHADES)):
        top = round((A4[1] - 780 - 26 + 40 * index) * 196 / 72)
        row = page.crop((0, top - 12, WIDTH, top + 84))
        mat = Image.new("1", (WIDTH, 400), 1)
        mat.paste(row, (0, 150))
        assert set(FIGURES) <= _read(mat), list(SHADES)[index]


def test_a_page_of_black_on_white_is_cut_as_before() -> None:
    pdf = _pdf((WHITE, BLACK), (WHITE, BLACK))
    assert black_and_white(_grey(pdf), 2291).tobytes() == _old(pdf).tobytes()


def test_a_heading_of_thick_grey_letters_stays() -> None:
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4)
    canvas.setFillColor(Color(0.55, 0.55, 0.55))
    canvas.setFont("Helvetica-Bold", 90)
    canvas.drawString(60, 500, "1234")
    canvas.save()
    pdf = out.getvalue()
    assert _black(_one(pdf)) == pytest.approx(_black(_old(pdf)), rel=0.03)


def _photograph(grain: int) -> Image.Image:
    """Light that falls off to the left and down, with the grain of a camera."""
    noise = np.random.default_rng(7).normal(0, grain, (400, 800))
    light = np.linspace(0, 255, 800)[None, :] * np.linspace(1, 0.3, 400)[:, None]
    return Image.fromarray((light + noise).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize("grain", [0, 8, 25])
@pytest.mark.parametrize("rows", [(), ((WHITE, BLACK),), ((Color(0.6, 0.6, 0.6), BLACK),)])
def test_a_photograph_is_no_page_of_noise(
    rows: tuple[tuple[Color, Color], ...], grain: int
) -> None:
    pdf = _pdf(*rows, picture=_photograph(grain))
    page = _one(pdf)
    assert _coded(page) < 1.3 * _coded(_old(pdf)) + 2_000
    assert not rows or set(FIGURES) <= _read(page.crop((0, 0, WIDTH, 300)))


def test_shading_takes_no_longer_on_the_line_than_text() -> None:
    plain, shaded = _pdf((WHITE, BLACK)), _pdf(SHADES["black on two fifths of grey"])
    assert _coded(_one(shaded)) < 1.3 * _coded(_one(plain))
