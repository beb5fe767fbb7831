"""Settings of the processor, with their bounds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta, timezone
from types import MappingProxyType
from typing import Literal

from transactions.hot_list import LossOptions
from transactions.money import Money

POSITIVE = (
    *("send_deadline_s", "quote_ttl_s", "quotes_max", "in_flight_max", "retry_first_s"),
    *(
        "retry_cap_s",
        "attempts_max",
        "away_poll_s",
        "settle_parallel",
        "remembered_max",
        "told_ttl_s",
    ),
)

DEADLINE_MARGIN_S = 1.0
"""Seconds beyond the send deadline that a rival's last bytes may take to leave."""
MAX_BALANCE_DAYS = 366

REGISTERED = "_registered"
"""Ends the name of a tier that is for registered payees."""
SECOND_FACTOR: Mapping[str, Money] = MappingProxyType(
    {"transfer": Money.parse("10000.00"), f"transfer{REGISTERED}": Money.parse("50000.00")}
)


@dataclass(frozen=True, slots=True)
class ProcessorOptions:
    """How long, how often and how many."""

    send_deadline_s: float = 10.0
    """Seconds from `submit` in which the first byte must leave; past them it is NOT_SENT."""
    quote_ttl_s: float = 300.0
    """Seconds that the terms of a quote may be posted on."""
    quotes_max: int = 10_000
    """Quotes remembered at once; the oldest goes first."""
    in_flight_max: int = 1_000
    """Requests worked on at once; more are told at once that nothing was done."""
    in_flight_reserve: int = 100
    """Places beyond `in_flight_max` that only services which hot-list a card may take."""
    retry_first_s: float = 1.0
    """Seconds before the second message of a reversal, repeat or query."""
    retry_factor: float = 2.0
    """Each wait is the one before times this."""
    retry_cap_s: float = 300.0
    """Longest wait between two messages, in seconds."""
    attempts_max: int = 20
    """Messages, counted only while a link is signed on, before a row goes to a person."""
    away_poll_s: float = 1.0
    """Seconds between two looks at the links while none is signed on."""
    settle_parallel: int = 16
    """Messages of settling in flight at once; repeats go before reversals."""
    recovery_wait_s: float = 10.0
    """Longest wait of `recover` for the rows it found to be settled, while a link is signed on."""
    close_wait_s: float = 20.0
    """Longest wait of `close` for requests whose answer is still to come."""
    remembered_max: int = 10_000
    """Results remembered for `told` and reversals remembered for late answers."""
    utc_offset_minutes: int = 480
    """The bank's wall clock; its midnight gives the day that tries are counted in."""
    loss: LossOptions = field(default_factory=LossOptions)
    """How long a report of loss holds."""
    limits: Mapping[str, Money] = field(default_factory=dict)
    """Ceilings by name, for a customer and business date; a contract's `limits` name them."""
    second_factor: Mapping[str, Money] = field(default_factory=lambda: SECOND_FACTOR)
    """Amounts above which a second factor is needed, by the name that a contract says; with
    `_registered` after it the amount for payees that the customer registered."""

    second_factor_per_day: bool = True
    """Whether what a customer used of the money service's daily limit on the day counts with the
    amount; without it each amount is looked at alone."""
    told_ttl_s: float = 7_200.0
    """Seconds for which it is remembered what the host told in a call (`told_by`)."""

    def __post_init__(self) -> None:
        for name in POSITIVE:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above zero")
        if self.retry_factor < 1:
            raise ValueError("retry_factor must be 1 or more, or waits would shrink")

    @property
    def zone(self) -> timezone:
        """The bank's wall clock as a time zone."""
        return timezone(timedelta(minutes=self.utc_offset_minutes))

    def wait_after(self, attempts: int) -> float:
        """Seconds to wait after so many messages."""
        exponent = min(max(attempts - 1, 0), 64)
        return float(min(self.retry_cap_s, self.retry_first_s * self.retry_factor**exponent))


@dataclass(frozen=True, slots=True)
class AuthOptions:
    """Section `[auth]` of telebank.toml."""

    verifier: Literal["host", "local"] = "host"
    """Who says whether a telephone PIN is right; the same on all nodes of a store. `local`: the
    node, from the first time on that the host said so; it needs the key `telephone.pin` in the
    security module. `host`: nothing is kept, and a start forgets what was."""
    balance_days: int = 7
    """Days that a balance is told for as last known, with the host away; 0: never. Only `local`."""

    def __post_init__(self) -> None:
        if not 0 <= self.balance_days <= MAX_BALANCE_DAYS:
            raise ValueError(
                f"balance_days is {self.balance_days}: give 0 to {MAX_BALANCE_DAYS} days"
            )
