"""Jobs on the payments of companies that wait for a second person.

What both people must mean is one hash; what the second one has to be told is sealed beside it. A
proposal is used up by `claim`, in the very commit that records the request which pays it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, text, update

from telebank.store import tables
from telebank.store.customer_events import Told, done, tell
from telebank.store.events import clean_text
from telebank.store.order_tables import proposal
from telebank.store.spoken_numbers import number_after, number_of
from telebank.store.transaction import Transaction
from transactions.journal import JournalEvent
from transactions.money import Money, currency
from transactions.proposals import ApprovalClaim, ClaimRefusal, Proposed, refused_terms
from transactions.telephone_pin import Customer

NUMBERS = "proposal-numbers"
_P = proposal.c
_LAST = select(func.max(_P.number).label("highest"))
_MADE = select(_P.number).where(_P.request == bindparam("of_request"))
_INSERT = insert(proposal)
_ONE = select(proposal).where(_P.number == bindparam("of_number"))
_AT = bindparam("at", type_=_P.expires_at.type)
_LIVE = text("state = 'open'") & (_P.expires_at > _AT)
_OPEN = (
    select(proposal)
    .where(_P.company == bindparam("of_company"), _P.number > bindparam("after"), _LIVE)
    .order_by(_P.number)
    .limit(bindparam("most"))
)
_COUNT = select(func.count().label("many")).where(_P.company == bindparam("of_company"), _LIVE)
_DECIDE = (
    update(proposal)
    .where(_P.number == bindparam("of_number"), text("state = 'open'"))
    .values(
        state=bindparam("becomes"),
        decided_by=bindparam("who", type_=_P.decided_by.type),
        decided_at=bindparam("at", type_=_P.decided_at.type),
        used_by=bindparam("by_request", type_=_P.used_by.type),
    )
)


@dataclass(frozen=True, slots=True)
class ProposalDraft:
    """What the first person says."""

    by: Customer
    company: str
    operator: str
    """His number there."""
    kind: str
    payee_name: str
    """As it was read back."""
    amount: Money
    sealed: bytes
    key_id: str
    terms_hash: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Waiting:
    """One that waits."""

    number: int
    maker: str
    """Token of the first person's card."""
    kind: str
    payee_name: str
    amount: Money
    proposed_at: datetime
    sealed: bytes
    key_id: str


def propose(part: Transaction, draft: ProposalDraft, most: int) -> int | None:
    """Write one and return its number; the same request finds the number it has. None where `most`
    of the company wait already."""
    request = draft.by.request
    made = part.execute(_MADE, {"of_request": request}).first()
    if made is not None:
        return int(made.number)
    waiting = part.execute(_COUNT, {"of_company": draft.company, "at": part.now}).scalar_one()
    if waiting >= most:
        tell(part, "proposal.refused", draft.by, "too_many")
        return None
    number = number_after(part.execute(_LAST).scalar_one())
    part.execute(_INSERT, _row(part, number, draft))
    detail: dict[str, Told] = {"proposal": number, "pays": draft.kind, "amount": str(draft.amount)}
    tell(part, "proposal.made", draft.by, "open", **detail)
    return number


def find(part: Transaction, number: str) -> Proposed | None:
    """Who proposed what stands under a number, in whatever state it is."""
    row = _find(part, number)
    return None if row is None else Proposed(row.company, row.operator)


def claim(part: Transaction, claim: ApprovalClaim, request_id: str) -> ClaimRefusal | None:
    """Mark a proposal as used by a request, or say why it approves nothing."""
    row = _find(part, claim.number)
    refused = _refusal(row, claim, part.now)
    if refused is not None:
        return refused
    if not _decide(part, row.number, "used", claim.by, request_id):
        return "no_proposal"
    detail: dict[str, Any] = {"proposal": row.number}
    detail |= {"customer": claim.by, "proposed_by": row.maker}
    part.event(
        JournalEvent(
            *("proposal.used", None, None, request_id),
            actor=claim.by,
            role="customer",
            outcome="used",
            detail=detail,
        )
    )
    return None


def _refusal(row: Any, claim: ApprovalClaim, now: datetime) -> ClaimRefusal | None:
    if row is None or row.state != "open":
        return "no_proposal"
    if row.company != claim.company:
        return "other_company"
    if now >= row.expires_at:
        return "expired"
    if row.maker == claim.by:
        return "same_person"
    return refused_terms(row.terms_hash, claim.terms_hash)


def waiting(part: Transaction, company: str, after: int, most: int) -> Sequence[Waiting]:
    """A company's that wait, oldest first, from the number after `after`."""
    values = {"of_company": company, "after": after, "most": most, "at": part.now}
    return [_waiting(row) for row in part.execute(_OPEN, values).all()]


def recall(part: Transaction, company: str, number: str) -> Waiting | None:
    """One of a company that waits."""
    row = _find(part, number)
    if row is None or row.company != company or row.state != "open" or part.now >= row.expires_at:
        return None
    return _waiting(row)


def reject(part: Transaction, by: Customer, company: str, number: str) -> bool:
    """End one that waits: refused by another, or taken back by who made it. The same request again
    finds it done."""
    before = done(part, by, "proposal.rejected")
    if before is not None:
        return str(before["proposal"]) == number
    row = recall(part, company, number)
    if row is None:
        return False
    own = row.maker == by.token
    if not _decide(part, row.number, "rejected", None if own else by.token, None):
        return False
    tell(part, "proposal.rejected", by, "withdrawn" if own else "rejected", proposal=row.number)
    return True


def _find(part: Transaction, number: str) -> Any:
    return part.execute(_ONE, {"of_number": number_of(number)}).first()


def _decide(
    part: Transaction, number: int, becomes: str, who: str | None, request_id: str | None
) -> bool:
    """Whether it was still open. `who` is never the maker (a constraint of the table)."""
    values = {"of_number": number, "becomes": becomes, "who": who, "by_request": request_id}
    return part.execute(_DECIDE, values | {"at": part.now}).rowcount == 1


def judged(number: str) -> tuple[str, ...]:
    """What no other node may judge meanwhile."""
    return (f"proposal:{number}",)


def _row(part: Transaction, number: int, draft: ProposalDraft) -> dict[str, Any]:
    return {
        "number": number,
        "request": draft.by.request,
        "company": draft.company,
        "maker": draft.by.token,
        "operator": draft.operator,
        "kind": draft.kind,
        "payee_name": clean_text(draft.payee_name, tables.TEXT),
        "amount": draft.amount.minor,
        "currency": draft.amount.currency.code,
        "terms": draft.sealed,
        "key_id": draft.key_id,
        "terms_hash": draft.terms_hash,
        "state": "open",
        "proposed_at": part.now,
        "expires_at": draft.expires_at,
    }


def _waiting(row: Any) -> Waiting:
    return Waiting(
        number=row.number,
        maker=row.maker,
        kind=row.kind,
        payee_name=row.payee_name,
        amount=Money(row.amount, currency(row.currency)),
        proposed_at=row.proposed_at,
        sealed=row.terms,
        key_id=row.key_id,
    )
