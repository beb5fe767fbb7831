"""Queues as data: `config/queues.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Scoring:
    """The one row by which a queue gives calls to seats: each term is a weight, the ready seat with
    the highest sum gets the call, and of callers the one with the highest sum is first."""

    idle: float = 1.0
    """A minute of being ready: who was idle longest first (even distribution)."""
    skill: float = 10.0
    """A level of the skill."""
    last_seat: float = 50.0
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


@dataclass(frozen=True, slots=True)
class Hours:
    """When a queue is open, by the bank's clock: spans by day of the week, and days that differ."""

    week: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """`mon` … `sun` to spans `08:00-20:00`; empty: always open."""
    days: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """`2026-10-01` to spans; an empty tuple: closed."""


@dataclass(frozen=True, slots=True)
class QueueOptions:
    """One queue."""

    name: str
    zh: str
    en: str
    skills: tuple[str, ...]
    """What menus ask for that comes here."""
    numbers: tuple[str, ...] = ()
    """Only callers of these numbers, as `0108*`; empty: all."""
    languages: tuple[str, ...] = ()
    """Only callers who speak these; empty: all."""
    most: int = 50
    """Callers waiting at once; one more hears `full`."""
    longest_s: float = 600.0
    """Seconds after which a caller is sent away by `full`."""
    rings_s: float = 20.0
    """Seconds that a seat is rung: about four rings."""
    wrap_up_s: float = 30.0
    service_s: float = 20.0
    """Answered within so many seconds counts as in time."""
    place_every_s: float = 45.0
    """Seconds between announcements of place and wait; 0: none."""
    offer_after_s: float = 120.0
    """Expected seconds of waiting from which a call-back is offered; 0: never."""
    overflow: tuple[tuple[str, float], ...] = ()
    """Other queues whose seats are asked too, and after how many seconds."""
    record: bool = True
    after: str = "hang_up"
    """What becomes of the caller when the teller hangs up: `hang_up` or `menu`."""
    hours: Hours = field(default_factory=Hours)
    scoring: Scoring = field(default_factory=Scoring)


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
