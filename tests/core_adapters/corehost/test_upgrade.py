"""A bank that an earlier program made is brought up: its money and its orders stay as they were."""

import csv
import io
import sqlite3
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from core_adapters.corehost import house as house_file
from core_adapters.corehost.bank import Balances, Quote, TransferOrder
from core_adapters.corehost.house import House, day_file, findings, open_house
from core_adapters.corehost.pins import PinAnswer
from core_adapters.corehost.products.bills import claims
from core_adapters.corehost.products.bills.billers import Biller, load_billers
from core_adapters.corehost.products.bonds.holdings import Bonds
from core_adapters.corehost.products.cards.uses import CardUses
from core_adapters.corehost.products.cheques.books import ChequeBooks
from core_adapters.corehost.products.contacts import mail_of, mobile_of
from core_adapters.corehost.products.exchange.accounts import FxAccounts
from core_adapters.corehost.products.loans.accounts import Loans
from core_adapters.corehost.products.securities.funds import funds_of
from core_adapters.corehost.refusal import Refusal
from core_adapters.corehost.rules import Rules
from core_adapters.corehost.seed import DEMO, NEWCOMERS, demo_cards
from core_adapters.corehost.totals import day_totals
from transactions.money import Money, currency
from transactions.ports import Tally

NOON = datetime(2026, 2, 28, 4, tzinfo=UTC)
DAY = date(2026, 2, 28)
CNY = currency("CNY")
VERSION_2 = Path(__file__).with_name("version2.sql")
"""Three demo customers; 6,000.00 moved for 6.00, 1.00 moved and undone, 0.05 quoted."""
TO_VERSION_1 = (
    "DROP TABLE business_day",
    "ALTER TABLE transfer DROP COLUMN reference",
    "ALTER TABLE transfer DROP COLUMN service",
    "ALTER TABLE message DROP COLUMN reversed_on",
    "DROP INDEX posting_date",
    "PRAGMA user_version = 1",
)


def made_before(folder: Path, version: int) -> Path:
    """A data folder as a program of that version left it."""
    db = sqlite3.connect(folder / "bank.sqlite3", isolation_level=None)
    db.executescript(VERSION_2.read_text(encoding="utf-8"))
    for statement in TO_VERSION_1 if version == 1 else ():
        db.execute(statement)
    db.close()
    return folder


def tables_of(house: House) -> set[str]:
    rows = house.db.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
    marks = str.maketrans({",": " , ", "(": " ( ", ")": " ) ", '"': ""})
    return {" ".join(row[0].translate(marks).split()) for row in rows}


@pytest.mark.parametrize("version", [1, 2])
def test_money_and_orders_stay_and_products_come(tmp_path: Path, version: int) -> None:
    house = open_house(made_before(tmp_path, version), Rules(), NOON)
    assert not house.created
    ledger, deposits = house.bank.ledger, house.bank.deposits.deposits
    assert ledger.balance(DEMO[0].account) == Money(1_268_050 - 600_600, CNY)
    assert ledger.balance(DEMO[1].account) == Money(8_800_000 + 600_000, CNY)
    assert len(deposits.of_account(DEMO[0].account)) == 7
    assert deposits.of_account(DEMO[3].account) == []  # not a customer of this bank
    assert_invested(house)
    assert day_totals(house.db, DAY, CNY).debits == Tally(2, 600_100)
    assert day_totals(house.db, DAY, CNY).debit_reversals == Tally(1, 100)
    house.close()
    assert findings(tmp_path) == []
    out = io.StringIO()
    day_file(tmp_path, DAY, out)
    rows = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [(row["amount"], row["status"]) for row in rows] == [
        ("600000", "posted"),
        ("100", "reversed"),
    ]


def assert_invested(house: House) -> None:
    """The first customer has some of everything, and the bank has its company."""
    office, account = house.bank.office, DEMO[0].account
    assert len(Loans(house.db).of_account(account)) == 2
    assert len(Bonds(house.db).of_account(account)) == 4
    assert len(FxAccounts(house.db).of_account(account)) == 6
    assert funds_of(office, account) is not None
    company = house.bank.balances(DEMO[-1].card)
    assert isinstance(company, Balances)
    assert company.available.minor == DEMO[-1].balance


def test_a_bank_with_deposits_keeps_them_and_gets_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(house_file, "SCHEMA_VERSION", 4)
        old = open_house(made_before(tmp_path, 2), Rules(), NOON)
        assert "loan" not in named(old)
        held = old.bank.deposits.deposits.of_account(DEMO[0].account)
        old.close()
    (tmp_path / "demo-cards.json").write_text("[]")
    house = open_house(tmp_path, Rules(), NOON + timedelta(days=1))
    assert house.bank.deposits.deposits.of_account(DEMO[0].account) == held
    assert_invested(house)
    house.close()
    assert findings(tmp_path) == []
    # Its PIN is where the others' are.
    shown = {card for card, _pin, _holder, _held in demo_cards(tmp_path / "demo-cards.json")}
    assert DEMO[-1].card in shown
    open_house(tmp_path, Rules(), NOON).close()
    assert findings(tmp_path) == []


def test_a_bank_of_version_5_gets_its_newcomers_and_keeps_its_money(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(house_file, "SCHEMA_VERSION", 5)
        earlier.setattr(claims, "load_billers", billers_but_gas)
        old = open_house(made_before(tmp_path, 2), Rules(), NOON)
        assert not named(old) & {"card_use", "contact", "cheque", "account_name"}
        held = {one.card: old.bank.balances(one.card) for one in DEMO if not one.newcomer}
        assert old.bank.balances(NEWCOMERS[0].card) is Refusal.BAD_CARD
        old.close()
    (tmp_path / "demo-cards.json").write_text("[]")
    house = open_house(tmp_path, Rules(), NOON + timedelta(days=1))
    assert {card: house.bank.balances(card) for card in held} == held
    assert_served(house)
    house.close()
    assert findings(tmp_path) == []
    shown = {card for card, _pin, _holder, _held in demo_cards(tmp_path / "demo-cards.json")}
    assert {one.card for one in NEWCOMERS} <= shown


def test_a_bank_of_version_6_gets_mail_addresses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as earlier:
        earlier.setattr(house_file, "SCHEMA_VERSION", 6)
        old = open_house(made_before(tmp_path, 2), Rules(), NOON)
        assert "mailbox" not in named(old)
        old.close()
    house = open_house(tmp_path, Rules(), NOON + timedelta(days=1))
    assert mail_of(house.db, DEMO[0].card) == f"c{DEMO[0].card[6:15]}@example.com"
    house.close()


def test_one_customer_of_a_new_bank_gave_no_mail_address(tmp_path: Path) -> None:
    house = open_house(tmp_path, Rules(), NOON)
    known = {one.card: mail_of(house.db, one.card) for one in DEMO}
    assert [card for card, address in known.items() if address is None] == [DEMO[4].card]
    house.close()


def billers_but_gas() -> tuple[Mapping[str, Biller], int]:
    table, late = load_billers()
    return {name: one for name, one in table.items() if name != "gas"}, late


def assert_served(house: House) -> None:
    """Everybody has his number, bills of the newest biller, his cheques, and his card's state."""
    now, db, office = NOON + timedelta(days=1), house.db, house.bank.office
    (first, _unenrolled, inactive, drawer) = (one.card for one in NEWCOMERS)
    for card in (DEMO[0].card, first):
        assert mobile_of(db, card) == f"100{card[7:15]}"
        assert mail_of(db, card) == f"c{card[6:15]}@example.com"
        assert claims.Bills(office).known("gas", f"77{card[7:15]}")
    pins = house.bank.pins
    tries = [pins.try_pin(one.card, one.pin, DAY + timedelta(days=1)) for one in NEWCOMERS]
    assert tries == [PinAnswer.FIRST_USE, PinAnswer.WRONG, PinAnswer.RIGHT, PinAnswer.RIGHT]
    uses = CardUses(office)
    assert [uses.restricted(card, now) for card in (DEMO[0].card, inactive, drawer)] == [
        None,
        Refusal.RESTRICTED,
        None,
    ]
    for account in (NEWCOMERS[-1].account, DEMO[-1].account):
        found = ChequeBooks(office).find(account, "10020003")
        assert not isinstance(found, Refusal)
        assert found.state == "stopped"


def named(house: House) -> set[str]:
    return {name for (name,) in house.db.execute("SELECT name FROM sqlite_master")}


def test_an_old_order_is_undone_once_and_gives_its_day_back(tmp_path: Path) -> None:
    house = open_house(made_before(tmp_path, 2), Rules(), NOON)
    tomorrow, key = NOON + timedelta(days=1), "2026-02-28/TB010001/000001/0228040000"
    assert house.bank.undo(key, tomorrow)
    assert not house.bank.undo(key, tomorrow)
    assert house.bank.ledger.balance(DEMO[0].account).minor == DEMO[0].balance
    house.close()
    assert findings(tmp_path) == []


def test_an_upgraded_bank_has_the_tables_of_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    old = open_house(made_before(tmp_path / "old", 2), Rules(), NOON)
    new = open_house(tmp_path / "new", Rules(), NOON)
    assert tables_of(old) == tables_of(new)
    quote = old.bank.quote(DEMO[0].card, DEMO[1].card, Money(100, CNY), NOON)
    assert isinstance(quote, Quote)
    order = TransferOrder("k", DEMO[0].card, DEMO[1].card, Money(100, CNY), quote.fee, quote.id)
    assert isinstance(old.bank.transfer(order, NOON), Balances)
    old.close()
    new.close()


def test_an_upgrade_that_breaks_off_changed_nothing_and_begins_again(tmp_path: Path) -> None:
    made_before(tmp_path, 2)
    db = sqlite3.connect(tmp_path / "bank.sqlite3", isolation_level=None)
    db.execute("CREATE TABLE bill_charge (in_the_way TEXT)")  # the last table of the upgrade
    with pytest.raises(sqlite3.OperationalError):
        open_house(tmp_path, Rules(), NOON)
    assert db.execute("PRAGMA user_version").fetchone() == (3,)
    assert db.execute("SELECT COUNT(*) FROM transfer").fetchone() == (2,)
    db.execute("DROP TABLE bill_charge")
    db.close()
    house = open_house(tmp_path, Rules(), NOON)
    assert len(house.bank.deposits.deposits.of_account(DEMO[0].account)) == 7
    house.close()
    assert findings(tmp_path) == []
