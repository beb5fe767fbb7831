"""Faxes: documents that exist, values that are set and may be printed, numbers read back."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from fax.documents.checks import complaints
from fax.documents.kinds import DocumentKind, takes
from telebank.flow.check.branches import codes_of
from telebank.flow.check.graph import all_edges, finding, inside
from telebank.flow.documents import FILE
from telebank.flow.model import FAX_GIVES, AnyNode, Collect, Confirm, Enter, Fax, Finding, Flow
from telebank.flow.papers import source_of
from telebank.flow.release import Release
from transactions.contract import Kind

_KINDS_OF: Mapping[str, Kind] = MappingProxyType({"document": "word", "to": "digits", "at": "time"})
"""Kind of the variable that each key of a fax may name."""
_NEVER: frozenset[Kind] = frozenset({"secret", "rows"})
"""Kinds that no document is given."""


def known(release: Release, flow: Flow) -> Iterator[Finding]:
    """A document that does not exist, written at a fax or set for one."""
    chosen = _chosen_by(release)
    for node in flow.nodes.values():
        names: list[str] = []
        if isinstance(node, Fax) and not node.document.startswith("$"):
            names.append(node.document)
        if isinstance(node, Enter):
            names += [value for name, value in node.set.items() if name in chosen and value]
        for name in names:
            if name not in release.documents:
                problem = f"there is no document `{name}`"
                yield finding(flow, node, "document", problem, "write it in documents.yaml")


def _chosen_by(release: Release) -> set[str]:
    """The variables that say which document a fax is of."""
    nodes = [node for flow in release.flows.values() for node in flow.nodes.values()]
    faxes = [node for node in nodes if isinstance(node, Fax)]
    return {node.document[1:] for node in faxes if node.document.startswith("$")}


def variables(release: Release, flow: Flow) -> Iterator[Finding]:
    """A document, number or time in a variable of another kind, or set by what is no constant."""
    for node in flow.nodes.values():
        if not isinstance(node, Fax):
            continue
        for key, kind in _KINDS_OF.items():
            source = getattr(node, key) or ""
            if source.startswith("$") and flow.vars[source[1:]] != kind:
                problem = f"`{key}: {source}`, which is {flow.vars[source[1:]]}"
                yield finding(flow, node, "kind", problem, f"declare it as {kind}")
        name = node.document[1:]
        if node.document.startswith("$") and codes_of(release, name) is None:
            mend = "set it where the flow is entered (`set`), and nowhere else"
            yield finding(flow, node, "document", f"`{name}` is not set by constants only", mend)
        for name, kind in FAX_GIVES.items():
            if flow.vars.get(name, kind) != kind:
                problem = f"a fax gives {name} as {kind}, declared {flow.vars[name]}"
                yield finding(flow, node, "kind", problem, f"declare `{name}: {kind}`")


def needed(release: Release, node: AnyNode) -> Mapping[str, str]:
    """What documents are given at a node, with its sources: `$variable` or a literal.

    At a fax of one document, and where a flow is entered that faxes the document set there.
    """
    found: dict[str, str] = {}
    for fax, document in _faxed_at(release, node):
        own = fax is node
        given = (*document.needs, *(name for name in document.may if name in fax.inputs))
        sources = {need: source_of(fax, need) for need in given}
        found |= {need: source for need, source in sources.items() if own or need not in fax.inputs}
    return found


def _faxed_at(release: Release, node: AnyNode) -> Iterator[tuple[Fax, DocumentKind]]:
    """The faxes whose document is known at a node: its own, or those inside a flow entered."""
    if isinstance(node, Fax) and node.document in release.documents:
        yield node, release.documents[node.document]
    if not isinstance(node, Enter) or node.flow not in release.flows:
        return
    for flow in inside(release, release.flows[node.flow]):
        for fax in flow.nodes.values():
            if isinstance(fax, Fax) and fax.document.startswith("$"):
                document = release.documents.get(node.set.get(fax.document[1:], ""))
                if document is not None:
                    yield fax, document


def values(release: Release, flow: Flow) -> Iterator[Finding]:
    """A value that a document does not need, or may not have."""
    for node in flow.nodes.values():
        if isinstance(node, Fax):
            yield from _superfluous(release, flow, node)
        documents = {document.name: document for _, document in _faxed_at(release, node)}
        for document in documents.values():
            for need, source in needed(release, node).items():
                if source.startswith("$") and need in (*document.needs, *document.may):
                    yield from _value(release, flow, node, document, need)


def _superfluous(release: Release, flow: Flow, node: Fax) -> Iterator[Finding]:
    document = release.documents.get(node.document)
    for name in node.inputs if document is not None else ():
        assert document is not None
        if name not in (*document.needs, *document.may):
            problem = f"document {document.name} needs no `{name}`"
            yield finding(flow, node, "input", problem, "remove it from `in`")


def _value(
    release: Release, flow: Flow, node: AnyNode, document: DocumentKind, need: str
) -> Iterator[Finding]:
    source = needed(release, node)[need]
    kind = flow.vars.get(source[1:])
    if kind is None:
        problem = f"document {document.name} needs {need}, and {source} is not declared"
        yield finding(flow, node, "declared", problem, f"declare {source[1:]} in `vars`")
        return
    if kind in _NEVER:
        problem = f"{source} ({kind}) goes to document {document.name}"
        yield finding(flow, node, "secret", problem, "no secret and no list is given to a document")
        return
    for form in [fact.form for fact in document.facts if fact.of == need]:
        if kind not in takes(form):
            problem = f"document {document.name} prints {source} ({kind}) as {form}"
            rule = "secret" if kind == "card_no" else "input"
            yield finding(
                flow, node, rule, problem, "print it in a way of its kind, a card as card"
            )
    for wanted in _wanted(release, document, need):
        if kind != wanted and (kind, wanted) != ("digits", "text"):
            problem = f"{source} is {kind}, document {document.name} asks with {need} ({wanted})"
            yield finding(flow, node, "input", problem, f"pass a variable of kind {wanted}")


def _wanted(release: Release, document: DocumentKind, need: str) -> set[Kind]:
    """The kinds that the document's services take a value as."""
    found: set[Kind] = set()
    for part in document.parts:
        if part.service in release.contracts:
            inputs = release.contracts[part.service].inputs
            names = [name for name, value in part.inputs.items() if value == need]
            found |= {inputs[name] for name in names if name in inputs}
    return found


def asked(release: Release, flow: Flow) -> Iterator[Finding]:
    """A document that asks or prints what no contract has. Told once, with the flow `main`."""
    if flow.name == "main":
        for found in complaints(release.documents, release.contracts.services):
            yield Finding(FILE, found.line, "document", found.problem, found.mend)


def prompts(release: Release, flow: Flow) -> Iterator[Finding]:
    """A fax in the call that nobody is told to receive."""
    for node in flow.nodes.values():
        if isinstance(node, Fax) and node.way == "here" and not node.say:
            mend = "give it `say`: the caller must press start first"
            yield finding(flow, node, "fax-prompt", "begins a fax without a word", mend)


def read_back(release: Release, flow: Flow) -> Iterator[Finding]:
    """A fax to a number that was keyed in and not read back, or at a time that was not."""
    for node in flow.nodes.values():
        if not isinstance(node, Fax) or not (node.to or "").startswith("$"):
            continue
        terms = [source[1:] for source in (node.to, node.at) if source and source[0] == "$"]
        if flow.entry == node.name:
            mend = "read the number back in a confirm first"
            yield finding(flow, node, "fax-number", "the flow begins with it", mend)
        for edge in all_edges(flow):
            if edge.target != node.name:
                continue
            guard = flow.nodes[edge.source]
            read = guard.reads if isinstance(guard, Confirm) else ()
            missing = [name for name in terms if name not in read]
            if missing or not edge.via.startswith("choice"):
                problem = (
                    f"reached from {edge.source} by {edge.via}, "
                    f"which does not read back {', '.join(missing or terms)}"
                )
                mend = "lead to it by a choice of a confirm that reads them"
                yield finding(flow, node, "fax-number", problem, mend)


def hidden(release: Release, flow: Flow) -> Iterator[Finding]:
    """A number to fax to that is written into the event log as it is keyed."""
    faxes = [node for node in flow.nodes.values() if isinstance(node, Fax)]
    numbers = {fax.to[1:] for fax in faxes if fax.to is not None and fax.to.startswith("$")}
    for node in flow.nodes.values():
        if isinstance(node, Collect) and node.public and node.into in numbers:
            problem = f"`public` on {node.into}, the number of a fax"
            yield finding(flow, node, "secret", problem, "remove `public: true`")
