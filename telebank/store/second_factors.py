"""Jobs on second factors: that a code was sent and what became of it, and customers' tokens.

No code is here, and of a token only its seed, sealed, and the last time step that was taken.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import bindparam, delete, func, insert, select, text, update

from telebank.store import approvals
from telebank.store.customer_events import done, tell
from telebank.store.customer_tables import code_sent, code_token
from telebank.store.transaction import Transaction
from transactions.approval import Approving, Refusal
from transactions.card import SealedCard
from transactions.journal import JournalEvent
from transactions.telephone_pin import Customer

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_C, _T = code_sent.c, code_token.c
_SINCE = bindparam("since", type_=_C.at.type)
_COUNT = (
    select(func.count().label("sent"))
    .select_from(code_sent)
    .where(_C.customer == bindparam("who"), _C.at > _SINCE)
)
_SENT = text(
    "INSERT INTO code_sent (id, customer, at) VALUES (:id, :customer, :at) ON CONFLICT DO NOTHING"
).bindparams(bindparam("at", type_=_C.at.type))
_FORGET = delete(code_sent).where(_C.at <= _SINCE)
_FIND = select(code_token).where(_T.customer == bindparam("who"))
_INSERT = insert(code_token)
_REMOVE = delete(code_token).where(_T.customer == bindparam("who"))
_STEP = (
    update(code_token)
    .where(_T.customer == bindparam("who"), text("step < :taken"))
    .values(step=bindparam("taken"))
)


@dataclass(frozen=True, slots=True)
class Most:
    """Codes that may be sent to one customer."""

    hourly: int
    daily: int


@dataclass(frozen=True, slots=True)
class Token:
    """A customer's token."""

    seed: SealedCard
    step: int
    added_at: datetime
    added_by: str


def judged(customer: str) -> tuple[str, ...]:
    """What no other node may judge meanwhile."""
    return (f"codes:{customer}",)


def may_send(
    part: Transaction, by: Customer, most: Most, tail: str
) -> Literal["ok", "sent", "too_many", "unavailable"]:
    """Count a code before it is sent. `sent`: this very request had one, of the number with that
    tail; `unavailable`: it had one that did not go, or another's."""
    before = done(part, by, "code.sent")
    if before is not None:
        same = before.get("number_masked") == _masked(tail)
        return "sent" if same and done(part, by, "code.not_sent") is None else "unavailable"
    for window, limit in ((HOUR, most.hourly), (DAY, most.daily)):
        values = {"who": by.token, "since": part.now - window}
        if part.execute(_COUNT, values).scalar_one() >= limit:
            tell(part, "code.refused", by, "too_many")
            return "too_many"
    row = {"id": by.request, "customer": by.token, "at": part.now}
    if not part.execute(_SENT, row).rowcount:
        return "unavailable"  # another customer's request of this id
    tell(part, "code.sent", by, "ok", number_masked=_masked(tail))
    return "ok"


def _masked(tail: str) -> str:
    return f"****{tail}"


def forget_sent(part: Transaction) -> int:
    """Forget codes that no limit counts any more; how many they were."""
    return part.execute(_FORGET, {"since": part.now - DAY}).rowcount


def tried(part: Transaction, by: Customer, outcome: str) -> None:
    """What became of an entry: `ok`, `wrong_code` or `expired`."""
    tell(part, "code.right" if outcome == "ok" else "code.wrong", by, outcome, what="sms")


def not_sent(part: Transaction, by: Customer, why: str) -> None:
    """The network did not take it."""
    tell(part, "code.not_sent", by, "unavailable", why=why)


def token(part: Transaction, customer: str) -> Token | None:
    """A customer's token, if he has one."""
    row = part.execute(_FIND, {"who": customer}).first()
    return None if row is None else _token(row)


def take_step(part: Transaction, by: Customer, step: int | None) -> bool:
    """Take the time step that an entry belongs to, once; None is a wrong entry."""
    taken = step is not None and bool(
        part.execute(_STEP, {"who": by.token, "taken": step}).rowcount
    )
    outcome = "ok" if taken else "wrong_code"
    tell(part, "code.right" if taken else "code.wrong", by, outcome, what="token")
    return taken


def add_token(
    part: Transaction, customer: str, seed: SealedCard, approving: Approving
) -> Refusal | Literal["exists"] | None:
    """Give a customer a token, on two people's word; why not, or None."""
    if token(part, customer) is not None:
        return "exists"
    refused = approvals.approve(part, approving)
    if isinstance(refused, str):
        return refused
    row: dict[str, Any] = {"customer": customer, "step": -1, "added_at": part.now}
    row |= {"key_id": seed.key_id, "ciphertext": seed.ciphertext, "added_by": approving.by.id}
    part.execute(_INSERT, row)
    _by_staff(part, "token.added", customer, approving)
    return None


def remove_token(
    part: Transaction, customer: str, approving: Approving
) -> Refusal | Literal["none"] | None:
    """Take a customer's token away, on two people's word; why not, or None."""
    if token(part, customer) is None:
        return "none"
    refused = approvals.approve(part, approving)
    if isinstance(refused, str):
        return refused
    part.execute(_REMOVE, {"who": customer})
    _by_staff(part, "token.removed", customer, approving)
    return None


def _by_staff(part: Transaction, kind: str, customer: str, approving: Approving) -> None:
    by = approving.by
    detail = {"customer": customer, "note": approving.note}
    part.event(
        JournalEvent(
            kind, actor=by.id, role=by.role, origin=by.origin, outcome="ok", detail=dict(detail)
        )
    )


def _token(row: Any) -> Token:
    seed = SealedCard("", "", row.key_id, row.ciphertext)
    return Token(seed, row.step, row.added_at, row.added_by)
