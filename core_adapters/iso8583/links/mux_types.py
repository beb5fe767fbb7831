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


RefusalReason = Literal["no_link", "busy", "duplicate_key", "stopping"]


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
