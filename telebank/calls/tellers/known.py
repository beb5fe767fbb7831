"""How important a caller is, and who his own teller is: one function decides (docs/queues.md)."""

from dataclasses import dataclass
from typing import Protocol

from telebank.agents.options import CentreOptions, importance, own_seat
from telebank.store.customer_records import CustomerRecord


@dataclass(frozen=True, slots=True)
class Known:
    """What queues are told of him."""

    level: int
    own_seat: str
    """Empty: nobody."""


class Records(Protocol):
    """What is said of customers (`telebank.calls.customer_book`)."""

    def of(self, customer: str, number: str) -> CustomerRecord | None:
        """Of whom has proved himself by his token; of who has not (it is empty) by the number that
        he calls from."""
        ...


class NoRecords:
    """Nothing is said of anybody."""

    def of(self, customer: str, number: str) -> CustomerRecord | None:
        """See `Records`."""
        del customer, number
        return None


def known(options: CentreOptions, said: CustomerRecord | None, first_digits: str) -> Known:
    """What his record says comes before the table of cards, each of the two for itself; an
    importance of 0 is said, too."""
    level = None if said is None else said.importance
    teller = None if said is None else said.teller
    return Known(
        importance(options, first_digits) if level is None else level,
        own_seat(options, first_digits) if teller is None else teller,
    )
