"""The shape of a flow: what can be reached, what can end, what can go round for ever."""

from collections.abc import Iterator

from telebank.flow.check.graph import Edge, all_edges, edges, exits_of, finding, reached
from telebank.flow.model import AskingNode, Enter, Exit, Finding, Flow, Return
from telebank.flow.release import Release


def unreachable(release: Release, flow: Flow) -> Iterator[Finding]:
    """A node that cannot be reached."""
    seen = reached([flow.entry], all_edges(flow))
    for node in flow.nodes.values():
        if node.name not in seen:
            mend = "lead a node to it, or remove it"
            yield finding(flow, node, "unreachable", "no way leads to this node", mend)


def no_exit(release: Release, flow: Flow) -> Iterator[Finding]:
    """A node from which no exit can be reached."""
    ends = [n.name for n in flow.nodes.values() if isinstance(n, Exit | Return)]
    back = [Edge(edge.target, edge.source, edge.via) for edge in all_edges(flow)]
    can_end = reached(ends, back)
    for node in flow.nodes.values():
        if node.name not in can_end:
            mend = "lead it to an `exit` or `return` node"
            yield finding(flow, node, "no-exit", "no exit can be reached from here", mend)


def loops(release: Release, flow: Flow) -> Iterator[Finding]:
    """A loop without caller input and without a `visits` bound."""
    silent = list(_silent_edges(release, flow))
    for node in flow.nodes.values():
        after = reached([e.target for e in silent if e.source == node.name], silent)
        if node.name in after:
            problem = "comes round to itself without any key from the caller"
            mend = "add `visits: n` and `over:` to one node of the loop, or ask for a key"
            yield finding(flow, node, "loop", problem, mend)


def _silent_edges(release: Release, flow: Flow) -> Iterator[Edge]:
    """The ways that need no key. A bounded node leaves only by `over` in the end."""
    for node in flow.nodes.values():
        if isinstance(node, AskingNode):
            continue
        quiet = silent_exits(release, release.flows[node.flow]) if isinstance(node, Enter) else None
        for edge in edges(flow, node):
            bounded = node.visits is not None and edge.via != "over"
            asks = quiet is not None and edge.exit is not None and edge.exit not in quiet
            if not bounded and not asks:
                yield edge


def silent_exits(release: Release, flow: Flow) -> set[str]:
    """The exits that a sub-flow can take without any key from the caller."""
    silent: list[Edge] = []
    for node in flow.nodes.values():
        if isinstance(node, AskingNode):
            continue
        inner = silent_exits(release, release.flows[node.flow]) if isinstance(node, Enter) else None
        silent += [e for e in edges(flow, node) if inner is None or e.exit in {*inner, None}]
    seen = reached([flow.entry], silent)
    return {
        out for out, nodes in exits_of(flow).items() if any(node.name in seen for node in nodes)
    }
