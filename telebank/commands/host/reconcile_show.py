"""A reconciliation for the screen and for programs."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from telebank.reports.reconciliation import ReportFiles
from telebank.reports.rows import FigureRow, figure_rows, grouped, ours, remarks, theirs
from telebank.reports.words import Words
from transactions.reconcile_values import Figures, Finding, Reconciliation, Severity

MAX_SHOWN = 20
"""Findings on the screen; all are in the files."""
COLOURS = {
    Severity.AGREED: "green",
    Severity.EXPLAINED: "yellow",
    Severity.UNCHECKED: "yellow",
    Severity.DIFFERENCE: "bold red",
}
LESSES = ("totals_less", "file_less")
SIDES = ("journal", "totals", "file", *LESSES)


def show(result: Reconciliation, files: ReportFiles, words: Words) -> None:
    """Sums of each currency, counts, the first findings, and where the report is."""
    console = Console()
    for code in result.currencies:
        console.print(_sums(result, code, words))
    console.print(_counts(result, words))
    if result.findings:
        console.print(_findings(result, words))
    for remark in remarks(result, words):
        console.print(Text(remark, "yellow"))
    verdict = words[f"overall_{result.severity}"]
    console.print(Text(f"{result.business_date} {verdict}", COLOURS[result.severity]))
    for path in (files.pdf, files.findings, files.summary):
        console.print(Text(str(path)), soft_wrap=True)


def _counts(result: Reconciliation, words: Words) -> Table:
    """Transactions by their worst finding."""
    table = Table(box=None, show_header=False, padding=(0, 1, 0, 0), pad_edge=False)
    table.add_column(min_width=14)
    table.add_column(justify="right", min_width=10)
    for severity in Severity:
        count = result.rows[severity]
        style = COLOURS[severity] if count else "dim"
        table.add_row(words.severities[severity], f"{count:,}", style=style)
    return table


def _sums(result: Reconciliation, code: str, words: Words) -> Table:
    """Only the columns that have something to say, so that sums fit a terminal."""
    rows = list(figure_rows(result.currencies[code]))
    shown = [name for name in SIDES if any(_says(name, getattr(row, name)) for row in rows)]
    table = Table(code, box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for name in shown:
        table.add_column(words[name], justify="right", overflow="fold")
    for row in rows:
        table.add_row(words[row.name], *(_cell(row, name, code) for name in shown))
    return table


def _says(name: str, value: int | None) -> bool:
    """A side says even a nought; a difference says only what differs."""
    return bool(value) if name in LESSES else value is not None


def _cell(row: FigureRow, name: str, code: str) -> Text:
    value = getattr(row, name)
    said = row.text(value, code, signed=name in LESSES)
    return Text(said, COLOURS[Severity.DIFFERENCE] if name in LESSES and value else "")


def _findings(result: Reconciliation, words: Words) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("kind", "reference", "ours", "theirs", "row"):
        table.add_column(words[name], overflow="fold")
    for finding in result.findings[:MAX_SHOWN]:
        table.add_row(
            Text(words.kinds[finding.kind], COLOURS[finding.severity]),
            finding.reference,
            Text(ours(finding, words)),
            Text(theirs(finding, words)),
            str(finding.line or ""),
        )
    if len(result.findings) > MAX_SHOWN:
        table.add_row("…", f"+{len(result.findings) - MAX_SHOWN:,}")
    return table


def as_json_object(
    result: Reconciliation, files: ReportFiles, why: str, no_file: str
) -> dict[str, Any]:
    """Everything for programs; amounts in minor units. `why` and `no_file` say what was missing."""
    return {
        "business_date": result.business_date.isoformat(),
        "result": result.severity.value,
        "totals": result.has_totals,
        "totals_missing": why,
        "file": result.has_file,
        "file_missing": no_file,
        "rows": {"journal": result.journal_rows, "file": result.file_rows}
        | {severity.value: result.rows[severity] for severity in Severity},
        "currencies": {
            code: {
                "journal": _figures(sides.journal),
                "totals": _figures(sides.totals),
                "file": _figures(sides.file),
            }
            for code, sides in result.currencies.items()
        },
        "findings": [_finding(finding) for finding in result.findings],
        "files": [str(files.pdf), str(files.findings), str(files.summary)],
    }


def _figures(figures: Figures | None) -> dict[str, int | None] | None:
    if figures is None:
        return None
    names = ("posted", "posted_minor", "reversed", "reversed_minor", "net", "net_minor")
    found: dict[str, int | None] = {name: getattr(figures, name) for name in names}
    return found | {"fees": figures.fees if figures.fees_known else None}


def _finding(finding: Finding) -> dict[str, Any]:
    amount = finding.amount
    return {
        "kind": finding.kind.value,
        "severity": finding.severity.value,
        "reference": finding.reference,
        "currency": finding.currency,
        "amount": amount,
        "amount_text": None if amount is None else grouped(amount, finding.currency),
        "ours": finding.ours,
        "theirs": finding.theirs,
        "state": finding.state,
        "their_state": finding.their_state,
        "card": finding.card_masked,
        "payee": finding.payee_masked,
        "node": finding.node,
        "line": finding.line,
    }
