"""Requests with a row: recorded, sent once, and brought to a state that a restart understands."""

from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from transactions.answer import CUT_OVER, DUPLICATE_STAN, Answer, exit_of, first_result, with_own
from transactions.card import CardNumber, CardVault
from transactions.clock import Clock
from transactions.contract import Service
from transactions.guard import foreign_limit, guard_key, holds
from transactions.guarded import AdapterFailed, guarded
from transactions.inputs import content_hash, without_secrets
from transactions.journal import Existing, Journal, Recorded, RecordPlan, RecordRefused
from transactions.lifecycle import State
from transactions.options import ProcessorOptions
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Values
from transactions.ports import HostAdapter, JournalUnavailable, LeaseLost
from transactions.quotes import Quote
from transactions.request import HostMessage, Request
from transactions.sending import FirstLog, SendDeadlinePassed
from transactions.settle import RANKS, Settler, Settling, Verdict

RECOVERY = MappingProxyType(
    {
        "reverse": State.REVERSING,
        "repeat": State.REPEATING,
        "query": State.QUERYING,
        "person": State.MANUAL,
    }
)
"""Where UNKNOWN goes, in the same commit."""


@dataclass(frozen=True, slots=True)
class Writer:
    """Money and changes of state."""

    host: HostAdapter
    journal: Journal
    vault: CardVault
    options: ProcessorOptions
    clock: Clock
    settler: Settler

    async def write(
        self, service: Service, request: Request, customer: str, quote: Quote | None, handle: str
    ) -> Answer:
        """Record, send and conclude; `request.inputs` has the terms of its quote, `handle`."""
        plan = self._plan(service, request, customer, quote, handle)
        if isinstance(plan, Declined):
            return self._answer(service, plan, request)
        journalled = replace(request, inputs=without_secrets(request.inputs))
        try:
            recorded = await self.journal.record(journalled, plan)
        except JournalUnavailable:
            return self._answer(service, NotSent("journal"), request)
        match recorded:
            case Recorded(request=kept):
                live = replace(kept, inputs=request.inputs, deadline=request.deadline)
                return replace(await self._carry_out(service, live), row=live.id)
            case Existing(request_id=first):
                return replace(self._again(service, request, recorded), row=first)
            case RecordRefused(reason=reason):
                return self._answer(service, Declined(reason), request)

    def _plan(
        self, service: Service, request: Request, customer: str, quote: Quote | None, handle: str
    ) -> RecordPlan | Declined:
        terms, limits = request.inputs, self.options.limits
        wrong = foreign_limit(service, terms, limits)
        if wrong is not None:
            return Declined("limit_currency", {"limit": wrong})
        hot = terms.get(service.hot_lists) if service.hot_lists else None
        return RecordPlan(
            effect=service.effect,
            recovery=service.recovery,
            content_hash=content_hash(service, terms, customer, self.vault),
            guard=guard_key(service, terms, self.vault) if service.guard else None,
            repeat_told=quote is not None and quote.repeat_told,
            holds=holds(service, terms, customer, limits),
            quote=handle or None,
            customer=customer or None,
            hot_list=hot if isinstance(hot, CardNumber) else None,
        )

    # -- the one sending ------------------------------------------------------------------------

    async def _carry_out(self, service: Service, request: Request) -> Answer:
        log = FirstLog(self.journal, self.clock, request.deadline)
        outcome = await self._execute(request, log)
        told = await self._conclude(service, request, outcome, log.sent)
        return self._answer(service, told, request)

    async def _execute(self, request: Request, log: FirstLog) -> Outcome:
        """The adapter's outcome; what it raises is not sent before SENT, unknown after."""
        why = ""
        try:
            outcome = await guarded(self.host.execute(request, log))
            if not isinstance(outcome, AdapterFailed):
                return _checked(outcome, log.sent)
            why = outcome.why
            if log.sent is not None:
                await self.settler.alarm(request.id, why)
        except SendDeadlinePassed:
            why = "deadline"
        except JournalUnavailable:
            why = "journal"
        except LeaseLost:
            self.settler.lost_lease = True
            why = "lease_lost"
        return NotSent(why) if log.sent is None else Unknown(why)

    async def _conclude(
        self, service: Service, request: Request, outcome: Outcome, sent: HostMessage | None
    ) -> Outcome:
        """Make the outcome durable, then give what the caller may be told of it."""
        states, why = _next(service, outcome, sent is not None)
        stored = replace(request, inputs=without_secrets(request.inputs))
        row = Settling(stored, states[-1], sent, why=why)
        verdict = Verdict(states, why, outcome, alarm=states[-1] is State.MANUAL)
        try:
            await self.journal.advance(
                request.id, states, why=why, outcome=outcome, next_attempt_at=self._due(row)
            )
        except JournalUnavailable:
            self.settler.commit_later(row, verdict)
            return _not_durable(outcome, "journal")
        except LeaseLost:
            self.settler.lost_lease = True
            return _not_durable(outcome, "lease_lost")
        if verdict.alarm:
            await self.settler.alarm(request.id, why)
        if row.state in RANKS:
            self.settler.take(row)
        if State.UNKNOWN in states:
            return Unknown(why)
        return NotSent(why) if row.state is State.REPEATING else outcome

    def _due(self, row: Settling) -> datetime | None:
        return self.clock.now() if row.state in RANKS else None

    # -- answers --------------------------------------------------------------------------------

    def _again(self, service: Service, request: Request, existing: Existing) -> Answer:
        outcome = first_result(existing)
        reference = existing.reference
        same = replace(request, id=existing.request_id, reference=reference, created_at=None)
        return self._answer(service, outcome, same)

    def _answer(self, service: Service, outcome: Outcome, request: Request) -> Answer:
        data: Values = outcome.data if isinstance(outcome, Approved | Declined) else {}
        exit_name = exit_of(service, outcome)
        if request.reference:
            data = with_own(service, data, request, self.options.zone)
        return Answer(exit_name, outcome, data, request.id, request.reference)


def _checked(outcome: Outcome, sent: HostMessage | None) -> Outcome:
    if sent is None and isinstance(outcome, Approved | Unknown):
        raise RuntimeError("the adapter has an answer to a request that it did not log as sent")
    return outcome


def _not_durable(outcome: Outcome, why: str) -> Outcome:
    """What may be told while the row still says SENT: after a crash it would be undone, so an
    approval is not yet one."""
    return Unknown(why) if isinstance(outcome, Approved) else outcome


def _next(  # noqa: PLR0911 - a table of outcomes
    service: Service, outcome: Outcome, sent: bool
) -> tuple[tuple[State, ...], str]:
    """The states that an outcome leads to, from SENT or from RECORDED, and why."""
    unknown = (State.UNKNOWN, RECOVERY.get(service.recovery, State.MANUAL))
    repeats = service.recovery == "repeat"
    match outcome:
        case Approved():
            return (State.APPROVED,), "approved"
        case Declined(reason=reason) if sent and not (repeats and reason == CUT_OVER):
            return (State.DECLINED,), reason
        case Declined(reason=reason) if sent:
            return unknown, reason
        case Declined(reason=reason) if not repeats:
            return (State.NOT_SENT,), reason
        case Unknown(reason=reason) if reason == DUPLICATE_STAN:
            return (State.MANUAL,), reason
        case Declined(reason=reason) | Unknown(reason=reason) | NotSent(reason=reason):
            if sent:
                return unknown, reason
            return ((State.REPEATING,) if repeats else (State.NOT_SENT,)), reason
