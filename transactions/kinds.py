"""Kinds of values in contracts and menus: scalars by name, and rows with their columns.

amount: money          a value of that kind
cursor: text?          optional: may be unset, and is then left out of the message
items: {rows: {on: date, what: word, balance: money?}, most: 20}     a list (outputs only)
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal, get_args

Kind = Literal[
    "card_no",
    "secret",
    "money",
    "text",
    "digits",
    "date",
    "time",
    "number",
    "rate",
    "word",
    "rows",
]
"""`word` is a code that is spoken by a text of its own; `rows` stands where a list was declared."""

SCALARS: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind != "rows")
IN_ROWS: tuple[Kind, ...] = tuple(kind for kind in SCALARS if kind not in ("secret", "card_no"))
"""Kinds of columns: what is read out row by row is nobody's secret."""

MAX_ROWS = 20
"""Rows of one list."""
MAX_COLUMNS = 12
WORD = re.compile(r"[a-z][a-z0-9_]{0,23}")
"""A word's code."""


class KindError(ValueError):
    """What is declared is no kind; the message says what to write."""


@dataclass(frozen=True, slots=True)
class RowShape:
    """The columns of a list; `most` is the greatest number of rows."""

    columns: Mapping[str, Kind]
    optional: frozenset[str] = frozenset()
    """Columns that a row may lack."""
    most: int = MAX_ROWS


@dataclass(frozen=True, slots=True)
class Declared:
    """Names with their kinds, as a contract or a flow declares them."""

    kinds: Mapping[str, Kind]
    optional: frozenset[str] = frozenset()
    rows: Mapping[str, RowShape] = field(default_factory=lambda: MappingProxyType({}))


def declared(raw: Any, *, lists: bool) -> Declared:
    """Read names and kinds; `lists` tells whether rows may be among them. Raises `KindError`."""
    if not isinstance(raw, dict):
        raise KindError("must map names to kinds, or be {}")
    kinds: dict[str, Kind] = {}
    optional: set[str] = set()
    rows: dict[str, RowShape] = {}
    for name, entry in raw.items():
        if lists and isinstance(entry, dict):
            rows[str(name)] = _shape(str(name), entry)
            kinds[str(name)] = "rows"
            continue
        kinds[str(name)], may_lack = _scalar(f"{name}", entry, SCALARS)
        if may_lack:
            optional.add(str(name))
    return Declared(MappingProxyType(kinds), frozenset(optional), MappingProxyType(rows))


def _scalar(name: str, entry: Any, allowed: tuple[Kind, ...]) -> tuple[Kind, bool]:
    """The kind, and whether it is optional."""
    text = str(entry)
    kind = text.removesuffix("?")
    if kind not in allowed:
        raise KindError(f"{name}: {text!r} is not one of {', '.join(allowed)}")
    return kind, text.endswith("?")


def _shape(name: str, entry: Mapping[Any, Any]) -> RowShape:
    unknown = set(entry) - {"rows", "most"}
    if unknown or not isinstance(entry.get("rows"), dict):
        raise KindError(f"{name}: a list is written {{rows: {{column: kind}}, most: {MAX_ROWS}}}")
    most = entry.get("most", MAX_ROWS)
    if not isinstance(most, int) or isinstance(most, bool) or not 0 < most <= MAX_ROWS:
        raise KindError(f"{name}: `most` is from 1 to {MAX_ROWS}")
    return columns(name, entry["rows"], most)


def columns(name: str, raw: Mapping[Any, Any], most: int = MAX_ROWS) -> RowShape:
    """The columns of a list called `name`; raises `KindError`."""
    if not 0 < len(raw) <= MAX_COLUMNS:
        raise KindError(f"{name}: give 1 to {MAX_COLUMNS} columns")
    if "n" in raw:
        raise KindError(f"{name}: `n` is the row's own number; name the column otherwise")
    read = {str(key): _scalar(f"{name}.{key}", kind, IN_ROWS) for key, kind in raw.items()}
    optional = frozenset(key for key, (_, may_lack) in read.items() if may_lack)
    kinds = MappingProxyType({key: kind for key, (kind, _) in read.items()})
    return RowShape(kinds, optional, most)
