"""The port `HostAdapter` over SQL: the bank's procedures, one database transaction for each call.

Each call takes a worker first, then makes the message's row durable, then runs its statements.
Where they had not begun it is `NotSent`; from then on the end is the database's clear answer (a
row with a code, committed where it was a success; or an error that the profile knows to mean that
all was rolled back, and a confirmed rollback), or `Unknown`.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

from core_adapters.sql.build import Builder, Terms, answered_row, next_row
from core_adapters.sql.checks import check_profile, money_input
from core_adapters.sql.events import Alarm, HostEvents, LateReply
from core_adapters.sql.judge import (
    business_date,
    judge,
    judge_reversal,
    judge_totals,
    result_code,
    understood,
)
from core_adapters.sql.options import SqlOptions
from core_adapters.sql.pool import Hung, Pool
from core_adapters.sql.profile import Call, Profile, ServiceMap
from core_adapters.sql.session import (
    GIVEN_UP,
    Broken,
    Connector,
    End,
    Job,
    Replied,
    Session,
    Stage,
    Ticket,
    odbc,
)
from core_adapters.sql.values import BuildError, Row
from core_adapters.terms import handles, optional_terms
from transactions.card import CardNumberError, CardVault
from transactions.contract import Contracts
from transactions.money import Money
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown
from transactions.ports import (
    Health,
    HostTotals,
    MessageLog,
    ReversalImpossible,
    ReversalOutcome,
    ReversalUnanswered,
    TotalsUnavailable,
    Unsupported,
)
from transactions.request import HostMessage, Request

TIME_OUT = "time_out"


class SqlHost:
    """A core host reached by one profile. `await start()`, then any number of calls at once."""

    def __init__(
        self,
        profile: Profile,
        contracts: Contracts,
        options: SqlOptions,
        *,
        events: HostEvents | None = None,
        vault: CardVault | None = None,
        connector: Connector = odbc,
    ) -> None:
        """Raises `ProfileError` where profile, contracts and dialect do not fit, `ValueError` or
        `OSError` where the password file cannot be used."""
        check_profile(profile, contracts, options.dialect)
        self._profile = profile
        self._contracts = contracts
        self._options = options
        self._events = events or HostEvents()
        self._builder = Builder(
            profile.dialects[options.dialect], options, vault, optional_terms(contracts)
        )
        self._business_date: date | None = None
        where, ping = options.connection_string(), self._builder.ping()
        self._pool = Pool(
            options,
            connect=lambda: Session(where, options.login_s, ping, connector),
            on_link=self._events.link,
            on_ping=lambda end: self._heard(end.rows),
        )

    async def start(self) -> None:
        """Begin to connect; returns before anything is."""
        self._pool.start()

    async def wait_signed_on(self, timeout_s: float) -> bool:
        """Wait until a connection is there; False where none was in `timeout_s` seconds."""
        return await self._pool.wait_up(timeout_s)

    async def close(self) -> None:
        """Take nothing new, let statements end, close the connections."""
        await self._pool.close()

    def capabilities(self) -> Mapping[str, int]:
        """Services that the profile has for this dialect, each with its contract version."""
        served = self._profile.services.values()
        return {one.name: one.version for one in served if self._options.dialect in one.call.sql}

    # -- requests -------------------------------------------------------------------------------

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        """Ask the host; see `HostAdapter.execute`. A repeat has the same request id, which the
        bank's own table makes harmless."""
        service = self._profile.services.get(request.service)
        if service is None or self._options.dialect not in service.call.sql:
            return NotSent("not_served")
        if repeat_of is None:
            row = self._builder.first_row(request, await log.next_stan(), self._money(request))
        else:
            row = next_row(repeat_of, "repeat", repeat_of.attempt + 1)
        terms = Terms(request, row, inputs=request.inputs)
        job = self._job(service.call, terms, lambda rows: understood(self._profile, service, rows))
        if isinstance(job, NotSent):
            return job

        def judged(end: End) -> Outcome:
            return self._outcome(service, request, end)

        urgent = self._contracts[service.name].recovery == "repeat"
        deadline = request.deadline if repeat_of is None else 0.0
        end = await self._exchange(service.call, row, job, log, judged, urgent, deadline)
        return end if isinstance(end, NotSent | Unknown) else judged(end)

    def _job(
        self, call: Call, terms: Terms, keep: Callable[[Sequence[Row]], bool]
    ) -> Job | NotSent:
        try:
            return self._builder.job(call, terms, keep)
        except (BuildError, CardNumberError) as error:
            request = terms.request
            self._alarm("profile", f"{request.service}: {error}", request.id)
            return NotSent("format")

    async def _exchange(  # noqa: PLR0917 - the way of a call
        self,
        call: Call,
        row: HostMessage,
        job: Job,
        log: MessageLog | None,
        judged: Callable[[End], Outcome] | None,
        urgent: bool = True,
        deadline: float = 0.0,
    ) -> End | NotSent | Unknown:
        """Worker, row, statements, answer. The worker is given back however this ends."""
        worker = await self._pool.admit(urgent=urgent)
        if isinstance(worker, str):
            return NotSent(worker)
        row, began = replace(row, link=worker.name), False
        try:
            if log is not None:
                await log.sending(row)
            if deadline > 0 and time.monotonic() > deadline:
                # The row took too long. It says SENT, and is settled so; but nothing goes late.
                return NotSent("deadline")
            began = True
            limit = call.timeout_s + self._options.grace_s
            end = await self._pool.run(worker, job, Ticket(), limit)
        finally:
            if not began:
                self._pool.release(worker)
        if isinstance(end, Hung):
            return self._hung(row, end, judged)
        if log is not None and isinstance(end, Replied):
            code, day = result_code(self._profile, end.rows), business_date(self._profile, end.rows)
            await log.answered(answered_row(row, code, day))
        return end

    def _hung(
        self, row: HostMessage, hung: Hung, judged: Callable[[End], Outcome] | None
    ) -> NotSent | Unknown:
        """No end in time. What comes of an original later is reported, where it is clear."""
        self._alarm("hung", f"worker {row.link} does not come back", row.request_id)

        def late(future: asyncio.Future[End]) -> None:
            if judged is None or future.cancelled() or future.exception() is not None:
                return
            outcome = judged(future.result())
            if isinstance(outcome, Approved | Declined):
                self._events.late(LateReply(row, outcome))

        hung.end.add_done_callback(late)
        return NotSent(TIME_OUT) if hung.stage is Stage.WAITING else Unknown(TIME_OUT)

    def _outcome(self, service: ServiceMap, request: Request, end: End) -> Outcome:
        contract = self._contracts[service.name]
        if isinstance(end, Broken):
            # What is repeated until it is done is not declined by a lock.
            if contract.recovery != "repeat" and self._nothing_done(end):
                return Declined(self._reason(end, service.name, request.id))
            return self._broken(end, service.name, request.id)
        self._heard(end.rows)
        money = self._money(request)
        unit = money.currency.code if money is not None else ""
        known = handles(contract, self._contracts)
        judged = judge(self._profile, service, contract, unit, end.rows, known)
        if judged.alarm:
            self._alarm("code", judged.alarm, request.id)
        return judged.outcome

    def _money(self, request: Request) -> Money | None:
        """What the request is about, by its contract; None where it carries no money."""
        value = request.inputs.get(money_input(request.service, self._contracts) or "")
        return value if isinstance(value, Money) else None

    def _nothing_done(self, end: Broken) -> bool:
        """The database's own word that all was undone, then a confirmed rollback. An error of the
        commit never is."""
        meaning = self._builder.dialect.meaning(end.sqlstate, end.native)
        undone = meaning is not None and meaning.kind == "rolled_back"
        return undone and end.rolled_back and end.stage is Stage.EXECUTING

    def _broken(self, end: Broken, what: str, request_id: str) -> NotSent | Unknown:
        reason = self._reason(end, what, request_id)
        return NotSent(reason) if end.stage is Stage.WAITING else Unknown(reason)

    def _reason(self, end: Broken, what: str, request_id: str) -> str:
        if end.sqlstate == GIVEN_UP:
            return TIME_OUT
        meaning = self._builder.dialect.meaning(end.sqlstate, end.native)
        if meaning is not None:
            return meaning.reason
        text = f"{what}: SQLSTATE {end.sqlstate}/{end.native} is not in {self._profile.name}"
        self._alarm("error", text, request_id)
        return f"sqlstate_{end.sqlstate}"

    # -- settling -------------------------------------------------------------------------------

    async def reverse(
        self,
        original: Request,
        sent: HostMessage,
        reason: str,
        log: MessageLog,
        attempt: int,
        _repeat_of: HostMessage | None = None,
    ) -> ReversalOutcome:
        """Undo by request id; where the database never had it, it is barred there for ever."""
        rules = self._profile.reversal
        if rules is None or self._options.dialect not in rules.call.sql:
            return ReversalImpossible("not_served")
        row = next_row(sent, "reversal", attempt)
        known = rules.done | rules.never_had
        job = self._job(
            rules.call,
            Terms(original, row, reason),
            lambda rows: result_code(self._profile, rows) in known,
        )
        if isinstance(job, NotSent):
            return ReversalImpossible(job.reason)
        end = await self._exchange(rules.call, row, job, log, None)
        if isinstance(end, Replied):
            return judge_reversal(rules, result_code(self._profile, end.rows))
        if isinstance(end, Broken):
            end = self._broken(end, "reversal", original.id)
        return ReversalUnanswered(not isinstance(end, NotSent), end.reason)

    async def query_status(self, request: Request, sent: HostMessage) -> Outcome:
        """Ask what became of `sent`. Not found is `Declined`: the asking has barred its id in the
        same transaction, so that what may still be on its way can never be posted."""
        status, service = self._profile.status, self._profile.services.get(request.service)
        if status is None or service is None or self._options.dialect not in status.sql:
            raise Unsupported(f"{self._profile.name} has no status query; settle it by hand")
        row = next_row(sent, "query", sent.attempt + 1)
        job = self._job(
            status, Terms(request, row), lambda rows: understood(self._profile, service, rows)
        )
        if isinstance(job, NotSent):
            return job

        end = await self._exchange(status, row, job, None, None)
        if isinstance(end, Broken):
            end = self._broken(end, "status", request.id)
        return self._outcome(service, request, end) if isinstance(end, Replied) else end

    # -- the house ------------------------------------------------------------------------------

    async def health(self) -> Health:
        """Connections, without asking the database."""
        pool = self._pool
        return Health(pool.up, self._options.workers, self._business_date, pool.busy)

    async def reconcile(self, business_date: date) -> HostTotals:
        """The database's totals of a day; raises `Unsupported` or `TotalsUnavailable`."""
        totals = self._profile.totals
        if totals is None or self._options.dialect not in totals.sql:
            raise Unsupported(f"{self._profile.name} has no totals")
        request = Request("totals", "totals", 1, {}, "system", business_date=business_date)
        terms = Terms(request, self._builder.first_row(request, ""))
        worker = await self._pool.admit()
        if isinstance(worker, str):
            raise TotalsUnavailable(worker)
        job = self._builder.job(totals, terms, lambda _rows: False)
        end = await self._pool.run(worker, job, Ticket(), totals.timeout_s + self._options.grace_s)
        if not isinstance(end, Replied):
            raise TotalsUnavailable(TIME_OUT if isinstance(end, Hung) else end.sqlstate)
        found = judge_totals(business_date, end.rows)
        if found is None:
            raise TotalsUnavailable("rows that are no totals")
        return found

    def _heard(self, rows: Sequence[Row]) -> None:
        """The business date comes from the host alone (rule 14), and only goes on: what is told
        of an older request has that one's."""
        told = business_date(self._profile, rows)
        if told is not None:
            self._business_date = max(told, self._business_date or told)

    def _alarm(self, kind: str, text: str, request_id: str = "") -> None:
        self._events.alarm(Alarm(kind, text, request_id))
