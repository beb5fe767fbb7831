"""What a flow session asks of its call: imperatives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time

from telebank.flow.model import Way
from transactions.card import CardNumber
from transactions.outcome import Value, Values
from transactions.request import AuthLevel, Language


@dataclass(frozen=True, slots=True)
class Spoken:
    """One text of the catalogue with the values of its slots, by slot name."""

    prompt_id: str
    values: Mapping[str, Value] = field(default_factory=dict)
    to_last_value: bool = False
    """Leave out what follows its last value: which keys to press."""


@dataclass(frozen=True, slots=True)
class Say:
    """Speak these texts one after the other in `language`; replaces what is being spoken.

    A key in `stop_keys` stops it at once; `PlayEnded` brings `token` back. Where `more` follows
    at its end, as the next row of a list does, it ends with a pause.
    """

    prompts: tuple[Spoken, ...]
    stop_keys: str
    token: int
    language: Language
    more: bool = False
    slow: bool = False
    """Speak it slowly."""


@dataclass(frozen=True, slots=True)
class Listen:
    """Keys from now on are secret (or not); comes before the prompt that asks for them."""

    secret: bool


@dataclass(frozen=True, slots=True)
class Submit:
    """Ask a banking service. `visit` is unique in the call and made once for each node visit, so
    the request id `f"{call_ref}-{visit}"` is an idempotency key."""

    visit: str
    service: str
    inputs: Values
    auth: AuthLevel
    authenticated: CardNumber | None


@dataclass(frozen=True, slots=True)
class Told:
    """The first prompt after the answer to `visit` was heard (to its end, or barged into)."""

    visit: str
    exit: str


@dataclass(frozen=True, slots=True)
class Used:
    """The proven `customer` began what `what` is the code of: for whoever counts what he uses."""

    what: str
    customer: CardNumber


@dataclass(frozen=True, slots=True)
class Enqueue:
    """Take the caller to a teller with `skill`; higher `priority` first. `carry` goes along, a card
    number as its handle's value, and the teller speaks `language`. `business` is what he was at:
    the name of the flow in which he asked for a person."""

    visit: str
    skill: str
    priority: int
    carry: Values
    language: Language = "zh"
    business: str = ""


@dataclass(frozen=True, slots=True)
class PrepareFax:
    """Make the paper of a fax in this call: `document`, made of `values` as the caller stands
    (`auth`, `authenticated`). `FaxPrepared` follows; where it was made, the caller is told to press
    start, and `SendFax` with the same `visit` sends it. `visit` is unique in the call, as of
    `Submit`."""

    visit: str
    document: str
    values: Values = field(default_factory=dict, repr=False)
    language: Language = "zh"
    auth: AuthLevel = AuthLevel.NONE
    authenticated: CardNumber | None = None


@dataclass(frozen=True, slots=True)
class SendFax:
    """Fax or mail `document`, made of `values` as the caller stands (`auth`, `authenticated`).

    `way` is `back` (at once, in a call to `to`), `later` (in one the next time that it is `at`, by
    the clock on the wall), `mail` (to the address that the bank has of the customer), or `here`:
    what `PrepareFax` made under this `visit`, and nothing else is given then. `to` is digits as
    keyed and confirmed, `registered` (of `mail` always), or empty.
    """

    visit: str
    document: str = ""
    values: Values = field(default_factory=dict, repr=False)
    way: Way = "here"
    to: str = field(default="", repr=False)
    at: time | None = None
    language: Language = "zh"
    auth: AuthLevel = AuthLevel.NONE
    authenticated: CardNumber | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A line for the event log, free of secrets; `detail` has `flow` and `node`.

    `node.entered`; `key` with `digit` (or a dot) once a node took it; `call.language`;
    `call.proved` with `level`, where he proved himself beside the menus; `call.unproved` with the
    level that is left, where wrong tries locked its proof; `input.none`, `input.invalid`,
    `input.exhausted`; `keys.dropped`, `value.missing`, `rows.cut` (more rows than
    keys), `answer.late`, `exit.unknown`, `play.lost`, `call.guard`.
    """

    kind: str
    detail: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call; `reason` is the flow's word (`done`, `guard` …)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """A session beside a call is over (`Session.beside`); the call goes on.

    `exit` is the flow's own, or `guard` (it took too long) or `fault`. Where its caller proved
    himself, `customer` is his card and `level` how far; `given` are the variables that the flow
    gives. All three are for `events.Proved`. `lost`, the level whose proof was locked by wrong
    tries, is for `events.Disproved`.
    """

    exit: str
    level: AuthLevel = AuthLevel.NONE
    customer: CardNumber | None = None
    given: Values = field(default_factory=dict, repr=False)
    lost: AuthLevel | None = None


Command = (
    Say | Listen | Submit | Told | Used | Enqueue | PrepareFax | SendFax | Record | HangUp | Ended
)
