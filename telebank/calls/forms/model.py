"""What a form is: data that a page draws, and the service that it is for. No HTML, no I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import msgspec

from telebank.calls.forms.terms import Lookup, ReadBack
from transactions.kinds import Kind
from transactions.request import AuthLevel
from transactions.service import Effect

LEVELS = list(AuthLevel)
"""Places of the levels of proof, as boards number them."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Words in both languages."""

    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Choice:
    """One code of a word."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Field:
    """One input of a form, and what may be written there."""

    name: str
    kind: Kind
    label: Pair
    help: Pair
    optional: bool = False
    own: bool = False
    """Left empty it is the card of the caller, who has proved himself."""
    shortest: int = 1
    longest: int = 40
    """Characters; of digits, and of texts."""
    luhn: bool = False
    least: str = ""
    most: str = ""
    """Of an amount in major units, and of a rate; empty: no bound of ours."""
    currency: str = ""
    """ISO 4217 code of an amount."""
    currency_of: str = ""
    """Or the field whose word says it."""
    choices: tuple[Choice, ...] = ()
    """Of a word; none: any code."""


@dataclass(frozen=True, slots=True)
class Form:
    """One service as a teller asks for it."""

    service: str
    title: Pair
    effect: Effect
    level: AuthLevel
    """How far the caller must have proved himself."""
    pin: bool
    """Whether it is carried out only with the caller's PIN, entered for it."""
    fields: tuple[Field, ...]
    asks: str
    """The service that gives the terms; of one without, itself."""
    customer: str = ""
    """The input that is the caller's own card; empty: none is."""
    looks: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Inputs that nobody writes: by name the service that tells them."""
    reads: tuple[str, ...] = ()
    """What is read back, in this order."""
    backs: tuple[ReadBack, ...] = ()
    """What the machine reads to the caller before he signs."""
    rows: Mapping[str, Lookup] = field(default_factory=lambda: MappingProxyType({}))
    """Values of those that lists tell, by name."""
    words: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Set of words by the name of a value."""
    flows: frozenset[str] = frozenset()
    """Menus that ask for it."""

    @property
    def moves(self) -> bool:
        """Whether it is read back and confirmed before it is carried out."""
        return self.effect != "read"

    def shown(self) -> dict[str, Any]:
        """As JSON for a page."""
        return {
            "service": self.service,
            "title": msgspec.to_builtins(self.title),
            "effect": self.effect,
            "level": LEVELS.index(self.level),
            "pin": self.pin,
            "fields": [msgspec.to_builtins(one) for one in self.fields],
            "reads": list(self.reads),
        }
