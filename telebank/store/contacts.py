"""Jobs on contacts: who talked with whom, when, about what, and what the teller wrote of it.

A contact has its row when the talk begins, so that a node which dies leaves a trace of it. That it
began and ended is told to the event log by the room of tellers. A note is here only sealed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, case, insert, select, text, update

from telebank.store.events import clean_text
from telebank.store.seat_tables import IS_OPEN, contact
from telebank.store.tables import ID
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Actor
from transactions.card import SealedCard
from transactions.journal import JournalEvent

MAX_LISTED = 1_000
"""Contacts in one answer."""
MAX_NOTE = 2_000
"""Characters of a note."""
REMEMBERED = timedelta(days=30)
"""How long it counts who talked with a customer last."""
LOST = "lost"
"""How one ended whose node died: nobody knows when."""
_C = contact.c
_CUSTOMER_TYPE = _C.customer.type
_INSERT = insert(contact)
_END = (
    update(contact)
    .where(_C.id == bindparam("of_id"), text(IS_OPEN))
    .values(
        ended=bindparam("at", type_=_C.ended.type),
        how_ended=bindparam("how"),
        hold_s=bindparam("held"),
        level=bindparam("proved"),
        # What the teller has written of it is better than where the caller was in the menus.
        business=case((_C.note_key_id == "", bindparam("about")), else_=_C.business),
        card_masked=bindparam("card"),
        customer=bindparam("who", type_=_CUSTOMER_TYPE),
    )
)
_WRAP = update(contact).where(_C.id == bindparam("of_id")).values(wrap_s=bindparam("seconds"))
_LOST = (
    update(contact)
    .where(_C.node == bindparam("of_node"), _C.epoch < bindparam("before"), text(IS_OPEN))
    .values(how_ended=LOST)
)
_NEWEST = (
    select(_C.id)
    .where(_C.call == bindparam("of_call"), _C.seat == bindparam("of_seat"))
    .order_by(_C.began.desc(), _C.id.desc())
    .limit(1)
)
_NOTE = (
    update(contact)
    .where(_C.id == bindparam("of_id"))
    .values(
        business=case((bindparam("about") == "", _C.business), else_=bindparam("about")),
        note_key_id=bindparam("key"),
        note_ciphertext=bindparam("sealed", type_=_C.note_ciphertext.type),
    )
)
_DAY = (
    select(contact)
    .where(
        _C.seat == bindparam("of_seat"),
        _C.began >= bindparam("since", type_=_C.began.type),
        _C.began < bindparam("until", type_=_C.began.type),
    )
    .order_by(_C.began.desc(), _C.id.desc())
    .limit(MAX_LISTED)
)
_LAST = (
    select(_C.seat)
    .where(
        _C.customer == bindparam("who", type_=_CUSTOMER_TYPE),
        _C.answered >= bindparam("since", type_=_C.answered.type),
    )
    .order_by(_C.answered.desc(), _C.id.desc())
    .limit(1)
)
_LATELY = (
    select(_C.customer, _C.seat)
    .where(
        text("customer IS NOT NULL"),
        _C.answered >= bindparam("since", type_=_C.answered.type),
    )
    .order_by(_C.answered.desc(), _C.id.desc())
    .limit(bindparam("most"))
)


@dataclass(frozen=True, slots=True)
class NewContact:
    """A talk that begins."""

    id: str
    call: str
    seat: str
    queue: str
    direction: str
    """in or out."""
    began: datetime
    answered: datetime | None
    caller_masked: str
    card_masked: str
    language: str
    level: int
    business: str


@dataclass(frozen=True, slots=True)
class EndedContact:
    """What is known of it at its end."""

    id: str
    at: datetime
    how: str
    hold_s: int
    level: int
    business: str
    card_masked: str
    customer: str
    """Token; empty: nobody proved himself."""


@dataclass(frozen=True, slots=True)
class Contact:
    """One as the table has it."""

    id: str
    call: str
    seat: str
    queue: str
    direction: str
    began: datetime
    answered: datetime | None
    ended: datetime | None
    hold_s: int
    wrap_s: int
    card_masked: str
    caller_masked: str
    language: str
    level: int
    business: str
    how_ended: str
    """Empty: it goes on."""
    note: SealedCard
    """Without content: nothing was written."""

    @property
    def talk_s(self) -> float:
        """Seconds between answer and end; 0 where one is not known."""
        if self.answered is None or self.ended is None:
            return 0.0
        return (self.ended - self.answered).total_seconds()


_PLAIN = tuple(one.name for one in fields(Contact) if one.name != "note")


def begin(part: Transaction, new: NewContact) -> None:
    """Write a contact that begins."""
    row = {one.name: getattr(new, one.name) for one in fields(NewContact)}
    row |= {
        "node": part.node,
        "epoch": part.epoch,
        "ended": None,
        "hold_s": 0,
        "wrap_s": 0,
        "customer": None,
        "business": clean_text(new.business, ID),
        "caller_masked": clean_text(new.caller_masked, ID),
        "how_ended": "",
        "note_key_id": "",
        "note_ciphertext": b"",
    }
    part.execute(_INSERT, row)


def end(part: Transaction, ended: EndedContact) -> None:
    """Write how one ended; nothing where it has ended already."""
    values = {
        "of_id": ended.id,
        "at": ended.at,
        "how": ended.how,
        "held": ended.hold_s,
        "proved": ended.level,
        "about": clean_text(ended.business, ID),
        "card": ended.card_masked,
        "who": ended.customer or None,
    }
    part.execute(_END, values)


def wrapped(part: Transaction, contact_id: str, seconds: int) -> None:
    """How long the paperwork after it took."""
    part.execute(_WRAP, {"of_id": contact_id, "seconds": seconds})


def note(part: Transaction, call: str, business: str, sealed: SealedCard, by: Actor) -> str | None:
    """Keep what a seat wrote of its last contact in a call, instead of what it wrote before; why
    not, or None. Without a business that one stays."""
    found = part.execute(_NEWEST, {"of_call": call, "of_seat": by.id}).first()
    detail = {"business": business}
    if found is None:
        raise Refused("no_call", _said("contact.noted", by, "no_call", call, detail))
    values = {"of_id": found.id, "about": clean_text(business, ID), "key": sealed.key_id}
    part.execute(_NOTE, values | {"sealed": sealed.ciphertext})
    part.event(_said("contact.noted", by, "ok", call, {"contact": found.id, **detail}))
    return None


def lost(part: Transaction) -> int:
    """Close what a former life of this node left open; how many."""
    return part.execute(_LOST, {"of_node": part.node, "before": part.epoch}).rowcount


def of_day(part: Transaction, seat: str, since: datetime, until: datetime) -> Sequence[Contact]:
    """A seat's contacts that began then, newest first."""
    values = {"of_seat": seat, "since": since, "until": until}
    return [contact_of(row) for row in part.execute(_DAY, values).mappings()]


def shown(part: Transaction, seat: str, by: Actor) -> None:
    """Log that somebody looked at another's contacts."""
    part.event(_said("contact.shown", by, "ok", None, {"seat": seat}))


def last_seat(part: Transaction, customer: str) -> str:
    """Who talked with a customer last; empty where nobody did lately."""
    since = part.now - REMEMBERED
    found = part.execute(_LAST, {"who": customer, "since": since}).first()
    return "" if found is None else str(found.seat)


def last_seats(part: Transaction, most: int) -> Mapping[str, str]:
    """Who talked last with each of the customers of the last thirty days, who called last at the
    end: what a node that starts knows."""
    values = {"since": part.now - REMEMBERED, "most": most}
    newest_last = reversed(part.execute(_LATELY, values).all())
    found: dict[str, str] = {}
    for row in newest_last:
        found.pop(row.customer, None)
        found[row.customer] = row.seat
    return found


def _said(
    kind: str, by: Actor, outcome: str, call: str | None, detail: Mapping[str, Any]
) -> JournalEvent:
    return JournalEvent(
        kind,
        call=call,
        actor=by.id,
        role=by.role,
        origin=by.origin,
        outcome=outcome,
        detail=dict(detail),
    )


def contact_of(row: Mapping[str, Any]) -> Contact:
    """A contact of a row of the table."""
    sealed = SealedCard("", "", row["note_key_id"], row["note_ciphertext"])
    return Contact(**{name: row[name] for name in _PLAIN}, note=sealed)
