"""How a call stands, in words for people who watch the lines."""

from telebank.calls.leg import Leg
from telebank.calls.line_states import State
from telebank.flow.release import Release
from telebank.flow.session import Session
from telebank.flow.state import Phase

_OF_PHASE: dict[Phase, State] = {
    Phase.NEW: "ringing",
    Phase.SPEAKING: "talking",
    Phase.LISTENING: "keying",
    Phase.WAITING: "thinking",
    Phase.ENDED: "ending",
}


def state_of(
    session: Session, leg: Leg, *, ended: bool, recording: bool = False, faxing: bool = False
) -> State:
    """The one word that says most: what has the call comes before where its menus are."""
    phase = session.phase
    beside: tuple[tuple[bool, State], ...] = (
        (ended or phase is Phase.ENDED, "ending"),
        (faxing, "fax"),
        (leg.agreed is not None and leg.agreed.hold, "held"),
        (recording, "recording"),
        (session.asking, "thinking"),
        (phase in (Phase.SPEAKING, Phase.LISTENING) and session.at_menu, "menu"),
    )
    return next((state for so, state in beside if so), _OF_PHASE[phase])


def place_words(release: Release, place: str) -> str:
    """`flow.node` in words: `Balance: after`; empty before the start."""
    name, _, node = place.partition(".")
    flow = release.flows.get(name)
    title = "" if flow is None else flow.titles.get("en", "")
    words = title or _words(name)
    return f"{words}: {_words(node)}" if node else words


def _words(name: str) -> str:
    return name.replace("_", " ")
