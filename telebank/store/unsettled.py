"""Requests that are not settled, as people read them: what is open, and one row's whole history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, ScalarSelect, bindparam, func, select, text

from telebank.store import tables
from telebank.store.clock import to_us
from telebank.store.eventlog import LoggedEvent, logged
from telebank.store.record import states_in
from transactions.closing import ACT
from transactions.lifecycle import UNSETTLED, State

LISTED = UNSETTLED
"""States that are listed. RECORDED and SENT last seconds while a node runs; after a killed one they
stand until it starts again."""
MAX_ROWS = 5_000
"""Rows in one list, oldest first."""
MAX_HISTORY = 1_000
"""States, messages and events of one row that are read."""
_R, _S, _M = tables.request.c, tables.request_state.c, tables.host_message.c


def card_masked() -> ScalarSelect[Any]:
    """Of a query of requests: the customer's own card, masked."""
    return (
        select(func.max(tables.sealed_input.c.masked))
        .where(
            tables.sealed_input.c.request == _R.id,
            tables.sealed_input.c.kind == "card",
            tables.sealed_input.c.token == _R.customer,
        )
        .scalar_subquery()
    )


_WHY = (
    select(_S.why)
    .where(_S.request == _R.id, _S.ordinal == _R.steps - 1)
    .correlate(tables.request)
    .scalar_subquery()
)
_SINCE = (
    select(_S.at)
    .where(_S.request == _R.id, _S.ordinal == _R.steps - 1)
    .correlate(tables.request)
    .scalar_subquery()
)
_ROWS = select(
    tables.request,
    card_masked().label("payer_masked"),
    _WHY.label("why"),
    _SINCE.label("since"),
)
_OPEN = (
    _ROWS.where(text(f"request.{tables.OPEN_STATES} AND request.{states_in(LISTED)}"))
    .order_by(_R.created_at, _R.reference)
    .limit(MAX_ROWS)
)
_ONE = _ROWS.where(_R.reference == bindparam("of_reference"))
_STATES = select(tables.request_state).where(_S.request == bindparam("of_id"))
_MESSAGES = select(tables.host_message).where(_M.request == bindparam("of_id"))
_E = tables.event.c
NOTED = (
    *("answer.late", "host.answered_again"),
    *("alarm.manual", "alarm.settling", "alarm.contradiction"),
)
"""What the log says of a row beside its states: alarms, and answers after it was given up."""
_NOTES = (
    select(tables.event)
    .where(_E.request == bindparam("of_id"), _E.kind.in_(NOTED))
    .order_by(_E.utc_us, _E.sequence)
    .limit(MAX_HISTORY)
)
_A = tables.approval.c
_PROPOSED = (
    select(tables.approval)
    .where(_A.act == ACT, _A.object == bindparam("of_reference"))
    .order_by(_A.proposed_at, _A.id)
    .limit(MAX_HISTORY)
)
DECIDED = ("approval.approved", "approval.refused", "approval.withdrawn")
_DECISIONS = (
    select(tables.event)
    .where(
        _E.kind.in_(DECIDED),
        _E.utc_us.between(bindparam("begin"), bindparam("end")),
    )
    .limit(MAX_HISTORY)
)
NEAR = timedelta(seconds=1)
"""How far a decision's time in its row and in its event may lie apart."""
_HOLDS = select(tables.limit_use).where(tables.limit_use.c.request == bindparam("of_id"))


@dataclass(frozen=True, slots=True)
class Unsettled:
    """One request, masked."""

    reference: str
    request: str
    node: str
    service: str
    effect: str
    recovery: str
    payer_masked: str
    payee_masked: str
    amount: int | None
    """Minor units."""
    currency: str | None
    state: State
    since: datetime
    attempts: int
    next_attempt_at: datetime | None
    why: str
    business_date: date
    told: str | None
    """The exit whose words the customer heard last."""


@dataclass(frozen=True, slots=True)
class Step:
    """One state of a row's history."""

    state: str
    at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Message:
    """One message to the host, with what it is found by there."""

    role: str
    attempt: int
    mti: str
    processing_code: str
    stan: str
    field7: str
    field32: str
    field37: str
    field41: str
    link: str
    amount: str
    sent_at: datetime
    reply39: str | None
    reply_at: datetime | None


@dataclass(frozen=True, slots=True)
class HoldOf:
    """What a limit has reserved for the row."""

    limit: str
    business_date: date
    amount: int
    currency: str
    state: str


@dataclass(frozen=True, slots=True)
class Note:
    """An alarm, or an answer that came too late to change the row."""

    at: datetime
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What one person proposed about a row, and what another said to it."""

    approval: str
    result: str
    """`posted` or `not_posted`."""
    state: str
    proposed_by: str
    proposed_at: datetime
    note: str
    """Of who proposed."""
    decided_by: str | None
    decided_at: datetime | None
    decider_note: str


@dataclass(frozen=True, slots=True)
class History:
    """All there is of one row."""

    row: Unsettled
    steps: Sequence[Step]
    messages: Sequence[Message]
    holds: Sequence[HoldOf]
    notes: Sequence[Note]
    people: Sequence[Decision] = ()


def unsettled(connection: Connection) -> list[Unsettled]:
    """Every row of every node that has no end yet, oldest first."""
    return [_row(found) for found in connection.execute(_OPEN).mappings()]


def history(connection: Connection, reference: str) -> History | None:
    """One row by its reference, whatever its state."""
    found = connection.execute(_ONE, {"of_reference": reference}).mappings().first()
    if found is None:
        return None
    of = {"of_id": found["id"]}
    steps = connection.execute(_STATES.order_by(_S.ordinal).limit(MAX_HISTORY), of).mappings()
    sent = connection.execute(_MESSAGES.order_by(_M.ordinal).limit(MAX_HISTORY), of).mappings()
    held = connection.execute(_HOLDS, of).mappings()
    noted = [logged(one) for one in connection.execute(_NOTES, of).mappings()]
    return History(
        row=_row(found),
        steps=[Step(one["state"], one["at"], one["why"]) for one in steps],
        messages=[Message(**{name: one[name] for name in _MESSAGE}) for one in sent],
        holds=[
            HoldOf(
                limit=one["limit_name"],
                business_date=one["business_date"],
                amount=one["amount"],
                currency=one["currency"],
                state=one["state"],
            )
            for one in held
        ],
        notes=[Note(one.at, one.kind, _words(one)) for one in noted],
        people=_people(connection, reference),
    )


def decider_note(connection: Connection, approval: str, decided_at: datetime) -> str:
    """What the second person wrote, from the event of the decision; empty where nothing."""
    span = {"begin": to_us(decided_at - NEAR), "end": to_us(decided_at + NEAR)}
    for row in connection.execute(_DECISIONS, span).mappings():
        if row["detail"].get("approval") == approval:
            return str(row["detail"].get("note", ""))
    return ""


def _people(connection: Connection, reference: str) -> list[Decision]:
    found = connection.execute(_PROPOSED, {"of_reference": reference}).mappings().all()
    return [_decision(connection, one) for one in found]


def _decision(connection: Connection, one: RowMapping) -> Decision:
    at = one["decided_at"]
    return Decision(
        approval=one["id"],
        result=str(one["detail"].get("result", "")),
        state=one["state"],
        proposed_by=one["proposed_by"],
        proposed_at=one["proposed_at"],
        note=one["note"],
        decided_by=one["decided_by"],
        decided_at=at,
        decider_note="" if at is None else decider_note(connection, one["id"], at),
    )


_MESSAGE = tuple(Message.__dataclass_fields__)


def _words(event: LoggedEvent) -> str:
    return str(event.detail.get("why") or f"reply 39={event.outcome or '-'}")


def _row(found: Any) -> Unsettled:
    return Unsettled(
        reference=found["reference"],
        request=found["id"],
        node=found["node"],
        service=found["service"],
        effect=found["effect"],
        recovery=found["recovery"],
        payer_masked=found["payer_masked"] or "",
        payee_masked=found["payee_masked"],
        amount=found["amount"],
        currency=found["currency"],
        state=State(found["state"]),
        since=found["since"],
        attempts=found["attempts"],
        next_attempt_at=found["next_attempt_at"],
        why=found["why"] or "",
        business_date=found["business_date"],
        told=found["told"],
    )
