"""What companies may pay, what it costs, and where to: the figures of data/companies.yaml."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from core_adapters.corehost.products.stated import stated
from transactions.money import Money

TRANSFER, REMOTE, DRAFT, REPAY = "transfer", "remote", "draft", "repay"
"""Kinds of payments (word set `corppay`)."""


@dataclass(frozen=True, slots=True)
class KindOfPayment:
    """One kind: the most of one payment and its fees, in fen; a fee's bound of None is any."""

    most: int
    fees: Sequence[tuple[int | None, int]]

    def fee(self, minor: int) -> int:
        """The fee in fen of a payment of so many fen."""
        return next(fee for upto, fee in self.fees if upto is None or minor <= upto)


@dataclass(frozen=True, slots=True)
class CompanyTariff:
    """All kinds; `draft_months` that a draft may be presented, `late_share` of a loan's rate."""

    kinds: Mapping[str, KindOfPayment]
    banks: frozenset[str]
    draft_months: int
    late_share: Decimal


def load_company_tariff() -> CompanyTariff:
    """The bank's figures in data/companies.yaml."""
    read = stated("companies.yaml")
    kinds = {name: _kind(row) for name, row in read["kinds"].items()}
    return CompanyTariff(
        MappingProxyType(kinds),
        frozenset(read["banks"]),
        int(read["draft_months"]),
        Decimal(read["late_share"]),
    )


def _kind(row: Mapping[str, Any]) -> KindOfPayment:
    fees = [(_fen(upto) if upto else None, _fen(fee)) for upto, fee in row["fees"]]
    return KindOfPayment(_fen(row["most"]), fees)


def _fen(text: str) -> int:
    return Money.parse(text).minor
