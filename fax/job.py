"""The life of one fax, however many calls it takes: queued, dialling, negotiating, sending, an end.

A machine of values: `receive` takes a job and what happened to it and gives the job as it is now;
it does no I/O, reads no clock, and what the tables do not allow is an error. Whoever keeps jobs
makes each change durable before he acts on it: SENDING above all is written before a page can have
arrived, so that a process that was killed never sends a page again that may be on paper.

A page is delivered when the other side has confirmed it (MCF, ITU-T T.30 5.3.6.1.7) and not before.
What may be on paper and was not confirmed is UNCONFIRMED, which is for people, never for another
try.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

MAX_BACKOFF_S = 6 * 3_600.0
"""Longest wait between two tries, in seconds."""
INTERRUPTED = "interrupted"
"""Reason: the node stopped while the call was up."""
STOPPED = "cancelled"


class State(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    """Waits for its time, for a channel, or for another try."""
    DIALLING = "dialling"
    NEGOTIATING = "negotiating"
    """Answered; capabilities and speed are being agreed. Nothing has been sent."""
    SENDING = "sending"
    """From before the first line of the first page on."""
    DONE = "done"
    """Every page was confirmed, or a received fax is stored."""
    FAILED = "failed"
    """Given up; `confirmed` says how many pages arrived."""
    UNCONFIRMED = "unconfirmed"
    """A page may be on paper without anybody having said so: a person asks."""
    CANCELLED = "cancelled"


RUNNING = frozenset({State.DIALLING, State.NEGOTIATING, State.SENDING})
ENDED = frozenset({State.DONE, State.FAILED, State.UNCONFIRMED, State.CANCELLED})
_NOT_SENT = frozenset({State.QUEUED, State.FAILED, State.CANCELLED})
MOVES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.QUEUED: frozenset({State.DIALLING, State.FAILED, State.CANCELLED}),
        State.DIALLING: _NOT_SENT | {State.NEGOTIATING},
        State.NEGOTIATING: _NOT_SENT | {State.SENDING},
        State.SENDING: _NOT_SENT | {State.SENDING, State.DONE, State.UNCONFIRMED},
        **{state: frozenset() for state in ENDED},
    }
)
"""What may follow what. SENDING follows itself with each page."""

Result = Literal["sent", "partial", "unconfirmed", "failed"]


@dataclass(frozen=True, slots=True)
class Job:
    """How far one fax has come."""

    pages: int
    """Of the document, from 1."""
    tries: int
    """Calls at most, from 1."""
    state: State = State.QUEUED
    confirmed: int = 0
    """Pages confirmed in all calls so far: the next try begins with the one after."""
    attempt: int = 0
    """Calls placed so far."""
    why: str = ""
    """Of the last change: a reason for people and menus."""
    wait_s: float = 0.0
    """Where it is QUEUED for another try: seconds until then."""
    in_call: bool = False
    """Sent within a caller's own call: there is no other try."""
    begun: int = 0
    """`confirmed` as it was when the call under way was placed."""

    def __post_init__(self) -> None:
        if self.pages < 1 or self.tries < 1:
            raise ValueError("a fax has a page and a try at least")
        if not 0 <= self.begun <= self.confirmed <= self.pages:
            raise ValueError(f"{self.confirmed} pages confirmed of {self.pages}")


@dataclass(frozen=True, slots=True)
class Dialled:
    """A call is about to be placed (or the caller's own call to be switched)."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The other side answered the call."""


@dataclass(frozen=True, slots=True)
class Began:
    """Capabilities are agreed: pages go out from now on."""


@dataclass(frozen=True, slots=True)
class PagesConfirmed:
    """The other side confirmed so many pages of this call (MCF)."""

    pages: int


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The call is over."""

    result: Result
    pages: int
    """Confirmed in this call."""
    reason: str
    again: bool = True
    """Whether another call may go better (busy, no answer), or not (no such number)."""


@dataclass(frozen=True, slots=True)
class Cancelled:
    """Somebody wants it no more; of a running job: its call was ended before it could say more."""


@dataclass(frozen=True, slots=True)
class Refused:
    """It may not be sent, or there is nothing to send it with."""

    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """Whoever carried it out is gone or was ended without saying how far he came: a killed node, a
    call that outlived its watchdog."""

    reason: str = INTERRUPTED


Event = Dialled | Answered | Began | PagesConfirmed | CallEnded | Cancelled | Refused | Lost


class IllegalMove(Exception):  # noqa: N818 - reads as what it is
    """What happened cannot happen to a job that stands so: a bug of whoever said it."""


def receive(job: Job, event: Event, retry_s: float) -> Job:
    """The job after `event`; `retry_s` is the wait before the second try, which doubles from try to
    try. Raises `IllegalMove`."""
    match event:
        case Dialled():
            attempt = job.attempt + 1
            now = _to(job, State.DIALLING, "", attempt=attempt, begun=job.confirmed)
        case Answered():
            now = _to(job, State.NEGOTIATING, "")
        case Began():
            now = _to(job, State.SENDING, "")
        case PagesConfirmed(pages=pages):
            _must(job, State.SENDING)
            now = _to(job, State.SENDING, "", confirmed=_sum(job, pages))
        case CallEnded():
            now = _ended(job, event, retry_s)
        case Cancelled():
            now = _cancelled(job)
        case Refused(reason=reason):
            now = _to(job, State.FAILED, reason)
        case Lost(reason=reason):
            now = _lost(job, reason, retry_s)
    return now


def backoff_s(attempt: int, retry_s: float) -> float:
    """Seconds to wait after try number `attempt`: doubling, at most `MAX_BACKOFF_S`."""
    return float(min(retry_s * 2 ** min(max(attempt - 1, 0), 30), MAX_BACKOFF_S))


def after_restart(job: Job, retry_s: float) -> Job:
    """The job as a node finds it that held it when it was killed. What waits goes on waiting and
    what has ended stays; nothing was sent while it dialled or negotiated, so it is queued again
    (the try counts); of what was being sent, nobody knows."""
    return receive(job, Lost(), retry_s) if job.state in RUNNING else job


def _ended(job: Job, event: CallEnded, retry_s: float) -> Job:
    if job.state not in RUNNING:
        raise IllegalMove(f"a call ended of a fax that is {job.state.value}")
    if event.result in ("sent", "unconfirmed") or event.pages:
        _must(job, State.SENDING)
    job = replace(job, confirmed=_sum(job, event.pages))
    if job.confirmed == job.pages:  # however the call ended after the last of them
        return _to(job, State.DONE, "")
    match event.result:
        case "sent":
            raise IllegalMove(f"sent, with {job.confirmed} of {job.pages} pages confirmed")
        case "unconfirmed":
            return _to(job, State.UNCONFIRMED, event.reason)
        case "partial" | "failed":
            return _again(job, event.reason, retry_s, again=event.again)


def _again(job: Job, reason: str, retry_s: float, *, again: bool) -> Job:
    if not again or job.in_call or job.attempt >= job.tries:
        return _to(job, State.FAILED, reason)
    return _to(job, State.QUEUED, reason, wait_s=backoff_s(job.attempt, retry_s))


def _lost(job: Job, reason: str, retry_s: float) -> Job:
    if job.state not in RUNNING:
        raise IllegalMove(f"nobody can have lost a fax that is {job.state.value}")
    if job.state is not State.SENDING:
        return _again(job, reason, retry_s, again=True)
    if job.confirmed == job.pages:
        return _to(job, State.DONE, "")
    return _to(job, State.UNCONFIRMED, reason)


def _cancelled(job: Job) -> Job:
    """While pages go out, one may be on paper that nobody confirmed."""
    if job.state is not State.SENDING:
        return _to(job, State.CANCELLED, STOPPED)
    return _lost(job, STOPPED, 0.0)


def _sum(job: Job, pages: int) -> int:
    """Pages confirmed in all; never fewer than were said before, nor more than there are."""
    total = job.begun + pages
    if not job.confirmed <= total <= job.pages:
        raise IllegalMove(
            f"{pages} pages confirmed in a call that began after {job.begun} of {job.pages}"
        )
    return total


def _must(job: Job, state: State) -> None:
    if job.state is not state:
        raise IllegalMove(f"that happens to a fax only that is {state.value}, not {job.state}")


def _to(job: Job, state: State, why: str, **changes: int | float) -> Job:
    if state not in MOVES[job.state]:
        raise IllegalMove(f"a fax that is {job.state.value} does not become {state.value}")
    return replace(job, state=state, why=why, **{"wait_s": 0.0, **changes})  # type: ignore[arg-type]
