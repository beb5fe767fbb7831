"""What a reply means: an outcome for a request, or for a reversal (rules 3, 6 and 10)."""

from dataclasses import dataclass, replace

from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.errors import DecodeError
from core_adapters.iso8583.format.message import Message
from core_adapters.iso8583.lists import read_rows
from core_adapters.iso8583.profile import CodeMeaning, Profile, ReversalMap, ServiceMap
from core_adapters.iso8583.values import Lacking, output
from transactions.card_text import host_text
from transactions.contract import Service
from transactions.outcome import DUPLICATE_STAN, Approved, Declined, Outcome, Unknown, Value
from transactions.ports import ReversalOutcome, ReversalRefused, ReversalUnanswered, Reversed

CODE, AUTHORIZATION, REFERENCE = 39, 38, 37
NOT_FOUND, DUPLICATE, DONE = "25", "94", "00"


@dataclass(frozen=True, slots=True)
class Judged:
    """An outcome, and what an operator must be told (empty where nothing)."""

    outcome: Outcome
    alarm: str = ""


def judge(  # noqa: PLR0917 - all that a reply is read by
    codec: Codec,
    service: ServiceMap,
    contract: Service,
    unit: str,
    reply: Message,
    handles: frozenset[str] = frozenset(),
) -> Judged:
    """The outcome of a matched reply. `unit` is field 49 of the request; `handles` are the texts
    that the host looks up again (`terms.handles`), all others are masked."""
    code = reply.get(CODE)
    if code is None:
        return Judged(Unknown("no_code"), f"{service.name}: a reply without field 39")
    meaning = codec.profile.meaning(code, service.name)
    if not meaning.listed:
        alarm = f"{service.name}: code {code} of field 39 is not in profile {codec.profile.name}"
        read = contract.effect == "read"
        return Judged(Declined("unavailable") if read else Unknown(f"code_{code}"), alarm)
    if meaning.kind == "success":
        judged = _success(codec, service, contract, unit, reply)
        return _masked(judged, contract, handles)
    return _not_success(service, meaning)


def _not_success(service: ServiceMap, meaning: CodeMeaning) -> Judged:
    told = f"{service.name}: code {meaning.code} ({meaning.reason})"
    match meaning.kind:
        case "unknown":
            return Judged(Unknown(meaning.reason))
        case "duplicate":
            # A collision of STANs: a reversal would hit somebody else's (rule 10).
            return Judged(Unknown(DUPLICATE_STAN), f"{told}: a STAN collision, never reverse it")
        case "alarm":
            return Judged(Declined(meaning.reason), told)
        case _:
            return Judged(Declined(meaning.reason))


def _success(
    codec: Codec, service: ServiceMap, contract: Service, unit: str, reply: Message
) -> Judged:
    data: dict[str, Value] = {}
    missing: list[str] = []
    for name in contract.from_host:
        value = _output(codec, service, contract, name, unit, reply)
        if value is Lacking.ABSENT and name in contract.optional_out:
            continue
        if isinstance(value, Lacking):
            missing.append(name)
        else:
            data[name] = value
    reference = (reply.get(AUTHORIZATION) or reply.get(REFERENCE) or "").strip()
    approved = Approved(data, reference)
    if not missing:
        return Judged(approved)
    alarm = f"{service.name}: an approval without {', '.join(missing)}"
    # Money that moved has moved, whatever else the reply lacks; a read that gives nothing is none.
    return Judged(Unknown("incomplete") if contract.effect == "read" else approved, alarm)


def _masked(judged: Judged, contract: Service, handles: frozenset[str]) -> Judged:
    """Card numbers in a host's texts, but for what it looks up again."""
    if not isinstance(judged.outcome, Approved):
        return judged
    data = {
        name: host_text(name, value, handles)
        if contract.outputs[name] == "text" and isinstance(value, str)
        else value
        for name, value in judged.outcome.data.items()
    }
    return replace(judged, outcome=replace(judged.outcome, data=data))


def _output(  # noqa: PLR0917 - all that a reply is read by
    codec: Codec, service: ServiceMap, contract: Service, name: str, unit: str, reply: Message
) -> Value | Lacking:
    source, kind = service.reply.get(name), contract.outputs[name]
    if source is None:
        return Lacking.ABSENT
    try:
        if kind == "rows":
            return read_rows(codec, reply, source, contract.rows[name])
        value = output(codec, reply, source, kind, unit)
    except DecodeError:
        return Lacking.UNUSABLE
    if not value and name in contract.optional_out and isinstance(value, str):
        return Lacking.ABSENT
    return value


def judge_reversal(profile: Profile, reply: Message, attempt: int, age_s: float) -> ReversalOutcome:
    """Rule 3. `age_s` is the seconds since the original was sent."""
    rules = profile.reversal
    code = reply.get(CODE) or ""
    if code == DONE:
        return Reversed()
    if code == DUPLICATE and attempt > 0 and rules.duplicate_is_reversed:
        return Reversed(never_had=True, duplicate=True)
    if code == NOT_FOUND:
        return _not_found(rules, age_s)
    if profile.meaning(code).kind == "unknown":
        return ReversalUnanswered(True, f"code_{code}" if code else "no_code")
    return ReversalRefused(f"code_{code}")


def _not_found(rules: ReversalMap, age_s: float) -> ReversalOutcome:
    """25: the host bars the original from now on, or it may still arrive there."""
    if rules.tombstones:
        return Reversed(never_had=True)
    if age_s < rules.late_window_s:
        return ReversalUnanswered(True, "not_found_yet")
    return ReversalRefused("not_found")
