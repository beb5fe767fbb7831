"""Findings about one transaction: what both sides say of it, made fit for a report.

What stands in the host's file is the host's text: a card number in a column that is shifted goes no
further than here.
"""

from collections.abc import Iterable

from transactions.card_text import hidden
from transactions.reconcile_totals import amount_text
from transactions.reconcile_values import (
    Finding,
    HostRow,
    JournalRow,
    Kind,
    Severity,
    UnreadableRow,
)


def judge_money(ours: JournalRow, theirs: HostRow) -> Iterable[Finding]:
    """Currency, amount and fee, the first of them that differs."""
    if ours.currency != theirs.currency:
        said = _money(theirs.amount, theirs.currency)
        yield pair(Kind.CURRENCY_DIFFERS, Severity.DIFFERENCE, ours, theirs, said)
    elif ours.amount != theirs.amount:
        said = _money(theirs.amount, theirs.currency)
        yield pair(Kind.AMOUNT_DIFFERS, Severity.DIFFERENCE, ours, theirs, said)
    elif ours.fee is not None and theirs.fee is not None and ours.fee != theirs.fee:
        said = _money(theirs.fee, theirs.currency)
        yield pair(Kind.FEE_DIFFERS, Severity.DIFFERENCE, ours, theirs, said)


def worse(contradicted: bool) -> Severity:
    """A difference where the other side said otherwise, else explained."""
    return Severity.DIFFERENCE if contradicted else Severity.EXPLAINED


def _money(minor: int, code: str) -> str:
    return f"{amount_text(minor, code)} {code}"


def _ours(row: JournalRow) -> dict[str, str]:
    return {
        "service": row.service,
        "state": row.state.value,
        "card_masked": hidden(row.card_masked),
        "payee_masked": hidden(row.payee_masked),
        "node": row.node,
    }


def _value(kind: Kind, row: JournalRow) -> str:
    match kind:
        case Kind.STATE_DIFFERS | Kind.STILL_OPEN:
            return row.state.value
        case Kind.FEE_DIFFERS:
            return _money(row.fee or 0, row.currency)
        case Kind.DATE_DIFFERS:
            undone = row.reversed_on if row.undone_later else None
            return (undone or row.effective).isoformat()
    return _money(row.amount, row.currency)


def pair(
    kind: Kind,
    severity: Severity,
    ours: JournalRow,
    theirs: HostRow | UnreadableRow | None,
    said: str,
) -> Finding:
    """One that both sides have; `said` is the host's value."""
    return Finding(
        kind,
        severity,
        ours.currency,
        reference=ours.reference,
        ours=_value(kind, ours),
        theirs=said,
        amount=ours.amount,
        their_state=theirs.status if isinstance(theirs, HostRow) else "",
        line=theirs.line if theirs is not None else 0,
        **_ours(ours),
    )


def absent(kind: Kind, severity: Severity, row: JournalRow) -> Finding:
    """One that the file does not have."""
    return pair(kind, severity, row, None, "")


def dated(severity: Severity, ours: JournalRow, theirs: HostRow | None) -> Finding:
    """One that counts on another date."""
    said = theirs.business_date.isoformat() if theirs is not None else ""
    return pair(Kind.DATE_DIFFERS, severity, ours, theirs, said)


def of_host(kind: Kind, row: HostRow, ours: JournalRow | None) -> Finding:
    """One that the file has, and we do not have or not so often."""
    known = _ours(ours) if ours is not None else {}
    if ours is None:
        known["service"] = hidden(row.service)
    return Finding(
        kind,
        Severity.DIFFERENCE,
        row.currency,
        reference=hidden(row.reference),
        ours=_money(ours.amount, ours.currency) if ours is not None else "",
        theirs=_money(row.amount, row.currency),
        amount=row.amount,
        their_state=row.status,
        line=row.line,
        **known,
    )


def unreadable(row: UnreadableRow, ours: JournalRow | None) -> Finding:
    """A row of the file that makes no sense, `ours` where its reference is one of ours."""
    where = f"{row.column}: {row.why}" if row.column else row.why
    if ours is not None:
        return pair(Kind.ROW_UNREADABLE, Severity.DIFFERENCE, ours, row, where)
    return Finding(
        Kind.ROW_UNREADABLE,
        Severity.DIFFERENCE,
        "",
        reference=hidden(row.reference),
        theirs=where,
        line=row.line,
    )
