"""Bills: what is owed, what is paid, whose number; every fen in two places."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core_adapters.corehost.back_office import FEES, VAULT, Holder
from core_adapters.corehost.ledger import Leg, transaction
from core_adapters.corehost.products.bills.billers import load_billers
from core_adapters.corehost.products.bills.claims import (
    BILLER,
    CLAIMS,
    MAX_BILLS,
    Owed,
    months_before,
    payment,
)
from core_adapters.corehost.products.orders import BILL, Agreed, Offer
from core_adapters.corehost.products.stated import word_sets
from core_adapters.corehost.refusal import Refusal
from core_adapters.corehost.seed import DEMO, card_number, trial_set
from support.bank_services import ACCOUNT, CARD, NOON, OTHER, SmallBank
from transactions.money import Money, currency

CNY = currency("CNY")
TABLE, _LATE = load_billers()
SEVEN = {"fixed_phone", "mobile_cm", "water", "electricity", "pager", "internet", "mobile_cu"}
UNSPOKEN = {"gas"}
"""For services that are added as data: no menu and no text knows it."""
DECEMBER, JANUARY, NOVEMBER = date(2025, 12, 1), date(2026, 1, 1), date(2025, 11, 1)


@pytest.fixture
def bank(tmp_path: Path) -> Iterator[SmallBank]:
    made = SmallBank(tmp_path / "bank.sqlite3")
    yield made
    made.close()


def owed(bank: SmallBank, biller: str, month: date | None = None, days: int = 0) -> Owed:
    number = TABLE[biller].number(CARD)
    found = bank.bills.owed(biller, number, month, NOON + timedelta(days=days))
    assert isinstance(found, Owed)
    return found


def offered(bank: SmallBank, what: Owed) -> tuple[Offer, str]:
    offer = payment(what, Holder(CARD, ACCOUNT, "10", "C1"))
    return offer, bank.orders.quote(offer, NOON).id


def pay(bank: SmallBank, key: str, offer: Offer, quote: str) -> Refusal | None:
    with transaction(bank.db):
        return bank.orders.post(Agreed(key, CARD, BILL, quote, offer.amount, offer.fee), NOON)


def test_the_bank_collects_for_seven_billers() -> None:
    assert TABLE.keys() == SEVEN | UNSPOKEN
    assert {name for name, one in TABLE.items() if one.fee} == {"pager"}


def test_numbers_are_made_of_the_cards_serial_and_are_nobodys() -> None:
    assert {name: one.number(CARD) for name, one in TABLE.items()} == {
        "gas": "7700100001",
        "fixed_phone": "10100001",
        "mobile_cm": "10000100001",
        "water": "8800100001",
        "electricity": "880000100001",
        "pager": "0100001",
        "internet": "9900100001",
        "mobile_cu": "12000100001",
    }


def test_no_two_customers_have_one_number() -> None:
    cards = [one.card for one in (*DEMO, *trial_set())]
    for biller in TABLE.values():
        assert len({biller.number(card) for card in cards}) == len(cards)
    assert CARD in cards


@given(serial=st.integers(0, 999_999_999), months=st.integers(0, 600))
def test_charges_are_the_same_every_time_and_within_their_bounds(serial: int, months: int) -> None:
    month = months_before(date(2026, 6, 15), months)
    for biller in TABLE.values():
        number = biller.number(card_number(serial))
        charged = biller.charged(number, month)
        assert charged == biller.charged(number, month)
        assert charged
        for what, minor in charged:
            least, most = biller.charges[what]
            assert max(1, least) <= minor <= most


def test_every_charge_and_state_has_its_word() -> None:
    words = word_sets()
    charges = {what for one in TABLE.values() for what in one.charges} | {"late"}
    assert charges - UNSPOKEN <= set(words["charge"])
    assert {"due", "overdue", "paid"} == set(words["bill"])


@pytest.mark.parametrize("biller", sorted(SEVEN))
def test_a_subscriber_hears_what_is_due_overdue_and_paid(bank: SmallBank, biller: str) -> None:
    found = owed(bank, biller)
    today = bank.office.today(NOON)
    assert [(one.month, one.state(today)) for one in found.months] == [
        (DECEMBER, "overdue"),
        (JANUARY, "due"),
        (NOVEMBER, "paid"),
    ]
    late, due, _paid = (one.minor for one in found.months)
    assert (found.amount.minor, found.arrears.minor) == (late + due, late)
    assert found.fee.minor == TABLE[biller].fee


def test_what_is_due_is_overdue_when_its_day_is_past(bank: SmallBank) -> None:
    assert owed(bank, "water", days=15).arrears < owed(bank, "water").amount
    assert owed(bank, "water", days=16).arrears == owed(bank, "water").amount


def test_one_month_alone_may_be_asked_for_and_paid(bank: SmallBank) -> None:
    both, one = owed(bank, "water"), owed(bank, "water", JANUARY)
    assert [row.month for row in one.months] == [JANUARY]
    assert one.arrears.minor == 0
    assert pay(bank, "k1", *offered(bank, one)) is None
    left = owed(bank, "water")
    assert left.amount == both.amount - one.amount
    assert left.arrears == left.amount
    number = TABLE["water"].number(CARD)
    for month in (JANUARY, NOVEMBER, date(1999, 1, 1)):
        assert bank.bills.owed("water", number, month, NOON) is Refusal.NOTHING_OWED


@pytest.mark.parametrize(
    ("biller", "number"),
    [
        ("water", TABLE["water"].number(OTHER)),
        ("water", TABLE["pager"].number(CARD)),
        ("gas", TABLE["water"].number(CARD)),
        ("water", ""),
    ],
)
def test_a_number_that_is_no_subscribers(bank: SmallBank, biller: str, number: str) -> None:
    assert bank.bills.owed(biller, number, None, NOON) is Refusal.BAD_NUMBER
    assert bank.bills.breakdown(biller, number, JANUARY) is Refusal.BAD_NUMBER


@pytest.mark.parametrize("biller", sorted(SEVEN))
def test_a_breakdown_comes_to_the_bill(bank: SmallBank, biller: str) -> None:
    number = TABLE[biller].number(CARD)
    for row in owed(bank, biller).months:
        charges = bank.bills.breakdown(biller, number, row.month)
        assert not isinstance(charges, Refusal)
        assert len(charges) <= 5
        assert sum(one.minor for _what, one in charges) == row.minor
        # Only what is long past has cost more for being late.
        assert ("late" in dict(charges)) == (row.month != JANUARY)
    assert bank.bills.breakdown(biller, number, date(2001, 1, 1)) == []


@pytest.mark.parametrize("biller", sorted(SEVEN))
def test_paying_moves_amount_and_fee_and_settles_the_claim(bank: SmallBank, biller: str) -> None:
    what = owed(bank, biller)
    before = {name: bank.balance(name.format(biller)) for name in (CLAIMS, BILLER)}
    assert before[CLAIMS] == -what.amount.minor
    assert pay(bank, "k1", *offered(bank, what)) is None
    assert bank.balance(ACCOUNT) == 1_000_000 - what.amount.minor - what.fee.minor
    assert bank.balance(FEES.format("CNY")) == what.fee.minor
    assert bank.balance(CLAIMS.format(biller)) == 0
    assert bank.balance(BILLER.format(biller)) == before[BILLER]
    number = TABLE[biller].number(CARD)
    assert bank.bills.owed(biller, number, None, NOON) is Refusal.NOTHING_OWED
    assert bank.findings() == []


def test_what_another_paid_meanwhile_is_not_paid_twice(bank: SmallBank) -> None:
    first, second = (offered(bank, owed(bank, "internet")) for _ in range(2))
    assert pay(bank, "k1", *first) is None
    held = bank.balance(ACCOUNT)
    assert pay(bank, "k2", *second) is Refusal.BAD_QUOTE
    assert pay(bank, "k3", *first) is Refusal.BAD_QUOTE
    assert bank.balance(ACCOUNT) == held
    assert bank.findings() == []


def test_part_of_it_paid_meanwhile_refuses_the_whole_and_marks_nothing(bank: SmallBank) -> None:
    whole = offered(bank, owed(bank, "internet"))
    assert pay(bank, "k1", *offered(bank, owed(bank, "internet", JANUARY))) is None
    assert pay(bank, "k2", *whole) is Refusal.BAD_QUOTE
    assert [one.month for one in owed(bank, "internet").months if not one.paid] == [DECEMBER]
    assert bank.findings() == []


def test_a_payment_undone_is_owed_again_to_the_fen(bank: SmallBank) -> None:
    what = owed(bank, "pager")
    assert pay(bank, "k1", *offered(bank, what)) is None
    with transaction(bank.db):
        assert bank.orders.undo("k1", NOON)
    assert not bank.orders.undo("k1", NOON)
    assert bank.balance(ACCOUNT) == 1_000_000
    assert bank.balance(FEES.format("CNY")) == 0
    assert owed(bank, "pager") == what
    assert bank.findings() == []
    assert pay(bank, "k2", *offered(bank, what)) is None
    assert bank.findings() == []


def test_more_than_the_account_has_is_refused_and_stays_owed(bank: SmallBank) -> None:
    what = owed(bank, "water")
    offer, quote = offered(bank, what)
    bank.post("spent", "withdrawal", -(1_000_000 - what.amount.minor + 1))
    assert bank.orders.affordable(offer.legs) is Refusal.INSUFFICIENT
    assert pay(bank, "k1", offer, quote) is Refusal.INSUFFICIENT
    assert owed(bank, "water") == what


def test_a_card_pays_bills_up_to_the_days_most(bank: SmallBank) -> None:
    """Fees do not count, a payment undone does not, and the next day begins at nothing."""
    assert bank.office.rules.bill_daily == 2_000_000
    first, second = owed(bank, "water"), owed(bank, "internet")
    most = first.amount.minor + second.amount.minor
    bank.office.rules = replace(bank.office.rules, bill_daily=most - 1)
    assert pay(bank, "k1", *offered(bank, first)) is None
    held = bank.balance(ACCOUNT)
    late, quote = offered(bank, second)
    assert pay(bank, "k2", late, quote) is Refusal.OVER_LIMIT
    assert (bank.balance(ACCOUNT), owed(bank, "internet")) == (held, second)
    with transaction(bank.db):
        assert bank.orders.undo("k1", NOON)
    assert pay(bank, "k3", late, quote) is None
    again = offered(bank, first)
    assert pay(bank, "k4", *again) is Refusal.OVER_LIMIT
    bank.office.rules = replace(bank.office.rules, bill_daily=most)
    assert pay(bank, "k5", *again) is None
    assert bank.findings() == []


def test_the_next_day_bills_are_paid_again(bank: SmallBank) -> None:
    first, second = owed(bank, "water"), owed(bank, "internet")
    bank.office.rules = replace(
        bank.office.rules, bill_daily=max(first.amount.minor, second.amount.minor)
    )
    assert pay(bank, "k1", *offered(bank, first)) is None
    offer, tomorrow = payment(second, Holder(CARD, ACCOUNT, "10", "C1")), NOON + timedelta(days=1)
    for now, refusal in ((NOON, Refusal.OVER_LIMIT), (tomorrow, None)):
        quote = bank.orders.quote(offer, now).id
        order = Agreed(f"k{now:%d}", CARD, BILL, quote, offer.amount, offer.fee)
        with transaction(bank.db):
            assert bank.orders.post(order, now) is refusal


def test_ten_years_of_paid_bills_do_not_hide_what_is_owed(bank: SmallBank) -> None:
    before, biller = owed(bank, "water"), TABLE["water"]
    with transaction(bank.db):
        for ago in range(MAX_BILLS + 5):
            month = months_before(NOVEMBER, ago + 1)
            old = bank.bills.hand_in(biller, before.number, month, month, NOON)
            bank.bills.pay_at_counter(old, biller, NOON)
    after = owed(bank, "water")
    assert (after.amount, after.unpaid) == (before.amount, before.unpaid)
    heard = [DECEMBER, JANUARY, NOVEMBER, date(2025, 10, 1), date(2025, 9, 1)]
    assert [one.month for one in after.months] == heard
    assert bank.findings() == []


def test_another_amount_than_the_enquirys_is_refused(bank: SmallBank) -> None:
    offer, quote = offered(bank, owed(bank, "water"))
    less = Agreed("k1", CARD, BILL, quote, Money(offer.amount.minor - 1, CNY), offer.fee)
    with transaction(bank.db):
        assert bank.orders.post(less, NOON) is Refusal.BAD_AMOUNT


def test_a_quote_belongs_to_its_subscriber(bank: SmallBank) -> None:
    number = TABLE["water"].number(CARD)
    _offer, quote = offered(bank, owed(bank, "water"))
    assert bank.bills.quoted(quote, "water", number)
    assert not bank.bills.quoted(quote, "water", TABLE["water"].number(OTHER))
    assert not bank.bills.quoted(quote, "pager", number)
    assert not bank.bills.quoted("Q0", "water", number)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE bill SET minor = minor + 1 WHERE id = 1",
        "UPDATE bill SET paid_by = NULL WHERE id = 1",
        "UPDATE bill SET paid_by = 'opening' WHERE id = 2",
        "UPDATE bill_charge SET minor = minor + 1 WHERE bill = 3 AND ordinal = 1",
        "DELETE FROM bill_charge WHERE bill = 3",
    ],
)
def test_the_check_finds_bills_that_disagree_with_the_books(bank: SmallBank, damage: str) -> None:
    assert bank.findings() == []
    bank.db.execute(damage)
    assert bank.findings() != []


def test_the_check_finds_money_in_a_billers_account_that_is_no_bill(bank: SmallBank) -> None:
    legs = [Leg(VAULT.format("CNY"), -5), Leg(BILLER.format("water"), 5)]
    bank.office.ledger.post("stray", "stray", legs, bank.office.today(NOON), NOON)
    assert [line.split(":")[0] for line in bank.findings()] == ["biller water"]


@pytest.mark.parametrize(
    ("day", "months", "first"),
    [
        (date(2026, 1, 31), 1, date(2025, 12, 1)),
        (date(2026, 3, 1), 3, date(2025, 12, 1)),
        (date(2026, 12, 31), 0, date(2026, 12, 1)),
        (date(2026, 12, 31), 12, date(2025, 12, 1)),
    ],
)
def test_months_before(day: date, months: int, first: date) -> None:
    assert months_before(day, months) == first
