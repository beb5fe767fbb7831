"""Calls against their contracts: exits for outcomes, inputs of the right kind, secrets kept."""

from collections.abc import Iterator, Mapping

from telebank.flow.check.graph import exits_of, finding
from telebank.flow.model import (
    DESK_UNLOCK,
    FULL,
    QUEUE_EXITS,
    Call,
    Collect,
    DateEntry,
    DigitEntry,
    Enter,
    Fax,
    Finding,
    Flow,
    MoneyEntry,
    Queue,
    RateEntry,
    TimeEntry,
)
from telebank.flow.release import Release
from transactions.contract import Kind
from transactions.hot_list import TELEPHONE, TELLER

_ENTRY_KINDS: Mapping[type, frozenset[Kind]] = {
    DigitEntry: frozenset({"card_no", "secret", "text", "digits", "number"}),
    TimeEntry: frozenset({"time"}),
    MoneyEntry: frozenset({"money"}),
    RateEntry: frozenset({"rate"}),
    DateEntry: frozenset({"date"}),
}


def outcomes(release: Release, flow: Flow) -> Iterator[Finding]:
    """An outcome without an exit, or an exit for an outcome that there is not."""
    for node in flow.nodes.values():
        if not isinstance(node, Call | Enter | Queue | Fax):
            continue
        what, needed, allowed = _exits_of(release, node)
        for name in needed:
            if name not in node.then:
                problem = f"no exit for outcome `{name}` of {what}"
                yield finding(flow, node, "outcome", problem, f"add `{name}: node` to `then`")
        for name in node.then:
            if name not in allowed:
                problem = f"exit `{name}`, an outcome that {what} does not have"
                yield finding(flow, node, "outcome", problem, f"remove `{name}` from `then`")


def _exits_of(
    release: Release, node: Call | Enter | Queue | Fax
) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """What answers the node, the exits it must have, and those it may have."""
    match node:
        case Call():
            known = release.contracts[node.service].outcomes if _known(release, node) else ()
            return node.service, known, known or tuple(node.then)
        case Enter():
            inner = release.flows.get(node.flow)
            known = tuple(exits_of(inner)) if inner else ()
            return f"flow {node.flow}", known, known if inner else tuple(node.then)
        case Queue():
            return "a queue", tuple(one for one in QUEUE_EXITS if one != FULL), QUEUE_EXITS
        case Fax():
            return f"a fax ({node.way})", node.exits, node.exits


def _known(release: Release, node: Call) -> bool:
    return node.service in release.contracts


def channels(release: Release, flow: Flow) -> Iterator[Finding]:
    """A service that is not for callers; what a teller does for one is asked by him."""
    by = TELLER if flow.name == DESK_UNLOCK else TELEPHONE
    for node in flow.nodes.values():
        if isinstance(node, Call) and not release.contracts[node.service].served_on(by):
            only = ", ".join(release.contracts[node.service].channels)
            problem = f"calls {node.service}, which is served on {only} only"
            mend = "no menu may call it; remove the node"
            yield finding(flow, node, "channel", problem, mend)


def inputs(release: Release, flow: Flow) -> Iterator[Finding]:
    """An input that is missing, unknown, or of another kind than the contract's."""
    for node in flow.nodes.values():
        if not isinstance(node, Call):
            continue
        contract = release.contracts[node.service]
        wanted = contract.inputs
        for name in wanted:
            if name not in node.inputs and name not in contract.optional:
                problem = f"input `{name}` of {node.service} is missing"
                yield finding(flow, node, "input", problem, f"add `{name}: $variable` to `in`")
        for name, source in node.inputs.items():
            if name not in wanted:
                problem = f"{node.service} has no input `{name}`"
                yield finding(flow, node, "input", problem, "remove it from `in`")
            else:
                yield from _source(flow, node, name, source, wanted[name])


def _source(flow: Flow, node: Call, name: str, source: str, wanted: Kind) -> Iterator[Finding]:
    if not source.startswith("$"):
        if wanted not in ("text", "digits", "word"):
            problem = f"input `{name}` ({wanted}) is written out"
            yield finding(flow, node, "input", problem, f"pass a variable of kind {wanted}")
        return
    kind = flow.vars[source[1:]]
    if "secret" in (kind, wanted) and kind != wanted:
        problem = f"${source[1:]} ({kind}) goes to input `{name}` ({wanted})"
        mend = "a secret goes only where the contract says `secret`, and nothing else goes there"
        yield finding(flow, node, "secret", problem, mend)
    elif kind != wanted and (kind, wanted) != ("digits", "text"):
        problem = f"${source[1:]} is {kind}, input `{name}` wants {wanted}"
        yield finding(flow, node, "input", problem, f"pass a variable of kind {wanted}")


def secrets(release: Release, flow: Flow) -> Iterator[Finding]:
    """A secret or card number shown, read back, handed to a teller, or faxed about."""
    for node in flow.nodes.values():
        if isinstance(node, Collect) and node.public and flow.vars[node.into] in _GUARDED:
            problem = f"`public` on {node.into}, a {flow.vars[node.into]}"
            yield finding(flow, node, "secret", problem, "remove `public: true`")
        if isinstance(node, Queue):
            for name in node.carry:
                if flow.vars[name] == "secret":
                    mend = f"remove {name} from `carry`"
                    yield finding(flow, node, "secret", f"carries the secret {name}", mend)


_GUARDED = frozenset({"card_no", "secret"})


def entry_kinds(release: Release, flow: Flow) -> Iterator[Finding]:
    """A collect whose entry cannot make a value of its variable's kind."""
    for node in flow.nodes.values():
        if isinstance(node, Collect):
            kind, able = flow.vars[node.into], _ENTRY_KINDS[type(node.entry)]
            if kind not in able:
                problem = f"its entry makes no {kind} for {node.into}"
                mend = f"declare {node.into} as one of {', '.join(sorted(able))}"
                yield finding(flow, node, "kind", problem, mend)
            if node.same_as is not None and flow.vars[node.same_as] != kind:
                problem = f"must repeat {node.same_as}, which is no {kind}"
                yield finding(flow, node, "kind", problem, f"name a variable of kind {kind}")
            if isinstance(node.entry, MoneyEntry) and node.entry.of is not None:
                yield from _currency(flow, node, node.entry.of)


def _currency(flow: Flow, node: Collect, of: str) -> Iterator[Finding]:
    if flow.vars[of] != "word":
        problem = f"`currency: ${of}`, which is {flow.vars[of]}"
        yield finding(flow, node, "kind", problem, f"declare {of} as word, such as usd")
