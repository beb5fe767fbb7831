"""How many pages a TIFF has, by the directories alone: no library that reads pictures is needed."""

import struct
from pathlib import Path

from fax.page.options import MAX_PAGES, PageError

_ENTRY = 12
"""Octets of one tag of a directory (TIFF 6.0, section 2)."""
_ORDERS = {b"II*\0": "<", b"MM\0*": ">"}


def count_pages(path: Path) -> int:
    """The directories, one a page; raises `PageError` where it is no TIFF, is cut short or has more
    than MAX_PAGES, and `OSError`."""
    with path.open("rb") as file:
        order = _ORDERS.get(file.read(4))
        if order is None:
            raise PageError("this is no TIFF", "tiff")
        count = 0
        try:
            (at,) = struct.unpack(f"{order}I", file.read(4))
            while at:
                count += 1
                if count > MAX_PAGES:
                    raise PageError(f"the TIFF has more than {MAX_PAGES} pages", "too_many")
                file.seek(at)
                (tags,) = struct.unpack(f"{order}H", file.read(2))
                file.seek(at + 2 + _ENTRY * tags)
                (at,) = struct.unpack(f"{order}I", file.read(4))
        except struct.error:
            raise PageError("the TIFF is cut short", "tiff") from None
    return count
