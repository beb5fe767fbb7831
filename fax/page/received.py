"""A received fax as PDF: the dots of each page as they came, in Group 4, on paper of their size."""

from pathlib import Path

from PIL import Image

from fax.page.options import ACROSS, DOWN, PageError
from fax.page.tiff import frames


def to_pdf(tiff: Path, pdf: Path) -> int:
    """Write the pages of a TIFF as PDF and return how many; raises `PageError`.

    Pages may differ in width and resolution, and so each is appended on its own: there is never
    more than one of them in memory. Lines of 98 to the inch are doubled, nothing else is changed.
    """
    count = 0
    for image, lines in frames(tiff):
        tall = image
        if lines == DOWN["standard"]:
            tall = image.resize((image.width, 2 * image.height), Image.Resampling.NEAREST)
        dpi = (float(ACROSS), float(DOWN["fine"]))
        tall.save(pdf, "PDF", append=count > 0, dpi=dpi, title=pdf.stem)
        count += 1
    if not count:
        raise PageError("the TIFF has no page: nothing was received", "tiff")
    return count
