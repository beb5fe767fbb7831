"""Keys to every service, found by walking the menu trees as a caller would; names out of texts.

What a menu's key is called is read out of the menu's own text, so that the list of keys says what
callers hear, and a key that no text tells is seen.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from itertools import count
from types import MappingProxyType

from telebank.flow.model import (
    ABILITIES,
    ABLE,
    AT_DESK,
    AnyNode,
    Branch,
    Call,
    Collect,
    Confirm,
    DigitEntry,
    Enter,
    Flow,
    Menu,
    Pace,
    Return,
    Statement,
)
from telebank.flow.options import LANGUAGES
from telebank.flow.release import Release
from telebank.flow.speech import prompt_of
from transactions.contract import Service
from transactions.request import Language

ROW = "ROW"
"""The key of a row: its number in what was just read out."""
MAX_PLACES = 5_000
"""Places looked at; the shipped menus have some hundreds."""
MAX_ON_THE_WAY = 50
"""Places looked at from a service to the next menu."""

_ZH_KEYS = {word: str(key) for key, word in enumerate("零一二三四五六七八九")}
_ZH_KEYS |= {"星号键": "*", "井号键": "#"}
_EN_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_EN_KEYS = {word: str(key) for key, word in enumerate(_EN_DIGITS)}
_EN_KEYS |= {"star": "*", "the hash key": "#"}
_ZH = re.compile(rf"([^。，；{{}}]+)，?请按({'|'.join(_ZH_KEYS)})")
_EN = re.compile(rf"(?:For |To )?([^.\s][^.]*), (?:press )?({'|'.join(_EN_KEYS)})(?=\.)")

Names = Mapping[Language, str]
Constants = tuple[tuple[str, str], ...]


def key_names(text: str, language: Language) -> Mapping[str, str]:
    """Key to what it is for, as a menu's text says: `For your accounts, press one.`"""
    if language == "zh":
        return {_ZH_KEYS[word]: name.strip() for name, word in _ZH.findall(text)}
    return {_EN_KEYS[word]: name[:1].upper() + name[1:] for name, word in _EN.findall(text)}


def menu_names(release: Release, node: Menu) -> Mapping[str, Names]:
    """Key to its name in each language that some text of the menu tells it in."""
    names: dict[str, dict[Language, str]] = {}
    for language in LANGUAGES:
        for item in node.say:
            prompt, spoken = prompt_of(item, language)
            for key, name in key_names(release.texts[spoken][prompt].text, spoken).items():
                names.setdefault(key, {}).setdefault(language, name)
    return names


@dataclass(frozen=True, slots=True)
class Frame:
    """A flow and the node a caller is at; `constants` are what the flow was entered with."""

    flow: str
    node: str
    constants: Constants = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a caller is, and what he pressed to come there."""

    frames: tuple[Frame, ...]
    keys: tuple[str, ...] = ()
    names: tuple[Names, ...] = ()

    @property
    def constants(self) -> Constants:
        """What the flows around are about, such as a biller; the innermost last."""
        return tuple({name: v for frame in self.frames for name, v in frame.constants}.items())

    def back(self, kept: Constants) -> "Place":
        """In the flow around, where `kept` of the inner one's constants still hold."""
        outer = self.frames[-2]
        frame = Frame(outer.flow, outer.node, (*outer.constants, *kept))
        return Place((*self.frames[:-2], frame), self.keys, self.names)

    def inside(self, flow: Flow, constants: Constants) -> "Place":
        """At the entry of a sub-flow."""
        frame = Frame(flow.name, flow.entry, constants)
        return Place((*self.frames, frame), self.keys, self.names)

    def at(self, node: str, key: str = "", name: Names | None = None) -> "Place":
        """Another node of the same flow, `key` pressed."""
        here = self.frames[-1]
        frames = (*self.frames[:-1], Frame(here.flow, node, here.constants))
        keys = (*self.keys, key) if key else self.keys
        return Place(frames, keys, (*self.names, name) if name else self.names)


def places(release: Release) -> Iterator[tuple[Place, AnyNode]]:
    """Every place that callers for whom all goes well come to, by the fewest keys first."""
    main = release.flows["main"]
    order = count()
    waiting = [(0, next(order), Place((Frame("main", main.entry),)))]
    seen: set[tuple[Frame, ...]] = set()
    while waiting and len(seen) < MAX_PLACES:
        _, _, place = heappop(waiting)
        if place.frames in seen:
            continue
        seen.add(place.frames)
        frame = place.frames[-1]
        node = release.flows[frame.flow].nodes[frame.node]
        yield place, node
        for following in _further(release, place, node):
            heappush(waiting, (len(following.keys), next(order), following))


def cut_short(release: Release) -> bool:
    """Whether there are more places than are looked at, so that a way may be missing."""
    return sum(1 for _ in places(release)) >= MAX_PLACES


def _further(release: Release, place: Place, node: AnyNode) -> Iterator[Place]:
    match node:
        case Menu():
            names = menu_names(release, node)
            for key, target in node.choices.items():
                yield place.at(target, key, names.get(key, MappingProxyType({})))
            if node.picked is not None and not node.usual:
                yield place.at(node.picked, ROW)
        case Confirm():
            yield from (place.at(target, key) for key, target in node.choices.items())
        case Collect():
            yield place.at(node.next, _typed(node))
        case Statement() | Pace():
            yield place.at(node.next)
        case Call():
            good = _good(release.contracts[node.service])
            yield from (place.at(node.then[name]) for name in good if name in node.then)
        case Branch():
            yield from (place.at(target) for target in _branched(place, node))
        case Enter() | Return():
            yield from _across(release, place, node)


def _across(release: Release, place: Place, node: Enter | Return) -> Iterator[Place]:
    """Into a sub-flow, or out of one with the constants that it gives."""
    if isinstance(node, Enter):
        constants = tuple((name, value) for name, value in node.set.items() if value)
        yield place.inside(release.flows[node.flow], constants)
        return
    here = place.frames[-1]
    gives = release.flows[here.flow].gives if node.exit == "ok" else ()
    outer = place.back(tuple(item for item in here.constants if item[0] in gives))
    frame = outer.frames[-1]
    caller = release.flows[frame.flow].nodes[frame.node]
    if isinstance(caller, Enter) and node.exit in caller.then:
        yield outer.at(caller.then[node.exit])


def _branched(place: Place, node: Branch) -> list[str]:
    """Where a branch may lead: by the constant that its variable has here, or else anywhere. The
    keys are those of a call that is able to all, and in which no teller had a part."""
    if node.on == AT_DESK:
        return [node.other]
    code = ABLE if node.on in ABILITIES else dict(place.constants).get(node.on)
    return [*node.then.values(), node.other] if code is None else [node.then.get(code, node.other)]


def _typed(node: Collect) -> str:
    """What an entry is written as; one of a fixed length needs no end key."""
    spec = node.entry
    fixed = isinstance(spec, DigitEntry) and spec.min == spec.max
    return node.into.upper() + ("" if fixed else spec.end)


def _good(service: Service) -> tuple[str, ...]:
    return ("none",) if service.source == "journal" else ("ok", "last")


@dataclass(frozen=True, slots=True)
class Route:
    """The shortest way to a service, or to a text that is one; `keys` begin with the language."""

    keys: tuple[str, ...]
    names: tuple[Names, ...]
    service: str
    constants: Constants

    @property
    def what(self) -> str:
        """The service with what the flow already knows: `bill.pay biller=water`."""
        return " ".join((self.service, *(f"{name}={value}" for name, value in self.constants)))


def routes(release: Release) -> list[Route]:
    """One route for each service of each flow and each set of constants, as callers find them.

    Left out are proofs, notices, and what is asked on the way: quotes, and lists to choose from
    that are told elsewhere for their own sake.
    """
    found: dict[tuple[str, str, Constants], Route] = {}
    lists: dict[tuple[str, str, Constants], Route] = {}
    for place, node in places(release):
        flow = release.flows[place.frames[-1].flow]
        choosing = isinstance(node, Call) and _to_choose_from(flow, node)
        what = _served(release, place, node)
        if what:
            key = (flow.name, what, place.constants)
            route = Route(place.keys, place.names[1:], what, place.constants)
            (lists if choosing else found).setdefault(key, route)
    told = {route.service for route in found.values()}
    more = [route for route in lists.values() if route.service not in told]
    return sorted([*found.values(), *more], key=lambda route: route.keys)


def _served(release: Release, place: Place, node: AnyNode) -> str:
    """The service that a node asks for its own sake, or the text that is one."""
    flow = release.flows[place.frames[-1].flow]
    if isinstance(node, Call):
        service = release.contracts[node.service]
        proves = service.grants is not None and service.effect == "read"
        if proves or service.source == "journal" or _asked_on_the_way(release, place, node):
            return ""
        return service.name
    if isinstance(node, Statement) and node.language is None and node.each is None:
        texts = release.texts[LANGUAGES[0]]
        told = [texts[prompt_of(item, LANGUAGES[0])[0]] for item in node.say]
        about_calls = any(isinstance(other, Call) for other in flow.nodes.values())
        return "" if about_calls or any(text.slots for text in told) else f"“{node.say[0]}”"
    return ""


def _asked_on_the_way(release: Release, place: Place, node: Call) -> bool:
    """Whether the caller or a service is asked something more before there is a menu again: a
    quote that is read back next, a number that a code is sent to, what a customer uses most."""
    if release.contracts[node.service].effect == "money" or node.guarded_by is not None:
        return False
    waiting, seen = list(_further(release, place, node)), set[tuple[Frame, ...]]()
    while waiting and len(seen) < MAX_ON_THE_WAY:
        here = waiting.pop()
        if here.frames in seen:
            continue
        seen.add(here.frames)
        frame = here.frames[-1]
        after = release.flows[frame.flow].nodes[frame.node]
        if isinstance(after, Call | Collect | Confirm) or (isinstance(after, Menu) and after.usual):
            return True
        if not isinstance(after, Menu):
            waiting += _further(release, here, after)
    return False


def _to_choose_from(flow: Flow, node: Call) -> bool:
    """A list that leads to its choices."""
    return any(isinstance(after, Menu) and bool(after.pick) for after in _after(flow, node))


def _after(flow: Flow, node: Call) -> Iterator[AnyNode]:
    """What comes after an approval, through branches."""
    waiting, seen = [node.then.get("ok", "")], set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen or name not in flow.nodes:
            continue
        seen.add(name)
        after = flow.nodes[name]
        if isinstance(after, Branch):
            waiting += [*after.then.values(), after.other]
        else:
            yield after


@dataclass(frozen=True, slots=True)
class MenuPage:
    """A menu, the shortest way to it, and its keys with their names."""

    title: str
    keys: tuple[str, ...]
    choices: Mapping[str, Names]


def menu_pages(release: Release) -> list[MenuPage]:
    """Every menu that offers ways on, not only to hear something again."""
    found: dict[str, MenuPage] = {}
    for place, node in places(release):
        frame = place.frames[-1]
        title = f"{frame.flow}.{frame.node}"
        if isinstance(node, Menu) and title not in found and _leads_on(release, frame.flow, node):
            names = menu_names(release, node)
            keys = [*node.choices, *(key for key in names if key not in node.choices)]
            found[title] = MenuPage(title, place.keys, {key: names.get(key, {}) for key in keys})
    return sorted(found.values(), key=lambda page: page.keys)


def _leads_on(release: Release, flow: str, node: Menu) -> bool:
    nodes = [release.flows[flow].nodes[target] for target in node.choices.values()]
    return any(isinstance(target, Menu | Enter | Confirm) for target in nodes)


def untold(release: Release) -> list[str]:
    """Choices whose key no text of their menu tells, in some language; 9 may go without."""
    missing: list[str] = []
    for flow in release.flows.values():
        for node in flow.nodes.values():
            if not isinstance(node, Menu):
                continue
            names = menu_names(release, node)
            for key in node.choices:
                silent = [lang for lang in LANGUAGES if lang not in names.get(key, {})]
                if silent and key != GOODBYE:
                    missing.append(f"{flow.name}.{node.name}: key {key} in {', '.join(silent)}")
    return missing


GOODBYE = "9"
