"""A flow as a graph: every way from node to node, and what can be reached by which."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from telebank.flow.model import (
    FAX_GIVES,
    AnyNode,
    AskingNode,
    Branch,
    Call,
    Collect,
    Confirm,
    Enter,
    Exit,
    Fax,
    Finding,
    Flow,
    Menu,
    Pace,
    Queue,
    Return,
    Statement,
)
from telebank.flow.release import Release


@dataclass(frozen=True, slots=True)
class Edge:
    """One way out of a node; `via` says how, for messages; `exit` is its outcome's name if any."""

    source: str
    target: str
    via: str
    exit: str | None = None


CODE = "code"
"""How the edges of a branch begin to say what they are."""
PICKED = "picked row"
"""How the edge of a chosen row says what it is."""

Rule = Callable[[Release, Flow], Iterator[Finding]]


def finding(flow: Flow, node: AnyNode, rule: str, problem: str, mend: str) -> Finding:
    """A finding at a node."""
    return Finding(flow.file, node.line, rule, f"{node.name}: {problem}", mend)


def edges(flow: Flow, node: AnyNode) -> Iterator[Edge]:
    """Every way out of a node, the inherited ones too."""
    name = node.name
    if isinstance(node, AskingNode):
        yield from (Edge(name, to, f"key {key}") for key, to in _keys(node).items())
        default = node.default if isinstance(node, Menu) else None
        yield Edge(name, default or node.asking.exhausted, "default" if default else "exhausted")
    match node:
        case Menu() | Confirm():
            yield from (Edge(name, to, f"choice {key}") for key, to in node.choices.items())
            if isinstance(node, Menu) and node.picked is not None:
                yield Edge(name, node.picked, PICKED)
        case Collect() | Statement() | Pace():
            yield Edge(name, node.next, "next")
        case Call() | Enter() | Queue() | Fax():
            yield from (Edge(name, to, f"exit {out}", out) for out, to in node.then.items())
        case Branch():
            yield from (Edge(name, to, f"{CODE} {code}", code) for code, to in node.then.items())
            yield Edge(name, node.other, "other")
        case Return() | Exit():
            pass
    if node.visits is not None:
        yield Edge(name, node.over or flow.exhausted or "", "over")


def _keys(node: AskingNode) -> Mapping[str, str]:
    if isinstance(node, Collect):
        return node.asking.keys
    return {key: to for key, to in node.asking.keys.items() if key not in node.choices}


def all_edges(flow: Flow) -> list[Edge]:
    """The edges of all nodes, in the order of the file."""
    return [edge for node in flow.nodes.values() for edge in edges(flow, node)]


def reached(starts: Iterable[str], ways: Iterable[Edge]) -> set[str]:
    """The nodes that can be reached from `starts`, themselves included."""
    out: dict[str, list[str]] = {}
    for edge in ways:
        out.setdefault(edge.source, []).append(edge.target)
    seen = set(starts)
    waiting = deque(seen)
    while waiting:
        for target in out.get(waiting.popleft(), ()):
            if target not in seen:
                seen.add(target)
                waiting.append(target)
    return seen


def entered(flow: Flow) -> set[str]:
    """The sub-flows that a flow enters."""
    return {node.flow for node in flow.nodes.values() if isinstance(node, Enter)}


def exits_of(flow: Flow) -> dict[str, list[Return]]:
    """The exits of a sub-flow with the nodes that take them."""
    exits: dict[str, list[Return]] = {}
    for node in flow.nodes.values():
        if isinstance(node, Return):
            exits.setdefault(node.exit, []).append(node)
    return exits


def inside(release: Release, flow: Flow) -> list[Flow]:
    """A flow and every sub-flow that it can be in."""
    seen = {flow.name: flow}
    waiting = [flow]
    while waiting:
        for name in sorted(entered(waiting.pop())):
            if name in release.flows and name not in seen:
                seen[name] = release.flows[name]
                waiting.append(release.flows[name])
    return list(seen.values())


def writes(release: Release, node: AnyNode) -> set[str]:
    """The variables that a node may set, in sub-flows too."""
    match node:
        case Collect():
            return {node.into}
        case Menu():
            return set(node.pick)
        case Call():
            return set(release.contracts[node.service].gives)
        case Fax():
            return set(FAX_GIVES)
        case Enter():
            inner = [n for flow in inside(release, release.flows[node.flow]) for n in _nodes(flow)]
            return {*node.set, *(name for n in inner for name in _own(release, n))}
        case _:
            return set()


def _own(release: Release, node: AnyNode) -> set[str]:
    return set(node.set) if isinstance(node, Enter) else writes(release, node)


def _nodes(flow: Flow) -> list[AnyNode]:
    return list(flow.nodes.values())
