"""A reconciliation as rows of text, the same for CSV, PDF and the screen."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from telebank.reports.words import Words
from transactions.reconcile_totals import amount_text
from transactions.reconcile_values import (
    Figures,
    Finding,
    Kind,
    Reconciliation,
    Sides,
)

COUNTS = ("posted", "reversed", "credits", "net")
ORDER = ("posted", "posted_minor", "reversed", "reversed_minor", "credits", "credits_minor")
NETS = ("net", "net_minor", "fees")
_AMOUNT = re.compile(r"^([0-9]+)((?:\.[0-9]+)? [A-Z]{3})$")
WORDED = (Kind.STATE_DIFFERS, Kind.STILL_OPEN)
"""Kinds whose two values are states."""


@dataclass(frozen=True, slots=True)
class FigureRow:
    """One figure of one currency: three sides and two differences; None where there is no value."""

    name: str
    journal: int | None
    totals: int | None
    file: int | None

    @property
    def money(self) -> bool:
        """Whether the values are minor units rather than counts."""
        return self.name not in COUNTS

    @property
    def totals_less(self) -> int | None:
        """Totals less journal."""
        return _less(self.totals, self.journal)

    @property
    def file_less(self) -> int | None:
        """File less journal."""
        return _less(self.file, self.journal)

    def text(self, value: int | None, code: str, *, signed: bool = False) -> str:
        """A value for people: amounts with thousands and decimals, a dash where there is none."""
        if value is None:
            return "–"
        shown = grouped(value, code) if self.money else f"{value:,}"
        return f"+{shown}" if signed and value > 0 else shown


def _less(one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else one - other


def grouped(minor: int, code: str) -> str:
    """`1,234.50`."""
    whole, dot, part = amount_text(abs(minor), code).partition(".")
    return f"{'-' if minor < 0 else ''}{int(whole):,}{dot}{part}"


def figure_rows(sides: Sides) -> Iterator[FigureRow]:
    """The figures of a currency. What was posted and reversed the journal alone cannot tell: a
    reversal may have found nothing."""
    gross = sides.file is not None
    for name in ORDER:
        row = FigureRow(
            name,
            _value(sides.journal, name) if gross else None,
            _value(sides.totals, name),
            _value(sides.file, name),
        )
        if not name.startswith("credits") or row.totals:
            yield row
    for name in NETS:
        yield FigureRow(
            name, *(_value(side, name) for side in (sides.journal, sides.totals, sides.file))
        )


def _value(side: Figures | None, name: str) -> int | None:
    if side is None or (name == "fees" and not side.fees_known):
        return None
    return int(getattr(side, name))


def sum_text(figures: Figures, code: str, words: Words) -> str:
    """How many stand, their sum and the fees."""
    amount = grouped(figures.net_minor, code)
    said = words["sum"].format(count=f"{figures.net:,}", amount=amount, currency=code)
    if not figures.fees_known:
        return said
    return words["sum_fees"].format(sum=said, fees=grouped(figures.fees, code))


def ours(finding: Finding, words: Words) -> str:
    """Our value of a finding."""
    return words.name(finding.ours) if finding.kind in WORDED else _thousands(finding.ours)


def _thousands(said: str) -> str:
    """An amount with its currency gets its thousands; anything else stays."""
    return _AMOUNT.sub(lambda found: f"{int(found[1]):,}{found[2]}", said)


def theirs(finding: Finding, words: Words) -> str:
    """The host's value of a finding, with its state where that matters."""
    if finding.kind in WORDED:
        return words.name(finding.theirs) or words["absent"]
    if finding.kind in (Kind.ONLY_AT_HOST, Kind.DUPLICATE_AT_HOST):
        return f"{_thousands(finding.theirs)} {words.name(finding.their_state)}"
    return _thousands(finding.theirs) or words["absent"]


def remarks(result: Reconciliation, words: Words) -> list[str]:
    """What was not there to be compared."""
    missing = (("no_totals", result.has_totals), ("no_file", result.has_file))
    return [words[key] for key, there in missing if not there]
