"""Reports of loss: until when one holds, and what staff decides on it (rule 16).

A report taken by telephone holds until the end of a day on the bank's wall clock; a customer who
signs at a branch makes it hold for good, and two people may lift it. Values, without a clock.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from transactions import approval
from transactions.approval import Actor, Approving

EXPIRY = "until"
"""Output of a service that hot-lists, which the processor gives: the last day on which the report
holds. The same day is kept with the request's inputs, for the host (ISO 8583 field 73)."""
TELEPHONE, TELLER = "phone", "teller"
"""Channels of callers, by the menus and by a teller who does it for them."""
BY_VOICE = frozenset({TELEPHONE, TELLER})
"""Channels whose reports expire: nobody has signed."""
MAX_DAYS = 3_660

Decided = Literal["confirmed", "lifted"]
CONFIRM, LIFT = "loss.confirm", "loss.lift"
"""The right of one person, and the act of two."""
Hindrance = Literal[
    "unknown_reference",
    "report_expired",
    "already_confirmed",
    "already_lifted",
    "unsettled",
    "reports_changed",
]
"""Why nothing can be decided on a report. `unsettled`: the host has not answered an earlier
request for the card, and a lifting must not come before it. `reports_changed`: those of the card
that stand are not those that are to be lifted."""
Undecided = Hindrance | approval.Refusal


@dataclass(frozen=True, slots=True)
class LossOptions:
    """How long a report of loss holds."""

    telephone_valid_days: int = 5
    """Days after the day of a telephone report, to the end of which it holds unless it is
    confirmed in writing; 0: it never expires (then no text may say `{until}`)."""

    def __post_init__(self) -> None:
        if not 0 <= self.telephone_valid_days <= MAX_DAYS:
            raise ValueError(
                f"telephone_valid_days is {self.telephone_valid_days}: give 1 to {MAX_DAYS} days, "
                "or 0 for reports that never expire"
            )

    def last_day(self, channel: str, taken: date) -> date | None:
        """The last day of a report taken on a day by a channel; `None`: it holds for good."""
        if channel not in BY_VOICE or not self.telephone_valid_days:
            return None
        return taken + timedelta(days=self.telephone_valid_days)


@dataclass(frozen=True, slots=True)
class HotDecision:
    """What staff decides on the report that has `reference` (field 37 of its request).

    One person confirms; lifting takes two, of whom `approving` is the second's word.
    """

    reference: str
    becomes: Decided
    by: Actor
    note: str = ""
    approving: Approving | None = None
