"""One caller with the tellers, and one seat: what the room keeps of each."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from telebank.agents.events import Caller
from telebank.calls.tellers.browser_phone import BrowserPhone
from telebank.calls.tellers.conversation import CALLER, Conversation, Join, State
from telebank.calls.tellers.keeping import KeptPlace
from telebank.calls.tellers.line import Line
from telebank.calls.tellers.values import CallerCard, CallerPort
from telebank.media.client import MediaChannel

StillWanted = Callable[[], bool]
"""Whether somebody who is being brought into a conversation is still wanted there."""
OUT = "number:"
"""How a party is named that is no seat, its masked number behind it."""
WAITING = ("waiting", "ringing", "kept", "calling")
"""States in which a caller talks with nobody."""
ON_HOLD = ("held", "consulting")
"""States in which a caller who has a teller hears music."""


@dataclass(slots=True)
class Seat:
    """A person at a desk."""

    id: str
    name: str
    phone: str
    """Extension of his line, or `BROWSER`."""
    state: str
    since: datetime
    browser: BrowserPhone | None = None
    """His line, where it is the browser."""
    reason: str = ""
    call: str = ""
    """Whom he talks with, or is rung for."""
    wrapping: str = ""
    """The contact that he wraps up."""
    not_called: str = ""
    """Why nobody was reached by his last call out, until the next one."""


@dataclass(slots=True)
class Part:
    """A seat's part in a conversation, while it lasts."""

    contact: str
    """Its id."""
    began_at: float
    held_before: float
    """Seconds that the caller had been on hold by then."""


@dataclass(slots=True)
class Talk:
    """One caller, his conversation and the lines in it."""

    port: CallerPort
    caller: Caller
    conversation: Conversation
    since: datetime
    """When its state began."""
    now: Callable[[], datetime]
    on_drop: Callable[[str], None]
    """Told of each party whose line is here no more."""
    queue: str = ""
    ringing: str = ""
    """The seat that is rung for him."""
    lines: dict[str, Line] = field(default_factory=dict)
    """By party; those that ring too."""
    parts: dict[str, Part] = field(default_factory=dict)
    """By seat."""
    held_s: float = 0.0
    """Seconds that he heard music while a teller had him, up to the last change of state."""
    waited_s: float = 0.0
    """Seconds that he waited for tellers before this state."""
    direction: Literal["in", "out"] = "in"
    """Who called: he, or we him."""
    number: str = field(default="", repr=False)
    """Of `out`: whom we call."""
    place: KeptPlace | None = None
    """As it is written down, while it is."""
    tries: int = 0
    """Calls back to him, the present one too."""
    trying: bool = False
    """One is counted that has no end yet."""
    kept: bool = False
    """His place is kept, and he is called back when it is his turn."""
    card: CallerCard | None = None
    """What was known of him then: his menus forget it with his call."""
    calling: str = ""
    """The seat for which he is called now; empty: he is not."""
    answered_by: str = ""
    """Why he was not reached at the last try: `no_answer`, `busy`, `machine` …"""
    limit: str = ""
    """The cap of `[outbound]` that is about to end the call to somebody whom we called."""
    pin: str = ""
    pin_result: str = ""
    tries_left: int | None = None
    """Of what he keyed wrong: see `EntryEnded.left`."""
    keys: str = "contact.pin"
    """What he keys, by the kind of its events."""
    step: str = ""
    """What the machine is at with him: see `CallRow.step`."""
    recording: bool = False
    recorded_by: str = ""
    """Who wanted the recording; `system`: the queue's rule."""
    _attempt: object = field(default_factory=object, repr=False)
    """To bring somebody in: the last one."""

    @property
    def ref(self) -> str:
        """Of the call."""
        return self.port.ref

    @property
    def state(self) -> State:
        """Of the conversation."""
        return self.conversation.state

    def turn(self, state: State) -> None:
        """The conversation is in another state from now on: everybody goes where that puts him."""
        if state != self.conversation.state:
            now = self.now()
            seconds = (now - self.since).total_seconds()
            if self.conversation.state in ON_HOLD:
                self.held_s += seconds
            elif self.conversation.state in WAITING:
                self.waited_s += seconds
            self.conversation.state, self.since = state, now
        self.arrange()

    def arrange(self) -> None:
        """Put everybody where the conversation has him."""
        for move in self.conversation.moves():
            if move.party == CALLER:
                if isinstance(move, Join):
                    self.port.join(move.place)
                else:
                    self.port.leave()
            elif (line := self.lines.get(move.party)) is not None:
                if isinstance(move, Join):
                    line.join(move.place, self._channel(move.place.toward))
                else:
                    line.leave()

    def _channel(self, party: str) -> MediaChannel | None:
        line = self.lines.get(party)
        return None if line is None else line.channel

    def attempt(self, wanted: StillWanted) -> StillWanted:
        """A new attempt to bring somebody in: whether he is `wanted`, and still by this one."""
        mine = self._attempt = object()
        return lambda: self._attempt is mine and wanted()

    def put(self, party: str, line: Line) -> None:
        """A party's line; another that it had is hung up."""
        if (before := self.lines.get(party)) is not None:
            before.hang_up()
        self.lines[party] = line

    def drop(self, party: str, line: Line | None = None) -> None:
        """A party is no more here; its line is hung up. `line`: where it is that one; if it has
        another by now, that one alone is hung up."""
        if line is not None and self.lines.get(party) is not line:
            line.hang_up()
            return
        self.conversation.forget(party)
        if party.startswith(OUT):
            self.limit = ""
        if (line := self.lines.pop(party, None)) is not None:
            line.hang_up()
            self.on_drop(party)
