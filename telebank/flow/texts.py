"""The texts that callers hear, by language: only their ids and the slots in them matter here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import YAMLError

from telebank.flow.model import Finding
from telebank.flow.options import MAX_FILE_BYTES, MAX_TEXTS
from transactions.contract import Kind
from transactions.yaml_text import read_yaml

READINGS: Mapping[Kind, frozenset[str]] = MappingProxyType(
    {
        "card_no": frozenset({"tail"}),
        "secret": frozenset(),
        "money": frozenset({"money", "money_size"}),
        "text": frozenset({"tail", "digits", "text"}),
        "digits": frozenset({"digits", "tail", "number"}),
        "date": frozenset({"date", "month", "weekday"}),
        "time": frozenset({"time"}),
        "number": frozenset({"number", "digits", "ordinal", "count"}),
        "rate": frozenset({"rate", "percent"}),
        "word": frozenset({"word"}),
        "rows": frozenset(),
    }
)
"""Ways in which a variable of each kind may be read; a card number never whole, a secret never."""

_SLOT = re.compile(r"\{([a-z_][a-z0-9_]*)(?:\|([a-z0-9_]+)(?::([^{}]*))?)?\}")
WORD_TEXTS = re.compile(r"word\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
"""Texts that speak words: `word.SET.CODE`."""
OTHER_WORD = "word.{}.other"
"""Text for the codes of a set that have none of their own."""
_META = frozenset({"schema", "language", "texts"})


@dataclass(frozen=True, slots=True)
class Slot:
    """A value inside a text: variable and the way it is read."""

    name: str
    reading: str
    argument: str = ""
    """After a colon: the set of a word, the counter of a count."""


@dataclass(frozen=True, slots=True)
class Text:
    """One text of one language."""

    id: str
    text: str
    file: str
    line: int
    slots: tuple[Slot, ...]


Texts = Mapping[str, Mapping[str, Text]]
"""Language to id to text."""


def load_texts(path: Path, file: str, findings: list[Finding]) -> Mapping[str, Text]:
    """Read one language's file; what is wrong with it goes to `findings`."""
    raw = read_document(path, file, findings)
    if raw is None:
        return MappingProxyType({})
    body = raw.get("texts", raw)
    if not isinstance(body, CommentedMap) or len(body) > MAX_TEXTS:
        mend = f"map at most {MAX_TEXTS} ids to texts"
        findings.append(Finding(file, 1, "format", "no mapping of texts", mend))
        return MappingProxyType({})
    texts: dict[str, Text] = {}
    for key, value in body.items():
        line = int(body.lc.key(key)[0]) + 1
        if body is raw and key in _META:
            continue
        text = _text_of(value)
        if text is None:
            problem, mend = f"{key} has no text", "give a text, or a mapping with `text`"
            findings.append(Finding(file, line, "format", problem, mend))
            continue
        texts[str(key)] = Text(str(key), text, file, line, slots_of(text))
    return MappingProxyType(texts)


def slots_of(text: str) -> tuple[Slot, ...]:
    """The slots of a text, in order: `{amount|money}`; without a reading it is `text`."""
    return tuple(Slot(m[1], m[2] or "text", m[3] or "") for m in _SLOT.finditer(text))


def _text_of(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and isinstance(value.get("text"), str):
        return str(value["text"])
    return None


def read_document(path: Path, file: str, findings: list[Finding]) -> CommentedMap | None:
    """Read one YAML file with its lines; a problem goes to `findings` and gives None."""
    if path.stat().st_size > MAX_FILE_BYTES:
        mend = f"keep it under {MAX_FILE_BYTES} bytes"
        findings.append(Finding(file, 1, "format", "the file is too large", mend))
        return None
    try:
        document: Any = read_yaml(path.read_text(encoding="utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        line = mark.line + 1 if (mark := getattr(error, "problem_mark", None)) else 1
        problem = f"not YAML in UTF-8: {getattr(error, 'problem', None) or 'bad bytes'}"
        findings.append(Finding(file, line, "format", problem, "correct it"))
        return None
    if not isinstance(document, CommentedMap):
        findings.append(Finding(file, 1, "format", "not a mapping", "begin with `schema:`"))
        return None
    return document
