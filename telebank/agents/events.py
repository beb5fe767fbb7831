"""What the centre is told. Seats and calls are named by the shell; times come beside an event."""

from dataclasses import dataclass, field
from typing import Literal

Wanted = Literal["ready", "busy", "break"]
Failure = Literal["no_answer", "declined", "busy", "unreachable"]
Choice = Literal["wait", "call_back", "leave"]
Party = Literal["seat", "customer"]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who waits, as far as queues look at it."""

    call: str
    """Reference of the call."""
    skill: str
    """What the menu asks for: `skills` of the queues say which queue that is."""
    language: str = "zh"
    priority: int = 1
    """Of the menu's node, 1 to 9; higher first."""
    number: str = field(default="", repr=False)
    """The calling number in digits; a hint, never proof."""
    called: str = ""
    """The number of ours that was called."""
    business: str = ""
    """What he was at in the menus: the flow's name."""
    level: int = 0
    """Importance, 0 to 9: of his record, else of the queues' table of cards."""
    customer: str = ""
    """Token of the customer; empty where nobody is proven."""
    last_seat: str = ""
    """Who talked with this customer before, and is to have him first; empty: nobody."""
    own_seat: str = ""
    """The dedicated teller of this customer; empty: none."""


@dataclass(frozen=True, slots=True)
class SeatEntered:
    """A person sits down, busy (`entered`) until he wants to be ready. `skills`: level 1 to 9 by
    skill; languages are skills `lang.zh`, and who has none of these is taken to speak all. Of
    somebody who is there: his skills are others now."""

    seat: str
    name: str
    skills: dict[str, int]
    days: int = 10_000
    """Since the person began here: new ones may be given calls first."""
    wrap_up_s: float | None = None
    """His own seconds of wrap-up; None: those of the queue."""


@dataclass(frozen=True, slots=True)
class SeatLeft:
    """He logs out, or is made to: `by` is who made him. In a call it holds afterwards."""

    seat: str
    by: str = ""


@dataclass(frozen=True, slots=True)
class SeatSeen:
    """His page is there. Not seen for `presence_s`, a seat goes offline (`presence`), one that
    talks after its call; it comes back by `SeatEntered`."""

    seat: str


@dataclass(frozen=True, slots=True)
class SeatWanted:
    """A state chosen by himself, or forced: `by` is who. In a call it holds afterwards."""

    seat: str
    state: Wanted
    reason: str = ""
    by: str = ""


@dataclass(frozen=True, slots=True)
class CallerCame:
    """Somebody wants a teller; `queue` where it is known (a transfer), else by the skill."""

    caller: Caller
    queue: str = ""
    seat: str = ""
    """This seat alone, while it is there (a transfer to a person)."""
    waited_s: float = 0.0
    """What he has waited before and keeps: a call-back, a call given back."""


@dataclass(frozen=True, slots=True)
class CallerLeft:
    """He hung up, or went back to the menu. Of one who chose a call-back: his line is down, so that
    he can be rung; after that: he wants it no more."""

    call: str


@dataclass(frozen=True, slots=True)
class CallerChose:
    """An answer to what a full or long queue offered."""

    call: str
    choice: Choice
    number: str = field(default="", repr=False)
    """Of `call_back`: where to."""


@dataclass(frozen=True, slots=True)
class CallerTypes:
    """He begins to key another number to be called back at, in `TYPED_S` at most."""

    call: str


@dataclass(frozen=True, slots=True)
class CallerBack:
    """The customer of a `CallBack` has answered and wants the teller: `Ring` follows."""

    call: str


@dataclass(frozen=True, slots=True)
class OfferTaken:
    """The seat and the caller talk."""

    call: str
    seat: str


@dataclass(frozen=True, slots=True)
class OfferFailed:
    """The seat's line did not take the call."""

    call: str
    seat: str
    why: Failure
    party: Party = "seat"
    """Who of a call-back was not reached: a customer is tried again later, the seat is ready."""


@dataclass(frozen=True, slots=True)
class TalkBegan:
    """The seat talks without an offer: a call of his own, an intercepted one."""

    call: str
    seat: str


@dataclass(frozen=True, slots=True)
class TalkEnded:
    """The seat is out of the conversation: wrap-up begins. `call` may go on elsewhere."""

    call: str
    seat: str


@dataclass(frozen=True, slots=True)
class WrappedUp:
    """The seat has finished his paperwork."""

    seat: str


@dataclass(frozen=True, slots=True)
class PlaceKept:
    """Somebody kept his place in a former life of this node: he stands where he stood. Of several
    that are equal, who is told first is first."""

    caller: Caller
    queue: str
    number: str = field(repr=False)
    """Where he is called back."""
    waited_s: float
    """Since he began to wait."""
    kept_s: float
    """Of these, since he keeps his place."""
    tries: int = 0
    """Calls to him that came to nothing."""
    again_s: float = 0.0
    """He is not called before."""


@dataclass(frozen=True, slots=True)
class NoMoreCallBacks:
    """The node is about to stop: nobody whose place is kept is called from now on. Who is being
    called is called to the end; the others keep their places for its next life."""


@dataclass(frozen=True, slots=True)
class NodeStopped:
    """The node ends its calls: who waits is cut off, and did not give up."""


Event = (
    SeatEntered
    | SeatLeft
    | SeatSeen
    | SeatWanted
    | CallerCame
    | CallerLeft
    | CallerChose
    | CallerTypes
    | CallerBack
    | OfferTaken
    | OfferFailed
    | TalkBegan
    | TalkEnded
    | WrappedUp
    | PlaceKept
    | NoMoreCallBacks
    | NodeStopped
)
