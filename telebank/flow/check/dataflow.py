"""What is true on the ways to a node: variables set, quotes still as they were given."""

from collections.abc import Callable, Iterator

from telebank.flow.check.faxes import needed
from telebank.flow.check.graph import PICKED, Edge, edges, finding, inside, writes
from telebank.flow.check.prompts import slots_at
from telebank.flow.check.references import ENTRY_FLOW, heeded, named
from telebank.flow.model import (
    ABLE,
    AT_DESK,
    DESK_GIVES,
    FAX_GIVES,
    AnyNode,
    Branch,
    Call,
    Collect,
    Enter,
    Fax,
    Finding,
    Flow,
    Menu,
    Pace,
    Return,
)
from telebank.flow.release import Release
from transactions.contract import Service

Facts = frozenset[str]
Step = Callable[[Facts, AnyNode, Edge], Facts]
Join = Callable[[Facts, Facts], Facts]


def facts_at(
    flow: Flow, first: Facts, step: Step, join: Join = frozenset.__and__
) -> dict[str, Facts]:
    """For each reachable node the facts that hold on every way to it (a forward must-analysis), or
    with another `join` on some way to it."""
    known: dict[str, Facts] = {flow.entry: first}
    waiting = [flow.entry]
    while waiting:
        node = flow.nodes[waiting.pop()]
        for edge in edges(flow, node):
            after = step(known[node.name], node, edge)
            before = known.get(edge.target)
            now = after if before is None else join(before, after)
            if now != before:
                known[edge.target] = now
                waiting.append(edge.target)
    return known


def not_set(release: Release, flow: Flow) -> Iterator[Finding]:
    """A variable used where some way leads past the node that sets it."""
    for name, facts in set_at(release, flow).items():
        node = flow.nodes[name]
        for used in sorted(_uses(release, flow, node)):
            if used not in facts and (used in flow.vars or isinstance(node, Enter)):
                problem = f"`{used}` is not yet set on some way to here"
                mend = f"set {used} on every way, or name it in the flow's `needs`"
                yield finding(flow, node, "not-set", problem, mend)


def set_at(release: Release, flow: Flow) -> dict[str, Facts]:
    """For each reachable node the variables that are certainly set before it."""
    usual = _usual_rows(flow)
    first = frozenset(flow.needs) | (usual if flow.name == ENTRY_FLOW else frozenset())

    def step(facts: Facts, node: AnyNode, edge: Edge) -> Facts:
        after = _set_after(release, flow, facts, node, edge)
        if isinstance(node, Call):
            return after | (usual & set(release.contracts[node.service].rows))
        return after - (usual & writes(release, node)) if isinstance(node, Enter) else after

    return facts_at(flow, first, step)


def _usual_rows(flow: Flow) -> Facts:
    """Rows that are no worse for being none, as long as they are not those of another list."""
    menus = [node for node in flow.nodes.values() if isinstance(node, Menu) and node.usual]
    return frozenset(node.each for node in menus if node.each is not None)


def _uses(release: Release, flow: Flow, node: AnyNode) -> set[str]:
    used = {slot.name for _, _, slot in slots_at(release, node)}
    match node:
        case Collect():
            used |= set(heeded(node))
        case Branch() | Pace():
            pass  # one that is not set takes `other`, or changes nothing
        case Call():
            optional = release.contracts[node.service].optional
            sources = [source for name, source in node.inputs.items() if name not in optional]
            used |= {source[1:] for source in sources if source.startswith("$")}
        case Enter():
            used |= {n for n in release.flows[node.flow].needs if not node.set.get(n)}
            used |= _faxed(release, node)
        case Fax():
            used |= {*named(node), *_faxed(release, node)}
        case _:
            used |= set(named(node))
    if isinstance(node, Return) and node.exit == "ok":
        used |= set(flow.gives)
    return used


def _faxed(release: Release, node: AnyNode) -> set[str]:
    """The variables that a document is made of."""
    sources = needed(release, node).values()
    return {source[1:] for source in sources if source.startswith("$")}


def _set_after(  # noqa: PLR0911 - a table of kinds
    release: Release, flow: Flow, facts: Facts, node: AnyNode, edge: Edge
) -> Facts:
    """The variables set after leaving `node` by `edge`; a secret is gone once it was passed."""
    match node:
        case Collect() if edge.via == "next":
            return facts | {node.into}
        case Menu() if edge.via == PICKED:
            return facts | set(node.pick)
        case Branch() if edge.exit is not None:
            known = {DESK_GIVES} if (node.on, edge.exit) == (AT_DESK, ABLE) else set()
            return facts | {node.on} | known
        case Call() if edge.exit is not None:
            passed = {name for name in named(node) if flow.vars[name] == "secret"}
            lost, given = _given(release.contracts[node.service], edge.exit)
            return (facts - passed - lost) | given
        case Fax() if edge.exit is not None:
            return (facts - frozenset(FAX_GIVES)) | frozenset(node.sure(edge.exit))
        case Enter() if edge.exit is not None:
            inner = release.flows[node.flow]
            constants = {name for name, constant in node.set.items() if constant}
            kept = ((facts - set(node.set)) | constants) - _lost_in(release, flow, inner)
            return kept | frozenset(inner.gives) if edge.exit == "ok" else kept
        case _:
            return facts


def _given(service: Service, exit_name: str) -> tuple[Facts, Facts]:
    """What an exit of a service may unset, rows that it does not give among it, and what it
    certainly sets: of what may be absent only what tells `ok` from `last`."""
    sure = {name for name in service.given(exit_name) if name not in service.optional_out}
    if not sure:
        return frozenset(service.rows), frozenset()
    if exit_name == "ok" and service.last_without is not None:
        sure.add(service.last_without)
    return service.optional_out, frozenset(sure)


def _lost_in(release: Release, flow: Flow, inner: Flow) -> Facts:
    """What is no longer certain after a sub-flow: secrets, what an answer or a `set` may unset,
    and rows that may have other columns now."""
    lost: set[str] = set()
    for one in inside(release, inner):
        lost |= {name for name, kind in one.vars.items() if kind == "secret"}
        lost |= {n for n, mine in flow.rows.items() if one.rows.get(n, mine) != mine}
        for node in one.nodes.values():
            if isinstance(node, Call):
                lost |= release.contracts[node.service].optional_out
            elif isinstance(node, Enter):
                lost |= {name for name, constant in node.set.items() if not constant}
            elif isinstance(node, Fax):
                lost |= FAX_GIVES.keys()
    return frozenset(lost)


def fresh_quotes(release: Release, flow: Flow, quote: str) -> dict[str, Facts]:
    """For each node the calls of service `quote` whose terms nothing has changed since.

    A quote goes stale when a variable that went into it or came out of it is set again, and when
    a money service has used it.
    """
    terms = {
        name: set(named(node)) | set(release.contracts[quote].outputs)
        for name, node in flow.nodes.items()
        if isinstance(node, Call) and node.service == quote
    }

    def step(facts: Facts, node: AnyNode, edge: Edge) -> Facts:
        if node.name in terms:
            given = edge.exit in release.contracts[quote].out_on
            return frozenset({node.name}) if given else frozenset()
        if isinstance(node, Call) and release.contracts[node.service].effect == "money":
            return frozenset()
        changed = writes(release, node)
        return frozenset(name for name in facts if not terms[name] & changed)

    return facts_at(flow, frozenset(), step)


def fresh_answers(release: Release, flow: Flow, names: set[str]) -> dict[str, Facts]:
    """For each node which of `names` certainly still fit what was entered.

    An answer of a service called in this flow, or of a flow entered from it, no longer fits once a
    variable that went into the question was set again. What comes with the caller into this flow
    fits: `stale_on_entry` looks at that where the flow is entered.
    """
    return facts_at(flow, frozenset(names), _still_fitting(release, flow, names))


def told_at(release: Release, flow: Flow, names: set[str]) -> dict[str, Facts]:
    """For each node which of `names` were answered here on some way to it, and still fit."""
    step = _still_fitting(release, flow, names)
    return facts_at(flow, frozenset(), step, frozenset.__or__)


def _still_fitting(release: Release, flow: Flow, names: set[str]) -> Step:
    went_in = {name: _went_in(release, flow, name) for name in names}

    def step(facts: Facts, node: AnyNode, edge: Edge) -> Facts:
        changed = writes(release, node)
        kept = {name for name in facts if not went_in[name] & changed}
        return frozenset(kept | _answered(release, node, edge) & names)

    return step


def _went_in(release: Release, flow: Flow, name: str) -> set[str]:
    """The variables that an answer `name` is about: what a service was asked with, or all that a
    sub-flow which gives it reads."""
    about: set[str] = set()
    for node in flow.nodes.values():
        if isinstance(node, Call) and name in release.contracts[node.service].gives:
            about |= set(named(node))
        elif isinstance(node, Enter) and name in release.flows[node.flow].gives:
            inner = release.flows[node.flow]
            about |= set(inner.needs) | _went_in(release, inner, name)
    return about - {name}


def _answered(release: Release, node: AnyNode, edge: Edge) -> set[str]:
    """What leaving a node by `edge` sets together with all that it is about."""
    match node:
        case Call() if edge.exit is not None:
            return set(release.contracts[node.service].given(edge.exit))
        case Enter() if edge.exit == "ok":
            return _given_fresh(release, release.flows[node.flow])
        case Menu() if edge.via == PICKED:
            return set(node.pick)
        case _:
            return set()


def _given_fresh(release: Release, inner: Flow) -> set[str]:
    """What a sub-flow gives that still fits, wherever it ends well, what was entered in it."""
    gives = set(inner.gives)
    fresh = fresh_answers(release, inner, gives)
    for node in inner.nodes.values():
        if isinstance(node, Return) and node.exit == "ok":
            gives &= fresh.get(node.name, gives)
    return gives
