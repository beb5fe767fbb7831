"""A message as the bank reads it, and an answer as the bank writes it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from core_adapters.iso8583.codec import Codec
from core_adapters.iso8583.format.message import Message
from transactions.money import Money, MoneyError, currency

CONTENT = (2, 3, 4, 28, 48, 49, 61, 73, 91, 101, 102, 103, 120)
"""The fields that make two messages the same; never 52 (PIN block), nor MTI and MAC."""
ECHOED = (2, 3, 4, 7, 11, 12, 13, 32, 37, 41, 42, 49, 70)
"""The fields that every reply carries as they came."""


ROWS = 120
"""The field of lists."""


class BadMessage(Exception):  # noqa: N818 - reads as what it is
    """A field that the service needs is missing or malformed: answered with 30."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Field 39 and what else the reply carries; `subs` are subfields by field and name, `rows` the
    list in field 120, each row its columns by name."""

    code: str
    fields: Mapping[int, str] = field(default_factory=dict)
    subs: Mapping[int, Mapping[str, str]] = field(default_factory=dict)
    rows: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Key:
    """What makes a message of a terminal unique: fields 41, 11 and 7."""

    terminal: str
    stan: str
    field7: str


class Order:
    """A request with its fields by meaning; raises `BadMessage` where one is not there."""

    def __init__(self, message: Message, codec: Codec) -> None:
        self.message = message
        self._codec = codec

    def need(self, number: int) -> str:
        """A field that must be there."""
        value = self.message.get(number)
        if not value:
            raise BadMessage(f"field {number} is missing")
        return value

    def sub(self, number: int, name: str) -> str:
        """A named subfield, empty where it is absent. Raises `DecodeError` on bad subfields."""
        return self._codec.subfields(self.message, number).get(name, "")

    @property
    def key(self) -> Key:
        """Terminal, STAN and transmission time."""
        return Key(self.need(41).strip(), self.need(11), self.need(7))

    @property
    def original(self) -> Key:
        """The message that a reversal names in field 90: MTI 4, STAN 6, field 7 ten digits."""
        data = self.need(90)
        return Key(self.need(41).strip(), data[4:10], data[10:20])

    @property
    def amount(self) -> Money:
        """Field 4 in minor units of field 49."""
        try:
            return Money(int(self.need(4)), currency(self.need(49)))
        except MoneyError as error:
            raise BadMessage("field 49 is no currency of this bank") from error

    @property
    def fee(self) -> Money:
        """Field 28: C or D and eight digits; D is the customer's cost. Absent is no fee."""
        text = self.message.get(28) or "D00000000"
        minor = int(text[1:])
        return Money(minor if text[0] == "D" else -minor, self.amount.currency)

    def fingerprint(self) -> str:
        """SHA-256 of the content: equal for a message and its repeat."""
        # Field 48 of 0600/92 holds the new PIN block, of which not even a digest is kept.
        content = [n for n in CONTENT if n != 48 or self.message.mti[:2] != "06"]  # noqa: PLR2004
        parts = [f"{n}={self.message.fields[n]}" for n in content if n in self.message.fields]
        text = "\x00".join((self.message.mti[:2], *parts))
        return hashlib.sha256(text.encode()).hexdigest()

    def written(self, answer: Answer) -> dict[int, str]:
        """All fields of the reply but 15, MTI and MAC."""
        fields = {n: self.message.fields[n] for n in ECHOED if n in self.message.fields}
        fields.update(answer.fields)
        for number, values in answer.subs.items():
            fields[number] = self._codec.join(number, values)
        if answer.rows:
            fields[ROWS] = self._codec.join(ROWS, _numbered(answer.rows))
        fields[39] = answer.code
        return fields


def _numbered(rows: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Every column by its name within its row: `01.on`."""
    return {
        f"{number:02d}.{name}": text
        for number, row in enumerate(rows, 1)
        for name, text in row.items()
    }


def amounts_54(kind: str, balances: Mapping[str, Money]) -> str:
    """Field 54: account type, amount type, currency, C or D, twelve digits; up to six of them."""
    return "".join(
        f"{kind}{amount_type}{money.currency.number}"
        f"{'C' if money.minor >= 0 else 'D'}{abs(money.minor):012d}"
        for amount_type, money in balances.items()
    )
