"""Jobs that move a recorded request on: its states, its messages, its attempts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from telebank.store import hot_list, tables
from telebank.store.errors import MessageKeysReused, UnknownRequest
from telebank.store.transaction import Transaction
from transactions.approval import Actor
from transactions.journal import JournalEvent
from transactions.lifecycle import (
    DONE,
    NOT_DONE,
    UNSETTLED,
    IllegalTransition,
    State,
    check,
)
from transactions.request import HostMessage, MessageRole

_R = tables.request.c
_ROW = select(
    _R.state,
    _R.steps,
    _R.messages,
    _R.effect,
    _R.actor,
    _R.channel,
    _R.call,
    _R.service,
    _R.reference,
    _R.terminal,
).where(_R.id == bindparam("of_id"))
_UPDATE = update(tables.request).where(_R.id == bindparam("of_id"))
_USE = tables.limit_use.c
_SETTLE = (
    update(tables.limit_use)
    .where(_USE.request == bindparam("of_id"), _USE.state == bindparam("was"))
    .values(state=bindparam("becomes"))
)
_ATTEMPT = (
    update(tables.request)
    .where(_R.id == bindparam("of_id"), text("state IN ('REVERSING', 'REPEATING', 'QUERYING')"))
    .values(attempts=_R.attempts + 1, next_attempt_at=bindparam("due", type_=_R.settled_at.type))
    .returning(_R.attempts, _R.call, _R.actor, _R.channel)
)
_M = tables.host_message.c
_INSERT_MESSAGE = insert(tables.host_message)
# Exactly one row: the last of them that has no reply, should an attempt's number be there twice.
_ANSWERED = (
    select(func.max(_M.ordinal))
    .where(
        _M.request == bindparam("of_id"),
        _M.role == bindparam("of_role"),
        _M.attempt == bindparam("of_attempt"),
        _M.stan == bindparam("of_stan"),
        _M.field7 == bindparam("of_field7"),
        _M.reply_at.is_(None),
    )
    .scalar_subquery()
)
_ANSWER = (
    update(tables.host_message)
    .where(_M.request == bindparam("of_id"), _M.ordinal == _ANSWERED)
    .values(
        link=bindparam("on_link", type_=_M.link.type),
        reply39=bindparam("code", type_=_M.reply39.type),
        reply_at=bindparam("came", type_=_M.reply_at.type),
        settled_on=bindparam("day", type_=_M.settled_on.type),
    )
)

MESSAGE_STATES: Mapping[MessageRole, frozenset[State]] = {
    "request": frozenset({State.RECORDED, State.SENT, State.REPEATING}),
    "reversal": frozenset({State.REVERSING}),
    "repeat": frozenset({State.REPEATING}),
    "query": frozenset({State.QUERYING, State.MANUAL}),
}
"""States in which a message of each role may leave; a first message makes RECORDED into SENT."""


@dataclass(frozen=True, slots=True)
class People:
    """The two who decided a step, by their approval."""

    approval: str
    proposed_by: str
    approved: Actor


@dataclass(frozen=True, slots=True)
class Step:
    """What `advance` was asked to write."""

    request_id: str
    states: Sequence[State]
    why: str
    outcome: Mapping[str, Any]
    next_attempt_at: datetime | None
    answered: HostMessage | None = None
    """The reply that the states follow from."""
    people: People | None = None
    """Who decided it, where people did."""


def _load(part: Transaction, request_id: str) -> Any:
    row = part.execute(_ROW, {"of_id": request_id}).first()
    if row is None:
        raise UnknownRequest(f"no journal row for request {request_id}")
    return row


def advance(part: Transaction, step: Step) -> int:
    """Walk a row through states by the lifecycle table; settle its holds at the end, and return
    how many they were."""
    row = _load(part, step.request_id)
    if step.answered is not None:
        _answer(part, step.answered)
    first = current = State(row.state)
    for offset, target in enumerate(step.states):
        check(current, target)
        part.state(step.request_id, row.steps + offset, target, step.why)
        part.event(_state_event(step, row, target))
        current = target
    values = {**step.outcome, "state": current.value, "steps": row.steps + len(step.states)}
    values["next_attempt_at"] = step.next_attempt_at
    if current is not first:
        values["settled_at"] = None if current in UNSETTLED else part.now
    part.execute(_UPDATE, {"of_id": step.request_id, **values})
    holds = 0
    if row.effect != "read":
        holds = _settle_holds(part, step.request_id, first, current)
    if current is State.DECLINED and hot_list.declined(part, step.request_id):
        part.event(_event(step.request_id, row, "card.hot_list_lifted", step.why, {}))
    return holds


def _settle_holds(part: Transaction, request_id: str, first: State, current: State) -> int:
    """Confirm or release into the day they came from; a reopened reversal holds again. Returns how
    many."""
    if current in DONE:
        was, becomes = "held", "used"
    elif current in NOT_DONE:
        was, becomes = "held", "released"
    elif first is State.REVERSED:
        was, becomes = "released", "held"
    else:
        return 0
    return part.execute(_SETTLE, {"of_id": request_id, "was": was, "becomes": becomes}).rowcount


def attempt(part: Transaction, request_id: str, due: datetime | None) -> int:
    """Count one more try of a row that is being reversed, repeated or asked after."""
    row = part.execute(_ATTEMPT, {"of_id": request_id, "due": due}).first()
    if row is None:
        state = _load(part, request_id).state
        raise IllegalTransition(f"a row in {state} has no attempts")
    part.event(_event(request_id, row, "request.attempt", "", {"count": row.attempts}))
    return int(row.attempts)


def sending(part: Transaction, message: HostMessage) -> None:
    """Write a message's row, and SENT for a first one. Raises `IllegalTransition` where nothing may
    be sent for the row, `MessageKeysReused` where the numbers were used before."""
    row = _load(part, message.request_id)
    state = State(row.state)
    if state not in MESSAGE_STATES[message.role]:
        raise IllegalTransition(f"no {message.role} may be sent for a row in {state}")
    if state is State.SENT and row.effect != "read":
        raise IllegalTransition(f"a {row.effect} request in SENT is never sent again")
    values: dict[str, Any] = {"messages": row.messages + 1}
    values["terminal"] = row.terminal or message.field41
    if message.role == "request" and state is State.RECORDED:
        values |= {"state": State.SENT.value, "steps": row.steps + 1}
        part.state(message.request_id, row.steps, State.SENT, "")
        part.event(_message_event(row, message, "request.state", State.SENT))
    else:
        part.event(_message_event(row, message, "host.sending", ""))
    part.execute(_UPDATE, {"of_id": message.request_id, **values})
    _write_message(part, message, row.messages)


def sent_first(part: Transaction, message: HostMessage, event: JournalEvent) -> None:
    """SENT and its message, of a row that is written as SENT in the same commit."""
    part.state(message.request_id, 1, State.SENT, "")
    part.event(replace(event, detail=_message_detail(message)))
    _write_message(part, message, 0)


def _write_message(part: Transaction, message: HostMessage, ordinal: int) -> None:
    try:
        part.execute(_INSERT_MESSAGE, _message_row(message, ordinal))
    except IntegrityError as error:
        raise MessageKeysReused(f"STAN {message.stan} with field 7 {message.field7}") from error


def sending_again(part: Transaction, message: HostMessage, due: datetime | None) -> int:
    """Count a try and write its message's row: both or neither, so that what was counted went and
    the first message on the wire is the first that was counted (rule 2)."""
    count = attempt(part, message.request_id, due)
    sending(part, message)
    return count


def answered(part: Transaction, message: HostMessage) -> None:
    """Add the first reply to a message's row; a later one is only an event."""
    row = _load(part, message.request_id)
    kind = "host.answered" if _answer(part, message) else "host.answered_again"
    part.event(_message_event(row, message, kind, message.reply39 or ""))


def _answer(part: Transaction, message: HostMessage) -> bool:
    """Whether it was the first reply to this message."""
    values = {
        "of_id": message.request_id,
        "of_role": message.role,
        "of_attempt": message.attempt,
        "of_stan": message.stan,
        "of_field7": message.field7,
        "on_link": message.link,  # another than the row's where that link had gone meanwhile
        "code": message.reply39,
        "came": message.reply_at or part.now,
        "day": message.settled_on,
    }
    return part.execute(_ANSWER, values).rowcount > 0


def told(part: Transaction, request_id: str, exit_name: str) -> None:
    """Keep which exit's words the caller heard."""
    row = _load(part, request_id)
    part.execute(_UPDATE, {"of_id": request_id, "told": exit_name})
    part.event(_event(request_id, row, "request.told", exit_name, {}))


def _message_row(message: HostMessage, ordinal: int) -> dict[str, Any]:
    return {
        "request": message.request_id,
        "ordinal": ordinal,
        "role": message.role,
        "attempt": message.attempt,
        "mti": message.mti,
        "stan": message.stan,
        "field7": message.field7,
        "field32": message.field32,
        "field41": message.field41,
        "field37": message.field37,
        "link": message.link,
        "processing_code": message.processing_code,
        "amount": message.amount,
        "sent_at": message.sent_at,
        "reply39": message.reply39,
        "reply_at": message.reply_at,
        "settled_on": message.settled_on,
    }


def _state_event(step: Step, row: Any, state: State) -> JournalEvent:
    why = step.why[: tables.TEXT]
    detail = {"service": row.service, "reference": row.reference, "why": why}
    if step.answered is not None:
        detail["reply39"] = step.answered.reply39
    event = _event(step.request_id, row, "request.state", state.value, detail)
    if step.people is None:
        return event
    by = step.people.approved
    named = {"approval": step.people.approval, "proposed_by": step.people.proposed_by}
    return replace(event, actor=by.id, role=by.role, origin=by.origin, detail={**detail, **named})


def _message_event(row: Any, message: HostMessage, kind: str, outcome: str) -> JournalEvent:
    return _event(message.request_id, row, kind, str(outcome), _message_detail(message))


def _message_detail(message: HostMessage) -> dict[str, Any]:
    return {
        "role": message.role,
        "attempt": message.attempt,
        "mti": message.mti,
        "stan": message.stan,
        "field7": message.field7,
        "link": message.link,
    }


def _event(
    request_id: str, row: Any, kind: str, outcome: str, detail: dict[str, Any]
) -> JournalEvent:
    return JournalEvent(
        kind,
        call=row.call,
        request=request_id,
        actor=row.actor,
        role=row.channel,
        origin=row.channel,
        outcome=outcome,
        detail=detail,
    )
