"""Texts against flows: there in every language, with variables that exist and may be spoken."""

from collections.abc import Iterator

from telebank.flow.check.graph import finding
from telebank.flow.model import AnyNode, AskingNode, Call, Confirm, Fax, Finding, Flow
from telebank.flow.options import LANGUAGES
from telebank.flow.release import Release
from telebank.flow.speech import prompt_of
from telebank.flow.texts import READINGS, Slot
from transactions.request import Language


def prompts_at(node: AnyNode) -> Iterator[tuple[str, Language]]:
    """Every text that a node may speak, with each language it may be spoken in."""
    yield from _in_languages(_items(node) if node.row is None else [*_items(node), node.row])


def _items(node: AnyNode) -> list[str]:
    items = [*node.say]
    if isinstance(node, AskingNode):
        items += [*node.asking.noinput, *node.asking.invalid]
    if isinstance(node, Call | Fax) and node.filler:
        items.append(node.filler)
    return items


def _in_languages(items: list[str]) -> Iterator[tuple[str, Language]]:
    for item in items:
        for language in LANGUAGES:
            prompt, spoken = prompt_of(item, language)
            if spoken == language:
                yield prompt, language


def slots_at(release: Release, node: AnyNode) -> Iterator[tuple[str, Language, Slot]]:
    """The slots of all texts of a node but its rows': text, language, slot."""
    for prompt, language in _in_languages(_items(node)):
        text = release.texts[language].get(prompt)
        for slot in text.slots if text else ():
            yield prompt, language, slot


def missing(release: Release, flow: Flow) -> Iterator[Finding]:
    """A prompt missing in a language."""
    for node in flow.nodes.values():
        for prompt, language in prompts_at(node):
            if prompt not in release.texts[language]:
                problem = f"prompt `{prompt}` is missing in {language}"
                mend = f"write it in prompts/{language}.yaml"
                yield finding(flow, node, "prompt", problem, mend)
        for item in node.say:
            other = item.partition("@")[2]
            if other and other not in LANGUAGES:
                problem, mend = f"`{item}` names no language", f"use {' or '.join(LANGUAGES)}"
                yield finding(flow, node, "prompt", problem, mend)


def undeclared(release: Release, flow: Flow) -> Iterator[Finding]:
    """A prompt using a variable that the flow does not declare."""
    for node in flow.nodes.values():
        for prompt, language, slot in slots_at(release, node):
            if slot.name not in flow.vars:
                problem = f"`{prompt}` ({language}) speaks {slot.name}, which is not declared"
                yield finding(flow, node, "declared", problem, "declare it in the flow's `vars`")


def readings(release: Release, flow: Flow) -> Iterator[Finding]:
    """A secret spoken, or a value read in a way that its kind does not have."""
    for node in flow.nodes.values():
        for prompt, language, slot in slots_at(release, node):
            kind = flow.vars.get(slot.name)
            if kind is None or slot.reading in READINGS[kind]:
                continue
            if kind == "secret":
                mend = f"remove {{{slot.name}}} from prompts/{language}.yaml"
                problem = f"`{prompt}` ({language}) speaks the secret {slot.name}"
                yield finding(flow, node, "secret", problem, mend)
            else:
                ways = " or ".join(sorted(READINGS[kind]))
                mend = f"read it as {ways}" if ways else "speak it with `each` and `row`"
                problem = f"`{prompt}` ({language}) reads {slot.name} ({kind}) as {slot.reading}"
                yield finding(flow, node, "reading", problem, mend)


def read_back(release: Release, flow: Flow) -> Iterator[Finding]:
    """A confirm whose texts leave out what it says it reads, or the sign of an amount."""
    for node in flow.nodes.values():
        if not isinstance(node, Confirm):
            continue
        for language in LANGUAGES:
            slots = [slot for _, lang, slot in slots_at(release, node) if lang == language]
            spoken = {slot.name for slot in slots}
            for slot in slots:
                if slot.name in node.reads and slot.reading == "money_size":
                    problem = f"its text in {language} leaves out whether {slot.name} is owed"
                    mend = f"write {{{slot.name}|money}} in prompts/{language}.yaml"
                    yield finding(flow, node, "read-back", problem, mend)
            for name in node.reads:
                if name not in spoken:
                    problem = f"its text in {language} does not read back {name}"
                    mend = f"add {{{name}|…}} to prompts/{language}.yaml"
                    yield finding(flow, node, "read-back", problem, mend)
