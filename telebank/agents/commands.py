"""What the centre asks of the shell."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

QueueExit = Literal["not_on_duty", "full", "done"]
Announced = Literal["place", "wait", "long_wait", "call_back_offer", "call_back_kept", "comfort"]


@dataclass(frozen=True, slots=True)
class Ring:
    """Ring this seat's line for a caller, at most so many seconds; `OfferTaken` or `OfferFailed`
    follows, or the caller leaves."""

    call: str
    seat: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Unring:
    """Ring no more: the caller is gone, or the seat is. Also the answer to an `OfferTaken` that
    came too late: that line is to be dropped. There may be nothing that rings."""

    call: str
    seat: str


@dataclass(frozen=True, slots=True)
class Wait:
    """The caller waits in this queue: music from now on."""

    call: str
    queue: str


@dataclass(frozen=True, slots=True)
class Announce:
    """Say this to a caller who waits, over the music. `place` counts from 1, `minutes` from 1."""

    call: str
    what: Announced
    place: int = 0
    minutes: int = 0


@dataclass(frozen=True, slots=True)
class Dismiss:
    """The caller leaves the queue by an exit of the menu's node."""

    call: str
    exit: QueueExit


@dataclass(frozen=True, slots=True)
class CallBack:
    """Ring a customer who kept his place: the seat is held for him. `CallerBack` says that he is
    there, and `Ring` follows; or `OfferFailed` with `party="customer"`, or `CallerLeft`: he wants
    it no more."""

    call: str
    seat: str


@dataclass(frozen=True, slots=True)
class SeatMoved:
    """A seat is in another state; for the board and the log. `offline` with the reason `full` is
    the refusal of one seat too many."""

    seat: str
    state: str
    reason: str = ""
    by: str = ""
    call: str = ""


@dataclass(frozen=True, slots=True)
class Noted:
    """For the event log: `queue.entered` and `queue.left` (once each, with `how`), `queue.refused`
    (`why`: `closed` or `nobody`), `queue.missed` (a seat did not take an offer), `queue.kept`,
    `queue.resumed` (a place that was kept before the node was started), `queue.ignored`,
    `seat.lost` and `seat.back` (its page), `seat.next` (chosen for after the call), `seat.silent`
    (no word of an offer came in time)."""

    kind: str
    call: str = ""
    detail: Mapping[str, str | int | float] = field(default_factory=dict)


Command = Ring | Unring | Wait | Announce | Dismiss | CallBack | SeatMoved | Noted
