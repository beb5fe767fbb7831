"""A company's accounts, their entries by month, its remittances; nobody else hears of them."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from core_adapters.corehost.back_office import Holder
from core_adapters.corehost.bank import Balances
from core_adapters.corehost.house import House, findings, holdings, open_house
from core_adapters.corehost.products.companies.accounts import Companies
from core_adapters.corehost.products.history import entries
from core_adapters.corehost.refusal import Refusal
from core_adapters.corehost.rules import Rules
from core_adapters.corehost.seed import DEMO, trial_set
from transactions.money import Money, currency

NOON = datetime(2026, 2, 28, 4, tzinfo=UTC)
COMPANY = DEMO[-1]
ALL = 1000


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = open_house(tmp_path, Rules(), NOON)
    yield opened
    opened.close()


def held(house: House) -> dict[str, Money]:
    accounts = Companies(house.bank.office).accounts(COMPANY.account)
    return {one.sub: house.bank.ledger.balance(one.id) for one in accounts}


def test_one_card_of_each_set_is_a_company_s() -> None:
    assert [one.company for one in DEMO].count(True) == 1
    assert [one.company for one in trial_set()].count(True) == 1


def test_its_accounts_are_what_its_entries_come_to(house: House) -> None:
    units = {code: currency(code) for code in ("CNY", "USD", "EUR", "JPY")}
    assert held(house) == {
        "0001": Money(86_541_200, units["CNY"]),
        "0002": Money(120_000_000, units["CNY"]),
        # 85,000.00 and what came, less what went and what is on its way out.
        "0003": Money(8_500_000 + 5_000_000 + 2_745_000 - 1_820_000 - 960_000, units["USD"]),
        "0004": Money(3_200_000 + 2_100_000, units["EUR"]),
        "0005": Money(6_000_000 - 1_250_000, units["JPY"]),
    }
    balances = house.bank.balances(COMPANY.card)
    assert isinstance(balances, Balances)
    assert balances.available == balances.ledger == Money(COMPANY.balance, units["CNY"])
    names = {one.name: one.holder for one in holdings(house.folder)}
    assert names[f"{COMPANY.account}-0003"] == COMPANY.holder
    assert findings(house.folder) == []


def test_no_account_of_it_was_ever_below_nothing(house: House) -> None:
    for one in Companies(house.bank.office).accounts(COMPANY.account):
        past = entries(house.db, one.id, date.min, 0, ALL)
        assert min(each.balance or 0 for each in past) >= 0
        assert [each.on for each in past] == sorted((each.on for each in past), reverse=True)


def test_what_other_banks_sent_and_took_newest_first(house: House) -> None:
    told = Companies(house.bank.office).remittances(COMPANY.account, 0, ALL)
    assert [one.on for one in told] == sorted((one.on for one in told), reverse=True)
    assert {(one.direction, one.state) for one in told} == {
        ("inward", "done"),
        ("inward", "pending"),
        ("inward", "returned"),
        ("outward", "done"),
        ("outward", "pending"),
        ("outward", "returned"),
    }
    latest = told[0]
    assert (latest.on, latest.amount) == (date(2026, 2, 28), Money(1_200_000, currency("USD")))
    more = Companies(house.bank.office).remittances(COMPANY.account, told[4].id, ALL)
    assert [*told[:5], *more] == list(told)


def test_what_came_back_is_told_as_an_entry(house: House) -> None:
    past = entries(house.db, COMPANY.account, date(2026, 2, 1), 0, ALL, until=date(2026, 2, 28))
    assert [(one.on.day, one.what, one.minor) for one in past] == [
        (28, "payment", -732_000),
        (24, "transfer_in", 9_250_000),
        (19, "fee", -5_000),
        (18, "refund", 6_480_000),
        (16, "transfer_out", -6_480_000),
    ]


def test_a_person_is_no_company(house: House) -> None:
    companies = Companies(house.bank.office)
    assert isinstance(companies.holder(COMPANY.card), Holder)
    assert companies.holder(DEMO[0].card) is Refusal.NOT_PERMITTED
    assert companies.holder(DEMO[7].card) is Refusal.HOT_CARD
    assert companies.find(COMPANY.account, "0009") is None


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE remittance SET minor = minor + 1 WHERE state = 'done'",
        "UPDATE remittance SET state = 'pending' WHERE state = 'done' AND direction = 'inward'",
        "UPDATE remittance SET state = 'done' WHERE state = 'pending' AND direction = 'outward'",
        "UPDATE remittance SET state = 'returned' WHERE state = 'pending' AND minor = 960000",
        "DELETE FROM remittance WHERE state = 'returned'",
    ],
)
def test_the_check_finds_remittances_that_disagree(house: House, damage: str) -> None:
    house.db.execute(damage)
    assert findings(house.folder) != []
