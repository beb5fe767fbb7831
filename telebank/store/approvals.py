"""Jobs of two-person acts: propose, approve within another job's commit, refuse, list.

Every decision has its event in the same commit, and so has every attempt that was turned away.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, case, insert, select, text, update

from telebank.store import tables
from telebank.store.events import clean_text
from telebank.store.transaction import Refused, Transaction
from transactions.approval import Actor, Approving, Detail, Proposal, Refusal, refusal
from transactions.journal import JournalEvent

MAX_LISTED = 500
"""Proposals in one list, newest first."""
MAX_PENDING = 1_000
"""Proposals that wait at once; more are refused."""
MAX_LAPSED = 100
"""Lapsed proposals that one job marks so."""
_A = tables.approval.c
_INSERT = insert(tables.approval)
_PENDING = select(tables.approval).where(
    _A.act == bindparam("of_act"), _A.object == bindparam("of_object"), text("state = 'pending'")
)
_ONE = select(tables.approval).where(_A.id == bindparam("of_id"))
_OVER = text("state = 'pending'") & (_A.expires_at <= bindparam("at", type_=_A.expires_at.type))
# What nobody has touched since its time was over is still pending in the table.
_STATE = case((_OVER, "expired"), else_=_A.state)
_WANTED = bindparam("wanted", type_=_A.state.type)
_NEWEST = (
    select(tables.approval)
    .where((_WANTED == "") | (_WANTED == _STATE))
    .order_by(_A.proposed_at.desc(), _A.id)
    .limit(MAX_LISTED)
)
_WAITING = (
    select(_A.id)
    .where(text("state = 'pending'"), _A.expires_at > bindparam("at", type_=_A.expires_at.type))
    .limit(MAX_PENDING)
)
_LAPSED = select(tables.approval).where(_OVER).order_by(_A.expires_at, _A.id).limit(MAX_LAPSED)
_DECIDE = (
    update(tables.approval)
    .where(_A.id == bindparam("of_id"), text("state = 'pending'"))
    .values(
        state=bindparam("becomes"),
        decided_by=bindparam("who", type_=_A.decided_by.type),
        decided_at=bindparam("at", type_=_A.decided_at.type),
    )
)
_STILL = select(tables.staff.c.id).where(
    tables.staff.c.id == bindparam("of_id"),
    tables.staff.c.role == bindparam("of_role"),
    text("state = 'active'"),
)

Check = Callable[[Transaction], str | None]
"""Looks, within the commit, whether the act can be proposed at all; why not, or None."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A proposal to be written; `id` is the request id of the act, so that a repeat finds it."""

    id: str
    act: str
    object: str
    detail: Detail
    content_hash: str
    note: str
    by: Actor
    lives: timedelta


@dataclass(frozen=True, slots=True)
class NotProposed:
    """Why nothing was proposed: `pending` (another's proposal waits), `same_person` (his own
    does), `gone`, `too_many`, or what the act's own check says."""

    reason: str
    pending: Proposal | None = None


def still_here(part: Transaction, actor: Actor) -> bool:
    """Whether the actor still is on the staff in that role, whatever his token says."""
    return part.execute(_STILL, {"of_id": actor.id, "of_role": actor.role}).first() is not None


def pending(part: Transaction, act: str, of: str) -> Proposal | None:
    """The proposal that waits for this act on this object; also one whose time is over."""
    row = part.execute(_PENDING, {"of_act": act, "of_object": of}).first()
    return None if row is None else _proposal(row._asdict())


def find(part: Transaction, approval_id: str) -> Proposal | None:
    """One proposal by id; expired where its time is over, whatever the table still says."""
    row = part.execute(_ONE, {"of_id": approval_id}).first()
    return None if row is None else _as_of(part, _proposal(row._asdict()))


def newest(part: Transaction, state: str = "") -> list[Proposal]:
    """The newest proposals of a state, or of every state."""
    rows = part.execute(_NEWEST, {"wanted": state, "at": part.now}).mappings()
    return [_as_of(part, _proposal(row)) for row in rows]


def _as_of(part: Transaction, proposal: Proposal) -> Proposal:
    over = proposal.state == "pending" and part.now >= proposal.expires_at
    return replace(proposal, state="expired") if over else proposal


def propose(part: Transaction, draft: Draft, check: Check | None = None) -> Proposal | NotProposed:
    """Write a proposal; the first word of an act."""
    before = find(part, draft.id)
    if before is not None and (before.content_hash, before.proposed_by) == (
        draft.content_hash,
        draft.by.id,
    ):
        return before
    if before is not None:
        event = _event("approval.turned_away", draft, draft.by, "request_id_used")
        raise Refused(NotProposed("request_id_used"), event)
    _expire_lapsed(part)
    waiting = pending(part, draft.act, draft.object)
    if waiting is not None and part.now >= waiting.expires_at:
        _expire(part, waiting)
        waiting = None
    reason = _hindrance(part, draft, waiting, check)
    if reason is not None:
        event = _event("approval.turned_away", draft, draft.by, reason)
        raise Refused(NotProposed(reason, waiting), event)
    row = {
        "id": draft.id,
        "act": draft.act,
        "object": draft.object,
        "detail": dict(draft.detail),
        "content_hash": draft.content_hash,
        "note": clean_text(draft.note, tables.TEXT),
        "state": "pending",
        "proposed_by": draft.by.id,
        "proposed_at": part.now,
        "expires_at": part.now + draft.lives,
        "decided_by": None,
        "decided_at": None,
    }
    part.execute(_INSERT, row)
    part.event(_event("approval.proposed", draft, draft.by, "pending", note=draft.note))
    return _proposal(row)


def _hindrance(
    part: Transaction, draft: Draft, waiting: Proposal | None, check: Check | None
) -> str | None:
    if not still_here(part, draft.by):
        return "gone"
    if waiting is not None:
        return "same_person" if waiting.proposed_by == draft.by.id else "pending"
    if len(part.execute(_WAITING, {"at": part.now}).all()) >= MAX_PENDING:
        return "too_many"
    return None if check is None else check(part)


def approve(part: Transaction, approving: Approving) -> Proposal | Refusal:
    """The second word, within the commit of what it allows. The caller of this job undoes nothing
    of it: where it is refused, there is nothing else in the commit."""
    proposal = pending(part, approving.act, approving.object)
    why = refusal(proposal, approving, part.now)
    if why is None and not still_here(part, approving.by):
        why = "gone"
    if why is not None or proposal is None:
        why = why or "no_proposal"
        if why == "expired" and proposal is not None:
            _expire(part, proposal)
        part.event(_event("approval.turned_away", approving, approving.by, why))
        return why
    _decide(part, proposal, "approved", approving.by)
    part.event(
        _event(
            *("approval.approved", proposal, approving.by, "approved"),
            note=approving.note,
            proposed_by=proposal.proposed_by,
        )
    )
    return proposal


def refuse(part: Transaction, approval_id: str, by: Actor, note: str) -> Proposal | None:
    """End a proposal: refused by another, withdrawn by who made it. None where it does not wait;
    one whose time was over is marked so."""
    _expire_lapsed(part)
    proposal = find(part, approval_id)
    if proposal is None or proposal.state != "pending" or not still_here(part, by):
        return None
    becomes = "withdrawn" if proposal.proposed_by == by.id else "refused"
    _decide(part, proposal, becomes, by if becomes == "refused" else None)
    part.event(
        _event(
            *(f"approval.{becomes}", proposal, by, becomes),
            note=note,
            proposed_by=proposal.proposed_by,
        )
    )
    return find(part, approval_id)


def turned_away(part: Transaction, act: str, of: str, by: Actor, why: str) -> None:
    """Log an attempt that was not allowed."""
    detail: dict[str, str | int | float | bool | None] = {"act": act, "object": of}
    part.event(_by(JournalEvent("approval.turned_away", outcome=why, detail=detail), by))


def _expire(part: Transaction, proposal: Proposal) -> None:
    _decide(part, proposal, "expired", None)
    system = Actor("system", "system", "clock")
    part.event(_event("approval.expired", proposal, system, "expired"))


def _expire_lapsed(part: Transaction) -> None:
    """Mark what nobody touched in its time, the oldest first."""
    for row in part.execute(_LAPSED, {"at": part.now}).mappings():
        _expire(part, _proposal(row))


def _decide(part: Transaction, proposal: Proposal, becomes: str, by: Actor | None) -> None:
    """`decided_by` is never who proposed (a constraint of the table)."""
    who = None if by is None else by.id
    values = {"of_id": proposal.id, "becomes": becomes, "who": who, "at": part.now}
    if part.execute(_DECIDE, values).rowcount != 1:
        raise AssertionError(f"approval {proposal.id} was decided meanwhile")


def _event(
    kind: str, about: Draft | Approving | Proposal, by: Actor, outcome: str, **more: str
) -> JournalEvent:
    detail: dict[str, str | int | float | bool | None] = {
        "act": about.act,
        "object": about.object,
        "content_hash": about.content_hash,
    }
    if isinstance(about, Draft | Proposal):
        detail["approval"] = about.id
    detail |= {key: value for key, value in more.items() if value}
    return _by(JournalEvent(kind, outcome=outcome, detail=detail), by)


def _by(event: JournalEvent, by: Actor) -> JournalEvent:
    return JournalEvent(
        event.kind,
        actor=by.id,
        role=by.role,
        origin=by.origin,
        outcome=event.outcome,
        detail=event.detail,
    )


def _proposal(row: Mapping[str, Any]) -> Proposal:
    return Proposal(**{name: row[name] for name in _NAMES})


_NAMES: Sequence[str] = tuple(column.name for column in tables.approval.columns)
