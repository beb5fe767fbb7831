"""Who is in the mixers of one caller's conversation, and in which role.

What the conversation is gives each party its place, and the difference to where it was is what
there is to do. Pure: no clock, no sockets.

Two mixers are its own: the caller is in the first, or in none while he enters a PIN; in the second
the teller talks with somebody else behind his back.
"""

from dataclasses import dataclass
from typing import Literal

State = Literal[
    "waiting", "ringing", "talking", "held", "consulting", "three_way", "pin", "kept", "calling"
]
"""`kept`: he is to be called back; `calling`: he is being called, for a teller who waits."""
Watching = Literal["monitor", "whisper", "barge"]

CALLER = ""
"""The party who called; others are named by the seats that they are, or by their number."""
RINGING = "ring-back"
"""What a teller hears while whom he consults is rung."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a party is: see `telebank.wire.Join`."""

    mixer: int
    role: str = "party"
    toward: str = ""
    """The party that a whisper is for."""
    sound: str = ""


@dataclass(frozen=True, slots=True)
class Join:
    """The party is to be there from now on."""

    party: str
    place: Place


@dataclass(frozen=True, slots=True)
class Leave:
    """The party is to be in no mixer."""

    party: str


Move = Join | Leave


class Conversation:
    """One caller, the teller who has him, and who else is there. Attributes may be set as they
    come; `moves` says what follows of all that was set since."""

    def __init__(self, main: int, aside: int) -> None:
        """Numbers of two mixers that nobody else uses."""
        self._main, self._aside = main, aside
        self._were: dict[str, Place] = {}
        self.state: State = "waiting"
        self.teller = ""
        """Empty: nobody has him yet, or his line is not joined."""
        self.other = ""
        """Whom the teller consults, or who is third; empty: nobody."""
        self.other_there = False
        """He has answered."""
        self.watchers: dict[str, Watching] = {}

    @property
    def parties(self) -> tuple[str, ...]:
        """All but the caller and those who only watch."""
        there = (self.teller, self.other if self.other_there else "")
        return tuple(party for party in there if party)

    def moves(self) -> list[Move]:
        """What is to be done to come from what was to what is. Whispers come last: whom they are
        for must be there before."""
        wanted = self._wanted()
        left: list[Move] = [Leave(party) for party in self._were if party not in wanted]
        changed = [
            Join(party, place)
            for party, place in wanted.items()
            if self._were.get(party) != place or self._moved(place)
        ]
        self._were = wanted
        return [*left, *sorted(changed, key=lambda join: bool(join.place.toward))]

    def forget(self, party: str) -> None:
        """The party's line is gone: there is nothing to leave any more."""
        self._were.pop(party, None)
        self.watchers.pop(party, None)
        if party == self.teller:
            self.teller = ""
        if party == self.other:
            self.other, self.other_there = "", False

    def replaced(self, party: str) -> None:
        """The party's line has other media, which are in no mixer yet."""
        self._were.pop(party, None)

    def _moved(self, place: Place) -> bool:
        """Whether whom a whisper is for comes from another mixer, where it was heard before."""
        before = self._were.get(place.toward)
        return bool(place.toward) and (before is None or before.mixer != place.mixer)

    def _wanted(self) -> dict[str, Place]:
        wanted = self._of_two()
        if (beside := wanted.get(self.teller)) is not None and self.teller:
            for watcher, how in self.watchers.items():
                wanted[watcher] = _watching(beside, self.teller, how)
        return wanted

    def _of_two(self) -> dict[str, Place]:
        main, talks = self._main, Place(self._main)
        teller, other = self.teller, self.other if self.other_there else ""
        both = {party: talks for party in (teller, other) if party}
        match self.state:
            case "waiting" | "ringing":
                return {CALLER: Place(main, "music", sound="music")}
            case "talking" | "three_way":
                return {CALLER: talks, **both}
            case "kept" | "calling":
                return self._behind(teller, "")
            case "pin":
                return {party: Place(main, "tone", sound="flat") for party in both}
            case "held":
                waits = {CALLER: Place(main, "music", sound="music")}
                return {**waits, **{party: Place(main, "muted") for party in both}}
            case "consulting":
                return {CALLER: Place(main, "music", sound="music"), **self._behind(teller, other)}

    def _behind(self, teller: str, other: str) -> dict[str, Place]:
        if not other:
            return {teller: Place(self._aside, "tone", sound=RINGING)} if teller else {}
        return {party: Place(self._aside) for party in (teller, other) if party}


def _watching(beside: Place, teller: str, how: Watching) -> Place:
    """Who watches hears what the teller may hear, and nothing of a PIN."""
    if beside.role == "tone":
        return beside
    if how == "whisper":
        return Place(beside.mixer, "whisper", toward=teller)
    return Place(beside.mixer, "party" if how == "barge" else "monitor")
