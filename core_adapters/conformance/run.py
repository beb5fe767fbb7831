"""Runs one scenario: asks, spoils, waits until all is settled, and looks at the money."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from core_adapters.conformance.inputs import Asked, NotTried
from core_adapters.conformance.judge import UNSEEN, Seen
from core_adapters.conformance.moved import Held, Move
from core_adapters.conformance.moved import moved as moved_of
from core_adapters.conformance.people import People, Person
from core_adapters.conformance.preparing import before_of, having
from core_adapters.conformance.rig import Rig, until
from core_adapters.conformance.scenarios import Scenario
from core_adapters.conformance.transcript import Line
from transactions.answer import Answer
from transactions.approval import Actor
from transactions.contract import Contracts, Service
from transactions.guarded import AdapterFailed, guarded
from transactions.hot_list import TELEPHONE, HotDecision
from transactions.lifecycle import OPEN, State
from transactions.money import Money
from transactions.outcome import Approved, Value
from transactions.ports import CurrencyTotals, Tally, TotalsUnavailable, Unsupported
from transactions.processor import Processor
from transactions.proof import enough
from transactions.proposals import COMPANY, MAKER, Proposed
from transactions.request import AuthLevel, Request

FIRST_PROPOSAL = 100_001

TARDY = frozenset({"delay", "hold", "duplicate", "cut_over"})
TARDY_TIMEOUTS, QUIET_TIMEOUTS = 1.0, 0.2
"""Time-outs to wait after settling, so that what comes late or should not come has come."""


class Stopped(Exception):  # noqa: N818 - reads as what it is
    """What had to come first did not succeed: the scenario has failed, before its own checks."""


@dataclass(slots=True)
class Run:
    """One scenario on one rig. `turn` chooses the payer; `name` begins every request id."""

    rig: Rig
    scenario: Scenario
    people: People
    turn: int
    name: str
    balance_service: str
    _terms: Mapping[str, Value] = field(default_factory=dict)
    """Of the last quote."""
    call: str = ""
    """The scenario whose call it is part of, by its `name`; empty: its own."""

    @property
    def _contracts(self) -> Contracts:
        return self.rig.contracts

    @property
    def _contract(self) -> Service:
        return self._contracts[self.scenario.service]

    async def go(self) -> Seen:
        """Carry it out; raises `NotTried` and `Stopped`."""
        if not self.scenario.service:
            return await self._link_only()
        who, to = self._person(self.scenario.who), self._person(self.scenario.to)
        money = self._contract.effect == "money"
        await self.rig.live()
        done = await self._done_before()
        who = await self._prepared(who)
        before = await self._look(who, to) if money else Held(None, None)
        counted = await self._totals()
        requests = await self._requests(who, to)
        answers = await self._ask(requests)
        await self._settle()
        lines = self.rig.parts.between.take()
        self.rig.parts.between.spoil()
        moved = UNSEEN
        if money:
            after = await self._look(who, to)
            moved = moved_of(before, after, self._move())
        growth = self._growth(counted, await self._totals())
        await self.rig.stop()
        seen = self._seen(requests, answers, lines, moved)
        return replace(seen, before=done, totals=growth)

    async def _link_only(self) -> Seen:
        """No request: the link itself, for as long as two echoes take."""
        self.rig.parts.between.spoil("", self.scenario.faults)
        await self.rig.live()
        await asyncio.sleep(self.rig.parts.link_s)
        node = self.rig.node
        health = await node.adapter.health() if node is not None else None
        await self.rig.stop()
        up = health is not None and health.links_up > 0
        exit_name = "up" if up else "down"
        answer = Answer(exit_name, Approved(), {}, self.name)
        return Seen([answer], [], self.rig.parts.between.take(), self._alarms(), asked=0)

    def _person(self, role: str) -> Person:
        person = self.people.find(role, self.turn)
        if person is None:
            raise NotTried(f"no test customer is {role!r}")
        return person

    # -- asking ---------------------------------------------------------------------------------

    async def _requests(self, who: Person, to: Person) -> list[Request]:
        times = self.scenario.times
        if self.scenario.same_id:
            return [await self._request(0, who, to)] * times
        return [await self._request(number, who, to) for number in range(times)]

    async def _request(self, number: int, who: Person, to: Person) -> Request:
        contract = self._contract
        inputs: dict[str, Value]
        if contract.effect == "money":
            inputs = {}
            for name in contract.inputs:
                approves = name == contract.approved_by
                given = self._proposal(who) if approves else await self._quote(number, who, to)
                inputs[name] = given
        else:
            inputs = Asked(self.scenario, who, to).inputs(contract)
        return self._made(contract, inputs, who, f"{self.name}-{number}")

    def _made(
        self, contract: Service, inputs: Mapping[str, Value], who: Person, name: str
    ) -> Request:
        return Request(
            id=name,
            service=contract.name,
            contract_version=contract.version,
            inputs=inputs,
            actor="conformance kit",
            channel=contract.channels[0] if contract.channels else TELEPHONE,
            call=(self.call or self.name)[:32],
            auth=AuthLevel.PIN if enough(AuthLevel.PIN, contract.auth) else contract.auth,
            authenticated_token=self.rig.vault.token(who.card),
            deciding=_decision(contract, inputs),
        )

    def _proposal(self, who: Person) -> str:
        """The number of a proposal of the first person of the customer's company."""
        asked = Asked(self.scenario, who, who)
        company, maker = asked.detail(COMPANY), asked.detail(MAKER)
        number = str(FIRST_PROPOSAL + len(self.rig.books.proposed))
        self.rig.books.proposed[number] = Proposed(company, maker)
        return number

    def _amount(self) -> Money:
        return Money.parse(self.scenario.amount)

    async def _quote(self, number: int, who: Person, to: Person) -> str:
        """The handle of the quote that a money service is posted on."""
        quote = self._contracts[str(self._contract.quoted_by)]
        inputs = Asked(self.scenario, who, to).inputs(quote)
        node = self.rig.node
        assert node is not None
        asked = self._made(quote, inputs, who, f"{self.name}-q{number}")
        answer = await self._submit(node.processor, asked)
        handle = next(name for name in self._contract.inputs if name in quote.outputs)
        self._terms = {**inputs, **answer.data}
        text = answer.data.get(handle)
        if not isinstance(text, str):
            raise Stopped(f"the quote before it ended as {answer.exit}")
        return text

    async def _ask(self, requests: list[Request]) -> list[Answer]:
        rig, scenario = self.rig, self.scenario
        between = rig.parts.between
        between.take()
        between.spoil(scenario.service, scenario.faults, rig.parts.timeouts[scenario.service])
        if scenario.away:
            await self._go_away()
        if scenario.crash:
            return await self._crash(requests[0])
        assert rig.node is not None
        processor = rig.node.processor
        with self._bystander():
            if scenario.crowd:
                answers = await self._crowd(processor, requests)
            else:
                answers = [await self._in_turn(request) for request in requests]
        between.away = False
        return answers

    async def _in_turn(self, request: Request) -> Answer:
        """One after the other: what came before is settled, a connection given up is replaced."""
        node, rows = self.rig.node, self.rig.books.rows
        assert node is not None
        if not self.scenario.away:
            settle_s = self.rig.pace.settle_s
            await until(lambda: all(row.state not in OPEN for row in rows.values()), settle_s)
            await node.adapter.wait_signed_on(self.rig.pace.sign_on_s)
        return await self._submit(node.processor, request)

    async def _crowd(self, processor: Processor, requests: list[Request]) -> list[Answer]:
        """All at once; the last one when the others are on their way."""
        *others, last = requests
        asked = [asyncio.create_task(self._submit(processor, one)) for one in others]
        await until(lambda: self.rig.parts.between.played > 0, self.rig.pace.sign_on_s)
        answer = await self._submit(processor, last)
        return [*await asyncio.gather(*asked), answer]

    def _bystander(self) -> AbstractContextManager[None]:
        """Who holds the payer's account meanwhile, where the scenario has one."""
        if not self.scenario.locked:
            return nullcontext()
        if self.rig.parts.bystander is None:
            raise NotTried("the kit cannot lock an account of this host")
        return self.rig.parts.bystander(self._person(self.scenario.who).card)

    async def _submit(self, processor: Processor, request: Request) -> Answer:
        """An answer, or `Stopped` where the processor will not have what the adapter did."""
        answer = await guarded(processor.submit(request))
        if isinstance(answer, AdapterFailed):
            raise Stopped(f"the adapter breaks its port: {answer.error}")
        return answer

    async def _go_away(self) -> None:
        rig = self.rig
        rig.parts.between.away = True
        rig.parts.between.cut()
        node = rig.node
        assert node is not None
        down = rig.heard.links
        await until(lambda: bool(down) and not down[-1][1], rig.pace.sign_on_s)

    async def _crash(self, request: Request) -> list[Answer]:
        """The node dies while the request is at the host; the next one has only the books."""
        rig = self.rig
        assert rig.node is not None
        asked = asyncio.create_task(rig.node.processor.submit(request))
        between = rig.parts.between
        await until(lambda: between.played > 0, rig.pace.sign_on_s)
        await rig.die()
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        await rig.live()
        return []

    async def _settle(self) -> None:
        """Until no row is open, and then as long as a late frame may take."""
        rig = self.rig
        rows = rig.books.rows
        await until(lambda: all(r.state not in OPEN for r in rows.values()), rig.pace.settle_s)
        tardy = any(fault.do in TARDY for fault in self.scenario.faults)
        await asyncio.sleep((TARDY_TIMEOUTS if tardy else QUIET_TIMEOUTS) * rig.pace.timeout_s)

    async def _done_before(self) -> str:
        """Carry out what comes before the scenario; the words for what came of it."""
        node, words = self.rig.node, []
        assert node is not None
        for act in self.scenario.before:
            do = self.rig.parts.acts.get(act)
            if do is None:
                raise NotTried(f"this bench cannot do {act!r}")
            self.rig.parts.between.spoil("", self.scenario.faults)
            words.append(await do(node.adapter))
        return ", ".join(dict.fromkeys(words))

    async def _prepared(self, who: Person) -> Person:
        """The customer, having asked what the scenario has him ask first."""
        node = self.rig.node
        assert node is not None
        for number, one in enumerate(before_of(self.scenario)):
            name = f"{self.name}-f{number}"
            part = Run(
                self.rig, one, self.people, self.turn, name, self.balance_service, call=self.name
            )
            asked = await part._request(0, who, self._person(one.to))
            answer = await self._submit(node.processor, asked)
            if not isinstance(answer.outcome, Approved):
                raise Stopped(f"{one.service} before it ended as {answer.exit}")
            who = having(who, answer.data)
        return who

    # -- looking --------------------------------------------------------------------------------

    async def _look(self, who: Person, to: Person) -> Held:
        if self.balance_service not in self.rig.parts.timeouts:
            return Held(None, None)
        payer = await self.rig.balance(self.balance_service, who.card)
        payee = await self.rig.balance(self.balance_service, to.card)
        inside = self.scenario.seen_in
        return Held(payer, payee, await self.rig.look(inside, who.card) if inside else None)

    async def _totals(self) -> CurrencyTotals | None:
        """The host's figures of its business date, where the scenario asks for them."""
        node = self.rig.node
        if not self.scenario.totals or node is None:
            return None
        await node.adapter.wait_signed_on(self.rig.pace.sign_on_s)
        day = (await node.adapter.health()).business_date
        if day is None:
            raise Stopped("the adapter knows no business date of the host's")
        try:
            told = await node.adapter.reconcile(day)
        except (TotalsUnavailable, Unsupported) as error:
            raise Stopped(f"no totals: {error}") from error
        return told.by_currency.get(self._amount().currency.code, nothing())

    def _growth(self, before: CurrencyTotals | None, after: CurrencyTotals | None) -> str:
        """`1/0`: one debit more, no reversal more, and by this amount each."""
        if before is None or after is None:
            return ""
        amount, counts = self._amount().minor, []
        for was, now in (
            (before.debits, after.debits),
            (before.debit_reversals, after.debit_reversals),
        ):
            count = now.count - was.count
            if now.minor - was.minor != count * amount:
                return f"{count} more, but by {now.minor - was.minor} in amount"
            counts.append(str(count))
        return "/".join(counts)

    def _move(self) -> Move:
        return Move.of(self.scenario.money, self._terms, self._amount())

    def _alarms(self) -> list[str]:
        own = [event.kind.partition(".")[2] for event in self.rig.books.events]
        return [*(alarm.kind for alarm in self.rig.heard.alarms), *own]

    def _seen(
        self, requests: list[Request], answers: list[Answer], lines: list[Line], moved: str
    ) -> Seen:
        row = self.rig.books.rows.get(requests[-1].id)
        states: list[State] = list(row.states) if row is not None else []
        return Seen(
            answers,
            states,
            lines,
            self._alarms(),
            moved,
            findings=list(self.rig.parts.between.findings),
            asked=len({request.id for request in requests}),
            takes_money=self._contract.effect == "money",
            has_row=self._contract.effect != "read",
        )


def _decision(contract: Service, inputs: Mapping[str, Value]) -> HotDecision | None:
    """What staff decides on the report among the inputs, where the service is one of decisions."""
    if contract.decides is None:
        return None
    by = Actor("kit", "conformance", "kit")
    return HotDecision(str(inputs.get("report", "")), contract.decides, by)


def nothing() -> CurrencyTotals:
    """Totals of a day without money transactions."""
    none = Tally(0, 0)
    return CurrencyTotals(none, none, none, none, 0)


def with_recovery(contracts: Contracts, service: str, recovery: str) -> Contracts:
    """The contracts with another recovery for one service."""
    if not recovery or service not in contracts:
        return contracts
    changed = replace(contracts[service], recovery=recovery)  # type: ignore[arg-type]
    return Contracts(MappingProxyType({**contracts.services, service: changed}))
