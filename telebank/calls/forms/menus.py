"""What the menus know of a service: what may be keyed for it, the words it speaks, how it ends.

A form takes what the telephone takes, and says what the telephone says; both come from one place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from telebank.flow.model import Call, Collect, Enter, Entry, Flow, Statement
from telebank.flow.options import LANGUAGES
from telebank.flow.release import Release
from telebank.flow.speech import prompt_of

OTHER = "other"
"""The code that stands for those without a word."""


@dataclass(frozen=True, slots=True)
class Use:
    """A node that asks for a service, and its menu."""

    flow: Flow
    node: Call

    def variable(self, name: str) -> str:
        """What the menu calls an input; empty where it gives none, or a constant."""
        source = self.node.inputs.get(name, "")
        return source[1:] if source.startswith("$") else ""


@dataclass(frozen=True)
class Menus:
    """Of one release."""

    release: Release

    def uses(self, service: str) -> tuple[Use, ...]:
        """Where a service is asked for."""
        return self._uses.get(service, ())

    def inside(self, flow: str) -> frozenset[str]:
        """Menus that a menu enters."""
        return self._inside.get(flow, frozenset())

    def entries(self, service: str, name: str) -> tuple[Entry, ...]:
        """How callers key an input, in the nearest menus that take it; none: no menu does."""
        wanted = {(use.flow.name, use.variable(name)) for use in self.uses(service)}
        rings = [self._rings(flow) for flow, _ in sorted(wanted)]
        for flows in zip(*rings, strict=True):
            found = tuple(
                node.entry
                for near, (_, variable) in zip(flows, sorted(wanted), strict=True)
                for flow in sorted(near)
                for node in self.release.flows[flow].nodes.values()
                if isinstance(node, Collect) and node.into == variable
            )
            if found:
                return found
        return ()

    def constants(self, service: str, name: str) -> tuple[str, ...]:
        """What menus give an input themselves, in their order: the codes that there are."""
        found: dict[str, None] = {}
        for use in self.uses(service):
            variable, source = use.variable(name), use.node.inputs.get(name, "")
            if source and not variable:
                found[source] = None
            set_by = (node.set.get(variable, "") for node in self._enters.get(use.flow.name, ()))
            found |= dict.fromkeys(filter(None, set_by))
        return tuple(found)

    def word_sets(self, services: tuple[str, ...]) -> Mapping[str, str]:
        """By the name of a value: the set of words that the menus of these services speak it by."""
        sets: dict[str, str] = {}
        for service in services:
            for use in self.uses(service):
                own = {use.variable(name): name for name in use.node.inputs}
                for name, words in self._spoken_sets(use.flow.name):
                    sets.setdefault(own.get(name, name), words)
        return sets

    def words(self, words: str) -> tuple[str, ...]:
        """The codes of a set."""
        start = f"word.{words}."
        texts = self.release.texts[LANGUAGES[0]]
        codes = (text.removeprefix(start) for text in texts if text.startswith(start))
        return tuple(code for code in codes if code != OTHER)

    def ending(self, service: str, exit_name: str) -> tuple[Use, Statement] | None:
        """What the telephone says where a service ends so; None: nothing by itself."""
        for use in self.uses(service):
            node = use.flow.nodes.get(use.node.then.get(exit_name, ""))
            if isinstance(node, Statement) and node.say:
                return use, node
        return None

    def led_by(self, flow: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Variables that all who enter a menu set, and the constants that they set them to."""
        enters = self._enters.get(flow, ())
        for name in dict.fromkeys(name for node in enters for name in node.set):
            if all(node.set.get(name) for node in enters):
                yield name, tuple(dict.fromkeys(node.set[name] for node in enters))

    # -- inside -------------------------------------------------------------------------------

    @cached_property
    def _uses(self) -> Mapping[str, tuple[Use, ...]]:
        found: dict[str, list[Use]] = {}
        for flow in self.release.flows.values():
            for node in flow.nodes.values():
                if isinstance(node, Call):
                    found.setdefault(node.service, []).append(Use(flow, node))
        return {name: tuple(uses) for name, uses in found.items()}

    @cached_property
    def _inside(self) -> Mapping[str, frozenset[str]]:
        flows = self.release.flows.values()
        return {
            flow.name: frozenset(
                node.flow for node in flow.nodes.values() if isinstance(node, Enter)
            )
            for flow in flows
        }

    @cached_property
    def _around(self) -> Mapping[str, frozenset[str]]:
        return {
            name: frozenset(outer for outer, inner in self._inside.items() if name in inner)
            for name in self.release.flows
        }

    def _rings(self, flow: str) -> tuple[frozenset[str], ...]:
        """The menu itself, what it enters, what enters it, those beside it, those above."""
        around = self._around[flow]
        beside = frozenset().union(*(self._inside[outer] for outer in around))
        above = frozenset().union(*(self._around[outer] for outer in around))
        return frozenset({flow}), self._inside[flow], around, beside, above

    def _spoken_sets(self, name: str) -> Iterator[tuple[str, str]]:
        """Values that a menu, and those around and inside it, speak as words."""
        for near in self._rings(name):
            for flow in sorted(near):
                yield from self._own_sets[flow]

    @cached_property
    def _own_sets(self) -> Mapping[str, tuple[tuple[str, str], ...]]:
        """By menu: the values that it speaks as words, and their sets."""
        return {name: tuple(self._slots(flow)) for name, flow in self.release.flows.items()}

    def _slots(self, flow: Flow) -> Iterator[tuple[str, str]]:
        for node in flow.nodes.values():
            for item in (*node.say, *filter(None, [node.row])):
                prompt, language = prompt_of(item, LANGUAGES[0])
                text = self.release.texts[language].get(prompt)
                for slot in text.slots if text is not None else ():
                    if slot.reading == "word":
                        yield slot.name, slot.argument

    @cached_property
    def _enters(self) -> Mapping[str, tuple[Enter, ...]]:
        """Nodes that enter a menu, by its name."""
        found: dict[str, list[Enter]] = {}
        for flow in self.release.flows.values():
            for node in flow.nodes.values():
                if isinstance(node, Enter):
                    found.setdefault(node.flow, []).append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}
