"""A bank, a journal and nodes that die: what must hold after every run."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from support.closing_people import close_all
from support.limited import LIMITED
from support.transactions_host import CNY, Bank, Fault, Faults, Host, no_faults
from support.transactions_journal import Books, Journal, PlainVault, Row
from support.transactions_time import LoopClock
from transactions.card import CardNumber, luhn_valid
from transactions.contract import Contracts, load_contracts
from transactions.lifecycle import DONE, NOT_DONE, OPEN, State
from transactions.money import Money
from transactions.outcome import Values
from transactions.processor import Answer, Processor, ProcessorOptions, RecoveryReport
from transactions.request import AuthLevel, Request
from transactions.secret import Secret


def _valid_cards(count: int) -> list[str]:
    stems = (f"62270000000{n:04d}" for n in range(count))
    return [stem + next(d for d in "0123456789" if luhn_valid(stem + d)) for stem in stems]


CONTRACTS = load_contracts(Path(__file__).resolve().parents[2] / "config" / "services.yaml")
CARDS = tuple(CardNumber(card) for card in _valid_cards(8))
PIN = "918273645091"
OPENING = 100_000_00
OPTIONS = ProcessorOptions(limits=dict.fromkeys(LIMITED, Money.parse("50000")))


LimitOfDay = tuple[str, str, date | None]
"""Limit, customer and business date."""


def yuan(text: str) -> Money:
    """An amount in CNY."""
    return Money.parse(text)


@dataclass
class World:
    """The books and the bank are durable; node, host and processor are one life of a node."""

    contracts: Contracts = CONTRACTS
    options: ProcessorOptions = OPTIONS
    seed: int = 0
    vault: PlainVault = field(default_factory=PlainVault)
    bank: Bank = field(default_factory=Bank)
    answers: list[tuple[str, Answer]] = field(default_factory=list)
    hosts: list[Host] = field(default_factory=list)
    lives: int = 0
    level: AuthLevel = AuthLevel.PIN
    """How far a known customer has proved himself."""

    def __post_init__(self) -> None:
        self.books = Books(self.vault)
        for card in CARDS:
            self.bank.balances[self.vault.token(card)] = OPENING
            self.bank.pins[self.vault.token(card)] = PIN

    # -- lives of the node ----------------------------------------------------------------------

    async def start(
        self,
        faults: Faults = no_faults,
        crash_at: int | None = None,
        links_up: int = 1,
        *,
        rival: bool = False,
    ) -> RecoveryReport:
        """Begin a life; a crash during recovery is possible too."""
        self.lives += 1
        self.journal = Journal(self.books, self.seed * 1000 + self.lives, crash_at)
        self.host = Host(self.bank, self.vault, faults)
        self.host.links_up = links_up
        self.hosts.append(self.host)
        self.processor = Processor(
            self.contracts, self.host, self.journal, self.vault, self.options, LoopClock()
        )
        self.host.on_late = self.processor.late_answer
        return await self.processor.recover(rival=rival)

    async def kill(self) -> None:
        """-9: nothing of this life does anything any more, but what is on the wire arrives."""
        self.journal.died.set()
        self.host.alive = False
        me = asyncio.current_task()
        doomed = [t for t in asyncio.all_tasks() if t is not me and t.get_name() != "bank"]
        for task in doomed:
            task.cancel()
        if doomed:
            await asyncio.wait(doomed)

    async def settle(self, hours: int = 24) -> None:
        """Faults end; wait for every row."""
        self.host.faults = no_faults
        self.host.links_up = 1
        for _ in range(hours * 60):
            if self.processor.open_count() == 0:
                break
            await asyncio.sleep(60)
        for host in self.hosts:
            await host.drained()
        await asyncio.sleep(1)

    async def end(self) -> None:
        """Settle, stop, check."""
        await self.settle()
        await self.processor.close()
        self.check()
        await self.close_by_people()

    async def close_by_people(self) -> None:
        """Whatever is MANUAL ends as the bank's ledger says, and then nothing is open."""
        if self.journal.died.is_set():
            self.journal = Journal(self.books, self.seed)
        self.journal.crash_at = None

        def posted(name: str, row: Row) -> bool:
            if row.plan.effect == "money":
                return bool(self.bank.net(name))
            card = row.plan.hot_list
            return card is not None and self.vault.token(card) in self.bank.lost_cards

        closed = await close_all(self.processor, self.journal, posted)
        left = [name for name, row in self.books.rows.items() if row.state is State.MANUAL]
        assert not left, f"left in MANUAL: {left}"
        if closed:
            self.check()
        counting = (row for name, row in self.books.rows.items() if self.bank.net(name))
        assert self._used() == self._held(counting), "limits in use are not what was posted"

    # -- requests ---------------------------------------------------------------------------------

    def request(
        self, request_id: str, service: str, inputs: Values, by: int | None = None
    ) -> Request:
        """A request of the customer with card number `by`, or of nobody yet known."""
        token = None if by is None else self.vault.token(CARDS[by])
        level = AuthLevel.NONE if by is None else self.level
        return Request(
            request_id, service, 1, inputs, actor="caller", auth=level, authenticated_token=token
        )

    async def submit(self, request: Request) -> Answer:
        """Submit and remember what the caller was answered."""
        answer = await self.processor.submit(request)
        self.answers.append((request.service, answer))
        return answer

    async def quote(self, request_id: str, payer: int, payee: int, amount: str) -> Answer:
        """Ask for the terms of a transfer."""
        terms: Values = {"from": CARDS[payer], "to": CARDS[payee], "amount": yuan(amount)}
        return await self.submit(self.request(request_id, "transfer.quote", terms, payer))

    async def post(self, request_id: str, payer: int, quote: Answer) -> Answer:
        """Post a quote."""
        inputs = {"quote": quote.data["quote"]}
        return await self.submit(self.request(request_id, "transfer.card_to_card", inputs, payer))

    async def transfer(self, request_id: str, payer: int, payee: int, amount: str) -> Answer:
        """Quote and post; a repeated quote is confirmed, as a caller who means it would."""
        quote = await self.quote(f"{request_id}-quote", payer, payee, amount)
        if quote.exit not in ("ok", "repeated"):
            return quote
        return await self.post(request_id, payer, quote)

    async def verify(self, request_id: str, card: int, pin: str) -> Answer:
        """Try a telephone PIN."""
        inputs: Values = {"card": CARDS[card], "pin": Secret(pin)}
        return await self.submit(self.request(request_id, "pin.verify", inputs))

    async def report_loss(self, request_id: str, card: int) -> Answer:
        """Report a card lost."""
        inputs: Values = {"card": CARDS[card], "identity": "1234"}
        return await self.submit(self.request(request_id, "card.report_loss", inputs))

    async def notice(self, request_id: str, card: int, *, hear: bool = True) -> Answer:
        """What the customer hears first in his next call."""
        request = self.request(request_id, "notice.next", {"card": CARDS[card]}, card)
        answer = await self.submit(request)
        if hear:
            await self.processor.told(request_id, answer.exit)
        return answer

    # -- invariants -----------------------------------------------------------------------------

    def state(self, request_id: str) -> State:
        """Where the journal has it."""
        return self.books.rows[request_id].state

    def check(self) -> None:
        """Everything that must hold once faults have ended and every row was given its time."""
        self._check_money()
        self._check_rows()
        self._check_told()
        self._check_limits()
        assert self.processor.open_count() == 0

    def _check_money(self) -> None:
        assert sum(self.bank.balances.values()) == OPENING * len(CARDS), "money is not conserved"
        stand = Counter(p.request_id for p in self.bank.postings.values() if not p.undone)
        assert all(n == 1 for n in stand.values()), f"posted twice: {stand}"
        quotes = Counter(
            row.plan.quote for name, row in self.books.rows.items() if self.bank.net(name)
        )
        assert all(n == 1 for quote, n in quotes.items() if quote), f"quote posted twice: {quotes}"

    def _check_rows(self) -> None:
        for name, row in self.books.rows.items():
            assert row.state not in OPEN, f"{name} is left {row.state}: {row.history}"
            if row.plan.effect != "money" or row.state is State.MANUAL:
                continue
            assert self.bank.net(name) == (row.state in DONE), f"{name}: {row.history}"

    def _check_told(self) -> None:
        for service, answer in self.answers:
            if service != "transfer.card_to_card" or not answer.row:
                continue
            posted = self.bank.net(answer.row)
            if answer.exit == "ok":
                assert posted == 1, f"{answer.row} told done, not posted"
            elif answer.exit in ("refused", "not_done"):
                assert posted == 0, f"{answer.row} told {answer.exit}, posted"

    def _check_limits(self) -> None:
        counting = (row for row in self.books.rows.values() if row.state not in NOT_DONE)
        words = "limits reserved are not those of open and approved rows"
        assert self._used() == self._held(counting), words

    def _used(self) -> dict[LimitOfDay, int]:
        return {key: minor for key, minor in self.books.used.items() if minor}

    def _held(self, rows: Iterable[Row]) -> dict[LimitOfDay, int]:
        held: Counter[LimitOfDay] = Counter()
        for row in rows:
            for hold in row.plan.holds:
                held[hold.limit, hold.customer, row.request.business_date] += hold.amount.minor
        return dict(held)


__all__ = ["CARDS", "CNY", "CONTRACTS", "OPENING", "OPTIONS", "PIN", "Fault", "World", "yuan"]
