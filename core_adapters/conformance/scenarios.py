"""Reads config/conformance/scenarios.yaml: what is tried, with which faults, what must follow."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from core_adapters.conformance.faults import Fault, read_faults
from core_adapters.conformance.people import ROLES
from core_adapters.profiles.errors import ProfileError
from core_adapters.profiles.yamlread import Section, read_yaml

SCHEMA = 1
MAX_SCENARIOS = 500
RECOVERIES = ("", "reverse", "repeat", "query", "person")
EXPECTATIONS = ("outcome", "reason", "exit", "state", "sends", "alarm", "before", "totals")
BEFORE = ("keys_ours", "keys_host", "cut_over")
"""What may be done before a scenario asks: new keys, begun by us or by the host; a cut-over."""
KINDS = ("iso8583", "sql")
MONEY = ("transfer", "pay", "draw", "inside")
"""To the payee; to the bank or a biller; out of what the payer has with the bank; inside that."""
OUTCOMES = frozenset({"approved", "declined", "unknown", "not_sent"})


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must be seen; an empty tuple is not looked at, several words mean any of them."""

    outcome: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    exit: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    sends: tuple[str, ...] | None = None
    """Roles of the messages that must have gone to the host, in order."""
    alarm: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    """What became of the scenario's `before`."""
    totals: tuple[str, ...] = ()
    """By how many debits and reversals the host's totals of the day must have grown: `1/0`."""
    posted: bool | None = None
    """Whether the host must have moved the money once all is settled."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that is tried."""

    id: str
    zh: str
    en: str
    service: str
    who: str = "payer"
    to: str = "payee"
    amount: str = "12.34"
    inputs: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Inputs by name as text; `@name` is a detail of the customer, `@last_month` a date."""
    first: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: MappingProxyType({}))
    """Services that the customer asks before it, with their inputs; see `preparing`."""
    money: str = "transfer"
    """Where the money goes: of `MONEY`."""
    seen_in: str = ""
    """The read of the customer's card that shows what happened `inside`."""
    wrong: str = ""
    """Input that is given wrongly: `pin` or `identity`."""
    times: int = 1
    """How often it is asked, each time as a new request; the last one is judged."""
    same_id: bool = False
    """Ask again under the first one's id, with the same content."""
    recovery: str = ""
    """Overrides the contract's, to try every kind."""
    away: bool = False
    """The host takes no connection until the caller has had his answer."""
    crash: bool = False
    """The node dies once the request is at the host, and another takes its rows."""
    crowd: bool = False
    """Ask all `times` at once, where the adapter may have one in flight; the last is judged."""
    locked: bool = False
    """Another transaction holds the payer's account at the host while it is asked."""
    before: tuple[str, ...] = ()
    """Done before it asks, of `BEFORE`."""
    totals: bool = False
    """The host's totals of the day are asked before and after it."""
    addresses: int = 1
    """Addresses that the host has; the first is preferred."""
    faults: tuple[Fault, ...] = ()
    expect: Expectation = field(default_factory=Expectation)
    no_tombstones: Expectation | None = None
    """Instead of `expect` where the profile's host keeps none."""
    on_sql: Expectation | None = None
    """Instead of `expect` where the host is an SQL database."""
    only: tuple[str, ...] = ()
    """Kinds of host that it has a meaning for; empty is all."""
    why_only: str = ""
    """Why it has none for others."""
    line: int = 0


@dataclass(frozen=True, slots=True)
class ScenarioFile:
    """All scenarios in order, and how often the fault matters of the file it came from."""

    scenarios: tuple[Scenario, ...]
    path: str


def load_scenarios(path: Path) -> ScenarioFile:
    """Read and check; raises `ProfileError` with file and line."""
    top = read_yaml(path)
    if top.take("schema", int) != SCHEMA:
        raise top.error(f"must begin with `schema: {SCHEMA}`", "schema")
    found: dict[str, Scenario] = {}
    section = top.section("scenarios")
    for name in section:
        for one in _expanded(str(name), section.section(name)):
            found[one.id] = one
    top.done()
    if not 0 < len(found) <= MAX_SCENARIOS:
        raise section.error(f"1 to {MAX_SCENARIOS} scenarios")
    return ScenarioFile(tuple(found.values()), str(path))


def _expanded(name: str, row: Section) -> list[Scenario]:
    """One scenario, or one for each of its `cases`, which override what they name."""
    base = _scenario(name, row)
    cases = row.section("cases") if row.has("cases") else None
    row.done()
    if cases is None:
        return [base]
    made = [_case(base, str(case), cases.section(case)) for case in cases]
    cases.done()
    return made


def _case(base: Scenario, case: str, row: Section) -> Scenario:
    faults = read_faults(row, "faults") or tuple(
        replace(f, kind=f.kind.replace("{case}", case), text=f.text.replace("{case}", case))
        for f in base.faults
    )
    expect = _expect(row.section("expect"), base.expect) if row.has("expect") else base.expect
    on_sql = _expect(row.section("on_sql"), base.on_sql or expect) if row.has("on_sql") else None
    row.done()
    name, zh, en = (text.replace("{case}", case) for text in (base.id, base.zh, base.en))
    named = name if name != base.id else f"{name}.{case}"
    return replace(
        base,
        id=named,
        zh=zh,
        en=en,
        faults=faults,
        expect=expect,
        on_sql=on_sql or base.on_sql,
        line=row.line,
    )


def _scenario(name: str, row: Section) -> Scenario:
    title = row.section("title")
    zh, en = title.take("zh", str), title.take("en", str)
    title.done()
    return Scenario(
        id=name,
        zh=zh,
        en=en,
        service=row.take("service", str, ""),
        who=row.choice("who", ROLES, "payer"),
        to=row.choice("to", ROLES, "payee"),
        amount=row.take("amount", str, "12.34"),
        inputs=_inputs(row),
        first=_first(row),
        money=row.choice("money", MONEY, "transfer"),
        seen_in=row.take("seen_in", str, ""),
        wrong=row.choice("wrong", ("", "pin", "identity"), ""),
        times=row.take("times", int, 1),
        same_id=row.take("same_id", bool, False),
        recovery=row.choice("recovery", RECOVERIES, ""),
        away=row.take("away", bool, False),
        crash=row.take("crash", bool, False),
        crowd=row.take("crowd", bool, False),
        locked=row.take("locked", bool, False),
        before=_before(row),
        totals=row.take("totals", bool, False),
        addresses=row.take("addresses", int, 1),
        faults=read_faults(row, "faults"),
        expect=_expect(row.section("expect"), Expectation())
        if row.has("expect")
        else Expectation(),
        no_tombstones=_other(row, "no_tombstones"),
        on_sql=_other(row, "on_sql"),
        only=_kinds(row),
        why_only=row.take("why_only", str, ""),
        line=row.line,
    )


def _other(row: Section, key: str) -> Expectation | None:
    return _expect(row.section(key), Expectation()) if row.has(key) else None


def _inputs(row: Section) -> Mapping[str, str]:
    if not row.has("inputs"):
        return MappingProxyType({})
    given = row.section("inputs")
    return MappingProxyType({str(name): given.take(name, str) for name in given})


def _first(row: Section) -> Mapping[str, Mapping[str, str]]:
    if not row.has("first"):
        return MappingProxyType({})
    services = row.section("first")
    found: dict[str, Mapping[str, str]] = {}
    for name in services:
        given = services.section(name)
        found[str(name)] = MappingProxyType({str(one): given.take(one, str) for one in given})
    return MappingProxyType(found)


def _before(row: Section) -> tuple[str, ...]:
    acts = _words(row, "before") if row.has("before") else ()
    if not set(acts) <= set(BEFORE):
        raise row.error(f"one of {', '.join(BEFORE)}", "before")
    return acts


def _kinds(row: Section) -> tuple[str, ...]:
    kinds = _words(row, "only") if row.has("only") else ()
    if not set(kinds) <= set(KINDS) or (kinds and not row.has("why_only")):
        raise row.error(f"{' or '.join(KINDS)}, with `why_only`", "only")
    return kinds


def _expect(row: Section, base: Expectation) -> Expectation:
    given: dict[str, Any] = {key: _words(row, key) for key in EXPECTATIONS if row.has(key)}
    if row.has("posted"):
        given["posted"] = row.take("posted", bool)
    row.done()
    if not set(given.get("outcome", ())) <= OUTCOMES:
        raise row.error(f"an outcome is one of {', '.join(sorted(OUTCOMES))}", "outcome")
    return replace(base, **given)


def _words(row: Section, key: str) -> tuple[str, ...]:
    value = row.take(key, object)
    words = value if isinstance(value, list) else [value]
    if not all(isinstance(word, str) for word in words):
        raise row.error(f"{key!r} is a word or a list of words", key)
    return tuple(words)


def needed(scenarios: ScenarioFile) -> Mapping[str, int]:
    """How many scenarios each service has."""
    counts: dict[str, int] = {}
    for one in scenarios.scenarios:
        counts[one.service] = counts.get(one.service, 0) + 1
    return MappingProxyType(counts)


__all__ = ["Expectation", "ProfileError", "Scenario", "ScenarioFile", "load_scenarios", "needed"]
