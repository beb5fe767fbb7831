"""What the steps of an end of day share: the date, the bank's figures, subjects and their work."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime

from core_adapters.corehost.back_office import BackOffice
from core_adapters.corehost.products.end_of_day.book import Item
from core_adapters.corehost.products.end_of_day.terms import ONE_DAY, DayTerms


@dataclass(frozen=True, slots=True)
class Closing:
    """A business date that ends: everything of `day` was posted, and nothing of the next one."""

    office: BackOffice
    terms: DayTerms
    day: date
    now: datetime

    @property
    def posts_on(self) -> date:
        """The business date of what it posts: the next one."""
        return self.day + ONE_DAY


def _nothing(_key: str) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Work:
    """One item, and what else changes with it, told the item's key; both or neither."""

    item: Item
    after: Callable[[str], None] = _nothing


@dataclass(frozen=True, slots=True)
class Subject:
    """An account (or biller, or company) that a step has to do with; `work` reads the books and
    says what there is to do. What goes wrong in it, or in doing it, is this subject's alone."""

    name: str
    work: Callable[[], Iterable[Work]]


Step = Callable[[Closing], Iterable[Subject]]
"""A step names its subjects, and reads the books as the steps before it left them."""
