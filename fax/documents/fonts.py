"""The one typeface of everything printed: Telebank Sans, Chinese and Latin in one TrueType file.

Made by scripts/make_font.py from Droid Sans Fallback and Open Sans (both Apache-2.0); see
fonts/README.md. It has the characters of GBK, Latin with accents, and figures of one width, so that
columns of amounts line up. There is one weight: emphasis is size and shade.
"""

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from fax.typeface import FILE

__all__ = ["FILE", "NAME", "register"]

NAME = "TelebankSans"
"""The name that reportlab knows it by, once `register` was called."""


def register() -> str:
    """Make the typeface known to reportlab, once a process, and return its name. Each PDF carries
    only the characters that it uses."""
    if NAME not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(TTFont(NAME, str(FILE)))
        pdfmetrics.registerFontFamily(NAME, normal=NAME, bold=NAME, italic=NAME, boldItalic=NAME)
    return NAME
