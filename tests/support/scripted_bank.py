"""A node whose host and own desk answer as a test says: for rules of contracts."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Any

from support.ledger_world import CARDS, CONTRACTS
from support.limited import LIMITED
from support.transactions_journal import Books, Journal, Offer, PlainVault
from support.transactions_time import START, LoopClock, run
from transactions.answer import Answer
from transactions.contract import Contracts, Service
from transactions.money import Money
from transactions.outcome import Approved, Outcome, Value, Values
from transactions.ports import (
    Health,
    HostTotals,
    JournalUnavailable,
    MessageLog,
    ReversalOutcome,
    Reversed,
    Unsupported,
)
from transactions.processor import Processor, ProcessorOptions
from transactions.proposals import Proposed, terms_hash
from transactions.request import AuthLevel, HostMessage, Request

LIMITS = dict.fromkeys(LIMITED, Money.parse("500000"))
Says = Callable[[Request], Outcome]


@dataclass
class ScriptedHost:
    """Serves every host service; what it says is by service, else an empty approval."""

    contracts: Contracts
    says: dict[str, Says] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)

    def capabilities(self) -> Mapping[str, int]:
        return {n: s.version for n, s in self.contracts.services.items() if s.source == "host"}

    async def execute(
        self, request: Request, log: MessageLog, repeat_of: HostMessage | None = None
    ) -> Outcome:
        keys = (await log.next_stan(), "1122140000", "", "T1", request.reference, "a")
        message = HostMessage(request.id, "request", 0, "0200", *keys, LoopClock().now())
        await log.sending(message)
        self.asked.append(request)
        outcome = self.says.get(request.service, lambda _: Approved())(request)
        await log.answered(message)
        return outcome

    async def reverse(  # noqa: PLR0917 - the order of the port
        self,
        original: Request,
        sent: HostMessage,
        reason: str,
        log: MessageLog,
        attempt: int,
        repeat_of: HostMessage | None = None,
    ) -> ReversalOutcome:
        return Reversed()

    async def query_status(self, request: Request, sent: HostMessage) -> Outcome:
        raise Unsupported("no status query")

    async def health(self) -> Health:
        return Health(1, 1, START.date(), 0)

    async def reconcile(self, business_date: date) -> HostTotals:
        raise Unsupported(business_date)


@dataclass
class ScriptedDesk:
    """Serves every own service; what it says is by service, else an empty approval."""

    contracts: Contracts
    says: dict[str, Says] = field(default_factory=dict)
    asked: list[tuple[Request, str]] = field(default_factory=list)
    trusted: set[str] = field(default_factory=set)
    """Tokens of payees."""
    vault: PlainVault = field(default_factory=PlainVault)
    away: bool = False

    def serves(self) -> Mapping[str, int]:
        return {n: s.version for n, s in self.contracts.services.items() if s.source == "own"}

    async def execute(self, service: Service, request: Request, customer: str) -> Outcome:
        if self.away:
            raise JournalUnavailable("the store is away")
        self.asked.append((request, customer))
        return self.says.get(service.name, lambda _: Approved())(request)

    async def trusts(self, service: Service, terms: Values, customer: str) -> bool:
        if self.away:
            raise JournalUnavailable("the store is away")
        payee: Any = terms.get("to") or terms.get("payee")
        return self.vault.token(payee) in self.trusted


class House:
    """One node of it all."""

    def __init__(self, contracts: Contracts = CONTRACTS, **options: Any) -> None:
        self.vault = PlainVault()
        self.contracts = contracts
        self.books = Books(self.vault)
        self.journal = Journal(self.books)
        self.host = ScriptedHost(contracts)
        self.desk = ScriptedDesk(contracts)
        self.processor = Processor(
            *(contracts, self.host, self.journal, self.vault),
            ProcessorOptions(limits=LIMITS, **options),
            LoopClock(),
            desk=self.desk,
        )
        self._ids = 0

    async def ask(
        self,
        service: str,
        by: int | None = 0,
        level: AuthLevel = AuthLevel.PIN,
        name: str = "",
        release: str = "",
        **inputs: Value,
    ) -> Answer:
        """Ask as the customer of a card, or as nobody yet known (`by` None)."""
        self._ids += 1
        request = Request(
            name or f"r{self._ids}",
            service,
            self.contracts[service].version,
            inputs,
            actor="caller",
            auth=AuthLevel.NONE if by is None else level,
            authenticated_token=None if by is None else self.vault.token(CARDS[by]),
            release=release,
        )
        return await self.processor.submit(request)

    async def rights(self, by: int, company: str = "7001", may: str = "both") -> None:
        """The host tells whose person the customer of a card is, as at the beginning of a menu."""
        data: Values = {
            "company": company,
            "operator": f"0{by}",
            "may": may,
            "most": Money.parse("1"),
        }
        self.host.says["corp.rights"] = lambda _: Approved(data)
        assert (await self.ask("corp.rights", by, card=CARDS[by])).exit == "ok"

    def offer(self, number: str, maker: int, release: str = "", **terms: Value) -> None:
        """A proposal of the customer of a card, as a store keeps it."""
        hashed = terms_hash(self.contracts["corp.pay"], self.contracts, terms, self.vault, release)
        told, ends = Proposed("7001", "02"), LoopClock().now() + timedelta(days=1)
        self.books.offers[number] = Offer(self.vault.token(CARDS[maker]), told, hashed, ends)

    def tries(self) -> dict[str, int]:
        """What counts against whom today."""
        return {key: count for (key, _), count in self.books.tries.items() if count}

    def events(self, kind: str) -> list[str]:
        """Outcomes of events of a kind."""
        return [event.outcome for event in self.books.events if event.kind == kind]


def told(story: Callable[[House], Awaitable[None]], **options: Any) -> None:
    """Open a house, run the story, close it."""

    async def whole() -> None:
        house = House(**options)
        await house.processor.recover()
        await story(house)
        await house.processor.close()

    run(whole())


def changed(name: str, **keys: Any) -> Contracts:
    """The shipped contracts with one of them changed."""
    service = replace(CONTRACTS[name], **keys)
    return Contracts({**CONTRACTS.services, name: service})


__all__ = ["CARDS", "House", "ScriptedDesk", "ScriptedHost", "changed", "told"]
