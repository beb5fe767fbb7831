"""Wiring of the core host: its adapter, the processor on it, and who hears of its troubles."""

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import structlog

from core_adapters.hsm.errors import SecurityModuleError
from core_adapters.hsm.pool import ModulePool
from core_adapters.hsm.port import SecurityModule
from core_adapters.iso8583.apart import ApartHost
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.host_types import HostEvents
from core_adapters.iso8583.keys.names import KeyNames
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile_load import load_profile
from core_adapters.sql import events as sql
from core_adapters.tap import Tap
from telebank.commands.keys.module import open_module
from telebank.commands.wiring.alarms import warn
from telebank.commands.wiring.host_control import KeyedHost
from telebank.commands.wiring.host_watch import HostWatch
from telebank.commands.wiring.rules import (
    FixedSpeaks,
    Iso8583Speaks,
    Rules,
    Speaks,
    Taught,
    Unread,
    learn_older,
)
from telebank.commands.wiring.telephone_pin import (
    AtModule,
    at_once,
    open_host_verifier,
    open_local,
)
from telebank.ops.clock import SystemClock
from telebank.settings import Settings, SettingsError, read_options
from telebank.store.sealing import Keyring
from telebank.store.store import Store
from transactions.own import OwnDesk
from transactions.ports import HostAdapter
from transactions.processor import Processor
from transactions.telephone_pin import Knowledge

log = structlog.get_logger("telebank.host")

SIGN_ON_WAIT_S = 5.0
"""How long a start waits for the host; afterwards it settles and takes calls without it."""
ISO8583, SQL = "iso8583", "sql"


class NodeHost(HostAdapter, Protocol):
    """What a node needs of its host beside the port."""

    async def start(self) -> None:
        """Begin to connect."""
        ...

    async def wait_signed_on(self, timeout_s: float) -> bool:
        """Wait for a link; False where none was in time."""
        ...

    async def close(self) -> None:
        """Let answers come in, then close."""
        ...


@dataclass(frozen=True, slots=True)
class HostLink:
    """The money path of a node: the processor that owns requests, and the tap on its host."""

    processor: Processor
    tap: Tap
    host: HostAdapter
    taught: Taught
    """Both of them, as releases come and go."""
    watch: HostWatch
    """Who knows the links."""
    keyed: KeyedHost | None = None
    """The host, where it shares keys with us."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose host it is, and what it is made of."""

    settings: Settings
    rules: Rules
    """Of the release in force."""
    keys: Path
    keyring: Keyring
    next_stan: Callable[[], Awaitable[str]]
    module: Callable[[], SecurityModule]
    """Opens it for who needs one: a host that shares keys, or PINs verified here."""


async def open_host(
    settings: Settings,
    rules: Rules,
    keys: Path,
    store: Store,
    keyring: Keyring,
    stack: contextlib.AsyncExitStack,
    older: Sequence[Rules | Unread] = (),
    desk: OwnDesk | None = None,
) -> HostLink:
    """Connect, then settle every open row of the last run before calls are taken (rule 8), each by
    its own release: `older` are those of them that are not in force."""
    store.journal.on_alarm = warn
    watch, tap = HostWatch(store), Tap()
    module = OneModule(settings, keys, stack)
    next_stan = store.journal.next_stan
    place = Place(settings, rules, keys, keyring, next_stan, module.opened)
    host, keyed, speaks = _make(place, watch, tap)
    local = await _knowledge(place, host, store, stack)
    processor = Processor(
        *(rules.contracts, host, store.journal, keyring),
        *(settings.transactions, SystemClock(), local, desk),
    )
    taught = Taught(processor, speaks)
    await taught.learn(rules)
    await taught.use(rules.release)
    await learn_older(taught, older, store)
    watch.processor = processor
    stack.push_async_callback(host.close)
    await host.start()
    stack.push_async_callback(processor.close)
    if not await host.wait_signed_on(SIGN_ON_WAIT_S):
        log.warning("host.away", host=settings.node.host)
    if store.rival:
        log.warning("node.taken_over", had_it=store.rival, todo="end that process if it still runs")
    report = await processor.recover(rival=bool(store.rival))
    log.info("processor.recovered", report=str(report))
    return HostLink(processor, tap, host, taught, watch, keyed)


@dataclass(slots=True)
class OneModule:
    """One for everybody: a PKCS#11 library takes no second one in a process."""

    settings: Settings
    keys: Path
    stack: contextlib.AsyncExitStack
    """Closes it."""
    _module: SecurityModule | None = None

    def opened(self) -> SecurityModule:
        """Open it for the first who needs it."""
        if self._module is None:
            self._module = open_module(self.settings.keys, self.keys)
            self.stack.callback(self._module.close)
        return self._module


async def _knowledge(
    place: Place, host: NodeHost, store: Store, stack: contextlib.AsyncExitStack
) -> Knowledge:
    """Who says whether a telephone PIN is right, by `[auth] verifier` (rule 17)."""
    if place.settings.auth.verifier == "host":
        return await open_host_verifier(store, place.keyring)
    module = place.module()
    at_module: AtModule = at_once
    if isinstance(host, ApartHost):
        at_module = host.at_module
    elif place.settings.keys.module != "software":
        pool = ModulePool()
        stack.callback(pool.close)
        at_module = pool.run
    contracts, keyring = place.rules.contracts, place.keyring
    return await open_local(place.settings, module, at_module, store, keyring, contracts, stack)


def _make(place: Place, watch: HostWatch, tap: Tap) -> tuple[NodeHost, KeyedHost | None, Speaks]:
    """The adapter that `[hosts.NAME] adapter` names; the second is it where it shares keys, the
    third it where releases are meant."""
    name = place.settings.node.host
    if name not in place.settings.hosts:
        known = ", ".join(place.settings.hosts)
        raise SettingsError(f"[node] host is {name!r}; there are sections of {known}")
    table = dict(place.settings.hosts[name])
    table.setdefault("utc_offset_minutes", place.settings.node.utc_offset_minutes)
    adapter = table.pop("adapter", ISO8583)
    if adapter == ISO8583:
        profile = table.get("profile", name)
        host = _iso8583(place, name, table, watch, tap)
        return host, host, Iso8583Speaks(host, profile)
    if adapter == SQL:
        # Here, not above: it needs a library of the system (core_adapters/sql/odbc.py).
        from telebank.commands.wiring.sql_host import sql_host

        told = sql.HostEvents(late=watch.late, alarm=watch.alarm, link=watch.link)
        config, contracts = place.rules.config, place.rules.contracts
        made = sql_host(name, table, config, place.keys, contracts, told, place.keyring)
        profile = table.get("profile", name)
        content = (config / "hosts" / f"{profile}.yaml").read_bytes()
        return made, None, FixedSpeaks(made.capabilities(), content, profile, contracts)
    raise SettingsError(f"[hosts.{name}]: adapter is {adapter!r}; {ISO8583} and {SQL} are known")


def _iso8583(
    place: Place,
    name: str,
    table: dict[str, Any],
    watch: HostWatch,
    tap: Tap,
) -> Iso8583Host | ApartHost:
    profile = load_profile(place.rules.config / "hosts" / f"{table.pop('profile', name)}.yaml")
    options = read_options(Iso8583Options, table, f"hosts.{name}").under(place.keys)
    watch.expect(options.link_addresses)
    module = place.module()

    def make(events: HostEvents, tap: Tap | None) -> Iso8583Host:
        return Iso8583Host(
            profile,
            place.rules.contracts,
            module,
            options,
            key_names=KeyNames.of(name),
            events=events,
            vault=place.keyring,
            tap=tap,
            next_stan=place.next_stan,
        )

    events = HostEvents(
        late=watch.late, alarm=watch.alarm, link=watch.link, key=watch.key, answered=watch.answered
    )
    if place.settings.keys.module == "software":
        return make(events, tap)
    return ApartHost(make, events, tap)


async def reload_keys(keyed: KeyedHost) -> None:
    """Read the keys again, as `POST /v1/keys/reload` does; the log says how it went."""
    try:
        await keyed.reload_keys()
    except SecurityModuleError as error:
        log.error("keys.not_reloaded", error=str(error))
    else:
        log.info("keys.reloaded")
