"""Carries out scheduled transfers: what is due by the host's business date, each due date once.

A due date is taken in one commit (`telebank.store.order_runs.begin`), so that one node has it. What
came of it is asked of the journal by its request id (`order-NUMBER-YYYYMMDD`), never remembered
here: killed at any step, a node goes on where the journal says that it was. Nothing is posted while
an earlier try of the same date is not settled as not done. A bug met with one order is an alarm,
and the others go on.
"""

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from telebank.customers import asked
from telebank.customers.order_options import OrderOptions
from telebank.customers.schedule import Every, Schedule, request_id, sort_out, too_late
from telebank.store import order_runs as jobs
from telebank.store.order_runs import Place
from telebank.store.orders import Order, Run, RunState, judged, one
from telebank.store.sealing import Keyring
from transactions.answer import Answer
from transactions.clock import Clock
from transactions.guarded import AdapterFailed, guarded
from transactions.inputs import content_hash
from transactions.journal import Existing, Journal, JournalEvent, RecordPlan
from transactions.lifecycle import DONE, UNSETTLED, State
from transactions.money import Money
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Value, Values
from transactions.ports import Health
from transactions.request import Request
from transactions.service import Contracts

CHANNEL = "order"
QUOTE, POST = "transfer.quote", "transfer.card_to_card"
REPEATED = "repeated"
"""The same was paid within the last minutes: a person would be asked whether he means it (rule 13);
here nobody can be, so it waits until that is over."""
TRY_AGAIN = frozenset({"insufficient", "pending", "unavailable", "cut_over", "prove", REPEATED})
"""Why a transfer was declined that may go well before its date is too late. `prove`: the customer
used so much on the day that a second factor was needed; the next day begins at nothing."""
FINAL = frozenset({State.DECLINED, State.CLOSED_NOT_POSTED})
"""Ends in which the host or people said no, as every `Declined` does whatever the end; in the
others it was not reached, or it was undone."""
SUPERSEDED = "tried_again"
"""What is noted of a try that another one followed: its customer is told of the last alone."""
MISSED, CANCELLED, IN_DOUBT = "missed", "cancelled", "in_doubt"
MOST_ALARMS = 10
"""Orders that fail at the same time with an alarm for each; of more, their runs alone say so."""
T = TypeVar("T")


class Host(Protocol):
    """What is asked of the host's adapter."""

    async def health(self) -> Health:
        """State of the links and the business date."""
        ...


class Processor(Protocol):
    """Who carries a transfer out."""

    async def submit(self, request: Request) -> Answer:
        """Carry out one request."""
        ...


class InForce(Protocol):
    """The release that new requests go by."""

    @property
    def hash(self) -> str:
        """Of its files."""
        ...

    @property
    def contracts(self) -> Contracts:
        """Its contracts."""
        ...


@dataclass(frozen=True, slots=True)
class Runner:
    """One look at a time; see `look`."""

    run: asked.Run
    journal: Journal
    processor: Processor
    host: Host
    vault: Keyring
    release: Callable[[], InForce]
    options: OrderOptions
    clock: Clock
    failing: set[int] = field(default_factory=set)
    """Orders that met a bug, of which there was an alarm, until they go well again."""

    async def look(self) -> int:
        """Do all that is due; return how many due dates were worked on.

        Nothing while no link is up: the host's date says what is due, and nothing could be sent.
        Raises `JournalUnavailable` or `LeaseLost`; what was begun is gone on with later.
        """
        worked, past = 0, Place()
        while True:
            health = await self.host.health()
            day = health.business_date
            if day is None or health.links_up == 0:
                return worked
            again, more = await self._left(day)
            came, further = await self._coming(day, past)
            worked += again + came
            if not more and further is None:
                return worked
            past = further or Place()

    async def _left(self, day: date) -> tuple[int, bool]:
        """Due dates that wait for another try, or that a killed node left; whether there may be
        more than were read."""
        found: Sequence[Run] = await self.run(partial(jobs.left, most=self.options.batch))
        worked = 0
        for run in found:
            worked += bool(await self._contained(run, self._taken_up(run, day)))
        return worked, worked > 0 and len(found) == self.options.batch

    async def _taken_up(self, run: Run, day: date) -> bool:
        """Go on with a due date, where nobody else does."""
        until = self._later(self.options.hold_s)
        job = partial(jobs.take, number=run.number, due=run.due, until=until)
        mine: Run | None = await self.run(job, judged(run.number))
        order: Order | None = await self.run(partial(one, number=run.number))
        if mine is None or order is None:
            return False
        await self._work(order, mine, day)
        return True

    async def _coming(self, day: date, past: Place) -> tuple[int, Place | None]:
        """Due dates that the host's date has reached, oldest first, of a batch of orders; where the
        next batch begins, where there may be one."""
        job = partial(jobs.coming, day=day, most=self.options.batch, past=past)
        found: Sequence[Order] = await self.run(job)
        dates: list[tuple[date, Order]] = []
        for order in found:
            due = await self._contained(self._new(order, order.next or day), _dates(order, day))
            dates += [(one_day, order) for one_day in due or ()]
        worked = 0
        for due_on, order in sorted(dates, key=lambda it: (it[0], it[1].number)):
            run = self._new(order, due_on)
            worked += bool(await self._contained(run, self._begun(order, run, day)))
        if len(found) < self.options.batch:
            return worked, None
        return worked, Place(found[-1].next or day, found[-1].number)

    def _new(self, order: Order, due: date) -> Run:
        return Run(order.number, due, 1, "open", "", self.clock.now())

    async def _begun(self, order: Order, run: Run, day: date) -> bool:
        """Take a due date for this node and work on it: as the order stands by then. False where
        another node has it, or it was cancelled."""
        job = partial(
            jobs.begin,
            number=order.number,
            due=run.due,
            then=_schedule(order).after(run.due),
            until=self._later(self.options.hold_s),
        )
        begun: Order | None = await self.run(job, judged(order.number))
        if begun is None:
            return False
        await self._work(begun, run, day)
        return True

    # -- one order's bug ------------------------------------------------------------------------

    async def _contained(self, run: Run, work: Coroutine[Any, Any, T]) -> T | None:
        """The result of one order's work. What it raises that nobody foresaw is an alarm, once, and
        the due date is tried again later; the other orders go on. What the journal's port raises
        passes: it is no order's."""
        done = await guarded(work)
        if not isinstance(done, AdapterFailed):
            return done
        why = f"failed: {done.kind}"
        await self._hold(replace(run, why=why), self.options.retry_s)
        if run.number not in self.failing and len(self.failing) < MOST_ALARMS:
            self.failing.add(run.number)
            event = JournalEvent("alarm.orders", origin=CHANNEL)
            event.detail.update(order=run.number, due=run.due.isoformat(), why=why)
            await self.journal.append(event)
        return None

    # -- one due date ---------------------------------------------------------------------------

    async def _work(self, order: Order, run: Run, day: date) -> None:
        if not await self._known(order, run, day):
            late = too_late(run.due, day, self.options.grace_days)
            if order.state == CANCELLED:
                await self._end(run, "failed", CANCELLED)
            elif late:
                await self._not_done(order, run, day, run.why or MISSED)
            else:
                outcome = await self._try(order, run, day)
                if not await self._known(order, run, day):
                    await self._without_row(order, run, day, outcome)
        self.failing.discard(run.number)

    async def _known(self, order: Order, run: Run, day: date) -> bool:
        """Go on by what the journal says of this try; False where it knows nothing of it."""
        found = await self.journal.find(request_id(run.number, run.due, run.attempt))
        if found is None:
            return False
        existing = found.existing
        if existing.state in DONE:
            await self._end(run, "done", "")
        elif existing.state in UNSETTLED:
            await self._hold(replace(run, why=IN_DOUBT), self._doubt_s(run))
        elif order.state != CANCELLED and self._again(existing, run, day):
            await self._try_again(existing, run)
        else:
            await self._end(run, "failed", _reason(existing))
        return True

    def _again(self, existing: Existing, run: Run, day: date) -> bool:
        """Whether what was not done is tried once more."""
        said_no = existing.state in FINAL or isinstance(existing.outcome, Declined)
        final = said_no and _reason(existing) not in TRY_AGAIN
        return not final and not too_late(run.due, day, self.options.grace_days)

    async def _try_again(self, existing: Existing, run: Run) -> None:
        """Later; the customer hears of the last try alone."""
        job = partial(
            jobs.try_again,
            run=replace(run, attempt=run.attempt + 1, why=_reason(existing)),
            request=existing.request_id,
            note=SUPERSEDED,
            until=self._later(self.options.retry_s),
        )
        await self.run(job, judged(run.number))

    def _doubt_s(self, run: Run) -> float:
        """Seconds until it is asked after again: as many as it has been in doubt."""
        lasted = (self.clock.now() - run.since).total_seconds() if run.why == IN_DOUBT else 0.0
        return min(max(lasted, self.options.doubt_s), self.options.doubt_most_s)

    async def _try(self, order: Order, run: Run, day: date) -> Outcome:
        """Have it quoted and, where the terms are those that were told, post it."""
        name = request_id(run.number, run.due, run.attempt)
        answer = await self._ask(order, f"{name}-quote", QUOTE, _terms(order))
        if not isinstance(answer.outcome, Approved):
            return answer.outcome
        if not self._agreed(order, answer.data.get("fee")):
            return Declined("fee_changed")
        now: Order | None = await self.run(partial(one, number=order.number))
        if now is None or now.state == CANCELLED:  # while it was quoted
            return Declined(CANCELLED)
        posted = await self._ask(order, name, POST, {"quote": answer.data["quote"]})
        return posted.outcome

    def _agreed(self, order: Order, fee: Value | None) -> bool:
        """Whether it is the fee that was told; where none was, one that nobody would refuse."""
        if order.fee is not None:
            return fee == order.fee
        most = self.options.highest_fee(order.amount.currency)
        return isinstance(fee, Money) and fee.currency == most.currency and fee.minor <= most.minor

    async def _ask(self, order: Order, name: str, service: str, inputs: Values) -> Answer:
        return await self.processor.submit(self._request(order, name, service, inputs))

    def _request(self, order: Order, name: str, service: str, inputs: Values) -> Request:
        """As the customer would ask, by what he had proved when he made the order."""
        release = self.release()
        return Request(
            id=name,
            service=service,
            contract_version=release.contracts[service].version,
            inputs=inputs,
            actor=f"order-{order.number}",
            channel=CHANNEL,
            language=order.language,
            auth=order.auth,
            authenticated_token=order.payer.token,
            release=release.hash,
        )

    async def _without_row(self, order: Order, run: Run, day: date, outcome: Outcome) -> None:
        """Nothing was recorded: ask again later, or it is not done."""
        match outcome:
            case Declined(reason=reason) if reason == CANCELLED:
                await self._end(run, "failed", CANCELLED)
            case Declined(reason=reason) if reason not in TRY_AGAIN:
                await self._not_done(order, run, day, reason)
            case Declined(reason=reason) | NotSent(reason=reason) | Unknown(reason=reason):
                pause = self.options.repeat_s if reason == REPEATED else self.options.retry_s
                await self._hold(replace(run, why=reason), pause)
            case Approved():
                raise RuntimeError(f"order {run.number} of {run.due} was posted without a row")

    # -- its end --------------------------------------------------------------------------------

    async def _not_done(self, order: Order, run: Run, day: date, why: str) -> None:
        """Not carried out, and nothing was recorded: a row that was never sent says so, so that it
        is told first in the customer's next call (`notice.next`); in one commit with the run's end.
        Where another node was faster, what the journal says counts."""
        name = request_id(run.number, run.due, run.attempt)
        inputs: Values = {**_terms(order), "payee_masked": order.payee_name}
        request = replace(
            self._request(order, name, POST, inputs),
            business_date=day,
            reference=await self.journal.next_reference(),
        )
        row = jobs.unsent(request, self._plan(request, order), why, self.vault)
        state: RunState = "missed" if why == MISSED else "failed"
        job = partial(jobs.end_unsent, run=run, state=state, row=row)
        if await self.run(job, jobs.judged_unsent(run, row)) is not True:
            await self._known(order, run, day)

    def _plan(self, request: Request, order: Order) -> RecordPlan:
        """It draws on no limit and may be of a hot card, since nothing goes to the host."""
        service = self.release().contracts[POST]
        return RecordPlan(
            effect=service.effect,
            recovery=service.recovery,
            content_hash=content_hash(service, request.inputs, order.payer.token, self.vault),
            customer=order.payer.token,
            takes_hot=True,
        )

    async def _end(self, run: Run, state: RunState, why: str) -> None:
        await self.run(partial(jobs.end, run=run, state=state, why=why), judged(run.number))

    async def _hold(self, run: Run, seconds: float) -> None:
        job = partial(jobs.hold, run=run, until=self._later(seconds))
        await self.run(job, judged(run.number))

    def _later(self, seconds: float) -> datetime:
        return self.clock.now() + timedelta(seconds=seconds)


def _terms(order: Order) -> Values:
    return {"from": order.payer, "to": order.payee, "amount": order.amount}


def _schedule(order: Order) -> Schedule:
    return Schedule(order.first, cast("Every", order.every), order.last)


async def _dates(order: Order, day: date) -> Sequence[date]:
    assert order.next is not None
    return sort_out(_schedule(order), order.next, day).due


def _reason(existing: Existing) -> str:
    """Why it was not done."""
    match existing.outcome:
        case Declined(reason=reason) | NotSent(reason=reason) | Unknown(reason=reason):
            return reason
        case _:
            return existing.state.value.lower()
