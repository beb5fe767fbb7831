"""What the rooms of tellers, callers and control know of each other."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

from telebank.agents.commands import Announce, Command, QueueExit
from telebank.agents.events import Event, Failure
from telebank.agents.options import CentreOptions
from telebank.agents.views import QueueView, SeatView, WaitingView
from telebank.calls.tellers.conversation import Place
from telebank.calls.tellers.hands import Listener, Terms
from telebank.calls.tellers.served import Served
from telebank.media.client import MediaChannel
from telebank.sip.registering import PhoneWay
from telebank.store.contacts import EndedContact, NewContact
from telebank.store.recordings import NewRecording, Outcome

Cap = Literal[
    "calls_hourly",
    "per_number_daily",
    "seconds_daily",
    "spend_daily",
    "no_gateway",
    "no_price",
    "store",
    "draining",
]
"""Why a number that may be called is not called now: the limit of `[outbound]` or of its trunk, no
trunk, no price, that the store does not count, or that the node is about to stop."""
CAPS: frozenset[Cap] = frozenset(get_args(Cap))
_Act = Literal[
    "no_seat",
    "no_call",
    "wrong_state",
    "no_phone",
    "phone_busy",
    "taken",
    "unknown_target",
    "full",
    "not_set_up",
]
Code = _Act | Cap
"""Why an act was not done."""
Ended = Literal["caller", "teller", "menu", "transfer", "intercept", "limit", "drain", "lost"]
"""How a seat's part in a conversation ended: by whom, or by what: `limit`: a cap of `[outbound]`
was used up; `drain`: the node stops; `lost`: a telephone or its audio was lost."""


class Machine(Protocol):
    """`telebank.agents.centre.Centre`."""

    @property
    def wake_at(self) -> float | None:
        """Monotonic seconds at which `wake` has something to do."""
        ...

    def receive(self, event: Event, now: float) -> list[Command]:
        """Take an event."""
        ...

    def wake(self, now: float) -> list[Command]:
        """Do what is due."""
        ...

    def use(self, options: CentreOptions) -> list[str]:
        """Other options while callers wait; what cannot change so, and then nothing has."""
        ...

    def seat(self, seat: str) -> SeatView | None:
        """One who is logged in."""
        ...

    def queue(self, name: str, now: float) -> QueueView | None:
        """One queue."""
        ...

    def waiting(self, call: str) -> WaitingView | None:
        """One who waits, or is to be called back."""
        ...


@dataclass(frozen=True, slots=True)
class CallerCard:
    """What a teller is shown of a caller, masked."""

    caller: str
    """Masked calling number."""
    language: str
    began: str
    """UTC, ISO 8601."""
    level: int
    customer: str
    """Masked card."""
    token: str
    """Of the customer; empty: nobody is proven."""
    business: str
    path: tuple[tuple[str, str], ...]
    keys: str


class CallerPort(Protocol):
    """A caller's call as the room of tellers has it. Nothing here waits."""

    @property
    def ref(self) -> str:
        """Of the call."""
        ...

    @property
    def channel(self) -> MediaChannel | None:
        """His media; None: his line is gone."""
        ...

    @property
    def called(self) -> bool:
        """Whether he is in a call of ours, and not in his own."""
        ...

    @property
    def shown(self) -> str:
        """Masked calling number, for a phone's display; user part of a SIP address."""
        ...

    def card(self) -> CallerCard:
        """What a teller is shown now."""
        ...

    def served(self, teller: str) -> Served:
        """What a teller does services for him by, as he stands now."""
        ...

    def join(self, place: Place) -> None:
        """Be there."""
        ...

    def leave(self) -> None:
        """Be in no mixer."""
        ...

    def announce(self, what: Announce) -> None:
        """Say it over the music."""
        ...

    def kept(self) -> None:
        """His place is kept: say so, and end the call; the room is told when it is over."""
        ...

    def enter_pin(self, heard: Listener, terms: Terms | None = None) -> bool:
        """Ask him for his PIN while nobody hears him, after he heard what he signs by it; False:
        it cannot be done."""
        ...

    def enter_unlock(self, heard: Listener, teller: str) -> bool:
        """Have him key what unlocks a PIN that is locked for today, while nobody hears him; his
        teller does it for him. False: it cannot be done."""
        ...

    def take_back(self, quiet_s: float) -> None:
        """His teller wants him back from his keys: the entry ends as `cancelled` once so many
        seconds went without one."""
        ...

    def leave_entry(self) -> None:
        """No PIN is asked for any more."""
        ...

    def leaves_by(self, exit_name: QueueExit) -> None:
        """Back to the menu, by an exit of its node; the room forgets him."""
        ...

    def goodbye(self) -> None:
        """His teller has hung up: last words and the end; the room forgets him."""
        ...


class Phones(Protocol):
    """`telebank.calls.node.VoiceNode`."""

    def phone_ways(self, extension: str) -> Sequence[PhoneWay]:
        """How a desk phone can be called, the best first."""
        ...


class Keeper(Protocol):
    """Where contacts and recordings are kept; nothing here waits."""

    def begun(self, new: NewContact) -> None:
        """A seat talks with a caller."""
        ...

    def ended(self, ended: EndedContact) -> None:
        """It talks no more."""
        ...

    def wrapped(self, contact: str, seconds: int) -> None:
        """Its paperwork is done."""
        ...

    def recording_begun(self, new: NewRecording) -> None:
        """A file is being written."""
        ...

    def recording_ended(self, name: str, outcome: Outcome) -> None:
        """It is whole, or is not."""
        ...


@dataclass(frozen=True, slots=True)
class Wants:
    """What a caller who asks for a person is, as far as queues look at it."""

    skill: str
    priority: int
    language: str
    number: str = field(repr=False)
    called: str
    customer: str
    """Token."""
    business: str = ""
    """What he was at in the menus."""
    first_digits: str = field(default="", repr=False)
    """Of the card that he proved himself with, eight at most: they say how important he is, and
    who his own teller is."""


OnChange = Callable[[str, str], None]
"""Takes kind and key of a row of the board that changed: `SeatRow`, `QueueRow`, `CallRow`."""
Rung = Failure | Literal["", "gone"]
"""What came of ringing a line: empty: it was answered; `gone`: we gave it up."""
