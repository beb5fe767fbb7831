"""Jobs on matters: opened from a talk, handed on, answered, closed. Nothing said is changed. They
are read in `matter_views`.

Words are here only sealed. Every act has its event, which names who did it and holds no words.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import (
    Connection,
    String,
    bindparam,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from telebank.store import approvals, lookups, people, tables
from telebank.store.events import clean_text
from telebank.store.matter_tables import matter, matter_entry
from telebank.store.seat_tables import contact, staff_skill
from telebank.store.tables import ID
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Actor
from transactions.card import SealedCard

MAX_OPEN = 20_000
"""Open matters; one more is refused."""
MAX_ENTRIES = 200
"""Of one matter; the last one is for its closing."""
OPEN, CLOSED = "open", "closed"
SEAT, SKILL = "seat:", "skill:"
COUNTER = "matter"
NOTHING = SealedCard("", "", "", b"")
Kind = Literal["note", "hand", "result", "close"]
Sight = Literal["mine", "own", "groups", "all"]
Why = Literal["gone", "no_call", "unknown_target", "unknown", "closed", "no_result", "too_many"]
_M, _E, _S = matter.c, matter_entry.c, staff_skill.c
_ME = bindparam("me", type_=String(ID))
_OWN = or_(_M.opened_by == _ME, _M.holder == literal(SEAT) + _ME)
_GROUPS = exists(
    select(_S.skill).where(_S.staff == _ME, _M.holder == literal(SKILL) + _S.skill)
).correlate(matter)
_WROTE = exists(select(_E.nth).where(_E.matter == _M.number, _E.by == _ME)).correlate(matter)
_NUMBER = bindparam("of_number", type_=String(ID))
_ONE = select(matter).where(_M.number == _NUMBER)
_SEEN = _ONE.where(or_(_OWN, _GROUPS, _WROTE))
_RESULT = select(_E.nth).where(_E.matter == _NUMBER, _E.kind == "result").limit(1)
_COUNT = select(func.count().label("many")).select_from(matter).where(_M.state == OPEN)
_INSERT, _ADD = insert(matter), insert(matter_entry)
_TAKE = (  # locks the row, so that no other node numbers its entry alike
    update(matter)
    .where(_M.number == _NUMBER, _M.state == OPEN, _M.entries < bindparam("most"))
    .values(entries=_M.entries + 1, changed_at=bindparam("at", type_=_M.changed_at.type))
)
_BECOMES = (
    update(matter)
    .where(_M.number == _NUMBER)
    .values(state=bindparam("becomes"), holder=bindparam("has"))
)
_TALK = (
    select(contact.c.id, contact.c.card_masked, contact.c.customer)
    .where(contact.c.call == bindparam("of_call"), contact.c.seat == _ME)
    .order_by(contact.c.began.desc(), contact.c.id.desc())
    .limit(1)
)
_ACTIVE = tables.staff.c.state == "active"
_HAS_SKILL = (
    select(_S.skill)
    .join(tables.staff, tables.staff.c.id == _S.staff)
    .where(_S.skill == bindparam("of_skill"), _ACTIVE)
    .limit(1)
)


@dataclass(frozen=True, slots=True)
class NewMatter:
    """What is to be done, about whom a talk was."""

    call: str
    business: str
    subject: SealedCard
    words: SealedCard
    holder: str
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Matter:
    """One as it stands."""

    number: str
    call: str
    business: str
    card_masked: str
    subject: SealedCard
    opened_at: datetime
    opened_by: str
    due_at: datetime | None
    state: str
    holder: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """What was said or done."""

    nth: int
    at: datetime
    by: str
    kind: str
    to: str
    words: SealedCard


@dataclass(frozen=True, slots=True)
class Acting:
    """Who acts on a matter, and how far he sees."""

    by: Actor
    sees_all: bool
    sits: frozenset[str]
    """Roles of people who can be given one."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is added to a matter."""

    kind: Kind
    words: SealedCard
    to: str = ""
    """Of a hand-over: `seat:ID` or `skill:NAME`."""


def looked(part: Transaction, number: str, by: Actor, outcome: str) -> None:
    """Log that somebody looks at one that does not concern him; `unknown`: he saw none."""
    part.event(_event("looked", by, outcome, {"matter": number}))


def shown(part: Transaction, by: Actor, asked: Mapping[str, str]) -> None:
    """Log that somebody looks through everybody's; `asked`: what he looked for."""
    part.event(_event("listed", by, "ok", dict(asked)))


def open_one(part: Transaction, new: NewMatter, acting: Acting) -> tuple[str, Why | None]:
    """Open one about one's own last talk in a call: its number, or why not."""
    by = acting.by
    talk = part.execute(_TALK, {"of_call": new.call, "me": by.id}).first()
    why: Why | None = None
    if not approvals.still_here(part, by):
        why = "gone"
    elif talk is None:
        why = "no_call"
    elif not _can_have(part, new.holder, acting.sits):
        why = "unknown_target"
    elif part.execute(_COUNT).scalar_one() >= MAX_OPEN:
        why = "too_many"
    if why is not None or talk is None:
        event = _event("opened", by, why or "", {"of_call": new.call, "to": new.holder})
        raise Refused(("", why), event)
    number = f"{part.node}-{lookups.reserve(part, COUNTER, 1):06d}"
    row = {"number": number, "contact": talk.id, "call": new.call, "customer": talk.customer}
    row |= {"business": clean_text(new.business, ID), "card_masked": talk.card_masked}
    row |= {"subject_key_id": new.subject.key_id, "subject_ciphertext": new.subject.ciphertext}
    row |= {"opened_at": part.now, "opened_by": by.id, "due_at": new.due_at, "state": OPEN}
    part.execute(_INSERT, row | {"holder": new.holder, "entries": 1, "changed_at": part.now})
    _write(part, number, 1, by, ("opened", new.holder, new.words))
    part.event(
        _event("opened", by, "ok", {"matter": number, "of_call": new.call, "to": new.holder})
    )
    return number, None


def add(part: Transaction, number: str, said: Said, acting: Acting) -> Why | None:
    """Add an entry; why not, or None."""
    by, found = acting.by, _seen(part, number, acting)
    why = _hindrance(part, found, said, acting)
    most = MAX_ENTRIES if said.kind == "close" else MAX_ENTRIES - 1
    taken = {"of_number": number, "most": most, "at": part.now}
    if why is None and not part.execute(_TAKE, taken).rowcount:
        why = "too_many"
    if why is not None or found is None:
        raise Refused(why, _event(said.kind, by, why or "", {"matter": number, "to": said.to}))
    nth = part.execute(_ONE, {"of_number": number}).first().entries
    _write(part, number, nth, by, (said.kind, said.to, said.words))
    state = CLOSED if said.kind == "close" else OPEN
    values = {"of_number": number, "becomes": state, "has": said.to or found.holder}
    part.execute(_BECOMES, values)
    part.event(_event(said.kind, by, "ok", {"matter": number, "to": said.to}))
    return None


def _hindrance(part: Transaction, found: Matter | None, said: Said, acting: Acting) -> Why | None:
    if not approvals.still_here(part, acting.by):
        return "gone"
    if found is None:
        return "unknown"
    if found.state != OPEN:
        return "closed"
    if said.kind == "hand" and not _can_have(part, said.to, acting.sits):
        return "unknown_target"
    if said.kind == "close" and part.execute(_RESULT, {"of_number": found.number}).first() is None:
        return "no_result"
    return None


def seen_by(reading: Transaction | Connection, number: str, by: Actor) -> Matter | None:
    """One that concerns him: he opened, holds or wrote in it, or a group of his holds it."""
    row = reading.execute(_SEEN, {"of_number": number, "me": by.id}).first()
    return None if row is None else matter_of(row)


def _seen(part: Transaction, number: str, acting: Acting) -> Matter | None:
    if not acting.sees_all:
        return seen_by(part, number, acting.by)
    row = part.execute(_ONE, {"of_number": number}).first()
    return None if row is None else matter_of(row)


def _can_have(part: Transaction, holder: str, sits: frozenset[str]) -> bool:
    if holder.startswith(SKILL):
        asked = {"of_skill": holder.removeprefix(SKILL)}
        return part.execute(_HAS_SKILL, asked).first() is not None
    person = people.find(part, holder.removeprefix(SEAT)) if holder.startswith(SEAT) else None
    return person is not None and person.state == "active" and person.role in sits


def _write(
    part: Transaction, number: str, nth: int, by: Actor, said: tuple[str, str, SealedCard]
) -> None:
    kind, to, words = said
    row = {"matter": number, "nth": nth, "at": part.now, "by": by.id, "kind": kind, "to": to}
    part.execute(_ADD, row | {"key_id": words.key_id, "ciphertext": words.ciphertext})


def _event(kind: str, by: Actor, outcome: str, detail: dict[str, Any]) -> Any:
    return people.staff_event(f"matter.{kind}", by, outcome, detail)


def matter_of(row: Any) -> Matter:
    """One of its row."""
    subject = SealedCard("", "", row.subject_key_id, row.subject_ciphertext)
    return Matter(
        *(row.number, row.call, row.business, row.card_masked, subject, row.opened_at),
        *(row.opened_by, row.due_at, row.state, row.holder, row.changed_at),
    )
