"""The three-way reconciliation of a business date on paper and as files for spreadsheets."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from reportlab.lib.colors import Color, HexColor
from reportlab.lib.units import mm
from reportlab.platypus import CondPageBreak, KeepTogether, Spacer, Table, TableStyle

from telebank.reports.charts import Slice, ring
from telebank.reports.paper import (
    GREY,
    INK,
    LINE,
    WIDTH,
    Letterhead,
    Styles,
    build,
    table,
    text,
)
from telebank.reports.reconciliation_csv import write_findings, write_summary
from telebank.reports.rows import FigureRow, figure_rows, grouped, ours, remarks, sum_text, theirs
from telebank.reports.words import Language, Words, words_of
from transactions.reconcile_values import (
    WORST_FIRST,
    Finding,
    Kind,
    Reconciliation,
    Severity,
    Sides,
)

MAX_LISTED = 1_000
"""Findings on paper; all are in the CSV."""
COLOURS = {
    Severity.AGREED: HexColor("#2f7d4f"),
    Severity.EXPLAINED: HexColor("#d39a2a"),
    Severity.UNCHECKED: HexColor("#7d8790"),
    Severity.DIFFERENCE: HexColor("#b3362b"),
}
AMOUNT_APART = frozenset({Kind.FEE_DIFFERS, Kind.STATE_DIFFERS, Kind.DATE_DIFFERS, Kind.STILL_OPEN})
SUMS = (Kind.TOTALS_DIFFER_FROM_FILE, Kind.TOTALS_DIFFER_FROM_JOURNAL)


@dataclass(frozen=True, slots=True)
class ReportFiles:
    """What was written."""

    pdf: Path
    findings: Path
    summary: Path


@dataclass(frozen=True, slots=True)
class About:
    """Whose report it is."""

    node: str
    made_at: datetime
    """Aware, in the bank's own zone."""
    language: Language = "zh"
    bank: str = ""
    """Name on the letterhead; empty for a general one."""


def write_report(result: Reconciliation, folder: Path, about: About) -> ReportFiles:
    """Write `reconciliation-DATE.pdf`, `-findings.csv` and `-summary.csv` into `folder`."""
    words = words_of(about.language)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    stem = f"reconciliation-{result.business_date.isoformat()}"
    files = ReportFiles(
        pdf=folder / f"{stem}.pdf",
        findings=folder / f"{stem}-findings.csv",
        summary=folder / f"{stem}-summary.csv",
    )
    write_findings(files.findings, result, words)
    write_summary(files.summary, result, words)
    head = Letterhead(
        bank=about.bank or words["bank"],
        title=words["title"],
        right=result.business_date.isoformat(),
        node=about.node,
        made_at=about.made_at,
    )
    styles = Styles.make(about.language)
    build(files.pdf, list(_story(result, words, styles)), head, words, styles)
    return files


def _story(result: Reconciliation, words: Words, styles: Styles) -> Iterator[Any]:
    yield _verdict(result, words, styles)
    yield Spacer(1, 4 * mm)
    yield _picture(result, words, styles)
    for remark in remarks(result, words):
        yield text(remark, styles.body)
    yield text(words["figures"], styles.heading)
    for code, sides in result.currencies.items():
        yield KeepTogether([_figures(code, sides, words, styles), Spacer(1, 4 * mm)])
    yield CondPageBreak(40 * mm)
    yield text(words["findings"], styles.heading)
    if not result.findings:
        yield text(words["nothing" if result.has_file else "nothing_seen"], styles.body)
    shown = result.findings[:MAX_LISTED]
    for group in _groups(shown):
        yield from _section(group, result, words, styles)
    left = len(result.findings) - len(shown)
    if left:
        yield text(words["more"].format(shown=len(shown), left=left), styles.body)
    yield Spacer(1, 10 * mm)
    yield KeepTogether([_signatures(words, styles)])


def _verdict(result: Reconciliation, words: Words, styles: Styles) -> Table:
    """A band in the colour of the result."""
    counts = [(words.severities[severity], result.rows[severity]) for severity in Severity]
    said = "   ".join(f"{name} {count:,}" for name, count in counts)
    made = Table(
        [[words[f"overall_{result.severity}"], said]],
        colWidths=[WIDTH * 0.4, WIDTH * 0.6],
        rowHeights=[9 * mm],
    )
    made.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (0, 0), styles.font, 12),
                ("FONT", (1, 0), (1, 0), styles.font, 9),
                ("TEXTCOLOR", (0, 0), (-1, -1), HexColor("#ffffff")),
                ("BACKGROUND", (0, 0), (-1, -1), COLOURS[result.severity]),
                ("ALIGN", (1, 0), (1, 0), "RIGHT"),
                ("VALIGN", (0, 0), (-1, -1), "MIDDLE"),
                ("LEFTPADDING", (0, 0), (-1, -1), 8),
                ("RIGHTPADDING", (0, 0), (-1, -1), 8),
            ]
        )
    )
    return made


def _picture(result: Reconciliation, words: Words, styles: Styles) -> Any:
    slices = [
        Slice(words.severities[severity], result.rows[severity], COLOURS[severity])
        for severity in Severity
    ]
    total = sum(one.count for one in slices)
    return ring(slices, f"{total:,}", words["transactions"], WIDTH, styles.font)


def _figures(code: str, sides: Sides, words: Words, styles: Styles) -> Any:
    """One currency: three sides in three columns, and two columns of differences."""
    names = ("journal", "totals", "file", "totals_less", "file_less")
    head = [code, *(words[name] for name in names)]
    rows, colours = [], []
    for number, row in enumerate(figure_rows(sides), 1):
        rows.append(_figure_row(row, code, words))
        for column, value in ((4, row.totals_less), (5, row.file_less)):
            if value:
                red = COLOURS[Severity.DIFFERENCE]
                colours.append(("TEXTCOLOR", (column, number), (column, number), red))
    widths = [WIDTH * share for share in (0.19, 0.17, 0.17, 0.17, 0.15, 0.15)]
    first = ("TEXTCOLOR", (0, 0), (0, 0), INK)
    ruled = ("LINEABOVE", (0, len(rows) - 2), (-1, len(rows) - 2), 0.8, GREY)
    return table(head, rows, widths, styles, 1, first, ruled, *colours)


def _figure_row(row: FigureRow, code: str, words: Words) -> list[str]:
    sides = [row.text(value, code) for value in (row.journal, row.totals, row.file)]
    lesses = [row.text(value, code, signed=True) for value in (row.totals_less, row.file_less)]
    return [words[row.name], *sides, *lesses]


def _groups(findings: Sequence[Finding]) -> Iterator[Sequence[Finding]]:
    """Findings of one kind and severity together, the worst first."""
    order = {kind: number for number, kind in enumerate(Kind)}
    ordered = sorted(findings, key=lambda one: (WORST_FIRST.index(one.severity), order[one.kind]))
    for _, group in groupby(ordered, key=lambda one: (one.severity, one.kind)):
        yield list(group)


def _section(
    found: Sequence[Finding], result: Reconciliation, words: Words, styles: Styles
) -> Iterator[Any]:
    """One kind: its name, what to do, and its rows."""
    severity, kind = found[0].severity, found[0].kind
    title = Table(
        [["", f"{words.kinds[kind]} · {words.severities[severity]} · {len(found):,}"]],
        colWidths=[2 * mm, WIDTH - 2 * mm],
    )
    title.setStyle(_title_style(COLOURS[severity], styles.font))
    advice = text(words["advice"].format(advice=words.advice[kind]), styles.note)
    rows = (_sums if kind in SUMS else _rows)(found, result, words, styles)
    yield CondPageBreak(35 * mm)
    yield title
    yield advice
    yield Spacer(1, 1.5 * mm)
    yield rows
    yield Spacer(1, 4 * mm)


def _title_style(colour: Color, font: str) -> TableStyle:
    return TableStyle(
        [
            ("BACKGROUND", (0, 0), (0, 0), colour),
            ("FONT", (1, 0), (1, 0), font, 10),
            ("TEXTCOLOR", (1, 0), (1, 0), INK),
            ("LEFTPADDING", (1, 0), (1, 0), 6),
            ("TOPPADDING", (0, 0), (-1, -1), 1),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
        ]
    )


def _sums(found: Sequence[Finding], result: Reconciliation, words: Words, styles: Styles) -> Any:
    of_file = found[0].kind is Kind.TOTALS_DIFFER_FROM_FILE
    head = [words["currency"], words["file" if of_file else "journal"], words["totals"]]
    rows = []
    for one in found:
        sides = result.currencies[one.currency]
        left = sides.file if of_file else sides.journal
        said = [sum_text(side, one.currency, words) for side in (left, sides.totals) if side]
        rows.append([one.currency, *said])
    return table(head, rows, [WIDTH * 0.12, WIDTH * 0.44, WIDTH * 0.44], styles)


def _rows(found: Sequence[Finding], result: Reconciliation, words: Words, styles: Styles) -> Any:
    """The amount has a column where the two values are something else."""
    apart = found[0].kind in AMOUNT_APART
    names: tuple[str, ...] = ("reference", "amount", "ours", "theirs", "row", "card", "payee")
    shares: tuple[float, ...] = (0.14, 0.165, 0.145, 0.15, 0.06, 0.17, 0.17)
    if not apart:
        names, shares = (names[0], *names[2:]), (0.14, 0.20, 0.25, 0.07, 0.17, 0.17)
    rows = [_row(one, apart, words, styles) for one in found]
    widths = [WIDTH * share for share in shares]
    return table([words[name] for name in names], rows, widths, styles)


def _row(finding: Finding, apart: bool, words: Words, styles: Styles) -> list[Any]:
    minor, code = finding.amount, finding.currency
    amount = "–" if minor is None else f"{grouped(minor, code)} {code}"
    return [
        finding.reference or "–",
        *([amount] if apart else []),
        text(ours(finding, words) or words["absent"], styles.cell),
        text(theirs(finding, words), styles.cell),
        str(finding.line or "–"),
        finding.card_masked or "–",
        text(finding.payee_masked or "–", styles.cell),
    ]


def _signatures(words: Words, styles: Styles) -> Table:
    names = [words["prepared"], "", words["checked"], "", words["signed_on"], ""]
    shares = (0.12, 0.24, 0.12, 0.24, 0.08, 0.2)
    made = Table([names], colWidths=[WIDTH * share for share in shares], rowHeights=[8 * mm])
    lines = [("LINEBELOW", (column, 0), (column, 0), 0.5, LINE) for column in (1, 3, 5)]
    made.setStyle(
        TableStyle(
            [
                ("FONT", (0, 0), (-1, -1), styles.font, 9),
                ("TEXTCOLOR", (0, 0), (-1, -1), GREY),
                ("VALIGN", (0, 0), (-1, -1), "BOTTOM"),
                *lines,
            ]
        )
    )
    return made
