"""The four SIP transactions as data (RFC 3261 section 17, RFC 6026).

A row is (state, signal) -> where to go, what to do, which timers to start and stop. Signals that
the network can cause have a row in every state; a signal of ours without one is our error.
"""

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import NamedTuple

from telebank.sip.dialog import Dialog
from telebank.sip.digest_client import Signed
from telebank.sip.message import HeaderLines, Request
from telebank.sip.options import SipOptions
from telebank.sip.uri import Hop


class State(Enum):
    CALLING = auto()
    TRYING = auto()
    PROCEEDING = auto()
    COMPLETED = auto()
    CONFIRMED = auto()
    ACCEPTED = auto()
    TERMINATED = auto()


class Signal(Enum):
    REQUEST_AGAIN = "request again"
    ACK = "ACK"
    SAY_1XX = "say 1xx"
    SAY_2XX = "say 2xx"
    SAY_REFUSAL = "say 3xx-6xx"
    GOT_1XX = "got 1xx"
    GOT_2XX = "got 2xx"
    GOT_REFUSAL = "got 3xx-6xx"
    A = "A"
    B = "B"
    C = "C"
    D = "D"
    E = "E"
    F = "F"
    G = "G"
    H = "H"
    I = "I"  # noqa: E741 - RFC 3261's name of the timer
    J = "J"
    K = "K"
    L = "L"
    M = "M"
    LOST = "connection lost"


class Act(Enum):
    SEND = auto()
    """Send the response our user gave, and keep it."""
    AGAIN = auto()
    """Send the last message again."""
    PASS = auto()
    """Give the message to the user of the transaction."""
    ACKNOWLEDGE = auto()
    """Send the ACK for a refusal."""
    EXPIRE = auto()
    """Tell the user that the other side fell silent."""


class Step(NamedTuple):
    state: State
    acts: tuple[Act, ...] = ()
    start: str = ""
    stop: str = ""


Table = dict[tuple[State, Signal], Step]
S, N = State, Signal

INVITE_CLIENT: Table = {
    (S.CALLING, N.A): Step(S.CALLING, (Act.AGAIN,), start="A"),
    (S.CALLING, N.B): Step(S.TERMINATED, (Act.EXPIRE,)),
    # 17.1.4: a connection that breaks is the end where a final answer is still owed.
    (S.CALLING, N.LOST): Step(S.TERMINATED, (Act.EXPIRE,), stop="AB"),
    (S.CALLING, N.GOT_1XX): Step(S.PROCEEDING, (Act.PASS,), start="C", stop="AB"),
    (S.CALLING, N.GOT_2XX): Step(S.ACCEPTED, (Act.PASS,), start="M", stop="AB"),
    (S.CALLING, N.GOT_REFUSAL): Step(S.COMPLETED, (Act.ACKNOWLEDGE, Act.PASS), "D", "AB"),
    (S.PROCEEDING, N.GOT_1XX): Step(S.PROCEEDING, (Act.PASS,), start="C"),
    (S.PROCEEDING, N.GOT_2XX): Step(S.ACCEPTED, (Act.PASS,), start="M", stop="C"),
    (S.PROCEEDING, N.GOT_REFUSAL): Step(S.COMPLETED, (Act.ACKNOWLEDGE, Act.PASS), "D", "C"),
    # Timer C is a proxy's in RFC 3261 16.6; here it bounds an INVITE nobody ever answers.
    (S.PROCEEDING, N.C): Step(S.TERMINATED, (Act.EXPIRE,)),
    (S.PROCEEDING, N.LOST): Step(S.TERMINATED, (Act.EXPIRE,), stop="C"),
    (S.COMPLETED, N.GOT_1XX): Step(S.COMPLETED),
    (S.COMPLETED, N.GOT_2XX): Step(S.COMPLETED),
    (S.COMPLETED, N.GOT_REFUSAL): Step(S.COMPLETED, (Act.ACKNOWLEDGE,)),
    (S.COMPLETED, N.D): Step(S.TERMINATED),
    (S.COMPLETED, N.LOST): Step(S.COMPLETED),
    (S.ACCEPTED, N.GOT_1XX): Step(S.ACCEPTED),
    (S.ACCEPTED, N.GOT_2XX): Step(S.ACCEPTED, (Act.PASS,)),
    (S.ACCEPTED, N.GOT_REFUSAL): Step(S.ACCEPTED),
    (S.ACCEPTED, N.M): Step(S.TERMINATED),
    (S.ACCEPTED, N.LOST): Step(S.ACCEPTED),
}
CLIENT: Table = {
    (S.TRYING, N.E): Step(S.TRYING, (Act.AGAIN,), start="E"),
    (S.TRYING, N.F): Step(S.TERMINATED, (Act.EXPIRE,), stop="E"),
    (S.TRYING, N.LOST): Step(S.TERMINATED, (Act.EXPIRE,), stop="EF"),
    (S.TRYING, N.GOT_1XX): Step(S.PROCEEDING, (Act.PASS,)),
    (S.TRYING, N.GOT_2XX): Step(S.COMPLETED, (Act.PASS,), start="K", stop="EF"),
    (S.TRYING, N.GOT_REFUSAL): Step(S.COMPLETED, (Act.PASS,), start="K", stop="EF"),
    (S.PROCEEDING, N.E): Step(S.PROCEEDING, (Act.AGAIN,), start="E"),
    (S.PROCEEDING, N.F): Step(S.TERMINATED, (Act.EXPIRE,), stop="E"),
    (S.PROCEEDING, N.LOST): Step(S.TERMINATED, (Act.EXPIRE,), stop="EF"),
    (S.PROCEEDING, N.GOT_1XX): Step(S.PROCEEDING, (Act.PASS,)),
    (S.PROCEEDING, N.GOT_2XX): Step(S.COMPLETED, (Act.PASS,), start="K", stop="EF"),
    (S.PROCEEDING, N.GOT_REFUSAL): Step(S.COMPLETED, (Act.PASS,), start="K", stop="EF"),
    (S.COMPLETED, N.GOT_1XX): Step(S.COMPLETED),
    (S.COMPLETED, N.GOT_2XX): Step(S.COMPLETED),
    (S.COMPLETED, N.GOT_REFUSAL): Step(S.COMPLETED),
    (S.COMPLETED, N.K): Step(S.TERMINATED),
    (S.COMPLETED, N.LOST): Step(S.COMPLETED),
}
INVITE_SERVER: Table = {
    (S.PROCEEDING, N.REQUEST_AGAIN): Step(S.PROCEEDING, (Act.AGAIN,)),
    (S.PROCEEDING, N.ACK): Step(S.PROCEEDING),
    (S.PROCEEDING, N.SAY_1XX): Step(S.PROCEEDING, (Act.SEND,)),
    (S.PROCEEDING, N.SAY_2XX): Step(S.ACCEPTED, (Act.SEND,), start="L"),
    (S.PROCEEDING, N.SAY_REFUSAL): Step(S.COMPLETED, (Act.SEND,), start="GH"),
    (S.COMPLETED, N.REQUEST_AGAIN): Step(S.COMPLETED, (Act.AGAIN,)),
    (S.COMPLETED, N.G): Step(S.COMPLETED, (Act.AGAIN,), start="G"),
    (S.COMPLETED, N.H): Step(S.TERMINATED, stop="G"),
    (S.COMPLETED, N.ACK): Step(S.CONFIRMED, start="I", stop="GH"),
    (S.CONFIRMED, N.REQUEST_AGAIN): Step(S.CONFIRMED),
    (S.CONFIRMED, N.ACK): Step(S.CONFIRMED),
    (S.CONFIRMED, N.I): Step(S.TERMINATED),
    # RFC 6026 7.1: the user retransmits the 2xx itself; INVITEs that come again are absorbed.
    (S.ACCEPTED, N.REQUEST_AGAIN): Step(S.ACCEPTED),
    (S.ACCEPTED, N.SAY_2XX): Step(S.ACCEPTED, (Act.SEND,)),
    (S.ACCEPTED, N.ACK): Step(S.ACCEPTED, (Act.PASS,)),
    (S.ACCEPTED, N.L): Step(S.TERMINATED),
}
SERVER: Table = {
    (S.TRYING, N.REQUEST_AGAIN): Step(S.TRYING),
    (S.TRYING, N.SAY_1XX): Step(S.PROCEEDING, (Act.SEND,)),
    (S.TRYING, N.SAY_2XX): Step(S.COMPLETED, (Act.SEND,), start="J"),
    (S.TRYING, N.SAY_REFUSAL): Step(S.COMPLETED, (Act.SEND,), start="J"),
    (S.PROCEEDING, N.REQUEST_AGAIN): Step(S.PROCEEDING, (Act.AGAIN,)),
    (S.PROCEEDING, N.SAY_1XX): Step(S.PROCEEDING, (Act.SEND,)),
    (S.PROCEEDING, N.SAY_2XX): Step(S.COMPLETED, (Act.SEND,), start="J"),
    (S.PROCEEDING, N.SAY_REFUSAL): Step(S.COMPLETED, (Act.SEND,), start="J"),
    (S.COMPLETED, N.REQUEST_AGAIN): Step(S.COMPLETED, (Act.AGAIN,)),
    (S.COMPLETED, N.J): Step(S.TERMINATED),
}
TIMER_NAMES = "ABCDEFGHIJKLM"
REPEATING = "AEG"
"""Timers that send again: none over a transport that repeats by itself."""
LINGERING = "DIJK"
"""Timers that wait for what the network may still bring: zero over a reliable transport."""
Key = tuple[str, ...]


class IllegalTransition(RuntimeError):  # noqa: N818 - it is what happened
    """The application asked for what the state of the transaction does not allow: our bug."""


@dataclass(slots=True)
class Transaction:
    """What server and client transactions share."""

    key: Key
    table: Table
    state: State
    peer: Hop
    """Where our messages of this transaction go; a server's that came over a stream: where they go
    when that connection is gone."""
    leg: str
    """Id of the leg it serves, empty for none."""
    last: bytes = field(repr=False)
    """The request (client) or last response (server) as sent, for retransmission."""
    repeats: int
    """How often A, E or G was started."""

    def step(self, signal: Signal) -> Step:
        """Take a signal; returns what to do. Raises `IllegalTransition`."""
        step = self.table.get((self.state, signal))
        if step is None:
            raise IllegalTransition(f"{self.state.name} does not take '{signal.value}'")
        self.state = step.state
        return step

    @property
    def reliable(self) -> bool:
        """Whether nothing needs to be sent twice."""
        return self.peer.reliable

    def duration(self, timer: str, options: SipOptions) -> float | None:
        """Seconds until `timer` fires when started now, None for never (RFC 3261 table 4)."""
        if self.reliable and timer in REPEATING + LINGERING:
            return None if timer in REPEATING else 0.0
        if timer in REPEATING:
            if timer == "E" and self.state is State.PROCEEDING:
                return options.t2
            doubled = options.t1 * 2.0**self.repeats
            self.repeats += 1
            return doubled if timer == "A" else min(doubled, options.t2)
        if timer in "IK":
            return options.t4
        if timer == "C":  # leaves time for a CANCEL to be answered first
            return options.ring_timeout + options.transaction_timeout
        return options.transaction_timeout


@dataclass(slots=True)
class ServerTransaction(Transaction):
    request: Request
    source: Hop
    merge_key: Key
    share: str | None = None
    """Trunk of a request within a call; None for others."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request of ours as far as its ACK, CANCEL and repeats must follow it."""

    method: str
    uri: str
    branch: str
    routes: tuple[str, ...]
    from_: str
    to: str
    call_id: str
    cseq: int
    data: bytes = field(repr=False)


class Asked(NamedTuple):
    """What a request within a dialog was made of, so that it can be made again."""

    dialog: Dialog
    body: bytes
    headers: HeaderLines
    """Of its own, without credentials."""


@dataclass(slots=True)
class ClientTransaction(Transaction):
    sent: Outgoing
    acknowledged: dict[str, tuple[bytes, Hop]]
    """For an INVITE: the ACK sent for the 2xx of each To tag."""
    asked: Asked | None = None
    """None for a request outside dialogs."""
    signed: Signed | None = None
    """Its credentials, where the trunk has a password."""
    trunk: str = ""
    """For an INVITE: the trunk it went by, empty for none."""
