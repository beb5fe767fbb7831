"""Makes fax/documents/fonts/telebank-sans.ttf of Droid Sans Fallback (Chinese) and Open Sans.

Needs fonttools and Debian's fonts-droid-fallback and fonts-open-sans; never needed to run.
`python scripts/make_font.py fax/documents/fonts/telebank-sans.ttf`
"""

import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from fontTools.merge import Merger
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from fontTools.ttLib.scaleUpem import scale_upem

CHINESE = Path("/usr/share/fonts-droid-fallback/truetype/DroidSansFallback.ttf")
LATIN = Path("/usr/share/fonts/truetype/open-sans/OpenSans-Regular.ttf")
UNITS = 512
"""Units of an em in the result: fine enough for print, small enough to ship."""
NAMES = {
    0: "Digitized data copyright 2006-2011, Google Corporation",
    1: "Telebank Sans",
    2: "Regular",
    3: "Telebank Sans 1",
    4: "Telebank Sans",
    5: "Version 1.0",
    6: "TelebankSans",
    13: "Licensed under the Apache License, Version 2.0",
    14: "http://www.apache.org/licenses/LICENSE-2.0",
}


def gbk() -> set[int]:
    """Every character of GBK: 20,902 ideographs, kana, full-width forms and punctuation."""
    found = set()
    for high in range(0x81, 0xFF):
        for low in range(0x40, 0xFF):
            try:
                found.add(ord(bytes([high, low]).decode("gbk")))
            except UnicodeDecodeError:
                continue
    return found


def latin() -> set[int]:
    """Latin with accents, dashes, quotes, bullets and currency signs."""
    return {*range(0x20, 0x180), *range(0x2010, 0x2040), 0x20AC, 0x2116, 0x2122, 0x2212, 0x2260}


def part(source: Path, characters: Iterable[int], folder: Path) -> str:
    """Cut a font down to some characters, without hints or layout tables, at the common scale."""
    font, options = TTFont(source), Options()
    options.hinting, options.layout_features, options.notdef_outline = False, [], True
    options.drop_tables += ["GSUB", "GPOS", "GDEF", "kern", "vhea", "vmtx", "FFTM"]
    cutter = Subsetter(options)
    cutter.populate(unicodes=characters)
    cutter.subset(font)
    scale_upem(font, UNITS)
    path = folder / source.name
    font.save(path)
    return str(path)


def main(target: Path) -> None:
    """Merge both parts; the Latin one comes first, so that its line heights count."""
    western = latin()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        parts = [part(LATIN, western, folder), part(CHINESE, gbk() - western, folder)]
        font = Merger().merge(parts)
    font["name"].names = []
    for number, text in NAMES.items():
        font["name"].setName(text, number, 3, 1, 0x409)
    font.save(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
