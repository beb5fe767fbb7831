"""Lists of a reply: rows in one field.

Each row is a tag, its number from 01, and holds its columns as TLV. Money has its own currency:
number, C or D, twelve digits (156C000000012345); the rest is as in subfields.
"""

from collections.abc import Mapping
from types import MappingProxyType

from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.format.templates import ReplySource
from core_adapters.iso8583.values import FULL_DATE, Lacking, money_of, typed
from transactions.card_text import without_numbers
from transactions.contract import Kind, RowShape
from transactions.outcome import Plain, Row, Rows


def read_rows(codec: Codec, reply: Message, source: ReplySource, shape: RowShape) -> Rows | Lacking:
    """The rows of a reply, in order; none where the field is absent.

    Rows out of order, more than `shape.most`, or one whose column is missing or not of its kind
    make all of them unusable. Raises `DecodeError` on bad subfields."""
    cells: dict[str, dict[str, str]] = {}
    for name, text in codec.subfields(reply, source.field).items():
        number, _, column = name.partition(".")
        cells.setdefault(number, {})[column] = text.strip()
    if list(cells) != [row_tag(n) for n in range(1, min(len(cells), shape.most) + 1)]:
        return Lacking.UNUSABLE
    rows = [_row(one, source.columns, shape) for one in cells.values()]
    usable = tuple(row for row in rows if row is not None)
    return usable if len(usable) == len(rows) else Lacking.UNUSABLE


def row_tag(number: int) -> str:
    """The tag of a row, counted from 1."""
    return f"{number:02d}"


def _row(cells: Mapping[str, str], columns: Mapping[str, str], shape: RowShape) -> Row | None:
    found: dict[str, Plain] = {}
    for name, kind in shape.columns.items():
        text = cells.get(columns.get(name, ""), "")
        if not text and name in shape.optional:
            continue
        value = _cell(text, kind)
        if value is None:
            return None
        found[name] = value
    return MappingProxyType(found)


def _cell(text: str, kind: Kind) -> Plain | None:
    if kind == "money":
        return money_of(text)
    if kind == "text":
        return without_numbers(text) if text else None
    if kind == "date" and len(text) != FULL_DATE:
        return None  # a list may go back over years, so MMDD says too little
    return typed(text, kind)
