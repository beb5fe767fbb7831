"""The event of a customer's own act, for the commit that carries it out."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import bindparam, select

from telebank.store.tables import event
from telebank.store.transaction import Transaction
from transactions.journal import JournalEvent
from transactions.telephone_pin import Customer

Told = str | int | float | bool | None


def tell(part: Transaction, kind: str, by: Customer, outcome: str = "", **detail: Told) -> None:
    """Add an event; his card is its token."""
    part.event(act(kind, by, outcome, **detail))


_DONE = select(event.c.detail, event.c.personal).where(
    event.c.request == bindparam("of_request"), event.c.kind == bindparam("of_kind")
)


def done(part: Transaction, by: Customer, kind: str) -> Mapping[str, Any] | None:
    """The detail of what this very request of the customer did before, by its event (rule 9);
    without its personal part where that was erased."""
    if by.request is None:
        return None
    for row in part.execute(_DONE, {"of_request": by.request, "of_kind": kind}).all():
        if row.detail.get("customer") == by.token:
            return {**row.detail, **(row.personal or {})}
    return None


def act(kind: str, by: Customer, outcome: str = "", **detail: Told) -> JournalEvent:
    """The event alone, for `Refused`."""
    return JournalEvent(
        kind,
        call=by.call,
        request=by.request,
        actor=by.actor,
        role=by.role,
        origin=by.origin,
        outcome=outcome,
        detail={"customer": by.token, **detail},
    )
