"""Options, events and commands of the multiplexer."""

from dataclasses import dataclass
from typing import Literal

from core_adapters.iso8583.format.message import Message

Link = str
"""A link's name within its host, such as `a`."""
Ticket = int
"""One message waiting for its answer."""

NETWORK_ASKS_MAX = 8
"""Network management requests of the owner's that may wait for their answers."""

DAY_S = 86_400

RefusalReason = Literal["no_link", "busy", "duplicate_key", "stopping"]


@dataclass(frozen=True, slots=True)
class MuxOptions:
    """Limits and times of one host's multiplexer."""

    in_flight_max: int = 200
    """Messages waiting for an answer; one more is refused at once."""
    in_flight_urgent: int = 20
    """Places beyond `in_flight_max` kept for reversals and loss reports."""
    sign_on_timeout_s: float = 10.0
    """Seconds to wait for the answer to sign-on (and to sign-off)."""
    echo_interval_s: float = 30.0
    """Seconds without a frame from the host after which an echo is sent."""
    echo_timeout_s: float = 5.0
    """Seconds to wait for the answer to an echo."""
    echo_missed_max: int = 3
    """Echoes missed in a row that close the link."""
    recent_max: int = 10_000
    """Answered or expired messages remembered, to name late and duplicate replies."""
    recent_s: float = 300.0
    """Seconds for which they are remembered."""
    fail_back_s: float = 60.0
    """Seconds for which a better address must hold before traffic goes back to it."""
    sign_on_again_s: float = 60.0
    """Seconds after the host's own sign-off after which a link asks to be signed on again."""

    def __post_init__(self) -> None:
        if self.in_flight_max < 1 or self.in_flight_urgent < 0:
            raise ValueError("mux.in_flight_max is 1 or more, mux.in_flight_urgent 0 or more")
        if not 0 <= self.fail_back_s <= DAY_S:
            raise ValueError(f"mux.fail_back_s is 0 to {DAY_S}")
        if not 0 < self.sign_on_again_s <= DAY_S:
            raise ValueError(f"mux.sign_on_again_s is above 0, up to {DAY_S}")


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The TCP connection stands."""

    link: Link


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The TCP connection is gone; bytes given to it may or may not have arrived."""

    link: Link


@dataclass(frozen=True, slots=True)
class SubmitRequested:
    """A message wants a place. The mux keeps its matching fields only, never the message."""

    ticket: Ticket
    message: Message
    timeout_s: float
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class RowCommitted:
    """The message's journal row is durable: it may be sent now."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Nobody waits for the ticket any more (not committed, or its caller was cancelled)."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """A decoded message from the host."""

    link: Link
    message: Message
    mac_ok: bool


@dataclass(frozen=True, slots=True)
class NetworkRequested:
    """A network management request of the owner's, such as a key exchange."""

    ticket: Ticket
    code: str
    """Field 70."""
    timeout_s: float


@dataclass(frozen=True, slots=True)
class SignOffRequested:
    """Stop in order: nothing new, sign off every link."""


Event = (
    LinkUp
    | LinkDown
    | SubmitRequested
    | RowCommitted
    | Withdrawn
    | FrameReceived
    | NetworkRequested
    | SignOffRequested
)


@dataclass(frozen=True, slots=True)
class Admit:
    """The ticket has its place; commit its row for `link`, then say `RowCommitted`."""

    ticket: Ticket
    link: Link


@dataclass(frozen=True, slots=True)
class Refuse:
    """No place; nothing was or will be sent."""

    ticket: Ticket
    reason: RefusalReason


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Give the ticket's bytes to the link's socket."""

    link: Link
    ticket: Ticket


@dataclass(frozen=True, slots=True)
class SendNetwork:
    """Send a network management request with this field 70 and STAN; the owner's has a ticket."""

    link: Link
    code: str
    stan: str
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class AnswerNetwork:
    """The host sent a network management request; answer it, with 00 unless the owner objects."""

    link: Link
    request: Message


@dataclass(frozen=True, slots=True)
class Answered:
    """The reply that belongs to the ticket."""

    ticket: Ticket
    message: Message


@dataclass(frozen=True, slots=True)
class TimedOut:
    """No reply in time; it may still come late."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class LinkLost:
    """The link went down while the ticket waited; its bytes may have gone."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class LateAnswer:
    """A reply to a ticket that was given up as unknown."""

    ticket: Ticket
    message: Message


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A frame that is nobody's reply, and why. With a ticket: its key matched but the frame
    cannot be trusted (another amount, a bad MAC), and the ticket is unknown now."""

    link: Link
    message: Message
    why: str
    ticket: Ticket | None = None


@dataclass(frozen=True, slots=True)
class CutOver:
    """The host begins another business date (field 15); what is in flight goes on."""

    link: Link
    request: Message


@dataclass(frozen=True, slots=True)
class LinkReady:
    """The link has signed on."""

    link: Link


@dataclass(frozen=True, slots=True)
class LinkSignedOff:
    """The host signed off; the link stays connected and is not chosen."""

    link: Link


@dataclass(frozen=True, slots=True)
class TrafficMoved:
    """New messages go to another address of the host: to a worse (fail-over) or a better one."""

    old: int
    """Rank of the address."""
    new: int


@dataclass(frozen=True, slots=True)
class CloseLink:
    """Close the TCP connection; it may be opened again unless the multiplexer is stopping."""

    link: Link
    why: str


Command = (
    Admit
    | Refuse
    | SendFrame
    | SendNetwork
    | AnswerNetwork
    | Answered
    | TimedOut
    | LinkLost
    | LateAnswer
    | Unmatched
    | CutOver
    | LinkReady
    | LinkSignedOff
    | TrafficMoved
    | CloseLink
)
