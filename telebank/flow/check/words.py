"""Words: spoken by texts `word.SET.CODE`; what is written out must fit its kind."""

from collections.abc import Iterator

from telebank.flow.check.graph import finding, inside
from telebank.flow.check.prompts import slots_at
from telebank.flow.check.rows import row_slots
from telebank.flow.entry import currency_of
from telebank.flow.model import Call, Collect, Enter, Finding, Flow, MoneyEntry
from telebank.flow.options import LANGUAGES
from telebank.flow.release import Release
from telebank.flow.texts import OTHER_WORD, WORD_TEXTS
from transactions.kinds import WORD, Kind
from transactions.money import CURRENCIES

WRITTEN: tuple[Kind, ...] = ("word", "digits", "text", "number")
"""Kinds whose values a flow may write out."""
MAX_WRITTEN = 40
"""Longest value written out, in characters."""


def fits(kind: Kind, written: str) -> bool:
    """Tell whether a written value is one of a kind."""
    match kind:
        case "word":
            return WORD.fullmatch(written) is not None
        case "digits" | "number":
            return written.isascii() and written.isdigit() and len(written) <= MAX_WRITTEN
        case "text":
            return written.isprintable() and len(written) <= MAX_WRITTEN
        case _:
            return False


def constants(release: Release, flow: Flow) -> Iterator[Finding]:
    """`set` of what the sub-flow does not declare, or to what is not of its kind."""
    for node in flow.nodes.values():
        if not isinstance(node, Enter) or node.flow not in release.flows:
            continue
        inner = release.flows[node.flow]
        for name, constant in node.set.items():
            kind = inner.vars.get(name)
            if kind is None:
                mend = f"declare it in the `vars` of {inner.file}, or remove it"
                problem = f"sets {name}, which {node.flow} does not declare"
                yield finding(flow, node, "set", problem, mend)
            elif constant and (kind not in WRITTEN or not fits(kind, constant)):
                problem = f"sets {name} ({kind}) to `{constant}`"
                mend = f"write a value of {kind}; only {', '.join(WRITTEN)} can be written out"
                yield finding(flow, node, "set", problem, mend)


def currencies(release: Release, flow: Flow) -> Iterator[Finding]:
    """`set` of an amount's currency, in a sub-flow or further inside, to what is none."""
    for node in flow.nodes.values():
        if not isinstance(node, Enter) or node.flow not in release.flows:
            continue
        asked = {of for one in inside(release, release.flows[node.flow]) for of in _amounts_in(one)}
        for name, constant in node.set.items():
            if name in asked and constant and currency_of(constant) is None:
                problem = f"sets {name}, the currency of an amount, to `{constant}`"
                mend = f"write one of {', '.join(code.lower() for code in CURRENCIES)}"
                yield finding(flow, node, "set", problem, mend)


def _amounts_in(flow: Flow) -> Iterator[str]:
    """The variables that say the currency of an amount to key in."""
    for node in flow.nodes.values():
        if isinstance(node, Collect) and isinstance(node.entry, MoneyEntry) and node.entry.of:
            yield node.entry.of


def literals(release: Release, flow: Flow) -> Iterator[Finding]:
    """A word written out for a service that is no code."""
    for node in flow.nodes.values():
        if not isinstance(node, Call):
            continue
        wanted = release.contracts[node.service].inputs
        for name, source in node.inputs.items():
            if wanted.get(name) == "word" and source[:1] != "$" and not fits("word", source):
                problem, mend = f"input `{name}` is `{source}`", "write a code such as time_3m"
                yield finding(flow, node, "input", problem, mend)


def sets(release: Release, flow: Flow) -> Iterator[Finding]:
    """A word read without its set, or a set without the words for an unknown code."""
    for node in flow.nodes.values():
        spoken = [(language, slot) for _, language, slot in slots_at(release, node)]
        for language, slot in [*spoken, *row_slots(release, node)]:
            if slot.reading != "word":
                continue
            if not slot.argument:
                mend = f"write {{{slot.name}|word:SET}} in prompts/{language}.yaml"
                yield finding(flow, node, "word", f"{slot.name} is read without a set", mend)
                continue
            other = OTHER_WORD.format(slot.argument)
            for needed in LANGUAGES:
                if other not in release.texts[needed]:
                    problem = f"`{other}`, spoken for an unknown {slot.argument}, is not there"
                    mend = f"write it in prompts/{needed}.yaml"
                    yield finding(flow, node, "word", problem, mend)


def texts(release: Release, flow: Flow) -> Iterator[Finding]:
    """A word's text in one language only, with a value inside, or not named word.SET.CODE."""
    for language in LANGUAGES:
        for prompt, text in release.texts[language].items():
            if not prompt.startswith("word."):
                continue
            if WORD_TEXTS.fullmatch(prompt) is None:
                mend = "name it word.SET.CODE, each in small letters, digits and _"
                yield Finding(text.file, text.line, "word", f"{prompt} is no word's name", mend)
            if text.slots:
                mend = "write the words only: it is spoken inside another text"
                yield Finding(text.file, text.line, "word", f"{prompt} has a value in it", mend)
            for other in LANGUAGES:
                if prompt not in release.texts[other]:
                    mend = f"write it in prompts/{other}.yaml"
                    problem = f"{prompt} is missing in {other}"
                    yield Finding(text.file, text.line, "word", problem, mend)
