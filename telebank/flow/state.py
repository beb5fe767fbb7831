"""One caller's place in the menu tree, as plain data that can be written down.

Card numbers and secrets are in it as handles only; keys not yet consumed may be part of a secret,
so they too go through the vault when the state is written.
"""

from dataclasses import dataclass, field, fields
from datetime import date, time
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal

import msgspec

from telebank.flow import pace
from telebank.flow.vault import Vault
from transactions.money import Money
from transactions.outcome import Plain, Rows
from transactions.request import AuthLevel, Language
from transactions.secret import Secret

VERSION = 1


class Phase(StrEnum):
    """What the session waits for: an answered call, a prompt's end, a key, or somebody's answer."""

    NEW = "new"
    SPEAKING = "speaking"
    LISTENING = "listening"
    WAITING = "waiting"
    ENDED = "ended"


FaxStep = Literal["", "asked", "made", "announced", "sending"]
"""How far a fax node is: its fax (in this call: its paper) was asked for, and a filler may be
spoken; the paper is made; its prompt is being spoken; it goes through this call."""


@dataclass(frozen=True, slots=True)
class Handle:
    """A guarded value's token in the vault."""

    token: str


Stored = Plain | Rows | Handle


@dataclass(slots=True)
class Frame:
    """A stay in one flow: where, and how often each bounded node ran."""

    flow: str
    node: str
    visits: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Part:
    """Prompts still to be spoken in one language, or the text of one row."""

    language: Language
    prompts: tuple[str, ...]
    rows: str | None = None
    """Variable whose row this speaks."""
    number: int = 0
    """The row's number, from 1."""
    key: int = 0
    """The key that chooses it."""


@dataclass(frozen=True, slots=True)
class Untold:
    """An answer that the caller has not heard."""

    visit: str
    exit: str
    effect: str


@dataclass(slots=True)
class Place:
    """Where a session is. Times are monotonic seconds of its owner's clock."""

    language: Language
    phase: Phase = Phase.NEW
    frames: list[Frame] = field(default_factory=list)
    auth: AuthLevel = AuthLevel.NONE
    customer: str | None = None
    """Vault token of the card that has proved itself."""
    wrong: dict[str, int] = field(default_factory=dict)
    """Wrong tries by the service that counts them, since the last right one."""
    lost: AuthLevel | None = None
    """Of a session beside a call: the level whose proof was locked in it."""
    buffer: str = field(default="", repr=False)
    entry: str = field(default="", repr=False)
    tries: int = 0
    read: bool = False
    """The confirm here has been read back whole: what is said again may be cut by a key."""
    listening: bool | None = None
    """The last `Listen`."""
    token: int = 0
    playing: int | None = None
    stop_keys: str = ""
    parts: list[Part] = field(default_factory=list)
    telling: bool = False
    """What is being spoken is the first prompt after `untold`."""
    said_at: float = 0.0
    """When what is being spoken began."""
    visits: int = 0
    visit: str | None = None
    """The question that is out, if any."""
    resume: str | None = None
    """Node to go on with once the filler has been spoken."""
    fax: FaxStep = ""
    untold: list[Untold] = field(default_factory=list)
    closing: str | None = None
    """Reason of the hang-up that follows what is being spoken."""
    timer: float | None = None
    answer_by: float | None = None
    guard_at: float = 0.0
    swallow: str = ""
    swallow_until: float = 0.0
    patience: str = pace.NORMAL
    speed: str = pace.NORMAL
    """The pace of the call, in the words of `telebank.flow.pace`."""
    first: str = "main"
    """The flow that it begins in."""
    asides: int = 0
    """Sessions that there were beside this one."""
    aside: int = 0
    """Of a session beside a call: its number among those; 0: the caller's own."""


@dataclass(slots=True)
class State(Place):
    """All that a session remembers: its place and its variables."""

    vars: dict[str, Stored] = field(default_factory=dict)


class LoadError(ValueError):
    """Not a written state of this version, or its values are no longer in the vault."""


def dump(state: State, vault: Vault, release: str) -> tuple[bytes, tuple[str, ...]]:
    """Write the state as JSON; returns it with the tokens under which typed keys were kept."""
    plain = _fields_of(state)
    plain["vars"] = {name: _packed(value) for name, value in state.vars.items()}
    tokens: list[str] = []
    for name in ("buffer", "entry"):
        if plain[name]:
            plain[name] = vault.put(Secret(plain[name]))
            tokens.append(plain[name])
    data = msgspec.json.encode({"version": VERSION, "release": release, **plain})
    return data, tuple(tokens)


def load(data: bytes, vault: Vault, release: str) -> State:
    """Read what `dump` wrote; release and vault must be those that it was written with."""
    try:
        plain: dict[str, Any] = msgspec.json.decode(data)
        if plain.pop("version") != VERSION or plain.pop("release") != release:
            raise LoadError(f"not a session state of version {VERSION} and this release")
        variables = {name: _unpacked(value) for name, value in plain.pop("vars").items()}
        for name in ("buffer", "entry"):
            plain[name] = _typed(plain[name], vault)
        place = msgspec.convert(plain, Place)
    except (msgspec.MsgspecError, KeyError, TypeError, AttributeError) as error:
        raise LoadError(f"not a session state: {type(error).__name__}") from error
    return State(**_fields_of(place), vars=variables)


def _fields_of(place: Place) -> dict[str, Any]:
    return {item.name: getattr(place, item.name) for item in fields(place)}


def _typed(token: str, vault: Vault) -> str:
    if not token:
        return ""
    value = vault.get(token)
    text = value.reveal() if isinstance(value, Secret) else ""
    vault.drop(token)
    return text


def _packed(value: Stored) -> list[object]:  # noqa: PLR0911 - a table of kinds
    match value:
        case Handle(token):
            return ["handle", token]
        case tuple():
            return ["rows", [{name: _packed(v) for name, v in row.items()} for row in value]]
        case Money():
            return ["money", str(value.decimal), value.currency.code]
        case Decimal():
            return ["decimal", str(value)]
        case date():
            return ["date", value.isoformat()]
        case time():
            return ["time", value.isoformat()]
        case _:
            return ["plain", value]


def _unpacked(packed: list[Any]) -> Stored:  # noqa: PLR0911 - a table of kinds
    tag, value, *rest = packed
    match tag:
        case "handle":
            return Handle(value)
        case "rows":
            return tuple(MappingProxyType({n: _plain(v) for n, v in r.items()}) for r in value)
        case "money":
            return Money.parse(value, rest[0])
        case "decimal":
            return Decimal(value)
        case "date":
            return date.fromisoformat(value)
        case "time":
            return time.fromisoformat(value)
    if isinstance(value, str | int):
        return value
    raise LoadError(f"unknown value {tag!r}")


def _plain(packed: list[Any]) -> Plain:
    value = _unpacked(packed)
    if isinstance(value, Handle | tuple):
        raise LoadError("a row holds plain values only")
    return value
