"""Which ways of a flow are drawn as arrows, and where each node stands: its layer, or its side.

Drawn are ways to the layers below, and ways to leaves, which stand beside the first node that leads
to them. Every other way (back, to an end) is told in words at its source, and so are ways that pass
layers where they are many.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from telebank.flow.check.graph import Edge, edges
from telebank.flow.draw.content import inherited
from telebank.flow.model import Exit, Flow, Queue, Return

MOST_FAR = 4
"""Arrows on one page that pass other layers, along its left side."""


@dataclass(frozen=True, slots=True)
class Shape:
    """`layers` of nodes from the entry down; `sides` of leaves by the node they stand beside;
    `ends` at the foot of the page; `drawn` pairs of nodes."""

    layers: tuple[tuple[str, ...], ...]
    sides: Mapping[str, tuple[str, ...]]
    ends: tuple[str, ...]
    drawn: frozenset[tuple[str, str]]
    depth: Mapping[str, int]
    """The layer of each node that is in one."""

    def far(self, node: str, target: str) -> bool:
        """Whether an arrow between two nodes passes other layers."""
        beside = target not in self.depth or node not in self.depth
        return not beside and self.depth[target] > self.depth[node] + 1

    @property
    def order(self) -> list[str]:
        """All nodes as they are numbered: down the page, sides after their node, ends last."""
        inner = [one for layer in self.layers for node in layer for one in self._with(node)]
        return [*inner, *self.ends]

    def _with(self, node: str) -> tuple[str, ...]:
        return (node, *self.sides.get(node, ()))


def own_edges(flow: Flow, name: str) -> list[Edge]:
    """A node's own ways, without what the flow has for all nodes."""
    node = flow.nodes[name]
    return [edge for edge in edges(flow, node) if edge.target and not inherited(node, edge)]


def shape(flow: Flow) -> Shape:
    """Where the nodes of a flow stand."""
    ends = _ends(flow)
    following = _forward(flow, ends)
    parents: dict[str, list[str]] = {}
    for node, targets in following.items():
        for target in targets:
            parents.setdefault(target, []).append(node)
    leaves = {n for n, targets in following.items() if not targets and n != flow.entry}
    leaves = {leaf for leaf in leaves if leaf in parents}
    sides: dict[str, list[str]] = {}
    for leaf in (node for node in following if node in leaves):
        sides.setdefault(parents[leaf][0], []).append(leaf)
    layers = _layers(flow.entry, {n: t for n, t in following.items() if n not in leaves}, leaves)
    layers = _ordered(layers, parents)
    depth = {node: at for at, layer in enumerate(layers) for node in layer}
    steps = {
        (node, target): depth[target] - depth[node]
        for node in depth
        for target in following[node]
        if target in depth
    }
    far = [step for step, layers_on in steps.items() if layers_on > 1]
    near = set(steps) if len(far) <= MOST_FAR else set(steps) - set(far)
    beside = {(node, leaf) for node, some in sides.items() for leaf in some}
    return Shape(
        tuple(map(tuple, layers)),
        {node: tuple(some) for node, some in sides.items()},
        tuple(ends),
        frozenset(near | beside),
        {node: at for at, layer in enumerate(layers) for node in layer},
    )


def _ends(flow: Flow) -> list[str]:
    """Ends, and tellers; and what only they, or silence and wrong keys, lead to."""
    final = {n.name for n in flow.nodes.values() if isinstance(n, Exit | Return | Queue)}
    seen = {flow.entry}
    waiting = [flow.entry] if flow.entry not in final else []
    while waiting:
        for edge in own_edges(flow, waiting.pop()):
            if edge.target not in seen and edge.target not in final:
                seen.add(edge.target)
                waiting.append(edge.target)
    return [name for name in flow.nodes if name in final or name not in seen]


def _forward(flow: Flow, ends: list[str]) -> dict[str, list[str]]:
    """The ways that lead on, and never back to a node on the way there; in the order of a walk."""
    following: dict[str, list[str]] = {}
    passing: set[str] = set()

    def walk(name: str) -> None:
        following[name] = []
        passing.add(name)
        for edge in own_edges(flow, name):
            target = edge.target
            if target in ends or target in passing or target in following[name]:
                continue
            following[name].append(target)
            if target not in following:
                walk(target)
        passing.discard(name)

    if flow.entry not in ends:
        walk(flow.entry)
    return following


def _layers(entry: str, following: Mapping[str, list[str]], leaves: set[str]) -> list[list[str]]:
    """Each node one below the lowest node that leads to it."""
    depth = dict.fromkeys(following, 0)
    for _ in following:
        for node, targets in following.items():
            for target in targets:
                if target not in leaves:
                    depth[target] = max(depth[target], depth[node] + 1)
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for node in following:
        layers[depth[node]].append(node)
    return layers


def _ordered(layers: list[list[str]], parents: Mapping[str, list[str]]) -> list[list[str]]:
    """Each layer in the order of what leads to it, so that few arrows cross."""
    place: dict[str, float] = {}
    ordered: list[list[str]] = []
    for layer in layers:
        middle = {node: _middle(parents.get(node, ()), place) for node in layer}
        ordered.append(sorted(layer, key=middle.__getitem__))
        place |= {node: float(at) for at, node in enumerate(ordered[-1])}
    return ordered


def _middle(parents: Iterable[str], place: Mapping[str, float]) -> float:
    known = [place[parent] for parent in parents if parent in place]
    return sum(known) / len(known) if known else 0.0
