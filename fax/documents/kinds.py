"""Kinds of documents, as config/documents.yaml tells them: data of which `compose` makes papers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fax.documents.paper import Align
from fax.words import Language
from transactions.kinds import Kind

Words = Mapping[Language, str]
"""A text in every language."""

FORMS: Mapping[str, frozenset[Kind]] = MappingProxyType(
    {
        "card": frozenset({"card_no", "text"}),
        "masked": frozenset({"digits", "text"}),
        "money": frozenset({"money"}),
        "money_out": frozenset({"money"}),
        "money_in": frozenset({"money"}),
        "date": frozenset({"date"}),
        "month": frozenset({"date"}),
        "time": frozenset({"time"}),
        "rate": frozenset({"rate"}),
        "percent": frozenset({"rate"}),
        "number": frozenset({"number"}),
        "digits": frozenset({"digits", "text"}),
        "text": frozenset({"text"}),
    }
)
"""Ways of printing a value, each with the kinds of values it takes; `word:SET` is one more."""
WORD_FORM = re.compile(r"word:([a-z][a-z0-9_]*)")
RIGHT = frozenset({"money", "money_out", "money_in", "rate", "percent", "number"})
"""Forms that stand at the right edge of their column."""
SUMS = frozenset({"money", "money_out", "money_in"})
"""Forms that can have a total."""


def takes(form: str) -> frozenset[Kind]:
    """The kinds of values that one of `FORMS`, or `word:SET`, prints."""
    return frozenset({"word"}) if WORD_FORM.fullmatch(form) else FORMS[form]


@dataclass(frozen=True, slots=True)
class Fact:
    """One labelled value, from the menu or from a service's outputs."""

    of: str
    label: Words
    form: str
    """One of `FORMS`, or `word:SET`."""
    line: int = 1


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a part's table."""

    of: str
    label: Words
    form: str
    width: float
    """In millimetres."""
    unit: str = ""
    """Currency that the head names, so that cells leave it out: ISO 4217, three letters."""
    total: bool = False
    """Whether a last row has its sum."""
    line: int = 1

    @property
    def align(self) -> Align:
        """Figures at the right, all else at the left."""
        return "right" if self.form in RIGHT else "left"


@dataclass(frozen=True, slots=True)
class Part:
    """What one service is asked for. With rows it is a table; its other outputs are facts."""

    service: str
    inputs: Mapping[str, str]
    """Input of the service to the name of a value that the menu gave."""
    none: frozenset[str] = frozenset()
    """Exits that mean there is nothing to print of this part."""
    rows: str = ""
    """The output that is the list; empty: there is none."""
    columns: tuple[Column, ...] = ()
    title: Words | None = None
    line: int = 1


@dataclass(frozen=True, slots=True)
class DocumentKind:
    """One kind of document."""

    name: str
    title: Words
    needs: tuple[str, ...]
    """Values that the menu must give."""
    may: tuple[str, ...]
    """Values that the menu may give; the facts of those that it does not are left out."""
    facts: tuple[Fact, ...]
    parts: tuple[Part, ...]
    """Services to ask, in the order of their tables; none: the values given are the document."""
    note: Words | None
    file: str
    line: int
