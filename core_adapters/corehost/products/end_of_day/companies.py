"""Companies when a date ends: remittances go to the correspondent, drafts whose time is over come
back, what is overdue of loans by schedule and what was paid on the day is told."""

import sqlite3
from collections.abc import Iterator
from functools import partial

from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.companies.accounts import CLEARING, TRANSIT
from core_adapters.corehost.products.companies.loans import CompanyLoan, CompanyLoans
from core_adapters.corehost.products.companies.payments import (
    DRAFT_EXPIRED,
    DRAFTS,
    REMOTE_SENT,
    CompanyPayments,
)
from core_adapters.corehost.products.end_of_day.book import Item
from core_adapters.corehost.products.end_of_day.work import Closing, Subject, Work
from transactions.money import Money, currency

CORP_OVERDUE, CORP_PAID = "corp_loan_overdue", "corp_paid_{}"
"""What is only told."""


def companies_due(closing: Closing) -> Iterator[Subject]:
    """All of it, for a business date."""
    payments = CompanyPayments(closing.office.db)
    yield from _totals(closing, payments)
    for number, minor, code in payments.waiting(closing.day):
        legs = (Leg(TRANSIT.format(code), -minor), Leg(CLEARING.format(code), minor))
        item = Item(REMOTE_SENT, f"remit:{number}", Money(minor, currency(code)), legs)
        yield _of(Work(item, partial(_sent, closing.office.db, number)))
    for draft in payments.expiring(closing.day):
        legs = (Leg(DRAFTS.format(draft.currency), -draft.minor), Leg(draft.account, draft.minor))
        amount = Money(draft.minor, currency(draft.currency))
        item = Item(DRAFT_EXPIRED, f"draft:{draft.number}", amount, legs)
        yield _of(Work(item, partial(_returned, closing.office.db, draft.number)))
    yield from _overdue(closing)


def _of(work: Work) -> Subject:
    return Subject(work.item.subject, lambda: (work,))


def _totals(closing: Closing, payments: CompanyPayments) -> Iterator[Subject]:
    """What each company paid on the day, by kind and currency."""
    for account, kind, code, count, minor, interest in payments.totals(closing.day):
        amount = Money(minor, currency(code))
        what = CORP_PAID.format(kind)
        item = Item(what, f"{account}:{code}", amount, interest=interest, count=count)
        yield _of(Work(item))


def _sent(db: sqlite3.Connection, number: int, _key: str) -> None:
    db.execute("UPDATE remittance SET state = 'done' WHERE id = ?", (number,))


def _returned(db: sqlite3.Connection, number: str, _key: str) -> None:
    db.execute("UPDATE corp_draft SET state = 'returned' WHERE number = ?", (number,))


def _overdue(closing: Closing) -> Iterator[Subject]:
    """What a schedule wanted repaid by the end of the day, each day that it is not."""
    loans = CompanyLoans(closing.office.db)
    for one in loans.all():
        yield Subject(one.id, partial(_told, closing, loans, one))


def _told(closing: Closing, loans: CompanyLoans, one: CompanyLoan) -> Iterator[Work]:
    minor = loans.overdue(one, closing.posts_on)
    if minor:
        unit = closing.office.ledger.unit(one.id)
        yield Work(Item(CORP_OVERDUE, one.id, Money(minor, unit)))
