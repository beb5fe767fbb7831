"""What goes into the user agent and what comes out of it."""

from dataclasses import dataclass
from typing import Literal

from telebank.sip.session_description import SessionDescription
from telebank.sip.uri import Address


@dataclass(frozen=True, slots=True)
class DatagramReceived:
    """One UDP datagram and where it came from."""

    data: bytes
    source: Address


@dataclass(frozen=True, slots=True)
class SendDatagram:
    """Send these octets to `destination` from the agent's socket."""

    data: bytes
    destination: Address


@dataclass(frozen=True, slots=True)
class CallOffered:
    """A new INVITE; `ring`, `answer` or `refuse` it. `to_uri` is the Request-URI. `offer` is None
    for a late offer: then the SDP given to `answer` is our offer, and the answer comes with
    `CallConfirmed`."""

    leg: str
    call_id: str
    from_uri: str
    from_display: str
    to_uri: str
    offer: SessionDescription | None
    source: Address


@dataclass(frozen=True, slots=True)
class CallConfirmed:
    """The caller's ACK came; `answer` is set only where our 200 carried the offer."""

    leg: str
    answer: SessionDescription | None


@dataclass(frozen=True, slots=True)
class OfferReceived:
    """A re-INVITE or UPDATE wants an answer: `answer` or `refuse` it. With `offer` None the SDP
    given to `answer` is our offer, and `OfferAnswered` brings the answer. Also a 200 to an INVITE
    of ours that held no SDP."""

    leg: str
    offer: SessionDescription | None


@dataclass(frozen=True, slots=True)
class CallRinging:
    """A provisional response (101 to 199) to our INVITE."""

    leg: str
    status: int
    early: SessionDescription | None


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """A 200 to our INVITE; its ACK is already in the list."""

    leg: str
    answer: SessionDescription


@dataclass(frozen=True, slots=True)
class OfferAnswered:
    """The other side accepted our re-INVITE, or answered the offer in our 200 to its own."""

    leg: str
    answer: SessionDescription


@dataclass(frozen=True, slots=True)
class OfferRefused:
    """Our re-INVITE was refused; the session goes on as it was."""

    leg: str
    status: int


@dataclass(frozen=True, slots=True)
class CallRefused:
    """Our INVITE failed: 3xx to 6xx, or 408 where nobody answered. The leg is gone."""

    leg: str
    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The leg is gone for the application, exactly once for each leg that was not refused by the
    other side (`CallRefused`); also after our own `refuse` and `hang_up`."""

    leg: str
    by: Literal["remote", "local", "timeout", "cancel", "error"]
    reason: str


@dataclass(frozen=True, slots=True)
class KeyInfoReceived:
    """A key by INFO (application/dtmf-relay or application/dtmf): 0-9 * # A-D."""

    leg: str
    digit: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """One log line about one datagram; holds no content of the message."""

    kind: str
    detail: str
    source: Address


Command = (
    SendDatagram
    | CallOffered
    | CallConfirmed
    | OfferReceived
    | CallRinging
    | CallAnswered
    | OfferAnswered
    | OfferRefused
    | CallRefused
    | CallEnded
    | KeyInfoReceived
    | Trouble
)
EndedBy = Literal["remote", "local", "timeout", "cancel", "error"]
