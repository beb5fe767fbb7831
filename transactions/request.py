"""One request for a banking service and the messages that carried it."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from transactions.hot_list import HotDecision
from transactions.outcome import Values

Language = Literal["zh", "en"]
MAX_REQUEST_ID = 64
"""Longest request id in characters; a longer one is refused."""
REFERENCE_DIGITS = 12
"""Of a retrieval reference (field 37): the number that a caller hears."""


class AuthLevel(StrEnum):
    """How far the customer has proved himself; travels in field 60. Each is more than the one
    before; a one-time code alone (`code`) is for enrolment."""

    NONE = "none"
    CODE = "code"
    PIN = "pin"
    SECOND_FACTOR = "second_factor"


def is_reference(text: str) -> bool:
    """Whether it has the form of a reference: no card number has."""
    return len(text) == REFERENCE_DIGITS and text.isascii() and text.isdigit()


@dataclass(frozen=True, slots=True)
class Request:
    """A request; `id` is the idempotency key, made and stored before the first byte leaves.

    `inputs` are the contract's inputs plus, for a money service, the terms of its quote (`from`,
    `to`, `amount`, `fee`). `deadline` is monotonic seconds: past it, it is NOT_SENT and never sent.
    """

    id: str
    service: str
    contract_version: int
    inputs: Values = field(repr=False)
    actor: str
    channel: str = "phone"
    call: str | None = None
    language: Language = "zh"
    auth: AuthLevel = AuthLevel.NONE
    authenticated_token: str | None = None
    node: str = "01"
    epoch: int = 0
    business_date: date | None = None
    reference: str = ""
    release: str = ""
    created_at: datetime | None = None
    deadline: float = 0.0
    deciding: HotDecision | None = None
    """What staff decides on a report of loss, written in the commit that records the request."""


MessageRole = Literal["request", "reversal", "repeat", "query"]


@dataclass(frozen=True, slots=True)
class HostMessage:
    """One message to the host: a journal row written before it is sent (ISO 8583 key fields).

    Never holds field 52, track data or a card number. `amount` is field 4 as sent.
    """

    request_id: str
    role: MessageRole
    attempt: int
    mti: str
    stan: str
    field7: str
    field32: str
    field41: str
    field37: str
    link: str
    sent_at: datetime
    processing_code: str = ""
    amount: str = ""
    reply39: str | None = None
    reply_at: datetime | None = None
    settled_on: date | None = None
    """The host's business date of the reply (field 15); reconciliation goes by it."""
