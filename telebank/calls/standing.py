"""How a call stands, in words for people who watch the lines."""

from telebank import wire
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
_COUNTED = ("loss", "sampled", "discarded", "keys_dropped")
_MEASURED = ("jitter_ms", "rtt_ms", "mos", "peer_loss", "peer_mos")
"""None as long as they are not known."""


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


def quality(heard: wire.Stats | None) -> dict[str, str | float]:
    """What the media plane last said of a call, without what is not known; `sampled`: its loss is
    an estimate."""
    if heard is None:
        return {}
    figures = {name: getattr(heard, name) for name in (*_COUNTED, *_MEASURED)}
    return {name: value for name, value in figures.items() if value is not None}


def _words(name: str) -> str:
    return name.replace("_", " ")
