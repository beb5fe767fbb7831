"""What goes into the user agent and what comes out of it."""

from dataclasses import dataclass, field
from typing import Literal

from telebank.sip.identities import Identities
from telebank.sip.session_description import SessionDescription
from telebank.sip.uri import Hop


@dataclass(frozen=True, slots=True)
class DatagramReceived:
    """One UDP datagram, or one message that was cut from a stream (`telebank.sip.stream`), and
    where it came from: `source.transport` says which."""

    data: bytes = field(repr=False)
    source: Hop
    names: tuple[str, ...] = ()
    """Names in the peer's certificate, lower case, where TLS asked for one and verified it."""


@dataclass(frozen=True, slots=True)
class ConnectionLost:
    """The connection to a hop is gone, or could not be made. Requests of ours that wait for an
    answer over it fail with 503 (RFC 3261 8.1.3.1); no leg is ended by it alone."""

    hop: Hop
    why: str = ""


Event = DatagramReceived | ConnectionLost


@dataclass(frozen=True, slots=True)
class SendDatagram:
    """Send these octets to `destination`: from the UDP socket of its family, or over the connection
    to it, which is made where there is none."""

    data: bytes = field(repr=False)
    destination: Hop


@dataclass(frozen=True, slots=True)
class CloseConnection:
    """End the connection to a peer with whom nothing more is to be said."""

    hop: Hop


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
    source: Hop
    peer_names: tuple[str, ...] = ()
    """Names in the certificate of the peer's TLS connection, lower case; empty: none was shown, or
    it is not verified."""
    trunk: str = ""
    """The trunk that it came by (`telebank.sip.trunks`); empty: no trunks were set."""
    identities: Identities | None = None
    """Who calls, as far as the trunk is believed, and who forwarded the call; `from_uri` is the
    caller in it."""

    @property
    def diverted(self) -> bool:
        """Whether it was forwarded to us: then it says less of who calls."""
        return self.identities is not None and self.identities.diverted


@dataclass(frozen=True, slots=True)
class CallConfirmed:
    """The caller's ACK came; `answer` is set only where our 200 carried the offer."""

    leg: str
    answer: SessionDescription | None


@dataclass(frozen=True, slots=True)
class OfferReceived:
    """A re-INVITE, UPDATE or PRACK wants an answer: `answer` or `refuse` it. With `offer` None the
    SDP given to `answer` is our offer, and `OfferAnswered` brings the answer. Also a 200 to an
    INVITE of ours that held no SDP, or a reliable provisional response to it: then `CallAnswered`
    follows in its time."""

    leg: str
    offer: SessionDescription | None


@dataclass(frozen=True, slots=True)
class CallRinging:
    """A provisional response (101 to 199) to our INVITE; its PRACK, where it asks for one, is
    already in the list, save where it holds an offer (`OfferReceived` follows)."""

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
    sent: bool = True
    """False: it did not leave us, since another offer is open. The other side knows nothing."""


@dataclass(frozen=True, slots=True)
class CallRedirected:
    """A trusted side answered our INVITE with a 3xx: the call goes on to `target`."""

    leg: str
    target: str
    trunk: str = ""
    """The trunk it goes by, empty for none."""


@dataclass(frozen=True, slots=True)
class SessionMoved:
    """The other side answered a refresh of ours (RFC 4028) with another session than before.
    `offer` is our description in force, sent again unchanged: the application agreed nothing new
    on its side."""

    leg: str
    offer: SessionDescription
    answer: SessionDescription


@dataclass(frozen=True, slots=True)
class TransferAsked:
    """A trusted side asks us to call `target`, a SIP or tel URI (RFC 3515). With `reports` it waits
    for `transferred`; it has been told that we try."""

    leg: str
    target: str
    reports: bool


@dataclass(frozen=True, slots=True)
class TransferProgress:
    """How far the other side is with a `transfer` of ours: the status of its own call, or the one
    with which it refused. `over`: nothing follows."""

    leg: str
    status: int
    over: bool


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
    digit: str = field(repr=False)
    """Not printed: it may be one of a PIN."""


@dataclass(frozen=True, slots=True)
class PeerChanged:
    """A peer of a trunk does not answer OPTIONS any more, or does again (`telebank.sip.health`)."""

    trunk: str
    peer: Hop
    well: bool
    left: int
    """Peers of the trunk that are well."""


@dataclass(frozen=True, slots=True)
class PhoneRegistered:
    """A desk phone has a contact that it did not have before; refreshes are not told."""

    extension: str
    uri: str
    """Its contact."""
    source: Hop
    """Where the REGISTER came from."""
    seconds: float
    """How long it is good for, unless it is refreshed."""


Gone = Literal["expired", "left", "closed"]


@dataclass(frozen=True, slots=True)
class PhoneGone:
    """A contact of a desk phone is gone."""

    extension: str
    uri: str
    source: Hop
    why: Gone
    """Not refreshed in time; taken back by the phone; the account was closed or changed."""


@dataclass(frozen=True, slots=True)
class PhoneRefused:
    """A REGISTER was refused; not more of them are told than a log can take."""

    extension: str
    """A phone of ours that was named; empty: none was, or a name that is none."""
    source: Hop
    why: str
    hidden: int
    """How many before it were not told."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One log line about one datagram; holds no content of the message."""

    kind: str
    detail: str
    source: Hop


Command = (
    SendDatagram
    | CloseConnection
    | CallOffered
    | CallConfirmed
    | OfferReceived
    | CallRinging
    | CallAnswered
    | OfferAnswered
    | OfferRefused
    | CallRedirected
    | CallRefused
    | CallEnded
    | SessionMoved
    | TransferAsked
    | TransferProgress
    | KeyInfoReceived
    | PeerChanged
    | PhoneRegistered
    | PhoneGone
    | PhoneRefused
    | Trouble
)
EndedBy = Literal["remote", "local", "timeout", "cancel", "error"]
