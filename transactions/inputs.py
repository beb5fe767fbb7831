"""The inputs of a request against its contract: kinds, canonical form, secrets."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from types import MappingProxyType

from transactions.card import CardNumber, CardVault, SealedCard
from transactions.kinds import WORD, Kind, RowShape
from transactions.money import Money
from transactions.outcome import Value, Values
from transactions.request import MAX_REQUEST_ID, Request
from transactions.secret import Secret
from transactions.service import Service

MAX_TEXT = 200
"""Longest text input in characters."""
AMOUNT = "amount"
"""The output of a quote that is posted, where it is no input."""
MAX_DIGITS = 40
"""Longest digits input, and longest secret, in digits."""


def _is_text(value: Value) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TEXT and value.isprintable()


def _is_digits(value: Value) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= MAX_DIGITS
        and value.isascii()
        and value.isalnum()
        and value == value.upper()
    )


KINDS: Mapping[Kind, Callable[[Value], bool]] = MappingProxyType(
    {
        "card_no": lambda v: isinstance(v, CardNumber | SealedCard),
        "secret": lambda v: isinstance(v, Secret) and 0 < len(v) <= MAX_DIGITS,
        "money": lambda v: isinstance(v, Money) and v.minor > 0,
        "text": _is_text,
        "digits": _is_digits,
        "date": lambda v: isinstance(v, date) and not isinstance(v, datetime),
        "time": lambda v: isinstance(v, time),
        "number": lambda v: isinstance(v, int) and not isinstance(v, bool),
        "rate": lambda v: isinstance(v, Decimal) and v.is_finite(),
        "word": lambda v: isinstance(v, str) and WORD.fullmatch(v) is not None,
        "rows": lambda v: False,
    }
)
"""What each kind of the contract takes. An identity's digits may end in a letter (GB 11643: X)."""


def complaint(service: Service, request: Request) -> str | None:
    """Say what is wrong with a request, without ever quoting a value; `None` where all is well."""
    if not 0 < len(request.id) <= MAX_REQUEST_ID or not request.id.isprintable():
        return f"the request id must have 1 to {MAX_REQUEST_ID} printable characters"
    if request.contract_version != service.version:
        return f"contract version {service.version} is served, not {request.contract_version}"
    return _not_for(service, request) or _wrong_input(service, request)


def _not_for(service: Service, request: Request) -> str | None:
    if not service.served_on(request.channel):
        return f"{service.name} is served on {', '.join(service.channels)} only"
    if service.decides != (request.deciding.becomes if request.deciding else None):
        return f"{service.name} and what is decided do not belong together"
    return None


def _wrong_input(service: Service, request: Request) -> str | None:
    for name in request.inputs:
        if name not in service.inputs:
            return f"{service.name} has no input {name[:MAX_DIGITS]!r}"
    for name, kind in service.inputs.items():
        if name in service.optional and name not in request.inputs:
            continue
        if name not in request.inputs:
            return f"input {name!r} is missing"
        value = request.inputs[name]
        if not (KINDS[kind](value) or _quoted_nothing(service, name, value)):
            return f"input {name!r} is not a usable {kind}"
    return None


def _quoted_nothing(service: Service, name: str, value: Value) -> bool:
    """Whether it is a fee or interest of nothing: among the terms that are proposed, or told to our
    own desk, where it may be left out as well."""
    told = service.source == "own" and name in service.optional
    if name == AMOUNT or not (told or service.proposes is not None):
        return False
    return isinstance(value, Money) and value.minor == 0


def answer_complaint(
    service: Service, data: Values, *, terms_of: Service | None = None
) -> str | None:
    """Say what an approval lacks of what the contract gives, or has that is not of its kind, naming
    no value. `terms_of` is the money service that the answer gives terms for: its amount is more
    than nothing, and no other money of it is negative."""
    given = [name for name in service.outputs if name not in service.optional_out]
    missing = [name for name in given if name not in data]
    if missing and "ok" in service.out_on:
        return f"the answer lacks {', '.join(missing)}"
    for name, kind in service.outputs.items():
        if name not in service.rows and name in data and not _fits(kind, data[name]):
            return f"{name} of the answer is no usable {kind}"
    for name, shape in service.rows.items():
        wrong = _rows_complaint(shape, data.get(name, ()))
        if wrong is not None:
            return f"{name} of the answer {wrong}"
    return None if terms_of is None else _terms_complaint(service, data)


def _terms_complaint(service: Service, data: Values) -> str | None:
    """What is posted is taken from these: `amount` from one account, the rest beside it."""
    for name in service.outputs:
        value = data.get(name)
        if isinstance(value, Money) and value.minor < (1 if name == AMOUNT else 0):
            return f"{name} of the answer is no amount that can be posted"
    return None


def _rows_complaint(shape: RowShape, rows: Value) -> str | None:
    if not isinstance(rows, tuple) or len(rows) > shape.most:
        return f"is no list of at most {shape.most} rows"
    for number, row in enumerate(rows, 1):
        for name, kind in shape.columns.items():
            if name not in row and name not in shape.optional:
                return f"lacks {name} in row {number}"
            if name in row and not _fits(kind, row[name]):
                return f"has no usable {kind} as {name} in row {number}"
    return None


def _fits(kind: Kind, value: Value) -> bool:
    """As an input of its kind, but an amount may be nothing or a debit."""
    return isinstance(value, Money) if kind == "money" else KINDS[kind](value)


def card_token(card: CardNumber | SealedCard, vault: CardVault) -> str:
    """The look-up token of a live or sealed card."""
    return card.token if isinstance(card, SealedCard) else vault.token(card)


def canonical(value: Value, vault: CardVault) -> str:
    """One text per value: a card is its token, a secret leaves nothing."""
    match value:
        case CardNumber() | SealedCard():
            return card_token(value, vault)
        case Secret():
            return ""
        case Money():
            return f"{value.currency.code} {value.minor}"
        case date() | time():
            return value.isoformat()
        case Decimal():
            return format(value.normalize(), "f")  # 7.10 is 7.1
        case tuple():
            raise TypeError("rows are no input")
        case _:
            return str(value)


KEYED = "k:"
"""Begins a hash that is the vault's keyed digest; one without it is plain SHA-256, of before."""


def content_hash(service: Service, inputs: Values, actor_token: str, vault: CardVault) -> str:
    """Keyed digest of the canonical JSON of what was asked for and by whom (rule 9). Identity
    digits and account numbers are among it, which anybody can guess who has a plain hash."""
    return f"{KEYED}{vault.digest(_content(service, inputs, actor_token, vault))}"


def plain_content_hash(service: Service, inputs: Values, actor_token: str, vault: CardVault) -> str:
    """SHA-256, hexadecimal, of the same: as rows of before have it. For comparison alone, never
    to be kept."""
    text = _content(service, inputs, actor_token, vault)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _content(service: Service, inputs: Values, actor_token: str, vault: CardVault) -> str:
    content = {
        "service": service.name,
        "version": service.version,
        "customer": actor_token,
        "inputs": {name: canonical(value, vault) for name, value in inputs.items()},
    }
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def without_secrets(inputs: Values) -> Values:
    """The inputs as a journal may see them."""
    return {name: value for name, value in inputs.items() if not isinstance(value, Secret)}


def wipe(inputs: Values) -> None:
    """Overwrite every secret among the inputs."""
    for value in inputs.values():
        if isinstance(value, Secret):
            value.wipe()
