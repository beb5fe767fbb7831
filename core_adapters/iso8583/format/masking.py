"""What logs, traces and reports may show of a value (PCI DSS 3.4; tracks of ISO/IEC 7813)."""

import re

from core_adapters.iso8583.format.layout import Show
from transactions.card import luhn_valid, mask

DOTS = "•••"
_TRACK = re.compile(r"(?<!\d)(?P<pan>\d{12,19})(?P<separator>[=D^])")
"""A card number, then a field separator: `=` or D in tracks 2 and 3, ^ in track 1."""
_BALANCES = re.compile(r"(?:..\d\d\d{3}[CD]\d{12}){1,6}")
"""Field 54: its signs are no separators."""
_RUN = re.compile(r"(?<!\d)\d{13,19}(?!\d)")


def masked(value: str, show: Show, bin_digits: int = 6) -> str:
    """All of it, the card's ends, its length, or nothing; never what follows a track's separator,
    whichever field the track stands in, nor a card number in words that may be shown."""
    match show:
        case "never":
            return DOTS
        case "masked":
            return f"{DOTS} ({len(value)})"
        case "pan":
            return _pan(value, bin_digits)
        case "clear":
            return _clear(value, bin_digits)


def _pan(value: str, bin_digits: int) -> str:
    head = re.split(r"[=D^]", value, maxsplit=1)[0]
    return mask(head, bin_digits) + (DOTS if head != value else "")


def _clear(value: str, bin_digits: int) -> str:
    if len(value) < 13:  # noqa: PLR2004 - shorter than any track or run looked for
        return value
    if _BALANCES.fullmatch(value):
        return value
    track = _TRACK.search(value)
    if track is not None:
        shown = mask(track["pan"], bin_digits) + track["separator"] + DOTS
        return _runs(value[: track.start()], bin_digits) + shown
    return _runs(value, bin_digits)


def _runs(value: str, bin_digits: int) -> str:
    """Digits that could be a card number: as many, and with its check digit."""

    def hidden(found: re.Match[str]) -> str:
        return mask(found[0], bin_digits) if luhn_valid(found[0]) else found[0]

    return _RUN.sub(hidden, value)
