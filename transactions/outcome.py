"""What became of a request. Four values that must never be mixed up."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal

from transactions.card import CardNumber, SealedCard
from transactions.money import Money
from transactions.secret import Secret

Plain = str | int | Decimal | Money | date | time
"""A value that may be shown and spoken."""

Row = Mapping[str, Plain]
Rows = tuple[Row, ...]
"""A list that a read gives: read-only mappings of column to value."""

Value = Plain | CardNumber | SealedCard | Secret | Rows
"""What a service takes and gives. `CardNumber` live, `SealedCard` after a restart."""

Values = Mapping[str, Value]

CUT_OVER = "cut_over"
"""Reason: the host was closing its day (field 39 = 90). Not done; ask again as a new request
(rule 10)."""
DUPLICATE_STAN = "duplicate_stan"
"""Reason of an `Unknown`: 94 to a request that was sent once. Somebody else's number, a person's
to settle, never reversed (rule 10)."""


@dataclass(frozen=True, slots=True)
class Approved:
    """The host did it (or answered it); `data` holds the contract's outputs."""

    data: Values = field(default_factory=dict)
    host_reference: str = ""


@dataclass(frozen=True, slots=True)
class Declined:
    """The host said no, or we did before asking; nothing happened. `reason` is a word of the
    profile's outcome table (`insufficient`, `over_limit` …)."""

    reason: str
    data: Values = field(default_factory=dict)
    left: int | None = field(default=None, compare=False)
    """Of a try that was counted as wrong: how many are left today. Another number is no other
    outcome."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """Bytes may have reached the host and no usable answer came. Never told as failed."""

    reason: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """No byte left this node; nothing happened and nothing will."""

    reason: str


Outcome = Approved | Declined | Unknown | NotSent
