"""Runs a file of scenarios against one adapter and host, and gives what was found."""

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Protocol

from core_adapters.conformance.bench import Parts
from core_adapters.conformance.inputs import NotTried
from core_adapters.conformance.journal import Books, Stans, first_stan
from core_adapters.conformance.judge import Check, judged
from core_adapters.conformance.people import KitVault, People
from core_adapters.conformance.rig import Heard, Pace, Rig
from core_adapters.conformance.run import Run, Stopped, with_recovery
from core_adapters.conformance.scenarios import Expectation, Scenario, ScenarioFile
from core_adapters.conformance.transcript import Line
from transactions.contract import Contracts

PASSED, FAILED, SKIPPED = "passed", "failed", "not_tried"
INAPPLICABLE = "not_applicable"
"""It has no meaning for this kind of host; never counted as passed."""


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


class Target(Protocol):
    """A host to be certified, with the adapter that speaks to it."""

    @property
    def kind(self) -> str:
        """`iso8583` or `sql`."""
        ...

    @property
    def name(self) -> str:
        """The profile's."""
        ...

    @property
    def contracts(self) -> Contracts:
        """Of the services."""
        ...

    @property
    def services(self) -> Sequence[str]:
        """What the profile has."""
        ...

    def inapplicable(self, scenario: Scenario) -> str:
        """Why the scenario has no meaning for this host; empty where it has."""
        ...

    def expected(self, scenario: Scenario) -> Expectation:
        """What must be seen with this host."""
        ...

    async def parts(
        self, scenario: Scenario, contracts: Contracts, vault: KitVault, pace: Pace, seed: int
    ) -> Parts:
        """An adapter of the scenario's own; raises `NotTried` where something is missing."""
        ...


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

    def chosen(self, target: Target) -> list[Scenario]:
        """The scenarios to run, and a plain one for each service of the profile that has none."""
        chosen = [*self.file.scenarios, *_missing(target.services, self.file.scenarios)]
        if self.only:
            chosen = [one for one in chosen if one.id.startswith(tuple(self.only))]
        return chosen


def _missing(services: Sequence[str], scenarios: Iterable[Scenario]) -> list[Scenario]:
    have = {one.service for one in scenarios}
    title, asked = ("服务应答", "the service is answered"), Expectation(sends=("request",))
    return [
        Scenario(f"service.{name}", f"{name} {title[0]}", f"{name}: {title[1]}", name, expect=asked)
        for name in services
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
        """Nothing failed, and nothing that has a meaning here was left untried."""
        return self.count(FAILED) + self.count(SKIPPED) == 0 and self.count(PASSED) > 0


Progress = Callable[[int, int, Result], None]


async def certify(target: Target, plan: Plan, progress: Progress | None = None) -> Outcome:
    """Run every scenario, one after the other; `progress` hears done, all, and the result."""
    began, start = datetime.now(UTC), time.monotonic()
    stans, vault = Stans(first_stan()), KitVault()
    chosen = plan.chosen(target)
    results: list[Result] = []
    for number, scenario in enumerate(chosen):
        result = await _one(target, plan, scenario, number, stans, vault)
        results.append(result)
        if progress is not None:
            progress(number + 1, len(chosen), result)
    return Outcome(results, began, time.monotonic() - start, plan.seed)


async def _one(  # noqa: PLR0917 - the parts of a bench
    target: Target, plan: Plan, scenario: Scenario, number: int, stans: Stans, vault: KitVault
) -> Result:
    why = _inapplicable(target, scenario)
    if why:
        return Result(scenario, INAPPLICABLE, why=why)
    start = time.monotonic()
    try:
        found = await _tried(target, plan, scenario, number, stans, vault)
    except NotTried as missing:
        found = Result(scenario, SKIPPED, why=str(missing))
    except Stopped as stopped:
        check = Check("before it", "approved", str(stopped), ok=False)
        found = Result(scenario, FAILED, [check])
    return replace(found, seconds=time.monotonic() - start)


async def _tried(  # noqa: PLR0917 - the parts of a bench
    target: Target, plan: Plan, scenario: Scenario, number: int, stans: Stans, vault: KitVault
) -> Result:
    contracts = with_recovery(target.contracts, scenario.service, scenario.recovery)
    parts = await target.parts(scenario, contracts, vault, plan.pace, plan.seed + number)
    books = Books(vault, stans)
    rig = Rig(parts, contracts, vault, plan.pace, books, Heard())
    name = f"kit-{plan.seed}-{number}-{int(time.time()) % 100_000}"
    run = Run(rig, scenario, plan.people, number, name, plan.balance_service)
    try:
        seen = await run.go()
    finally:
        await rig.stop()
        await parts.between.close()
    checks = judged(target.expected(scenario), seen, books)
    verdict = PASSED if all(check.ok for check in checks) else FAILED
    states, service = [str(s) for s in seen.states], contracts.services.get(scenario.service)
    recovery = service.recovery if service is not None else ""
    return Result(scenario, verdict, checks, seen.lines, states, recovery=recovery)


def _inapplicable(target: Target, scenario: Scenario) -> str:
    """Why the scenario has no meaning for this host; empty where it has."""
    if scenario.only and target.kind not in scenario.only:
        return scenario.why_only
    if scenario.service and scenario.service not in target.services:
        return f"profile {target.name} has no service {scenario.service}"
    return target.inapplicable(scenario)


def content_hash(*texts: bytes) -> str:
    """SHA-256 of files, hexadecimal."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(hashlib.sha256(text).digest())
    return digest.hexdigest()


__all__ = [
    "FAILED",
    "INAPPLICABLE",
    "PASSED",
    "SKIPPED",
    "Check",
    "Outcome",
    "Plan",
    "Result",
    "Target",
    "certify",
]
