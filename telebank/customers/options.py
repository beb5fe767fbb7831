"""Settings of second factors and payees: sections `[codes]`, `[sms]`, `[payees]`, `[ceilings]`."""

from dataclasses import dataclass
from typing import Literal

MAX_COOLING_H = 720.0
MAX_VALID_S = 900.0
MAX_WRONG, MAX_HELD = 10, 100_000


@dataclass(frozen=True, slots=True)
class CodeOptions:
    """One-time codes; section `[codes]`. They are kept in memory: a restart forgets them."""

    valid_s: float = 180.0
    """Seconds in which a code is taken."""
    wrong_max: int = 3
    """Wrong entries after which a code is gone."""
    hourly: int = 5
    """Codes sent for one card in an hour."""
    daily: int = 10
    """Codes sent for one card in 24 hours."""
    held_max: int = 10_000
    """Codes remembered at once; past them the oldest is gone."""

    def __post_init__(self) -> None:
        if not 0 < self.valid_s <= MAX_VALID_S:
            raise ValueError(f"valid_s is above 0 and at most {MAX_VALID_S:g}, in seconds")
        if not 0 < self.wrong_max <= MAX_WRONG:
            raise ValueError(f"wrong_max is 1 to {MAX_WRONG}")
        if not 0 < self.hourly <= self.daily:
            raise ValueError("hourly is 1 or more, and not above daily")
        if not 0 < self.held_max <= MAX_HELD:
            raise ValueError(f"held_max is 1 to {MAX_HELD}")


@dataclass(frozen=True, slots=True)
class SmsOptions:
    """How codes reach a mobile telephone; section `[sms]`."""

    sender: Literal["none", "file"] = "none"
    """`none`: no code is sent. `file` stands for the network: codes go to DATA/sms/outbox.jsonl,
    for trying the bank, never for customers."""


@dataclass(frozen=True, slots=True)
class PayeeOptions:
    """Registered payees; section `[payees]`."""

    cooling_hours: float = 24.0
    """Hours before a new payee stands for a second factor."""
    most: int = 9
    """Payees of one customer; as many as there are keys."""
    limit: str = "payee_daily"
    """Name in [limits] that a payee's own daily limit lowers."""

    def __post_init__(self) -> None:
        if not 0 <= self.cooling_hours <= MAX_COOLING_H:
            raise ValueError(f"cooling_hours is 0 to {MAX_COOLING_H:g}")
        if not 0 < self.most <= 9:  # noqa: PLR2004 - keys 1 to 9
            raise ValueError("most is 1 to 9")


@dataclass(frozen=True, slots=True)
class CeilingOptions:
    """Ceilings that customers set themselves; section `[ceilings]`."""

    limit: str = "transfer_daily"
    """Name in [limits] that a customer's own ceiling lowers."""
