"""Requests with a row: recorded, sent once, and brought to a state that a restart understands.

Two commits carry a request that goes well: one before its first byte (RECORDED with its
reservations, SENT with its message), one with its reply and what that means.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime

from transactions.admission import Tries, TriesDesk
from transactions.answer import Answer, exit_of, exit_without_row, first_result, with_own
from transactions.brake import Brake
from transactions.card import CardNumber, CardVault
from transactions.clock import Clock
from transactions.contract import Service
from transactions.guard import foreign_limit, guard_key, holds, own_limit
from transactions.guarded import AdapterFailed, guarded
from transactions.hot_list import EXPIRY
from transactions.inputs import content_hash, plain_content_hash, without_secrets
from transactions.journal import Existing, Hold, Journal, Recorded, RecordPlan, RecordRefused
from transactions.lifecycle import State
from transactions.money import Money
from transactions.options import ProcessorOptions
from transactions.outcome import (
    CUT_OVER,
    DUPLICATE_STAN,
    Approved,
    Declined,
    NotSent,
    Outcome,
    Unknown,
    Values,
)
from transactions.ports import HostAdapter, JournalUnavailable, LeaseLost
from transactions.proof import Tiers
from transactions.proposals import COMPANY, ApprovalClaim, terms_hash
from transactions.quotes import Quote
from transactions.request import HostMessage, Request
from transactions.rulebook import Rulebook
from transactions.sending import FirstLog, NotRecorded, SendDeadlinePassed
from transactions.settle import Settler
from transactions.settling import RANKS, RECOVERY, Settling, Verdict


@dataclass(frozen=True, slots=True)
class Writer:
    """Money and changes of state."""

    rulebook: Rulebook
    host: HostAdapter
    journal: Journal
    vault: CardVault
    options: ProcessorOptions
    clock: Clock
    settler: Settler
    tries: TriesDesk
    tiers: Tiers
    brake: Brake

    async def write(
        self, service: Service, request: Request, customer: str, quote: Quote | None, handle: str
    ) -> Answer:
        """Record, send and conclude; `request.inputs` has the terms of its quote, `handle`."""
        try:
            braked = await self._braked(service, request, handle)
            most = await self.tiers.most(service, request, customer)
        except JournalUnavailable:
            return self._without_row(service, NotSent("journal"), request)
        plan: RecordPlan | Declined | NotSent = NotSent(self.brake.reason)
        if not braked:
            plan = self._plan(service, request, customer, quote, handle, most)
        if not isinstance(plan, RecordPlan):
            return self._without_row(service, plan, request)
        request = _until(service, request, plan.hot_until)
        tries = self.tries.of(service, customer)
        try:
            if tries is not None and not await tries.take():
                tries = None
                if await self.journal.find(request.id) is None:
                    return await self._past_tries(service, request, plan)
        except JournalUnavailable:
            return self._without_row(service, NotSent("journal"), request)
        try:
            return await self._numbered(service, request, plan, tries)
        except JournalUnavailable:
            if tries is not None:
                await tries.give_back(NotSent("journal"))
            return self._without_row(service, NotSent("journal"), request)

    async def _braked(self, service: Service, request: Request, handle: str) -> bool:
        """Whether it is new money while none is taken; what was posted before is still told."""
        if not self.brake.reason or service.effect != "money":
            return False
        return await self.journal.find(request.id, handle) is None

    async def _past_tries(self, service: Service, request: Request, plan: RecordPlan) -> Answer:
        """No try is left. A report of loss is taken all the same, or a stranger could bar its
        owner's (rule 16): the card is refused from now on, the host is not asked, so that nothing
        can be guessed, and a person looks at it."""
        if service.hot_lists is None or service.recovery != "repeat":
            return self._answer(service, Declined("locked"), request)
        numbered = replace(request, reference=await self.journal.next_reference())
        stored = replace(numbered, inputs=without_secrets(request.inputs))
        try:
            recorded = await self.journal.record(stored, plan)
        except JournalUnavailable:
            self.settler.look_over()  # it may have been made all the same
            raise
        if isinstance(recorded, Existing):
            return self.again(service, request, recorded)
        told = NotSent("too_many_reports")
        if isinstance(recorded, RecordRefused):
            return self._answer(service, Declined(recorded.reason), request)
        row = Settling(recorded.request, State.RECORDED, None)
        states = (State.REPEATING, State.MANUAL)
        lost = await self._write(row, Verdict(states, told.reason, told, alarm=True))
        if not lost:
            await self.settler.alarm(request.id, told.reason)
        return replace(self._answer(service, told, numbered), row=request.id)

    async def _numbered(
        self, service: Service, request: Request, plan: RecordPlan, tries: Tries | None
    ) -> Answer:
        """Carry it out under its reference; what was not a wrong try is not counted as one."""
        numbered = replace(request, reference=await self.journal.next_reference())
        stored = replace(numbered, inputs=without_secrets(request.inputs))
        log = FirstLog(self.journal, self.clock, stored, plan)
        told = await self._carry_out(service, numbered, log)
        judged: Outcome = told
        match log.recorded:
            case Existing():
                answer, judged = self.again(service, request, log.recorded), NotSent("asked before")
            case RecordRefused(reason=reason):
                answer, judged = self._answer(service, told, request), NotSent(reason)
            case Recorded():
                answer = replace(self._answer(service, told, numbered), row=request.id)
            case None:
                answer = self._without_row(service, told, request)
        if tries is not None:
            await tries.give_back(judged)
        if service.lifts is not None and plan.customer and isinstance(judged, Approved):
            lifted = self.rulebook.of(request.release)[service.lifts]
            await self.tries.lift(lifted, plan.customer)
        return answer

    def _plan(  # noqa: PLR0917 - all that a plan is made of
        self,
        service: Service,
        request: Request,
        customer: str,
        quote: Quote | None,
        handle: str,
        most: Money | None,
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
            plain_hash=plain_content_hash(service, terms, customer, self.vault),
            guard=guard_key(service, terms, self.vault) if service.guard else None,
            repeat_told=quote is not None and quote.repeat_told,
            holds=[
                _bounded(hold, own_limit(service), most)
                for hold in holds(service, terms, customer, limits, self.vault)
            ],
            quote=handle or None,
            customer=customer or None,
            hot_list=hot if isinstance(hot, CardNumber) else None,
            hot_until=self._last_day(service, request),
            takes_hot=service.hot_lists is not None or service.decides is not None,
            decision=request.deciding,
            approval=self._claim(service, request),
        )

    def _claim(self, service: Service, request: Request) -> ApprovalClaim | None:
        """What another person proposed, to be used up by this."""
        if service.approved_by is None:
            return None
        contracts = self.rulebook.of(request.release)
        return ApprovalClaim(
            number=str(request.inputs[service.approved_by]),
            service=service.name,
            terms_hash=terms_hash(service, contracts, request.inputs, self.vault, request.release),
            by=request.authenticated_token or "",
            company=str(request.inputs[COMPANY]),  # the host told it of his card
        )

    def _last_day(self, service: Service, request: Request) -> date | None:
        """The last day of a report of loss, by the day on which it was taken."""
        if not service.expires or request.created_at is None:
            return None
        taken = request.created_at.astimezone(self.options.zone).date()
        return self.options.loss.last_day(request.channel, taken)

    # -- the one sending ------------------------------------------------------------------------

    async def _carry_out(self, service: Service, request: Request, log: FirstLog) -> Outcome:
        """Ask the host and make the end durable; returns what the caller may be told."""
        row = Settling(log.request, State.RECORDED, None)
        self.settler.expect(row)
        try:
            outcome = await self._execute(request, log)
            row.sent = log.sent
            if log.sent is None:
                await log.unsent()
            if isinstance(log.recorded, RecordRefused):
                return Declined(log.recorded.reason)
            if isinstance(log.recorded, Existing):
                return outcome
            return await self._conclude(service, row, outcome, log.reply)
        except JournalUnavailable:
            # Its commit may have been made all the same, and then nobody has the row.
            self.settler.look_over()
            return NotSent("journal")
        finally:
            self.settler.forget(row)

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
        except NotRecorded:
            waits = isinstance(log.recorded, Recorded) and log.recorded.waits
            why = "lifting first" if waits else "asked before"
        except SendDeadlinePassed:
            why = "deadline"
        except LeaseLost:
            self.settler.lost_lease = True
            why = "lease_lost"
        return NotSent(why) if log.sent is None else Unknown(why)

    async def _conclude(
        self, service: Service, row: Settling, outcome: Outcome, reply: HostMessage | None
    ) -> Outcome:
        """Make the outcome durable, then give what the caller may be told of it."""
        states, why = _next(service, outcome, row.sent is not None)
        row.state, row.why = states[-1], why
        verdict = Verdict(states, why, outcome, row.state is State.MANUAL, reply)
        lost = await self._write(row, verdict)
        if lost:
            return _not_durable(outcome, lost)
        if verdict.alarm:
            await self.settler.alarm(row.request.id, why)
        if row.state in RANKS:
            self.settler.take(row)
        if State.UNKNOWN in states:
            return Unknown(why)
        return NotSent(why) if row.state is State.REPEATING else outcome

    async def _write(self, row: Settling, verdict: Verdict) -> str:
        """Write the outcome; why it is not durable, or empty. Somebody goes on with the row."""
        work = self.journal.advance(
            row.request.id,
            verdict.states,
            why=verdict.why,
            outcome=verdict.outcome,
            next_attempt_at=self._due(row),
            answered=verdict.answered,
        )
        try:
            failed = await guarded(work)
        except JournalUnavailable:
            self.settler.commit_later(row, verdict)
            return "journal"
        except LeaseLost:
            self.settler.lost_lease = True
            return "lease_lost"
        if isinstance(failed, AdapterFailed):
            # It cannot be written as it is; the row may say SENT, or the commit was made after all.
            self.settler.resume(row, f"journal failed: {failed.kind}")
            return "journal"
        return ""

    def _due(self, row: Settling) -> datetime | None:
        return self.clock.now() if row.state in RANKS else None

    # -- answers --------------------------------------------------------------------------------

    def again(self, service: Service, request: Request, existing: Existing) -> Answer:
        """The first result of a request that comes a second time (rule 9)."""
        outcome = first_result(existing)
        reference = existing.reference
        request = _until(service, request, existing.until)
        same = replace(request, id=existing.request_id, reference=reference, created_at=None)
        return replace(self._answer(service, outcome, same), row=existing.request_id, again=True)

    def _without_row(self, service: Service, outcome: Outcome, request: Request) -> Answer:
        answer = self._answer(service, outcome, request)
        return replace(answer, exit=exit_without_row(service, outcome))

    def _answer(self, service: Service, outcome: Outcome, request: Request) -> Answer:
        data: Values = outcome.data if isinstance(outcome, Approved | Declined) else {}
        exit_name = exit_of(service, outcome)
        if request.reference:
            data = with_own(service, data, request, self.options.zone)
        return Answer(exit_name, outcome, data, request.id, request.reference)


def _until(service: Service, request: Request, last_day: date | None) -> Request:
    """With the last day of a report among its inputs: the host is told, at each repeat too."""
    if not service.expires:
        return request
    inputs = {name: value for name, value in request.inputs.items() if name != EXPIRY}
    if last_day is not None:
        inputs[EXPIRY] = last_day
    return replace(request, inputs=inputs)


def _bounded(hold: Hold, limit: str | None, most: Money | None) -> Hold:
    """With a ceiling no higher than what may be paid on a day without a second factor: two at the
    same moment may each have been within it."""
    if most is None or hold.limit != limit or most.currency != hold.ceiling.currency:
        return hold
    return replace(hold, ceiling=min(hold.ceiling, most, key=lambda money: money.minor))


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
