"""Loans when a date ends: what the month's interest comes to, and which are overdue from now on.

Nothing is posted: interest is paid with the principal that it is on (`loans.terms`). The months'
interest of a loan that nothing is repaid of comes to its interest in all.
"""

from collections.abc import Iterator
from datetime import date
from functools import partial

from core_adapters.corehost.products.end_of_day.book import LOAN_INTEREST, LOAN_OVERDUE, Item
from core_adapters.corehost.products.end_of_day.terms import ONE_DAY
from core_adapters.corehost.products.end_of_day.work import Closing, Subject, Work
from core_adapters.corehost.products.loans.accounts import Loan, Loans
from core_adapters.corehost.products.loans.terms import LoanTariff, load_loan_tariff
from transactions.money import Money

_OPEN = "SELECT DISTINCT account FROM loan WHERE cancelled = 0 AND closed_by IS NULL"
_ENDING = f"{_OPEN} AND matures = ? ORDER BY account"


def loans_due(closing: Closing) -> Iterator[Subject]:
    """The month's interest, on its day; and what was to be repaid by this day and was not."""
    tariff, db = load_loan_tariff(), closing.office.db
    if closing.day.day == closing.terms.loan_day:
        for (account,) in db.execute(f"{_OPEN} ORDER BY account").fetchall():
            yield Subject(f"month:{account}", partial(_months, closing, tariff, account))
    for (account,) in db.execute(_ENDING, (closing.day.isoformat(),)).fetchall():
        yield Subject(account, partial(_overdue, closing, account))


def _overdue(closing: Closing, account: str) -> Iterator[Work]:
    for one in Loans(closing.office.db).of_account(account):
        if one.matures == closing.day and one.owed > 0:
            unit = closing.office.ledger.unit(one.id)
            yield Work(Item(LOAN_OVERDUE, one.id, Money(one.owed, unit)))


def _months(closing: Closing, tariff: LoanTariff, account: str) -> Iterator[Work]:
    for one in Loans(closing.office.db).of_account(account):
        yield from _month(closing, tariff, one)


def _month(closing: Closing, tariff: LoanTariff, one: Loan) -> Iterator[Work]:
    since = max(one.opened, _month_before(closing.day) + ONE_DAY)
    until = tariff.interest(one.lent, one.owed, closing.posts_on)
    minor = until - tariff.interest(one.lent, one.owed, since)
    if minor > 0:
        unit = closing.office.ledger.unit(one.id)
        yield Work(Item(LOAN_INTEREST, one.id, Money(minor, unit)))


def _month_before(day: date) -> date:
    last = day.replace(day=1) - ONE_DAY
    return last.replace(day=day.day)
