"""The demo bank's rules as data: limits, fee schedule, locks, quote life."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

BANK_OFFSET = timedelta(hours=8)
"""The bank keeps Beijing time, UTC+8, without daylight saving."""


WEEKDAYS, EVERY_DAY = frozenset(range(1, 6)), frozenset(range(1, 8))
"""Days by their ISO 8601 numbers."""
IDENTITY_DIGITS = 4
"""What a caller proves himself with when he reports a loss."""


def identity_digits(number: str) -> str:
    """The last four digits of an identity number, which is what a keypad can give: a letter at the
    end (GB 11643 has X) is skipped, so `...3705X` gives 3705."""
    digits = "".join(char for char in number if char.isascii() and char.isdigit())
    return digits[-IDENTITY_DIGITS:]


@dataclass(frozen=True, slots=True)
class Rules:
    """All amounts in fen (minor units of CNY)."""

    wrong_pins_a_day: int = 3
    """Wrong telephone PINs on one business date until the card is locked for that date."""
    wrong_pins_in_all: int = 10
    """Wrong telephone PINs since the last right one until only a branch can unlock."""
    transfer_most: int = 5_000_000
    """Most for one transfer: 50,000.00."""
    transfer_daily: int = 10_000_000
    """Most from one card on one business date: 100,000.00."""
    bill_daily: int = 2_000_000
    """Most for bills from one card on one business date, without fees: 20,000.00."""
    fee_free: int = 500_000
    """Transfers within the bank up to 5,000.00 are free."""
    fee_per_mille: int = 1
    """Above that, 0.1 % of the whole amount, rounded half up to the fen."""
    fee_most: int = 1_000
    """The fee is never more than 10.00."""
    quote_life_s: int = 120
    """Seconds for which a quote stands."""
    market_days: frozenset[int] = WEEKDAYS
    """Days of the week (Monday is 1) on which currencies are exchanged, midnight to midnight."""
    cut_over: time = time(0)
    """The bank's wall-clock time at which the next business date begins by itself; 00:00 is the
    midnight between the days."""
    most_days_ahead: int = 3
    """A cut-over by hand goes no further ahead of the clock than this many days."""

    def fee(self, minor: int) -> int:
        """The fee in fen for a transfer of `minor` fen within the bank."""
        if minor <= self.fee_free:
            return 0
        return min(self.fee_most, (minor * self.fee_per_mille + 500) // 1000)


def business_date(now: datetime, cut_over: time = time(0)) -> date:
    """The business date that the clock alone gives at `now` (aware): the calendar day in Beijing,
    from the cut-over time on the next one. `calendar` has the date that the bank works by."""
    early = timedelta(hours=cut_over.hour, minutes=cut_over.minute, seconds=cut_over.second)
    ahead = timedelta(days=1) - early if early else timedelta()
    return (now.astimezone(UTC) + BANK_OFFSET + ahead).date()


def date_ends(day: date, cut_over: time = time(0)) -> datetime:
    """When (UTC) a business date ends by the clock: the first moment of the one after it."""
    eve = day if cut_over != time(0) else day + timedelta(days=1)
    return datetime.combine(eve, cut_over, UTC) - BANK_OFFSET
