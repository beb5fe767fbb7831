"""SIP and SDP as machines: no I/O, no clock (RFC 3261, RFC 3264, RFC 4566)."""

from telebank.sip.agent import UserAgent
from telebank.sip.events import (
    CallAnswered,
    CallConfirmed,
    CallEnded,
    CallOffered,
    CallRefused,
    CallRinging,
    Command,
    DatagramReceived,
    KeyInfoReceived,
    OfferAnswered,
    OfferReceived,
    OfferRefused,
    SendDatagram,
    Trouble,
)
from telebank.sip.options import SipOptions
from telebank.sip.sdp import (
    Answer,
    AudioOffer,
    MalformedDescription,
    Refused,
    SessionDescription,
    answer_audio,
    make_offer,
    read_answer,
)
from telebank.sip.transaction import IllegalTransition
from telebank.sip.uri import Address

__all__ = [
    "Address",
    "Answer",
    "AudioOffer",
    "CallAnswered",
    "CallConfirmed",
    "CallEnded",
    "CallOffered",
    "CallRefused",
    "CallRinging",
    "Command",
    "DatagramReceived",
    "IllegalTransition",
    "KeyInfoReceived",
    "MalformedDescription",
    "OfferAnswered",
    "OfferReceived",
    "OfferRefused",
    "Refused",
    "SendDatagram",
    "SessionDescription",
    "SipOptions",
    "Trouble",
    "UserAgent",
    "answer_audio",
    "make_offer",
    "read_answer",
]
