"""Services without a row: reads from the host, quotes, and what our own journal answers."""

from dataclasses import dataclass
from functools import partial

from transactions.admission import Tries, TriesDesk
from transactions.answer import Answer, exit_of
from transactions.brake import Brake
from transactions.card import CardVault
from transactions.clock import Clock
from transactions.contract import Service
from transactions.contract_people import PROVE
from transactions.guard import guard_key
from transactions.guarded import AdapterFailed, guarded
from transactions.inputs import answer_complaint
from transactions.journal import Journal, JournalEvent
from transactions.options import ProcessorOptions
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Value
from transactions.ports import HostAdapter, JournalUnavailable, LeaseLost
from transactions.proof import Tiers
from transactions.quotes import QuoteBook, quote_name
from transactions.request import Request
from transactions.rulebook import Rulebook
from transactions.sending import ReadLog, SendDeadlinePassed
from transactions.telephone_pin import Knowledge
from transactions.told import ToldBook


@dataclass(frozen=True, slots=True)
class Reader:
    """Asks, counts tries, keeps quotes."""

    rulebook: Rulebook
    host: HostAdapter
    journal: Journal
    vault: CardVault
    options: ProcessorOptions
    clock: Clock
    quotes: QuoteBook
    tries: TriesDesk
    tiers: Tiers
    told: ToldBook
    brake: Brake
    local: Knowledge | None = None
    """What is known here of PINs and balances; without it everything is the host's to say."""

    async def read(self, service: Service, request: Request, customer: str) -> Outcome:
        """The outcome of a read; a journal that will not count tries makes it not sent. What could
        not be posted is not quoted either."""
        money = self.rulebook.of(request.release).quoted_money(service.name)
        if money is not None and self.brake.reason:
            return NotSent(self.brake.reason)
        try:
            tries = self.tries.of(service, customer)
            outcome = await self._try(service, request, customer, tries)
            if money is not None and isinstance(outcome, Approved):
                return await self._quoted(service, money, request, customer, outcome)
        except JournalUnavailable:
            return NotSent("journal")
        return outcome

    async def _try(
        self, service: Service, request: Request, customer: str, tries: Tries | None
    ) -> Outcome:
        if tries is None:
            return await self._look(service, request, customer)
        number = await tries.take()
        if not number:
            return Declined("locked")
        try:
            outcome = await self._look(service, request, customer)
        except JournalUnavailable:
            await tries.give_back(NotSent("journal"))  # the host was not asked
            raise
        await tries.give_back(outcome)
        return tries.told(outcome, number)

    async def _look(self, service: Service, request: Request, customer: str) -> Outcome:
        ask = partial(self._ask, service, request)
        if self.local is None:
            return await ask()
        return await self.local.read(service, request, customer, ask)

    async def _ask(self, service: Service, request: Request) -> Outcome:
        log = ReadLog(self.journal, self.clock, request.deadline)
        try:
            outcome = await guarded(self.host.execute(request, log))
        except SendDeadlinePassed:
            return NotSent("deadline")
        except LeaseLost:
            return NotSent("lease_lost")
        if isinstance(outcome, AdapterFailed):
            return Unknown(outcome.why)
        if isinstance(outcome, Approved):
            money = self.rulebook.of(request.release).quoted_money(service.name)
            wrong = answer_complaint(service, outcome.data, terms_of=money)
            if wrong is not None:
                return Unknown(wrong)
        return outcome

    async def _quoted(
        self,
        service: Service,
        money: Service,
        request: Request,
        customer: str,
        outcome: Approved,
    ) -> Outcome:
        """Keep the terms, unless the same is open; say so where it was just done (rule 13), or
        where they need a second factor: what was just done is then said by the next quote."""
        given = {name: v for name, v in outcome.data.items() if name not in service.rows}
        if not given.keys().isdisjoint(request.inputs):
            return Unknown("the answer has another value for what was asked")
        terms = {**request.inputs, **given}
        told_here = self.told.terms(money, request, customer, self.clock.monotonic())
        key = guard_key(money, {**told_here, **terms}, self.vault)
        state = "free" if key is None else (await self.journal.guard_state(key)).state
        if state == "open":
            return Declined("pending")
        asks = await self.tiers.asks(money, request, customer, terms)
        text = str(terms[quote_name(money, self.rulebook.of(request.release))])
        now = self.clock.monotonic()
        told = state == "done" and not asks
        if not self.quotes.keep(text, money, terms, now, told=told):
            detail: dict[str, str | int | float | bool | None] = {
                "what": "one quote for two requests"
            }
            event = JournalEvent("alarm.quote", request.call, request=request.id, detail=detail)
            await self.journal.append(event)
            return Declined("unavailable")
        if asks:
            return Declined(PROVE, outcome.data)
        return Declined("repeated", outcome.data) if told else outcome

    async def from_journal(self, service: Service, request: Request, customer: str) -> Answer:
        """The customer's oldest result that he was not told, as exit and outputs (rule 13)."""
        try:
            notice = await self.journal.next_notice(customer)
        except JournalUnavailable:
            return Answer(exit_of(service, NotSent("journal")), NotSent("journal"), {}, request.id)
        if notice is None:
            return Answer("none", Approved(), {}, request.id)
        data: dict[str, Value] = {
            "what": notice.what,
            "amount": notice.amount,
            "payee_masked": notice.payee_masked,
            "ref": notice.reference,
            "on": notice.on,
        }
        known = {name: value for name, value in data.items() if name in service.outputs}
        return Answer(
            notice.result, Approved(known), known, request.id, notice.reference, notice.request_id
        )
