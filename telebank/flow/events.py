"""What happens to a flow session: past-tense nouns, in the words of the call."""

from dataclasses import dataclass, field

from telebank.flow.model import ABILITIES
from transactions.card import CardNumber
from transactions.outcome import Values
from transactions.request import AuthLevel


@dataclass(frozen=True, slots=True)
class Started:
    """The call was answered; the first event of every session, once. `able`: which of ABILITIES
    are to be had; any of them is IN_WRITING."""

    able: frozenset[str] = frozenset(ABILITIES)


@dataclass(frozen=True, slots=True)
class KeyPressed:
    """One key, once: a digit, `*` or `#`. Prints as a dot: any key may be part of a secret."""

    digit: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class PlayEnded:
    """The `Say` with this token ended: played whole, or stopped by a key (`completed` False).

    `heard` is False where so little was played that the caller cannot know what was said.
    """

    token: int
    completed: bool
    heard: bool = True


@dataclass(frozen=True, slots=True)
class ServiceAnswered:
    """The service submitted under `visit` took `exit`; `data` holds its outputs."""

    visit: str
    exit: str
    data: Values = field(default_factory=dict)
    reference: str = ""
    """Our own reference (field 37), twelve digits, or empty."""


@dataclass(frozen=True, slots=True)
class QueueAnswered:
    """The teller queue entered under `visit` took `exit` (`not_on_duty` …)."""

    visit: str
    exit: str


@dataclass(frozen=True, slots=True)
class FaxPrepared:
    """What came of the paper to be made under `visit`, one of FAX_MADE: `ready`, or an exit."""

    visit: str
    exit: str


@dataclass(frozen=True, slots=True)
class FaxAnswered:
    """The fax asked for under `visit` took `exit`, one of FAX_EXITS of its way.

    `data`: `pages`, those that the other side confirmed (`sent`, `partial`; a number); `of`, how
    many there are (`partial`); `number`, the masked one it goes to (`accepted`; a text).
    """

    visit: str
    exit: str
    data: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Proved:
    """The caller proved himself in a session beside this one: what its `Ended` said."""

    customer: CardNumber
    level: AuthLevel
    given: Values = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Disproved:
    """What proves this level was locked in a session beside this one: its `Ended` said so."""

    lost: AuthLevel


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller is gone (or the call was taken from us); nothing is said any more."""


Answered = ServiceAnswered | QueueAnswered | FaxPrepared | FaxAnswered
Event = Started | KeyPressed | PlayEnded | Answered | Proved | Disproved | HungUp
