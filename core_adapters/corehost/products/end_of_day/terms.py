"""What happens at the end of which business date: the figures of data/end_of_day.yaml."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from core_adapters.corehost.products.stated import stated

ONE_DAY = timedelta(days=1)
RENEW, TO_CARD = "renew", "card"


@dataclass(frozen=True, slots=True)
class DayTerms:
    """Days are days of the month; `at_maturity` is by kind of deposit."""

    interest_months: frozenset[int]
    interest_day: int
    loan_day: int
    bill_day: int
    bill_due_days: int
    at_maturity: Mapping[str, str]
    fx_at_maturity: str
    bond_at_maturity: str

    def settles(self, day: date) -> bool:
        """Whether interest is settled when `day` ends."""
        return day.month in self.interest_months and day.day == self.interest_day

    def settled_before(self, day: date) -> date:
        """The day that interest was settled on last before `day`."""
        month = day.replace(day=1)
        if day.day <= self.interest_day:
            month = (month - ONE_DAY).replace(day=1)
        while month.month not in self.interest_months:
            month = (month - ONE_DAY).replace(day=1)
        return month.replace(day=self.interest_day)

    def bills_on(self, day: date) -> bool:
        """Whether bills are handed in on `day`."""
        return day.day == self.bill_day


def load_day_terms() -> DayTerms:
    """The bank's figures in data/end_of_day.yaml."""
    read = stated("end_of_day.yaml")
    return DayTerms(
        frozenset(read["interest"]["months"]),
        int(read["interest"]["day"]),
        int(read["loan_interest_day"]),
        int(read["bills"]["day"]),
        int(read["bills"]["due_days"]),
        dict(read["at_maturity"]),
        str(read["fx_at_maturity"]),
        str(read["bond_at_maturity"]),
    )
