"""What the reconciliation of a business date compares, and what it finds. Amounts are minor units
of an ISO 4217 currency, as integers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Literal

from transactions.lifecycle import State

Status = Literal["posted", "reversed"]


class Severity(StrEnum):
    """How much a finding matters; a row is as bad as its worst finding."""

    AGREED = "agreed"
    EXPLAINED = "explained"
    """Still open, or settled on another date at cut-over: no fault yet, or none at all."""
    UNCHECKED = "unchecked"
    """Of a transaction: no file was there to check it. Of a whole date: agreed as far as it was
    compared, which is not all of it."""
    DIFFERENCE = "difference"


WORST_FIRST = tuple(reversed(Severity))


class Kind(StrEnum):
    """What was found; docs/reconciliation.md says what to do about each."""

    ONLY_IN_JOURNAL = "only_in_journal"
    ONLY_AT_HOST = "only_at_host"
    AMOUNT_DIFFERS = "amount_differs"
    FEE_DIFFERS = "fee_differs"
    CURRENCY_DIFFERS = "currency_differs"
    STATE_DIFFERS = "state_differs"
    DATE_DIFFERS = "date_differs"
    DUPLICATE_AT_HOST = "duplicate_at_host"
    STILL_OPEN = "still_open"
    ROW_UNREADABLE = "row_unreadable"
    TOTALS_DIFFER_FROM_FILE = "totals_differ_from_file"
    TOTALS_DIFFER_FROM_JOURNAL = "totals_differ_from_journal"


@dataclass(frozen=True, slots=True)
class JournalRow:
    """One money request of ours."""

    reference: str
    """Field 37, twelve digits; what both sides know it by."""
    service: str
    state: State
    amount: int
    currency: str
    fee: int | None
    """None where the row does not say; fees are then not compared."""
    business_date: date
    """The date that we recorded it under."""
    settled_on: date | None = None
    """The host's date, field 15 of the reply that settled it."""
    reversed_on: date | None = None
    """The host's date of the reversal that it confirmed; None where it did not say."""
    card_masked: str = ""
    payee_masked: str = ""
    node: str = ""

    @property
    def effective(self) -> date:
        """The date that it counts on: the host's, else ours."""
        return self.settled_on or self.business_date

    @property
    def undone_later(self) -> bool:
        """Posted on one date and reversed on a later one: it counts on both."""
        return self.reversed_on is not None and self.reversed_on > self.effective


@dataclass(frozen=True, slots=True)
class HostRow:
    """One row of the host's daily file; `line` counts from 1.

    A row of an earlier business date with `reversed` was posted on that and reversed on the file's.
    """

    reference: str
    amount: int
    currency: str
    status: Status
    business_date: date
    fee: int | None = None
    stan: str = ""
    field7: str = ""
    terminal: str = ""
    service: str = ""
    line: int = 0


@dataclass(frozen=True, slots=True)
class UnreadableRow:
    """A row of the file that makes no sense, kept as a finding."""

    line: int
    column: str
    """The column that is wrong; empty where the row as a whole is."""
    why: str
    reference: str = ""


@dataclass(slots=True)
class Figures:
    """One side's sums of one currency. A reversal counts beside its original."""

    posted: int = 0
    posted_minor: int = 0
    reversed: int = 0
    reversed_minor: int = 0
    credits: int = 0
    """Credits less their reversals; only the host's totals tell any."""
    credits_minor: int = 0
    fees: int = 0
    """Net of fees given back, minor units."""
    fees_known: bool = True

    @property
    def net(self) -> int:
        """How many stand."""
        return self.posted - self.reversed - self.credits

    @property
    def net_minor(self) -> int:
        """What stands, minor units: debits less what was given back."""
        return self.posted_minor - self.reversed_minor - self.credits_minor


@dataclass(frozen=True, slots=True)
class Sides:
    """The three sides of one currency; None where a side was not there to be compared."""

    journal: Figures
    totals: Figures | None
    file: Figures | None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found. `ours` and `theirs` are the two values, as text for people."""

    kind: Kind
    severity: Severity
    currency: str
    reference: str = ""
    ours: str = ""
    theirs: str = ""
    amount: int | None = None
    """Minor units, of our row where there is one."""
    service: str = ""
    state: str = ""
    """Our state; empty where we have no such row."""
    their_state: str = ""
    """`posted` or `reversed`; empty where the file has no such row."""
    card_masked: str = ""
    payee_masked: str = ""
    node: str = ""
    line: int = 0
    """Line of the host's file; 0 where it has none."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The result of one business date."""

    business_date: date
    findings: Sequence[Finding]
    """Worst first, then by reference."""
    rows: Mapping[Severity, int]
    """Transactions by their worst finding; UNCHECKED are those of the journal that no file was
    there to check."""
    currencies: Mapping[str, Sides]
    has_totals: bool
    has_file: bool
    journal_rows: int
    file_rows: int

    @property
    def severity(self) -> Severity:
        """The worst of all findings; without a file no date is more than UNCHECKED."""
        found = {finding.severity for finding in self.findings}
        if not self.has_file:
            found.add(Severity.UNCHECKED)
        return next((one for one in WORST_FIRST if one in found), Severity.AGREED)
