"""Flows that run beside a call with a teller: they leave the call alone and end as desks know."""

from collections.abc import Iterator

from telebank.flow.check.graph import finding, inside
from telebank.flow.model import (
    DESK_EXITS,
    DESK_FLOWS,
    DESK_GIVES,
    Exit,
    Fax,
    Finding,
    Flow,
    Queue,
    Return,
)
from telebank.flow.release import Release


def leaves_call(release: Release, flow: Flow) -> Iterator[Finding]:
    """A node that would take the caller from the teller he talks with."""
    for name in DESK_FLOWS:
        if name not in release.flows or flow not in inside(release, release.flows[name]):
            continue
        for node in flow.nodes.values():
            if isinstance(node, Queue | Fax | Exit):
                problem = f"takes the caller away, and `{name}` runs while he is with a teller"
                yield finding(flow, node, "desk", problem, "lead to a `return` instead")


def terms(release: Release, flow: Flow) -> Iterator[Finding]:
    """An exit that no desk knows, or a variable that it does not have or does not get."""
    if flow.name not in DESK_FLOWS:
        return
    for node in flow.nodes.values():
        if isinstance(node, Return) and node.exit not in DESK_EXITS:
            mend = f"use one of {', '.join(DESK_EXITS)}"
            yield finding(flow, node, "desk", f"exit `{node.exit}`, which no desk knows", mend)
    for name in flow.needs:
        if name not in DESK_FLOWS[flow.name]:
            line, problem = flow.lines.get("needs", 1), f"needs {name}, which no desk has"
            yield Finding(flow.file, line, "desk", problem, "ask the caller for it")
    if DESK_GIVES not in flow.gives:
        line, problem = flow.lines.get("gives", 1), f"does not give {DESK_GIVES}"
        mend = f"write `gives: [{DESK_GIVES}]`: the menus go on with it"
        yield Finding(flow.file, line, "desk", problem, mend)
