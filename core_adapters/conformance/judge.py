"""Expected and seen: the scenario's own words, and what must hold after every scenario."""

from collections.abc import Sequence
from dataclasses import dataclass

from core_adapters.conformance.journal import Books
from core_adapters.conformance.scenarios import Expectation
from core_adapters.conformance.transcript import Line
from transactions.answer import Answer
from transactions.lifecycle import DONE, NOT_DONE, OPEN, State
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown

MOVED, STAYED, BROKEN, UNSEEN = "moved", "stayed", "broken", "unseen"
"""What the host's balances say of the money: whole, not at all, in part or twice, not known."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    expected: str
    seen: str
    ok: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What a scenario left behind."""

    answers: Sequence[Answer]
    states: Sequence[State]
    """Of the last request's row; empty where it has none."""
    lines: Sequence[Line]
    alarms: Sequence[str]
    money: str = UNSEEN
    before: str = ""
    """What became of what was done before it."""
    totals: str = ""
    """Growth of the host's totals: debits, reversals."""
    findings: Sequence[str] = ()
    """What the host's side of the bench found wrong with what the adapter did."""
    asked: int = 1
    """Requests submitted, each once."""
    takes_money: bool = False
    has_row: bool = True
    """Whether the service leaves a row in the journal; a read does not."""


def outcome_word(outcome: Outcome) -> str:
    """`approved`, `declined`, `unknown` or `not_sent`."""
    match outcome:
        case Approved():
            return "approved"
        case Declined():
            return "declined"
        case Unknown():
            return "unknown"
        case NotSent():
            return "not_sent"


def judged(expect: Expectation, seen: Seen, books: Books) -> list[Check]:
    """Every check of a scenario; it has passed where all are ok."""
    return [*_expected(expect, seen), *_always(seen, books)]


def _expected(expect: Expectation, seen: Seen) -> list[Check]:
    last = seen.answers[-1] if seen.answers else None
    outcome = outcome_word(last.outcome) if last is not None else ""
    reason = getattr(last.outcome, "reason", "") if last is not None else ""
    checks = [
        _among("outcome", expect.outcome, outcome),
        _among("reason", expect.reason, str(reason)),
        _among("exit", expect.exit, last.exit if last is not None else ""),
        _among("state", expect.state, str(seen.states[-1]) if seen.states else "none"),
        _among("before it", expect.before, seen.before),
        _among("host totals", expect.totals, seen.totals),
    ]
    found = [check for check in checks if check is not None]
    if expect.sends is not None:
        sent = [_said(line) for line in seen.lines if line.way == "out" and line.role in SENT]
        wanted = list(expect.sends)
        found.append(
            Check("messages", " ".join(wanted) or "none", " ".join(sent) or "none", sent == wanted)
        )
    for kind in expect.alarm:
        heard = ", ".join(sorted(set(seen.alarms))) or "none"
        found.append(Check("alarm", kind, heard, kind in seen.alarms))
    if expect.posted is not None:
        wanted_money = MOVED if expect.posted else STAYED
        found.append(Check("money", wanted_money, seen.money, seen.money == wanted_money))
    return found


SENT = frozenset({"request", "reversal", "repeat"})


def _said(line: Line) -> str:
    """The role, with `again` for a reversal's repeat (0421)."""
    again = line.role == "reversal" and (line.again or line.mti[3:] in ("1", "3", "5"))
    return f"{line.role}_again" if again else line.role


def _among(name: str, wanted: Sequence[str], seen: str) -> Check | None:
    if not wanted:
        return None
    return Check(name, " | ".join(wanted), seen, seen in wanted)


def _always(seen: Seen, books: Books) -> list[Check]:
    checks = [_settled(books), _sent_once(seen)]
    if seen.findings:
        told = "; ".join(seen.findings)
        checks.append(Check("as the host saw it", "nothing wrong", told, ok=False))
    if seen.has_row:
        checks.append(_written_first(seen, books))
    if seen.takes_money and seen.states:
        checks.append(_whole(seen))
        checks.append(_told_truth(seen))
    return checks


def _settled(books: Books) -> Check:
    left = sorted(str(row.state) for row in books.rows.values() if row.state in OPEN)
    return Check("nothing left open", "none", ", ".join(left) or "none", not left)


def _written_first(seen: Seen, books: Books) -> Check:
    """Rule 1: a message's row is durable before its first byte is on the wire."""
    late = []
    for line in seen.lines:
        if line.way != "out" or line.role not in SENT:
            continue
        at = books.durable_at(line.mti, line.stan, line.role)
        if at is None or at > line.at:
            late.append(line.mti)
    text = ", ".join(late)
    return Check(
        "journal before wire", "every message", f"not {text}" if late else "every message", not late
    )


def _sent_once(seen: Seen) -> Check:
    """Rule 2: a request goes once, however it ends."""
    sent = [line for line in seen.lines if line.way == "out" and line.role == "request"]
    return Check("requests sent", f"at most {seen.asked}", str(len(sent)), len(sent) <= seen.asked)


def _whole(seen: Seen) -> Check:
    """The payee has it if and only if the journal says so; a person's row may be either."""
    state = seen.states[-1]
    wanted = {MOVED, STAYED}
    if state in DONE:
        wanted = {MOVED}
    elif state in NOT_DONE:
        wanted = {STAYED}
    return Check(
        "money as the journal says",
        f"{state}: {' | '.join(sorted(wanted))}",
        seen.money,
        seen.money in wanted,
    )


def _told_truth(seen: Seen) -> Check:
    """Rule 4: `ok` only where it was done, `refused` and `not_done` only where it was not."""
    exit_name = seen.answers[-1].exit if seen.answers else ""
    allowed = {"ok": {MOVED}, "refused": {STAYED}, "not_done": {STAYED}}.get(exit_name)
    if allowed is None:
        return Check("caller told the truth", "in doubt", exit_name or "nothing", True)
    return Check(
        "caller told the truth",
        f"{exit_name}: {'/'.join(allowed)}",
        seen.money,
        seen.money in allowed,
    )
