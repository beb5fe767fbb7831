"""The bench of a host that is an SQL database: the gateway's adapter, through a spoiled driver."""

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from types import MappingProxyType

from core_adapters.conformance.bench import Adapter, Events, Parts
from core_adapters.conformance.faults import Fault
from core_adapters.conformance.people import KitVault
from core_adapters.conformance.relay import Relay
from core_adapters.conformance.rig import Pace
from core_adapters.conformance.scenarios import Expectation, Scenario
from core_adapters.conformance.sql_calls import Calls
from core_adapters.conformance.sql_driver import FaultDriver
from core_adapters.sql.events import HostEvents
from core_adapters.sql.host import SqlHost
from core_adapters.sql.options import SqlOptions
from core_adapters.sql.profile import Call, Profile
from transactions.card import CardNumber
from transactions.contract import Contracts

KIND = "sql"
GRACE_S = 0.15
LINK_S = 4.0
"""Long enough for two pings that nobody answers, and a new connection."""
WIRE = "frames, MACs and numbered fields are ISO 8583's"
MEANINGLESS: Mapping[str, str] = MappingProxyType(
    {
        "garble": "what passes between driver and server is checked by the two of them",
        "bad_mac": "there is no MAC: the database's login and its TLS take its place",
        "set": WIRE,
        "oversize": WIRE,
        "drip": WIRE,
        "bad_key": "there are no keys: the database's login and its TLS take their place",
        "cut_over": "no message announces the cut-over: each reply carries the business date",
        "reply duplicate": "a statement is answered once",
    }
)
"""Acts, or role and act, that a database has no counterpart for."""
NO_WIRE = "there is no wire to cut: the database runs inside the gateway's process"
OUT_OF_REACH = (
    "the connection has no Server= and Port=, so the kit cannot cut it at a byte; the lost "
    "connection itself is tried by cut.request"
)


@dataclass(frozen=True, slots=True)
class Database:
    """Where the database is. `wire` is what a relay leads to: host and port, a Unix socket's path,
    or None where there is none; `connection` has {host} and {port} where it goes through one."""

    dialect: str
    connection: str
    wire: tuple[str, int] | str | None = None
    why_no_wire: str = OUT_OF_REACH
    lock: Callable[[CardNumber], AbstractContextManager[None]] | None = None
    """Holds the account of a card; a bank's own tables are not the kit's to lock."""


_SERVER = re.compile(r"(?i)\b(server(?:name)?)=([^;{}]+)")
_PORT = re.compile(r"(?i)\b(port)=(\d+)")


def through(connection: str) -> tuple[str, tuple[str, int] | str | None]:
    """A connection string with {host} and {port} in the places of its server's, and where that
    is; the string as it is and None where it does not name both."""
    server, port = _SERVER.search(connection), _PORT.search(connection)
    if server is None or port is None:
        return connection, None
    host, number = server[2].strip(), int(port[2])
    text = _PORT.sub(r"\1={port}", _SERVER.sub(r"\1={host}", connection, count=1), count=1)
    wire = f"{host}/.s.PGSQL.{number}" if host.startswith("/") else (host, number)
    return text, wire


@dataclass(frozen=True, slots=True)
class SqlSetup:
    """What an adapter under test is made of."""

    profile: Profile
    contracts: Contracts
    vault: KitVault
    options: SqlOptions
    events: HostEvents
    driver: FaultDriver


SqlFactory = Callable[[SqlSetup], Adapter]


def sql_adapter(setup: SqlSetup) -> Adapter:
    """The gateway's own adapter."""
    return SqlHost(
        setup.profile,
        setup.contracts,
        setup.options,
        events=setup.events,
        vault=setup.vault,
        connector=setup.driver.connect,
    )


def paced(profile: Profile, pace: Pace) -> Profile:
    """The profile with its time-outs no longer than `pace` says."""

    def quick(call: Call) -> Call:
        return replace(call, timeout_s=min(call.timeout_s, pace.timeout_s))

    services = {n: replace(one, call=quick(one.call)) for n, one in profile.services.items()}
    status, reversal = profile.status, profile.reversal
    return replace(
        profile,
        services=MappingProxyType(services),
        status=quick(status) if status is not None else None,
        reversal=replace(reversal, call=quick(reversal.call)) if reversal is not None else None,
    )


def paced_options(base: SqlOptions, scenario: Scenario) -> SqlOptions:
    """One connection, so that it is known which one is spoiled; quick to come back."""
    return replace(
        base,
        workers=1,
        waiting_max=0 if scenario.crowd else 8,
        wait_s=0.5,
        login_s=1,
        grace_s=GRACE_S,
        ping_after_s=0.3,
        look_s=0.1,
        backoff_min_s=0.05,
        backoff_max_s=0.3,
        close_s=0.5,
    )


@dataclass(frozen=True, slots=True)
class SqlTarget:
    """A database to be certified, with the adapter that speaks to it."""

    database: Database
    profile: Profile
    contracts: Contracts
    options: SqlOptions
    factory: SqlFactory = sql_adapter

    kind = KIND

    @property
    def name(self) -> str:
        """The profile's."""
        return self.profile.name

    @property
    def services(self) -> tuple[str, ...]:
        """What the profile has in this dialect."""
        every = self.profile.services.items()
        return tuple(name for name, one in every if self.database.dialect in one.call.sql)

    def inapplicable(self, scenario: Scenario) -> str:
        """Why the scenario has no meaning for this database; empty where it has."""
        calls = Calls(self.profile, self.database.dialect, self.contracts)
        whys = (self._lacks(scenario), *(self._cannot(fault, calls) for fault in scenario.faults))
        return next(filter(None, whys), "")

    def _lacks(self, scenario: Scenario) -> str:
        """A part of the profile or a power over the database that the scenario needs."""
        totals = self.profile.totals
        if scenario.totals and (totals is None or self.database.dialect not in totals.sql):
            return f"profile {self.name} has no totals"
        if scenario.locked and self.database.lock is None:
            return "the kit does not lock a bank's own tables"
        if scenario.addresses > 1:
            return "one address: what stands behind it is the database's own cluster"
        return ""

    def _cannot(self, fault: Fault, calls: Calls) -> str:
        why = MEANINGLESS.get(fault.do) or MEANINGLESS.get(f"{fault.on} {fault.do}")
        on_wire = fault.do == "cut" and fault.at >= 0 and not fault.on.startswith("network")
        if why or (on_wire and self.database.wire is None):
            return why or self.database.why_no_wire
        try:
            if fault.kind:
                (calls.error if fault.do == "error" else calls.code)(fault.kind)
        except LookupError as error:
            return str(error)
        return ""

    def expected(self, scenario: Scenario) -> Expectation:
        """What must be seen with this host."""
        return scenario.on_sql or scenario.expect

    async def parts(
        self, scenario: Scenario, contracts: Contracts, vault: KitVault, pace: Pace, seed: int
    ) -> Parts:
        """An adapter whose driver is spoiled, through a relay where the database has a wire."""
        del seed
        profile, connection, relay = paced(self.profile, pace), self.database.connection, None
        if self.database.wire is not None:
            relay = Relay(self.database.wire)
            where = {"{host}": "127.0.0.1", "{port}": str(await relay.start())}
            for word, text in where.items():
                connection = connection.replace(word, text)
        driver = FaultDriver(Calls(profile, self.database.dialect, contracts), relay)
        options = paced_options(self.options, scenario)
        options = replace(
            options, dialect=self.database.dialect, connection=connection, dsn="", password_file=""
        )

        def make(events: Events) -> Adapter:
            told = HostEvents(events.late, events.alarm, events.link)
            return self.factory(SqlSetup(profile, contracts, vault, options, told, driver))

        timeouts = {name: one.call.timeout_s + GRACE_S for name, one in profile.services.items()}
        return Parts(driver, make, timeouts, LINK_S, bystander=self.database.lock)
