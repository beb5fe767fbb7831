"""Queues as data: `config/queues.yaml`, read by `load.py`."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import TypeVar

MAX_QUEUES = 50
MAX_WAITING = 1_000
"""Callers waiting at once in one queue."""
MAX_SEATS = 1_000
MAX_LEVEL = 9
"""Of a skill, of importance, and of a menu's priority."""
MAX_WORDS = 50
"""Entries of a list of a queue."""
FIRST_DIGITS = 8
"""Of a card, by which queues may know customers: no more leave the call."""
TYPED_S = 45.0
"""Seconds in which another number to be called back at is keyed; then he waits on."""
MOST_TYPED = 3
"""Numbers that are keyed by one whom a full queue has no room for; then he leaves."""
T = TypeVar("T")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
AFTER = ("hang_up", "menu")
_NAME = re.compile(r"[a-z][a-z0-9_.]{0,31}")
_PATTERN = re.compile(r"\+?[0-9]{1,20}\*?|\*")


@dataclass(frozen=True, slots=True)
class Scoring:
    """The one row by which a queue gives calls to seats. Each term is a weight in minutes: the
    ready seat with the highest sum gets the call, and of callers the one with the highest sum is
    first. A weight of 0 switches its term off."""

    idle: float = 1.0
    """A minute of being ready: who was idle longest first (even distribution)."""
    skill: float = 10.0
    """A level of the skill that the caller asks for."""
    last_seat: float = 50.0
    """Of the seat that talked with this customer last."""
    own_seat: float = 100.0
    """The dedicated teller of this customer."""
    new_seat: float = 0.0
    """A person who began less than `new_days` ago."""
    new_days: int = 30
    fewest: float = 0.0
    """For each call today fewer than others had."""
    priority: float = 5.0
    """Of callers: a step of the menu's priority, in minutes waited."""
    level: float = 10.0
    """Of callers: a step of importance, in minutes waited."""
    known: float = 1.0
    """Of callers: minutes that one goes ahead at a seat that is his own or his last, and is just
    free. Small, since others wait for it."""

    def __post_init__(self) -> None:
        weights = ("idle", "skill", "last_seat", "own_seat", "new_seat", "fewest", "priority")
        for name in (*weights, "level", "known"):
            _between(name, getattr(self, name), 0, 10_000)
        _between("new_days", self.new_days, 0, 3_650)


@dataclass(frozen=True, slots=True)
class Hours:
    """When a queue is open, by the bank's clock: spans by day of the week, and days that differ."""

    week: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """`mon` … `sun` to spans `08:00-20:00`, an end of `24:00` included; a day that is not named is
    closed; empty: always open."""
    days: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """`2026-10-01` to spans; an empty tuple: closed."""


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """One queue. Of the queues that fit a caller, the first that is open and staffed has him."""

    name: str
    zh: str
    en: str
    skills: tuple[str, ...]
    """What menus ask for that comes here, and what its seats can: one of them is enough, but a
    caller who asks for one is given to seats that have that one."""
    numbers: tuple[str, ...] = ()
    """Only callers of these numbers, as `0108*`; empty: all."""
    called: tuple[str, ...] = ()
    """Only calls to these numbers of ours; empty: all."""
    languages: tuple[str, ...] = ()
    """Only callers who speak these; empty: all."""
    business: tuple[str, ...] = ()
    """Only callers who were at one of these in the menus when they asked for a person: names of
    flows, as `transfers`; empty: all."""
    level: int = 0
    """Only customers of at least this importance."""
    needs: tuple[str, ...] = ()
    """Skills that its seats have beside: `expert`, `lang.en`."""
    most: int = 50
    """Callers waiting at once; one more hears `full`."""
    longest_s: float = 600.0
    """Seconds after which a caller is sent away by `full`."""
    rings_s: float = 20.0
    """Seconds that a seat is rung: about four rings."""
    wrap_up_s: float = 30.0
    service_s: float = 20.0
    """Answered within so many seconds counts as in time."""
    place_first_s: float = 5.0
    """Seconds before the first announcement of place and wait."""
    place_every_s: float = 45.0
    """Seconds between announcements of place and wait; 0: none."""
    offer_after_s: float = 120.0
    """Expected seconds of waiting from which a call-back is offered; 0: never."""
    call_backs: int = 0
    """Call-backs kept at once, and so promised; 0: none is offered."""
    handling_s: float = 240.0
    """Seconds of a call with its wrap-up, until some were measured: for the expected wait."""
    overflow: tuple[tuple[str, float], ...] = ()
    """Other queues whose seats are asked too, and after how many seconds of waiting."""
    record: bool = True
    after: str = "hang_up"
    """What becomes of the caller when the teller hangs up: `hang_up` or `menu`."""
    hours: Hours = field(default_factory=Hours)
    scoring: Scoring = field(default_factory=Scoring)

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise ValueError(f"name is {self.name!r}: a word of small letters, such as general")
        if not self.zh.strip() or not self.en.strip():
            raise ValueError("zh and en are its name for people: give both")
        if not self.skills:
            raise ValueError("skills is empty: name what comes here, such as [general]")
        for key in ("skills", "needs", "business"):
            _words(key, getattr(self, key))
        for key in ("numbers", "called"):
            _patterns(key, getattr(self, key))
        if self.after not in AFTER:
            raise ValueError(f"after is {self.after!r}: give {' or '.join(AFTER)}")
        for key, (least, highest) in _BOUNDS.items():
            _between(key, getattr(self, key), least, highest)
        for _, seconds in self.overflow:
            _between("overflow", seconds, 0, 3_600)


_BOUNDS: Mapping[str, tuple[float, float]] = {
    "level": (0, MAX_LEVEL),
    "most": (0, MAX_WAITING),
    "longest_s": (1, 7_200),
    "rings_s": (0.1, 120),
    "wrap_up_s": (0, 3_600),
    "service_s": (0.1, 600),
    "place_first_s": (0, 600),
    "place_every_s": (0, 600),
    "offer_after_s": (0, 7_200),
    "call_backs": (0, MAX_WAITING),
    "handling_s": (1, 3_600),
}


@dataclass(frozen=True, slots=True)
class CentreOptions:
    """All queues of a node; without any there are no tellers."""

    queues: tuple[QueueOptions, ...] = ()
    presence_s: float = 15.0
    """Seconds after its last sight at which a page counts as gone."""
    seats: int = 200
    """Seats at once; one more is refused."""
    breaks: tuple[str, ...] = ("lunch", "rest", "training", "meeting")
    """Reasons of a break."""
    break_words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Their names for people, by reason and language (`zh`, `en`)."""
    important: Mapping[str, int] = field(default_factory=dict)
    """Importance of a customer by the first digits of the card he proved himself with."""
    own_seats: Mapping[str, str] = field(default_factory=dict)
    """The dedicated teller, by his id, of customers whose card has these first digits."""
    choice_s: float = 15.0
    """Seconds that who came to a full queue has to choose a call-back."""
    call_back_s: float = 120.0
    """Longest that a seat is held for a call-back: the customer's ringing and its own."""
    call_back_tries: int = 2
    call_back_again_s: float = 600.0
    """Seconds between tries to reach a customer."""
    call_back_keeps_s: float = 14_400.0
    """Longest that a place is kept."""
    quiet_s: float = 2.0
    """Seconds without a key after which who is taken back from a PIN is heard and recorded."""

    def __post_init__(self) -> None:
        if len(self.queues) > MAX_QUEUES:
            raise ValueError(f"queues has {len(self.queues)}: at most {MAX_QUEUES}")
        names = [queue.name for queue in self.queues]
        if len(set(names)) != len(names):
            raise ValueError("queues has a name twice")
        for queue in self.queues:
            for other, _ in queue.overflow:
                if other not in names or other == queue.name:
                    raise ValueError(
                        f"queues.{queue.name}: overflow names {other!r}, which is no other queue;"
                        f" there are {', '.join(names)}"
                    )
        _between("presence_s", self.presence_s, 0.1, 1e9)
        _between("seats", self.seats, 1, MAX_SEATS)
        _between("choice_s", self.choice_s, 1, 120)
        _between("call_back_s", self.call_back_s, 1, 600)
        _between("call_back_tries", self.call_back_tries, 1, 10)
        _between("call_back_again_s", self.call_back_again_s, 1, 7_200)
        _between("call_back_keeps_s", self.call_back_keeps_s, 10, 86_400)
        _between("quiet_s", self.quiet_s, 0.5, 10)
        if not self.breaks or len(self.breaks) > MAX_WORDS:
            raise ValueError(f"breaks has {len(self.breaks)}: give 1 to {MAX_WORDS} reasons")
        _cards("important", self.important)
        _cards("own_seats", self.own_seats)
        for digits, level in self.important.items():
            _between(f"important.{digits}", level, 0, MAX_LEVEL)


def skills_of(queues: Iterable[QueueOptions]) -> frozenset[str]:
    """All that queues ask for, of callers and of seats."""
    return frozenset(skill for queue in queues for skill in (*queue.skills, *queue.needs))


def importance(options: CentreOptions, card: str) -> int:
    """Importance of a customer by the first digits of his card: the longest that fit; 0: usual."""
    return _by_card(options.important, card, 0)


def own_seat(options: CentreOptions, card: str) -> str:
    """His dedicated teller, likewise; empty: he has none."""
    return _by_card(options.own_seats, card, "")


def _by_card(table: Mapping[str, T], card: str, usual: T) -> T:
    fits = [digits for digits in table if card.startswith(digits)]
    return table[max(fits, key=len)] if fits else usual


def _cards(key: str, table: Mapping[str, object]) -> None:
    for digits in table:
        if not (digits.isdecimal() and digits.isascii() and len(digits) <= FIRST_DIGITS):
            most = f"{FIRST_DIGITS} at most"
            raise ValueError(f"{key} has {digits!r}: give the first digits of a card, {most}")


def _between(key: str, value: float, least: float, highest: float) -> None:
    if not isfinite(value) or not least <= value <= highest:
        raise ValueError(f"{key} is {value:g}: give {least:g} to {highest:g}")


def _words(key: str, words: tuple[str, ...]) -> None:
    for word in words:
        if _NAME.fullmatch(word) is None:
            raise ValueError(f"{key} has {word!r}: a skill is a word of small letters")
    if len(words) > MAX_WORDS:
        raise ValueError(f"{key} has {len(words)} words: at most {MAX_WORDS}")


def _patterns(key: str, patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        if _PATTERN.fullmatch(pattern) is None:
            raise ValueError(f'{key} has {pattern!r}: give digits, a star at the end, "0108*"')
    if len(patterns) > MAX_WORDS:
        raise ValueError(f"{key} has {len(patterns)} patterns: at most {MAX_WORDS}")


LIVE = frozenset(
    {
        *("hours", "most", "longest_s", "rings_s", "wrap_up_s", "service_s", "record"),
        *("place_first_s", "place_every_s", "offer_after_s"),
    }
)
"""Of a queue: what can change while callers wait in it."""


def fixed_parts(now: CentreOptions, new: CentreOptions) -> list[str]:
    """What differs and cannot change while callers wait, in words: `queues`, `loans.skills`."""
    found = [
        each.name
        for each in fields(CentreOptions)
        if each.name != "queues" and getattr(now, each.name) != getattr(new, each.name)
    ]
    if [queue.name for queue in now.queues] != [queue.name for queue in new.queues]:
        return [*found, "queues"]
    return found + [
        f"{old.name}.{each.name}"
        for old, other in zip(now.queues, new.queues, strict=True)
        for each in fields(QueueOptions)
        if each.name not in LIVE and getattr(old, each.name) != getattr(other, each.name)
    ]
