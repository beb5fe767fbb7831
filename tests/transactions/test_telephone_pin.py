"""What is known here of a PIN, where the journal is away or the lease is lost."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from support.ledger_world import PIN, World
from support.transactions_time import LoopClock, run
from transactions.outcome import Approved, NotSent
from transactions.ports import JournalUnavailable, LeaseLost
from transactions.processor import Processor
from transactions.secret import Secret
from transactions.telephone_pin import (
    AuthOptions,
    Customer,
    Kept,
    Known,
    LocalKnowledge,
    Match,
    Standing,
)


@dataclass
class Memory:
    """Pins and balances in memory; what is named in `away` raises."""

    error: type[Exception] = JournalUnavailable
    away: set[str] = field(default_factory=set)
    pins: dict[str, str] = field(default_factory=dict)
    balances: dict[str, Known] = field(default_factory=dict)

    def _at(self, name: str) -> None:
        if name in self.away:
            raise self.error(name)

    async def match(self, customer: Customer, pin: Secret) -> tuple[Match, Standing]:
        self._at("match")
        known = self.pins.get(customer.token)
        if known is None:
            return Match.UNKNOWN, Standing()
        return Match.RIGHT if known == pin.reveal() else Match.OTHER, Standing()

    async def remember(self, customer: Customer, pin: Secret, seen: Standing) -> None:
        self._at("remember")
        self.pins[customer.token] = pin.reveal()

    async def replace(self, customer: Customer, pin: Secret, taken: Standing) -> None:
        self._at("replace")
        self.pins[customer.token] = pin.reveal()

    async def take(self, customer: Customer) -> Standing:
        self._at("take")
        pin = self.pins.pop(customer.token, None)
        return Standing(0, None if pin is None else Kept(pin.encode(), b"", ""))

    async def put_back(self, customer: Customer, taken: Standing) -> None:
        self._at("put_back")
        assert taken.kept is not None
        self.pins.setdefault(customer.token, taken.kept.salt.decode())

    async def forget(self, customer: Customer) -> None:
        self._at("forget")
        self.pins.pop(customer.token, None)

    async def keep(self, customer: str, known: Known) -> None:
        self._at("keep")
        self.balances[customer] = known

    async def last(self, customer: str) -> Known | None:
        self._at("last")
        return self.balances.get(customer)


def told(story: Callable[[World, Memory], Awaitable[None]], **known: Any) -> None:
    """Run the story in a world whose node knows for itself."""

    async def whole() -> None:
        world, here = World(), Memory(**known)
        await world.start()
        names, zone = frozenset({"available"}), world.options.zone
        local = LocalKnowledge(here, here, AuthOptions("local"), LoopClock(), zone, names)
        world.processor = Processor(
            world.contracts,
            world.host,
            world.journal,
            world.vault,
            world.options,
            LoopClock(),
            local,
        )
        await world.processor.recover()
        await story(world, here)
        await world.end()

    run(whole())


def test_a_journal_that_is_away_costs_no_try_and_asks_nobody() -> None:
    async def story(world: World, here: Memory) -> None:
        here.away = {"match"}
        for number in range(5):
            answer = await world.verify(f"v{number}", 0, PIN)
            assert answer.outcome == NotSent("journal")
        assert sum(world.bank.asked.values()) == 0
        here.away = set()
        assert (await world.verify("good", 0, PIN)).outcome == Approved()
        assert sum(world.books.tries.values()) == 0

    told(story)


def test_a_right_pin_that_cannot_be_remembered_is_right_all_the_same() -> None:
    async def story(world: World, here: Memory) -> None:
        here.away = {"remember"}
        assert (await world.verify("v1", 0, PIN)).outcome == Approved()
        assert here.pins == {}

    told(story)


def test_money_goes_on_where_its_balance_cannot_be_kept() -> None:
    async def story(world: World, here: Memory) -> None:
        here.away = {"keep"}
        assert (await world.transfer("t1", 0, 1, "10.00")).exit == "ok"
        assert here.balances == {}

    told(story)


@pytest.mark.parametrize("name", ["match", "remember"])
def test_a_lost_lease_proves_nobody(name: str) -> None:
    async def story(world: World, here: Memory) -> None:
        here.away = {name}
        assert (await world.verify("v1", 0, PIN)).outcome == NotSent("lease_lost")
        assert (await world.verify("v2", 0, PIN)).outcome == NotSent("lease_lost")

    told(story, error=LeaseLost)
