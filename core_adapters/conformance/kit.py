"""Runs a file of scenarios against one adapter and host, and gives what was found."""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from core_adapters.conformance.journal import Books, Stans, first_stan
from core_adapters.conformance.judge import Check, Seen, judged
from core_adapters.conformance.people import KitVault, People
from core_adapters.conformance.proxy import FaultProxy, code_of
from core_adapters.conformance.rig import (
    AdapterFactory,
    Heard,
    Pace,
    Rig,
    Setup,
    adapter_options,
    iso8583_adapter,
    paced,
)
from core_adapters.conformance.run import NotTried, Run, Stopped, with_recovery
from core_adapters.conformance.scenarios import Scenario, ScenarioFile
from core_adapters.conformance.transcript import Line
from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.host import HostEvents
from core_adapters.iso8583.keys import HostKeys
from core_adapters.iso8583.mac import make_mac
from core_adapters.iso8583.options import Iso8583Options
from core_adapters.iso8583.profile import Profile
from transactions.contract import Contracts

PASSED, FAILED, SKIPPED = "passed", "failed", "not_tried"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one scenario; `why` is set where it was not tried."""

    scenario: Scenario
    verdict: str
    checks: Sequence[Check] = ()
    lines: Sequence[Line] = ()
    states: Sequence[str] = ()
    seconds: float = 0.0
    why: str = ""
    recovery: str = ""
    """Of the service as it was tried."""


@dataclass(frozen=True, slots=True)
class Host:
    """Where the host is and how it is spoken to."""

    host: str
    port: int
    profile: Profile
    contracts: Contracts
    keys: HostKeys
    options: Iso8583Options = field(default_factory=Iso8583Options)


@dataclass(frozen=True, slots=True)
class Plan:
    """What is tried with it."""

    file: ScenarioFile
    people: People
    seed: int
    pace: Pace = field(default_factory=Pace)
    only: Sequence[str] = ()
    """Beginnings of scenario ids; none is all."""
    balance_service: str = "card.balance"
    factory: AdapterFactory = iso8583_adapter

    def chosen(self, profile: Profile) -> list[Scenario]:
        """The scenarios to run, and a plain one for each service of the profile that has none."""
        chosen = [*self.file.scenarios, *_missing(profile, self.file.scenarios)]
        if self.only:
            chosen = [one for one in chosen if one.id.startswith(tuple(self.only))]
        return chosen


def _missing(profile: Profile, scenarios: Iterable[Scenario]) -> list[Scenario]:
    have = {one.service for one in scenarios}
    title = ("服务应答", "the service is answered")
    return [
        Scenario(f"service.{name}", f"{name} {title[0]}", f"{name}: {title[1]}", name)
        for name in profile.services
        if name not in have
    ]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A whole run."""

    results: Sequence[Result]
    began: datetime
    seconds: float
    seed: int

    def count(self, verdict: str) -> int:
        """How many scenarios ended so."""
        return sum(result.verdict == verdict for result in self.results)

    @property
    def passed(self) -> bool:
        """Nothing failed and something was tried."""
        return self.count(FAILED) == 0 and self.count(PASSED) > 0


Progress = Callable[[int, int, Result], None]


async def certify(host: Host, plan: Plan, progress: Progress | None = None) -> Outcome:
    """Run every scenario, one after the other; `progress` hears done, all, and the result."""
    began, start = datetime.now(UTC), time.monotonic()
    stans, vault = Stans(first_stan()), KitVault()
    chosen = plan.chosen(host.profile)
    results: list[Result] = []
    for number, scenario in enumerate(chosen):
        result = await _one(host, plan, scenario, number, stans, vault)
        results.append(result)
        if progress is not None:
            progress(number + 1, len(chosen), result)
    return Outcome(results, began, time.monotonic() - start, plan.seed)


async def _one(  # noqa: PLR0917 - the parts of a bench
    host: Host, plan: Plan, scenario: Scenario, number: int, stans: Stans, vault: KitVault
) -> Result:
    start = time.monotonic()
    missing = _cannot(host, scenario)
    if missing:
        return Result(scenario, SKIPPED, why=missing)
    profile = paced(host.profile, plan.pace)
    codec = Codec(profile)
    mac = make_mac(profile.mac, host.keys.mak)
    proxy = FaultProxy(codec, mac, host.host, host.port, plan.seed + number)
    setup = Setup(
        await proxy.start(),
        profile,
        with_recovery(host.contracts, scenario.service, scenario.recovery),
        host.keys,
        vault,
        host.options,
        HostEvents(),
    )
    setup = replace(setup, options=adapter_options(host.options, setup.port, plan.pace))
    books = Books(vault, stans)
    rig = Rig(proxy, setup, plan.factory, plan.pace, books, Heard())
    name = f"kit-{plan.seed}-{number}-{int(time.time()) % 100_000}"
    run = Run(rig, scenario, plan.people, number, name, plan.balance_service)
    try:
        seen = await run.go()
    except NotTried as why:
        return Result(scenario, SKIPPED, why=str(why), seconds=time.monotonic() - start)
    except Stopped as why:
        check = Check("before it", "approved", str(why), ok=False)
        return Result(scenario, FAILED, [check], seconds=time.monotonic() - start)
    finally:
        await rig.stop()
        await proxy.close()
    seconds, tombstones = time.monotonic() - start, profile.reversal.tombstones
    found = _result(scenario, seen, books, seconds, tombstones=tombstones)
    service = setup.contracts.services.get(scenario.service)
    return replace(found, recovery=service.recovery if service is not None else "")


def _cannot(host: Host, scenario: Scenario) -> str:
    """Why the scenario cannot be tried with this profile; empty where it can."""
    if scenario.service and scenario.service not in host.profile.services:
        return f"profile {host.profile.name} has no service {scenario.service}"
    for fault in scenario.faults:
        if fault.kind:
            try:
                code_of(host.profile, fault.kind)
            except LookupError as error:
                return str(error)
    return ""


def _result(
    scenario: Scenario, seen: Seen, books: Books, seconds: float, *, tombstones: bool
) -> Result:
    expect = scenario.expect if tombstones else scenario.no_tombstones or scenario.expect
    checks = judged(expect, seen, books)
    verdict = PASSED if all(check.ok for check in checks) else FAILED
    return Result(scenario, verdict, checks, seen.lines, [str(s) for s in seen.states], seconds)


def content_hash(*texts: bytes) -> str:
    """SHA-256 of files, hexadecimal."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(hashlib.sha256(text).digest())
    return digest.hexdigest()


__all__ = [
    "FAILED",
    "PASSED",
    "SKIPPED",
    "Check",
    "Host",
    "Outcome",
    "Plan",
    "Result",
    "certify",
]
