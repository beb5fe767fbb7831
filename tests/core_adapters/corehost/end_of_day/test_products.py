"""What each product does when a business date ends, against figures worked out by hand."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from core_adapters.corehost.ledger import transaction
from core_adapters.corehost.products.bonds.holdings import Bonds
from core_adapters.corehost.products.deposits.accounts import Deposits
from core_adapters.corehost.products.exchange.accounts import FxAccounts
from core_adapters.corehost.products.history import entries
from core_adapters.corehost.products.loans.accounts import Loans
from support.bank_services import ACCOUNT
from support.ending_bank import DayBank
from transactions.money import Money, currency

MARCH = date(2026, 3, 2)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[DayBank]:
    opened = DayBank(tmp_path / "bank.sqlite3", MARCH)
    yield opened
    assert opened.findings() == []
    opened.close()


def held(bank: DayBank, sub: str) -> int:
    found = Deposits(bank.db).find(ACCOUNT, sub)
    return found.held if found else 0


def test_nothing_is_done_for_days_before_the_bank(bank: DayBank) -> None:
    assert [one.day for one in bank.ended()] == [date(2026, 3, 1)]
    assert bank.ended()[0].lines == []


def test_savings_earn_on_what_each_day_leaves_and_are_paid_the_day_after(bank: DayBank) -> None:
    sub = bank.deposit("savings", "", 1_000_000, "0.35")
    ident = f"D{ACCOUNT}{sub}"
    bank.pass_to(date(2026, 3, 12))
    with transaction(bank.db):
        bank.cash("more", ident, 500_000, bank.day)
    bank.pass_to(date(2026, 3, 20))
    assert held(bank, sub) == 1_500_000
    bank.pass_to(date(2026, 3, 21))
    # 2 to 20 March are 19 days, 12 to 20 March 9: 10,000.00 x 19 + 5,000.00 x 9 = 235,000.00 yuan
    # times days, at 0.35 per cent of 360 days: 2.2847.
    assert held(bank, sub) == 1_500_228
    (paid,) = entries(bank.db, ident, date(2026, 3, 21), 0, 9)
    assert (paid.on, paid.what, paid.minor) == (date(2026, 3, 21), "interest", 228)
    bank.pass_to(date(2026, 6, 21))
    # 21 March to 20 June are 92 days: 15,002.28 x 92 x 0.0035 / 360 = 13.4187.
    assert held(bank, sub) == 1_500_228 + 1_342


def test_demand_money_of_one_currency_counts_together(bank: DayBank) -> None:
    usd, jpy = currency("USD"), currency("JPY")
    first = bank.foreign(Money(250_000, usd), "", "0.05")
    second = bank.foreign(Money(48_050, usd), "", "0.05")
    yen = bank.foreign(Money(10_000_000, jpy), "", "0.01")
    bank.pass_to(date(2026, 3, 21))
    # 2,980.50 x 19 x 0.0005 / 360 = 0.0787; 10,000,000 x 19 x 0.0001 / 360 = 52.78, no decimals.
    assert (bank.balance(first), bank.balance(second)) == (250_008, 48_050)
    assert bank.balance(yen) == 10_000_053


def test_a_time_deposit_is_renewed_with_its_interest_when_its_last_day_ends(bank: DayBank) -> None:
    sub = bank.deposit("time", "m3", 1_000_000, "1.50")
    bank.pass_to(date(2026, 6, 2))
    assert held(bank, sub) == 1_000_000
    bank.pass_to(date(2026, 6, 3))
    found = Deposits(bank.db).find(ACCOUNT, sub)
    assert found is not None
    # 10,000.00 x 3 months x 1.50 / 1,200 = 37.50; the new term has the rate of the day, 1.10.
    assert (found.held, found.opened, str(found.rate)) == (1_003_750, date(2026, 6, 2), "1.10")
    assert found.matures == date(2026, 9, 2)
    bank.pass_to(date(2026, 9, 3))
    # 10,037.50 x 3 x 1.10 / 1,200 = 27.6031.
    assert held(bank, sub) == 1_003_750 + 2_760


def test_what_matured_before_the_bank_kept_this_book_stays(bank: DayBank) -> None:
    matured = Deposits(bank.db).find(ACCOUNT, "0003")
    bank.pass_to(date(2026, 3, 30))
    assert matured is not None
    assert matured == Deposits(bank.db).find(ACCOUNT, "0003")


def test_notice_deposits_go_on_in_rounds_of_their_days(bank: DayBank) -> None:
    sub = bank.deposit("notice", "d7", 10_000_000, "1.35")
    bank.pass_to(date(2026, 3, 9))
    assert held(bank, sub) == 10_000_000
    bank.pass_to(date(2026, 3, 10))
    # 100,000.00 x 7 x 0.0135 / 360 = 26.25.
    assert held(bank, sub) == 10_002_625
    bank.pass_to(date(2026, 3, 17))
    # 100,026.25 x 7 x 0.0135 / 360 = 26.2569.
    assert held(bank, sub) == 10_005_251


def test_an_instalment_goes_to_the_card_with_its_interest(bank: DayBank) -> None:
    sub = bank.deposit("instalment", "y1", 50_000, "1.10", 50_000)
    ident = f"D{ACCOUNT}{sub}"
    for month in range(1, 12):
        day = date(2026 + (2 + month) // 12, (2 + month) % 12 + 1, 2)
        bank.pass_to(day)
        with transaction(bank.db):
            bank.cash(f"pay:{month}", ident, 50_000, day)
    bank.pass_to(date(2027, 3, 2))
    before = bank.held
    bank.pass_to(date(2027, 3, 3))
    # Days to maturity of the twelve payments: 365, 334, 304, 273, 243, 212, 181, 151, 120, 90, 59,
    # 28: 2,360. 500.00 x 2,360 x 0.011 / 360 = 36.0556.
    gone = [line for line in bank.told("deposit_matured") if line[0] == date(2027, 3, 2)]
    assert gone == [(date(2027, 3, 2), 1, 600_000)]
    assert Deposits(bank.db).find(ACCOUNT, sub) is None
    assert bank.held - before == 600_000 + 3_606


def test_foreign_term_deposits_are_rolled_over(bank: DayBank) -> None:
    ident = bank.foreign(Money(600_000, currency("USD")), "m1", "0.30")
    bank.pass_to(date(2026, 4, 3))
    found = next(one for one in FxAccounts(bank.db).of_account(ACCOUNT) if one.id == ident)
    # 6,000.00 x 1 x 0.30 / 1,200 = 1.50; from then on 0.20 a year.
    assert (found.held.minor, found.opened) == (600_150, date(2026, 4, 2))
    assert str(found.rate) == "0.20"


def test_a_bond_is_redeemed_to_the_card(bank: DayBank) -> None:
    (bond,) = [one for one in Bonds(bank.db).of_account(ACCOUNT) if one.issue == "saving_y5"]
    end = bond.terms.matures
    assert end == date(2030, 12, 2)
    bank.pass_to(end, skipping=True)
    before = bank.held
    bank.pass_to(date(2030, 12, 3))
    # 2,000.00 for five years at 2.50.
    assert bank.held - before == 200_000 + 25_000
    assert bond.id not in {one.id for one in Bonds(bank.db).of_account(ACCOUNT)}


def test_loans_are_told_each_month_and_when_they_are_overdue(bank: DayBank) -> None:
    (loan,) = [one for one in Loans(bank.db).of_account(ACCOUNT) if one.principal == 1_000_000]
    assert (loan.opened, loan.matures) == (date(2025, 10, 2), date(2026, 10, 2))
    bank.pass_to(date(2026, 3, 21))
    (item,) = bank.db.execute(
        "SELECT minor, posted FROM day_item WHERE subject = ? AND what = 'loan_interest'",
        (loan.id,),
    ).fetchall()
    # 21 February to 20 March are 28 days: 10,000.00 x 28 x 0.0435 / 360 = 33.83, between two
    # roundings: 170 days are 205.42 and 142 days 171.58.
    assert item == (3_384, 0)
    bank.pass_to(date(2026, 10, 3))
    assert bank.told("loan_overdue") == [(date(2026, 10, 2), 1, 1_000_000)]


def test_bills_of_the_month_come_on_the_first_and_once(bank: DayBank) -> None:
    for biller in bank.bills.table.values():
        with transaction(bank.db):
            bank.bills.subscribe(biller.name, "5550001")
    bank.pass_to(date(2026, 3, 31))
    assert bank.db.execute("SELECT COUNT(*) FROM bill").fetchone() == (0,)
    bank.pass_to(date(2026, 4, 2))
    rows = bank.db.execute(
        "SELECT biller, month, due_on, minor FROM bill ORDER BY biller"
    ).fetchall()
    assert [row[:3] for row in rows] == [
        (name, "2026-03-01", "2026-04-16") for name in sorted(bank.bills.table)
    ]
    for name, _month, _due, minor in rows:
        charged = bank.bills.table[name].charged("5550001", date(2026, 3, 1))
        assert minor == sum(part for _what, part in charged)
    (told,) = [one for one in bank.told("bills") if one[0] == date(2026, 3, 31)]
    assert told[1:] == (len(rows), sum(row[3] for row in rows))
