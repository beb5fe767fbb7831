"""The bench of an ISO 8583 host: the gateway's adapter, through a proxy that spoils messages."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from core_adapters.conformance.bench import Adapter, Events, Parts
from core_adapters.conformance.faults import Fault
from core_adapters.conformance.people import KitVault
from core_adapters.conformance.proxy import FaultProxy, code_of
from core_adapters.conformance.rig import Pace
from core_adapters.conformance.scenarios import Expectation, Scenario
from core_adapters.hsm.port import SecurityModule
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.mac import ModuleMac
from core_adapters.iso8583.host import Iso8583Host
from core_adapters.iso8583.host_types import HostEvents
from core_adapters.iso8583.keys.names import KeyNames
from core_adapters.iso8583.options import Iso8583Options, MuxOptions
from core_adapters.iso8583.profile import Profile
from transactions.contract import Contracts

KIND = "iso8583"
OUR_KEYS = "keys_ours"
DATABASE_ACTS = {
    "error": "errors by SQLSTATE are a database's",
    "rows": "a reply of ISO 8583 has no rows",
    "no_code": "a reply without field 39 is tried by `set`",
}
"""What the proxy cannot do, and why."""


@dataclass(frozen=True, slots=True)
class Setup:
    """What an adapter under test is made of."""

    port: int
    profile: Profile
    contracts: Contracts
    module: SecurityModule
    vault: KitVault
    options: Iso8583Options
    events: HostEvents


AdapterFactory = Callable[[Setup], Adapter]


def iso8583_adapter(setup: Setup) -> Adapter:
    """The gateway's own adapter."""
    return Iso8583Host(
        setup.profile,
        setup.contracts,
        setup.module,
        setup.options,
        events=setup.events,
        vault=setup.vault,
    )


def paced(profile: Profile, pace: Pace) -> Profile:
    """The profile with its time-outs no longer than `pace` says."""
    services = {}
    for name, service in profile.services.items():
        advice = service.advice
        if advice is not None:
            advice = replace(advice, after_s=min(advice.after_s, pace.advice_s))
        timeout_s = min(service.timeout_s, pace.timeout_s)
        services[name] = replace(service, timeout_s=timeout_s, advice=advice)
    window = min(profile.reversal.late_window_s, 4 * pace.timeout_s)
    reversal = replace(profile.reversal, late_window_s=window)
    return replace(profile, services=MappingProxyType(services), reversal=reversal)


def adapter_options(base: Iso8583Options, ports: Sequence[int], pace: Pace) -> Iso8583Options:
    """Through the proxy, quick to come back."""
    mux = replace(
        base.mux,
        sign_on_timeout_s=min(base.mux.sign_on_timeout_s, pace.sign_on_s),
        echo_interval_s=pace.echo_s,
        echo_timeout_s=pace.echo_s,
        echo_missed_max=2,
    )
    assert isinstance(mux, MuxOptions)
    return replace(
        base,
        addresses=tuple(f"127.0.0.1:{port}" for port in ports),
        links=1,
        backoff_min_s=0.05,
        backoff_max_s=0.3,
        drain_s=1.0,
        mux=mux,
    )


@dataclass(frozen=True, slots=True)
class Iso8583Target:
    """Where the host is and how it is spoken to."""

    host: str
    port: int
    profile: Profile
    contracts: Contracts
    module: SecurityModule
    options: Iso8583Options = field(default_factory=Iso8583Options)
    factory: AdapterFactory = iso8583_adapter
    host_acts: Mapping[str, Callable[[], Awaitable[str]]] = field(default_factory=dict)
    """What the host can be told to do, by names of `scenarios.BEFORE`; a demo host's alone."""

    kind = KIND

    @property
    def name(self) -> str:
        """The profile's."""
        return self.profile.name

    @property
    def services(self) -> tuple[str, ...]:
        """What the profile has."""
        return tuple(self.profile.services)

    def inapplicable(self, scenario: Scenario) -> str:
        """Why the scenario has no meaning for this profile; empty where it has."""
        whys = (self._lacks(scenario), *(self._cannot(fault) for fault in scenario.faults))
        return next(filter(None, whys), "")

    def _lacks(self, scenario: Scenario) -> str:
        """A part of the profile or a power over the host that the scenario needs."""
        if scenario.totals and self.profile.totals is None:
            return f"profile {self.name} has no totals"
        if scenario.before == (OUR_KEYS,) and self.profile.key_change is None:
            return f"profile {self.name} has no key_change"
        missing = [act for act in scenario.before if act not in (OUR_KEYS, *self.host_acts)]
        return f"only the host's own people can begin {missing[0]}" if missing else ""

    def _cannot(self, fault: Fault) -> str:
        if {fault.on, fault.until} & {"query", "query_reply"}:
            return f"profile {self.name} has no status query"
        if fault.do in DATABASE_ACTS:
            return DATABASE_ACTS[fault.do]
        if fault.do == "bad_key" and self.profile.key_change is None:
            return f"profile {self.name} has no key_change"
        try:
            code_of(self.profile, fault.kind or "success")
        except LookupError as error:
            return str(error)
        return ""

    def expected(self, scenario: Scenario) -> Expectation:
        """What must be seen with this host."""
        if self.profile.reversal.tombstones:
            return scenario.expect
        return scenario.no_tombstones or scenario.expect

    async def parts(
        self, scenario: Scenario, contracts: Contracts, vault: KitVault, pace: Pace, seed: int
    ) -> Parts:
        """An adapter that reaches the host through a proxy of its own."""
        profile = paced(self.profile, pace)
        mac = ModuleMac(self.module, KeyNames.of(profile.name).mac)
        proxy = FaultProxy(Codec(profile), mac, self.host, self.port, seed)
        ports = [await proxy.start() for _ in range(scenario.addresses)]
        options = adapter_options(self.options, ports, pace)
        if scenario.crowd:
            options = replace(options, mux=replace(options.mux, in_flight_max=1))
        setup = Setup(ports[0], profile, contracts, self.module, vault, options, HostEvents())

        def make(events: Events) -> Adapter:
            told = HostEvents(events.late, events.alarm, events.link)
            return self.factory(replace(setup, events=told))

        timeouts = {name: one.timeout_s for name, one in profile.services.items()}
        return Parts(proxy, make, timeouts, 4 * pace.echo_s, self._acts())

    def _acts(self) -> Mapping[str, Callable[[Adapter], Awaitable[str]]]:
        async def ours(adapter: Adapter) -> str:
            return await self._change_keys(adapter)

        def told(act: Callable[[], Awaitable[str]]) -> Callable[[Adapter], Awaitable[str]]:
            return lambda _adapter: act()

        return {OUR_KEYS: ours, **{name: told(act) for name, act in self.host_acts.items()}}

    async def _change_keys(self, adapter: Adapter) -> str:
        """New keys of ours for all that are exchanged; the first outcome that is not `changed`."""
        if not isinstance(adapter, Iso8583Host) or self.profile.key_change is None:
            return "not_done"
        names, outcome = KeyNames.of(self.profile.name), "changed"
        every = {"mak": names.mac, "zpk": names.pin}
        for word in self.profile.key_change.keys.values():
            had = self.module.check_value(every[word])
            event = await adapter.rotate_key(every[word])
            if event.outcome != "changed":
                return event.outcome
            if self.module.check_value(every[word]) == had:
                outcome = "still the key before"
        return outcome
