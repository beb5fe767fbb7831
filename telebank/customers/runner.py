"""Carries out scheduled transfers: what is due by the host's business date, each due date once.

A due date is taken in one commit (`telebank.store.orders.begin`), so that one node has it. What
came of it is asked of the journal by its request id (`order-NUMBER-YYYYMMDD`), never remembered
here: killed at any step, a node goes on where the journal says that it was. Nothing is posted while
an earlier try of the same date is not settled as not done.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Protocol, cast

from telebank.customers import asked
from telebank.customers.order_options import OrderOptions
from telebank.customers.schedule import Every, Schedule, request_id, sort_out, too_late
from telebank.store import orders as jobs
from telebank.store.orders import Order, Run
from transactions.answer import Answer
from transactions.card import CardVault
from transactions.clock import Clock
from transactions.inputs import content_hash
from transactions.journal import Existing, Journal, Recorded, RecordPlan
from transactions.lifecycle import DONE, UNSETTLED, State
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Values
from transactions.ports import Health
from transactions.request import Request
from transactions.service import Contracts

CHANNEL = "order"
QUOTE, POST = "transfer.quote", "transfer.card_to_card"
TRY_AGAIN = frozenset({"insufficient", "pending", "unavailable", "cut_over"})
"""Why a transfer was declined that may go well before its date is too late."""
FINAL = frozenset({State.DECLINED, State.CLOSED_NOT_POSTED})
"""Ends in which the host or people said no; in the others it was not reached, or it was undone."""
SUPERSEDED = "tried_again"
"""What is noted of a try that another one followed: its customer is told of the last alone."""
MISSED, CANCELLED, IN_DOUBT = "missed", "cancelled", "in_doubt"


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
    vault: CardVault
    release: Callable[[], InForce]
    options: OrderOptions
    clock: Clock

    async def look(self) -> int:
        """Do what is due; return how many due dates were worked on.

        Nothing while no link is up: the host's date says what is due, and nothing could be sent.
        Raises `JournalUnavailable` or `LeaseLost`; what was begun is gone on with later.
        """
        health = await self.host.health()
        if health.business_date is None or health.links_up == 0:
            return 0
        return await self._left(health.business_date) + await self._coming(health.business_date)

    async def _left(self, day: date) -> int:
        """Due dates that wait for another try, or that a killed node left."""
        found: Sequence[Run] = await self.run(partial(jobs.left, most=self.options.batch))
        worked = 0
        for run in found:
            job = partial(
                jobs.take, number=run.number, due=run.due, until=self._later(self.options.hold_s)
            )
            mine: Run | None = await self.run(job, jobs.judged(run.number))
            order: Order | None = await self.run(partial(jobs.one, number=run.number))
            if mine is not None and order is not None:
                await self._work(order, mine, day)
                worked += 1
        return worked

    async def _coming(self, day: date) -> int:
        """Due dates that the host's date has reached, oldest first."""
        job = partial(jobs.coming, day=day, most=self.options.batch)
        found: Sequence[Order] = await self.run(job)
        dates = [(due, order) for order in found for due in _dates(order, day)]
        worked = 0
        for due, order in sorted(dates, key=lambda one: (one[0], one[1].number)):
            taken = await self._begun(order, due)
            if taken is not None:
                await self._work(taken, Run(order.number, due, 1, "open", ""), day)
                worked += 1
        return worked

    async def _begun(self, order: Order, due: date) -> Order | None:
        """Take a due date for this node: the order as it stands by then. None where another node
        has it, or it was cancelled."""
        job = partial(
            jobs.begin,
            number=order.number,
            due=due,
            then=_schedule(order).after(due),
            until=self._later(self.options.hold_s),
        )
        begun: Order | None = await self.run(job, jobs.judged(order.number))
        return begun

    # -- one due date ---------------------------------------------------------------------------

    async def _work(self, order: Order, run: Run, day: date) -> None:
        if await self._known(order, run, day):
            return
        late = too_late(run.due, day, self.options.grace_days)
        if order.state == CANCELLED:
            await self._end(run, "failed", CANCELLED)
        elif late and run.why:
            await self._not_done(order, run, day, run.why)
        elif late:
            await self._not_done(order, run, day, MISSED)
        else:
            outcome = await self._try(order, run, day)
            if not await self._known(order, run, day):
                await self._without_row(order, run, day, outcome)

    async def _known(self, order: Order, run: Run, day: date) -> bool:
        """Go on by what the journal says of this try; False where it knows nothing of it."""
        found = await self.journal.find(request_id(run.number, run.due, run.attempt))
        if found is None:
            return False
        existing = found.existing
        if existing.state in DONE:
            await self._end(run, "done", "")
        elif existing.state in UNSETTLED:
            await self._hold(replace(run, why=IN_DOUBT), self.options.doubt_s)
        elif order.state != CANCELLED and self._again(existing, run, day):
            await self.journal.told(existing.request_id, SUPERSEDED)
            later = replace(run, attempt=run.attempt + 1, why=_reason(existing))
            await self._hold(later, self.options.retry_s)
        else:
            await self._end(run, "failed", _reason(existing))
        return True

    def _again(self, existing: Existing, run: Run, day: date) -> bool:
        """Whether what was not done is tried once more."""
        no = existing.state in FINAL and _reason(existing) not in TRY_AGAIN
        return not no and not too_late(run.due, day, self.options.grace_days)

    async def _try(self, order: Order, run: Run, day: date) -> Outcome:
        """Have it quoted and, where the terms are those that were told, post it."""
        name = request_id(run.number, run.due, run.attempt)
        answer = await self._ask(order, f"{name}-quote", QUOTE, _terms(order))
        quoted = answer.outcome
        told_again = isinstance(quoted, Declined) and quoted.reason == "repeated"
        if not isinstance(quoted, Approved) and not told_again:
            return quoted
        if order.fee is not None and answer.data.get("fee") != order.fee:
            return Declined("fee_changed")
        posted = await self._ask(order, name, POST, {"quote": answer.data["quote"]})
        return posted.outcome

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
            case Declined(reason=reason) if reason not in TRY_AGAIN:
                await self._not_done(order, run, day, reason)
            case Declined(reason=reason) | NotSent(reason=reason) | Unknown(reason=reason):
                await self._hold(replace(run, why=reason), self.options.retry_s)
            case Approved():
                raise RuntimeError(f"order {run.number} of {run.due} was posted without a row")

    # -- its end --------------------------------------------------------------------------------

    async def _not_done(self, order: Order, run: Run, day: date, why: str) -> None:
        """Not carried out, and nothing was recorded: a row that was never sent says so, so that it
        is told first in the customer's next call (`notice.next`)."""
        name = request_id(run.number, run.due, run.attempt)
        inputs: Values = {**_terms(order), "payee_masked": order.payee_name}
        request = replace(
            self._request(order, name, POST, inputs),
            business_date=day,
            reference=await self.journal.next_reference(),
        )
        made = await self.journal.record(request, self._unsent(request, order))
        if isinstance(made, Recorded):
            states = [State.NOT_SENT]
            await self.journal.advance(name, states, why=why, outcome=Declined(why))
        await self._end(run, "missed" if why == MISSED else "failed", why)

    def _unsent(self, request: Request, order: Order) -> RecordPlan:
        """It draws on no limit and may be of a hot card, since nothing goes to the host."""
        service = self.release().contracts[POST]
        return RecordPlan(
            effect=service.effect,
            recovery=service.recovery,
            content_hash=content_hash(service, request.inputs, order.payer.token, self.vault),
            customer=order.payer.token,
            takes_hot=True,
        )

    async def _end(self, run: Run, state: jobs.RunState, why: str) -> None:
        await self.run(partial(jobs.end, run=run, state=state, why=why), jobs.judged(run.number))

    async def _hold(self, run: Run, seconds: float) -> None:
        job = partial(jobs.hold, run=run, until=self._later(seconds))
        await self.run(job, jobs.judged(run.number))

    def _later(self, seconds: float) -> datetime:
        return self.clock.now() + timedelta(seconds=seconds)


def _terms(order: Order) -> Values:
    return {"from": order.payer, "to": order.payee, "amount": order.amount}


def _schedule(order: Order) -> Schedule:
    return Schedule(order.first, cast("Every", order.every), order.last)


def _dates(order: Order, day: date) -> Sequence[date]:
    assert order.next is not None
    return sort_out(_schedule(order), order.next, day).due


def _reason(existing: Existing) -> str:
    """Why it was not done."""
    match existing.outcome:
        case Declined(reason=reason) | NotSent(reason=reason) | Unknown(reason=reason):
            return reason
        case _:
            return existing.state.value.lower()
