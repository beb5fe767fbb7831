"""What a caller of the processor gets back."""

from dataclasses import dataclass, field
from datetime import timezone

from transactions.contract import Service
from transactions.hot_list import EXPIRY
from transactions.journal import Existing
from transactions.lifecycle import DONE, NOT_DONE, State
from transactions.outcome import (
    CUT_OVER,
    Approved,
    Declined,
    NotSent,
    Outcome,
    Unknown,
    Values,
)
from transactions.request import Request


@dataclass(frozen=True, slots=True)
class Answer:
    """The menu's exit, what became of the request, and its outputs.

    `request_id` is the request that did it: the first one's, where this was asked twice.
    """

    exit: str
    outcome: Outcome
    data: Values = field(repr=False)
    request_id: str
    reference: str = ""
    row: str = ""
    """Request id of the journal row whose result this is; empty where there is none to tell."""
    again: bool = False
    """The first result of a request that was made before."""


def exit_of(service: Service, outcome: Outcome) -> str:
    """The exit; a cut-over counts as not done where the service can say so."""
    match outcome:
        case Declined(reason=reason) if reason == CUT_OVER:
            return service.exit_for(NotSent(CUT_OVER))
        case _:
            return service.exit_for(outcome)


def exit_without_row(service: Service, outcome: Outcome) -> str:
    """The exit where the journal has no row. What is repeated until the host has it counts as
    stored because a row says so; here none does, and nobody may hear that it was."""
    if service.recovery == "repeat" and isinstance(outcome, NotSent):
        return service.exit_for(Declined(outcome.reason))
    return exit_of(service, outcome)


def with_own(service: Service, data: Values, request: Request, zone: timezone) -> Values:
    """Add the outputs that are ours to give where the host gave none: `ref`, the reference that
    is spoken (field 37), `at`, when the request was taken, on the bank's wall clock, and `until`,
    the last day of a report that expires."""
    full = dict(data)
    if "ref" in service.outputs and request.reference:
        full.setdefault("ref", request.reference)
    if service.outputs.get("at") == "time" and request.created_at is not None:
        taken = request.created_at.astimezone(zone)
        full.setdefault("at", taken.time().replace(microsecond=0))
    if service.expires and EXPIRY in request.inputs:
        full.setdefault(EXPIRY, request.inputs[EXPIRY])
    return full


def first_result(existing: Existing) -> Outcome:
    """The outcome to give when the same request comes again: what the journal says by now."""
    state, outcome = existing.state, existing.outcome
    if state in DONE:
        return outcome if isinstance(outcome, Approved) else Approved()
    if state is State.DECLINED:
        return outcome if isinstance(outcome, Declined) else Declined("refused")
    if state in NOT_DONE:
        return outcome if isinstance(outcome, Declined | NotSent) else NotSent("undone")
    return Unknown("unsettled")
