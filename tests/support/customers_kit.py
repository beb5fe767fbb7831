"""A node's desk over a real store, behind the real processor and the shipped contracts.

async with open_house(place) as house:
    answer = await house.ask("payee.add", payee=PAYEE, payee_masked="…", level=SECOND_FACTOR)
    house.events("payee.added")

The host behind the processor serves nothing; the only clock is the house's own, moved by hand.
"""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any

from support.store_kit import DAY, PAYER, FakeClock, open_store, rows
from telebank.commands.wiring.customers import Customers, open_customers
from telebank.customers.sender import OUTBOX
from telebank.settings import Settings, load_settings, seed_dir
from telebank.store import tables
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.answer import Answer
from transactions.card import CardNumber
from transactions.contract import Contracts, load_contracts
from transactions.outcome import Approved, Outcome
from transactions.ports import Health, MessageLog
from transactions.processor import Processor
from transactions.request import AuthLevel, Request
from transactions.secret import Secret

MOBILE = "13800138000"
BANK = timezone(timedelta(hours=8))
Options = Mapping[str, Mapping[str, Any]]


@cache
def shipped() -> Contracts:
    """The contracts, read once."""
    return load_contracts(seed_dir() / "services.yaml")


class NoHost:
    """Tells a customer's number, and serves no other service; its business date is the house's."""

    def __init__(self, day: date) -> None:
        self.day = day
        self.mobile = MOBILE

    def capabilities(self) -> Mapping[str, int]:
        return {"customer.mobile": 1, "customer.identify": 1}

    async def execute(self, request: Request, log: MessageLog) -> Outcome:
        return Approved({"mobile": self.mobile})

    async def health(self) -> Health:
        return Health(1, 1, self.day, 0)


@dataclass
class HouseClock:
    """The processor's and the desk's clock, by the store's: it stands until that is moved."""

    store: FakeClock

    def now(self) -> datetime:
        return self.store.now

    def monotonic(self) -> float:
        return self.store.now.timestamp()

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


@dataclass
class House:
    """The desk and what is behind it."""

    place: Path
    store: Store
    keys: Keyring
    settings: Settings
    customers: Customers
    processor: Processor
    host: NoHost
    clock: FakeClock
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def ask(
        self,
        service: str,
        *,
        card: CardNumber = PAYER,
        level: AuthLevel = AuthLevel.PIN,
        release: str = "",
        name: str = "",
        call: str = "01-000001",
        **inputs: Any,
    ) -> Answer:
        """One request of a caller who proved himself so far, with his own card."""
        known = shipped()[service].inputs
        own = {"card": card} if "card" in known else {}
        request = Request(
            id=name or f"c{next(self.numbers)}-{self.store.epoch}",
            service=service,
            contract_version=1,
            inputs={**own, **inputs},
            actor="caller",
            call=call,
            auth=level,
            authenticated_token=self.keys.token(card),
            release=release,
        )
        return await self.processor.submit(request)

    async def send(
        self,
        mobile: str = MOBILE,
        *,
        card: CardNumber = PAYER,
        level: AuthLevel = AuthLevel.PIN,
        name: str = "",
    ) -> Answer:
        """A code to the number that the host tells of the card."""
        self.host.mobile = mobile
        if level is AuthLevel.NONE:
            await self.ask("customer.identify", card=card, level=level, identity="1234")
        else:
            await self.ask("customer.mobile", card=card, level=level)
        return await self.ask("code.send", card=card, level=level, name=name, mobile=mobile)

    async def run(self, work: Any) -> Any:
        """A job of the store."""
        return await self.store.journal.run(work)

    def sent(self) -> list[dict[str, str]]:
        """What the outbox has, oldest first."""
        path = self.place / OUTBOX
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def last_code(self) -> str:
        """The digits that were sent last."""
        return self.sent()[-1]["code"]

    def events(self, *kinds: str) -> list[tuple[str, str, dict[str, Any]]]:
        """Kind, outcome and detail of the events of these kinds."""
        found = rows(self.place, tables.event)
        return [(row.kind, row.outcome, row.detail) for row in found if row.kind in kinds]


@asynccontextmanager
async def open_house(
    place: Path, clock: FakeClock | None = None, **options: Mapping[str, Any]
) -> AsyncIterator[House]:
    """A house on `place`; `options` are sections of the settings, codes are sent to the file."""
    clock = clock or FakeClock()
    settings = load_settings(place, {"sms": {"sender": "file"}, **options})
    contracts = shipped()
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(open_store(place, clock=clock))
        keys: Any = store.vault
        timer, host = HouseClock(clock), NoHost(DAY)
        customers = open_customers(settings, place, store, keys, stack, clock=timer)
        processor = Processor(
            contracts,
            host,  # type: ignore[arg-type]
            store.journal,
            keys,
            settings.transactions,
            timer,
            desk=customers.desk,
        )
        await processor.recover()
        yield House(place, store, keys, settings, customers, processor, host, clock)


def wrong(code: str) -> Secret:
    """Six digits that are not these."""
    return Secret(f"{(int(code) + 1) % 1_000_000:06d}")
