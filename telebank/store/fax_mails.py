"""Jobs on papers that are mailed instead of faxed: rows of `fax_job` with the way `mail`.

Their life is a fax's: a try is a call that all pages or none go through. Mail cannot be handed over
exactly once: a server may have taken what it did not say that it took. Such a mail is tried again
under the same Message-ID, and where there is no other try, it is UNCONFIRMED and not FAILED.

Only the node that made a paper has its file, so no other node mails it. What waits longer than its
patience, on a node that is or on one that never came back, any node judges.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import bindparam, func, insert, select, text, update

from fax.job import (
    ENDED,
    INTERRUPTED,
    RUNNING,
    Answered,
    Began,
    CallEnded,
    Cancelled,
    Dialled,
    Job,
    Refused,
    State,
    receive,
)
from telebank.store.fax_jobs import GAVE_UP, HOLD_OVER_S, judged
from telebank.store.fax_rows import Fax, FaxDraft, alarm, fax_of, life_columns, row_of, tell
from telebank.store.fax_tables import IS_RUNNING, fax_job
from telebank.store.transaction import Transaction

WAY = "mail"
_F = fax_job.c
_ONE = select(fax_job).where(_F.id == bindparam("of_id"))
_MADE = select(fax_job).where(_F.request == bindparam("of_request"))
_MINE = (_F.way == text("'mail'"), _F.home == bindparam("of_node"))
_COUNT = select(func.count().label("many")).where(text("fax_job.state = 'queued'"), *_MINE)
_HIS = _COUNT.where(_F.customer == bindparam("who", type_=_F.customer.type))
_DAY = timedelta(days=1)
_TODAY = select(func.count().label("many")).where(  # of all nodes
    text("fax_job.way = 'mail'"),
    _F.customer == bindparam("who", type_=_F.customer.type),
    _F.made_at > bindparam("since", type_=_F.made_at.type),
)
_DUE = (
    select(_F.id)
    .where(
        text("fax_job.state = 'queued'"),
        *_MINE,
        _F.due_at <= bindparam("at", type_=_F.due_at.type),
    )
    .order_by(_F.due_at, _F.id)
    .limit(bindparam("most"))
)
_TRYING = select(_F.id).where(text(f"fax_job.{IS_RUNNING}"), *_MINE).order_by(_F.held_until)
_LATE = (
    select(_F.id)
    .where(
        _F.way == text("'mail'"),
        text("fax_job.state NOT IN ('done','failed','unconfirmed','cancelled')"),
        _F.expires_at <= bindparam("at", type_=_F.expires_at.type),
        _F.held_until <= bindparam("at", type_=_F.held_until.type),
    )
    .order_by(_F.expires_at)
    .limit(bindparam("most"))
)
_SET = (
    update(fax_job)
    .where(_F.id == bindparam("of_id"), _F.state == bindparam("was_state"), text("way = 'mail'"))
    .values(
        state=bindparam("state", type_=_F.state.type),
        why=bindparam("why", type_=_F.why.type),
        confirmed=bindparam("confirmed", type_=_F.confirmed.type),
        begun=bindparam("begun", type_=_F.begun.type),
        attempt=bindparam("attempt", type_=_F.attempt.type),
        mail_unknown=bindparam("unknown", type_=_F.mail_unknown.type),
        due_at=bindparam("due", type_=_F.due_at.type),
        held_until=bindparam("until", type_=_F.held_until.type),
        epoch=bindparam("of_epoch", type_=_F.epoch.type),
        changed_at=bindparam("at", type_=_F.changed_at.type),
    )
)


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of a try."""

    taken: bool
    why: str = ""
    again: bool = True
    """Of one that the server did not take: another try may go better."""
    unknown: bool = False
    """The server had all of it, and what it said of it was lost."""


@dataclass(frozen=True, slots=True)
class MailLimits:
    """Of papers."""

    waiting: int
    """Of this node, that wait for the server."""
    most: int
    """The same, of one customer."""
    customer_daily: int
    """Of one customer in 24 hours at all nodes, whatever became of them."""
    patience: timedelta
    """For which one waits."""


def queue(fax: str, node: str, customer: str | None) -> tuple[str, ...]:
    """What no other node may judge while a paper is counted and kept."""
    return (*judged(fax), f"fax:queue:{node}", f"fax:mails:{customer}")


def add(part: Transaction, draft: FaxDraft, limits: MailLimits) -> Fax | None:
    """Keep a paper to be mailed; the same request finds the one it made. None where a limit is
    reached. Judges `queue`."""
    if draft.request is not None:
        made = part.execute(_MADE, {"of_request": draft.request}).first()
        if made is not None:
            return fax_of(made)
    mine = {"of_node": part.node}
    his = mine | {"who": draft.customer}
    today = his | {"since": part.now - _DAY}
    if (
        part.execute(_HIS, his).scalar_one() >= limits.most
        or part.execute(_TODAY, today).scalar_one() >= limits.customer_daily
        or part.execute(_COUNT, mine).scalar_one() >= limits.waiting
    ):
        return None
    life = Job(pages=draft.pages, tries=draft.tries)
    row = row_of(part, draft, "out", life) | {"expires_at": part.now + limits.patience}
    part.execute(insert(fax_job), row)
    tell(part, _row(part, draft.id), life)
    return fax_of(_row(part, draft.id))


def due(part: Transaction, most: int) -> Sequence[str]:
    """Papers of this node whose time it is, by id."""
    values = {"of_node": part.node, "at": part.now, "most": most}
    return [row.id for row in part.execute(_DUE, values).all()]


def trying(part: Transaction) -> Sequence[str]:
    """Papers of this node that are being tried, or were when it was killed, by id."""
    return [row.id for row in part.execute(_TRYING, {"of_node": part.node}).all()]


def begin(part: Transaction, fax: str, seconds: float) -> Fax | None:
    """A try is about to be made that takes so long at most. None where nobody wants it any more."""
    row = _row(part, fax)
    if row is None or row.state != State.QUEUED.value:
        return None
    life = receive(
        receive(receive(fax_of(row).life, Dialled(), 0.0), Answered(), 0.0), Began(), 0.0
    )
    if not _set(part, row, life, row.mail_unknown, seconds + HOLD_OVER_S):
        return None
    tell(part, row, life, "fax.sending")
    return fax_of(_row(part, fax))


def ended(part: Transaction, fax: str, tried: Tried, retry_s: float) -> Fax | None:
    """What came of the try under way. None where there is none: it was judged as left."""
    row = _row(part, fax)
    if row is None or State(row.state) not in RUNNING:
        return None
    unknown = tried.unknown or row.mail_unknown
    life = _after(fax_of(row).life, tried, bool(row.stop_by), unknown, retry_s)
    if not _set(part, row, life, unknown):
        return None
    more = {"stopped_by": row.stop_by} if row.stop_by else {}
    tell(part, row, life, **more)
    return fax_of(_row(part, fax))


def recover(part: Transaction, fax: str, retry_s: float) -> Fax | None:
    """Judge a try that nobody works on any more: whether the server took it nobody knows. None
    where it was judged before."""
    return ended(part, fax, Tried(False, INTERRUPTED, unknown=True), retry_s)


def late(part: Transaction, most: int) -> Sequence[str]:
    """Papers of any node whose patience is over and that nobody is known to try, by id."""
    return [row.id for row in part.execute(_LATE, {"at": part.now, "most": most}).all()]


def give_up(part: Transaction, fax: str) -> Fax | None:
    """Judge a paper that is late: UNCONFIRMED where the server may have it. None where it was
    judged before, or is tried. A person hears of it."""
    row = _row(part, fax)
    if row is None or State(row.state) in ENDED or max(row.expires_at, row.held_until) > part.now:
        return None
    unknown, life = row.mail_unknown or State(row.state) in RUNNING, fax_of(row).life
    why = life.why or GAVE_UP
    if unknown:  # its last try, of which nobody saw the end, ends so
        tried = replace(life, state=State.SENDING)
        life = receive(tried, CallEnded("unconfirmed", 0, why), 0.0)
    else:
        life = receive(life, Refused(why), 0.0)
    if not _set(part, row, life, unknown):
        return None
    tell(part, row, life)
    if life.state is State.FAILED:
        part.event(alarm(fax, life))
    return fax_of(_row(part, fax))


def _after(life: Job, tried: Tried, stopped: bool, unknown: bool, retry_s: float) -> Job:
    """What was taken has gone, whoever wanted it no more; what may have been is no failure."""
    if tried.taken:
        return receive(life, CallEnded("sent", life.pages, ""), retry_s)
    over = stopped or not tried.again or life.attempt >= life.tries
    if over and unknown:
        return receive(life, CallEnded("unconfirmed", 0, tried.why), retry_s)
    now = receive(life, CallEnded("failed", 0, tried.why, tried.again), retry_s)
    return receive(now, Cancelled(), 0.0) if stopped and now.state is State.QUEUED else now


def _row(part: Transaction, fax: str) -> Any:
    return part.execute(_ONE, {"of_id": fax}).first()


def _set(part: Transaction, row: Any, life: Job, unknown: bool, held_s: float = 0.0) -> bool:
    """Write what the machine said; nobody else judges it for so long. False where the row is not
    as it was read."""
    values = {
        **life_columns(life),
        "of_id": row.id,
        "was_state": row.state,
        "unknown": unknown,
        "due": part.now + timedelta(seconds=life.wait_s),
        "until": part.now + timedelta(seconds=held_s),
        "of_epoch": part.epoch,
        "at": part.now,
    }
    return part.execute(_SET, values).rowcount == 1
