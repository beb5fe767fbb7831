"""A fax node and the answer to it, in terms of the variables of the call."""

from datetime import time

from fax.documents.kinds import DocumentKind
from telebank.flow.commands import PrepareFax, SendFax
from telebank.flow.documents import Documents
from telebank.flow.memory import Memory
from telebank.flow.model import FAX_GIVES, Fax
from transactions.outcome import Value, Values

UNAVAILABLE = "not_available"
"""Exit of a fax that lacks a value: it is not asked for; and of a paper whose answer is unknown."""


def document_of(node: Fax, documents: Documents, memory: Memory) -> DocumentKind | None:
    """The document that a node faxes now."""
    name = node.document
    if name.startswith("$"):
        name = str(memory.value(name[1:]) or "")
    return documents.get(name)


def source_of(node: Fax, need: str) -> str:
    """Where a value that the document needs comes from: `$variable`, or a literal."""
    return node.inputs.get(need, f"${need}")


def asked(node: Fax, document: DocumentKind | None, memory: Memory) -> PrepareFax | SendFax | None:
    """The command, its visit still to be named; None where a value is not set."""
    values = _values(node, document, memory)
    to, at = _read(memory, node.to), _read(memory, node.at)
    if document is None or values is None or None in (to, at):
        return None
    if node.way == "here":
        return PrepareFax("", document.name, values, authenticated=memory.proved)
    number = to if isinstance(to, str) else ""
    when = at if isinstance(at, time) else None
    return SendFax("", document.name, values, node.way, number, when, authenticated=memory.proved)


def _values(node: Fax, document: DocumentKind | None, memory: Memory) -> Values | None:
    values: dict[str, Value] = {}
    for need in _given(node, document):
        value = _read(memory, source_of(node, need))
        if value is None:
            return None
        values[need] = value
    return values


def _given(node: Fax, document: DocumentKind | None) -> tuple[str, ...]:
    """What a document needs, and what it may have and the node names."""
    if document is None:
        return ()
    return (*document.needs, *(name for name in document.may if name in node.inputs))


def _read(memory: Memory, source: str | None) -> Value | None:
    """A variable's value, a literal as it is; empty where the node has no such key."""
    if source is None or not source.startswith("$"):
        return source or ""
    return memory.value(source[1:])


def keep(memory: Memory, data: Values) -> None:
    """Set the variables that an answer gives; those it lacks are those of no older fax."""
    for name, kind in FAX_GIVES.items():
        memory.forget(name)
        value = data.get(name.removeprefix("fax_"))
        if isinstance(value, int if kind == "number" else str):
            memory.store(name, value)
