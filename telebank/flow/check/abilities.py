"""What a call is able to: nothing in a flow says so, and what hangs on it is offered."""

from collections.abc import Iterator

from telebank.flow.check.graph import finding, writes
from telebank.flow.model import ABILITIES, AT_DESK, DESK_SIGNS, Enter, Finding, Flow, Menu
from telebank.flow.release import Release


def fixed(release: Release, flow: Flow) -> Iterator[Finding]:
    """An ability that a flow sets: it is what the node that takes the call says."""
    for node in flow.nodes.values():
        written = set(node.set) if isinstance(node, Enter) else writes(release, node)
        for name in sorted(written.intersection((*ABILITIES, AT_DESK, DESK_SIGNS))):
            problem = f"sets {name}, which only the call itself knows"
            yield finding(flow, node, "ability", problem, "use another variable")


def offered(release: Release, flow: Flow) -> Iterator[Finding]:
    """What is offered by no ability, or is no key and no text of its menu; nothing else to say."""
    for node in flow.nodes.values():
        if not isinstance(node, Menu):
            continue
        items = {item for kept in node.only.values() for item in kept}
        for name in node.only:
            if name not in ABILITIES:
                mend = f"use {', '.join(ABILITIES)}"
                yield finding(flow, node, "ability", f"there is no ability `{name}`", mend)
        for item in sorted(items - {*node.choices, *node.say}):
            problem = f"`only` has `{item}`, no choice and no text of this menu"
            yield finding(flow, node, "ability", problem, 'write it as in `choices` or `say`: "3"')
        bare = items >= set(node.say) or (items >= set(node.choices) and not node.pick)
        if node.only and bare:
            problem = "says or offers nothing where it is not able"
            yield finding(flow, node, "ability", problem, "branch on it before the menu")
