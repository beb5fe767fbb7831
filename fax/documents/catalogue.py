"""The kinds of documents of config/documents.yaml.

schema: 1
documents:
  NAME:
    title: {zh: …, en: …}
    in: {card: $card}       inputs of the service to values that the menu gives
    gives: [ref]            more values that the menu must give
    may: [month]            values that it may give
    service: card.recent    asked page by page; absent: the values given are the document
    rows: items             the output that is a list
    columns: [{of: "on", label: {zh: …, en: …}, as: date, width: 24}, …]     width in millimetres
    none: [none]            exits that mean there is nothing to print
    facts: [{of: card, label: {zh: …, en: …}, as: card}]
    note: {zh: …, en: …}
    parts: [{title:, service:, in:, rows:, columns:, none:}, …]    several tables, instead of one

A column may have `unit: CNY` (its head names the currency, cells leave it out) and `total: true`.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from fax.documents.kinds import FORMS, SUMS, WORD_FORM, Column, DocumentKind, Fact, Part, Words
from fax.documents.paper import MAX_COLUMNS, MAX_FACTS, MAX_TABLES, TEXT_MM
from fax.documents.reading import Block, CatalogueError, nearest, read
from transactions.money import CURRENCIES

__all__ = ["CatalogueError", "load_documents"]

SCHEMA = 1
MAX_DOCUMENTS = 100
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_VALUE = re.compile(r"\$([a-z][a-z0-9_]{0,39})")
_SERVICE = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
_PART_KEYS = ("service", "in", "rows", "columns", "none")


def load_documents(path: Path) -> Mapping[str, DocumentKind]:
    """Read the catalogue; raises `CatalogueError` with file, line and what to do."""
    top = read(path)
    if top.whole("schema") != SCHEMA:
        raise top.error("this schema is not known here", f"write `schema: {SCHEMA}`", "schema")
    documents = top.block("documents")
    top.done()
    names = list(documents)
    if len(names) > MAX_DOCUMENTS:
        raise documents.error("too many documents", f"keep at most {MAX_DOCUMENTS}")
    return MappingProxyType({name: _kind(documents.block(name), name) for name in names})


def _kind(block: Block, name: str) -> DocumentKind:
    if not _NAME.fullmatch(name):
        raise block.error(f"{name!r} is no name", "use small letters, digits and _")
    title, facts = _words(block, "title"), _facts(block)
    note = _words(block, "note") if block.has("note") else None
    gives, may = block.names("gives"), block.names("may")
    given, parts = _given(block)
    block.done()
    needs = tuple(dict.fromkeys((*given, *gives, *(v for p in parts for v in p.inputs.values()))))
    if not parts and not facts:
        raise block.error("nothing to print", "add `service`, `parts` or `facts`")
    if not parts:
        _known_facts(block, facts, {*needs, *may})
    return DocumentKind(
        name,
        title,
        tuple(value for value in needs if value not in may),
        may,
        facts,
        parts,
        note,
        block.file,
        block.line,
    )


def _given(block: Block) -> tuple[tuple[str, ...], tuple[Part, ...]]:
    """Values that `in` names, and the parts: one written in the document itself, or several."""
    if block.has("parts"):
        mixed = [key for key in _PART_KEYS if key != "in" and block.has(key)]
        if mixed:
            raise block.error(f"`{mixed[0]}` beside `parts`", "move it into a part", mixed[0])
        parts = tuple(_part(part) for part in block.blocks("parts"))
        if not 0 < len(parts) <= MAX_TABLES:
            raise block.error("`parts` has no part", f"write 1 to {MAX_TABLES}", "parts")
        return tuple(_inputs(block).values()), parts
    if block.has("service"):
        return (), (_part_of(block, None),)
    stray = [key for key in ("rows", "columns", "none") if block.has(key)]
    if stray:
        mend = "add `service`, or remove it"
        raise block.error(f"`{stray[0]}` without `service`", mend, stray[0])
    return tuple(_inputs(block).values()), ()


def _part(block: Block) -> Part:
    part = _part_of(block, _words(block, "title") if block.has("title") else None)
    block.done()
    return part


def _part_of(block: Block, title: Words | None) -> Part:
    service = block.text("service")
    if not _SERVICE.fullmatch(service):
        mend = "write one of config/services.yaml, such as card.recent"
        raise block.error(f"{service!r} is no service", mend, "service")
    columns = tuple(_column(column) for column in block.blocks("columns"))
    rows = block.text("rows") if block.has("rows") else ""
    if bool(rows) != bool(columns):
        mend = "give both: the output that is a list, and its columns"
        key = "rows" if rows else "columns"
        raise block.error("`rows` and `columns` belong together", mend, key)
    _fitting(block, columns)
    none = frozenset(block.names("none"))
    return Part(service, _inputs(block), none, rows, columns, title, block.line)


def _fitting(block: Block, columns: tuple[Column, ...]) -> None:
    if len(columns) > MAX_COLUMNS:
        raise block.error("too many columns", f"keep at most {MAX_COLUMNS}", "columns")
    width = sum(column.width for column in columns)
    if width > TEXT_MM:
        problem = f"the columns are {width:g} mm wide"
        raise block.error(problem, f"keep them within {TEXT_MM:g} mm", "columns")


def _inputs(block: Block) -> Mapping[str, str]:
    if not block.has("in"):
        return MappingProxyType({})
    inputs, names = block.block("in"), {}
    for name in inputs:
        value = _VALUE.fullmatch(inputs.text(name))
        if value is None:
            raise inputs.error(f"`{name}` names no value", f"write {name}: $NAME", name)
        names[name] = value[1]
    return MappingProxyType(names)


def _facts(block: Block) -> tuple[Fact, ...]:
    found = block.blocks("facts")
    if len(found) > MAX_FACTS:
        raise block.error("too many facts", f"keep at most {MAX_FACTS}", "facts")
    return tuple(_fact(fact) for fact in found)


def _fact(block: Block) -> Fact:
    fact = Fact(block.text("of"), _words(block, "label"), _form(block), block.line)
    block.done()
    return fact


def _known_facts(block: Block, facts: tuple[Fact, ...], values: set[str]) -> None:
    for fact in facts:
        if fact.of not in values:
            problem = f"{block.name}: the fact {fact.of!r} is given by nobody"
            mend = f"name it in `in`, `gives` or `may`{nearest(fact.of, values)}"
            raise CatalogueError(block.file, fact.line, problem, mend)


def _column(block: Block) -> Column:
    form, unit, total = _form(block), block.text("unit", ""), block.flag("total")
    if unit and (unit not in CURRENCIES or form not in SUMS):
        mend = f"write one of {', '.join(CURRENCIES)}, for money alone"
        raise block.error(f"`unit` {unit!r} does not fit here", mend, "unit")
    if total and form not in SUMS:
        raise block.error("only money has a total", "remove `total`", "total")
    of, label, width = block.text("of"), _words(block, "label"), block.number("width")
    column = Column(of, label, form, width, unit, total, block.line)
    block.done()
    return column


def _form(block: Block) -> str:
    form = block.text("as")
    if form not in FORMS and not WORD_FORM.fullmatch(form):
        mend = f"use one of {', '.join(FORMS)}, word:SET{nearest(form, FORMS)}"
        raise block.error(f"`as: {form}` is no way to print a value", mend, "as")
    return form


def _words(block: Block, key: str) -> Words:
    """A text in both languages."""
    words = block.block(key)
    both: Words = MappingProxyType({"zh": words.text("zh"), "en": words.text("en")})
    words.done()
    return both
