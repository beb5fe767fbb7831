"""What flows are called, for pictures and for tellers. A title is the flow's own, or the name that
the menus say of the keys that lead to it alone, or that of the service that it is about."""

from collections.abc import Callable

from telebank.flow.keymap import menu_names
from telebank.flow.model import Call, Enter, Menu
from telebank.flow.release import Release
from transactions.request import Language

SHARED = 2
"""More names than these say nothing of a flow that many menus use."""


def titles(release: Release, language: Language, service: Callable[[str], str]) -> dict[str, str]:
    """By flow; `service` gives the name of one. What nothing names has its file's name."""
    named = _named(release, language)
    found: dict[str, str] = {}
    for flow in release.flows.values():
        asked = [node.service for node in flow.nodes.values() if isinstance(node, Call)]
        acts = [name for name in asked if release.contracts[name].effect != "read"]
        first = service([*acts, *asked][0]) if asked else flow.name
        found[flow.name] = flow.titles.get(language) or named.get(flow.name) or first
    return found


def _named(release: Release, language: Language) -> dict[str, str]:
    """Names out of the menus, where a key leads straight to one sub-flow and to no other."""
    found: dict[str, list[str]] = {}
    for flow in release.flows.values():
        for node in flow.nodes.values():
            names = menu_names(release, node) if isinstance(node, Menu) else {}
            for key, target in node.choices.items() if isinstance(node, Menu) else ():
                inner, name = flow.nodes[target], names.get(key, {}).get(language)
                if isinstance(inner, Enter) and name and name not in found.get(inner.flow, ()):
                    found.setdefault(inner.flow, []).append(name)
    joint = "、" if language == "zh" else ", "
    return {flow: joint.join(names) for flow, names in found.items() if len(names) <= SHARED}
