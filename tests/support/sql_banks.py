"""A bank in a database, made of the shipped stubs, and what a test asks of it."""

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyodbc

from core_adapters.sql.events import Alarm, HostEvents, LateReply
from core_adapters.sql.host import SqlHost
from core_adapters.sql.options import SqlOptions
from core_adapters.sql.profile import Profile
from core_adapters.sql.profile_load import load_profile
from core_adapters.sql.stubs import stubs
from support.limited import LIMITED
from support.sql_servers import SQLITE, Cluster, need_driver
from support.transactions_journal import Books as JournalBooks
from support.transactions_journal import Journal, PlainVault
from transactions.card import CardNumber, luhn_valid
from transactions.contract import Contracts, load_contracts
from transactions.lifecycle import DONE, NOT_DONE, State
from transactions.money import Money
from transactions.outcome import Approved, Outcome, Values
from transactions.processor import Answer, Processor, ProcessorOptions
from transactions.request import AuthLevel, HostMessage, Request

ROOT = Path(__file__).resolve().parents[2]
PROFILE_FILE = ROOT / "config" / "hosts" / "sql-demo.yaml"
CONTRACTS = load_contracts(ROOT / "config" / "services.yaml")
OPENING = 1_000_000_00
IDENTITY = "123X"


def _cards(count: int) -> tuple[CardNumber, ...]:
    stems = (f"62270011000{n:04d}" for n in range(count))
    return tuple(
        CardNumber(stem + next(d for d in "0123456789" if luhn_valid(stem + d))) for stem in stems
    )


CARDS = _cards(24)


def contracts_with(recovery: str) -> Contracts:
    """The shipped contracts, the transfer with another recovery."""
    changed = replace(CONTRACTS["transfer.card_to_card"], recovery=recovery)  # type: ignore[arg-type]
    return Contracts({**CONTRACTS.services, "transfer.card_to_card": changed})


@dataclass
class SqlBank:
    """One database with the stubs and 24 customers."""

    dialect: str
    connection: str
    """As the gateway connects."""
    owner: str
    """As the bank's own people connect."""
    cluster: Cluster | None = None
    prefix: str = ""

    def query(self, text: str, *parameters: object) -> list[Any]:
        """Rows of a statement of the bank's own, `{t}` standing for the prefix of tables."""
        with contextlib.closing(pyodbc.connect(self.owner, autocommit=True)) as connection:
            cursor = connection.execute(text.replace("{t}", self.prefix), *parameters)
            return list(cursor.fetchall()) if cursor.description else []

    def seed(self) -> None:
        account = f"INSERT INTO {self.prefix}account VALUES (?, 'CNY', ?, 'true')"
        card = f"INSERT INTO {self.prefix}card (number, account, holder, identity)"
        with contextlib.closing(pyodbc.connect(self.owner, autocommit=False)) as connection:
            for number, one in enumerate(CARDS):
                connection.execute(account, f"A{number}", OPENING)
                row = (one.digits, f"A{number}", "张三", IDENTITY)
                connection.execute(f"{card} VALUES (?, ?, ?, ?)", *row)
            connection.commit()

    def give_pin(self, number: int, pin: str) -> None:
        """A telephone PIN for a card."""
        what = "pin_hash = telebank.pin_hash(pin_salt, ?)" if self.cluster else "pin = ?"
        self.query(f"UPDATE {{t}}card SET {what} WHERE number = ?", pin, CARDS[number].digits)

    def balance(self, number: int) -> int:
        return int(self.query("SELECT minor FROM {t}account WHERE id = ?", f"A{number}")[0][0])

    def whole(self) -> int:
        """All the money there is."""
        return int(self.query("SELECT sum(minor) FROM {t}account")[0][0])

    def postings(self, request_id: str) -> int:
        """How often a request was posted and not undone: 0 or 1 where all is well."""
        rows = self.query(
            "SELECT minor FROM {t}entry WHERE request = ? AND account <> 'FEES'", request_id
        )
        return sum(int(row[0]) > 0 for row in rows) - (len(rows) == 4) * 2

    def stored(self, request_id: str) -> str | None:
        rows = self.query("SELECT result FROM {t}request WHERE id = ?", request_id)
        return str(rows[0][0]) if rows else None

    @contextlib.contextmanager
    def locked(self, number: int = 0) -> Iterator[None]:
        """Somebody else holds the account (SQLite: the whole file)."""
        connection = pyodbc.connect(self.owner, autocommit=False)
        try:
            connection.execute(
                f"UPDATE {self.prefix}account SET minor = minor WHERE id = ?", f"A{number}"
            )
            yield
        finally:
            connection.rollback()
            connection.close()

    def profile(self, timeout_s: float | None = None) -> Profile:
        """The shipped profile, with another time-out of the transfer."""
        profile = load_profile(PROFILE_FILE)
        if timeout_s is None:
            return profile
        name = "transfer.card_to_card"
        service = profile.services[name]
        changed = replace(service, call=replace(service.call, timeout_s=timeout_s))
        return replace(profile, services={**profile.services, name: changed})


def sqlite_bank(folder: Path) -> SqlBank:
    need_driver(SQLITE, "libsqliteodbc")
    path = folder / "bank.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(stubs("sqlite"))
    pragmas = "JournalMode=WAL;FKSupport=1;BigInt=1;SyncPragma=FULL"
    odbc = f"DRIVER={SQLITE};DATABASE={path};{pragmas};Timeout="
    bank = SqlBank("sqlite", f"{odbc}5000", f"{odbc}5000", prefix="tb_")
    bank.seed()
    return bank


def postgresql_bank(cluster: Cluster, name: str) -> SqlBank:
    with contextlib.closing(cluster.connect()) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    owner = cluster.connection(name)
    cluster.run_script(name, stubs("postgresql"))
    gateway = cluster.connection(name, "telebank_gateway")
    bank = SqlBank("postgresql", gateway, owner, cluster, "telebank.")
    bank.seed()
    return bank


@dataclass
class Books:
    """A message log that keeps what it is given."""

    sent: list[HostMessage] = field(default_factory=list)
    replies: list[HostMessage] = field(default_factory=list)
    stan: int = 0

    async def next_stan(self) -> str:
        self.stan += 1
        return f"{self.stan:06d}"

    async def sending(self, message: HostMessage) -> None:
        self.sent.append(message)

    async def answered(self, message: HostMessage) -> None:
        self.replies.append(message)


@dataclass
class Gateway:
    """An adapter on a bank, with what it told."""

    bank: SqlBank
    options: SqlOptions = field(default_factory=SqlOptions)
    contracts: Contracts = CONTRACTS
    profile: Profile | None = None
    books: Books = field(default_factory=Books)
    alarms: list[Alarm] = field(default_factory=list)
    late: list[LateReply] = field(default_factory=list)
    links: list[tuple[str, bool, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.host = SqlHost(
            self.profile or self.bank.profile(),
            self.contracts,
            self.options,
            events=HostEvents(
                late=self.late.append,
                alarm=self.alarms.append,
                link=lambda *told: self.links.append(told),
            ),
            vault=PlainVault(),
        )

    async def __aenter__(self) -> "Gateway":
        await self.host.start()
        assert await self.host.wait_signed_on(10), self.links
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.host.close()

    async def ask(self, request: Request) -> Outcome:
        return await self.host.execute(request, self.books)

    async def terms(self, payer: int, payee: int, amount: str, name: str) -> Values:
        """A quote's terms, as the processor hands them to a transfer."""
        inputs: Values = {"from": CARDS[payer], "to": CARDS[payee], "amount": Money.parse(amount)}
        outcome = await self.ask(make("transfer.quote", inputs, f"{name}-quote"))
        assert isinstance(outcome, Approved), outcome
        return {**inputs, **outcome.data}

    async def transfer(self, name: str, payer: int, payee: int, amount: str) -> Outcome:
        terms = await self.terms(payer, payee, amount, name)
        return await self.ask(make("transfer.card_to_card", terms, name))

    def message(self, name: str) -> HostMessage:
        return next(one for one in self.books.sent if one.request_id == name)


def make(service: str, inputs: Values, name: str) -> Request:
    return Request(
        name,
        service,
        1,
        inputs,
        "caller",
        auth=AuthLevel.SECOND_FACTOR,
        reference=f"01{abs(hash(name)) % 10**10:010d}",
    )


def options(bank: SqlBank, **changes: Any) -> SqlOptions:
    return SqlOptions(
        **{"dialect": bank.dialect, "connection": bank.connection, "workers": 4, **changes}
    )


def names(messages: Sequence[HostMessage]) -> list[tuple[str, str | None]]:
    return [(one.role, one.reply39) for one in messages]


class WallClock:
    """The processor's clock, really."""

    def monotonic(self) -> float:
        return time.monotonic()

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


LIMITS = dict.fromkeys(LIMITED, Money.parse("500000.00"))


@dataclass
class Node:
    """The processor on this adapter, with a journal in memory."""

    bank: SqlBank
    recovery: str = "reverse"
    options: SqlOptions | None = None
    profile: Profile | None = None

    async def __aenter__(self) -> "Node":
        contracts = contracts_with(self.recovery)
        vault = PlainVault()
        self.vault = vault
        self.journal_books = JournalBooks(vault)
        chosen = self.options or options(self.bank, backoff_min_s=0.05, look_s=0.2)
        self.host = SqlHost(
            self.profile or self.bank.profile(),
            contracts,
            chosen,
            events=HostEvents(
                late=lambda r: self.processor.late_answer(r.message.request_id, r.outcome)
            ),
            vault=vault,
        )
        self.processor = Processor(
            contracts,
            self.host,
            Journal(self.journal_books),
            vault,
            ProcessorOptions(limits=LIMITS, retry_first_s=0.05, retry_cap_s=0.5, away_poll_s=0.05),
            WallClock(),
        )
        await self.host.start()
        assert await self.host.wait_signed_on(10)
        await self.processor.recover()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.processor.close()
        await self.host.close()

    def request(self, service: str, inputs: Values, name: str, by: int) -> Request:
        token = self.vault.token(CARDS[by])
        return Request(
            name,
            service,
            1,
            inputs,
            "caller",
            auth=AuthLevel.SECOND_FACTOR,
            authenticated_token=token,
        )

    async def quote(self, name: str, payer: int, payee: int, amount: str) -> Answer:
        inputs: Values = {"from": CARDS[payer], "to": CARDS[payee], "amount": Money.parse(amount)}
        return await self.processor.submit(
            self.request("transfer.quote", inputs, f"{name}-quote", payer)
        )

    async def transfer(self, name: str, payer: int, payee: int, amount: str) -> Answer:
        quote = await self.quote(name, payer, payee, amount)
        if quote.exit not in ("ok", "repeated"):
            return quote
        inputs = {"quote": quote.data["quote"]}
        return await self.processor.submit(
            self.request("transfer.card_to_card", inputs, name, payer)
        )

    async def settled(self) -> None:
        """Wait until no row is open."""
        while self.processor.open_count():
            await asyncio.sleep(0.01)

    def state(self, name: str) -> State:
        return self.journal_books.rows[name].state

    def check(self) -> None:
        """Posted at the bank if and only if the journal says so; nothing twice; all money there."""
        for name, row in self.journal_books.rows.items():
            assert row.state in DONE | NOT_DONE, (name, row.history)
            assert self.bank.postings(name) == (row.state in DONE), (name, row.history)
        assert self.bank.whole() == len(CARDS) * OPENING
