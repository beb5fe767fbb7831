"""Jobs of letting somebody in: two people add him or make his secrets anew, each of the two is
given half of a code, and he himself enrols with both halves.

Until then he is `invited`: his row's password column holds a `Ticket` instead of an argon2id hash,
and every conditional statement elsewhere asks for `active`, so he can neither log in, propose nor
approve.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Literal, Self

from sqlalchemy import bindparam, or_, select, text, update

from telebank.store import approvals, tables
from telebank.store.people import (
    MAX_PEOPLE,
    NewPerson,
    NewSecrets,
    Person,
    everybody,
    find,
    insert_person,
    staff_event,
)
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Actor, Approving, Proposal, Refusal
from transactions.card import SealedCard

INVITED, ACTIVE = "invited", "active"
MAX_TOLD = 50
"""People whom one is told about at a login, newest first."""
_MARK, _VERSION = "enrol", "v=1"
_PARTS = 8
_P, _A = tables.staff.c, tables.approval.c
_SET = (
    update(tables.staff)
    .where(_P.id == bindparam("of_id"), _P.state == bindparam("was", type_=_P.state.type))
    .values(
        state=bindparam("becomes", type_=_P.state.type),
        password=bindparam("hashed", type_=_P.password.type),
        totp_key_id=bindparam("key_id", type_=_P.totp_key_id.type),
        totp_ciphertext=bindparam("ciphertext", type_=_P.totp_ciphertext.type),
        totp_step=0,
        wrong=0,
        locked_until=None,
        changed_at=bindparam("at", type_=_P.changed_at.type),
    )
)
_WRONG = (
    update(tables.staff)
    .where(_P.id == bindparam("of_id"), _P.state == INVITED)
    .values(wrong=_P.wrong + 1)
)
_PASSWORD = (
    update(tables.staff)
    .where(
        _P.id == bindparam("of_id"),
        text("state = 'active'"),
        _P.password == bindparam("old", type_=_P.password.type),
    )
    .values(
        password=bindparam("hashed", type_=_P.password.type),
        wrong=0,
        changed_at=bindparam("at", type_=_P.changed_at.type),
    )
)
_MINE = (
    select(_A.object, _A.act, _A.proposed_by, _A.decided_by, _A.decided_at, _P.state)
    .join(tables.staff, _P.id == _A.object)
    .where(
        text("approval.act IN ('staff.add', 'staff.reset') AND approval.state = 'approved'"),
        or_(_A.proposed_by == bindparam("who"), _A.decided_by == bindparam("who")),
        _A.decided_at >= bindparam("since", type_=_A.decided_at.type),
    )
    .order_by(_A.decided_at.desc(), _A.id)
    .limit(MAX_TOLD)
)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What an invited person proves himself by, once: digests of the two halves (empty where one
    was not given yet), who has each, and until when."""

    expires: datetime
    proposer: str
    approver: str
    proposers: str = ""
    approvers: str = ""

    def text(self) -> str:
        """As the password column holds it."""
        at = str(int(self.expires.timestamp()))
        whom = (self.proposer, self.approver)
        return "$".join(("", _MARK, _VERSION, at, *whom, self.proposers, self.approvers))

    @classmethod
    def read(cls, text: str) -> Self | None:
        """The ticket of a password column, or None where it holds another thing."""
        parts = text.split("$")
        if len(parts) != _PARTS or parts[1:3] != [_MARK, _VERSION]:
            return None
        at, *rest = parts[3:]
        return cls(datetime.fromtimestamp(int(at), UTC), *rest)

    def fits(self, digests: Sequence[str]) -> bool:
        """Whether these two are the digests of both halves, in either order."""
        if not (self.proposers and self.approvers):
            return False
        wanted = "".join(sorted((self.proposers, self.approvers)))
        return hmac.compare_digest(wanted, "".join(sorted(digests)))


@dataclass(frozen=True, slots=True)
class Invitation:
    """What the second person's word gives out."""

    half: str
    """Digest of the approver's half."""
    seed: SealedCard
    """Random, nobody's: stands in the row until he has his own."""
    lives: timedelta


@dataclass(frozen=True, slots=True)
class Enrolling:
    """Somebody who says he is whom, with both halves."""

    name: str
    name_digest: str
    """Stands for a name that nobody has, in the event."""
    origin: str
    halves: tuple[str, ...]
    """Digests."""


@dataclass(frozen=True, slots=True)
class LetIn:
    """Somebody whom one proposed or approved, and how far he is."""

    name: str
    act: str
    state: str
    proposed_by: str
    approved_by: str
    at: datetime


def not_addable(part: Transaction, person_id: str) -> Literal["name_taken", "full"] | None:
    """Why nobody of this name can be added. A name is never used by a second person."""
    there = everybody(part)
    if len(there) >= MAX_PEOPLE:
        return "full"
    return "name_taken" if any(person_id == one.id for one in there) else None


def not_resettable(
    part: Transaction, person_id: str, actor: str
) -> Literal["unknown_person", "himself"] | None:
    """Why this person's secrets cannot be made anew by this actor."""
    person = find(part, person_id)
    if person is None or person.state not in (ACTIVE, INVITED):
        return "unknown_person"
    return "himself" if person_id == actor else None


def add(
    part: Transaction, new: NewPerson, invitation: Invitation, approving: Approving
) -> Literal["name_taken", "full"] | Refusal | None:
    """Invite a new person by two people's word; why not, or None. `new.secrets` is not used."""
    reason = not_addable(part, new.id)
    if reason is not None:
        _turn_away(part, approving, reason)
    proposal = approvals.approve(part, approving)
    if isinstance(proposal, str):
        return proposal
    secrets = _secrets(part, invitation, proposal, approving.by)
    invited = replace(new, secrets=secrets)
    insert_person(part, invited, approving.by, proposal.proposed_by, state=INVITED)
    return None


def reset(
    part: Transaction, person_id: str, invitation: Invitation, approving: Approving
) -> Literal["unknown_person", "himself"] | Refusal | None:
    """End a person's password and second factor, and invite him anew, by two other people's word;
    why not, or None."""
    waiting = approvals.pending(part, approving.act, approving.object)
    actors = (approving.by.id, *(() if waiting is None else (waiting.proposed_by,)))
    for actor in actors:
        reason = not_resettable(part, person_id, actor)
        if reason is not None:
            _turn_away(part, approving, reason)
    proposal = approvals.approve(part, approving)
    if isinstance(proposal, str):
        return proposal
    was = _there(part, person_id).state
    _set(part, person_id, was, INVITED, _secrets(part, invitation, proposal, approving.by))
    detail = {"person": person_id, "proposed_by": proposal.proposed_by}
    part.event(staff_event("staff.reset", approving.by, "ok", detail))
    return None


def give_half(part: Transaction, person_id: str, half: str, by: Actor) -> str | None:
    """Keep the digest of a new half for one of the two who let the person in; the one he had is
    worth nothing. Why not, or None."""
    reason = _no_half(part, person_id, by)
    if reason is not None:
        raise Refused(reason, staff_event("staff.code", by, reason, {"person": person_id}))
    person = _there(part, person_id)
    ticket = _ticket(person)
    first = ticket.proposer == by.id
    ticket = replace(ticket, proposers=half) if first else replace(ticket, approvers=half)
    secrets = NewSecrets(ticket.text(), person.seed)
    _set(part, person_id, INVITED, INVITED, secrets)
    part.event(staff_event("staff.code", by, "ok", {"person": person_id}))
    return None


def _no_half(part: Transaction, person_id: str, by: Actor) -> str | None:
    if not approvals.still_here(part, by):
        return "gone"
    person = find(part, person_id)
    if person is None or person.state != INVITED:
        return "not_invited"
    ticket = _ticket(person)
    if by.id not in (ticket.proposer, ticket.approver):
        return "not_yours"
    return "code_expired" if part.now >= ticket.expires else None


def enrol(part: Transaction, who: Enrolling, new: NewSecrets, most: int) -> str | None:
    """Take an invited person's own password and second factor; why not, or None. Each wrong code
    is counted; after `most` of them the halves are worth nothing until they are given anew."""
    person = find(part, who.name)
    reason = _no_entry(part, person, who, most)
    if person is None:
        nobody = Actor("unknown", "unknown", who.origin)
        part.event(
            staff_event("staff.enrolled", nobody, "unknown", {"name_digest": who.name_digest})
        )
        return reason
    himself = Actor(person.id, person.role, who.origin)
    if reason is not None:
        part.execute(_WRONG, {"of_id": person.id})
        part.event(staff_event("staff.enrolled", himself, reason, {}))
        return reason
    ticket = _ticket(person)
    _set(part, person.id, INVITED, ACTIVE, new)
    detail = {"proposed_by": ticket.proposer, "approved_by": ticket.approver}
    part.event(staff_event("staff.enrolled", himself, "ok", detail))
    return None


def _no_entry(part: Transaction, person: Person | None, who: Enrolling, most: int) -> str | None:
    if person is None:
        return "unknown"
    if person.state != INVITED:
        return "not_invited"
    ticket = _ticket(person)
    if part.now >= ticket.expires:
        return "code_expired"
    if person.wrong >= most:
        return "locked"
    return None if ticket.fits(who.halves) else "wrong_code"


def change_password(part: Transaction, by: Actor, old: str, hashed: str) -> bool:
    """Put a new hash in the place of the old one; False where that is not his any more."""
    values = {"of_id": by.id, "old": old, "hashed": hashed, "at": part.now}
    done = part.execute(_PASSWORD, values).rowcount == 1
    part.event(staff_event("staff.password", by, "ok" if done else "gone", {}))
    return done


def password_refused(part: Transaction, by: Actor, why: str) -> None:
    """Log a new password that was not taken because the old one was wrong, or the name locked."""
    part.event(staff_event("staff.password", by, why, {}))


def let_in(part: Transaction, who: str, since: datetime) -> list[LetIn]:
    """Everybody whom `who` proposed or approved since then, newest first."""
    rows = part.execute(_MINE, {"who": who, "since": since}).all()
    return [
        LetIn(row.object, row.act, row.state, row.proposed_by, row.decided_by, row.decided_at)
        for row in rows
    ]


def _turn_away(part: Transaction, approving: Approving, reason: str) -> None:
    approvals.turned_away(part, approving.act, approving.object, approving.by, reason)
    raise Refused(reason, *part.events)


def _secrets(
    part: Transaction, invitation: Invitation, proposal: Proposal, by: Actor
) -> NewSecrets:
    expires = part.now + invitation.lives
    ticket = Ticket(expires, proposal.proposed_by, by.id, approvers=invitation.half)
    return NewSecrets(ticket.text(), invitation.seed)


def _set(part: Transaction, person_id: str, was: str, becomes: str, new: NewSecrets) -> None:
    values = {
        "of_id": person_id,
        "was": was,
        "becomes": becomes,
        "hashed": new.password,
        "key_id": new.seed.key_id,
        "ciphertext": new.seed.ciphertext,
        "at": part.now,
    }
    if part.execute(_SET, values).rowcount != 1:
        raise AssertionError(f"{person_id} was changed meanwhile")


def _there(part: Transaction, person_id: str) -> Person:
    person = find(part, person_id)
    assert person is not None, "looked up in this commit"
    return person


def _ticket(person: Person) -> Ticket:
    ticket = Ticket.read(person.password)
    assert ticket is not None, "an invited person has one"
    return ticket
