"""The reconciliation as CSV: UTF-8 with a byte order mark, so that spreadsheets read Chinese.

Column `code` holds words that never change, for programs. Nothing that begins like a formula is
left so: a payee's name is the host's text.
"""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from telebank.reports.rows import figure_rows
from telebank.reports.words import Words
from transactions.reconcile_totals import amount_text
from transactions.reconcile_values import Finding, Reconciliation, Severity

FINDINGS = (
    *("severity", "kind", "code", "reference", "currency", "amount", "ours", "theirs"),
    *("state", "their_state", "service", "card", "payee", "node", "line", "to_do"),
)
SUMMARY = ("currency", "figure", "code", "journal", "totals", "file", "totals_less", "file_less")


def write_findings(path: Path, result: Reconciliation, words: Words) -> None:
    """Every finding, worst first."""
    head = [words[name] for name in FINDINGS]
    _write(path, head, (_finding(one, words) for one in result.findings))


def write_summary(path: Path, result: Reconciliation, words: Words) -> None:
    """Counts of transactions, then every figure of every currency."""
    head = [words[name] for name in SUMMARY]
    _write(path, head, _summary(result, words))


def _finding(finding: Finding, words: Words) -> list[str]:
    amount = finding.amount
    return [
        words.severities[finding.severity],
        words.kinds[finding.kind],
        finding.kind.value,
        finding.reference,
        finding.currency,
        "" if amount is None else amount_text(amount, finding.currency),
        finding.ours,
        finding.theirs,
        words.name(finding.state),
        words.name(finding.their_state),
        words.name(finding.service),
        finding.card_masked,
        finding.payee_masked,
        finding.node,
        str(finding.line or ""),
        words.advice[finding.kind],
    ]


def _summary(result: Reconciliation, words: Words) -> Iterable[Sequence[str]]:
    for severity in Severity:
        count = str(result.rows[severity])
        yield ("", f"{words['transactions']} {words.severities[severity]}", severity.value, count)
    for code, sides in result.currencies.items():
        for row in figure_rows(sides):
            values = (row.journal, row.totals, row.file, row.totals_less, row.file_less)
            yield (code, words[row.name], row.name, *(_plain(v, code, row.money) for v in values))


def _plain(value: int | None, code: str, money: bool) -> str:
    if value is None:
        return ""
    return amount_text(value, code) if money else str(value)


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write it beside `path`, and put it there when it is whole."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for row in rows:
            cells = [harmless(cell) for cell in row]
            writer.writerow(cells + [""] * (len(head) - len(cells)))
    part.replace(path)


def harmless(cell: str) -> str:
    """A spreadsheet runs what begins with these; a number may."""
    if cell[:1] in ("=", "+", "-", "@", "\t") and not _is_number(cell):
        return f"'{cell}"
    return cell


def _is_number(cell: str) -> bool:
    return cell.lstrip("-").replace(".", "", 1).isdigit()
