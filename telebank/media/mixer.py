"""Everybody who is joined hears the others: all mixers of a slot as a few numpy operations.

A mixer is a number; its legs are rows of the slot, each in a role. What a role hears and by whom it
is heard is a table. Legs are sorted by mixer, so that one `add.reduceat` gives the sums of all; a
leg hears its mixer's sum less its own sound, clipped. A leg that has one source only, as each of
two parties has, hears exactly that: of the same law the octets come out as they went in.

Pure: no clock and no I/O.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from telebank.media.bank import FRAME, LAWS
from telebank.media.tones import Sounds
from voice_prompts.g711 import LAWS as G711_LAWS
from voice_prompts.g711 import encode_table

MAX_LEGS = 64
"""Legs in a mixer: sums of their samples stay far inside 32 bits."""

Samples = NDArray[np.int16]
Places = NDArray[np.intp]


class Rights(NamedTuple):
    """What a role means."""

    speaks: bool
    """All who hear hear it."""
    hears: bool
    """It hears all who speak, less itself."""
    aside: bool = False
    """The leg named by `toward` hears it, nobody else."""
    sound: bool = False
    """It hears a sound instead."""


ROLES: Mapping[str, Rights] = MappingProxyType(
    {
        "party": Rights(speaks=True, hears=True),
        "muted": Rights(speaks=False, hears=True),
        "whisper": Rights(speaks=False, hears=True, aside=True),
        "monitor": Rights(speaks=False, hears=True),
        "music": Rights(speaks=False, hears=False, sound=True),
        "tone": Rights(speaks=False, hears=False, sound=True),
    }
)
"""`monitor` is `muted` of which nobody is told; in what the others hear, neither leaves a trace."""


@dataclass(frozen=True, slots=True)
class Leg:
    """A row's part in a mixer. `toward` is a row; `sound` a name of `Sounds`."""

    row: int
    mixer: int
    role: str = "party"
    toward: int = -1
    sound: str = ""

    @property
    def rights(self) -> Rights:
        """What it may."""
        return ROLES[self.role]


class _Plan(NamedTuple):
    """The legs of a moment as places in arrays. `spoken` and others count in `speakers`."""

    speakers: Places
    """Rows whose sound is wanted."""
    out: Places
    """Rows that hear something, sorted by how: silence, sounds, one source, many."""
    sounds: slice
    first: Places
    length: Places
    loops: NDArray[np.bool_]
    since: Places
    one: slice
    source: Places
    """Into `speakers`, for each of `one`."""
    many: slice
    summed: Places
    """Into `speakers`: those whose sums are wanted, sorted by mixer."""
    bounds: Places
    """Where each mixer begins in `summed`."""
    total: Places
    """The mixer of each of `many`, as a place in `bounds`; past their end where nobody speaks."""
    own: tuple[Places, Places]
    """Of those of `many` who speak: place in `many`, place in `speakers`."""
    aside: tuple[Places, Places]
    """Of whispers: place in `many` of who hears it, place in `speakers`."""


class Mixers:
    """All mixers of a slot."""

    def __init__(self, sounds: Sounds) -> None:
        self._sounds = sounds
        self._legs: dict[int, Leg] = {}
        self._members: dict[int, set[int]] = {}
        """Rows by mixer."""
        self._since: dict[int, int] = {}
        self._tick = 0
        self._plan: _Plan | None = None
        self._rows: Places = np.zeros(0, np.intp)
        self._at: Places = np.zeros(0, np.intp)
        self._encode = [encode_table(G711_LAWS[law]) for law in range(len(LAWS))]

    def __len__(self) -> int:
        return len(self._legs)

    def __contains__(self, row: int) -> bool:
        return row in self._legs

    # -- membership ---------------------------------------------------------------------------

    def join(self, leg: Leg) -> None:
        """Take a leg in, or give it another part. Raises `ValueError` for what cannot be."""
        rights = ROLES.get(leg.role)
        if rights is None:
            raise ValueError(f"no role is called {leg.role}: {', '.join(ROLES)}")
        if rights.aside and (leg.toward == leg.row or not self._in(leg.toward, leg.mixer)):
            raise ValueError("whom a whisper is for is not in its mixer")
        if rights.sound and leg.sound not in self._sounds:
            raise ValueError(f"no sound is called {leg.sound}")
        if len(self._members.get(leg.mixer, set()) - {leg.row}) >= MAX_LEGS:
            raise ValueError(f"{MAX_LEGS} legs are in mixer {leg.mixer}, which is the most")
        before = self._legs.get(leg.row)
        if before is not None and before.mixer != leg.mixer:
            self.leave(leg.row)
        self._legs[leg.row] = leg
        self._members.setdefault(leg.mixer, set()).add(leg.row)
        self._since[leg.row] = self._tick
        self._plan = None

    def leave(self, row: int) -> None:
        """Nothing happens where it was in none. Whispers for it are heard by nobody from now on,
        also when its row is another's."""
        leg = self._legs.get(row)
        if leg is None:
            return
        self._drop(leg)
        for other in self.of(leg.mixer):
            if other.toward == row:
                self._legs[other.row] = replace(other, toward=-1)

    def _drop(self, leg: Leg) -> None:
        del self._legs[leg.row]
        self._plan = None
        members = self._members[leg.mixer]
        members.discard(leg.row)
        if not members:
            del self._members[leg.mixer]

    def listens(self, row: int) -> bool:
        """Whether somebody hears what this row says."""
        leg = self._legs.get(row)
        return leg is not None and (leg.rights.speaks or leg.rights.aside)

    def of(self, mixer: int) -> list[Leg]:
        """The legs in a mixer."""
        return [self._legs[row] for row in sorted(self._members.get(mixer, ()))]

    def _in(self, row: int, mixer: int) -> bool:
        return row in self._legs and self._legs[row].mixer == mixer

    # -- the tick -----------------------------------------------------------------------------

    def mix(self, rows: Places, samples: Samples) -> tuple[Places, Samples]:
        """What each leg hears in this tick: rows, and 160 samples of each.

        `samples` are of `rows`, which are sorted; a row that is not among them says nothing.
        """
        plan = self._plan or self._made()
        if rows is not self._rows or len(self._at) != len(plan.speakers):
            self._rows, self._at = rows, _places(rows, plan.speakers)
        speech = np.take(_with_silence(samples), self._at, axis=0)
        heard = np.zeros((len(plan.out), FRAME), np.int16)
        if len(plan.first):
            heard[plan.sounds] = self._sounds.frames[self._positions(plan)]
        if len(plan.source):
            heard[plan.one] = speech[plan.source]
        if len(plan.total):
            heard[plan.many] = _sum(plan, speech)
        self._tick += 1
        return plan.out, heard

    def encode(self, samples: Samples, law: int) -> NDArray[np.uint8]:
        """G.711 of samples, law as in `bank.LAWS`."""
        return np.take(self._encode[law], samples.view(np.uint16))

    def _positions(self, plan: _Plan) -> Places:
        """The frame of each sound that is heard now; of one that is over, silence (0)."""
        gone = self._tick - plan.since
        positions = plan.first + gone % plan.length
        return np.where(plan.loops | (gone < plan.length), positions, 0)

    # -- the plan -----------------------------------------------------------------------------

    def _made(self) -> _Plan:
        self._rows = np.zeros(0, np.intp)
        self._at = np.zeros(0, np.intp)
        self._plan = _plan(list(self._legs.values()), self._since, self._sounds)
        return self._plan


def _sum(plan: _Plan, speech: Samples) -> Samples:
    totals = np.zeros((len(plan.bounds) + 1, FRAME), np.int32)
    if len(plan.summed):
        wide = speech[plan.summed].astype(np.int32)
        np.add.reduceat(wide, plan.bounds, axis=0, out=totals[:-1])
    heard = totals[plan.total]
    place, who = plan.own
    heard[place] -= speech[who]
    place, who = plan.aside
    np.add.at(heard, place, speech[who].astype(np.int32))
    limited: Samples = np.clip(heard, -32_768, 32_767, out=heard).astype(np.int16)
    return limited


def _with_silence(samples: Samples) -> Samples:
    """A last row for those who say nothing."""
    return np.concatenate([samples, np.zeros((1, FRAME), np.int16)])


def _places(rows: Places, wanted: Places) -> Places:
    """Where each wanted row is among the sorted `rows`; one past their end where it is not."""
    if not len(rows):
        return np.zeros(len(wanted), np.intp)
    at = np.minimum(np.searchsorted(rows, wanted), len(rows) - 1)
    return np.where(rows[at] == wanted, at, len(rows))


def _plan(legs: Sequence[Leg], since: Mapping[int, int], sounds: Sounds) -> _Plan:
    legs = sorted(legs, key=lambda leg: (leg.mixer, leg.row))
    speakers = [leg.row for leg in legs if leg.rights.speaks or leg.rights.aside]
    place = {row: index for index, row in enumerate(speakers)}
    voices = _Voices(legs)
    silent, played, single, many = voices.sorted_out()
    mixers = sorted({leg.mixer for leg in many} & voices.spoken.keys())
    number = {mixer: index for index, mixer in enumerate(mixers)}
    bounds = np.cumsum([0, *(len(voices.spoken[mixer]) for mixer in mixers)])[:-1]
    sound = [sounds.place(leg.sound) for leg in played]
    one, more = len(silent) + len(played), len(silent) + len(played) + len(single)
    return _Plan(
        speakers=_array(speakers),
        out=_array([leg.row for leg in (*silent, *played, *single, *many)]),
        sounds=slice(len(silent), one),
        first=_array([first for first, _, _ in sound]),
        length=_array([length for _, length, _ in sound]),
        loops=np.array([loops for _, _, loops in sound], np.bool_),
        since=_array([since[leg.row] for leg in played]),
        one=slice(one, more),
        source=_array([place[voices.sources(leg)[0]] for leg in single]),
        many=slice(more, more + len(many)),
        summed=_array([place[row] for mixer in mixers for row in voices.spoken[mixer]]),
        bounds=bounds.astype(np.intp),
        total=_array([number.get(leg.mixer, len(mixers)) for leg in many]),
        own=_pairs([(n, place[leg.row]) for n, leg in enumerate(many) if leg.rights.speaks]),
        aside=_pairs([(n, place[row]) for n, leg in enumerate(many) for row in voices.asides(leg)]),
    )


class _Voices:
    """Who is heard in each mixer, and by whom."""

    def __init__(self, legs: Sequence[Leg]) -> None:
        self._legs = legs
        self.spoken: dict[int, list[int]] = {}
        self._asides: dict[tuple[int, int], list[int]] = {}
        for leg in legs:
            if leg.rights.speaks:
                self.spoken.setdefault(leg.mixer, []).append(leg.row)
            elif leg.rights.aside:
                self._asides.setdefault((leg.mixer, leg.toward), []).append(leg.row)

    def asides(self, leg: Leg) -> list[int]:
        """Rows that whisper to it."""
        return self._asides.get((leg.mixer, leg.row), []) if leg.rights.hears else []

    def sources(self, leg: Leg) -> list[int]:
        """All rows that it hears."""
        spoken = self.spoken.get(leg.mixer, []) if leg.rights.hears else []
        return [row for row in spoken if row != leg.row] + self.asides(leg)

    def sorted_out(self) -> tuple[list[Leg], list[Leg], list[Leg], list[Leg]]:
        """Legs that hear nothing, a sound, one source, many."""
        sorts: tuple[list[Leg], list[Leg], list[Leg], list[Leg]] = ([], [], [], [])
        for leg in self._legs:
            if leg.rights.sound:
                sorts[1].append(leg)
            else:
                count = min(len(self.sources(leg)), 2)
                sorts[(0, 2, 3)[count]].append(leg)
        return sorts


def _array(places: Sequence[int]) -> Places:
    return np.array(places, np.intp)


def _pairs(pairs: Sequence[tuple[int, int]]) -> tuple[Places, Places]:
    both = np.array(pairs, np.intp).reshape(-1, 2)
    return both[:, 0], both[:, 1]
