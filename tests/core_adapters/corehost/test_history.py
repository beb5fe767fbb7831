"""What an account's entries are called; which are today's, recent, or not yet posted."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from core_adapters.corehost.bank import Balances, Quote, TransferOrder
from core_adapters.corehost.house import House, findings, open_house
from core_adapters.corehost.products.history import (
    RECENT,
    Entry,
    entries,
    unposted,
    word,
)
from core_adapters.corehost.rules import Rules
from core_adapters.corehost.seed import DEMO
from transactions.money import Money, currency

NOON = datetime(2026, 2, 28, 4, tzinfo=UTC)
DAY = date(2026, 2, 28)
CNY = currency("CNY")
ONE, TWO = DEMO[0], DEMO[1]
ALL = 1000


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = open_house(tmp_path / "bank", Rules(), NOON)
    yield opened
    opened.close()


def recent(house: House, account: str, now: datetime = NOON) -> list[Entry]:
    since = house.bank.office.today(now) - RECENT
    return list(entries(house.db, account, since, 0, ALL))


def test_the_first_customer_has_a_past_of_forty_entries(house: House) -> None:
    past = recent(house, ONE.account)
    assert len(past) == 40
    assert past[0].on == DAY
    assert past[0].balance == ONE.balance + 33_300
    assert all(newer.on >= older.on for newer, older in pairwise(past))
    assert all(
        newer.balance == older.balance + newer.minor
        for newer, older in pairwise(past)
        if older.balance is not None
    )
    assert all(one.balance is not None and one.balance >= 0 for one in past)
    assert {one.what for one in past} == {
        "salary",
        "withdrawal",
        "purchase",
        "payment",
        "deposit",
        "fee",
        "refund",
        "interest",
    }
    assert findings(house.folder) == []


def test_every_customer_has_what_his_card_says(house: House) -> None:
    for one in DEMO:
        balances = house.bank.balances(one.card)
        if isinstance(balances, Balances):
            assert balances.available.minor == one.balance
            lowest = min((each.balance or 0 for each in recent(house, one.account)), default=0)
            assert lowest >= 0
    assert [one.what for one in unposted(house.db, ONE.account, 0, ALL)] == [
        "withdrawal",
        "purchase",
    ]
    assert recent(house, DEMO[5].account) == []


def test_a_transfer_and_its_reversal_have_a_word_on_both_sides(house: House) -> None:
    tomorrow = NOON + timedelta(days=1)
    quote = house.bank.quote(ONE.card, TWO.card, Money(600_000, CNY), NOON)
    assert isinstance(quote, Quote)
    order = TransferOrder("k", ONE.card, TWO.card, Money(600_000, CNY), quote.fee, quote.id)
    assert isinstance(house.bank.transfer(order, NOON), Balances)
    house.bank.undo("k", tomorrow)
    told = [
        [(one.what, one.minor) for one in recent(house, who.account, tomorrow)[:2]]
        for who in (ONE, TWO)
    ]
    assert told == [
        [("refund", 600_600), ("transfer_out", -600_600)],
        [("other", -600_000), ("transfer_in", 600_000)],
    ]
    today = entries(house.db, ONE.account, DAY + timedelta(days=1), 0, ALL)
    assert [one.what for one in today] == ["refund"]


def test_recent_entries_are_of_ninety_days(house: House) -> None:
    ages = [(DAY - one.on).days for one in recent(house, ONE.account)]
    assert max(ages) <= 90
    later = NOON + timedelta(days=60)
    assert len(recent(house, ONE.account, later)) == 16


def test_a_page_begins_where_the_one_before_ended(house: House) -> None:
    whole, before = recent(house, ONE.account), 0
    gathered: list[Entry] = []
    while page := entries(house.db, ONE.account, DAY - RECENT, before, 7):
        gathered += page
        before = page[-1].number
    assert gathered == whole
    first, second = (unposted(house.db, ONE.account, at, 1) for at in (0, 2))
    assert [one.what for one in (*first, *second)] == ["withdrawal", "purchase"]


@pytest.mark.parametrize(
    ("kind", "minor", "said"),
    [
        ("deposit_place", -1, "transfer_out"),
        ("deposit_draw", 1, "transfer_in"),
        ("bill_payment", -1, "payment"),
        ("something_new", 1, "other"),
        ("opening", 1, "deposit"),
    ],
)
def test_every_kind_of_posting_has_a_word(kind: str, minor: int, said: str) -> None:
    assert word(kind, minor) == said
