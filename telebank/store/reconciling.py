"""The journal as reconciliation reads it: money requests of a date, of every node, streamed.

Read-only. Three short reads instead of one long condition, so that each goes by an index; a row
that moves from one to the other meanwhile is given twice, and the comparison keeps the first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, RowMapping, Select, bindparam, func, select, text

from telebank.store import tables
from transactions.lifecycle import State
from transactions.reconcile import LOOKUP_ROWS
from transactions.reconcile_values import JournalRow

ROWS_AT_ONCE = 2_000
"""Rows fetched at a time."""
SETTLING = ("request", "repeat", "query")
"""Messages whose answer settles a request; the date of a reversal is another matter."""
UNDONE = "00"
"""Field 39 of a reversal's answer by which the host undid it, and had it (rule 3)."""
_R, _M, _S = tables.request.c, tables.host_message.c, tables.sealed_input.c
_SETTLED_ON = (
    select(func.max(_M.settled_on))
    .where(_M.request == _R.id, _M.role.in_(SETTLING), _M.settled_on.is_not(None))
    .scalar_subquery()
)
_REVERSED_ON = (
    select(func.max(_M.settled_on))
    .where(_M.request == _R.id, _M.role == "reversal", _M.reply39 == UNDONE)
    .scalar_subquery()
)
# By the request: a good customer's token stands in many rows.
_CARD = (
    select(func.max(_S.masked))
    .where(_S.request == _R.id, _S.kind == "card", func.coalesce(_S.token, "") == _R.customer)
    .scalar_subquery()
)
_MONEY = text("request.effect = 'money'") & _R.amount.is_not(None)
_SELECTED = select(
    *(_R.reference, _R.service, _R.state, _R.amount, _R.currency, _R.inputs),
    *(_R.business_date, _R.payee_masked, _R.node),
    _SETTLED_ON.label("settled_on"),
    _REVERSED_ON.label("reversed_on"),
    _CARD.label("card"),
)
_ROWS = _SELECTED.where(_MONEY)
_OF_DATE = _ROWS.where(_R.business_date == bindparam("day"))
_SETTLED = _ROWS.where(
    _R.id.in_(select(_M.request).where(_M.settled_on == bindparam("day"))),
    _R.business_date != bindparam("day"),
)
_OPEN = _SELECTED.where(
    # Few rows are open, all older money is much: not by the index of money's dates.
    func.coalesce(_R.effect, "") == "money",
    _R.amount.is_not(None),
    text(f"request.{tables.OPEN_STATES}"),
    _R.business_date < bindparam("day"),
)
_BY_REFERENCE = _ROWS.where(_R.reference.in_(bindparam("references", expanding=True)))
_COUNT = select(func.count()).select_from(tables.request)


def count_of(engine: Engine, day: date) -> int:
    """How many rows the date has, for a progress bar."""
    with engine.connect() as connection:
        query = _COUNT.where(_MONEY, _R.business_date == bindparam("day"))
        return int(connection.execute(query, {"day": day}).scalar_one())


def rows_of(engine: Engine, day: date) -> Iterator[JournalRow]:
    """Money requests recorded under `day`, those that the host settled or reversed on it, and
    older ones that are still open."""
    with engine.connect() as connection:
        for query in (_OF_DATE, _SETTLED, _OPEN):
            yield from _read(connection, query, {"day": day})


def rows_by_reference(engine: Engine, references: Sequence[str]) -> Iterable[JournalRow]:
    """Money requests of any date, at most `LOOKUP_ROWS` references at once."""
    if len(references) > LOOKUP_ROWS:
        raise ValueError(f"more than {LOOKUP_ROWS} references at once")
    with engine.connect() as connection:
        return list(_read(connection, _BY_REFERENCE, {"references": list(references)}))


def _read(
    connection: Connection, query: Select[Any], values: Mapping[str, Any]
) -> Iterator[JournalRow]:
    streamed = connection.execution_options(yield_per=ROWS_AT_ONCE)
    words: dict[str, str] = {}
    for row in streamed.execute(query, values).mappings():
        yield _row(row, words)


def _row(row: RowMapping, words: dict[str, str]) -> JournalRow:
    """`words` holds each text once: a day's rows have few cards and payees between them."""

    def once(text: str) -> str:
        return words.setdefault(text, text)

    return JournalRow(
        reference=row["reference"],
        service=once(row["service"]),
        state=State(row["state"]),
        amount=row["amount"],
        currency=once(row["currency"]),
        fee=_fee(row["inputs"], row["currency"]),
        business_date=row["business_date"],
        settled_on=row["settled_on"],
        reversed_on=row["reversed_on"] if row["state"] == State.REVERSED else None,
        card_masked=once(row["card"] or ""),
        payee_masked=once(row["payee_masked"]),
        node=once(row["node"]),
    )


def _fee(inputs: Mapping[str, Any], code: str) -> int | None:
    """The fee agreed to, from the terms of the quote; None where they name none."""
    fee = inputs.get("fee")
    if not isinstance(fee, Mapping) or "money" not in fee:
        return None
    minor, of_code = fee["money"]
    return int(minor) if of_code == code else None
