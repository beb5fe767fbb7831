"""The processor: takes requests, owns the work, outlives the caller, and knows no call.

A caller's `submit` may be cancelled at any await: the work runs in a task of the processor and
ends in the journal. Everything here follows the contract's data; no service is known by name.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from transactions.admission import TriesDesk, customer_token, refusal
from transactions.answer import Answer, exit_without_row
from transactions.brake import Brake
from transactions.card import CardVault
from transactions.claims import Claims
from transactions.clock import Clock
from transactions.closing import Closed, Closing, NotClosed
from transactions.contract import Contracts, Service
from transactions.guard import check_settings
from transactions.hot_list import TELLER
from transactions.inputs import complaint, wipe
from transactions.journal import Journal, JournalEvent, OpenRow
from transactions.lifecycle import State
from transactions.options import DEADLINE_MARGIN_S, ProcessorOptions
from transactions.outcome import Approved, Declined, NotSent, Outcome
from transactions.own import NoDesk, OwnDesk
from transactions.owned import OwnServices
from transactions.permission import Permission
from transactions.ports import RELEASE, HostAdapter, JournalUnavailable, LeaseLost
from transactions.proof import Tiers, check_tiers
from transactions.quotes import Quote, QuoteBook, quote_name
from transactions.reads import Reader
from transactions.request import MAX_REQUEST_ID, Request
from transactions.rulebook import Rulebook
from transactions.settle import Settler
from transactions.settling import RANKS
from transactions.telephone_pin import Knowledge
from transactions.told import ToldBook
from transactions.writes import Writer

__all__ = ["Answer", "Clock", "Processor", "ProcessorOptions", "RecoveryReport"]


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What the last run left, by what became of it; `open` is still being settled."""

    not_sent: int = 0
    unknown: int = 0
    resumed: int = 0
    to_person: int = 0
    open: int = 0


class Processor:
    """Takes requests from any channel; see `submit`."""

    def __init__(  # noqa: PLR0917 - the order of the way of a request
        self,
        contracts: Contracts,
        host: HostAdapter,
        journal: Journal,
        vault: CardVault,
        options: ProcessorOptions,
        clock: Clock,
        local: Knowledge | None = None,
        desk: OwnDesk | None = None,
    ) -> None:
        """`local` is who says whether a PIN is right (rule 17), `HostVerifies` where that is the
        host; without it the host verifies all, and no node of the store may keep PINs. `desk`
        answers services of source own; without it none is served, and no payee is trusted.

        Raises `ContractError` where a contract names a limit or tier that `options` lacks."""
        check_settings(contracts, options.limits)
        check_tiers(contracts, options.second_factor)
        self._rulebook = Rulebook(contracts)
        self._host = host
        self._journal = journal
        self._vault = vault
        self._options = options
        self._clock = clock
        self._quotes = QuoteBook(options.quotes_max, options.quote_ttl_s)
        self._settler = Settler(host, journal, options, clock)
        tries = TriesDesk(journal, clock, options)
        self.brake = Brake()
        """For whoever runs the node."""
        self._local = local
        self._desk = desk or NoDesk()
        self._tiers = Tiers(
            self._desk, options.second_factor, journal, options.second_factor_per_day
        )
        self._told = ToldBook(options.remembered_max, options.told_ttl_s, vault)
        self._permission = Permission(journal, self._tiers, self._told, clock)
        self._own = OwnServices(self._desk, journal, tries, self._tiers)
        self._reader = Reader(
            *(self._rulebook, host, journal, vault, options, clock, self._quotes, tries),
            self._tiers,
            self._told,
            self.brake,
            local,
        )
        self._writer = Writer(
            *(self._rulebook, host, journal, vault, options, clock, self._settler, tries),
            self._tiers,
            self.brake,
        )
        self._work: dict[asyncio.Task[Answer], str] = {}
        self._notes: set[asyncio.Task[None]] = set()
        self._claims = Claims()
        self._rows: OrderedDict[str, str] = OrderedDict()
        self._ready = False
        self._closing = False

    # -- for callers ----------------------------------------------------------------------------

    async def submit(self, request: Request) -> Answer:
        """Carry out one request. Refusals are answers; secrets among the inputs are wiped after.

        The same id, or the same quote, again gives the first result; a cancelled `submit` changes
        nothing about the work. Raises `RuntimeError` before `recover` (rule 8).
        """
        if not self._ready:
            raise RuntimeError("call recover() before requests are taken")
        work = self._whole(request, len(self._work))
        task = asyncio.create_task(work, name=f"request {request.id[:MAX_REQUEST_ID]}")
        self._work[task] = request.release
        task.add_done_callback(self._work_ended)
        return await asyncio.shield(task)

    async def told(self, request_id: str, exit_name: str) -> None:
        """The caller heard the words of this exit. `request_id` is the id that he submitted; ids
        without a row behind them are let pass."""
        row = self._rows.get(request_id)
        if row is not None:
            with contextlib.suppress(JournalUnavailable, LeaseLost):
                await self._journal.told(row, exit_name)

    async def close_by_people(self, closing: Closing) -> Closed | NotClosed:
        """Two people found out what the host did: MANUAL goes to its end, with its holds.

        Raises `JournalUnavailable` or `LeaseLost`; then nothing was changed.
        """
        try:
            return await self._journal.close_row(closing)
        except LeaseLost:
            self._settler.lost_lease = True
            raise

    def late_answer(self, request_id: str, outcome: Outcome) -> None:
        """The adapter's callback: an answer came after its request was given up (rule 5)."""
        task = asyncio.create_task(self._settler.late(request_id, outcome), name="late answer")
        self._notes.add(task)
        task.add_done_callback(self._note_ended)

    def _work_ended(self, task: asyncio.Task[Answer]) -> None:
        self._work.pop(task, None)
        self._alarm_of(task)

    def _note_ended(self, task: asyncio.Task[None]) -> None:
        self._notes.discard(task)
        self._alarm_of(task)

    def _alarm_of(self, task: asyncio.Task[Answer] | asyncio.Task[None]) -> None:
        """No task dies unseen, though its caller may have hung up."""
        error = None if task.cancelled() else task.exception()
        if error is None or self._closing:
            return
        why = f"{task.get_name().partition(' ')[0]} failed: {type(error).__name__}"
        request_id = task.get_name().partition(" ")[2]
        note = asyncio.create_task(self._settler.note("alarm.task", request_id, why), name="alarm")
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    def open_count(self) -> int:
        """Requests in flight and rows being settled."""
        return len(self._work) + self._settler.count()

    # -- releases -------------------------------------------------------------------------------

    def contracts(self, release: str) -> Contracts:
        """Those that a request of this release is served by."""
        return self._rulebook.of(release)

    def learn(self, release: str, contracts: Contracts, served: Mapping[str, int]) -> None:
        """Serve this release too; `served` is what the adapter serves of it. Raises `ContractError`
        where a contract names a limit or tier that is not set."""
        check_settings(contracts, self._options.limits)
        check_tiers(contracts, self._options.second_factor)
        self._rulebook.learn(release, contracts, served)

    def in_flight(self) -> frozenset[str]:
        """Releases of the requests in flight."""
        return frozenset(self._work.values())

    def stand_in(self, release: str) -> None:
        """Serve a release that cannot be read by the one in force."""
        self._rulebook.stand_in(release)

    def use(self, release: str) -> None:
        """A release that was learnt is in force."""
        self._rulebook.use(release)

    def forget(self, release: str) -> None:
        """No call, no request in flight and no open row has this release any more."""
        self._rulebook.forget(release)

    # -- start and stop -------------------------------------------------------------------------

    async def recover(self, *, rival: bool = False) -> RecoveryReport:
        """Bring every row of the last run on its way, then take requests (rule 8).

        RECORDED is NOT_SENT, or REPEATING where the service is to be repeated until answered;
        SENT is UNKNOWN and goes by its recovery. Waits a while for the rows to be settled.
        With `rival` the process that had the node may still run: what it has as SENT is reversed
        only when its deadline is past, so that no original comes after its reversal.
        """
        rows = sorted(await self._journal.open_rows(), key=_rank)
        if rival and any(row.state is State.SENT for row in rows):
            await self._clock.sleep(self._options.send_deadline_s + DEADLINE_MARGIN_S)
        found = [await self._settler.take_up(row, "restart") for row in rows]
        if (await self._host.health()).links_up > 0:
            await self._settler.idle(self._options.recovery_wait_s)
        self._ready = True
        return RecoveryReport(
            not_sent=found.count(State.NOT_SENT),
            unknown=sum(row.state in (State.SENT, State.UNKNOWN) for row in rows),
            resumed=sum(row.state in RANKS for row in rows),
            to_person=found.count(State.MANUAL),
            open=self._settler.count(),
        )

    async def close(self) -> None:
        """Take nothing more, wait for what can finish, leave the rest durable for `recover`."""
        self._closing = True
        if self._work:
            timer = asyncio.ensure_future(self._clock.sleep(self._options.close_wait_s))
            work = asyncio.ensure_future(asyncio.wait(set(self._work)))
            await asyncio.wait({timer, work}, return_when=asyncio.FIRST_COMPLETED)
            timer.cancel()
            work.cancel()
        for task in set(self._work):
            task.cancel()
        await self._settler.close(self._options.close_wait_s)
        if left := {*self._work, *self._notes}:
            await asyncio.wait(left)

    # -- one request ----------------------------------------------------------------------------

    async def _whole(self, request: Request, ahead: int) -> Answer:
        try:
            answer = await self._judge(request, ahead)
        except LeaseLost:
            self._settler.lost_lease = True
            answer = self._refuse(request, NotSent("lease_lost"))
        finally:
            wipe(request.inputs)
        return answer

    async def _judge(self, request: Request, ahead: int) -> Answer:
        service = self._rulebook.of(request.release).services.get(request.service)
        if service is None:
            return self._refuse(request, Declined("unknown_service"))
        no_room = self._no_room(service, ahead)
        if no_room is not None:
            return self._refuse(request, no_room)  # cheaply: not even an event
        if not self._rulebook.knows(request.release):
            unknown = NotSent(RELEASE) if service.effect == "money" else Declined(RELEASE)
            return await self._without_row(service, request, unknown)
        why = complaint(service, request)
        refused = None if why is None else Declined("bad_request", {"why": why})
        if refused is None and service.source != "journal":
            served = self._served(service, request.release) == service.version
            refused = None if served else Declined("unsupported")
        if refused is not None:
            return await self._without_row(service, request, refused)
        return await self._serve(service, await self._stamped(request))

    def _served(self, service: Service, release: str) -> int | None:
        """The contract version in which this is served, by our desk or by the release's host."""
        if service.source == "own":
            return self._desk.serves().get(service.name)
        served = self._rulebook.rules(release).served
        return (self._host.capabilities() if served is None else served).get(service.name)

    def _no_room(self, service: Service, ahead: int) -> NotSent | None:
        room = self._options.in_flight_max
        if service.hot_lists is not None:
            room += self._options.in_flight_reserve
        if self._closing:
            return NotSent("closing")
        if self._settler.lost_lease:
            return NotSent("lease_lost")
        return NotSent("busy") if ahead >= room else None

    async def _stamped(self, request: Request) -> Request:
        """With its send deadline, its time and its business date (from the host; ours if away)."""
        now = self._clock.now()
        day = (await self._host.health()).business_date
        limit = self._clock.monotonic() + self._options.send_deadline_s
        return replace(
            request,
            created_at=now,
            business_date=day or now.astimezone(self._options.zone).date(),
            deadline=min(request.deadline, limit) if request.deadline else limit,
        )

    async def _serve(self, service: Service, request: Request) -> Answer:
        quote, handle = None, ""
        if service.effect == "money":
            handle = str(request.inputs[quote_name(service, self._rulebook.of(request.release))])
            quote = self._quotes.find(handle, service, self._clock.monotonic())
            if quote is None:
                return await self._posted_before(service, request, handle)
            request = replace(request, inputs={**quote.terms, **request.inputs})
        customer = customer_token(service, request.inputs, self._vault)
        try:
            request, refused = await self._permission.ask(service, request, customer, handle)
        except JournalUnavailable:
            return self._refuse(request, NotSent("journal"))
        if refused is not None:
            return await self._without_row(service, request, refused)
        if service.effect == "read" or service.source != "host":
            return await self._rowless(service, request, customer)
        return await self._write(service, request, customer, quote, handle)

    async def _rowless(self, service: Service, request: Request, customer: str) -> Answer:
        """What leaves no row: reads, what our journal tells, what our own desk answers."""
        if service.source == "own":
            return await self._owned(service, request, customer)
        if service.source == "journal":
            answer = await self._reader.from_journal(service, request, customer)
            self._remember(request.id, answer)
            return answer
        outcome = await self._reader.read(service, request, customer)
        if isinstance(outcome, Approved):
            contracts, now = self._rulebook.of(request.release), self._clock.monotonic()
            self._told.hear(contracts, service, request, customer, outcome.data, now)
        return await self._without_row(service, request, outcome)

    async def _owned(self, service: Service, request: Request, customer: str) -> Answer:
        """Answered by the node's desk, one at a time for an id."""
        async with self._claims.turn(request):
            outcome = await self._own.outcome(service, request, customer)
        return await self._without_row(service, request, outcome)

    async def _write(
        self, service: Service, request: Request, customer: str, quote: Quote | None, handle: str
    ) -> Answer:
        async with self._claims.turn(request, handle):
            work = partial(self._writer.write, service, request, customer, quote, handle)
            if self._local is None:
                answer = await work()
            else:
                answer = await self._local.write(service, request, customer, work)
        if handle:
            self._quotes.posted(handle, self._clock.monotonic())
        self._remember(request.id, answer)
        return answer

    async def _posted_before(self, service: Service, request: Request, handle: str) -> Answer:
        """The terms of a quote are gone (time, or a restart), but what was posted on it is still
        the answer, to the same customer (rule 9)."""
        await self._claims.free(request, handle)
        try:
            found = await self._journal.find(request.id, handle)
            if found is None:
                return await self._without_row(service, request, Declined("quote_expired"))
            refused: Declined | None = Declined("different_content")
            if (found.service, found.quote) == (service.name, handle):
                refused = await refusal(service, request, found.customer or "", self._journal)
        except JournalUnavailable:
            return self._refuse(request, NotSent("journal"))
        if refused is not None:
            return await self._without_row(service, request, refused)
        answer = self._writer.again(service, request, found.existing)
        self._remember(request.id, answer)
        return answer

    def _remember(self, request_id: str, answer: Answer) -> None:
        """Which row is told when this id is told; only rows can be."""
        if not answer.row:
            return
        self._rows[request_id] = answer.row
        while len(self._rows) > self._options.remembered_max:
            self._rows.popitem(last=False)

    # -- answers without a row --------------------------------------------------------------------

    async def _without_row(self, service: Service, request: Request, outcome: Outcome) -> Answer:
        """Answer what the journal keeps only as an event, and write that event."""
        answer = self._refuse(request, outcome)
        reason = "" if isinstance(outcome, Approved) else outcome.reason
        event = JournalEvent(
            kind="service.answered",
            call=request.call,
            request=request.id[:MAX_REQUEST_ID],
            actor=request.actor,
            role=TELLER if request.channel == TELLER else "customer",
            origin=request.channel,
            outcome=answer.exit,
            detail={"service": service.name, "reason": reason},
        )
        with contextlib.suppress(JournalUnavailable):
            await self._journal.append(event)
        return answer

    def _refuse(self, request: Request, outcome: Outcome) -> Answer:
        service = self._rulebook.of(request.release).services.get(request.service)
        exit_name = "unavailable" if service is None else exit_without_row(service, outcome)
        data = outcome.data if isinstance(outcome, Approved | Declined) else {}
        return Answer(exit_name, outcome, data, request.id)


def _rank(row: OpenRow) -> int:
    """Stored reports of loss first (rule 16)."""
    return 0 if row.recovery == "repeat" else 1
