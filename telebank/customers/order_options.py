"""Settings of scheduled transfers and of payments by two people: `[orders]`, `[approvals]`."""

from dataclasses import dataclass

MAX_GRACE_DAYS = 30
MAX_AHEAD_DAYS = 3_660
MAX_VALID_DAYS = 30


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
    doubt_s: float = 60.0
    """Seconds between two looks at a transfer whose outcome is not known yet."""
    hold_s: float = 300.0
    """Seconds for which a node has a due date to itself; longer than a transfer can take."""
    batch: int = 100
    """Due dates that one look takes up."""

    def __post_init__(self) -> None:
        if not 0 <= self.grace_days <= MAX_GRACE_DAYS:
            raise ValueError(f"grace_days is 0 to {MAX_GRACE_DAYS}")
        if not 0 < self.ahead_days <= MAX_AHEAD_DAYS:
            raise ValueError(f"ahead_days is 1 to {MAX_AHEAD_DAYS}")
        for name in ("most", "listed_days", "look_s", "retry_s", "doubt_s", "hold_s", "batch"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above zero")


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
