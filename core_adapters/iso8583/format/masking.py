"""What logs, traces and reports may show of a value (PCI DSS 3.4; tracks of ISO/IEC 7813)."""

import re
from bisect import bisect_left

from core_adapters.iso8583.format.layout import Show
from transactions.card import MAX_DIGITS, luhn_valid, mask
from transactions.card_text import digits_of

DOTS = "•••"
MIN_RUN = 13
"""Digits of the shortest run that is looked at; twelve are a reference or an amount."""
_TRACK = re.compile(r"(?<!\d)(?P<pan>\d{12,19})(?P<separator>[=D^])")
"""A card number, then a field separator: `=` or D in tracks 2 and 3, ^ in track 1."""
_BALANCES = re.compile(r"(?:..\d\d\d{3}[CD]\d{12}){1,6}")
"""Field 54: its signs are no separators."""
_GAP = re.compile(r"[\s\u2010-\u2015-]{1,2}")
_RUN = re.compile(r"\d+(?:[\s\u2010-\u2015-]{1,2}\d+)*")
"""Digits, with blanks or hyphens as people write a card number."""
_EXPIRY = re.compile(r"\d\d(0[1-9]|1[0-2])|(0[1-9]|1[0-2])\d\d")
"""YYMM (field 14), or MMYY as it stands on the card."""


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
    if len(value) < MIN_RUN or _BALANCES.fullmatch(value):
        return value
    track = _TRACK.search(value)
    if track is not None:
        shown = mask(track["pan"], bin_digits) + track["separator"] + DOTS
        return _runs(value[: track.start()], bin_digits) + shown
    return _runs(value, bin_digits)


def _runs(value: str, bin_digits: int) -> str:
    """Digits that could be a card number: as many, and with its check digit."""
    return _RUN.sub(lambda run: _run(run[0], bin_digits), value)


def _run(text: str, bin_digits: int) -> str:
    """A card number among groups of digits begins with one of them. It ends with one, or its
    expiry follows it at once; then that goes too, and whatever stands behind in the same group."""
    digits = digits_of(text)
    if len(digits) < MIN_RUN:
        return text
    starts, ends = _groups(text)
    places = [place for place, char in enumerate(text) if char.isdecimal()]
    for start in starts:
        for size in range(MAX_DIGITS, MIN_RUN - 1, -1):
            stop = start + size
            if stop > len(digits) or not luhn_valid(digits[start:stop]):
                continue
            if not _stands_alone(digits, start, stop, starts, ends):
                continue
            group = ends[bisect_left(ends, stop)]
            more = DOTS if stop < group else ""
            head, tail = text[: places[start]], text[places[group - 1] + 1 :]
            return head + mask(digits[start:stop], bin_digits) + more + _runs(tail, bin_digits)
    return text


def _stands_alone(digits: str, start: int, stop: int, starts: list[int], ends: list[int]) -> bool:
    """Whether these digits would be written so. No card number over several groups, or with an
    expiry behind it, begins with a nought (ISO/IEC 7812-1): that is a count or an amount."""
    if start in starts and stop == ends[starts.index(start)]:
        return True
    if digits[start] == "0":
        return False
    return stop in ends or _EXPIRY.match(digits, stop) is not None


def _groups(text: str) -> tuple[list[int], list[int]]:
    """Where groups begin and end, counted in digits."""
    ends, count = [], 0
    for group in _GAP.split(text):
        count += len(group)
        ends.append(count)
    return [0, *ends[:-1]], ends
