"""Inputs and outcomes of a request as rows: secrets dropped, numbers sealed, the rest JSON.

Plain text and integers stand for themselves; another kind is an object of one key naming it:
`{"money": [minor, "CNY"]}`, `{"decimal": "1.5"}`, `{"date": "2026-01-31"}`, `{"time": "09:30:00"}`,
`{"sealed": {...}}`.
"""

import base64
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from telebank.store.sealing import Keyring
from transactions.card import CardNumber, SealedCard, luhn_valid
from transactions.card_text import host_text
from transactions.money import Money, currency
from transactions.outcome import Approved, Declined, NotSent, Outcome, Unknown, Value, Values
from transactions.secret import Secret

MAX_VALUES = 64
MAX_TEXT = 4_000
"""Values in one request or outcome, and characters in one text."""
NUMBER = re.compile(r"[0-9A-Z]*[0-9][0-9A-Z]*")
"""Digits, with the capitals that an identity's or an account's number may have among them."""
MIN_SEALED_DIGITS = 4
"""A number of this many characters or more is somebody's and is sealed."""


class ValueTooLarge(ValueError):  # noqa: N818 - reads as what it is
    """More or longer values than a row takes."""


@dataclass(frozen=True, slots=True)
class SealedInput:
    """A sealed input under its name; `kind` is `card` or `digits`."""

    name: str
    kind: str
    sealed: SealedCard


def split_inputs(values: Values, keys: Keyring) -> tuple[dict[str, Any], list[SealedInput]]:
    """Return what is stored as JSON and what is stored sealed; secrets are in neither."""
    if len(values) > MAX_VALUES:
        raise ValueTooLarge(f"more than {MAX_VALUES} values")
    plain: dict[str, Any] = {}
    sealed: list[SealedInput] = []
    for name, value in values.items():
        match value:
            case Secret():
                continue
            case CardNumber():
                sealed.append(SealedInput(name, "card", keys.seal(value)))
            case SealedCard():
                sealed.append(SealedInput(name, "card", keys.renewed(value)))
            case str() if _is_number(name, value):
                sealed.append(SealedInput(name, "digits", keys.seal_digits(value)))
            case _:
                plain[name] = _kept(name, value, keys)
    return plain, sealed


def _kept(name: str, value: Value, keys: Keyring) -> Any:
    """As JSON; a card number that stands in a text, which the edge should have masked, is masked.
    Digits alone that are no card number are what a contract calls so, such as a reference."""
    if isinstance(value, str) and not (value.isdigit() and not luhn_valid(value)):
        value = host_text(name, value)
    return to_json(value, keys)


def _is_number(name: str, value: str) -> bool:
    """Account, identity and telephone numbers; a quote's id is the host's and is looked up."""
    whole = value.isdigit() or NUMBER.fullmatch(value) is not None
    return len(value) >= MIN_SEALED_DIGITS and whole and name != "quote"


def join_inputs(
    plain: Mapping[str, Any], sealed: Iterable[SealedInput], keys: Keyring
) -> dict[str, Value]:
    """The inputs as the journal kept them: card numbers stay sealed, other digits are opened."""
    values = {name: from_json(value) for name, value in plain.items()}
    for item in sealed:
        values[item.name] = item.sealed if item.kind == "card" else keys.unseal_digits(item.sealed)
    return values


def to_json(value: Value, keys: Keyring) -> Any:
    """One value as JSON; a clear card number is sealed on the way. A `Secret` is a `TypeError`."""
    match value:
        case str() if len(value) > MAX_TEXT:
            raise ValueTooLarge(f"text of more than {MAX_TEXT} characters")
        case str() | int():
            return value
        case Secret() | datetime() | tuple():  # a tuple is rows, which only reads give
            raise TypeError(f"a {type(value).__name__} is never stored as a value")
        case CardNumber():
            return _sealed_json(keys.seal(value))
        case SealedCard():
            return _sealed_json(keys.renewed(value))
    return _tagged_json(value)


def _tagged_json(value: Money | Decimal | date | time) -> Any:
    match value:
        case Money():
            return {"money": [value.minor, value.currency.code]}
        case Decimal():
            return {"decimal": str(value)}
        case date():
            return {"date": value.isoformat()}
        case time():
            return {"time": value.isoformat()}


def _sealed_json(sealed: SealedCard) -> dict[str, Any]:
    text = base64.b64encode(sealed.ciphertext).decode("ascii")
    return {"sealed": [sealed.token, sealed.masked, sealed.key_id, text]}


def from_json(value: Any) -> Value:
    """Read what `to_json` wrote."""
    if isinstance(value, str | int):
        return value
    ((kind, body),) = value.items()
    match kind:
        case "money":
            return Money(body[0], currency(body[1]))
        case "decimal":
            return Decimal(body)
        case "date":
            return date.fromisoformat(body)
        case "time":
            return time.fromisoformat(body)
        case "sealed":
            return SealedCard(body[0], body[1], body[2], base64.b64decode(body[3]))
    raise ValueError(f"unknown kind of value {kind!r} in a journal row")


def outcome_columns(outcome: Outcome, keys: Keyring) -> dict[str, Any]:
    """Columns `outcome`, `reason`, `outcome_data`, `host_reference` of a request row."""
    data = outcome.data if isinstance(outcome, Approved | Declined) else {}
    if len(data) > MAX_VALUES:
        raise ValueTooLarge(f"more than {MAX_VALUES} values in an outcome")
    columns: dict[str, Any] = {
        "outcome": _NAMES[type(outcome)],
        "reason": None if isinstance(outcome, Approved) else outcome.reason,
        "outcome_data": {name: _kept(name, value, keys) for name, value in data.items()},
    }
    if isinstance(outcome, Approved):
        columns["host_reference"] = outcome.host_reference
    return columns


def read_outcome(
    name: str | None, reason: str | None, data: Mapping[str, Any] | None, host_reference: str
) -> Outcome | None:
    """The outcome of a row's columns; `None` where it has none yet."""
    values = {key: from_json(value) for key, value in (data or {}).items()}
    match name:
        case "approved":
            return Approved(values, host_reference)
        case "declined":
            return Declined(reason or "", values)
        case "unknown":
            return Unknown(reason or "")
        case "not_sent":
            return NotSent(reason or "")
    return None


_NAMES: Mapping[type, str] = {
    Approved: "approved",
    Declined: "declined",
    Unknown: "unknown",
    NotSent: "not_sent",
}
