"""Jobs of nodes that carry out scheduled transfers.

An order has a due date that comes (`next`). A node takes it in one commit: a run of (order, due
date) is written and the date moves on, so that no other node takes it too. A run is one node's work
until its hold is over; then any node goes on with it, and finds by the request id how far it came.
Only who holds a run writes it: what a node does that was too slow changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, and_, bindparam, insert, or_, select, text, update

from telebank.store import steps, tables
from telebank.store.customer_events import Told
from telebank.store.events import clean_text
from telebank.store.order_tables import order_run, transfer_order
from telebank.store.orders import Order, Run, RunState, judged, one, order_of, run_of
from telebank.store.record import Draft, draft_of, record
from telebank.store.sealing import Keyring
from telebank.store.transaction import Refused, Transaction
from telebank.store.values import outcome_columns
from transactions.journal import JournalEvent, Recorded, RecordPlan
from transactions.lifecycle import State
from transactions.outcome import Declined
from transactions.request import Request

_O, _R = transfer_order.c, order_run.c
_NO_TWINS = timedelta(0)
"""What is never sent is no twin of anything."""
_MOVE = (
    update(transfer_order)
    .where(
        _O.number == bindparam("of_number"),
        _O.next == bindparam("was", type_=Date),
        text("state = 'waiting'"),
    )
    .values(
        next=bindparam("becomes", type_=_O.next.type),
        state=bindparam("ends", type_=_O.state.type),
    )
)
_PAST_DAY = bindparam("past_day", type_=Date)
_COMING = (
    select(transfer_order)
    .where(
        text("state = 'waiting'"),
        _O.next <= bindparam("day", type_=Date),
        or_(_O.next > _PAST_DAY, and_(_O.next == _PAST_DAY, _O.number > bindparam("past_number"))),
    )
    .order_by(_O.next, _O.number)
    .limit(bindparam("most"))
)
_LEFT = or_(
    _R.held_until <= bindparam("at", type_=_R.held_until.type),
    (_R.node == bindparam("of_node")) & (_R.epoch < bindparam("of_epoch")),
)
_OPEN = (
    select(order_run)
    .where(text("order_run.state = 'open'"), _LEFT)
    .order_by(_R.held_until, _R.due, _R.number)
    .limit(bindparam("most"))
)
_BEGIN = insert(order_run)
_THIS = (_R.number == bindparam("of_number")) & (_R.due == bindparam("of_due", type_=Date))
_RUN = select(order_run).where(_THIS)
_SET = (
    update(order_run)
    .where(
        _THIS,
        text("state = 'open'"),
        _R.node == bindparam("was_node"),
        _R.epoch == bindparam("was_epoch"),
    )
    .values(
        attempt=bindparam("nth", type_=_R.attempt.type),
        state=bindparam("becomes", type_=_R.state.type),
        why=bindparam("because", type_=_R.why.type),
        node=bindparam("of_node", type_=_R.node.type),
        epoch=bindparam("of_epoch", type_=_R.epoch.type),
        held_until=bindparam("until", type_=_R.held_until.type),
        changed_at=bindparam("at", type_=_R.changed_at.type),
    )
)


@dataclass(frozen=True, slots=True)
class Place:
    """How far one came in what is due: the date that comes of an order, and its number."""

    day: date = date.min
    number: int = 0


@dataclass(frozen=True, slots=True)
class Unsent:
    """A row of the journal that says why something was not carried out, ready to be written."""

    draft: Draft
    why: str
    outcome: Mapping[str, Any]


def coming(part: Transaction, day: date, most: int, past: Place) -> Sequence[Order]:
    """Orders whose due date has come by the host's `day`, oldest first, from the one past `past`
    on."""
    values = {"day": day, "most": most, "past_day": past.day, "past_number": past.number}
    return [order_of(row) for row in part.execute(_COMING, values).all()]


def begin(
    part: Transaction, number: int, due: date, then: date | None, until: datetime
) -> Order | None:
    """Take an order on a due date: write its run, held by this node, and let the date move on to
    `then` (None: it ends). None where another node has, or its customer was faster; else the order
    as it stands."""
    ends = "waiting" if then is not None else "ended"
    values = {"of_number": number, "was": due, "becomes": then, "ends": ends}
    if part.execute(_MOVE, values).rowcount != 1:
        return None
    row = {"number": number, "due": due, "attempt": 1, "state": "open", "why": ""}
    held = {"node": part.node, "epoch": part.epoch, "held_until": until}
    part.execute(_BEGIN, row | held | {"changed_at": part.now})
    _tell_run(part, number, due, "open", "")
    return one(part, number)


def left(part: Transaction, most: int) -> Sequence[Run]:
    """Runs that nobody works on: their hold is over, or this node's former life had them. Those
    that have waited longest first."""
    values = {"at": part.now, "of_node": part.node, "of_epoch": part.epoch, "most": most}
    return [run_of(row) for row in part.execute(_OPEN, values).all()]


def take(part: Transaction, number: int, due: date, until: datetime) -> Run | None:
    """Hold a run that nobody works on; None where somebody does, or it has ended."""
    row = _row(part, number, due)
    if row is None or row.state != "open":
        return None
    ours = row.node == part.node and row.epoch < part.epoch
    if row.held_until > part.now and not ours:
        return None
    run = run_of(row)
    was = {"was_node": row.node, "was_epoch": row.epoch}
    return run if _set(part, run, until, run.since, was) else None


def hold(part: Transaction, run: Run, until: datetime) -> bool:
    """Go on with a run later, as `run` now says (its attempt, and why it waits); an event only
    where that is another reason than before. False where this node does not hold it."""
    row = _row(part, run.number, run.due)
    if row is None:
        return False
    same = bool(row.why == clean_text(run.why, tables.TEXT))
    waits = replace(run, state="open")
    if not _set(part, waits, until, row.changed_at if same else part.now):
        return False
    if not same:
        _tell_run(part, run.number, run.due, "open", run.why)
    return True


def try_again(part: Transaction, run: Run, request: str, note: str, until: datetime) -> bool:
    """Have a run tried once more, later: `run` is the next try, `note` what its customer is said to
    have been told of the one before, `request`. False where this node does not hold it."""
    if not hold(part, run, until):
        return False
    steps.told(part, request, note)
    return True


def end(part: Transaction, run: Run, state: RunState, why: str) -> bool:
    """A run's end. False where this node does not hold it."""
    ended = replace(run, state=state, why=why)
    if not _set(part, ended, part.now, part.now):
        return False
    _tell_run(part, run.number, run.due, state, why)
    return True


def unsent(request: Request, plan: RecordPlan, why: str, keys: Keyring) -> Unsent:
    """What `end_unsent` writes, with its numbers sealed."""
    draft = draft_of(request, plan, keys)
    return Unsent(draft, why, outcome_columns(Declined(why[: tables.TEXT]), keys))


def judged_unsent(run: Run, row: Unsent) -> tuple[str, ...]:
    """What no other node may judge while `end_unsent` runs."""
    return (*judged(run.number), *row.draft.judged)


def end_unsent(part: Transaction, run: Run, state: RunState, row: Unsent) -> bool:
    """A run's end with nothing carried out, and the row that was never sent and says so: all of it
    in one commit. False, and nothing written, where this node does not hold the run, or its request
    stands in the journal already; `RecordRefused` where it stands there with other content."""
    made = record(part, row.draft, _NO_TWINS, UTC)  # the request brings its business date
    if not isinstance(made, Recorded):
        return False
    step = steps.Step(made.request.id, (State.NOT_SENT,), row.why, row.outcome, None)
    steps.advance(part, step)
    if not end(part, run, state, row.why):
        raise Refused(False)
    return True


def _row(part: Transaction, number: int, due: date) -> Any:
    return part.execute(_RUN, {"of_number": number, "of_due": due}).first()


def _set(
    part: Transaction,
    run: Run,
    until: datetime,
    at: datetime,
    was: Mapping[str, Any] | None = None,
) -> bool:
    """Whether it was written: `was` (without it, this life of this node) holds the run."""
    holder = was or {"was_node": part.node, "was_epoch": part.epoch}
    values = {"of_number": run.number, "of_due": run.due, "nth": run.attempt}
    values |= {"becomes": run.state, "because": clean_text(run.why, tables.TEXT)}
    held = {"of_node": part.node, "of_epoch": part.epoch, "until": until, "at": at}
    return part.execute(_SET, {**values, **held, **holder}).rowcount == 1


def _tell_run(part: Transaction, number: int, due: date, state: str, why: str) -> None:
    detail: dict[str, Told] = {"order": number, "due": due.isoformat(), "why": why}
    event = JournalEvent("order.run", role="order", origin="order", outcome=state, detail=detail)
    part.event(event)
