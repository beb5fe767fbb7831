"""Lists in one field, row by row: read from a reply, and written as a host writes them.

Each row is a tag, its number from 01, and holds its columns as TLV. Money has its own currency:
number, C or D, twelve digits (156C000000012345); the rest is as in subfields.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.errors import EncodeError
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.format.templates import ReplySource
from core_adapters.iso8583.format.tlv import HEAD
from core_adapters.iso8583.values import CURRENCY, Lacking, plain_text, typed
from transactions.card_text import host_text
from transactions.contract import Kind, RowShape
from transactions.money import Money, MoneyError, currency
from transactions.outcome import Plain, Row, Rows

_MONEY = re.compile(r"(?P<currency>[0-9]{3})(?P<sign>[CD])(?P<minor>[0-9]{12})")
MAX_MINOR = 10**12 - 1


def read_rows(
    codec: Codec, reply: Message, source: ReplySource, shape: RowShape, unit: str | None
) -> Rows | Lacking:
    """The rows of a reply, in order; none where the field is absent.

    Rows out of order, more than `shape.most`, or one whose column is missing or not of its kind
    make all of them unusable. Raises `DecodeError` on bad subfields."""
    cells: dict[str, dict[str, str]] = {}
    for name, text in codec.subfields(reply, source.field).items():
        number, _, column = name.partition(".")
        cells.setdefault(number, {})[column] = text.strip()
    if list(cells) != [row_tag(n) for n in range(1, min(len(cells), shape.most) + 1)]:
        return Lacking.UNUSABLE
    held = reply.get(CURRENCY) or unit
    rows = [_row(one, source.columns, shape, held) for one in cells.values()]
    usable = tuple(row for row in rows if row is not None)
    return usable if len(usable) == len(rows) else Lacking.UNUSABLE


def row_tag(number: int) -> str:
    """The tag of a row, counted from 1."""
    return f"{number:02d}"


def _row(
    cells: Mapping[str, str], columns: Mapping[str, str], shape: RowShape, unit: str | None
) -> Row | None:
    found: dict[str, Plain] = {}
    for name, kind in shape.columns.items():
        text = cells.get(columns.get(name, ""), "")
        if not text and name in shape.optional:
            continue
        value = _cell(name, text, kind, unit)
        if value is None:
            return None
        found[name] = value
    return MappingProxyType(found)


def _cell(name: str, text: str, kind: Kind, unit: str | None) -> Plain | None:
    if kind == "money":
        return money_of(text)
    if kind == "text":
        return host_text(name, text) if text else None
    return typed(text, kind, unit)


def money_of(text: str) -> Money | None:
    """`156D000000012345` is 123.45 yuan taken away; None where it is no such text."""
    match = _MONEY.fullmatch(text)
    if match is None:
        return None
    try:
        unit = currency(match["currency"])
    except MoneyError:
        return None
    return Money(int(match["minor"]) * (1 if match["sign"] == "C" else -1), unit)


def money_text(value: Money) -> str:
    """Money as a row holds it."""
    if abs(value.minor) > MAX_MINOR:
        raise EncodeError("rows", "an amount has twelve digits at most")
    sign = "C" if value.minor >= 0 else "D"
    return f"{value.currency.number}{sign}{abs(value.minor):012d}"


def cell_text(value: Plain) -> str:
    """A value as a column of a row holds it."""
    return money_text(value) if isinstance(value, Money) else plain_text(value)


@dataclass(frozen=True, slots=True)
class Page:
    """As many rows as a field holds."""

    parts: Mapping[str, str]
    """For `Codec.join`: `01.on`, `01.amount` …"""
    rows: int
    """How many they are."""


def page(codec: Codec, number: int, rows: Iterable[Mapping[str, Plain]], most: int) -> Page:
    """The first rows, by the names of the profile's columns: up to `most`, up to what the profile
    allows in field `number`, and no more than fit into it. Raises `EncodeError` where the profile
    has no rows there, or no such column."""
    spec = codec.profile.fields[number]
    layout = spec.inside
    if layout is None or not layout.rows:
        raise EncodeError(str(number), "no rows stand in this field; say so under tags")
    names = {one.name for one in layout.columns.values()}
    parts: dict[str, str] = {}
    room, count = spec.size, 0
    for row in rows:
        if count == min(most, layout.rows):
            break
        if not row.keys() <= names:
            raise EncodeError(f"{number}.{min(row.keys() - names)}", "no column of the profile")
        texts = {name: cell_text(value) for name, value in row.items()}
        room -= HEAD + sum(HEAD + len(text.encode(spec.encoding)) for text in texts.values())
        if room < 0:
            break
        count += 1
        parts |= {f"{row_tag(count)}.{name}": text for name, text in texts.items()}
    return Page(MappingProxyType(parts), count)
