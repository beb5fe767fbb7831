"""All pages of a release: a title and a number for each flow, in the order callers come to them."""

from collections.abc import Mapping
from dataclasses import dataclass

from telebank.flow.draw.layout import Drawing, page_of
from telebank.flow.draw.scene import Measure, Page
from telebank.flow.draw.words import Wording
from telebank.flow.keymap import menu_names, places
from telebank.flow.model import Call, Enter, Menu
from telebank.flow.release import Release


@dataclass(frozen=True, slots=True)
class Book:
    """Pages in order; `numbers` by flow. The index comes before page 1."""

    release: Release
    word: Wording
    pages: tuple[Page, ...]

    @property
    def numbers(self) -> Mapping[str, int]:
        """Page by flow, of the pages that are in this book."""
        return {page.flow: page.number for page in self.pages}


def book_of(release: Release, word: Wording, measure: Measure, only: tuple[str, ...] = ()) -> Book:
    """The pages of `only`, or of all flows; raises `KeyError` for a flow that is not there."""
    keys = _first_keys(release)
    missing = [name for name in only if name not in release.flows]
    if missing:
        raise KeyError(missing[0])
    drawing = Drawing(release, word, measure, titles(release, word))
    order = [name for name in keys if not only or name in only]
    order += [name for name in release.flows if name not in keys and (not only or name in only)]
    pages = []
    for number, name in enumerate(order, 1):
        page = page_of(drawing, release.flows[name], keys.get(name, ""))
        page.number = number
        pages.append(page)
    return Book(release, word, tuple(pages))


def _first_keys(release: Release) -> dict[str, str]:
    """The keys by which a caller first comes into each flow, in the order of the fewest."""
    found: dict[str, str] = {}
    for place, _ in places(release):
        found.setdefault(place.frames[-1].flow, " ".join(place.keys))
    return found


def titles(release: Release, word: Wording) -> dict[str, str]:
    """Each flow by its own title; else by the name of the keys that lead to it alone, by the
    service that it is about, or by its file's name."""
    named = _named(release, word)
    found: dict[str, str] = {}
    for flow in release.flows.values():
        asked = [node.service for node in flow.nodes.values() if isinstance(node, Call)]
        acts = [name for name in asked if release.contracts[name].effect != "read"]
        first = word.service([*acts, *asked][0]) if asked else flow.name
        found[flow.name] = flow.titles.get(word.language) or named.get(flow.name) or first
    return found


def _named(release: Release, word: Wording) -> dict[str, str]:
    """Names out of the menus, where a key leads straight to one sub-flow and to no other."""
    found: dict[str, list[str]] = {}
    for flow in release.flows.values():
        for node in flow.nodes.values():
            names = menu_names(release, node) if isinstance(node, Menu) else {}
            for key, target in node.choices.items() if isinstance(node, Menu) else ():
                inner, name = flow.nodes[target], names.get(key, {}).get(word.language)
                if isinstance(inner, Enter) and name and name not in found.get(inner.flow, ()):
                    found.setdefault(inner.flow, []).append(name)
    joint = "、" if word.language == "zh" else ", "
    return {flow: joint.join(names) for flow, names in found.items() if len(names) <= SHARED}


SHARED = 2
"""More names than these say nothing of a flow that many menus use."""
