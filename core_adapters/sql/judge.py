"""What a row means: an outcome for a request, or for a reversal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from core_adapters.sql.profile import CodeMeaning, Profile, ReversalMap, ServiceMap
from core_adapters.sql.values import Row, day, output, whole
from transactions.card_text import host_text
from transactions.contract import Service
from transactions.money import MoneyError, currency
from transactions.outcome import Approved, Declined, Outcome, Unknown, Value
from transactions.ports import (
    CurrencyTotals,
    HostTotals,
    ReversalOutcome,
    ReversalRefused,
    ReversalUnanswered,
    Reversed,
    Tally,
)

TOTALS_SIDES = ("D", "DR", "C", "CR", "FEE")


@dataclass(frozen=True, slots=True)
class Judged:
    """An outcome, and what an operator must be told (empty where nothing)."""

    outcome: Outcome
    alarm: str = ""


def result_code(profile: Profile, rows: Sequence[Row]) -> str | None:
    """The code of a reply of exactly one row; None where it is not that."""
    if len(rows) != 1:
        return None
    code = rows[0].get(profile.result_column)
    return None if code is None else str(code).strip()


def understood(profile: Profile, service: ServiceMap, rows: Sequence[Row]) -> bool:
    """Whether the transaction may be committed: only what is understood is made to last."""
    meaning = profile.meaning(result_code(profile, rows) or "", service)
    return meaning is not None and meaning.kind != "unknown"


def judge(  # noqa: PLR0917 - all that a reply is read by
    profile: Profile,
    service: ServiceMap,
    contract: Service,
    unit: str,
    rows: Sequence[Row],
    handles: frozenset[str] = frozenset(),
) -> Judged:
    """The outcome of a reply. `unit` is the currency of the request's money, if any; `handles`
    are the texts that the host looks up again (`terms.handles`), all others are masked."""
    code = result_code(profile, rows)
    if code is None:
        alarm = f"{service.name}: {len(rows)} rows, or one without {profile.result_column!r}"
        return Judged(_unclear(contract, "no_code"), alarm)
    meaning = profile.meaning(code, service)
    if meaning is None:
        alarm = f"{service.name}: a code that is not in profile {profile.name}"
        return Judged(_unclear(contract, "code"), alarm)
    if meaning.kind == "success":
        return _success(profile, service, contract, unit, rows[0], handles)
    return _not_success(service, meaning)


def _unclear(contract: Service, reason: str) -> Outcome:
    return Declined("unavailable") if contract.effect == "read" else Unknown(reason)


def _not_success(service: ServiceMap, meaning: CodeMeaning) -> Judged:
    match meaning.kind:
        case "unknown":
            return Judged(Unknown(meaning.reason))
        case "alarm":
            told = f"{service.name}: code {meaning.code} ({meaning.reason})"
            return Judged(Declined(meaning.reason), told)
        case "cutover":
            return Judged(Declined("cut_over"))
        case _:
            return Judged(Declined(meaning.reason))


def _success(  # noqa: PLR0917 - as `judge`
    profile: Profile,
    service: ServiceMap,
    contract: Service,
    unit: str,
    row: Row,
    handles: frozenset[str],
) -> Judged:
    data: dict[str, Value] = {}
    for name, kind in contract.from_host.items():
        column = service.reply.get(name)
        value = output(row, column, kind, unit or profile.currency) if column is not None else None
        if kind == "text" and isinstance(value, str):
            value = host_text(name, value, handles)
        if value is not None:
            data[name] = value
    reference = row.get(profile.reference_column)
    approved = Approved(data, "" if reference is None else str(reference).strip())
    there = data.keys() | contract.optional_out
    missing = [name for name in contract.from_host if name not in there]
    if not missing:
        return Judged(approved)
    alarm = f"{service.name}: an approval without {', '.join(missing)}"
    # Money that moved has moved, whatever else the reply lacks; a read that gives nothing is none.
    return Judged(Unknown("incomplete") if contract.effect == "read" else approved, alarm)


def judge_reversal(rules: ReversalMap, code: str | None) -> ReversalOutcome:
    """What a reversal's code says; one that nobody listed is a person's."""
    if code is None:
        return ReversalUnanswered(True, "no_code")
    if code in rules.done:
        return Reversed()
    if code in rules.never_had:
        return Reversed(never_had=True)
    return ReversalRefused("code")


def judge_totals(business_date: date, rows: Sequence[Row]) -> HostTotals | None:
    """Rows of currency, side, number, minor; None where one is not that. A side is D or C (money
    taken from customers, given to them), DR or CR (their reversals), or FEE (no number
    needed; it alone may be negative)."""
    sides: dict[str, dict[str, Tally]] = {}
    for row in rows:
        try:
            unit = currency(str(row.get("currency")).strip())
        except MoneyError:
            return None
        side, minor = str(row.get("side")).strip(), whole(row.get("minor"))
        count = whole(row.get("number", 0)) if side == "FEE" else whole(row.get("number"))
        told = sides.setdefault(unit.code, {})
        if side not in TOTALS_SIDES or side in told or count is None or minor is None:
            return None
        if side != "FEE" and min(count, minor) < 0:
            return None
        told[side] = Tally(count, minor)
    return HostTotals(business_date, {code: _totals(told) for code, told in sides.items()})


def _totals(told: Mapping[str, Tally]) -> CurrencyTotals:
    none = Tally(0, 0)
    debits, undone, credited, taken_back, fees = (told.get(side, none) for side in TOTALS_SIDES)
    return CurrencyTotals(debits, undone, credited, taken_back, fees.minor)


def business_date(profile: Profile, rows: Sequence[Row]) -> date | None:
    """The host's business date, where a reply carries it."""
    return day(rows[0].get(profile.date_column)) if len(rows) == 1 else None
