"""Who the bank collects for: billers, their charges, and the numbers of their subscribers."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from core_adapters.corehost.products.stated import stated

SERIAL = slice(6, 15)
"""The serial of a card number, between BIN and check digit."""


@dataclass(frozen=True, slots=True)
class Biller:
    """Who bills: how his subscribers' numbers are made, the bank's fee, and his charges, in fen
    from least to most a month."""

    name: str
    prefix: str
    digits: int
    fee: int
    charges: Mapping[str, tuple[int, int]]

    def number(self, card: str) -> str:
        """The number under which the holder of `card` is a subscriber; plainly fictional."""
        return self.prefix + card[SERIAL][-self.digits :].rjust(self.digits, "0")

    def charged(self, number: str, month: date) -> list[tuple[str, int]]:
        """The charges of a month, always the same; none is nothing."""
        seed = hashlib.sha256(f"{self.name} {number} {month:%Y%m}".encode()).digest()
        drawn = [
            (
                what,
                least + int.from_bytes(seed[2 * place : 2 * place + 2], "big") % (most - least + 1),
            )
            for place, (what, (least, most)) in enumerate(self.charges.items())
        ]
        return [(what, minor) for what, minor in drawn if minor]


def load_billers() -> tuple[Mapping[str, Biller], int]:
    """All billers by code, and the late charge in per mille of the bill."""
    read = stated("billers.yaml")
    made = {
        name: Biller(
            name,
            row["prefix"],
            row["digits"],
            row["fee"],
            MappingProxyType({what: (low, high) for what, (low, high) in row["charges"].items()}),
        )
        for name, row in read["billers"].items()
    }
    return MappingProxyType(made), int(read["late_per_mille"])
