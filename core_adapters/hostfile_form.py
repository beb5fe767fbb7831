"""Section `host_file` of a host's profile, checked: where each column stands and its words."""

import codecs
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from transactions.money import MoneyError, currency
from transactions.reconcile_values import Status

NEEDED = frozenset({"reference", "amount", "business_date", "status"})
"""Columns that a file must have; `currency` too, unless the section names the one currency."""
COLUMNS = NEEDED | {"currency", "fee", "stan", "field7", "terminal", "service"}
FORMATS = ("csv", "positions")
AMOUNTS = ("minor", "decimal")
MAX_PLACE = 4_096
MAX_SKIP = 100
PIECES = ("YYYY", "MM", "DD")
DATE_PIECE = re.compile(r"(YYYY|MM|DD)")
Place = str | int | tuple[int, int]


class HostFileError(ValueError):
    """A file or its section that cannot be used: where, and what to do."""


@dataclass(frozen=True, slots=True)
class FileForm:
    """Section `host_file`, checked. A place is a header's word, a number from 1, or (with
    `format: positions`) first character from 1 and length."""

    format: Literal["csv", "positions"] = "csv"
    encoding: str = "utf-8"
    delimiter: str = ","
    header: bool = True
    skip: int = 0
    """Lines before the header or the first row."""
    ignore: tuple[str, ...] = ()
    """A line beginning with one of these is no row: a trailer, a comment."""
    columns: Mapping[str, Place] = field(default_factory=dict)
    status: Mapping[str, Status] = field(default_factory=dict)
    """The file's word to ours."""
    amount: Literal["minor", "decimal"] = "minor"
    date: str = "YYYY-MM-DD"
    currency: str = ""
    """The one currency of a file without such a column."""


KEYS = frozenset(FileForm.__dataclass_fields__)


def read_form(section: Mapping[str, Any]) -> FileForm:
    """Check the section of a profile; raises `HostFileError` naming the key."""
    unknown = sorted(set(section) - KEYS)
    if unknown:
        raise _wrong(unknown[0], f"unknown; known are {', '.join(sorted(KEYS))}")
    form = FileForm(
        format=_choice(section, "format", FORMATS),
        encoding=_encoding(section),
        delimiter=_delimiter(section),
        header=_header(section),
        skip=_skip(section),
        ignore=_ignore(section),
        columns=_columns(section),
        status=_status(section),
        amount=_choice(section, "amount", AMOUNTS),
        date=_date(section),
        currency=_unit(section),
    )
    _check(form)
    return form


def _choice(section: Mapping[str, Any], key: str, allowed: tuple[str, ...]) -> Any:
    value = section.get(key, allowed[0])
    if value not in allowed:
        raise _wrong(key, f"must be one of {', '.join(allowed)}")
    return value


def _text(section: Mapping[str, Any], key: str, default: str) -> str:
    value = section.get(key, default)
    if not isinstance(value, str) or not value:
        raise _wrong(key, "must be text")
    return value


def _encoding(section: Mapping[str, Any]) -> str:
    name = _text(section, "encoding", "utf-8")
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise _wrong("encoding", f"{name!r} is not known; such as utf-8 or gb18030") from None


def _delimiter(section: Mapping[str, Any]) -> str:
    value = _text(section, "delimiter", ",")
    if len(value) != 1 or value in '"\r\n':
        raise _wrong("delimiter", "must be one character, not a quote")
    return value


def _header(section: Mapping[str, Any]) -> bool:
    value = section.get("header", True)
    if not isinstance(value, bool):
        raise _wrong("header", "must be true or false")
    return value


def _skip(section: Mapping[str, Any]) -> int:
    value = section.get("skip", 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_SKIP:
        raise _wrong("skip", f"must be a number of lines, 0 to {MAX_SKIP}")
    return value


def _ignore(section: Mapping[str, Any]) -> tuple[str, ...]:
    value = section.get("ignore", ())
    if isinstance(value, str) or not all(isinstance(one, str) and one for one in value):
        raise _wrong("ignore", "must be a list of beginnings of lines")
    return tuple(value)


def _columns(section: Mapping[str, Any]) -> Mapping[str, Place]:
    value = section.get("columns")
    if not isinstance(value, Mapping):
        raise _wrong("columns", f"must map columns to their places: {', '.join(sorted(COLUMNS))}")
    unknown = sorted(set(value) - COLUMNS)
    if unknown:
        raise _wrong(f"columns.{unknown[0]}", f"known are {', '.join(sorted(COLUMNS))}")
    needed = NEEDED if "currency" in section else NEEDED | {"currency"}
    missing = sorted(needed - set(value))
    if missing:
        raise _wrong("columns", f"needs {', '.join(missing)}")
    return {str(name): _place(str(name), place) for name, place in value.items()}


def _place(name: str, value: Any) -> Place:
    if isinstance(value, str) and value:
        return value
    if _is_number(value):
        return int(value)
    if isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_number, value)):  # noqa: PLR2004
        return (int(value[0]), int(value[1]))
    raise _wrong(
        f"columns.{name}",
        "must be a word of the header, a number from 1, or [first character, length]",
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= MAX_PLACE


def _status(section: Mapping[str, Any]) -> Mapping[str, Status]:
    value = section.get("status")
    words = get_args(Status)
    if not isinstance(value, Mapping) or not value:
        raise _wrong("status", f"must map the file's words to {' or '.join(words)}")
    for word, ours in value.items():
        if not isinstance(word, str) or ours not in words:
            raise _wrong(f"status.{word}", f"a quoted word to {' or '.join(words)}")
    return dict(value)


def _date(section: Mapping[str, Any]) -> str:
    value = _text(section, "date", "YYYY-MM-DD")
    if sorted(DATE_PIECE.findall(value)) != sorted(PIECES):
        raise _wrong("date", "must have YYYY, MM and DD once each, such as YYYY-MM-DD")
    return value


def _unit(section: Mapping[str, Any]) -> str:
    if "currency" not in section:
        return ""
    try:
        return currency(_text(section, "currency", "")).code
    except MoneyError as error:
        raise _wrong("currency", str(error)) from None


def _check(form: FileForm) -> None:
    """Each place must be of the kind that the format and header ask for."""
    kind: type[Any]
    if form.format == "positions":
        kind, what = tuple, "[first character, length]"
    elif form.header:
        kind, what = str, "a word of the header"
    else:
        kind, what = int, "a number from 1"
    for name, place in form.columns.items():
        if not isinstance(place, kind):
            raise _wrong(f"columns.{name}", f"must be {what} with this format and header")


def _wrong(key: str, why: str) -> HostFileError:
    return HostFileError(f"host_file.{key} of the profile: {why}")
