"""What the seeded customers have besides money: a mobile number and a mail address, cheques, a card
not yet active."""

from datetime import datetime, timedelta

from core_adapters.corehost.back_office import VAULT, BackOffice
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.bills.billers import load_billers
from core_adapters.corehost.products.cards.uses import CardUses
from core_adapters.corehost.products.cheques.books import (
    CHEQUE,
    PAID,
    RETURNED,
    STOPPED,
    Cheque,
    ChequeBooks,
)
from core_adapters.corehost.products.contacts import register, register_mail
from core_adapters.corehost.products.plantings.accounts import CNY, NOON
from transactions.money import Money

MOBILE = "mobile_cm"
"""The biller whose subscriber everybody is: his number there is the one that the bank knows."""
MAILBOX = "c{serial}@example.com"
"""A domain that is given to nobody (RFC 2606)."""
FIRST_CHEQUE, LEAVES, COLLECTED_DAYS = 10_020_001, 25, 40
PAID_MINOR, RETURNED_MINOR = 120_000, 9_900_000
PAID_DAYS, RETURNED_DAYS, STOPPED_DAYS = 3, 2, 1


def plant_mobile(office: BackOffice, card: str) -> None:
    """The number whose bills he pays, of a prefix that is given to nobody."""
    register(office.db, card, load_billers()[0][MOBILE].number(card))


def plant_mailbox(office: BackOffice, card: str) -> None:
    """An address made of the card's serial number."""
    register_mail(office.db, card, MAILBOX.format(serial=card[6:15]))


def plant_card_use(office: BackOffice, card: str, state: str) -> None:
    """A card that came by post, one without a PIN, one with the PIN of the bank's letter."""
    if state == "inactive":
        CardUses(office).plant_inactive(card)
    elif state in ("unenrolled", "first_use"):
        office.db.execute(
            "INSERT INTO card_use (card, enrolled, first_use) VALUES (?, ?, ?)",
            (card, int(state != "unenrolled"), int(state == "first_use")),
        )


def plant_cheques(office: BackOffice, account: str, *, paid: bool, now: datetime) -> None:
    """A book from 10020001 to 10020025: the first one paid, where `paid` says so (with money that
    was paid in for it before, so that the balance is the card's), the second one returned, the
    third one stopped."""
    books, today = ChequeBooks(office), office.today(now)
    books.plant(account, FIRST_CHEQUE, LEAVES, today - timedelta(days=COLLECTED_DAYS))
    fates = [(1, RETURNED, RETURNED_DAYS, RETURNED_MINOR), (2, STOPPED, STOPPED_DAYS, 0)]
    if paid:
        fates.append((0, PAID, PAID_DAYS, PAID_MINOR))
        _pay(office, account, f"{FIRST_CHEQUE}", now)
    for place, state, days, minor in fates:
        number, since = f"{FIRST_CHEQUE + place}", today - timedelta(days=days)
        books.mark(account, Cheque(number, state, since, Money(minor, CNY)))


def _pay(office: BackOffice, account: str, number: str, now: datetime) -> None:
    day = office.today(now) - timedelta(days=PAID_DAYS)
    vault, at = VAULT.format(CNY.code), datetime.combine(day, NOON)
    legs = [Leg(vault, -PAID_MINOR), Leg(account, PAID_MINOR)]
    office.ledger.post(f"for:{account}:{number}", "deposit", legs, day, at)
    legs = [Leg(vault, PAID_MINOR), Leg(account, -PAID_MINOR)]
    office.ledger.post(f"cheque:{account}:{number}", CHEQUE, legs, day, at)
