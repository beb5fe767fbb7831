"""Amounts of money in minor units of an ISO 4217 currency."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType

MAX_MINOR = 999_999_999_999
"""Largest magnitude that ISO 8583 field 4 (n 12) can carry, in minor units."""


@dataclass(frozen=True, slots=True)
class Currency:
    """An ISO 4217 currency: alphabetic code, numeric code (three digits) and exponent."""

    code: str
    number: str
    exponent: int

    def __str__(self) -> str:
        return self.code


CURRENCIES: Mapping[str, Currency] = MappingProxyType(
    {
        code: Currency(code, number, exponent)
        for code, number, exponent in (
            ("CNY", "156", 2),
            ("USD", "840", 2),
            ("HKD", "344", 2),
            ("EUR", "978", 2),
            ("GBP", "826", 2),
            ("AUD", "036", 2),
            ("SGD", "702", 2),
            ("JPY", "392", 0),
            ("CAD", "124", 2),
            ("CHF", "756", 2),
            ("KWD", "414", 3),
        )
    }
)
_BY_NUMBER: Mapping[str, Currency] = MappingProxyType({c.number: c for c in CURRENCIES.values()})


class MoneyError(ValueError):
    """An amount or currency that cannot be what it claims to be."""


def currency(code: str) -> Currency:
    """Return the currency of an alphabetic (`CNY`) or numeric (`156`) ISO 4217 code."""
    found = CURRENCIES.get(code) or _BY_NUMBER.get(code)
    if found is None:
        raise MoneyError(f"unknown currency {code!r}; known are {', '.join(CURRENCIES)}")
    return found


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """`minor` units (fen, cents) of `currency`; negative where an account is overdrawn."""

    minor: int
    currency: Currency

    def __post_init__(self) -> None:
        if abs(self.minor) > MAX_MINOR:
            raise MoneyError("amount has more than twelve digits (ISO 8583 field 4)")

    @classmethod
    def parse(cls, text: str, code: str = "CNY") -> "Money":
        """Read a decimal such as `12.34`; more decimals than the currency has are refused."""
        unit = currency(code)
        try:
            scaled = Decimal(text).scaleb(unit.exponent)
        except InvalidOperation:
            raise MoneyError(f"{text!r} is not an amount") from None
        if not scaled.is_finite() or scaled != scaled.to_integral_value():
            raise MoneyError(f"{text!r} has more decimals than {unit.code} has ({unit.exponent})")
        return cls(int(scaled), unit)

    @property
    def decimal(self) -> Decimal:
        """The amount in major units, exactly."""
        return Decimal(self.minor).scaleb(-self.currency.exponent)

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise MoneyError(f"cannot join {self.currency} with {other.currency}")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor < other.minor

    def __le__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor <= other.minor

    def __str__(self) -> str:
        return f"{self.decimal:.{self.currency.exponent}f} {self.currency.code}"
