"""Acts of two people: the first proposes, the second's same words approve and carry it out.

What an act does is handed in as its `Carrier`; what decides whether it may be is the table of
`telebank.staff.roles` here, and the rule of `transactions.approval` in the store's commit.
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import Any, Protocol

from telebank.calls.control.common import Reply, as_json, refused
from telebank.calls.control.login import StaffDesk
from telebank.staff.roles import ACTS, Act, Role, names
from telebank.store import approvals, people
from transactions.approval import Actor, Approving, Detail, Proposal, content_hash
from transactions.closing import ACT
from transactions.hot_list import LIFT

_LONG_NUMBER = re.compile(r"\d(?:[ -]?\d){12,}")
"""Thirteen digits or more: a card's or an account's. A reference (field 37) has twelve."""

NOTED = frozenset({ACT, LIFT})
"""Acts that nobody proposes or approves without a note: money that only people can settle, and
cards that may be used again."""
MIN_LETTERS = 2
"""Letters of any script in such a note."""


@dataclass(frozen=True, slots=True)
class Done:
    """Carried out, with what to tell."""

    result: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Turned:
    """Not carried out: why, and what to do."""

    code: str
    error: str


class Carrier(Protocol):
    """What one act does."""

    def complaint(self, of: str, detail: Detail) -> str | None:
        """What is wrong with an object or a detail; None where they can be proposed."""
        ...

    def check(self, of: str, detail: Detail) -> approvals.Check | None:
        """Looks in the proposal's commit whether the act is possible; None to look at nothing."""
        ...

    def why(self, code: str) -> str | None:
        """Words for what `check` or `carry_out` found, or None for a code that is not its own."""
        ...

    async def carry_out(self, approving: Approving, detail: Detail) -> Done | Turned:
        """Approve and do it, in one commit where the store is what changes."""
        ...


class AfterApproval:
    """Carries out an act that is not the store's: approved in one commit, then done.

    A crash between the two leaves an approval without its deed; who asks again proposes anew. So
    `work` must be something that may be done twice.
    """

    def __init__(
        self,
        desk: StaffDesk,
        work: Callable[[str, Detail, Actor], Awaitable[Mapping[str, Any]]],
        complaint: Callable[[str, Detail], str | None],
    ) -> None:
        self._desk = desk
        self._work = work
        self._complaint = complaint

    def complaint(self, of: str, detail: Detail) -> str | None:
        """See `Carrier`."""
        return self._complaint(of, detail)

    def check(self, of: str, detail: Detail) -> approvals.Check | None:
        """Nothing in the store says no."""
        return None

    def why(self, code: str) -> str | None:
        """No codes of its own."""
        return None

    async def carry_out(self, approving: Approving, detail: Detail) -> Done | Turned:
        """See `Carrier`."""
        decided = await self._desk.run(partial(approvals.approve, approving=approving))
        if isinstance(decided, str):
            return Turned(decided, "")
        return Done(await self._work(approving.object, detail, approving.by))


@dataclass(frozen=True, slots=True)
class Saying:
    """One person's word on an act."""

    request_id: str
    act: str
    object: str
    detail: Detail
    note: str
    by: Actor


class Acts:
    """Takes people's words on acts, by the table of roles."""

    def __init__(self, desk: StaffDesk) -> None:
        self._desk = desk

    async def say(self, saying: Saying, carrier: Carrier) -> Reply:
        """Propose or approve, as the person's role is."""
        act = ACTS[saying.act]
        wrong = carrier.complaint(saying.object, saying.detail) or note_complaint(
            saying.note, needed=saying.act in NOTED
        )
        if wrong is not None:
            return refused(400, "bad_request", wrong)
        role = Role(saying.by.role)
        if role in act.proposes:
            return await self._propose(saying, act, carrier)
        if role in act.approves:
            return await self._approve(saying, act, carrier)
        return await self.denied(saying.by, saying.act, saying.object, act.proposes)

    async def denied(
        self, by: Actor, right: str, of: str, allowed: frozenset[Role] | None = None
    ) -> Reply:
        """Refuse what a role has no right to, with an event."""
        await self._desk.run(partial(people.denied, by=by, right=right, of=of))
        who = f"; {names(allowed)} may" if allowed else ""
        return refused(403, "not_allowed", f"{names([Role(by.role)])} may not do this{who}")

    async def _propose(self, saying: Saying, act: Act, carrier: Carrier) -> Reply:
        draft = approvals.Draft(
            id=saying.request_id,
            act=saying.act,
            object=saying.object,
            detail=saying.detail,
            content_hash=content_hash(saying.act, saying.object, saying.detail),
            note=saying.note,
            by=saying.by,
            lives=timedelta(seconds=self._desk.options.approval_s),
        )
        check = carrier.check(saying.object, saying.detail)
        made = await self._desk.run(partial(approvals.propose, draft=draft, check=check))
        if isinstance(made, Proposal):
            after = f"{names(act.approves)} approves it with the same words"
            return Reply(202, {"state": made.state, "approval": shown(made), "next": after})
        error = carrier.why(made.reason) or _why(made.reason, act, made.pending)
        more = {} if made.pending is None else {"approval": shown(made.pending)}
        return refused(409, made.reason, error, **more)

    async def _approve(self, saying: Saying, act: Act, carrier: Carrier) -> Reply:
        approving = Approving(
            act=saying.act,
            object=saying.object,
            content_hash=content_hash(saying.act, saying.object, saying.detail),
            by=saying.by,
            note=saying.note,
        )
        waiting = await self._desk.run(partial(approvals.pending, act=saying.act, of=saying.object))
        done = await carrier.carry_out(approving, saying.detail)
        if isinstance(done, Done):
            return Reply(200, {"state": "approved", **done.result})
        error = done.error or carrier.why(done.code) or _why(done.code, act, waiting)
        more = {} if waiting is None else {"approval": shown(waiting)}
        return refused(409, done.code, error, **more)


def shown(proposal: Proposal) -> dict[str, Any]:
    """A proposal as JSON."""
    return {
        "id": proposal.id,
        "act": proposal.act,
        "object": proposal.object,
        "detail": dict(proposal.detail),
        "note": proposal.note,
        "state": proposal.state,
        "proposed_by": proposal.proposed_by,
        "proposed_at": as_json(proposal.proposed_at),
        "expires_at": as_json(proposal.expires_at),
        "decided_by": proposal.decided_by,
        "decided_at": as_json(proposal.decided_at),
    }


def note_complaint(note: str, *, needed: bool) -> str | None:
    """What is wrong with a note; None where it will do."""
    if needed and sum(map(str.isalpha, note)) < MIN_LETTERS:
        return "the note is missing: say in a few words what you saw, and where"
    if _LONG_NUMBER.search(note):
        return "a note holds no card or account numbers: name the request by its reference"
    return None


def _why(code: str, act: Act, waiting: Proposal | None) -> str:
    who = "somebody" if waiting is None else waiting.proposed_by
    words = {
        "same_person": f"you proposed it yourself; {names(act.approves)} approves it",
        "pending": f"{who} has proposed it already; {names(act.approves)} approves or refuses it",
        "no_proposal": f"nobody has proposed it; {names(act.proposes)} does that first",
        "expired": "the proposal's time is over; it must be proposed anew",
        "different_content": f"this is not what {who} proposed; `telebank approval list` shows it. "
        "Say the same, or refuse it",
        "gone": "you are not on the staff in this role any more",
        "too_many": "too many proposals wait; approve or refuse some first",
        "request_id_used": "this request id was used before, for something else",
    }
    return words.get(code, code)
