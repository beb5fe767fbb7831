"""Where a field's content comes from: an input, what the gateway knows, or the profile itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as of_class
from types import MappingProxyType
from typing import Literal

from core_adapters.profiles.yamlread import nearest

Place = Literal["request", "network", "reversal", "totals"]

_EVERY = frozenset({"utc", "stan", "time", "date", "acquirer", "reference", "terminal", "merchant"})
_CALL = frozenset({"entry_mode", "channel", "call", "auth", "language", "expiry"})
KNOWN_WORDS: Mapping[Place, frozenset[str]] = MappingProxyType(
    {
        "request": _EVERY | _CALL,
        "network": _EVERY | {"network_code"},
        "reversal": _EVERY | _CALL | {"reason", "original"},
        "totals": _EVERY | {"settlement_date", "currency"},
    }
)
"""What `@word` may name, by the kind of message."""


PARTS = ("", "currency", "full")
FULL = ".full"
"""Ends the path of money that comes with its currency."""


@dataclass(frozen=True, slots=True)
class Input:
    """`$name`, `$name.currency` (the number of a currency) or `$name.full` (money with it)."""

    name: str
    part: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """`@word`: one of `KNOWN_WORDS`."""

    word: str


@dataclass(frozen=True, slots=True)
class Constant:
    """Sent as it stands."""

    text: str


Source = Input | Known | Constant
Template = Source | Mapping[str, Source]
"""A field's source, or its subfields' by name."""


@dataclass(frozen=True, slots=True)
class ReplySource:
    """Where an output comes from: a field, a subfield or balance of it by name, or its rows."""

    field: int
    sub: str = ""
    full: bool = False
    """Money comes with its currency, as in rows; without it, in the message's (field 49)."""
    columns: Mapping[str, str] = of_class(default_factory=lambda: MappingProxyType({}))
    """Of an output that is a list: the profile's name of each of its columns."""


def parse_source(text: str, place: Place = "request") -> Source:
    """Read `$name`, `@word` or a constant; raises `ValueError` saying what to do."""
    if text.startswith("$"):
        name, _, part = text[1:].partition(".")
        if not name or part not in PARTS:
            raise ValueError(f"{text!r}: use $name, $name.currency or $name.full")
        return Input(name, part)
    if text.startswith("@"):
        known = KNOWN_WORDS[place]
        if text[1:] not in known:
            near = nearest(text[1:], known)
            raise ValueError(f"{text!r}: known are {', '.join(sorted(known))}{near}")
        return Known(text[1:])
    return Constant(text)


def parse_reply(text: str) -> ReplySource:
    """Read `37`, `48.fee` or `48.gets.full`; raises `ValueError`."""
    path = text.removesuffix(FULL)
    number, _, sub = path.partition(".")
    full = path != text
    if not number.isdigit() or (full and not sub):
        raise ValueError(
            f"{text!r}: use a field (37) or a field's part (48.fee, 54.available), with {FULL} "
            "where its money has a currency of its own"
        )
    return ReplySource(int(number), sub, full)
