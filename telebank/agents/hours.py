"""When a queue is open, on the bank's wall clock."""

import re
from collections.abc import Mapping
from datetime import date, datetime

from telebank.agents.options import DAYS, Hours

Span = tuple[int, int]
"""From a minute of the day to before another."""
MIDNIGHT = 24 * 60
MAX_SPANS, MAX_DAYS = 6, 1_000
"""Spans of a day, and days that differ from the week."""
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-(?:([01]\d|2[0-3]):([0-5]\d)|24:00)")


class OpeningHours:
    """Hours, read. Raises `ValueError` with the day and what may stand there."""

    def __init__(self, hours: Hours) -> None:
        for day in hours.week:
            if day not in DAYS:
                raise ValueError(f"hours.week has {day!r}: give {', '.join(DAYS)}")
        if len(hours.days) > MAX_DAYS:
            raise ValueError(f"hours.days has {len(hours.days)}: at most {MAX_DAYS}")
        self._week: Mapping[int, tuple[Span, ...]] = {
            number: _spans(f"hours.week.{day}", hours.week.get(day, ()))
            for number, day in enumerate(DAYS)
        }
        self._days = {
            _date(day): _spans(f"hours.days.{day}", spans) for day, spans in hours.days.items()
        }
        self._always = not hours.week

    @property
    def told(self) -> bool:
        """Whether there is anything to look at: else it is always open."""
        return not self._always or bool(self._days)

    def open(self, at: datetime) -> bool:
        """Whether it is open at a moment of the bank's wall clock."""
        spans = self._days.get(at.date())
        if spans is None:
            if self._always:
                return True
            spans = self._week[at.weekday()]
        minute = at.hour * 60 + at.minute
        return any(first <= minute < end for first, end in spans)


def _spans(where: str, texts: tuple[str, ...]) -> tuple[Span, ...]:
    if len(texts) > MAX_SPANS:
        raise ValueError(f"{where} has {len(texts)} spans: at most {MAX_SPANS}")
    spans: list[Span] = []
    for text in texts:
        match = _SPAN.fullmatch(text)
        if match is None:
            raise ValueError(f'{where} has {text!r}: write "08:00-20:00", at most to 24:00')
        first = int(match[1]) * 60 + int(match[2])
        end = MIDNIGHT if match[3] is None else int(match[3]) * 60 + int(match[4])
        if first >= end:
            raise ValueError(f"{where}: {text!r} ends before it begins; split it at 24:00")
        if spans and first < spans[-1][1]:
            raise ValueError(f"{where}: {text!r} begins before the span in front of it ends")
        spans.append((first, end))
    return tuple(spans)


def _date(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"hours.days has {text!r}: write a day, 2026-10-01") from None
