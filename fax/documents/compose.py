"""Makes a paper of a kind of document and the values that a menu and the host gave."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from fax.documents.formats import Texts, amount, printed, share
from fax.documents.kinds import Column, DocumentKind, Part
from fax.documents.paper import Paper, Table
from fax.words import Language, word
from transactions.money import Money
from transactions.outcome import Row, Values

MAX_ROWS = 400
"""Rows of one part that are printed; `compose` says on the paper where there were more."""
Answers = Sequence[Sequence[Row]]
"""The rows of each part, in the order of `DocumentKind.parts`; empty for one without any."""


class ComposeError(ValueError):
    """What was given does not make this document."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What is on a paper besides its content."""

    language: Language
    bank: str
    """Name at the top; empty: a general one."""
    reference: str
    made_at: datetime
    """On the bank's wall clock."""


def compose(
    kind: DocumentKind,
    values: Values,
    answers: Answers,
    texts: Texts,
    stamp: Stamp,
    *,
    cut: Collection[int] = (),
) -> Paper:
    """The paper of one document. Raises `ComposeError`, or `FormatError` where a value is another
    kind than the catalogue says.

    `values`: what the menu gave and the services' outputs that are no list. `texts` gives the
    release's text of an id such as `word.txn.deposit`, or an empty one. `cut` has the parts (by
    index) of which the host had more rows than are given.
    """
    _given(kind, values, answers)
    return Paper(
        kind=kind.name,
        title=kind.title[stamp.language],
        language=stamp.language,
        bank=stamp.bank,
        reference=stamp.reference,
        made_at=f"{stamp.made_at:%Y-%m-%d %H:%M:%S}",
        facts=_facts(kind, values, texts, stamp.language),
        tables=_tables(kind, answers, texts, stamp.language, cut),
        note=kind.note[stamp.language] if kind.note else "",
    )


def _given(kind: DocumentKind, values: Values, answers: Answers) -> None:
    """Raise `ComposeError` unless everything is there."""
    missing = [name for name in kind.needs if name not in values]
    if missing:
        raise ComposeError(f"document {kind.name} needs {', '.join(missing)}: give it in `in`")
    if len(answers) != len(kind.parts):
        raise ComposeError(f"document {kind.name} takes the rows of {len(kind.parts)} parts")


def _facts(
    kind: DocumentKind, values: Values, texts: Texts, language: Language
) -> tuple[tuple[str, str], ...]:
    """Labels and values; without those that nobody gave."""
    found = [(fact, printed(values.get(fact.of), fact.form, texts)) for fact in kind.facts]
    return tuple((fact.label[language], value) for fact, value in found if value)


def _tables(
    kind: DocumentKind, answers: Answers, texts: Texts, language: Language, cut: Collection[int]
) -> tuple[Table, ...]:
    """One for each part with rows."""
    listed = [index for index, part in enumerate(kind.parts) if part.rows]
    tables = []
    for index in listed:
        part, rows = kind.parts[index], answers[index]
        closing = _closing(rows, cut=index in cut, last=index == listed[-1])
        tables.append(_table(part, rows, language, texts, closing))
    return tuple(tables)


def _closing(rows: Sequence[Row], *, cut: bool, last: bool) -> str:
    """Which words stand behind a table. Nothing comes after the last but blank paper."""
    if cut or len(rows) > MAX_ROWS:
        return "cut"
    if not rows:
        return "empty"
    return "end" if last else "rows"


def _table(
    part: Part, rows: Sequence[Row], language: Language, texts: Texts, closing: str
) -> Table:
    taken = rows[:MAX_ROWS]
    return Table(
        head=tuple(column.label[language] for column in part.columns),
        rows=tuple(
            tuple(printed(row.get(c.of), c.form, texts, c.unit) for c in part.columns)
            for row in taken
        ),
        widths=tuple(column.width for column in part.columns),
        align=tuple(column.align for column in part.columns),
        title=part.title[language] if part.title else "",
        totals=_totals(part.columns, taken, language) if closing != "cut" else (),
        closing=word(closing, language).format(count=len(taken)),
    )


def _totals(
    columns: Sequence[Column], rows: Sequence[Row], language: Language
) -> tuple[tuple[str, ...], ...]:
    """A last row of sums for each currency; none where no column has a total.

    Of a list that was cut short there is none either: a sum of some rows would mislead.
    """
    if not any(column.total for column in columns):
        return ()
    codes = {
        value.currency
        for row in rows
        for column in columns
        if column.total and isinstance(value := row.get(column.of), Money)
    }
    lines = []
    for code in sorted(codes, key=lambda one: one.code):
        cells = [_sum(column, rows, Money(0, code)) for column in columns]
        cells[0] = cells[0] or word("total", language)
        lines.append(tuple(cells))
    return tuple(lines)


def _sum(column: Column, rows: Sequence[Row], nothing: Money) -> str:
    if not column.total:
        return ""
    total = nothing
    for row in rows:
        value = row.get(column.of)
        if isinstance(value, Money) and value.currency == nothing.currency:
            total += share(value, column.form) or Money(0, nothing.currency)
    return amount(total, column.unit)
