"""Jobs on what customers set for their calls, and how often they use which service."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import bindparam, delete, func, select, text

from telebank.store.customer_events import tell
from telebank.store.customer_tables import setting, usage
from telebank.store.transaction import Transaction
from transactions.telephone_pin import Customer

MOST_USES = 50
"""Different services of one call that are counted."""
_S, _U = setting.c, usage.c
_SETTINGS = select(_S.what, _S.value).where(_S.customer == bindparam("who")).order_by(_S.what)
_PUT = text(
    "INSERT INTO setting (customer, what, value, changed_at) VALUES (:customer, :what, :value, :at)"
    " ON CONFLICT (customer, what) DO UPDATE"
    " SET value = excluded.value, changed_at = excluded.changed_at"
).bindparams(bindparam("at", type_=_S.changed_at.type))
_COUNT = text(
    "INSERT INTO usage (customer, day, what, count) VALUES (:customer, :day, :what, 1)"
    " ON CONFLICT (customer, day, what) DO UPDATE SET count = usage.count + 1"
).bindparams(bindparam("day", type_=_U.day.type))
_TIMES = func.sum(_U.count)
_TOP = (
    select(_U.what, _TIMES.label("times"))
    .where(_U.customer == bindparam("who"), _U.day >= bindparam("since", type_=_U.day.type))
    .group_by(_U.what)
    .having(bindparam("below") < _TIMES)
    .order_by(_TIMES.desc(), func.max(_U.day).desc(), _U.what)
)
_PRUNE = delete(usage).where(_U.day < bindparam("before", type_=_U.day.type))


def settings(part: Transaction, customer: str) -> Mapping[str, str]:
    """What a customer has set, by name."""
    found = part.execute(_SETTINGS, {"who": customer}).all()
    return {row.what: row.value for row in found}


def put(part: Transaction, by: Customer, what: str, value: str) -> None:
    """Set one thing."""
    part.execute(_PUT, {"customer": by.token, "what": what, "value": value, "at": part.now})
    tell(part, "settings.changed", by, "ok", what=what, value=value)


def used(part: Transaction, customer: str, what: Iterable[str], day: date) -> None:
    """Count one use of each of these services."""
    rows: list[dict[str, Any]] = [
        {"customer": customer, "day": day, "what": one} for one in sorted(set(what))[:MOST_USES]
    ]
    for row in rows:
        part.execute(_COUNT, row)


def top(part: Transaction, customer: str, since: date, least: int) -> Sequence[tuple[str, int]]:
    """Services used at least so often from that day on, the most used first, with their counts."""
    rows = part.execute(_TOP, {"who": customer, "since": since, "below": least - 1}).all()
    return [(row.what, int(row.times)) for row in rows]


def prune(part: Transaction, before: date) -> int:
    """Forget uses from before that day; how many rows they were."""
    return part.execute(_PRUNE, {"before": before}).rowcount
