"""Codes that steer a call: of branches, of its pace, of what is counted as often used."""

from collections.abc import Iterator

from telebank.flow.check.graph import finding
from telebank.flow.check.references import named
from telebank.flow.model import (
    ABILITIES,
    ABLE,
    AT_DESK,
    DESK_SIGNS,
    SIGNS_CODE,
    SIGNS_PIN,
    Branch,
    Call,
    Collect,
    Enter,
    Finding,
    Flow,
    Menu,
    Pace,
)
from telebank.flow.pace import PATIENCE, SPEEDS
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
        known = codes_of(release, node.on)
        for code in node.then if known is not None else ():
            assert known is not None
            if code not in known:
                problem = f"{node.on} is never `{code}`"
                told = ", ".join(sorted(known)) or "nothing"
                yield finding(flow, node, "branch", problem, f"remove it; what sets it is {told}")


def paces(release: Release, flow: Flow) -> Iterator[Finding]:
    """A pace by what is no word, or by a constant that is none of its codes."""
    for node in flow.nodes.values():
        if not isinstance(node, Pace):
            continue
        for name in named(node):
            if flow.vars[name] != "word":
                mend = f"declare {name} as word"
                yield finding(flow, node, "pace", f"its pace is by {name}, no word", mend)
        for source, known in ((node.patience, PATIENCE), (node.speed, SPEEDS)):
            codes = codes_of(release, source[1:]) if source and source[0] == "$" else None
            for code in sorted((codes or set()) - set(known)):
                problem = f"{source} may be `{code}`, which is no pace"
                mend = f"set it to {', '.join(known)}"
                yield finding(flow, node, "pace", problem, mend)


def often(release: Release, flow: Flow) -> Iterator[Finding]:
    """A use that is counted and that no menu could ever offer first."""
    entering = [node for node in flow.nodes.values() if isinstance(node, Enter)]
    counted = [(node, node.often) for node in entering if node.often is not None]
    offered = _offered(release) if counted else set()
    for node, code in counted:
        if code not in offered:
            problem = f"counts its use as `{code}`, which no menu with `first_key` leads to"
            mend = "add the code to the branch after that menu, or remove `often`"
            yield finding(flow, node, "often", problem, mend)


def _offered(release: Release) -> set[str]:
    """The codes that branches know of what menus pick as usual."""
    nodes = [node for flow in release.flows.values() for node in flow.nodes.values()]
    menus = [node for node in nodes if isinstance(node, Menu) and node.usual]
    picked = {name for menu in menus for name in menu.pick}
    return {
        code
        for node in nodes
        if isinstance(node, Branch) and node.on in picked
        for code in node.then
    }


def codes_of(release: Release, name: str) -> set[str] | None:
    """The codes that a variable can have, where only constants set it; None where others do."""
    known = {ABLE} if name in (*ABILITIES, AT_DESK) else set()
    known |= {SIGNS_PIN, SIGNS_CODE} if name == DESK_SIGNS else set()
    for flow in release.flows.values():
        for node in flow.nodes.values():
            match node:
                case Enter():
                    known.add(node.set.get(name, ""))
                case Call() if name in release.contracts[node.service].gives:
                    return None
                case Menu() if name in node.pick:
                    return None
                case Collect() if node.into == name:
                    return None
    return known - {""}
