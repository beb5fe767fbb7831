"""Jobs on faxes: kept, taken when due, moved on, cancelled; each change with its event in the same
commit. What may follow what is `fax.job`'s.

A fax's files are on the node that made it (`home`), so no other places its calls. A running one is
one node's work until its hold is over; only who holds it moves it, so what a node does that was too
slow changes nothing: its step is answered None, and it must end the call.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, func, insert, or_, select, text, update

from fax.job import (
    RUNNING,
    Answered,
    CallEnded,
    Cancelled,
    Dialled,
    Event,
    Job,
    Lost,
    Refused,
    State,
    after_restart,
    receive,
)
from telebank.store import fax_tolls
from telebank.store.customer_events import Told
from telebank.store.events import clean_text
from telebank.store.fax_moves import again, move, row_with, wait
from telebank.store.fax_rows import Fax, FaxDraft, fax_of, row_of, tell
from telebank.store.fax_tables import IS_RUNNING, fax_job
from telebank.store.fax_tolls import FREE, Limits, OverLimit, Toll
from telebank.store.tables import ID
from telebank.store.transaction import Transaction
from transactions.approval import Actor

REREADS = 3
"""Times that a row is read again which another node moved meanwhile."""
HOLD_OVER_S = 60
"""Seconds for which a fax is held beyond the longest time that its call can take."""
LOOKED_AT = 20
"""Due faxes that one commit looks at."""
GAVE_UP = "gave_up"
_F = fax_job.c
_NOT_MAIL = text("fax_job.way <> 'mail'")
"""Those are `telebank.store.fax_mails`'s; to cancel one is the same."""
_MADE = select(fax_job).where(_F.request == bindparam("of_request"))
_WAITING = select(func.count().label("many")).where(
    text("fax_job.state = 'queued'"), _NOT_MAIL, _F.home == bindparam("of_node")
)
_HIS = select(func.count().label("many")).where(
    text("fax_job.state = 'queued'"),
    _NOT_MAIL,
    _F.home == bindparam("of_node"),
    or_(
        _F.customer == bindparam("who", type_=_F.customer.type),
        _F.customer.is_(None) & (_F.call == bindparam("of_call", type_=_F.call.type)),
    ),
)
_INSERT = insert(fax_job)
_DUE = (
    select(fax_job)
    .where(
        text("fax_job.state = 'queued'"),
        _NOT_MAIL,
        _F.home == bindparam("of_node"),
        _F.due_at <= bindparam("at", type_=_F.due_at.type),
        _F.expires_at > bindparam("at", type_=_F.expires_at.type),
    )
    .order_by(_F.due_at, _F.made_at, _F.id)
    .limit(LOOKED_AT)
)
_LEFT = (
    select(fax_job)
    .where(
        text(f"fax_job.{IS_RUNNING}"),
        text("direction = 'out'"),
        _NOT_MAIL,
        or_(
            _F.held_until <= bindparam("at", type_=_F.held_until.type),
            (_F.node == bindparam("of_node")) & (_F.epoch < bindparam("of_epoch")),
        ),
    )
    .order_by(_F.held_until, _F.id)
    .limit(bindparam("most"))
)
_LATE = (
    select(_F.id)
    .where(
        text("fax_job.state = 'queued'"),
        _NOT_MAIL,
        _F.expires_at <= bindparam("at", type_=_F.expires_at.type),
    )
    .order_by(_F.expires_at)
    .limit(bindparam("most"))
)
_STOPPING = select(_F.id).where(
    text(f"fax_job.{IS_RUNNING}"),
    _F.node == bindparam("of_node"),
    _F.epoch == bindparam("of_epoch"),
    text("stop_by <> ''"),
)
_STOP = (
    update(fax_job)
    .where(_F.id == bindparam("of_id"), text(IS_RUNNING), text("stop_by = ''"))
    .values(stop_by=bindparam("who", type_=_F.stop_by.type))
)


@dataclass(frozen=True, slots=True)
class NotPlaced:
    """The call of a fax that was taken was not placed, nor will it be: it was no try."""

    why: str


@dataclass(frozen=True, slots=True)
class NotMade:
    """There is nothing to place its call with: what is wrong is here, and a person must see to it
    where there is no other try (`again`). It counts as a try, and not as a call."""

    why: str
    again: bool = False


Step = Event | NotPlaced | NotMade


@dataclass(frozen=True, slots=True)
class OtherContent:
    """The request's id made another fax: other pages, another number, time or language."""

    fax: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A fax whose call this node places now; it may take so many seconds."""

    fax: Fax
    seconds: int


def judged(fax: str) -> tuple[str, ...]:
    """What no other node may judge meanwhile."""
    return (f"fax:{fax}",)


def add(
    part: Transaction,
    draft: FaxDraft,
    due: datetime,
    expires: datetime,
    waiting: int,
    *,
    most: int | None = None,
) -> Fax | OtherContent | None:
    """Queue a fax; the same request finds the one it made. None where `waiting` of this node wait
    already, or `most` of this customer (where nobody is proven: of this call)."""
    if (made := _made(part, draft.request)) is not None:
        return fax_of(made) if _same(made.content, draft.content) else OtherContent(made.id)
    his = {"of_node": part.node, "who": draft.customer, "of_call": draft.call}
    if most is not None and part.execute(_HIS, his).scalar_one() >= most:
        return None
    if part.execute(_WAITING, {"of_node": part.node}).scalar_one() >= waiting:
        return None
    life = Job(pages=draft.pages, tries=draft.tries)
    row = row_of(part, draft, "out", life) | {"due_at": due, "expires_at": expires}
    return _insert(part, row, life, due=due.isoformat())


def add_in_call(part: Transaction, draft: FaxDraft, seconds: int) -> Fax:
    """Keep a fax that is about to be sent in its caller's own call, held by this node; the same
    request finds the one it made."""
    if (made := _made(part, draft.request)) is not None:
        return fax_of(made)
    life = Job(pages=draft.pages, tries=1, in_call=True)
    life = receive(receive(life, Dialled(), 0.0), Answered(), 0.0)
    row = row_of(part, draft, "out", life) | {"held_until": _until(part, seconds)}
    return _insert(part, row, life, kind="fax.dialled")


def one(part: Transaction, fax: str) -> Fax | None:
    """A fax by its id."""
    row = row_with(part, fax)
    return None if row is None else fax_of(row)


def take(
    part: Transaction, limits: Limits, toll_of: Callable[[Fax], Toll] = lambda _fax: FREE
) -> Taken | None:
    """The fax that has been due longest becomes this node's, dialling, its call counted at what it
    costs. Those that a limit holds up wait until it does not, and those past their time are left
    (`late`). Judges `fax_tolls.TOLLS`. None where nothing is to be done now."""
    values = {"of_node": part.node, "at": part.now}
    for row in part.execute(_DUE, values).all():
        fax = fax_of(row)
        toll = toll_of(fax)
        verdict = fax_tolls.judge(part, row.number_token, limits, row.customer, row.call, toll)
        if isinstance(verdict, OverLimit):
            wait(part, row, verdict)
            continue
        life = receive(fax.life, Dialled(), 0.0)
        until = _until(part, verdict.seconds)
        if not move(part, row, life, until=until):
            continue
        fax_tolls.place(part, row.id, life.attempt, row.number_token, verdict.seconds, toll)
        return Taken(again(part, row.id), verdict.seconds)
    return None


def step(
    part: Transaction,
    fax: str,
    event: Step,
    retry_s: float,
    call_s: float | None = None,
    **told: Told,
) -> Fax | None:
    """Move a running fax on. `call_s`: its call is over and took so many seconds. `told` goes into
    the event. None, and nothing written, where this life of this node does not hold it. Raises
    `fax.job.IllegalMove`."""
    row = row_with(part, fax)
    if row is None or State(row.state) not in RUNNING:
        return None
    if (row.node, row.epoch) != (part.node, part.epoch):
        return None
    life = _after(part, row, event, retry_s)
    if call_s is not None:
        fax_tolls.took(part, fax, row.attempt, call_s)
    if life.state is State.QUEUED and row.stop_by:  # what nobody wants is not tried again
        life = receive(life, Cancelled(), 0.0)
    ours = isinstance(event, NotMade) and life.state is State.FAILED
    if not move(part, row, life, until=row.held_until, told=told, for_people=ours):
        return None
    return again(part, fax)


def late(part: Transaction, most: int) -> Sequence[str]:
    """Faxes of any node that wait and whose patience is over, by id."""
    return [row.id for row in part.execute(_LATE, {"at": part.now, "most": most}).all()]


def give_up(part: Transaction, fax: str) -> Fax | None:
    """A fax that is late has failed, which is for a person: nobody else hears of it. None where it
    was judged before, or goes."""
    row = row_with(part, fax)
    if row is None or row.state != State.QUEUED.value or row.expires_at > part.now:
        return None
    life = fax_of(row).life
    life = receive(life, Refused(life.why or GAVE_UP), 0.0)
    return again(part, fax) if move(part, row, life, for_people=True) else None


def cancel(part: Transaction, fax: str, by: Actor) -> Fax | None:
    """Nobody wants it any more: one that waits is cancelled, the call of one that runs is ended by
    its node (`stopping`), one that has ended stays. Who wanted that stays with it. None where there
    is no such fax that goes out. It was not stopped where it neither has ended nor has `stop_by`.
    """
    for _ in range(REREADS):
        row = row_with(part, fax)
        if row is None or row.direction != "out":
            return None
        if row.state != State.QUEUED.value:
            _stop(part, row, by)
            break
        if move(part, row, receive(fax_of(row).life, Cancelled(), 0.0), by=by):
            break  # else another node took it meanwhile: there may be a call to end
    return again(part, fax)


def stopping(part: Transaction) -> Sequence[str]:
    """Running faxes of this life of this node that somebody cancelled."""
    values = {"of_node": part.node, "of_epoch": part.epoch}
    return [row.id for row in part.execute(_STOPPING, values).all()]


def left(part: Transaction, most: int) -> Sequence[Fax]:
    """Running faxes that go out and that nobody works on: their hold is over, or this node's
    former life had them."""
    values = {"at": part.now, "of_node": part.node, "of_epoch": part.epoch, "most": most}
    return [fax_of(row) for row in part.execute(_LEFT, values).all()]


def recover(part: Transaction, fax: str, retry_s: float) -> Fax | None:
    """Judge a fax that nobody works on by what is durable of it, once. None where somebody works on
    it or it has ended."""
    row = row_with(part, fax)
    if row is None or State(row.state) not in RUNNING:
        return None
    ours = row.node == part.node and row.epoch < part.epoch
    if row.held_until > part.now and not ours:
        return None
    life = after_restart(fax_of(row).life, retry_s)
    if life.state is State.QUEUED and row.stop_by:
        life = receive(life, Cancelled(), 0.0)
    return again(part, fax) if move(part, row, life) else None


def _stop(part: Transaction, row: Any, by: Actor) -> None:
    """Have the node end it whose work it is; one that has ended stays."""
    who = {"of_id": row.id, "who": clean_text(by.id, ID)}
    if part.execute(_STOP, who).rowcount == 1:
        tell(part, row, fax_of(row).life, "fax.stopping", by)


def _after(part: Transaction, row: Any, event: Step, retry_s: float) -> Job:
    """What becomes of a running fax."""
    life = fax_of(row).life
    match event:
        case NotPlaced(why=why):
            fax_tolls.never(part, row.id, life.attempt)
            return receive(replace(life, attempt=life.attempt - 1), Lost(why), 0.0)
        case NotMade():
            fax_tolls.never(part, row.id, life.attempt)
            return receive(life, CallEnded("failed", 0, event.why, event.again), retry_s)
        case _:
            return receive(life, event, retry_s)


def _made(part: Transaction, request: str | None) -> Any:
    """The row that this request made, or None."""
    return None if request is None else part.execute(_MADE, {"of_request": request}).first()


def _same(kept: str, asked: str) -> bool:
    """Whether two digests may be of one content; rows from before there were any have none."""
    return kept == asked or not (kept and asked)


def _insert(part: Transaction, row: dict[str, Any], life: Job, kind: str = "", **told: Told) -> Fax:
    part.execute(_INSERT, row)
    kept = row_with(part, row["id"])
    tell(part, kept, life, kind, None, **told)
    return fax_of(kept)


def _until(part: Transaction, seconds: float) -> datetime:
    return part.now + timedelta(seconds=seconds + HOLD_OVER_S)
