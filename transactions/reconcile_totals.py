"""Sums of the three sides, and what the host's totals say beside the others."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from transactions.money import currency
from transactions.ports import CurrencyTotals
from transactions.reconcile_values import Figures, Finding, Kind, Severity, Sides

MAX_SUMS = 20_000
"""Sums of loose rows that are tried to explain a difference; beyond them it stays a difference."""
Change = tuple[int, int, int]
"""Transactions, minor units, minor units of fees."""


@dataclass(slots=True)
class Sums:
    """What one pass over journal and file adds up, by currency."""

    journal: dict[str, Figures] = field(default_factory=lambda: defaultdict(Figures))
    file: dict[str, Figures] = field(default_factory=lambda: defaultdict(Figures))
    loose: dict[str, list[Change]] = field(default_factory=lambda: defaultdict(list))
    """What each row that is open, or was undone on another date, changes if it counts here."""
    suspect: set[str] = field(default_factory=set)
    """Currencies in which a row that differs moved a sum."""


def figures_of(totals: CurrencyTotals) -> Figures:
    """The host's answer (fields 74 to 97) as figures."""
    return Figures(
        posted=totals.debits.count,
        posted_minor=totals.debits.minor,
        reversed=totals.debit_reversals.count,
        reversed_minor=totals.debit_reversals.minor,
        credits=totals.credits.count - totals.credit_reversals.count,
        credits_minor=totals.credits.minor - totals.credit_reversals.minor,
        fees=totals.fees,
    )


def judge_totals(code: str, sides: Sides, sums: Sums) -> Iterable[Finding]:
    """Findings of one currency's sums; none where the host gave no totals."""
    totals = sides.totals
    if totals is None:
        return
    file = sides.file
    file_agrees = file is not None and _gross(totals, file) == _gross(file, totals)
    if file is not None and not file_agrees:
        yield _finding(Kind.TOTALS_DIFFER_FROM_FILE, Severity.DIFFERENCE, code, file, totals)
    if _net(totals, sides.journal) == _net(sides.journal, totals):
        return
    if file_agrees:
        # Then the file's rows tell the whole difference: it is what those rows are.
        explained = code not in sums.suspect
    else:
        explained = _loose_rows_explain(sides.journal, totals, sums.loose.get(code, []))
    severity = Severity.EXPLAINED if explained else Severity.DIFFERENCE
    yield _finding(Kind.TOTALS_DIFFER_FROM_JOURNAL, severity, code, sides.journal, totals)


def _gross(one: Figures, other: Figures) -> tuple[int, ...]:
    both = one.fees_known and other.fees_known
    sums = (one.posted, one.posted_minor, one.reversed, one.reversed_minor)
    return (*sums, one.credits, one.credits_minor, one.fees if both else 0)


def _net(one: Figures, other: Figures) -> Change:
    """The journal cannot always tell what the host undid from what it never had; the net can."""
    return (one.net, one.net_minor, one.fees if one.fees_known and other.fees_known else 0)


def _loose_rows_explain(journal: Figures, totals: Figures, rows: Iterable[Change]) -> bool:
    """Whether some of the loose rows, counted at the host, are exactly the difference."""
    fees = journal.fees_known and totals.fees_known
    ours, theirs = _net(journal, totals), _net(totals, journal)
    wanted = (theirs[0] - ours[0], theirs[1] - ours[1], theirs[2] - ours[2])
    reached: set[Change] = {(0, 0, 0)}
    for count, minor, fee in rows:
        reached |= {(c + count, m + minor, f + (fee if fees else 0)) for c, m, f in reached}
        if wanted in reached:
            return True
        if len(reached) > MAX_SUMS:
            return False
    return False


def _finding(kind: Kind, severity: Severity, code: str, ours: Figures, theirs: Figures) -> Finding:
    return Finding(kind, severity, code, ours=say(ours, code), theirs=say(theirs, code))


def say(figures: Figures, code: str) -> str:
    """`99 / 12345.00 CNY + 198.00`: how many stand, their sum, and the fees."""
    fees = f" + {amount_text(figures.fees, code)}" if figures.fees_known else ""
    return f"{figures.net} / {amount_text(figures.net_minor, code)} {code}{fees}"


def amount_text(minor: int, code: str) -> str:
    """`1234.50`, with the currency's own decimals; sums may be longer than field 4 takes."""
    digits = currency(code).exponent
    if not digits:
        return str(minor)
    whole, part = divmod(abs(minor), 10**digits)
    return f"{'-' if minor < 0 else ''}{whole}.{part:0{digits}d}"
