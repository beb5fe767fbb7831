"""Settings of scheduled transfers and of payments by two people: `[orders]`, `[approvals]`."""

from dataclasses import dataclass

from transactions.money import Currency, Money, MoneyError

MAX_GRACE_DAYS = 30
MAX_AHEAD_DAYS = 3_660
MAX_VALID_DAYS = 30
POSITIVE = (
    *("most", "listed_days", "look_s", "retry_s", "repeat_s", "doubt_s", "doubt_most_s"),
    *("hold_s", "batch"),
)


@dataclass(frozen=True, slots=True)
class OrderOptions:
    """Scheduled transfers; section `[orders]`."""

    grace_days: int = 3
    """Days that a due date may be late by the host's business date; an older one is missed."""
    ahead_days: int = 366
    """Days that the first date may be ahead."""
    most: int = 20
    """Orders of one customer that wait."""
    listed_days: int = 31
    """Days for which an order that has ended is still heard in its customer's list."""
    look_s: float = 30.0
    """Seconds between two looks for what is due."""
    retry_s: float = 1_800.0
    """Seconds between two tries on one due date."""
    repeat_s: float = 600.0
    """Seconds to wait where the same payer, payee and amount was just paid; a customer would be
    asked once more ([store] repeat_window_s), an order waits until that is over."""
    doubt_s: float = 60.0
    """Seconds between the first looks at a transfer whose outcome is not known yet."""
    doubt_most_s: float = 3_600.0
    """Seconds between such looks at most: they are as far apart as it has lasted."""
    hold_s: float = 300.0
    """Seconds for which a node has a due date to itself; longer than a transfer can take."""
    batch: int = 100
    """Orders that are read from the store at once."""
    fee_most: str = "50.00"
    """The highest fee of an order whose customer was told none, in its currency."""

    def __post_init__(self) -> None:
        if not 0 <= self.grace_days <= MAX_GRACE_DAYS:
            raise ValueError(f"grace_days is 0 to {MAX_GRACE_DAYS}")
        if not 0 < self.ahead_days <= MAX_AHEAD_DAYS:
            raise ValueError(f"ahead_days is 1 to {MAX_AHEAD_DAYS}")
        for name in POSITIVE:
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above zero")
        try:
            fee = Money.parse(self.fee_most)
        except MoneyError as error:
            raise ValueError(f"fee_most: {error}") from error
        if fee.minor < 0:
            raise ValueError("fee_most is 0.00 or above")

    def highest_fee(self, unit: Currency) -> Money:
        """`fee_most` in a currency; nothing where that has no such amount."""
        try:
            return Money.parse(self.fee_most, unit.code)
        except MoneyError:
            return Money(0, unit)


@dataclass(frozen=True, slots=True)
class ApprovalOptions:
    """Payments of companies that wait for a second person; section `[approvals]`."""

    valid_days: int = 3
    """Business days (Monday to Friday) for which one waits, after the day that it was made."""
    most: int = 50
    """Payments of one company that wait."""

    def __post_init__(self) -> None:
        if not 0 < self.valid_days <= MAX_VALID_DAYS:
            raise ValueError(f"valid_days is 1 to {MAX_VALID_DAYS}")
        if self.most <= 0:
            raise ValueError("most must be above zero")
