"""Jobs on the places of those who hung up to be called back: a row while it is kept, and a contact
without a seat of each that came to nothing.

A call to somebody is counted before it is placed, and his row is gone before he talks: whenever a
node is killed, nobody is called once more than he should be, and nobody who was not reached is
forgotten.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import bindparam, delete, insert, select, update

from telebank.store import contacts
from telebank.store.contacts import EndedContact, NewContact
from telebank.store.events import clean_text
from telebank.store.seat_tables import SKILL, kept_place
from telebank.store.tables import ID
from telebank.store.transaction import Transaction
from transactions.card import SealedCard
from transactions.journal import JournalEvent

MOST = 10_000
"""Places that a node takes up when it starts."""
Lost = Literal["expired", "unreachable", "cancelled"]
"""How a place came to nothing."""
_K = kept_place.c
_INSERT = insert(kept_place)
_TRIED = (
    update(kept_place)
    .where(_K.call == bindparam("of_call"))
    .values(
        tries=bindparam("times"),
        tried_at=bindparam("last", type_=_K.tried_at.type),
    )
)
_GONE = delete(kept_place).where(_K.call == bindparam("of_call"))
_ONE = select(kept_place).where(_K.call == bindparam("of_call"))
_ALL = (
    select(kept_place)
    .where(_K.node == bindparam("of_node"))
    .order_by(_K.since, _K.kept_at, _K.call)
    .limit(MOST)
)


@dataclass(frozen=True, slots=True)
class PlaceRow:
    """A place as the table has it."""

    call: str
    queue: str
    skill: str
    language: str
    priority: int
    level: int
    called: str
    business: str
    customer: str
    """Token; empty: nobody was proved."""
    last_seat: str
    own_seat: str
    card: dict[str, Any]
    """Masked: `caller`, `customer`, `began`, `path`, `keys`."""
    since: datetime
    kept_at: datetime
    numbers: SealedCard = field(repr=False)
    tries: int = 0
    tried_at: datetime | None = None


_PLAIN = tuple(one.name for one in fields(PlaceRow) if one.name not in ("numbers", "customer"))


def keep(part: Transaction, place: PlaceRow) -> None:
    """Write a place that is kept from now on."""
    row = {name: getattr(place, name) for name in _PLAIN}
    sealed = place.numbers
    row |= {
        "node": part.node,
        "skill": clean_text(place.skill, SKILL),
        "called": clean_text(place.called, ID),
        "business": clean_text(place.business, ID),
        "customer": place.customer or None,
        "numbers_key_id": sealed.key_id,
        "numbers_ciphertext": sealed.ciphertext,
    }
    part.execute(_INSERT, row)


def tried(part: Transaction, call: str, tries: int) -> None:
    """He was called so often by now, this time too."""
    part.execute(_TRIED, {"of_call": call, "times": tries, "last": part.now})


def taken(part: Transaction, call: str) -> None:
    """He is on the line: it is kept no more."""
    part.execute(_GONE, {"of_call": call})


def over(part: Transaction, call: str, how: Lost) -> None:
    """It came to nothing: a contact without a seat says how. Nothing where it is kept no more."""
    found = part.execute(_ONE, {"of_call": call}).mappings()
    if found:
        _end(part, _place(found[0]), how)


def open_places(part: Transaction, lost: Callable[[PlaceRow], Lost | None]) -> Sequence[PlaceRow]:
    """What a former life of this node kept, who waits longest first. Those that are `lost` end,
    each with its contact and a line in the event log."""
    kept = []
    for row in part.execute(_ALL, {"of_node": part.node}).mappings():
        place = _place(row)
        how = lost(place)
        if how is None:
            kept.append(place)
            continue
        _end(part, place, how)
        waited = round((part.now - place.since).total_seconds(), 1)
        part.event(
            JournalEvent(
                "queue.left",
                call=place.call,
                actor="system",
                role="system",
                detail={"queue": place.queue, "how": how, "waited_s": waited},
            )
        )
    return kept


def _end(part: Transaction, place: PlaceRow, how: Lost) -> None:
    contact, card = f"{place.call}.0", place.card
    contacts.begin(
        part,
        NewContact(
            id=contact,
            call=place.call,
            seat="",
            queue=place.queue,
            direction="out",
            began=place.kept_at,
            answered=None,
            caller_masked=str(card.get("caller", "")),
            card_masked=str(card.get("customer", "")),
            language=place.language,
            level=0,
            business=place.business,
        ),
    )
    contacts.end(
        part,
        EndedContact(
            id=contact,
            at=part.now,
            how=how,
            hold_s=0,
            level=0,
            business=place.business,
            card_masked=str(card.get("customer", "")),
            customer=place.customer,
        ),
    )
    part.execute(_GONE, {"of_call": place.call})


def _place(row: dict[str, Any]) -> PlaceRow:
    sealed = SealedCard("", "", row["numbers_key_id"], row["numbers_ciphertext"])
    plain = {name: row[name] for name in _PLAIN}
    return PlaceRow(**plain, customer=row["customer"] or "", numbers=sealed)
