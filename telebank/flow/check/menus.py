"""What callers can bear: few choices, no deep menus, keys that mean one thing, handling for all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from heapq import heappop, heappush

from telebank.flow.check.graph import edges, finding, reached
from telebank.flow.entry import parse
from telebank.flow.model import (
    AskingNode,
    Collect,
    Confirm,
    Enter,
    Exit,
    Finding,
    Flow,
    Menu,
    MoneyEntry,
    PointedEntry,
    Queue,
    Return,
)
from telebank.flow.options import MAX_CHOICES, MAX_DEPTH
from telebank.flow.release import Release
from transactions.money import CURRENCIES


def choices(release: Release, flow: Flow) -> Iterator[Finding]:
    """More choices than a caller keeps in mind."""
    for node in flow.nodes.values():
        if not isinstance(node, Menu | Confirm):
            continue
        rows = isinstance(node, Menu) and bool(node.pick) and not node.usual
        count = len(node.choices) + rows
        if count > MAX_CHOICES:
            problem = f"{count} choices, more than {MAX_CHOICES}"
            yield finding(flow, node, "choices", problem, "split the menu")


def prefixes(release: Release, flow: Flow) -> Iterator[Finding]:
    """A choice that is the prefix of another: the longer one could never be taken."""
    for node in flow.nodes.values():
        if not isinstance(node, Menu | Confirm):
            continue
        keys = sorted({*node.choices, *node.asking.keys})
        for key in keys:
            longer = [other for other in keys if other != key and other.startswith(key)]
            if longer:
                problem = f"choice {key} is the beginning of {longer[0]}"
                yield finding(flow, node, "prefix", problem, "give one of them other keys")


def handling(release: Release, flow: Flow) -> Iterator[Finding]:
    """A node without noinput, invalid or exhausted handling, or without a prompt."""
    for node in flow.nodes.values():
        if not isinstance(node, AskingNode):
            continue
        asking = node.asking
        given = {
            "noinput": asking.noinput,
            "invalid": asking.invalid,
            "exhausted": asking.exhausted,
        }
        for word in sorted(asking.removed | {name for name, value in given.items() if not value}):
            problem = f"no `{word}` handling" + (", removed here" * (word in asking.removed))
            mend = f"remove `{word}:` here or give it, and give it in the flow's `defaults`"
            yield finding(flow, node, "handling", problem, mend)
        if not node.say:
            yield finding(flow, node, "handling", "asks without a prompt", "give it `say`")


def entry_keys(release: Release, flow: Flow) -> Iterator[Finding]:
    """Keys inside an entry: never a digit alone, never the point, never a valid entry."""
    for node in flow.nodes.values():
        if isinstance(node, Collect):
            for key in node.asking.keys:
                yield from _entry_key(flow, node, key)


def _entry_key(flow: Flow, node: Collect, key: str) -> Iterator[Finding]:
    spec = node.entry
    point = spec.point if isinstance(spec, PointedEntry) else None
    if isinstance(spec, MoneyEntry) and spec.currency is None:
        spec = replace(spec, currency=CURRENCIES["CNY"])  # some currency, to see what is an amount
    if key in (point, spec.end):
        problem = (
            f"{key} is both {'the decimal point' if key == point else 'the end'} and a way out"
        )
        mend = f'unbind it here with `entry_keys: {{"{key}": null}}`, or use another key'
        yield finding(flow, node, "star", problem, mend)
    elif key[:-1].isdigit() and key[-1] == spec.end:
        if parse(spec, flow.vars[node.into], key[:-1]) is not None:
            problem = f"{key} is a way out and a valid entry too"
            yield finding(flow, node, "entry-exit", problem, "raise `min`, or use another key")
    elif key != "*" or spec.end == "*":
        problem = f"key {key} acts inside an entry"
        mend = f'write `entry_keys: {{"0{spec.end}": node}}`: digits there need the end key'
        yield finding(flow, node, "entry-exit", problem, mend)


def depth(release: Release) -> Iterator[Finding]:
    """More menus in a row than the limit, none of which offers an agent."""
    depths = _depths(release)
    for flow in release.flows.values():
        for node in flow.nodes.values():
            found = depths.get((flow.name, node.name), 0)
            if isinstance(node, Menu) and found > MAX_DEPTH and not _offers_agent(flow, node):
                problem = f"menu number {found} in a row without an agent, more than {MAX_DEPTH}"
                mend = "offer a `queue` by a key there, or bring the menu nearer"
                yield finding(flow, node, "depth", problem, mend)


Place = tuple[str, str]
Callers = Mapping[str, Sequence[tuple[str, Enter]]]
"""By flow: who enters it, and in which flow that stands."""


def _depths(release: Release) -> dict[Place, int]:
    """For each node the least number of menus without an agent on the way, itself included."""
    start, callers = release.flows["main"], _callers(release)
    best: dict[Place, int] = {}
    waiting: list[tuple[int, Place]] = [(0, (start.name, start.entry))]
    while waiting:
        before, place = heappop(waiting)
        if place in best:
            continue
        flow = release.flows[place[0]]
        node = flow.nodes[place[1]]
        count = before + 1 if isinstance(node, Menu) else before
        best[place] = count
        after = 0 if isinstance(node, Menu) and _offers_agent(flow, node) else count
        for target in _next_places(release, flow, node.name, callers):
            heappush(waiting, (after, target))
    return best


def _callers(release: Release) -> Callers:
    found: dict[str, list[tuple[str, Enter]]] = {}
    for flow in release.flows.values():
        for node in flow.nodes.values():
            if isinstance(node, Enter):
                found.setdefault(node.flow, []).append((flow.name, node))
    return found


def _next_places(release: Release, flow: Flow, name: str, callers: Callers) -> Iterator[Place]:
    node = flow.nodes[name]
    if isinstance(node, Enter):
        yield node.flow, release.flows[node.flow].entry
    elif isinstance(node, Return):
        for outer, caller in callers.get(flow.name, ()):
            yield outer, caller.then[node.exit]
    elif not isinstance(node, Exit):
        yield from ((flow.name, edge.target) for edge in edges(flow, node))


def _offers_agent(flow: Flow, node: Menu) -> bool:
    """A key of the menu leads to a queue without another question."""
    ways = [
        edge
        for other in flow.nodes.values()
        if not isinstance(other, AskingNode)
        for edge in edges(flow, other)
    ]
    keys = {*node.asking.keys.values(), *node.choices.values()}
    return any(isinstance(flow.nodes[name], Queue) for name in reached(keys, ways))
