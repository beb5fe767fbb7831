"""Jobs on the staff table: who is there, the first people, who leaves. See also `enrolling`.

Only the node's writer writes it; every change and every failure has its event in the same commit.
A password is here only as its argon2id hash, a second factor's seed only sealed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, text, update

from telebank.store import approvals, tables
from telebank.store.events import clean_text
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Actor
from transactions.card import SealedCard
from transactions.journal import JournalEvent

MAX_PEOPLE = 10_000
"""People, those who left among them; one more is refused."""
_P = tables.staff.c
_ALL = select(tables.staff).order_by(_P.id).limit(MAX_PEOPLE)
_ONE = select(tables.staff).where(_P.id == bindparam("of_id"))
_INSERT = insert(tables.staff)
_UNLOCK = (
    update(tables.staff)
    .where(_P.id == bindparam("of_id"), text("state = 'active'"))
    .values(wrong=0, locked_until=None)  # a login made before goes on: no `changed_at`
)
_LEAVE = (
    update(tables.staff)
    .where(_P.id == bindparam("of_id"), text("state <> 'left'"))
    .values(state="left", changed_at=bindparam("at", type_=_P.changed_at.type))
)


@dataclass(frozen=True, slots=True)
class Person:
    """One of the staff, as the table has him."""

    id: str
    name: str
    role: str
    state: str
    """active, invited (added or reset, and not enrolled yet) or left."""
    password: str
    seed: SealedCard
    totp_step: int
    wrong: int
    locked_until: datetime | None
    created_at: datetime
    created_by: str
    changed_at: datetime

    def __repr__(self) -> str:
        return f"Person({self.id!r}, {self.role!r}, {self.state!r})"


@dataclass(frozen=True, slots=True)
class NewSecrets:
    """A new password's hash (or a ticket, see `enrolling`) and a new seed, sealed."""

    password: str
    seed: SealedCard

    def __repr__(self) -> str:
        return "NewSecrets(•••)"


@dataclass(frozen=True, slots=True)
class NewPerson:
    """Who is to be added."""

    id: str
    name: str
    role: str
    secrets: NewSecrets


FirstRule = Callable[[Sequence[str], str], str | None]
"""Roles of everybody there ever was, and the new one's: why he may not be added, or None."""
LastRule = Callable[[Sequence[str], str], bool]
"""Roles of those who are active, and of who goes: whether nobody would be left to add people."""


def everybody(part: Transaction) -> list[Person]:
    """Everybody who is or was here, by id."""
    return [_person(row) for row in part.execute(_ALL).mappings()]


def find(part: Transaction, person_id: str) -> Person | None:
    """One person."""
    row = part.execute(_ONE, {"of_id": person_id}).first()
    return None if row is None else _person(row._asdict())


def add_first(part: Transaction, new: NewPerson, by: Actor, rule: FirstRule) -> str | None:
    """Add one of the first people by the machine's own user; why not, or None."""
    there = everybody(part)
    reason = "name_taken" if any(new.id == one.id for one in there) else None
    reason = reason or rule([one.role for one in there], new.role)
    if reason is not None:
        raise Refused(reason, staff_event("staff.added", by, reason, _who(new.id, new.role)))
    insert_person(part, new, by)
    return None


def leave(part: Transaction, person_id: str, by: Actor, rule: LastRule) -> str | None:
    """End somebody's rights at once; why not, or None."""
    there = [one for one in everybody(part) if one.state != "left"]
    active = [one for one in there if one.state == "active"]
    person = next((one for one in there if one.id == person_id), None)
    reason = _not_alone(part, person, by)
    if reason is None and person in active and rule([one.role for one in active], person.role):
        reason = "last_founder"
    if reason is not None:
        raise Refused(reason, staff_event("staff.left", by, reason, {"person": person_id}))
    part.execute(_LEAVE, {"of_id": person_id, "at": part.now})
    part.event(staff_event("staff.left", by, "ok", {"person": person_id}))
    return None


def unlock(part: Transaction, person_id: str, by: Actor) -> str | None:
    """Let a locked person try again; why not, or None."""
    person = find(part, person_id)
    known = person if person is not None and person.state == "active" else None
    reason = _not_alone(part, known, by)
    if reason is not None:
        raise Refused(reason, staff_event("staff.unlocked", by, reason, {"person": person_id}))
    part.execute(_UNLOCK, {"of_id": person_id})
    part.event(staff_event("staff.unlocked", by, "ok", {"person": person_id}))
    return None


def denied(part: Transaction, by: Actor, right: str, of: str) -> None:
    """Log an act that the actor's role has no right to."""
    part.event(staff_event("staff.denied", by, "not_allowed", {"right": right, "object": of}))


def _not_alone(part: Transaction, person: Person | None, by: Actor) -> str | None:
    if not approvals.still_here(part, by):
        return "gone"
    if person is None:
        return "unknown_person"
    return "himself" if person.id == by.id else None


def insert_person(
    part: Transaction, new: NewPerson, by: Actor, proposed_by: str = "", state: str = "active"
) -> None:
    """Write a new person's row, with its event."""
    part.execute(
        _INSERT,
        {
            "id": new.id,
            "name": clean_text(new.name, tables.TEXT),
            "role": new.role,
            "state": state,
            "password": new.secrets.password,
            "totp_key_id": new.secrets.seed.key_id,
            "totp_ciphertext": new.secrets.seed.ciphertext,
            "totp_step": 0,
            "wrong": 0,
            "locked_until": None,
            "created_at": part.now,
            "created_by": by.id,
            "changed_at": part.now,
        },
    )
    detail = _who(new.id, new.role) | ({"proposed_by": proposed_by} if proposed_by else {})
    part.event(staff_event("staff.added", by, "ok", detail))


def _who(person: str, role: str) -> dict[str, str]:
    return {"person": person, "role": role}


def staff_event(kind: str, by: Actor, outcome: str, detail: dict[str, str]) -> JournalEvent:
    """An event about staff."""
    return JournalEvent(
        kind,
        actor=by.id,
        role=by.role,
        origin=by.origin,
        outcome=outcome,
        detail=dict(detail),
    )


def _person(row: dict[str, Any]) -> Person:
    return Person(
        id=row["id"],
        name=row["name"],
        role=row["role"],
        state=row["state"],
        password=row["password"],
        seed=SealedCard("", "", row["totp_key_id"], row["totp_ciphertext"]),
        totp_step=row["totp_step"],
        wrong=row["wrong"],
        locked_until=row["locked_until"],
        created_at=row["created_at"],
        created_by=row["created_by"],
        changed_at=row["changed_at"],
    )
