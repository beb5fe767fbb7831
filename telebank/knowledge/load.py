"""Reading `config/knowledge/*.yaml`: every finding names file and line, and what to write."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from telebank.knowledge.model import LANGUAGES, Article, Book, Business, Language, Pair
from transactions.yaml_text import read_yaml

SCHEMA = 1
KINDS_FILE = "business.yaml"
MAX_FILES, MAX_BYTES = 100, 400_000
MAX_ARTICLES, MAX_KINDS, MAX_FLOWS = 2_000, 60, 80
"""Of all files; menus of a kind of business."""
MAX_BUSINESS, MAX_SERVICES, MAX_SUBJECTS = 6, 8, 20
"""Of one article."""
MAX_ID, MAX_SUBJECT, MAX_TITLE, MAX_QUESTION, MAX_ANSWER = 60, 40, 80, 200, 4_000
"""Characters, of each language."""
_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_NAME = re.compile(r"[a-z0-9]+([._][a-z0-9]+)*")
_FACT = re.compile(r"\{([^{}]*)\}")
_KEYS = frozenset({"id", "business", "services", "subjects", "title", "question", "answer"})
_ALL = _KEYS | {"valid", "updated"}
Facts = Mapping[str, str]
"""What `{name}` stands for in a text: figures of the settings in force."""


class KnowledgeError(ValueError):
    """Files that cannot be used; `findings` are all that is wrong with them."""

    def __init__(self, findings: Sequence[str]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(findings))


class _FaultError(ValueError):
    """One finding."""


def files_of(folders: Sequence[Path]) -> Mapping[str, Path]:
    """Files by name: one of a later folder stands for that of an earlier one, whole."""
    return {path.name: path for folder in folders for path in sorted(folder.glob("*.yaml"))}


def load_book(folders: Sequence[Path], facts: Facts) -> Book:
    """What the folders have; raises `KnowledgeError`."""
    paths = files_of(folders)
    if len(paths) > MAX_FILES:
        raise KnowledgeError([f"{folders[-1]}: {len(paths)} files; put articles into {MAX_FILES}"])
    contents: dict[str, bytes] = {}
    for path in paths.values():
        try:
            with path.open("rb") as file:
                contents[str(path)] = file.read(MAX_BYTES + 1)
        except OSError as error:
            raise KnowledgeError([f"{path}: cannot be read: {error.strerror}"]) from error
    return read_book(contents, facts)


def read_book(files: Mapping[str, bytes], facts: Facts) -> Book:
    """A book of files by path, one of them `business.yaml`; raises `KnowledgeError`."""
    findings: list[str] = []
    kinds: dict[str, Business] = {}
    articles: dict[str, Article] = {}
    for name in sorted(files, key=lambda name: (Path(name).name != KINDS_FILE, Path(name).name)):
        try:
            if Path(name).name == KINDS_FILE:
                kinds = _kinds(name, _document(name, files[name], "business"))
                continue
            listed = _listed(name, files[name])
        except _FaultError as fault:
            findings.append(str(fault))
            continue
        for at, raw in enumerate(listed):
            try:
                article = _article(f"{name}:{listed.lc.item(at)[0] + 1}", name, raw, facts)
                _place(article, articles, kinds)
            except _FaultError as fault:
                findings.append(str(fault))
    if len(articles) > MAX_ARTICLES:
        findings.append(f"{len(articles)} articles in all; there can be {MAX_ARTICLES}")
    if findings:
        raise KnowledgeError(findings)
    return Book(MappingProxyType(articles), MappingProxyType(kinds))


def _place(article: Article, articles: dict[str, Article], kinds: Mapping[str, Business]) -> None:
    for kind in article.business:
        if kind not in kinds:
            known = ", ".join(kinds) or "nothing"
            raise _FaultError(
                f"{article.where}: {article.id}: no business {kind!r}; there is {known}"
            )
    if article.id in articles:
        other = articles[article.id].where
        raise _FaultError(f"{article.where}: {article.id} is there twice, also in {other}")
    articles[article.id] = article


def _listed(name: str, content: bytes) -> CommentedSeq:
    listed = _document(name, content, "articles")["articles"]
    if not isinstance(listed, CommentedSeq):
        raise _FaultError(f"{name}: `articles` is a list; `[]` for none")
    return listed


def _document(name: str, content: bytes, key: str) -> CommentedMap:
    if len(content) > MAX_BYTES:
        raise _FaultError(f"{name}: larger than {MAX_BYTES} bytes; make two files of it")
    try:
        document: Any = read_yaml(content.decode("utf-8"))
    except (YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise _FaultError(f"{name}: not YAML: {error}") from error
    if not isinstance(document, CommentedMap) or document.get("schema") != SCHEMA:
        raise _FaultError(f"{name}:1: must begin with `schema: {SCHEMA}`")
    _only(name, document, {"schema", key})
    if key not in document:
        raise _FaultError(f"{name}: `{key}` is missing")
    return document


def _kinds(name: str, document: CommentedMap) -> dict[str, Business]:
    raw = document["business"]
    if not isinstance(raw, CommentedMap) or not 0 < len(raw) <= MAX_KINDS:
        raise _FaultError(f"{name}: `business` maps 1 to {MAX_KINDS} names to {{zh, en, flows}}")
    kinds: dict[str, Business] = {}
    taken: dict[str, str] = {}
    for kind, table in raw.items():
        where = f"{name}:{raw.lc.key(kind)[0] + 1}"
        if not isinstance(kind, str) or not _ID.fullmatch(kind) or len(kind) > MAX_ID:
            raise _FaultError(f"{where}: {kind!r} is no name; write a word such as transfers")
        if not isinstance(table, CommentedMap):
            raise _FaultError(f"{where}: write {{zh: …, en: …, flows: […]}}")
        _only(name, table, {*LANGUAGES, "flows"})
        names = {
            one: _text(where, table.get(one), f"{one} of {kind}", MAX_TITLE) for one in LANGUAGES
        }
        flows = _names(where, table.get("flows", ()), "flows", MAX_FLOWS, _NAME)
        for flow in flows:
            if other := taken.get(flow):
                raise _FaultError(
                    f"{where}: the menu {flow} is of {other} already; it can be of one"
                )
            taken[flow] = kind
        kinds[kind] = Business(kind, MappingProxyType(names), frozenset(flows))
    return kinds


def _article(where: str, name: str, raw: object, facts: Facts) -> Article:
    if not isinstance(raw, CommentedMap):
        raise _FaultError(f"{where}: an article is a mapping that begins with `id:`")
    id_ = raw.get("id")
    if not isinstance(id_, str) or not _ID.fullmatch(id_) or len(id_) > MAX_ID:
        raise _FaultError(f"{where}: `id` is small letters, figures and hyphens, at most {MAX_ID}")
    where = f"{where}: {id_}"
    _only(name, raw, _ALL)
    if missing := sorted(_KEYS - {"services"} - set(raw)):
        raise _FaultError(f"{where}: `{missing[0]}` is missing")
    business = _names(where, raw["business"], "business", MAX_BUSINESS, _ID)
    if not business:
        raise _FaultError(f"{where}: `business` names at least one kind of {KINDS_FILE}")
    valid = raw.get("valid", {})
    if not isinstance(valid, Mapping) or set(valid) - {"from", "until"}:
        raise _FaultError(
            f"{where}: `valid` is {{from: 2026-01-01, until: 2026-12-31}}, or one of them"
        )
    first, last = (_day(where, valid, key) for key in ("from", "until"))
    if first and last and last < first:
        raise _FaultError(f"{where}: `valid` ends before it begins")
    updated = _day(where, raw, "updated")
    if updated is None:
        raise _FaultError(
            f"{where}: `updated` is missing: the day on which somebody last made sure"
        )
    return Article(
        id=id_,
        where=where.removesuffix(f": {id_}"),
        business=business,
        services=_names(where, raw.get("services", ()), "services", MAX_SERVICES, _NAME),
        subjects=_subjects(where, raw["subjects"]),
        titles=_pair(where, raw["title"], "title", MAX_TITLE, facts),
        questions=_pair(where, raw["question"], "question", MAX_QUESTION, facts),
        answers=_pair(where, raw["answer"], "answer", MAX_ANSWER, facts),
        updated=updated,
        valid_from=first,
        valid_until=last,
    )


def _subjects(where: str, raw: object) -> Mapping[Language, tuple[str, ...]]:
    if not isinstance(raw, Mapping) or set(raw) != set(LANGUAGES):
        raise _FaultError(f"{where}: `subjects` is {{zh: [限额], en: [limit]}}")
    found: dict[Language, tuple[str, ...]] = {}
    for one in LANGUAGES:
        words = raw[one]
        if not isinstance(words, list) or not 0 < len(words) <= MAX_SUBJECTS:
            raise _FaultError(f"{where}: `subjects` has 1 to {MAX_SUBJECTS} words in {one}")
        found[one] = tuple(_text(where, word, f"subjects in {one}", MAX_SUBJECT) for word in words)
    return MappingProxyType(found)


def _pair(where: str, raw: object, key: str, most: int, facts: Facts) -> Pair:
    if not isinstance(raw, Mapping) or set(raw) != set(LANGUAGES):
        raise _FaultError(f"{where}: `{key}` is {{zh: …, en: …}}")
    return MappingProxyType(
        {
            one: _filled(where, _text(where, raw[one], f"{key} in {one}", most), facts)
            for one in LANGUAGES
        }
    )


def _filled(where: str, text: str, facts: Facts) -> str:
    for name in _FACT.findall(text):
        if name not in facts:
            known = ", ".join(sorted(facts)) or "none"
            raise _FaultError(
                f"{where}: {{{name}}} is no setting that texts can name; there is {known}"
            )
    return _FACT.sub(lambda found: facts[found[1]], text)


def _text(where: str, raw: object, key: str, most: int) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise _FaultError(f"{where}: the text of {key} is missing")
    if len(raw.strip()) > most:
        raise _FaultError(f"{where}: {key} is longer than {most} characters")
    if any(not (character.isprintable() or character == "\n") for character in raw):
        raise _FaultError(f"{where}: {key} has characters that cannot be printed; use spaces")
    return raw.strip()


def _names(where: str, raw: object, key: str, most: int, form: re.Pattern[str]) -> tuple[str, ...]:
    if not isinstance(raw, (list, tuple)) or len(raw) > most:
        raise _FaultError(f"{where}: `{key}` is a list of at most {most}")
    for name in raw:
        if not isinstance(name, str) or not form.fullmatch(name) or len(name) > MAX_ID:
            raise _FaultError(f"{where}: {name!r} is no name in `{key}`")
    if len(set(raw)) < len(raw):
        raise _FaultError(f"{where}: `{key}` has a name twice")
    return tuple(map(str, raw))


def _day(where: str, raw: Mapping[str, object], key: str) -> date | None:
    value = raw.get(key)
    if key in raw and (not isinstance(value, date) or isinstance(value, datetime)):
        raise _FaultError(f"{where}: `{key}` must be a date, such as 2026-10-01")
    return value if isinstance(value, date) else None


def _only(name: str, raw: CommentedMap, known: set[str] | frozenset[str]) -> None:
    for key in raw:
        if key not in known:
            where = f"{name}:{raw.lc.key(key)[0] + 1}"
            raise _FaultError(f"{where}: unknown key {key!r}; use {', '.join(sorted(known))}")


def faults(book: Book, services: Mapping[str, str | None], flows: Collection[str]) -> Iterator[str]:
    """What articles name that is not there. `services`: those there are, and of those without a
    form why, in a word."""
    for kind in book.business.values():
        for flow in sorted(kind.flows - set(flows)):
            yield f"{KINDS_FILE}: {kind.id}: no menu {flow!r} in flows"
    for article in book.articles.values():
        for name in article.services:
            if name not in services:
                yield f"{article.where}: {article.id}: no service {name!r} in services.yaml"
            elif services[name]:
                yield (
                    f"{article.where}: {article.id}: tellers have no form of {name}"
                    f" ({services[name]}); leave it out"
                )
