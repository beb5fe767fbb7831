"""What goes into a fax switch and what comes out of it; its states."""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Literal

from telebank.sip.events import Command
from telebank.sip.sdp import Answer
from telebank.sip.uri import Address

T38Way = Literal["auto", "never", "peer"]
"""Who may ask for T.38: both sides, nobody, the other side alone."""


Offered = Literal["t38", "audio", "speech"]
"""What an offer is about: fax over T.38, fax over G.711, the voice."""


class FaxState(Enum):
    SPEECH = auto()
    """Nothing of a fax yet; in a caller's call he hears his menus."""
    ASKING_T38 = auto()
    ASKING_AUDIO = auto()
    T38 = auto()
    AUDIO = auto()
    """Fax over G.711; both may still ask for T.38 until the terminals have found each other."""
    RETURNING = auto()
    OVER = auto()


_S = FaxState
MOVES: dict[FaxState, tuple[FaxState, ...]] = {
    _S.SPEECH: (_S.ASKING_T38, _S.ASKING_AUDIO, _S.T38, _S.AUDIO, _S.OVER),
    _S.ASKING_T38: (_S.T38, _S.AUDIO, _S.ASKING_AUDIO, _S.RETURNING, _S.OVER),
    _S.ASKING_AUDIO: (_S.AUDIO, _S.T38, _S.RETURNING, _S.OVER),
    _S.T38: (_S.RETURNING, _S.OVER),
    _S.AUDIO: (_S.ASKING_T38, _S.T38, _S.RETURNING, _S.OVER),
    _S.RETURNING: (_S.OVER,),
    _S.OVER: (),
}
ASKING = (_S.ASKING_T38, _S.ASKING_AUDIO, _S.RETURNING)


@dataclass(frozen=True, slots=True)
class FaxPorts:
    """Our UDP ports for one fax."""

    audio: int
    """Of fax over G.711."""
    t38: int
    speech: int | None = None
    """Of the voice that the call goes back to; None: the call is for the fax alone."""


@dataclass(frozen=True, slots=True)
class SwitchTimes:
    """Seconds before our own offer of T.38, where fax over G.711 already runs."""

    receiving_s: float = 1.0
    """After the call was taken; it is for the receiver to ask."""
    tone_s: float = 2.0
    """After the other fax was heard: it did not ask though it receives."""
    silence_s: float = 10.0
    """After the call was answered, where nothing was heard."""
    again_s: float = 0.5
    """Before an offer is made again that could not be made now."""
    tries: int = 10
    """How often an offer is made again."""


# What is told to the switch, beside the facts of the user agent


@dataclass(frozen=True, slots=True)
class FaxWanted:
    """The caller has asked for a fax in his call."""


@dataclass(frozen=True, slots=True)
class ToneHeard:
    """`CNG`, `CED` or `V21` in the other side's audio."""

    tone: str


@dataclass(frozen=True, slots=True)
class FaxNegotiated:
    """The terminals have agreed (T.30 phase B is past): no other way is taken any more."""


@dataclass(frozen=True, slots=True)
class FaxEnded:
    """The terminal has finished, or is lost."""


# What the switch wants done


@dataclass(frozen=True, slots=True)
class Offer:
    """re-INVITE with this."""

    sdp: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class AnswerOffer:
    """200 to the INVITE or re-INVITE that is open."""

    sdp: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class RefuseOffer:
    status: int


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Our offer is not to be made again after a 491; nothing where none of ours is out."""


@dataclass(frozen=True, slots=True)
class RunT38:
    """Speak T.38 with `remote`; a terminal over audio ends."""

    remote: Address
    max_datagram: int | None


@dataclass(frozen=True, slots=True)
class RunAudio:
    """Speak fax over G.711 (`PCMA`, `PCMU`) with `remote`."""

    remote: Address
    codec: str


@dataclass(frozen=True, slots=True)
class Move:
    """What runs goes on with another address and port of the other side."""

    remote: Address


@dataclass(frozen=True, slots=True)
class Speak:
    """The voice goes on as agreed."""

    agreed: Answer


@dataclass(frozen=True, slots=True)
class HangUp:
    """Neither fax nor voice is agreed any more."""

    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The fax is over; `reason` is empty where its terminal knows best. Comes once."""

    reason: str


SwitchEvent = Command | FaxWanted | ToneHeard | FaxNegotiated | FaxEnded
SwitchCommand = (
    Offer
    | AnswerOffer
    | RefuseOffer
    | Withdraw
    | RunT38
    | RunAudio
    | Move
    | Speak
    | HangUp
    | Finished
)
