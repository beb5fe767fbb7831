"""Jobs that write down that an auditor looks, before he is shown anything."""

from collections.abc import Mapping
from typing import Any, Literal

from sqlalchemy import bindparam, select

from telebank.store.customer_tables import customer_number
from telebank.store.transaction import Transaction
from transactions.approval import Actor
from transactions.journal import JournalEvent

What = Literal["page", "search", "story", "unusual", "csv", "paper"]
"""At what: the empty form, a search, one story, findings; or what is taken away, as a file."""
KIND = "audit.looked"
_N = customer_number.c
_OWNER = select(_N.customer).where(_N.number == bindparam("of_number"))


def looked(part: Transaction, what: What, by: Actor, detail: Mapping[str, Any]) -> None:
    """Write the entry; `detail` has masked numbers alone."""
    part.event(
        JournalEvent(
            KIND, actor=by.id, role=by.role, origin=by.origin, outcome=what, detail=dict(detail)
        )
    )


def looked_by_number(
    part: Transaction, what: What, key: str, by: Actor, detail: Mapping[str, Any]
) -> str:
    """The same for a telephone number, known by its digest: the customer who calls from it, by the
    bank's own record of him; empty where it has none."""
    row = part.execute(_OWNER, {"of_number": key}).first()
    customer = "" if row is None else str(row.customer)
    looked(part, what, by, {**detail, "customer": customer})
    return customer
