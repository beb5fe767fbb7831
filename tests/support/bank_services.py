"""One small bank in memory for bills and points, and a customer who asks a real host by wire."""

import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from core_adapters.corehost import ledger, tables
from core_adapters.corehost.back_office import VAULT, BackOffice
from core_adapters.corehost.ledger import Leg, connect, findings, statements, transaction
from core_adapters.corehost.products import orders
from core_adapters.corehost.products import tables as products
from core_adapters.corehost.products.bills import claims as bills
from core_adapters.corehost.products.bills.claims import Bills, PayBills
from core_adapters.corehost.products.orders import Orders
from core_adapters.corehost.rules import Rules
from core_adapters.corehost.seed import card_number
from core_adapters.hsm.software import open_software
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile_load import load_profile
from support.corehost_process import CoreHostProcess
from transactions.contract import load_contracts
from transactions.money import currency
from transactions.outcome import Outcome, Value
from transactions.request import AuthLevel, HostMessage, Request

NOON = datetime(2026, 2, 28, 4, tzinfo=UTC)
CARD, OTHER = card_number(100_001), card_number(100_002)
ACCOUNT = "01000100001"
CNY = currency("CNY")
CONFIG = Path(__file__).resolve().parents[2] / "config"
STANS = count(1)


class SmallBank:
    """A card with 10,000.00, a subscriber of every biller; one connection, no process."""

    def __init__(self, path: Path, at: datetime = NOON, *, subscribed: bool = True) -> None:
        self.db = connect(path)
        self.db.execute("PRAGMA synchronous = OFF")
        for script in (ledger.SCHEMA, tables.SCHEMA, products.SCHEMA, bills.SCHEMA):
            for statement in statements(script):
                again = re.sub(
                    "CREATE (TABLE|UNIQUE INDEX|INDEX|TRIGGER)",
                    r"CREATE \1 IF NOT EXISTS",
                    statement,
                )
                self.db.execute(again)
        self.office = BackOffice(self.db, Rules())
        self.orders = Orders(self.office, {PayBills.NAME: PayBills()})
        self.bills = Bills(self.office)
        with transaction(self.db):
            self._plant(at)
            if subscribed:
                self.bills.plant(CARD, at)

    def _plant(self, at: datetime) -> None:
        self.office.open_house_accounts(CNY)
        self.bills.open_accounts(CNY)
        self.office.ledger.open_account(ACCOUNT, CNY)
        self.db.execute("INSERT INTO customer VALUES ('C1', '某人', '1234')")
        self.db.execute("INSERT INTO account VALUES (?, 'C1', '10', 'open')", (ACCOUNT,))
        self.db.execute(
            "INSERT INTO card (number, customer, account, salt, verifier)"
            " VALUES (?, 'C1', ?, x'00', x'00')",
            (CARD, ACCOUNT),
        )
        self.post("opening", "opening", 1_000_000, at)

    def post(self, key: str, kind: str, minor: int, at: datetime = NOON) -> None:
        """Money onto the card's account, or off it."""
        legs = [Leg(ACCOUNT, minor), Leg(VAULT.format("CNY"), -minor)]
        self.office.ledger.post(key, kind, legs, self.office.today(at), at)

    def balance(self, account: str) -> int:
        """Fen."""
        return self.office.ledger.balance(account).minor

    def findings(self) -> list[str]:
        """What a check of all that is here finds."""
        return findings(self.db, (*ledger.CHECKS, *orders.CHECKS, *bills.CHECKS))

    def close(self) -> None:
        """Close the database."""
        self.db.close()


class _Journal:
    """The journal's part, in memory."""

    def __init__(self) -> None:
        self.sent: list[HostMessage] = []

    async def next_stan(self) -> str:
        return f"{next(STANS):06d}"

    async def sending(self, message: HostMessage) -> None:
        self.sent.append(message)

    async def answered(self, message: HostMessage) -> None:
        self.sent[-1] = message


class Asker:
    """Asks services by their contracts, through the adapter."""

    def __init__(self, host: Iso8583Host) -> None:
        self.host = host
        self.journal = _Journal()
        self._count = 0

    def request(self, service: str, inputs: dict[str, Value]) -> Request:
        """A caller's request after his PIN."""
        self._count += 1
        return Request(
            id=f"r{self._count}",
            service=service,
            contract_version=1,
            inputs=inputs,
            actor="caller",
            call="c1",
            auth=AuthLevel.PIN,
            reference=f"02{self._count:010d}",
            deadline=time.monotonic() + 30,
        )

    async def ask(self, service: str, **inputs: Value) -> Outcome:
        """The outcome of one request."""
        return await self.host.execute(self.request(service, inputs), self.journal)


@asynccontextmanager
async def asker(host: CoreHostProcess) -> AsyncIterator[Asker]:
    """The adapter of tb87, signed on at a running host."""
    adapter = Iso8583Host(
        load_profile(CONFIG / "hosts" / "tb87.yaml"),
        load_contracts(CONFIG / "services.yaml"),
        open_software(host.keys),
        Iso8583Options(addresses=tuple(f"127.0.0.1:{port}" for port in host.ports)),
    )
    await adapter.start()
    try:
        assert await adapter.wait_signed_on(20.0)
        yield Asker(adapter)
    finally:
        await adapter.close()
