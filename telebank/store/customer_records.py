"""Jobs on how people are to receive a customer: his importance, his dedicated teller, and the
numbers that he calls from. Two people's word changes it; a row stays when nothing is said any more.

A number is here as digest and mask. It proves nothing: it only finds a place in a queue.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import bindparam, delete, func, select, text

from telebank.store import approvals, people
from telebank.store.customer_tables import customer_number, customer_record
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Approving, Refusal

MAX_RECORDS = 50_000
"""Customers of whom something is said; one more is refused: nodes have them all in memory."""
MAX_NUMBERS = 3
"""Of one customer."""
MAX_LEVEL = 9
KIND = "customer.set"
Hindrance = Literal["nothing", "unknown_teller", "number_taken", "too_many_numbers", "full"]
_R, _N = customer_record.c, customer_number.c
_ONE = select(customer_record).where(_R.customer == bindparam("who"))
_SINCE = _R.changed_at >= bindparam("since", type_=_R.changed_at.type)
_ALL = select(customer_record).order_by(_R.customer).limit(MAX_RECORDS)
_CHANGED = select(customer_record).where(_SINCE).order_by(_R.customer).limit(MAX_RECORDS)
_COUNT = select(func.count().label("many")).select_from(customer_record)
_ALL_NUMBERS = select(customer_number).order_by(_N.customer, _N.added_at, _N.number)
_NUMBERS = _ALL_NUMBERS.where(_N.customer == bindparam("who"))
_CHANGED_NUMBERS = _ALL_NUMBERS.join(customer_record, _R.customer == _N.customer).where(_SINCE)
_TAKEN = select(_N.customer).where(_N.number == bindparam("of_number"))
_FORGET = delete(customer_number).where(_N.customer == bindparam("who"))
_PUT = text(
    "INSERT INTO customer_record (customer, importance, teller, changed_at, changed_by)"
    " VALUES (:customer, :importance, :teller, :changed_at, :changed_by)"
    " ON CONFLICT (customer) DO UPDATE SET importance = excluded.importance,"
    " teller = excluded.teller, changed_at = excluded.changed_at, changed_by = excluded.changed_by"
).bindparams(*(bindparam(column.name, type_=column.type) for column in _R))
_ADD = text(
    "INSERT INTO customer_number (number, customer, masked, added_at, added_by)"
    " VALUES (:number, :customer, :masked, :added_at, :added_by) ON CONFLICT (number) DO NOTHING"
).bindparams(*(bindparam(column.name, type_=column.type) for column in _N))


@dataclass(frozen=True, slots=True)
class Number:
    """A number that a customer calls from."""

    key: str
    """Digest of its one form."""
    masked: str


@dataclass(frozen=True, slots=True)
class CustomerRecord:
    """What is said of a customer; without anything said, what stands of others."""

    customer: str
    importance: int | None = None
    teller: str | None = None
    numbers: tuple[Number, ...] = ()
    changed_at: datetime | None = None
    changed_by: str = ""


@dataclass(frozen=True, slots=True)
class RecordChange:
    """What is to be another."""

    says: Mapping[str, int | str | None] = field(default_factory=dict)
    """`importance` and `teller`, as far as they are named; None: nothing is said any more."""
    forget: bool = False
    """Forget all his numbers, before one is added."""
    number: Number | None = None
    sits: frozenset[str] = frozenset()
    """Roles of who can be somebody's teller."""


def find(part: Transaction, customer: str) -> CustomerRecord:
    """What is said of one."""
    row = part.execute(_ONE, {"who": customer}).first()
    if row is None:
        return CustomerRecord(customer)
    return _record(row, part.execute(_NUMBERS, {"who": customer}).all())


def changed(part: Transaction, since: datetime | None) -> Sequence[CustomerRecord]:
    """All that were changed at that time or later; None: all."""
    values = {} if since is None else {"since": since}
    rows = part.execute(_ALL if since is None else _CHANGED, values).all()
    numbers: dict[str, list[Any]] = {}
    asked = _ALL_NUMBERS if since is None else _CHANGED_NUMBERS
    for one in part.execute(asked, values).all():
        numbers.setdefault(one.customer, []).append(one)
    return [_record(row, numbers.get(row.customer, [])) for row in rows]


def hindrance(part: Transaction, customer: str, change: RecordChange) -> Hindrance | None:
    """Why a change cannot be made; None: it can."""
    there = find(part, customer)
    teller = change.says.get("teller")
    if teller is not None and not _sits(part, str(teller), change.sits):
        return "unknown_teller"
    if there.changed_at is None and part.execute(_COUNT).scalar_one() >= MAX_RECORDS:
        return "full"
    numbers = () if change.forget else there.numbers
    if change.number is not None:
        owner = part.execute(_TAKEN, {"of_number": change.number.key}).first()
        if owner is not None and owner.customer != customer:
            return "number_taken"
        if change.number not in numbers:
            numbers = (*numbers, change.number)
    if len(numbers) > MAX_NUMBERS:
        return "too_many_numbers"
    same = all(getattr(there, name) == value for name, value in change.says.items())
    return "nothing" if same and numbers == there.numbers else None


def put(
    part: Transaction, customer: str, change: RecordChange, approving: Approving
) -> Refusal | Hindrance | None:
    """Change what is said, on two people's word; why not, or None."""
    why = hindrance(part, customer, change)
    if why is not None:
        return why
    refused = approvals.approve(part, approving)
    if isinstance(refused, str):
        return refused
    was, by = find(part, customer), approving.by
    says = {"importance": was.importance, "teller": was.teller, **change.says}
    detail: dict[str, Any] = {"customer": customer, **says, "note": approving.note}
    detail |= {"was_importance": was.importance, "was_teller": was.teller}
    detail["forgotten"] = len(was.numbers) if change.forget else 0
    detail["number_masked"] = "" if change.number is None else change.number.masked
    part.execute(_PUT, {"customer": customer, **says, "changed_at": part.now, "changed_by": by.id})
    if change.forget:
        part.execute(_FORGET, {"who": customer})
    if change.number is not None and change.number not in _left(was, change):
        row = {"number": change.number.key, "customer": customer, "masked": change.number.masked}
        if not part.execute(_ADD, row | {"added_at": part.now, "added_by": by.id}).rowcount:
            taken = people.staff_event(KIND, by, "number_taken", detail)
            raise Refused("number_taken", taken)  # another node was there in this moment
    part.event(people.staff_event(KIND, by, "ok", detail))
    return None


def _left(was: CustomerRecord, change: RecordChange) -> tuple[Number, ...]:
    return () if change.forget else was.numbers


def _sits(part: Transaction, teller: str, roles: frozenset[str]) -> bool:
    person = people.find(part, teller)
    return person is not None and person.state == "active" and person.role in roles


def _record(row: Any, numbers: Sequence[Any]) -> CustomerRecord:
    kept = tuple(Number(one.number, one.masked) for one in numbers)
    says = row.importance, row.teller
    return CustomerRecord(row.customer, *says, kept, row.changed_at, row.changed_by)
