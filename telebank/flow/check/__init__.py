"""The checker of `ivr-flow/1`: each refusal is one small function with a rule id.

What cannot even be read is refused while reading (`telebank.flow.parse`), and contracts that cannot
stand by `transactions.contract`; both come out as findings of the same form.
"""

from telebank.flow.check import (
    abilities,
    branches,
    dataflow,
    desk,
    faxes,
    menus,
    money,
    prompts,
    references,
    rows,
    services,
    shape,
    words,
)
from telebank.flow.check.budget import Seconds, estimated, over_budget
from telebank.flow.check.graph import Rule
from telebank.flow.check.quick import Lead, estimated_lead, too_slow
from telebank.flow.model import Finding
from telebank.flow.options import FlowOptions
from telebank.flow.release import Release

REFERENCES: tuple[Rule, ...] = (
    references.entry_flow,
    references.targets,
    references.flows,
    references.services,
    references.variables,
    references.kinds,
    services.outcomes,
    rows.columns,
    rows.shared,
    rows.listings,
    words.constants,
    faxes.known,
)
"""Names that must exist; the other rules rely on them."""

RULES: tuple[Rule, ...] = (
    prompts.missing,
    prompts.undeclared,
    prompts.readings,
    prompts.read_back,
    shape.unreachable,
    shape.no_exit,
    shape.loops,
    services.channels,
    services.inputs,
    services.secrets,
    services.entry_kinds,
    branches.codes,
    branches.paces,
    branches.often,
    abilities.fixed,
    abilities.offered,
    menus.choices,
    menus.prefixes,
    menus.handling,
    menus.entry_keys,
    rows.picks,
    rows.texts,
    words.currencies,
    words.literals,
    words.sets,
    words.texts,
    dataflow.not_set,
    money.steering,
    money.guards,
    money.read_back,
    money.state_read_back,
    money.left_out,
    money.stale_on_entry,
    money.endings,
    faxes.variables,
    faxes.values,
    faxes.asked,
    faxes.prompts,
    faxes.read_back,
    faxes.hidden,
    desk.leaves_call,
    desk.terms,
)


def check_release(
    release: Release,
    options: FlowOptions,
    seconds: Seconds | None = None,
    lead: Lead | None = None,
) -> list[Finding]:
    """Everything that must be mended before the release can take calls, by file and line.

    `seconds` measures prompts, and `lead` what of them comes before a value; without them their
    length is estimated from the text. Calls are played only through menus that can take them.
    """
    findings = _apply(REFERENCES, release)
    if not findings:
        findings = _apply(RULES, release) | set(menus.depth(release))
        findings |= set(over_budget(release, options, seconds))
    if not findings:
        measure = seconds or estimated(release)
        findings = set(
            too_slow(release, options, measure, lead or estimated_lead(release, measure))
        )
    return sorted(findings)


def _apply(rules: tuple[Rule, ...], release: Release) -> set[Finding]:
    return {
        found for rule in rules for flow in release.flows.values() for found in rule(release, flow)
    }
