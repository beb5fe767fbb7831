"""The event of a customer's own act, for the commit that carries it out."""

from telebank.store.transaction import Transaction
from transactions.journal import JournalEvent
from transactions.telephone_pin import Customer

Told = str | int | float | bool | None


def tell(part: Transaction, kind: str, by: Customer, outcome: str = "", **detail: Told) -> None:
    """Add an event; his card is its token."""
    part.event(act(kind, by, outcome, **detail))


def act(kind: str, by: Customer, outcome: str = "", **detail: Told) -> JournalEvent:
    """The event alone, for `Refused`."""
    return JournalEvent(
        kind,
        call=by.call,
        request=by.request,
        actor=by.actor,
        role="customer",
        origin=by.origin,
        outcome=outcome,
        detail={"customer": by.token, **detail},
    )
