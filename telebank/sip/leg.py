"""One leg of a call as the user agent keeps it."""

from dataclasses import dataclass
from enum import Enum, auto

from telebank.sip.dialog import Dialog
from telebank.sip.session_description import SessionDescription
from telebank.sip.transaction import IllegalTransition, Key
from telebank.sip.uri import Address


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
LEG_TIMERS = ("ok", "ack", "ring", "offer", "glare", "cancel")


@dataclass(slots=True)
class Leg:
    """Signalling state of one call; media is the application's."""

    id: str
    state: LegState
    local_tag: str
    peer: Address
    dialog: Dialog | None = None
    invite: Key = ()
    """The first INVITE's transaction."""
    asked: Key = ()
    """Open re-INVITE or UPDATE of the other side, waiting for our answer."""
    asking: Key = ()
    """Open re-INVITE of ours."""
    reoffer: bytes = b""
    """SDP of that re-INVITE, for another try after a 491."""
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
    early: SessionDescription | None = None
    ended: bool = False
    """The application knows that the leg is gone."""

    def move(self, state: LegState) -> None:
        """Change state; raises `IllegalTransition` where the table has no such move."""
        if state not in MOVES[self.state]:
            raise IllegalTransition(f"a leg cannot go from {self.state.name} to {state.name}")
        self.state = state
