"""What a teller sees of the customer in hand: how he stands with telephone banking, and what was
before. Read within one job, together with the event that somebody looked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

from sqlalchemy import bindparam, select

from telebank.store import (
    ceilings,
    customer_records,
    habits,
    hot_list,
    payees,
    second_factors,
    tables,
)
from telebank.store.ceilings import Now
from telebank.store.contacts import Contact, contact_of
from telebank.store.customer_records import CustomerRecord
from telebank.store.seat_tables import contact
from telebank.store.second_factors import Token
from telebank.store.transaction import Transaction
from transactions.approval import Actor
from transactions.journal import JournalEvent
from transactions.lifecycle import DONE, NOT_DONE, State
from transactions.money import Money, currency

KIND = "customer.looked"
MOST_PAST = 20
"""Calls before this one that are shown, newest first."""
MOST_READ = 100
"""Contacts, and things asked for, that are read for them."""
Came = Literal["done", "not_done", "open"]
_A, _R, _C = tables.attempt.c, tables.request.c, contact.c
_TRIES = select(_A.count).where(
    _A.key == bindparam("of_key"), _A.day == bindparam("of_day", type_=_A.day.type)
)
_ASKED = (
    select(
        *(_R.call, _R.service, _R.state, _R.amount, _R.currency, _R.reference),
        *(_R.channel, _R.created_at),
    )
    .where(_R.customer == bindparam("who", type_=_R.customer.type))
    .order_by(_R.created_at.desc(), _R.reference.desc())
    .limit(MOST_READ)
)
TALKED = (
    select(contact)
    .where(_C.customer == bindparam("who", type_=_C.customer.type))
    .order_by(_C.began.desc(), _C.id.desc())
    .limit(MOST_READ)
)


@dataclass(frozen=True, slots=True)
class Look:
    """Whom somebody looks at, and what the node knows that the store does not."""

    customer: str
    """Token."""
    masked: str
    call: str
    """In hand; it is none of those before."""
    by: Actor
    limits: Mapping[str, Money]
    """The bank's."""
    tries: Iterable[str]
    """Names under which tries are counted."""
    zone: timezone


@dataclass(frozen=True, slots=True)
class AskedFor:
    """One thing that he asked for, other than to be told something."""

    service: str
    came: Came
    amount: Money | None
    reference: str
    channel: str


@dataclass(slots=True)
class PastCall:
    """One call of his; its reference is empty for what was done without one."""

    call: str
    at: datetime
    talks: list[Contact] = field(default_factory=list)
    asked: list[AskedFor] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Seen:
    """What there is to see."""

    lost: bool
    """A report of loss stands."""
    tries: Mapping[str, int]
    """Wrong ones of today."""
    token: Token | None
    record: CustomerRecord
    settings: Mapping[str, str]
    payees: int
    cooling: int
    """Of these, not ready yet."""
    limits: Mapping[str, Now]
    past: Sequence[PastCall]


def look(part: Transaction, wanted: Look) -> Seen:
    """Read it; that somebody looked is in the event log."""
    who, by = wanted.customer, wanted.by
    detail: dict[str, Any] = {"customer": who, "card_masked": wanted.masked}
    part.event(
        JournalEvent(
            KIND,
            call=wanted.call,
            actor=by.id,
            role=by.role,
            origin=by.origin,
            outcome="ok",
            detail=detail,
        )
    )
    today = hot_list.today(part, wanted.zone)
    tries = {
        name: part.execute(_TRIES, {"of_key": f"{name}:{who}", "of_day": today}).first()
        for name in wanted.tries
    }
    registered = payees.of(part, who)
    return Seen(
        lost=hot_list.hot(part, who, wanted.zone),
        tries={name: 0 if row is None else row.count for name, row in tries.items()},
        token=second_factors.token(part, who),
        record=customer_records.find(part, who),
        settings=habits.settings(part, who),
        payees=len(registered),
        cooling=sum(not one.ready(part.now) for one in registered),
        limits={
            name: ceilings.look(part, who, name, bank, today)
            for name, bank in wanted.limits.items()
        },
        past=_past(part, who, wanted.call),
    )


def _past(part: Transaction, who: str, beside: str) -> Sequence[PastCall]:
    """His last calls but that one."""
    found: dict[str, PastCall] = {}
    for row in part.execute(TALKED, {"who": who}).all():
        talk = contact_of(row._asdict())
        at = talk.answered or talk.began
        found.setdefault(talk.call, PastCall(talk.call, at)).talks.append(talk)
    for row in part.execute(_ASKED, {"who": who}).all():
        call = PastCall(row.call or "", row.created_at)
        amount = None if row.amount is None else Money(row.amount, currency(row.currency))
        asked = AskedFor(row.service, _came(row.state), amount, row.reference, row.channel)
        found.setdefault(row.call or row.reference, call).asked.append(asked)
    for one in found.values():  # oldest first within a call
        one.talks.reverse()
        one.asked.reverse()
    found.pop(beside, None)
    newest = sorted(found.values(), key=lambda one: one.at, reverse=True)
    return newest[:MOST_PAST]


def _came(state: str) -> Came:
    if State(state) in DONE:
        return "done"
    return "not_done" if State(state) in NOT_DONE else "open"
