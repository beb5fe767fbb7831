"""Carries out `request.resolve`: two people close a row that the gateway could not settle."""

from collections.abc import Mapping
from typing import Any, Protocol

from telebank.calls.control.acts import Done, Turned
from telebank.store import approvals, closing
from telebank.store.transaction import Transaction
from transactions.approval import Approving, Detail
from transactions.closing import Closed, Closing, NotClosed, Result
from transactions.lifecycle import OPEN, State
from transactions.request import REFERENCE_DIGITS, is_reference

RESULTS: Mapping[str, Result] = {"posted": "posted", "not_posted": "not_posted"}
_NOT_MANUAL = "not_manual:"


class Closer(Protocol):
    """The processor, as far as this needs it."""

    async def close_by_people(self, closing: Closing) -> Closed | NotClosed:
        """See `transactions.processor.Processor`."""
        ...


class Resolve:
    """The act's carrier; its object is a reference, its detail `{"result": "posted"}` or
    `{"result": "not_posted"}`."""

    def __init__(self, closer: Closer) -> None:
        self._closer = closer

    def complaint(self, of: str, detail: Detail) -> str | None:
        """See `Carrier`."""
        if not is_reference(of):
            return f"a reference has {REFERENCE_DIGITS} digits; `telebank host unknown` lists them"
        if set(detail) != {"result"} or detail["result"] not in RESULTS:
            return "the detail is one `result`: posted or not_posted"
        return None

    def check(self, of: str, detail: Detail) -> approvals.Check | None:
        """The row is MANUAL."""

        def look(part: Transaction) -> str | None:
            found = closing.not_closable(part, of)
            return None if found is None else _code(found)

        return look

    def why(self, code: str) -> str | None:
        """Words for a row that people cannot close."""
        if code == "unknown_reference":
            return "no request has this reference; `telebank host unknown` lists what is open"
        if not code.startswith(_NOT_MANUAL):
            return None
        state = State(code.removeprefix(_NOT_MANUAL))
        if state in OPEN:
            return (
                f"it is {state}: the gateway still settles it by itself. Wait; what it cannot "
                "settle becomes MANUAL with an alarm"
            )
        return f"it is {state} already: nothing is to be done"

    async def carry_out(self, approving: Approving, detail: Detail) -> Done | Turned:
        """Close it."""
        result = RESULTS[str(detail["result"])]
        closed = await self._closer.close_by_people(Closing(approving.object, result, approving))
        if isinstance(closed, NotClosed):
            return Turned(_code(closed), "")
        return Done(_told(closed))


def _code(found: NotClosed) -> str:
    return f"{_NOT_MANUAL}{found.state}" if found.reason == "not_manual" else found.reason


def _told(closed: Closed) -> Mapping[str, Any]:
    return {
        "reference": closed.reference,
        "request": closed.request_id,
        "request_state": closed.state.value,
        "business_date": closed.business_date.isoformat(),
        "holds": closed.holds,
        "proposed_by": closed.proposed_by,
        "approved_by": closed.approved_by,
    }
