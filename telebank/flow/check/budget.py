"""Spoken seconds: thirty ports carry five thousand calls a day only if calls stay short."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from telebank.flow.check.graph import edges
from telebank.flow.check.rows import rows_of
from telebank.flow.model import AnyNode, Finding, Flow
from telebank.flow.options import LANGUAGES, ROWS_A_PAGE, FlowOptions
from telebank.flow.release import Release
from telebank.flow.speech import prompt_of
from telebank.flow.texts import Text
from transactions.request import Language

Seconds = Callable[[str, Language], float]
"""Seconds of a text in a language, its values included."""

CHARACTERS_A_SECOND: Mapping[Language, float] = MappingProxyType({"zh": 4.5, "en": 15.0})
VALUE_SECONDS: Mapping[str, float] = MappingProxyType(
    {"money": 3.0, "digits": 4.0, "tail": 1.6, "date": 2.5, "time": 2.0, "word": 1.0, "number": 1.0}
)


@dataclass(frozen=True, slots=True)
class Way:
    """The longest way through a flow in one language, each node spoken once and whole."""

    flow: str
    language: Language
    seconds: float
    nodes: tuple[str, ...]


def estimate(text: Text, language: Language) -> float:
    """Seconds of a text that has no recording yet: by its length and the kinds of its values."""
    slots = sum(len(s.name) + len(s.reading) + len(s.argument) + 3 for s in text.slots)
    fixed = len(text.text) - slots
    values = sum(VALUE_SECONDS.get(slot.reading, 2.0) for slot in text.slots)
    return fixed / CHARACTERS_A_SECOND[language] + values


def estimated(release: Release) -> Seconds:
    """Estimates for every text of a release."""

    def seconds(prompt: str, language: Language) -> float:
        text = release.texts[language].get(prompt)
        return estimate(text, language) if text is not None else 0.0

    return seconds


def longest(release: Release, flow: Flow, language: Language, seconds: Seconds) -> Way:
    """The longest way from entry to an end; ways back to a node already passed are left out."""
    best: dict[str, tuple[float, tuple[str, ...]]] = {}
    passing: set[str] = set()

    def walk(name: str) -> tuple[float, tuple[str, ...]]:
        if name not in best:
            passing.add(name)
            ahead = [e.target for e in edges(flow, flow.nodes[name]) if e.target not in passing]
            further = max((walk(target) for target in ahead), default=(0.0, ()))
            passing.discard(name)
            own = _spoken(flow.nodes[name], language, seconds)
            own += _rows(release, flow, flow.nodes[name], language, seconds)
            best[name] = (own + further[0], (name, *further[1]))
        return best[name]

    total, nodes = walk(flow.entry)
    return Way(flow.name, language, total, nodes)


def _spoken(node: AnyNode, language: Language, seconds: Seconds) -> float:
    return sum(seconds(*prompt_of(item, language)) for item in node.say)


def _rows(
    release: Release, flow: Flow, node: AnyNode, language: Language, seconds: Seconds
) -> float:
    """Seconds of as many rows as the contract gives at most."""
    if node.row is None or node.each is None:
        return 0.0
    return (rows_of(release, flow, node.each) or ROWS_A_PAGE) * seconds(node.row, language)


def ways(release: Release, seconds: Seconds | None = None) -> list[Way]:
    """The longest way of each flow in each language."""
    measure = seconds or estimated(release)
    return [
        longest(release, flow, language, measure)
        for flow in release.flows.values()
        for language in LANGUAGES
    ]


def over_budget(
    release: Release, options: FlowOptions, seconds: Seconds | None = None
) -> Iterator[Finding]:
    """Spoken seconds on a way over its budget: the flow's own, or the options'."""
    for way in ways(release, seconds):
        flow = release.flows[way.flow]
        budget = flow.budget if flow.budget is not None else options.spoken_budget_s
        if way.seconds > budget:
            path = " > ".join(way.nodes)
            problem = f"{way.seconds:.0f} s spoken in {way.language} on {path}, over {budget:g} s"
            line = flow.lines.get("budget", 1)
            mend = "shorten its texts or its way, or raise `budget:` with a reason"
            yield Finding(flow.file, line, "budget", problem, mend)
