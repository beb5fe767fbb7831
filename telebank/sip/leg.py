"""One leg of a call as the user agent keeps it."""

from dataclasses import dataclass, field
from enum import Enum, auto

from telebank.sip.admission import Bucket
from telebank.sip.dialog import Dialog
from telebank.sip.exchange import Exchange
from telebank.sip.session_description import SessionDescription
from telebank.sip.transaction import IllegalTransition, Key
from telebank.sip.uri import Hop


class LegState(Enum):
    OFFERED = auto()
    """INVITE received, no final answer yet."""
    ANSWERED = auto()
    """Our 200 is out, its ACK is not here."""
    CALLING = auto()
    """Our INVITE is out."""
    LIVE = auto()
    ENDING = auto()
    """Our BYE or CANCEL is out; the application has let go."""
    GONE = auto()


_S = LegState
MOVES: dict[LegState, tuple[LegState, ...]] = {
    _S.OFFERED: (_S.ANSWERED, _S.GONE),
    _S.ANSWERED: (_S.LIVE, _S.ENDING, _S.GONE),
    _S.CALLING: (_S.LIVE, _S.ENDING, _S.GONE),
    _S.LIVE: (_S.ENDING, _S.GONE),
    _S.ENDING: (_S.GONE,),
    _S.GONE: (),
}
LEG_TIMERS = (
    "ok", "ack", "ring", "offer", "glare", "cancel",
    "progress", "prack", "refresh", "expire", "notify", "refer",
)  # fmt: skip


@dataclass(slots=True)
class Reliably:
    """Our reliable provisional responses to one INVITE (RFC 3262 section 3)."""

    wanted: bool = False
    """The caller understands PRACK, and it is to be used."""
    required: bool = False
    """The caller takes no other provisional response than 100."""
    rseq: int = 0
    """Of the last one sent, 0 before the first."""
    cseq: int = 0
    """Of the INVITE."""
    unacked: bool = False
    """The last one has no PRACK yet: no other is sent."""
    described: bool = False
    """It held a session description."""
    repeats: int = 0
    waiting: list[tuple[int, bytes]] = field(default_factory=list, repr=False)
    """Status and SDP of those that come after its PRACK."""


@dataclass(slots=True)
class Early:
    """An early dialog of our INVITE, and what it has agreed on."""

    dialog: Dialog
    exchange: Exchange
    rseq: int = 0
    """Of the last reliable response taken, 0 before the first."""


@dataclass(slots=True)
class SessionTimer:
    """What RFC 4028 has to know of a leg."""

    interval: int = 0
    """Seconds of the session interval agreed, 0 for none."""
    ours: bool = False
    """The refresher is us."""
    min_se: int = 0
    """The highest Min-SE that came with a 422, seconds."""
    tries: int = 0
    """422s since the last 2xx."""
    refreshing: Key = ()
    """Our refresh that is out: an UPDATE, or a re-INVITE that is also `Leg.asking`."""


@dataclass(slots=True)
class Leg:
    """Signalling state of one call; media is the application's."""

    id: str
    state: LegState
    local_tag: str
    peer: Hop
    dialog: Dialog | None = None
    by_flow: bool = False
    """Requests go to where the peer was heard from, whatever its Contact says."""
    invite: Key = ()
    """The first INVITE's transaction."""
    asked: Key = ()
    """Open re-INVITE, UPDATE or PRACK of the other side, waiting for our answer."""
    asking: Key = ()
    """Open re-INVITE of ours, or UPDATE with an offer."""
    reoffer: bytes = field(default=b"", repr=False)
    """SDP of that offer, for another try after a 491."""
    glares: int = 0
    late: bool = False
    """Our last 200 holds an offer, so its ACK must hold the answer."""
    refreshed: bool = False
    """That 200 was to a re-INVITE."""
    ok_cseq: int = -1
    """CSeq number of the INVITE whose 200 waits for its ACK, -1 for none."""
    ok_repeats: int = 0
    unacked: Key = ()
    """A 200 to our own INVITE without SDP: its ACK waits for the application's answer."""
    heard: bool = False
    """A provisional response came to our INVITE: it can be cancelled."""
    confirmed: bool = False
    """A 2xx came to it."""
    early: SessionDescription | None = None
    ended: bool = False
    """The application knows that the leg is gone."""
    exchange: Exchange = field(default_factory=Exchange)
    opening: bytes = field(default=b"", repr=False)
    """SDP of our INVITE."""
    reliably: Reliably = field(default_factory=Reliably)
    final: bytes | None = field(default=None, repr=False)
    """SDP of our 200, which waits for a PRACK or for an offer to be answered; None for none."""
    earlies: dict[str, Early] = field(default_factory=dict)
    """By the To tag of the other side."""
    unpracked: int = 0
    """CSeq of our INVITE, whose reliable provisional response holds an offer: its PRACK waits for
    the application's answer."""
    unpracked_tag: str = ""
    pracking: Key = ()
    """Our last PRACK until it is answered: an UPDATE that overtook it would put it out of order."""
    timer: SessionTimer = field(default_factory=SessionTimer)
    updates: bool = False
    """The other side takes UPDATE."""
    trusted: bool = False
    """The application lets the other side redirect and transfer."""
    redirected: bool = False
    referred: int = -1
    """CSeq of their REFER whose outcome they wait for, -1 for none."""
    trunk: str = ""
    """The trunk it goes by, empty for none."""
    way: str = "in"
    """Of that trunk's calls: `in` or `out`; `fork` for another branch of one that went out."""
    referring: bool = False
    """A REFER of ours has no outcome yet."""
    pace: Bucket | None = None
    """What their requests within the call are counted by; None before the first."""
    crowded: int = 0
    """Of those, how many were refused since there was a rest."""

    def move(self, state: LegState) -> None:
        """Change state; raises `IllegalTransition` where the table has no such move."""
        if state not in MOVES[self.state]:
            raise IllegalTransition(f"a leg cannot go from {self.state.name} to {state.name}")
        self.state = state

    def let_go(self) -> None:
        """Wait for nothing that is open in the dialog, either way: what still comes of it is
        nobody's."""
        self.asked = self.asking = self.pracking = self.timer.refreshing = ()
        self.reoffer, self.unpracked, self.ok_cseq = b"", 0, -1
