"""Names that must exist: nodes, flows, services and variables, each of one kind everywhere."""

from collections.abc import Iterator

from telebank.flow.check.graph import edges, entered, finding, inside
from telebank.flow.model import (
    DESK_FLOWS,
    AnyNode,
    Branch,
    Call,
    Collect,
    Confirm,
    Enter,
    Fax,
    Finding,
    Flow,
    Menu,
    MoneyEntry,
    Pace,
    Queue,
    Statement,
)
from telebank.flow.release import Release

ENTRY_FLOW = "main"


def targets(release: Release, flow: Flow) -> Iterator[Finding]:
    """A target that does not exist."""
    if flow.entry not in flow.nodes:
        problem, mend = f"entry `{flow.entry}` is no node", "name one of its nodes"
        yield Finding(flow.file, flow.lines.get("entry", 1), "target", problem, mend)
    for node in flow.nodes.values():
        for edge in edges(flow, node):
            if not edge.target and edge.via == "exhausted":
                continue  # the rule `handling` says it better
            if edge.target not in flow.nodes:
                problem = f"{edge.via} goes to `{edge.target}`, which is not there"
                yield finding(flow, node, "target", problem, "add that node or name another")


def flows(release: Release, flow: Flow) -> Iterator[Finding]:
    """A sub-flow that does not exist, or that is inside itself."""
    for node in flow.nodes.values():
        if not isinstance(node, Enter):
            continue
        if node.flow not in release.flows:
            problem = f"enters `{node.flow}`, which is not there"
            yield finding(flow, node, "flow", problem, f"write flows/{node.flow}.yaml")
        elif any(flow.name in entered(f) for f in inside(release, release.flows[node.flow])):
            problem = f"enters `{node.flow}`, which enters {flow.name} again"
            yield finding(flow, node, "flow", problem, "return to the caller's flow instead")


def entry_flow(release: Release, flow: Flow) -> Iterator[Finding]:
    """No flow to start with, or a flow that nothing enters."""
    if ENTRY_FLOW not in release.flows:
        mend = f"write flows/{ENTRY_FLOW}.yaml"
        yield Finding(flow.file, 1, "flow", f"there is no flow `{ENTRY_FLOW}`", mend)
        return
    starts = [release.flows[name] for name in (ENTRY_FLOW, *DESK_FLOWS) if name in release.flows]
    if not any(flow in inside(release, start) for start in starts):
        mend = "enter it from a flow, or remove the file"
        yield Finding(flow.file, 1, "unreachable", f"nothing enters flow {flow.name}", mend)


def services(release: Release, flow: Flow) -> Iterator[Finding]:
    """A service that has no contract."""
    for node in flow.nodes.values():
        if isinstance(node, Call) and node.service not in release.contracts:
            problem = f"no contract for service `{node.service}`"
            yield finding(flow, node, "service", problem, "write it in services.yaml")


def variables(release: Release, flow: Flow) -> Iterator[Finding]:
    """A variable that is used and not declared in `vars`."""
    for key, names in (("needs", flow.needs), ("gives", flow.gives)):
        for name in names:
            if name not in flow.vars:
                line = flow.lines.get(key, 1)
                problem, mend = f"`{key}` names {name}, not declared", "declare it in `vars`"
                yield Finding(flow.file, line, "declared", problem, mend)
    for node in flow.nodes.values():
        for name in [*named(node), *(node.pick if isinstance(node, Menu) else ())]:
            if name not in flow.vars:
                problem = f"variable `{name}` is not declared"
                yield finding(flow, node, "declared", problem, "declare it in `vars`")


def named(node: AnyNode) -> list[str]:  # noqa: PLR0911 - a table of kinds
    """The variables that a node names itself (its texts name others)."""
    match node:
        case Collect():
            return [node.into, *heeded(node)]
        case Menu() | Statement():
            return [node.each] if node.each is not None else []
        case Confirm():
            return list(node.reads)
        case Call():
            return [source[1:] for source in node.inputs.values() if source.startswith("$")]
        case Branch():
            return [node.on]
        case Pace():
            sources = [source for source in (node.patience, node.speed) if source is not None]
            return [source[1:] for source in sources if source.startswith("$")]
        case Queue():
            return list(node.carry)
        case Fax():
            written = [node.document, node.to or "", node.at or "", *node.inputs.values()]
            return [source[1:] for source in written if source.startswith("$")]
        case _:
            return []


def heeded(node: Collect) -> list[str]:
    """What a collect needs to know: what is to be repeated, and its amount's currency."""
    of = node.entry.of if isinstance(node.entry, MoneyEntry) else None
    return [name for name in (node.same_as, of) if name is not None]


def kinds(release: Release, flow: Flow) -> Iterator[Finding]:
    """A variable that is of another kind in another flow, or in a service's answer.

    Variables of one call share their names across its flows.
    """
    line = flow.lines.get("vars", 1)
    for name, kind in flow.vars.items():
        for other in release.flows.values():
            if other.vars.get(name, kind) != kind and other.name < flow.name:
                problem = f"{name} is {kind} here and {other.vars[name]} in {other.file}"
                yield Finding(flow.file, line, "kind", problem, "rename one of them")
    for node in flow.nodes.values():
        if not isinstance(node, Call) or node.service not in release.contracts:
            continue
        for name, kind in release.contracts[node.service].gives.items():
            if flow.vars.get(name, kind) != kind:
                problem = f"{node.service} gives {name} as {kind}, declared {flow.vars[name]}"
                yield finding(flow, node, "kind", problem, _as_declared(name, kind))


def _as_declared(name: str, kind: str) -> str:
    written = "{column: kind}" if kind == "rows" else kind
    return f"declare `{name}: {written}`"
