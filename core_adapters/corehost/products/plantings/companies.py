"""The seeded company: its accounts, a quarter of their entries, and its remittances.

All of it is plainly fictional and counted back from the day of the seed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core_adapters.corehost.back_office import VAULT, BackOffice
from core_adapters.corehost.ledger import Leg
from core_adapters.corehost.products.companies.accounts import (
    BACK,
    CLEARING,
    DONE,
    FIRST_SUB,
    INWARD,
    OUTWARD,
    PAYROLL,
    PENDING,
    REMITTANCE,
    REMITTED,
    RETURNED,
    TRANSIT,
    Companies,
)
from core_adapters.corehost.products.plantings.accounts import NOON
from transactions.money import Currency, currency

UNITS = tuple(currency(code) for code in ("CNY", "USD", "EUR", "JPY"))
"""Currencies of the seeded company."""
OPENING_DAYS = 91
Way = tuple[str, str]
"""The ledger accounts that money goes from and to."""
RETURN_DAYS = 2
"""What another bank sends back comes so many days later."""


@dataclass(frozen=True, slots=True)
class Account:
    """A seeded account: minor units paid in when it was opened."""

    sub: str
    code: str
    opening: int = 0


@dataclass(frozen=True, slots=True)
class Event:
    """An entry so many days ago, in minor units; a remittance has a state."""

    days_ago: int
    sub: str
    kind: str
    minor: int
    state: str = ""


ACCOUNTS: Sequence[Account] = (
    Account(FIRST_SUB, "CNY"),
    Account("0002", "CNY", 120_000_000),
    Account("0003", "USD", 8_500_000),
    Account("0004", "EUR", 3_200_000),
    Account("0005", "JPY", 6_000_000),
)
"""The opening of the first is what leaves the card's balance."""
EVENTS: Sequence[Event] = (
    Event(75, "0001", REMITTANCE, 48_000_000, DONE),
    Event(70, "0003", REMITTANCE, 5_000_000, DONE),
    Event(61, "0001", PAYROLL, -23_600_000),
    Event(58, "0001", "payment", -1_864_000),
    Event(52, "0003", REMITTANCE, -1_820_000, DONE),
    Event(47, "0004", REMITTANCE, 2_100_000, DONE),
    Event(44, "0001", REMITTANCE, -12_500_000, DONE),
    Event(40, "0005", REMITTANCE, -1_250_000, DONE),
    Event(33, "0001", REMITTANCE, 36_000_000, DONE),
    Event(31, "0001", PAYROLL, -23_600_000),
    Event(20, "0003", REMITTANCE, 2_745_000, DONE),
    Event(12, "0001", REMITTANCE, -6_480_000, BACK),
    Event(9, "0001", "fee", -5_000),
    Event(6, "0004", REMITTANCE, 830_000, BACK),
    Event(4, "0001", REMITTANCE, 9_250_000, DONE),
    Event(2, "0003", REMITTANCE, -960_000, PENDING),
    Event(0, "0001", "payment", -732_000),
    Event(0, "0003", REMITTANCE, 1_200_000, PENDING),
)
"""Oldest first."""


def open_accounts(office: BackOffice) -> None:
    """Open the bank's own accounts of remittances; `LedgerError` where they are open."""
    for unit in UNITS:
        for name in (CLEARING, TRANSIT):
            office.ledger.open_account(name.format(unit.code), unit)


def plant_company(office: BackOffice, account: str, balance: int, now: datetime) -> None:
    """Make the holder of a card's account a company; its entries leave `balance` fen. The house
    accounts of `UNITS` are open."""
    _Planting(office, account, office.today(now)).plant(balance)


class _Planting:
    def __init__(self, office: BackOffice, account: str, today: date) -> None:
        self._office = office
        self._account = account
        self._today = today
        self._ids: dict[str, tuple[str, Currency]] = {}

    def plant(self, balance: int) -> None:
        companies = Companies(self._office)
        for one in ACCOUNTS:
            unit = currency(one.code)
            ident = companies.add_account(self._account, one.sub, unit)
            self._ids[one.sub] = ident, unit
            opening = one.opening or balance - _net(one.sub)
            self._cash(f"opening:{ident}", "opening", ident, opening, OPENING_DAYS)
        for number, event in enumerate(EVENTS):
            if event.kind == REMITTANCE:
                self._remit(event)
            else:
                ident, _unit = self._ids[event.sub]
                self._cash(f"past:{ident}:{number}", event.kind, ident, event.minor, event.days_ago)

    def _cash(self, key: str, kind: str, ident: str, minor: int, days_ago: int) -> None:
        unit = self._office.ledger.unit(ident)
        self._post(key, kind, (VAULT.format(unit.code), ident), minor, days_ago)

    def _post(self, key: str, kind: str, way: Way, minor: int, days_ago: int) -> None:
        day = self._today - timedelta(days=days_ago)
        legs = [Leg(way[0], -minor), Leg(way[1], minor)]
        self._office.ledger.post(key, kind, legs, day, datetime.combine(day, NOON))

    def _remit(self, event: Event) -> None:
        ident, unit = self._ids[event.sub]
        clearing, transit = CLEARING.format(unit.code), TRANSIT.format(unit.code)
        key, ago, minor = self._written(event, ident), event.days_ago, event.minor
        if minor > 0:
            # What has not come, or was sent back, is in no account of the company's.
            if event.state == DONE:
                self._post(key, REMITTANCE, (clearing, ident), minor, ago)
            return
        self._post(key, REMITTANCE, (transit, ident), minor, ago)
        if event.state == DONE:
            self._post(f"{key}:sent", REMITTED, (transit, clearing), -minor, ago)
        elif event.state == BACK:
            self._post(f"{key}:returned", RETURNED, (transit, ident), -minor, ago - RETURN_DAYS)

    def _written(self, event: Event, ident: str) -> str:
        """Its row, whose number is in the keys of its postings."""
        day = self._today - timedelta(days=event.days_ago)
        direction = INWARD if event.minor > 0 else OUTWARD
        number = self._office.db.execute(
            "INSERT INTO remittance (company_account, business_date, direction, minor, state)"
            " VALUES (?, ?, ?, ?, ?)",
            (ident, day.isoformat(), direction, abs(event.minor), event.state),
        ).lastrowid
        return f"remit:{number}"


def _net(sub: str) -> int:
    """What the events changed of an account, in minor units."""
    return sum(
        one.minor
        for one in EVENTS
        if one.sub == sub
        and one.state != BACK
        and not (one.kind == REMITTANCE and one.minor > 0 and one.state == PENDING)
    )
