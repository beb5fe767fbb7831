"""A node's control socket with its staff over a real store, in this process; and people with
authenticators of their own.

async with open_house(tmp_path) as house:
    chen = await house.found("chen", "administrator")
    wu = await house.found("wu", "supervisor")
    await house.login(chen)
    answer = await house.ask(chen, "POST", "/v1/acts", {...})
    answer.status, answer.body["code"]
"""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pyotp
from sqlalchemy import select

from support.store_kit import message, recorded
from support.transactions_host import Host
from support.transactions_time import LoopClock
from telebank.calls.control.acts import Carrier
from telebank.calls.control.approvals import ApprovalsPart
from telebank.calls.control.desk import Counter
from telebank.calls.control.enrolment import EnrolmentPart
from telebank.calls.control.login import StaffDesk
from telebank.calls.control.loss import Decider, LiftAct, LossPart
from telebank.calls.control.matters import MattersPart
from telebank.calls.control.phones import PhonesPart
from telebank.calls.control.releases import NotStaged, ReleasesPart
from telebank.calls.control.resolve import Resolve
from telebank.calls.control.reviews import ReviewPart
from telebank.calls.control.server import ControlPart, ControlServer
from telebank.calls.control.skills import SkillsPart
from telebank.calls.control.staff import StaffPart
from telebank.calls.customer_book import CustomerBook
from telebank.calls.faxes.options import OutboundOptions
from telebank.calls.phones import Registered
from telebank.calls.registrations import DeskPhones
from telebank.commands.wiring import key_custody
from telebank.commands.wiring.customer_control import CustomersPart
from telebank.commands.wiring.customer_records import CustomerRecordsPart
from telebank.commands.wiring.erasing import EraseAct, ErasePart
from telebank.commands.wiring.key_custody import ACT as KEY_CUSTODY
from telebank.commands.wiring.pin_control import PinsPart
from telebank.commands.wiring.retention import RetentionPart, RetentionRoom
from telebank.commands.wiring.store_keys import Custody, StoreKeysPart
from telebank.retention import held as is_held
from telebank.retention.rules import rules_of
from telebank.settings import seed_dir, store_url
from telebank.sip.digest import Account
from telebank.sip.registering import PhoneOptions
from telebank.staff.options import StaffOptions
from telebank.staff.roles import ERASE
from telebank.store import tables
from telebank.store.clock import Stamp, to_us
from telebank.store.engine import open_read_only
from telebank.store.options import StoreOptions
from telebank.store.releases import Published
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.approval import Actor, Approving
from transactions.closing import ACT
from transactions.contract import Contracts
from transactions.hot_list import LIFT
from transactions.lifecycle import State
from transactions.options import ProcessorOptions
from transactions.processor import Processor

CHEAP = {"argon2_memory_kib": 64, "argon2_time": 1}
"""Password hashing that costs a test nothing; the shipped parameters have their own test."""
STORE = StoreOptions(nodes=2)
"""A second node may open the same store."""
NONE = Contracts({})
PLAN = OutboundOptions().plan
PHONES = PhoneOptions("bank.example", md5=True, phones=3)
START = datetime(2026, 3, 31, 4, 0, tzinfo=UTC)


class StaffClock:
    """UTC and monotonic time that go forward together, by hand."""

    boot = "00000000-0000-0000-0000-000000000002"

    def __init__(self) -> None:
        self.now = START

    def read(self) -> Stamp:
        return Stamp(to_us(self.now), to_us(self.now) - to_us(START))

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass
class Person:
    """Somebody with a password in his head and a seed in his telephone."""

    name: str
    role: str
    password: str
    seed: str = field(repr=False, default="")
    token: str = field(repr=False, default="")

    def code(self, at: datetime) -> str:
        """What his telephone shows."""
        return pyotp.TOTP(self.seed).at(at)


@dataclass(frozen=True)
class Asked:
    """An answer of the control socket."""

    status: int
    body: dict[str, Any]


@dataclass
class StoreAlone:
    """What a node does about releases, as far as its store goes."""

    store: Store
    files: dict[str, Mapping[str, bytes]] = field(default_factory=dict)
    findings: tuple[str, ...] = ()

    def standing(self) -> Mapping[str, Any]:
        """Nothing plays here."""
        return {"calls": {}}

    async def in_force(self) -> str:
        """The hash of what is in force."""
        now = await self.store.releases.current()
        assert now is not None
        return now.hash

    async def staged(self, release: str) -> Mapping[str, bytes] | NotStaged:
        """What the test staged."""
        return NotStaged(self.findings) if self.findings else self.files[release]

    async def publish(self, approving: Approving) -> Published | str | NotStaged:
        """In the store."""
        return await self.store.releases.publish(approving)

    async def roll_back(self, by: Actor, to: str, note: str) -> Published | str | NotStaged:
        """In the store."""
        return await self.store.releases.roll_back(by, to, note)


@dataclass
class Shelf:
    """Where the node's user agent would be told of desk phones."""

    accounts: Mapping[str, Account] = field(default_factory=dict)
    contacts: list[Registered] = field(default_factory=list)

    def use_phones(self, accounts: Mapping[str, Account]) -> None:
        """Keep them."""
        self.accounts = accounts

    def registrations(self) -> list[Registered]:
        """What the test put there."""
        return self.contacts


@dataclass
class House:
    """The socket and what is behind it."""

    folder: Path
    store: Store
    processor: Processor
    desk: StaffDesk
    clock: StaffClock
    carriers: dict[str, Carrier]
    client: aiohttp.ClientSession
    publishing: StoreAlone
    phones: DeskPhones
    shelf: Shelf
    customers: CustomerBook

    async def ask(
        self, who: Person | None, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> Asked:
        """One request, by that person's token."""
        headers = {"Authorization": f"Bearer {who.token}"} if who is not None else {}
        async with self.client.request(
            method, f"http://node{path}", json=body, headers=headers
        ) as response:
            return Asked(response.status, await response.json())

    async def found(self, name: str, role: str) -> Person:
        """Add one of the first two people."""
        person = Person(name, role, f"{name} walks to the river")
        body = {"name": name, "role": role, "password": person.password}
        asked = await self.ask(None, "POST", "/v1/staff", body | fresh())
        assert asked.status == 200, asked
        person.seed = seed_of(asked)
        return person

    def book(self, every_s: float = 30.0) -> CustomerBook:
        """What another node would know of customers; it looks so often."""
        return CustomerBook(self.store.journal.run, self.store.vault.digest, PLAN, every_s)

    async def try_login(self, name: str, password: str, code: str) -> Asked:
        """One try."""
        body = {"name": name, "password": password, "code": code}
        return await self.ask(None, "POST", "/v1/login", body)

    async def login(self, person: Person) -> Person:
        """Log in by the next code that is fresh."""
        self.clock.forward(30)
        asked = await self.try_login(person.name, person.password, person.code(self.clock.now))
        assert asked.status == 200, asked
        person.token = asked.body["token"]
        return person

    async def hire(self, first: Person, second: Person, name: str, role: str) -> Person:
        """Add a person by two people's word, and log him in."""
        person = Person(name, role, f"{name} sings in the rain")
        body = {"name": name, "role": role}
        proposed = await self.ask(first, "POST", "/v1/staff", body | fresh())
        assert proposed.status == 202, proposed
        added = await self.ask(second, "POST", "/v1/staff", body | fresh())
        assert added.status == 200, added
        halves = [added.body["half"], await self.half(first, name)]
        enrolled = await self.enrol(name, halves, person.password)
        assert enrolled.status == 200, enrolled
        person.seed = seed_of(enrolled)
        return await self.login(person)

    async def half(self, who: Person, name: str) -> str:
        """The half of `name`'s code for one of the two who let him in."""
        asked = await self.ask(who, "POST", f"/v1/staff/{name}/code", fresh())
        assert asked.status == 200, asked
        half: str = asked.body["half"]
        return half

    async def enrol(self, name: str, halves: list[str], password: str) -> Asked:
        """What a person does himself, without a login."""
        body = {"halves": halves, "password": password, **fresh()}
        return await self.ask(None, "POST", f"/v1/staff/{name}/enrol", body)

    async def manual(self, request_id: str) -> str:
        """A transfer that only people can settle; its reference."""
        return await self.manual_until(State.MANUAL, request_id)

    async def manual_until(self, last: State, request_id: str) -> str:
        """A transfer on its way to people, as far as `last`."""
        request = await recorded(self.store, request_id)
        number = f"{int(request.reference) % 1_000_000:06d}"
        await self.store.journal.sending(message(request_id, number))
        way = [State.UNKNOWN, State.REVERSING, State.MANUAL]
        way = way[: way.index(last) + 1]
        await self.store.journal.advance(request_id, way, why="reversal refused: 57")
        return request.reference

    async def say(self, who: Person, reference: str, result: str, **more: Any) -> Asked:
        """One person's word on a row."""
        body = {"act": ACT, "object": reference, "detail": {"result": result}, **fresh()}
        body |= {"note": "on the host's list"} | more
        return await self.ask(who, "POST", "/v1/acts", body)

    def rows(self, table: Any) -> list[Any]:
        """A table, read beside the node."""
        engine = open_read_only(store_url(self.folder))
        with engine.connect() as connection:
            found = list(connection.execute(select(table).order_by(*table.primary_key)).all())
        engine.dispose()
        return found

    def events(self, kind: str) -> list[tuple[str, str, str]]:
        """Actor, role and outcome of each event of a kind."""
        found = [row for row in self.rows(tables.event) if row.kind == kind]
        return [(row.actor, row.role, row.outcome) for row in found]


def fresh() -> dict[str, str]:
    """A request id that was never used."""
    return {"request_id": secrets.token_hex(16)}


def seed_of(asked: Asked) -> str:
    """The seed that is shown once."""
    return pyotp.parse_uri(asked.body["otpauth"]).secret


@asynccontextmanager
async def open_house(
    folder: Path,
    contracts: Contracts = NONE,
    phone_options: PhoneOptions = PHONES,
    **options: Any,
) -> AsyncIterator[House]:
    """A house on `folder`; `options` are those of `[staff]`."""
    clock = StaffClock()
    keys = Keyring.open_or_create(folder / "keys")
    store = await Store.open(store_url(folder), "01", keys, STORE, clock)
    staff = StaffOptions(**{**CHEAP, **options})
    desk = StaffDesk(staff, store.journal.run, keys, clock, store.reader.run)
    vault: Any = keys
    host = Host({}, vault)  # type: ignore[arg-type]
    processor = Processor(contracts, host, store.journal, vault, ProcessorOptions(), LoopClock())
    counter = Counter(desk)
    decider = Decider(processor, desk.run, store.journal.zone)
    publishing = StoreAlone(store)
    all_carriers: dict[str, Carrier] = {
        ACT: Resolve(processor),
        KEY_CUSTODY: Custody(desk, keys),
        ERASE: EraseAct(desk, is_held),
        LIFT: LiftAct(decider),
    }
    customers = CustomerBook(store.journal.run, keys.digest, PLAN)
    shelf = Shelf()
    phones = DeskPhones(phone_options, store.journal.run, keys)
    await phones.start(shelf)
    rules = rules_of(folder, seed_dir())
    retention = RetentionRoom(rules, folder, store, lambda: clock.now)
    parts: list[ControlPart] = [
        PhonesPart(counter, phones, clock),
        StaffPart(counter),
        SkillsPart(counter),
        MattersPart(counter, keys, store.journal.zone, clock),
        ReviewPart(counter, keys, PLAN),
        EnrolmentPart(counter),
        ApprovalsPart(counter, all_carriers),
        key_custody.CustodiansPart(counter),
        StoreKeysPart(counter, keys),
        ErasePart(counter, is_held),
        PinsPart(counter, keys),
        RetentionPart(counter, keys, retention),
        CustomersPart(counter, keys),
        CustomerRecordsPart(counter, keys, PLAN, customers.refresh),
        LossPart(counter, decider),
        ReleasesPart(counter, publishing),
    ]
    socket = folder / "control.sock"
    node: Any = None  # none of these paths asks the voice node
    server = ControlServer(node, socket, None, parts)
    await server.start()
    connector = aiohttp.UnixConnector(path=str(socket))
    try:
        async with aiohttp.ClientSession(connector=connector) as client:
            yield House(
                *(folder, store, processor, desk, clock, all_carriers, client),
                publishing,
                phones,
                shelf,
                customers,
            )
    finally:
        await server.close()
        await retention.close()
        await phones.close()
        await processor.close()
        desk.close()
        await store.close()
