"""Deterministic, plainly fictional data: the demo's customers, and sixty more for the tests."""

import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from core_adapters.corehost.bank import Bank
from core_adapters.corehost.pins import SALT_BYTES, Pins
from core_adapters.corehost.products.bills.claims import Bills
from core_adapters.corehost.products.bonds import holdings as bonds
from core_adapters.corehost.products.exchange import deals as fx_deals
from core_adapters.corehost.products.loans import accounts as loans
from core_adapters.corehost.products.plantings import companies as company_planting
from core_adapters.corehost.products.plantings import exchange as fx_planting
from core_adapters.corehost.products.plantings.accounts import (
    FULL,
    SMALL,
    Portfolio,
    plant_account,
    plant_bills,
    plant_deposits,
)
from core_adapters.corehost.products.plantings.bonds import bonds_of, plant_bonds
from core_adapters.corehost.products.plantings.customers import (
    plant_card_use,
    plant_cheques,
    plant_mailbox,
    plant_mobile,
)
from core_adapters.corehost.products.plantings.loans import credit_of, plant_loans
from core_adapters.corehost.products.plantings.operators import (
    open_payment_accounts,
    plant_company_loan,
    plant_people,
)
from core_adapters.corehost.products.plantings.securities import funds_for, plant_funds
from core_adapters.corehost.rules import identity_digits
from transactions.card import luhn_valid
from transactions.money import Currency, Money, currency

BIN = "622700"
TEST_CARDS = 60
TEST_BALANCE = 1_000_000
"""Fen on each ordinary test card: 10,000.00."""
COMPANY_BALANCE = 50_000_000
"""Fen on the test company's card: 500,000.00."""

State = Literal[
    "open",
    "locked",
    "hot",
    "no_account",
    "closed",
    "first_use",
    "unenrolled",
    "inactive",
    "no_mobile",
    "operator",
]


NO_ACCOUNT: frozenset[State] = frozenset({"no_account", "operator"})
NO_MONEY: frozenset[State] = NO_ACCOUNT | {"closed"}
"""States of cards without an account, and without anything in it."""


@dataclass(frozen=True, slots=True)
class SeedCard:
    """One customer with one card and its account; `balance` is what is available, in fen."""

    card: str
    pin: str = field(repr=False)
    holder: str
    identity: str
    """The end of the identity number; callers are asked for its last four digits (`rules`)."""
    balance: int
    state: State = "open"
    bare: bool = False
    """The card and its balance only: no past, no deposits, no bills, no investments."""
    company: bool = False
    """The holder is a company, with accounts and remittances instead of products."""
    cheques: bool = False
    """The account has a cheque book; a company's has one anyway."""
    no_mail: bool = False
    """The bank has no mail address of the holder."""
    newcomer: bool = False
    """Banks of a version before cheques and blocked cards get this customer when they are brought
    up."""

    @property
    def account(self) -> str:
        """The account number: fourteen digits made of the card's."""
        return f"0100{self.card[6:18]}"


def card_number(serial: int) -> str:
    """A sixteen-digit number under the test BIN with its check digit (ISO/IEC 7812-1)."""
    body = f"{BIN}{serial:09d}"
    return next(body + digit for digit in "0123456789" if luhn_valid(body + digit))


def _digits(text: str, size: int) -> str:
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big")
    return str(number)[-size:].rjust(size, "1")


NEWCOMERS: Sequence[SeedCard] = (
    SeedCard(card_number(100_011), "840263", "王初初", "2071", 450_000, "first_use"),
    SeedCard(card_number(100_012), "951374", "冯新新", "3182", 620_000, "unenrolled"),
    SeedCard(card_number(100_013), "062485", "褚待待", "4293", 380_000, "inactive"),
    SeedCard(card_number(100_014), "173596", "卫票票", "5304", 2_500_000, cheques=True),
)
"""A PIN to be changed, none yet, a card not active, and cheques."""
PEOPLE: Sequence[SeedCard] = (
    SeedCard(card_number(100_021), "284617", "示例商贸经办", "6015", 0, "operator"),
    SeedCard(card_number(100_022), "395728", "示例商贸审批甲", "7126", 0, "operator"),
    SeedCard(card_number(100_023), "406839", "示例商贸审批乙", "8237", 0, "operator"),
    SeedCard(card_number(100_024), "517940", "示例商贸查询", "9348", 0, "operator"),
)
"""Who act for the demo's company, in the order of `plantings.operators.ROLES`."""
DEMO: Sequence[SeedCard] = (
    SeedCard(card_number(100_001), "246813", "林晓月", "4021", 1_268_050),
    SeedCard(card_number(100_002), "135792", "陈大海", "3705X", 8_800_000),
    SeedCard(card_number(100_003), "864209", "周小溪", "1180", 356_700),
    SeedCard(card_number(100_004), "975310", "吴青山", "2236", 15_000_000),
    SeedCard(card_number(100_005), "420864", "郑白云", "3349", 99, no_mail=True),
    SeedCard(card_number(100_006), "531975", "孙空空", "4452", 0),
    SeedCard(card_number(100_007), "618293", "钱锁锁", "5561", 500_000, "locked"),
    SeedCard(card_number(100_008), "729304", "赵失失", "6678", 700_000, "hot"),
    *(replace(one, newcomer=True) for one in (*NEWCOMERS, *PEOPLE)),
    SeedCard(card_number(100_009), "840517", "示例商贸有限公司", "7782", 86_541_200, company=True),
)
"""The first two are shown by `telebank run`; then some more, one without a mail address, an empty
account, a locked card and a lost one; the newcomers; the company's people, and the company last."""
SHOWN = 2


NEW_STATES: Sequence[tuple[int, State]] = (
    (911, "first_use"),
    (912, "unenrolled"),
    (913, "inactive"),
    (914, "no_mobile"),
    *((serial, "operator") for serial in range(921, 925)),
)


def trial_set() -> list[SeedCard]:
    """Sixty ordinary cards with twelve-digit PINs, then one of each special kind and a company."""
    ordinary = [_test_card(n, TEST_BALANCE, "open") for n in range(1, TEST_CARDS + 1)]
    special = [
        _test_card(901, 0, "open"),
        _test_card(902, TEST_BALANCE, "locked"),
        _test_card(903, TEST_BALANCE, "hot"),
        _test_card(904, 0, "no_account"),
        _test_card(905, TEST_BALANCE, "closed"),
        *(replace(_test_card(n, TEST_BALANCE, state), newcomer=True) for n, state in NEW_STATES),
        replace(_test_card(915, TEST_BALANCE, "open"), cheques=True, newcomer=True),
        replace(_test_card(906, COMPANY_BALANCE, "open"), company=True),
    ]
    return ordinary + special


def _test_card(serial: int, balance: int, state: State) -> SeedCard:
    number = card_number(900_000_000 + serial)
    pin = _digits(f"telebank test pin {serial}", 12)
    identity = _digits(f"telebank test identity {serial}", 4)
    return SeedCard(number, pin, f"测试客户{serial}", identity, balance, state)


def plant(
    db: sqlite3.Connection, bank: Bank, pins: Pins, cards: Sequence[SeedCard], now: datetime
) -> None:
    """Write customers, cards and opening balances; the caller brings the transaction."""
    unit = currency("CNY")
    open_house(bank, unit)
    open_investments(bank, unit)
    for one in cards:
        _plant_customer(db, bank, pins, one, now)
    plant_products(bank, cards, now)
    plant_investments(bank, cards, now)
    plant_services(bank, cards, now)
    plant_mailboxes(bank, cards)


def _plant_customer(
    db: sqlite3.Connection, bank: Bank, pins: Pins, one: SeedCard, now: datetime
) -> None:
    (known,) = db.execute("SELECT COUNT(*) FROM customer").fetchone()
    customer = f"C{known + 1:06d}"
    identity = identity_digits(one.identity)
    db.execute("INSERT INTO customer VALUES (?, ?, ?)", (customer, one.holder, identity))
    _plant_account(db, bank, one, customer, now)
    _plant_card(db, pins, one, customer, now)


def open_house(bank: Bank, unit: Currency) -> None:
    """Open the bank's own accounts in a currency."""
    bank.office.open_house_accounts(unit)
    Bills(bank.office).open_accounts(unit)


def open_investments(bank: Bank, unit: Currency) -> None:
    """Open the bank's own accounts of what came after deposits and bills."""
    loans.open_accounts(bank.office, unit)
    bonds.open_accounts(bank.office, unit)
    fx_deals.open_accounts(bank.office)
    company_planting.open_accounts(bank.office)


def plant_products(bank: Bank, cards: Sequence[SeedCard], now: datetime) -> None:
    """Deposits and bills of those of the cards that have money."""
    for one in cards:
        portfolio = portfolio_of(one)
        if portfolio is not None:
            plant_deposits(bank.office, one.account, portfolio, now)
            plant_bills(bank.office, one.card, now)


def plant_investments(bank: Bank, cards: Sequence[SeedCard], now: datetime) -> None:
    """Loans, bonds, foreign currency and securities funds of those who have deposits."""
    office = bank.office
    for one in cards:
        if portfolio_of(one) is None:
            continue
        place = DEMO.index(one) if one in DEMO else len(DEMO)
        plant_loans(office, one.account, credit_of(place), now)
        plant_bonds(office, one.account, bonds_of(place), now)
        foreign = fx_planting.SMALL if place else fx_planting.FULL
        fx_planting.plant_foreign(office, one.account, foreign, now)
        plant_funds(office, one.account, funds_for(place), now)


def plant_newest_bills(bank: Bank, cards: Sequence[SeedCard], now: datetime) -> None:
    """Bills of the billers that these customers are not subscribers of yet."""
    for one in cards:
        if portfolio_of(one) is not None:
            plant_bills(bank.office, one.card, now)


def plant_services(bank: Bank, cards: Sequence[SeedCard], now: datetime) -> None:
    """Mobile numbers, cheques, and what the cards may be used for."""
    for one in cards:
        if one.state != "no_mobile":
            plant_mobile(bank.office, one.card)
        plant_card_use(bank.office, one.card, one.state)
        if one.cheques or one.company:
            plant_cheques(bank.office, one.account, paid=one.cheques, now=now)
    open_payment_accounts(bank.office)
    _plant_people(bank, cards, now)


def plant_mailboxes(bank: Bank, cards: Sequence[SeedCard]) -> None:
    """Mail addresses of all but those who gave none."""
    for one in cards:
        if not one.no_mail and one.state != "no_mobile":
            plant_mailbox(bank.office, one.card)


def _plant_people(bank: Bank, cards: Sequence[SeedCard], now: datetime) -> None:
    """Who act for the company among these customers, and its loan."""
    people = [one.card for one in cards if one.state == "operator"]
    for company in [one for one in cards if one.company and people]:
        plant_people(bank.office, company.account, people)
        plant_company_loan(bank.office, company.account, now)


def plant_missing(
    db: sqlite3.Connection, bank: Bank, wanted: Callable[[SeedCard], bool], now: datetime
) -> list[SeedCard]:
    """Give an older bank those of its customers that it was made without; returns them."""
    known = {number for (number,) in db.execute("SELECT number FROM card")}
    sets = [cards for cards in (DEMO, trial_set()) if cards[0].card in known]
    missing = [one for cards in sets for one in cards if wanted(one) and one.card not in known]
    for one in missing:
        _plant_customer(db, bank, bank.pins, one, now)
    return missing


def portfolio_of(one: SeedCard) -> Portfolio | None:
    """One of everything for the demo's first customer, less for the others; nothing for a company,
    or a customer without money or without an open account."""
    if one.bare or one.company or not one.balance or one.state in NO_MONEY:
        return None
    return FULL if one.card == DEMO[0].card else SMALL


def _plant_account(
    db: sqlite3.Connection, bank: Bank, one: SeedCard, customer: str, now: datetime
) -> None:
    if one.state in NO_ACCOUNT:
        return
    unit = currency("CNY")
    bank.ledger.open_account(one.account, unit)
    state = "closed" if one.state == "closed" else "open"
    db.execute("INSERT INTO account VALUES (?, ?, '10', ?)", (one.account, customer, state))
    if one.company:
        company_planting.plant_company(bank.office, one.account, one.balance, now)
        return
    plant_account(bank.office, one.account, one.balance, portfolio_of(one), now)


def _plant_card(
    db: sqlite3.Connection, pins: Pins, one: SeedCard, customer: str, now: datetime
) -> None:
    salt = os.urandom(SALT_BYTES)
    account = None if one.state in NO_ACCOUNT else one.account
    locked = pins.rules.wrong_pins_in_all if one.state == "locked" else 0
    db.execute(
        "INSERT INTO card (number, customer, account, salt, verifier, wrong_in_all, hot_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (
            one.card,
            customer,
            account,
            salt,
            pins.verifier(one.card, one.pin, salt),
            locked,
            now.isoformat() if one.state == "hot" else None,
        ),
    )


def write_demo_cards(path: Path, cards: Sequence[SeedCard]) -> None:
    """Write the demo's cards with their PINs, mode 0600: the demo's only, all of it fictional."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump([asdict(one) for one in cards], file, ensure_ascii=False, indent=1)
        file.write("\n")


def demo_cards(path: Path) -> list[tuple[str, str, str, str]]:
    """Read demo-cards.json: card, PIN, holder and balance (`12680.50 CNY`) of the demo's cards."""
    rows = [SeedCard(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
    unit = currency("CNY")
    return [(one.card, one.pin, one.holder, str(Money(one.balance, unit))) for one in rows]
