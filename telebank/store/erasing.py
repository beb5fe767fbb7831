"""What a person is known by in the event log, found and erased: salt and detail beside entries.

Entries stay, and so do their leaves: the log verifies as before. Rows are found beside the writer
and erased in small transactions, each with its own entry; what was erased is not found again, so
it can be broken off at any time and begun anew. On SQLite what was erased is overwritten in the
file (`secure_delete`), not only unlinked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from sqlalchemy import (
    ColumnElement,
    Connection,
    Text,
    bindparam,
    literal,
    null,
    or_,
    select,
    tuple_,
    type_coerce,
    update,
)

from telebank.store.fax_tables import fax_job
from telebank.store.seat_tables import contact
from telebank.store.tables import approval, event, request
from telebank.store.transaction import Transaction
from transactions.approval import Actor
from transactions.journal import JournalEvent

MOST = 200
"""Entries of one small transaction."""
CARD, NUMBER = "card", "number"
KINDS = (CARD, NUMBER)
"""What a person is named by: the token of a card, or that of the number or address of a fax."""
KIND = "audit.erased"
_E = event.c
_FAXES = select(fax_job.c.id).where(fax_job.c.number_token == bindparam("of_token"))
_CUSTOMERS = (
    select(fax_job.c.customer)
    .where(fax_job.c.number_token == bindparam("of_token"), fax_job.c.customer.is_not(None))
    .distinct()
)
_A = approval.c
_AGREED = select(_A.id).where(
    _A.act == bindparam("of_act"),
    _A.object == bindparam("of_object"),
    _A.state == "approved",
    _A.decided_by == bindparam("who"),
    _A.decided_at >= bindparam("since", type_=_A.decided_at.type),
)
_OF_FAXES = _E.kind.startswith("fax.")
_ERASE = (
    update(event)
    .where(_E.node == bindparam("of_node"), _E.sequence == bindparam("of_sequence"))
    .where(_E.personal.is_not(None))
    .values(personal=null(), salt=null())
)


@dataclass(frozen=True, slots=True)
class Erasing:
    """Some entries whose personal detail is to go."""

    entries: Sequence[tuple[str, int]]
    """Node and sequence."""
    after: tuple[str, int] | None
    """The last of them; None: there are no more."""


def find(
    connection: Connection, kind: str, token: str, after: tuple[str, int] | None = None
) -> Erasing:
    """The next entries that speak of this person, and still have it."""
    query = select(_E.node, _E.sequence, _E.detail).where(_E.personal.is_not(None))
    if after is not None:
        query = query.where(
            tuple_(_E.node, _E.sequence) > tuple_(literal(after[0]), literal(after[1]))
        )
    query = query.order_by(_E.node, _E.sequence)
    if kind == CARD:
        rows = iter(connection.execute(query.where(_of_card(token)).limit(MOST)))
    else:
        faxes = set(connection.scalars(_FAXES, {"of_token": token}))
        read = connection.execution_options(yield_per=MOST).execute(query.where(_OF_FAXES))
        rows = (row for row in read if token in row[2].values() or row[2].get("fax") in faxes)
    found = [(str(node), int(sequence)) for node, sequence, _ in islice(rows, MOST)]
    return Erasing(found, found[-1] if len(found) == MOST else None)


def erase(part: Transaction, erasing: Erasing, kind: str, token: str, by: Actor) -> int:
    """Delete salt and detail of these, with the entry that says so; how many had them."""
    sqlite = part.connection.dialect.name == "sqlite"
    if sqlite:
        part.connection.exec_driver_sql("PRAGMA secure_delete=ON")
    gone = sum(
        part.execute(_ERASE, {"of_node": node, "of_sequence": sequence}).rowcount
        for node, sequence in erasing.entries
    )
    if sqlite:
        part.connection.exec_driver_sql("PRAGMA secure_delete=OFF")
    if gone:
        told: dict[str, str | int | float | bool | None]
        told = {"customer" if kind == CARD else "number_token": token, "entries": gone}
        part.event(
            JournalEvent(
                KIND, actor=by.id, role=by.role, origin=by.origin, outcome="ok", detail=told
            )
        )
    return gone


def customers(connection: Connection, kind: str, token: str) -> Sequence[str]:
    """Tokens of the customers of whom these entries speak, as far as they are known."""
    return [token] if kind == CARD else list(connection.scalars(_CUSTOMERS, {"of_token": token}))


def agreed(part: Transaction, act: str, token: str, by: str, since: datetime) -> bool:
    """Whether this person was the second of two who agreed on it, not before `since`."""
    found = {"of_act": act, "of_object": token, "who": by, "since": since}
    return part.execute(_AGREED, found).first() is not None


def _of_card(token: str) -> ColumnElement[bool]:
    """His own acts, what names him, and all of the calls in which he had proved himself."""
    asked = or_(request.c.customer == token, request.c.authenticated_token == token)
    calls = select(request.c.call).where(asked, request.c.call.is_not(None))
    talks = select(contact.c.call).where(contact.c.customer == token)
    faxes = select(fax_job.c.call).where(fax_job.c.customer == token, fax_job.c.call.is_not(None))
    return or_(
        _E.actor == token,
        _named(token),
        _E.request.in_(select(request.c.id).where(asked)),
        *(_E.call.in_(each) for each in (calls, talks, faxes)),
    )


def _named(token: str) -> ColumnElement[bool]:
    return type_coerce(_E.detail, Text).contains(f'"{token}"')
