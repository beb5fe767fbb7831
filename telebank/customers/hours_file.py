"""Reading `hours.yaml`: every error names file and line, and what to write."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from telebank.customers.hours import DAYS, MIDNIGHT, Holiday, Hours, Span, Week
from transactions.kinds import WORD
from transactions.yaml_text import read_yaml

FILE = "hours.yaml"
SCHEMA = 1
MAX_BYTES = 200_000
MAX_DESKS, MAX_SPANS, MAX_DAYS = 50, 6, 1_000
"""Desks, spans of a day, holidays and worked days."""
LANGUAGES = ("zh", "en")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d|24:00)")
_KEYS = frozenset({"schema", "desks", "holidays", "workdays"})


class HoursError(ValueError):
    """Hours that cannot be used: file, line and what to do."""


def load_hours(path: Path) -> Hours:
    """Read a file; raises `HoursError`, or `OSError` where it cannot be read."""
    return read_hours(path.read_bytes(), str(path))


def read_hours(content: bytes, name: str) -> Hours:
    """Read hours from the content of the file called `name`; raises `HoursError`."""
    if len(content) > MAX_BYTES:
        raise HoursError(f"{name}: larger than {MAX_BYTES} bytes")
    try:
        document: Any = read_yaml(content.decode("utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        raise HoursError(f"{name}: not YAML: {error}") from error
    if not isinstance(document, CommentedMap) or document.get("schema") != SCHEMA:
        raise HoursError(f"{name}:1: must begin with `schema: {SCHEMA}`")
    for key in document:
        if key not in _KEYS:
            raise HoursError(
                f"{_at(name, document, key)}: unknown key {key!r}; remove or correct it"
            )
    return Hours(_desks(name, document), _holidays(name, document), _workdays(name, document))


def _desks(name: str, document: CommentedMap) -> Mapping[str, Week]:
    raw = document.get("desks")
    if not isinstance(raw, CommentedMap) or not 0 < len(raw) <= MAX_DESKS:
        raise HoursError(f"{name}: `desks` must map 1 to {MAX_DESKS} names to their week")
    desks: dict[str, Week] = {}
    for desk, week in raw.items():
        where = _at(name, raw, desk)
        if not isinstance(desk, str) or WORD.fullmatch(desk) is None:
            raise HoursError(f"{where}: the name of a desk is a word, such as teller")
        if not isinstance(week, CommentedMap):
            raise HoursError(f'{where}: write a week, such as {{mon: ["08:30-17:00"]}}')
        desks[desk] = _week(name, week)
    return MappingProxyType(desks)


def _week(name: str, raw: CommentedMap) -> Week:
    week: dict[str, Sequence[Span]] = {}
    for day, spans in raw.items():
        where = _at(name, raw, day)
        if day not in DAYS:
            raise HoursError(f"{where}: {day!r} is no day; use {', '.join(DAYS)}")
        if not isinstance(spans, list) or not 0 < len(spans) <= MAX_SPANS:
            raise HoursError(f'{where}: write 1 to {MAX_SPANS} spans, such as ["08:30-12:00"]')
        week[day] = _spans(where, spans)
    return MappingProxyType(week)


def _spans(where: str, raw: Sequence[Any]) -> Sequence[Span]:
    spans: list[Span] = []
    for text in raw:
        match = _SPAN.fullmatch(str(text))
        if match is None:
            raise HoursError(f'{where}: {text!r} is no span; write "08:30-12:00", at most to 24:00')
        span = Span(_minutes(f"{match[1]}:{match[2]}"), _minutes(match[3]))
        if span.first >= span.end:
            raise HoursError(f"{where}: {text!r} ends before it begins; split it at 24:00")
        if spans and span.first < spans[-1].end:
            raise HoursError(f"{where}: {text!r} begins before the span above it ends")
        spans.append(span)
    return tuple(spans)


def _minutes(text: str) -> int:
    hour, _, minute = text.partition(":")
    return min(int(hour) * 60 + int(minute), MIDNIGHT)


def _holidays(name: str, document: CommentedMap) -> Sequence[Holiday]:
    found: list[Holiday] = []
    for where, raw in _entries(name, document, "holidays", {"on", "until", *LANGUAGES}):
        first = _day(where, raw, "on")
        last = _day(where, raw, "until") if "until" in raw else first
        if last < first:
            raise HoursError(f"{where}: `until` is before `on`")
        names = {one: raw.get(one) for one in LANGUAGES}
        for language, text in names.items():
            if not isinstance(text, str) or not text.strip():
                raise HoursError(f"{where}: the name in {language} is missing")
        found.append(Holiday(first, last, MappingProxyType({k: str(v) for k, v in names.items()})))
    return tuple(found)


def _workdays(name: str, document: CommentedMap) -> Mapping[date, str]:
    found: dict[date, str] = {}
    for where, raw in _entries(name, document, "workdays", {"on", "as"}):
        if raw.get("as") not in DAYS:
            raise HoursError(f"{where}: `as` names the day whose hours hold: {', '.join(DAYS)}")
        found[_day(where, raw, "on")] = str(raw["as"])
    return MappingProxyType(found)


def _entries(
    name: str, document: CommentedMap, key: str, known: set[str]
) -> Sequence[tuple[str, CommentedMap]]:
    """The entries of a list with where they stand; none where the key is absent."""
    raw = document.get(key, CommentedSeq())
    if not isinstance(raw, CommentedSeq) or len(raw) > MAX_DAYS:
        raise HoursError(f"{_at(name, document, key)}: `{key}` is a list of at most {MAX_DAYS}")
    found: list[tuple[str, CommentedMap]] = []
    for index, entry in enumerate(raw):
        where = f"{name}:{raw.lc.item(index)[0] + 1}"
        if not isinstance(entry, CommentedMap) or "on" not in entry or set(entry) - known:
            raise HoursError(f"{where}: an entry of `{key}` has {', '.join(sorted(known))}")
        found.append((where, entry))
    return found


def _day(where: str, raw: CommentedMap, key: str) -> date:
    value = raw[key]
    if not isinstance(value, date) or isinstance(value, datetime):
        raise HoursError(f"{where}: `{key}` must be a date, such as 2026-10-01")
    return value


def _at(name: str, raw: CommentedMap, key: object) -> str:
    return f"{name}:{raw.lc.key(key)[0] + 1}"
