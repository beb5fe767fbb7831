"""What a node is, in words: its head, what callers hear, and what each way out is called."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from telebank.flow.check.graph import CODE, PICKED, Edge
from telebank.flow.draw.scene import Mark
from telebank.flow.draw.words import Wording
from telebank.flow.model import (
    ABILITIES,
    AT_DESK,
    AnyNode,
    AskingNode,
    Branch,
    Call,
    Collect,
    Confirm,
    DateEntry,
    DigitEntry,
    Enter,
    Exit,
    Fax,
    Menu,
    MoneyEntry,
    Pace,
    Queue,
    RateEntry,
    Return,
    Statement,
    TimeEntry,
)
from telebank.flow.release import Release
from telebank.flow.speech import prompt_of
from transactions.request import Language

Titles = Mapping[str, str]
"""What each flow is called."""

_SLOT = re.compile(r"\{[a-z_][a-z0-9_]*(?:\|([a-z0-9_]+)(?::[^{}]*)?)?\}")


def kind_of(release: Release, flow: str, node: AnyNode) -> str:
    """The key of a node's kind among the words."""
    match node:
        case Call():
            effect = release.contracts[node.service].effect
            return "call" if effect == "read" else effect
        case Collect():
            hidden = release.flows[flow].vars[node.into] == "secret"
            return "secret" if hidden else "collect"
        case _:
            return _KINDS[type(node)]


_KINDS = {
    Menu: "menu",
    Confirm: "confirm",
    Statement: "say",
    Enter: "enter",
    Branch: "branch",
    Pace: "pace",
    Return: "return",
    Queue: "queue",
    Fax: "fax",
    Exit: "exit",
}


def mark_of(release: Release, node: AnyNode) -> Mark:
    """Whether a node moves money, or changes something."""
    effect = release.contracts[node.service].effect if isinstance(node, Call) else "read"
    return "" if effect == "read" else effect


def head(release: Release, flow: str, node: AnyNode, titles: Titles, word: Wording) -> str:
    """The first line of a node's box, without its number."""
    kind = word.say(kind_of(release, flow, node))
    about = _about(release, node, titles, word)
    return f"{kind} · {about}" if about else kind


def _about(release: Release, node: AnyNode, titles: Titles, word: Wording) -> str:
    """What a node is about, beside its kind."""
    about = ""
    match node:
        case Call():
            about = word.service(node.service)
        case Enter():
            about = titles.get(node.flow, node.flow)
        case Return():
            about = word.exit(node.exit)
        case Branch():
            about = word.say(node.on) if node.on in (*ABILITIES, AT_DESK) else node.on
        case Queue():
            about = node.skill
        case Fax():
            about = _paper(release, node, word)
    return about


def _paper(release: Release, node: Fax, word: Wording) -> str:
    """The document of a fax, or that it is whichever was chosen; and how it goes."""
    kind = release.documents.get(node.document)
    document = kind.title[word.language] if kind is not None else word.say("chosen")
    return f"{document} · {word.say(f'way_{node.way}')}"


def heard(release: Release, node: AnyNode, word: Wording) -> Iterator[str]:
    """What callers hear at a node, values as what they are; in the language that the node has for
    all callers, else in the picture's."""
    language = (node.language if isinstance(node, Menu | Statement) else None) or word.language
    if node.row is not None:
        yield word.say("rows") + spoken(release, node.row, word, language)
    said = ""
    for item in node.say:
        _, own = prompt_of(item, language)
        said += " " if said and own == "en" else ""
        said += spoken(release, item, word, language)
    if said:
        yield said


def spoken(release: Release, item: str, word: Wording, language: Language) -> str:
    """A text in this language, or in the item's own; values as what they are."""
    prompt, own = prompt_of(item, language)
    text = release.texts[own].get(prompt)
    if text is None:
        return prompt
    said = replace(word, language=own)
    return _SLOT.sub(lambda slot: said.value(slot[1] or "text"), text.text)


def notes(release: Release, node: AnyNode, word: Wording) -> Iterator[str]:
    """What else a reader must know: the form of an entry, keys of rows."""
    if isinstance(node, Collect):
        yield _entry(node, word)
        if node.same_as is not None:
            yield word.say("same")
    if isinstance(node, Menu) and node.only:
        keys = [item for items in node.only.values() for item in items if item in node.choices]
        yield word.say("only", keys=" ".join(keys))
    if isinstance(node, Menu) and node.usual:
        yield word.say("usual", first=node.first_key)
    if isinstance(node, Pace):
        pace = [source.removeprefix("$") for source in (node.patience, node.speed) if source]
        yield " · ".join(pace)


def _entry(node: Collect, word: Wording) -> str:
    match node.entry:
        case DigitEntry(min=low, max=high, check=check):
            fixed = low == high
            size = str(low) if fixed else f"{low}–{high}"
            checked = word.say("luhn") if check == "luhn" else ""
            return word.say("fixed" if fixed else "digits", range=size) + checked
        case MoneyEntry(min=least, max=most):
            return word.say("amount", low=least, high=most)
        case RateEntry(min=least, max=most):
            return word.say("rate", low=least, high=most)
        case DateEntry():
            return word.say("date")
        case TimeEntry():
            return word.say("time")


def label(release: Release, node: AnyNode, edge: Edge, word: Wording) -> str:
    """What a way out is called; empty where it is simply what comes next."""
    what, _, name = edge.via.partition(" ")
    if edge.via == PICKED:
        return word.say("row")
    if what in ("choice", "key"):
        return word.say("key", of=name)
    if isinstance(node, Branch) and what == CODE:
        return _code(release, node, name, word)
    if what == "exit":
        return word.faxed(name) if isinstance(node, Fax) else word.exit(name)
    return "" if what == "next" else word.say(what)


def _code(release: Release, node: Branch, code: str, word: Wording) -> str:
    """What callers hear for a code, where one set of words has all codes of the branch."""
    if node.on in (*ABILITIES, AT_DESK):
        return word.say(code)
    texts = release.texts[word.language]
    named = sorted(text for text in texts if text.startswith("word.") and text.endswith(f".{code}"))
    for text in named:
        begin = text.removesuffix(code)
        if all(begin + other in texts for other in node.then):
            return texts[text].text
    return code


def inherited(node: AnyNode, edge: Edge) -> bool:
    """Whether a way comes of what the flow has for all its nodes."""
    by_key = edge.via.startswith("key ") or edge.via == "exhausted"
    return isinstance(node, AskingNode) and by_key
