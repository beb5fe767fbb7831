"""Closing a row that only people can settle: MANUAL to CLOSED_POSTED or CLOSED_NOT_POSTED."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, Protocol

from transactions import approval
from transactions.approval import Approving
from transactions.lifecycle import State

ACT = "request.resolve"
"""The two-person act; its object is the row's reference (field 37)."""
Result = Literal["posted", "not_posted"]
"""What the people found at the host: it did it, or it did not (or undid it)."""


@dataclass(frozen=True, slots=True)
class Closing:
    """The second person's word on a row; the first one's is the pending proposal."""

    reference: str
    result: Result
    approving: Approving

    @property
    def state(self) -> State:
        """Where the row goes."""
        return State.CLOSED_POSTED if self.result == "posted" else State.CLOSED_NOT_POSTED


@dataclass(frozen=True, slots=True)
class Closed:
    """Done, in one commit: the approval, the row's state, its holds."""

    request_id: str
    reference: str
    state: State
    business_date: date
    proposed_by: str
    approved_by: str
    holds: int
    """Holds confirmed or released, on `business_date`."""


@dataclass(frozen=True, slots=True)
class NotClosed:
    """Nothing was changed but what is logged."""

    reason: Literal["unknown_reference", "not_manual"] | approval.Refusal
    state: State | None = None
    """The row's state, where there is a row."""


class ClosingJournal(Protocol):
    """What closing needs of a journal."""

    async def close_row(self, closing: Closing) -> Closed | NotClosed:
        """Approve the proposal and close the row in one commit, or change neither."""
        ...
