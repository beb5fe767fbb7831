"""Branches: on words, by codes that the variable can have."""

from collections.abc import Iterator

from telebank.flow.check.graph import finding
from telebank.flow.model import Branch, Call, Enter, Finding, Flow, Menu
from telebank.flow.release import Release


def codes(release: Release, flow: Flow) -> Iterator[Finding]:
    """A branch on what is no word, on what nothing sets, or by a code that never comes."""
    for node in flow.nodes.values():
        if not isinstance(node, Branch):
            continue
        if flow.vars[node.on] != "word":
            mend = f"declare {node.on} as word"
            yield finding(flow, node, "branch", f"branches on {node.on}, no word", mend)
            continue
        known = _codes_of(release, node.on)
        for code in node.then if known is not None else ():
            assert known is not None
            if code not in known:
                problem = f"{node.on} is never `{code}`"
                told = ", ".join(sorted(known)) or "nothing"
                yield finding(flow, node, "branch", problem, f"remove it; what sets it is {told}")


def _codes_of(release: Release, name: str) -> set[str] | None:
    """The codes that a variable can have, where only constants set it; None where others do."""
    known: set[str] = set()
    for flow in release.flows.values():
        for node in flow.nodes.values():
            match node:
                case Enter():
                    known.add(node.set.get(name, ""))
                case Call() if name in release.contracts[node.service].gives:
                    return None
                case Menu() if name in node.pick:
                    return None
    return known - {""}
