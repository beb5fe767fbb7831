"""The texts of all prompts in every language, cut at their values into recordable fragments.

    schema: 1
    language: zh
    texts:
      bal.amount: "您的余额为{balance|money}。"

`{name|kind}` is a value, read as `kind` (voice_prompts.readings.KINDS). What stands around the
values is recorded as clips `bal.amount#0`, `bal.amount#1`, ...

`{what|word:txn}` is a code, spoken by the text `word.txn.CODE`, or by `word.txn.other` where the
code has none. Such texts have no values and no punctuation: they stand inside others.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from ruamel.yaml.comments import CommentedMap
from ruamel.yaml.error import MarkedYAMLError

from transactions.yaml_text import read_yaml
from voice_prompts.readings import KINDS, LANGUAGES

SCHEMA = 1
MAX_TEXTS = 2000
MAX_TEXT = 400
"""Longest prompt, in characters; a caller does not listen to more."""

SENTENCE_END = "。！？!?；;."
PAUSES = "，、,：:"
_ID = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)*")
_VALUE = re.compile(r"\{([a-z][a-z0-9_]*)\|([a-z0-9_:]+)\}")
WORD = "word:"
"""A value of kind `word:SET` is a code."""
_WORD_SET = re.compile(r"word:[a-z][a-z0-9_]*")
_WORD_ID = re.compile(r"word\.[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*")
_WORD = re.compile(r"\w|[#*]")


class CatalogueError(Exception):
    """Texts that cannot be used; one finding a line, each with file and line."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__("\n".join(findings))
        self.findings = tuple(findings)


@dataclass(frozen=True, slots=True)
class Variable:
    """A value inside a text and the kind it is read as."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class Fragment:
    """What stands before, between or after values, punctuation included."""

    index: int
    text: str

    @property
    def spoken(self) -> bool:
        """Whether there is a word in it; bare punctuation has no clip, only its pause."""
        return _WORD.search(self.text) is not None

    @property
    def words(self) -> str:
        """The text without the punctuation that belongs to the value before it."""
        return self.text.lstrip(SENTENCE_END + PAUSES + " ").rstrip()


Part = Fragment | Variable


@dataclass(frozen=True, slots=True)
class Template:
    """One prompt in one language."""

    id: str
    language: str
    text: str
    parts: tuple[Part, ...]
    where: str

    @property
    def variables(self) -> Mapping[str, str]:
        """Name -> kind of every value, in no particular order."""
        return {part.name: part.kind for part in self.parts if isinstance(part, Variable)}

    def clip(self, fragment: Fragment) -> str:
        return f"{self.id}#{fragment.index}"

    def to_last_value(self) -> "Template":
        """Without the words behind its last value."""
        last = max(at for at, part in enumerate(self.parts) if isinstance(part, Variable))
        return replace(self, parts=self.parts[: last + 1])


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Language -> prompt id -> template. Every language has the same prompts and variables."""

    texts: Mapping[str, Mapping[str, Template]]

    @classmethod
    def load(cls, folder: Path) -> "Catalogue":
        """Read `zh.yaml` and `en.yaml` in `folder`; CatalogueError lists everything wrong."""
        findings: list[str] = []
        texts = {
            language: MappingProxyType(_load(folder / f"{language}.yaml", language, findings))
            for language in LANGUAGES
        }
        if not findings:
            findings.extend([*_differences(texts), *_without_other(texts)])
        if findings:
            raise CatalogueError(findings)
        return cls(MappingProxyType(texts))

    def template(self, prompt: str, language: str) -> Template:
        """The template of a prompt; KeyError where there is none."""
        return self.texts[language][prompt]

    def variables(self, prompt: str) -> Mapping[str, str]:
        """Name -> kind of the values that a prompt needs."""
        return self.texts[LANGUAGES[0]][prompt].variables

    def word(self, words: str, code: object, language: str) -> Template:
        """The text that speaks `code` of the set `words`, or of a code unknown there."""
        known = self.texts[language]
        return known.get(f"word.{words}.{code}") or known[f"word.{words}.other"]

    def longest_word(self, words: str) -> str:
        """The code of a set that takes longest to say, for estimates."""
        start = f"word.{words}."
        known = {i: t.text for i, t in self.texts[LANGUAGES[0]].items() if i.startswith(start)}
        longest = max(known, key=lambda prompt: len(known[prompt]), default=f"{start}other")
        return longest.removeprefix(start)

    def __contains__(self, prompt: str) -> bool:
        return prompt in self.texts[LANGUAGES[0]]

    def __iter__(self) -> Iterator[str]:
        return iter(self.texts[LANGUAGES[0]])


def _load(path: Path, language: str, findings: list[str]) -> dict[str, Template]:
    try:
        document = read_yaml(path.read_text("utf-8"))
    except FileNotFoundError:
        findings.append(f"{path}: missing; every language needs its texts")
        return {}
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        findings.append(f"{path}:{line}: {error.problem or error.context or 'not YAML'}")
        return {}
    texts = _texts(document, path, language, findings)
    if texts is None:
        return {}
    out: dict[str, Template] = {}
    for prompt, text in texts.items():
        where = f"{path}:{texts.lc.key(prompt)[0] + 1}"
        template = _template(prompt, text, language, where, findings)
        if template is not None:
            out[template.id] = template
    return out


def _texts(document: object, path: Path, language: str, findings: list[str]) -> CommentedMap | None:
    if not isinstance(document, CommentedMap):
        findings.append(f"{path}:1: expected `schema`, `language` and `texts`")
        return None
    for key in document:
        if key not in ("schema", "language", "texts"):
            line = document.lc.key(key)[0] + 1
            findings.append(f"{path}:{line}: unknown key {key!r}; remove it")
    for key, wanted in (("schema", SCHEMA), ("language", language)):
        if document.get(key) != wanted:
            findings.append(f"{path}:1: `{key}` must be {wanted}")
    texts = document.get("texts")
    if not isinstance(texts, CommentedMap) or len(texts) > MAX_TEXTS:
        findings.append(f"{path}:1: `texts` must hold 1 to {MAX_TEXTS} texts by id")
        return None
    return texts


def _template(
    prompt: object, text: object, language: str, where: str, findings: list[str]
) -> Template | None:
    if not isinstance(prompt, str) or not _ID.fullmatch(prompt):
        findings.append(f"{where}: {prompt!r} is no prompt id; use small letters, as in bal.amount")
        return None
    if not isinstance(text, str) or not 0 < len(text) <= MAX_TEXT:
        findings.append(f"{where}: {prompt}: a text of 1 to {MAX_TEXT} characters is needed")
        return None
    parts = parse(text)
    problems = [
        f"unknown kind {part.kind!r}; known are {', '.join(KINDS)}, word:SET"
        for part in parts
        if isinstance(part, Variable) and not _known(part.kind)
    ]
    if any("{" in part.text or "}" in part.text for part in parts if isinstance(part, Fragment)):
        problems.append("a brace that is no value; write values as {name|kind}")
    if not any(isinstance(part, Variable) or part.spoken for part in parts):
        problems.append("nothing to say")
    if prompt.startswith("word."):
        problems += _word_problems(prompt, parts)
    findings.extend(f"{where}: {prompt}: {problem}" for problem in problems)
    return None if problems else Template(prompt, language, text, parts, where)


def _known(kind: str) -> bool:
    return kind in KINDS or _WORD_SET.fullmatch(kind) is not None


def _word_problems(prompt: str, parts: tuple[Part, ...]) -> Iterator[str]:
    if _WORD_ID.fullmatch(prompt) is None:
        yield "a word's text is named word.SET.CODE"
    match parts:
        case (Fragment(text=text),) if text[-1] not in SENTENCE_END + PAUSES:
            return
        case _:
            yield "a word is spoken inside other texts; leave out values and the mark at its end"


def parse(text: str) -> tuple[Part, ...]:
    """Cut a text at its values; empty fragments between values are left out."""
    parts: list[Part] = []
    at = fragments = 0
    for match in _VALUE.finditer(text):
        if text[at : match.start()].strip():
            parts.append(Fragment(fragments, text[at : match.start()].strip()))
        parts.append(Variable(match[1], match[2]))
        fragments += 1
        at = match.end()
    if text[at:].strip():
        parts.append(Fragment(fragments, text[at:].strip()))
    return tuple(parts)


def _without_other(texts: Mapping[str, Mapping[str, Template]]) -> Iterator[str]:
    """Sets of words that have nothing to say for an unknown code."""
    for templates in texts.values():
        for template in templates.values():
            for kind in template.variables.values():
                other = f"word.{kind.removeprefix(WORD)}.other"
                if kind.startswith(WORD) and other not in templates:
                    yield f"{template.where}: {template.id}: needs the text {other}; add it"


def _differences(texts: Mapping[str, Mapping[str, Template]]) -> Iterator[str]:
    first, *others = LANGUAGES
    for language in others:
        for here, there, missing in ((first, language, language), (language, first, first)):
            for prompt, template in texts[here].items():
                if prompt not in texts[there]:
                    yield f"{template.where}: {prompt}: missing in {missing}; add its text there"
        for prompt, template in texts[language].items():
            other = texts[first].get(prompt)
            if other is not None and set(other.variables) != set(template.variables):
                names = sorted(set(other.variables) ^ set(template.variables))
                yield (
                    f"{template.where}: {prompt}: {', '.join(names)} in only one language; "
                    f"{other.where} has to speak the same values"
                )
