"""Jobs that close a row by the word of two people, and look whether it can be closed."""

from typing import Any

from sqlalchemy import bindparam, select

from telebank.store import approvals, steps, tables
from telebank.store.transaction import Refused, Transaction
from transactions.closing import Closed, Closing, NotClosed
from transactions.lifecycle import State

_R = tables.request.c
_ROW = select(_R.id, _R.state, _R.business_date).where(_R.reference == bindparam("of_reference"))


def close(part: Transaction, closing: Closing) -> Closed | NotClosed:
    """Approve the proposal, move the row from MANUAL and settle its holds, in one commit."""
    row = _row(part, closing.reference)
    hindrance = _hindrance(row)
    if hindrance is not None:
        by, act = closing.approving.by, closing.approving.act
        approvals.turned_away(part, act, closing.reference, by, hindrance.reason)
        raise Refused(hindrance, *part.events)
    proposal = approvals.approve(part, closing.approving)
    if isinstance(proposal, str):
        return NotClosed(proposal, State(row.state))
    people = steps.People(proposal.id, proposal.proposed_by, closing.approving.by)
    why = closing.approving.note or proposal.note
    held = steps.advance(part, steps.Step(row.id, (closing.state,), why, {}, None, people=people))
    return Closed(
        request_id=row.id,
        reference=closing.reference,
        state=closing.state,
        business_date=row.business_date,
        proposed_by=proposal.proposed_by,
        approved_by=closing.approving.by.id,
        holds=held,
    )


def not_closable(part: Transaction, reference: str) -> NotClosed | None:
    """Why the row cannot be closed by people; None where it can."""
    return _hindrance(_row(part, reference))


def _row(part: Transaction, reference: str) -> Any:
    return part.execute(_ROW, {"of_reference": reference}).first()


def _hindrance(row: Any) -> NotClosed | None:
    if row is None:
        return NotClosed("unknown_reference")
    state = State(row.state)
    return None if state is State.MANUAL else NotClosed("not_manual", state)
