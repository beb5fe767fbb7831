"""What is sealed, where, and under which key; and its sealing anew under the key of now.

What is left to do is seen in the rows themselves, so it can be broken off and begun again at any
time. Rows are found and sealed beside the writer, which only changes those that are still as they
were found. Recordings keep the key that they were made with, in their files: they end with their
time (`[recording] keep_days`).
"""

import base64
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Table,
    Text,
    bindparam,
    func,
    literal,
    select,
    tuple_,
    type_coerce,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from telebank.store import tables
from telebank.store.customer_tables import code_token, payee
from telebank.store.desk_phone_tables import desk_phone
from telebank.store.fax_tables import fax_job
from telebank.store.matter_tables import matter, matter_entry
from telebank.store.order_tables import proposal, transfer_order
from telebank.store.sealing import Keyring
from telebank.store.seat_tables import contact, kept_place, recording
from telebank.store.transaction import Transaction
from transactions.card import CardNumberError, SealedCard
from transactions.journal import JournalEvent

MOST = 200
"""Rows of one small transaction."""
IN_FILES = "recording"
"""The place whose sealed keys are in files beside the store."""
_MARK = '%"sealed":[%'
_BINDS = ("to_id", "to_text", "from_id", "from_text")


@dataclass(frozen=True, slots=True)
class Place:
    """A sealed column with the column of its key's id."""

    table: Table
    key_id: Column[str]
    text: Column[bytes]

    @property
    def name(self) -> str:
        """`payee.ciphertext`."""
        return f"{self.table.name}.{self.text.name}"


def _place(table: Table, of: str = "", text: str = "ciphertext") -> Place:
    return Place(table, table.c[f"{of}key_id"], table.c[f"{of}{text}"])


PLACES: Mapping[str, Place] = {
    one.name: one
    for one in (
        _place(tables.sealed_input),
        _place(tables.known_balance),
        _place(tables.staff, "totp_"),
        _place(payee),
        _place(code_token),
        _place(desk_phone),
        _place(fax_job, "number_"),
        _place(transfer_order, "payer_"),
        _place(transfer_order, "payee_"),
        _place(proposal, text="terms"),
        _place(contact, "note_"),
        _place(kept_place, "numbers_"),
        _place(matter, "subject_"),
        _place(matter_entry),
    )
}
"""Columns of their own, by name."""
VALUES: Mapping[str, Column[Any]] = {
    f"request.{one.name}": one for one in (tables.request.c.inputs, tables.request.c.outcome_data)
}
"""Columns of JSON that may have sealed values in it, by name."""
NAMES = (*PLACES, *VALUES)


@dataclass(frozen=True, slots=True)
class Found:
    """Rows under an older key, read and sealed anew."""

    place: str
    changes: Sequence[Mapping[str, Any]]
    after: Sequence[Any] | None
    """The key of the last row that was looked at; None: there are no more."""
    spoilt: int
    """Rows that do not open: their key is gone, or they were changed."""


def sealed_by(connection: Connection) -> dict[str, Counter[str]]:
    """How many values there are of each key, by place; recordings among them."""
    found = {name: _count(connection, one.key_id) for name, one in PLACES.items()}
    found |= {name: _count_values(connection, column) for name, column in VALUES.items()}
    found[IN_FILES] = _count(connection, recording.c.key_id)
    return found


def find(
    connection: Connection, keys: Keyring, place: str, after: Sequence[Any] | None, most: int = MOST
) -> Found:
    """Up to `most` rows of a place behind `after` that are not under the key of now, sealed anew
    under it. Raises `KeyError` for no place."""
    if place in VALUES:
        return _find_values(connection, keys, place, after, most)
    one = PLACES[place]
    order = list(one.table.primary_key)
    stale = select(*order, one.key_id, one.text).where(one.key_id.not_in(["", keys.current]))
    rows = connection.execute(_behind(stale, order, after).limit(most)).all()
    changes, spoilt = [], 0
    for row in rows:
        *row_key, key_id, text = row
        try:
            new = keys.renewed(SealedCard("", "", key_id, text))
        except CardNumberError:
            spoilt += 1
            continue
        values = (new.key_id, new.ciphertext, key_id, text)
        changes.append(_of(row_key) | dict(zip(_BINDS, values, strict=True)))
    return Found(place, changes, _last(rows, order, most), spoilt)


def reseal(part: Transaction, found: Found, by: str) -> int:
    """Write what `find` made, with its event; rows that were changed meanwhile stay as they are.
    Returns how many were written."""
    statement = _UPDATES[found.place]
    written = sum(part.execute(statement, change).rowcount for change in found.changes)
    if written:
        detail: dict[str, str | int | float | bool | None]
        detail = {"place": found.place, "rows": written, "spoilt": found.spoilt}
        part.event(
            JournalEvent("store.resealed", actor=by, role="system", outcome="ok", detail=detail)
        )
    return written


def _count(connection: Connection, key_id: Column[str]) -> Counter[str]:
    counted = select(key_id, func.count()).where(key_id != "").group_by(key_id)
    return Counter({str(key): int(many) for key, many in connection.execute(counted)})


def _count_values(connection: Connection, column: Column[Any]) -> Counter[str]:
    marked = select(column).where(type_coerce(column, Text).like(_MARK))
    rows = connection.execution_options(yield_per=MOST).execute(marked).scalars()
    return Counter(body[2] for values in rows for body in _bodies(values))


def _find_values(
    connection: Connection, keys: Keyring, place: str, after: Sequence[Any] | None, most: int
) -> Found:
    column, row_key = VALUES[place], tables.request.c.id
    marked = select(row_key, column).where(type_coerce(column, Text).like(_MARK))
    rows = connection.execute(_behind(marked, [row_key], after).limit(most)).all()
    changes, spoilt = [], 0
    for request, values in rows:
        if all(body[2] == keys.current for body in _bodies(values)):
            continue
        try:
            new = {name: _renewed(value, keys) for name, value in values.items()}
        except CardNumberError:
            spoilt += 1
            continue
        changes.append(_of([request]) | {"to_text": new, "from_text": values})
    return Found(place, changes, _last(rows, [row_key], most), spoilt)


def _renewed(value: Any, keys: Keyring) -> Any:
    if not (isinstance(value, dict) and "sealed" in value):
        return value
    token, masked, key_id, text = value["sealed"]
    new = keys.renewed(SealedCard(token, masked, key_id, base64.b64decode(text)))
    return {"sealed": [token, masked, new.key_id, base64.b64encode(new.ciphertext).decode()]}


def _bodies(values: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    """Of each sealed value token, mask, key id and text (see values.py)."""
    for value in values.values():
        if isinstance(value, dict) and "sealed" in value:
            yield value["sealed"]


def _behind(query: Any, order: Sequence[Column[Any]], after: Sequence[Any] | None) -> Any:
    query = query.order_by(*order)
    if after is None:
        return query
    values = [literal(value, column.type) for column, value in zip(order, after, strict=True)]
    return query.where(tuple_(*order) > tuple_(*values))


def _last(rows: Sequence[Any], order: Sequence[Any], most: int) -> Sequence[Any] | None:
    return list(rows[-1][: len(order)]) if len(rows) == most else None


def _of(row_key: Sequence[Any]) -> dict[str, Any]:
    return {f"of_{number}": value for number, value in enumerate(row_key)}


def _is(order: Sequence[Column[Any]]) -> list[ColumnElement[bool]]:
    return [
        column == bindparam(f"of_{number}", type_=column.type)
        for number, column in enumerate(order)
    ]


def _update(one: Place) -> Any:
    key_id, text = one.key_id, one.text
    return (
        update(one.table)
        .where(*_is(list(one.table.primary_key)))
        .where(key_id == bindparam("from_id", type_=key_id.type))
        .where(text == bindparam("from_text", type_=text.type))
        .values({key_id: bindparam("to_id"), text: bindparam("to_text", type_=text.type)})
    )


def _update_values(column: Column[Any]) -> Any:
    return (
        update(tables.request)
        .where(*_is([tables.request.c.id]))
        .where(column == bindparam("from_text", type_=column.type))
        .values({column: bindparam("to_text", type_=column.type)})
    )


_UPDATES = {name: _update(one) for name, one in PLACES.items()} | {
    name: _update_values(column) for name, column in VALUES.items()
}
