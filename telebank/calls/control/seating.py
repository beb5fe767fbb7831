"""What the paths of desks and of the floor share: the room of tellers as they ask it, why it says
no, and the bodies that name a seat."""

from collections.abc import Mapping
from typing import Annotated, Protocol

import msgspec

from telebank.agents.board import AnyRow
from telebank.agents.events import Wanted
from telebank.calls.control.common import Name, Reply, RequestId, refused

WHY: Mapping[str, str] = {
    "no_seat": "nobody sits there: first enter, with the extension of a phone",
    "no_call": "there is no call at this desk now",
    "wrong_state": "not now: look at the state of the seat and of its call, then try again",
    "no_phone": "this phone is not registered here: put it on, or name another; "
    "`telebank phones list` shows which are",
    "phone_busy": "somebody else sits at this phone: take another one",
    "taken": "whom you want is talking, away or not ready: choose another",
    "unknown_target": "there is no such seat or queue, or no rule of [outbound] lets this number"
    " be called; say seat:NAME, queue:NAME or number:DIGITS",
    "full": "there are as many seats as this node takes: somebody has to leave first",
    "not_set_up": "there are no queues here: write DATA/config/queues.yaml, start the node again",
    "draining": "this node is being stopped: no call is placed any more; sit down at another one",
    "calls_hourly": "[outbound] calls_hourly is reached, of all nodes: try again within the hour",
    "per_number_daily": "[outbound] per_number_daily is reached: this number is called no more"
    " today",
    "seconds_daily": "[outbound] seconds_daily is used up: no number is called any more today",
    "spend_daily": "spend_daily of the trunk for this number is used up: it is called no more"
    " today",
    "no_gateway": "no trunk has this number in its allow, and [outbound] gateway is not set",
    "no_price": "the tariff of the trunk for this number has no price for it",
    "store": "the store does not answer, and calls that are not counted are not placed: try again",
    "not_allowed": "your role may not do this",
}

Seat = Annotated[str, msgspec.Meta(pattern="^[0-9A-Za-z._-]{1,64}$")]
Target = Annotated[
    str, msgspec.Meta(pattern="^((seat|queue):[0-9A-Za-z._-]{1,64}|number:[0-9]{1,20})$")
]
"""To whom: `seat:ID`, `queue:NAME` or `number:DIGITS`."""
Reason = Annotated[str, msgspec.Meta(max_length=64)]


class DeskBody(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An act without more."""

    request_id: RequestId


class OfSeatBody(DeskBody, frozen=True, kw_only=True):
    """An act on somebody's desk."""

    seat: Name


class TellerDesks(Protocol):
    """`telebank.calls.tellers.room.TellerRoom` as tellers use it. Each act returns why it was not
    done, or None; nothing here waits for a phone or a caller."""

    def enter(
        self, person: str, name: str, phone: str, skills: dict[str, int], days: int = ...
    ) -> str | None:
        """He sits down at the desk whose phone has this extension; `days`: since his first one."""
        ...

    def learn(self, person: str, name: str, skills: dict[str, int], days: int = ...) -> None:
        """His skills are these by now; nothing where he sits nowhere."""
        ...

    def leave(self, seat: str) -> str | None:
        """He logs out."""
        ...

    def seen(self, seat: str) -> None:
        """His page is there."""
        ...

    def want(self, seat: str, state: Wanted, reason: str = "") -> str | None:
        """The state that he wants."""
        ...

    def answer(self, seat: str) -> str | None:
        """Take the call that rings."""
        ...

    def hang_up(self, seat: str) -> str | None:
        """Be out of the conversation, or do not take the call that rings."""
        ...

    async def call(self, seat: str, number: str) -> str | None:
        """Call a number, by the rules of `[outbound]`: his own telephone first."""
        ...

    def hold(self, seat: str) -> str | None:
        """The caller hears music."""
        ...

    def resume(self, seat: str) -> str | None:
        """The caller is back."""
        ...

    def consult(self, seat: str, to: str) -> str | None:
        """Ring another while the caller hears music."""
        ...

    def consult_end(self, seat: str) -> str | None:
        """The other goes, the caller is back."""
        ...

    def three_way(self, seat: str) -> str | None:
        """All hear each other."""
        ...

    def transfer(self, seat: str, to: str, *, blind: bool) -> str | None:
        """The caller goes elsewhere; not `blind`: to whom is consulted."""
        ...

    def pin(self, seat: str) -> str | None:
        """The caller keys his PIN, which nobody hears."""
        ...

    def unlock(self, seat: str) -> str | None:
        """The caller keys what unlocks his PIN, which nobody hears."""
        ...

    def menu(self, seat: str) -> str | None:
        """The caller goes back to the menu."""
        ...

    def wrapped(self, seat: str) -> str | None:
        """His paperwork is done."""
        ...

    def row(self, kind: str, key: str, *, for_supervisor: bool) -> AnyRow | None:
        """A row of the board; None: there is none."""
        ...


class TellerFloor(Protocol):
    """The same as supervisors use it; `by` is the person who acts, `phone` his where he sits at no
    desk."""

    def monitor(self, by: str, seat: str, phone: str = "") -> str | None:
        """Hear both, without a trace."""
        ...

    def whisper(self, by: str, seat: str, phone: str = "") -> str | None:
        """Be heard by the teller alone."""
        ...

    def barge(self, by: str, seat: str, phone: str = "") -> str | None:
        """Be heard by both."""
        ...

    def stop(self, by: str, seat: str = "") -> str | None:
        """Listen no more."""
        ...

    def intercept(self, by: str, seat: str) -> str | None:
        """Take the caller."""
        ...

    def force(self, by: str, seat: str, state: Wanted, reason: str = "") -> str | None:
        """The seat is to be in this state."""
        ...

    def force_out(self, by: str, seat: str) -> str | None:
        """The seat is logged out."""
        ...

    def record(self, by: str, seat: str, *, on: bool) -> str | None:
        """Record the seat's call from now on, or no more."""
        ...

    def row(self, kind: str, key: str, *, for_supervisor: bool) -> AnyRow | None:
        """A row of the board; None: there is none."""
        ...


def no(code: str) -> Reply:
    """Why an act was not done."""
    return refused(409, code, WHY.get(code, code))
