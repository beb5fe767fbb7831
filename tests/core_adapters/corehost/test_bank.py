"""The bank's rules with a clock of the test's own: fees, limits, expiry, locks, checks."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from core_adapters.corehost.back_office import stamp
from core_adapters.corehost.bank import Balances, LossDecision, LossReport, Quote, TransferOrder
from core_adapters.corehost.house import House, HouseError, findings, open_house
from core_adapters.corehost.pins import PinAnswer
from core_adapters.corehost.refusal import Refusal
from core_adapters.corehost.rules import Rules, business_date
from core_adapters.corehost.seed import DEMO, demo_cards, trial_set
from transactions.money import Money, currency

NOON = datetime(2026, 2, 28, 4, tzinfo=UTC)
CNY = currency("CNY")
RICH, PAYEE = DEMO[3].card, DEMO[0].card
RULES = Rules()
TODAY = business_date(NOON)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = open_house(tmp_path / "bank", RULES, NOON)
    yield opened
    opened.close()


def quoted(house: House, fen: int, now: datetime = NOON) -> Quote | Refusal:
    return house.bank.quote(RICH, PAYEE, Money(fen, CNY), now)


def pay(house: House, key: str, fen: int, now: datetime = NOON) -> Balances | Refusal:
    quote = quoted(house, fen, now)
    if isinstance(quote, Refusal):
        return quote
    order = TransferOrder(key, RICH, PAYEE, Money(fen, CNY), quote.fee, quote.id)
    return house.bank.transfer(order, now)


@pytest.mark.parametrize(
    ("fen", "fee"),
    [
        (1, 0),
        (500_000, 0),
        (500_001, 500),
        (500_500, 501),
        (600_000, 600),
        (999_999, 1000),
        (5_000_000, 1000),
    ],
)
def test_fee_schedule(fen: int, fee: int) -> None:
    assert RULES.fee(fen) == fee


def test_business_date_is_beijings() -> None:
    assert business_date(datetime(2026, 2, 28, 15, 59, tzinfo=UTC)).isoformat() == "2026-02-28"
    assert business_date(datetime(2026, 2, 28, 16, 0, tzinfo=UTC)).isoformat() == "2026-03-01"


def test_a_quote_stands_for_its_life_and_no_longer(house: House) -> None:
    for seconds, expected in ((120, None), (121, Refusal.EXPIRED_QUOTE)):
        quote = quoted(house, 100)
        assert isinstance(quote, Quote)
        order = TransferOrder(f"k{seconds}", RICH, PAYEE, Money(100, CNY), quote.fee, quote.id)
        result = house.bank.transfer(order, NOON + timedelta(seconds=seconds))
        assert result is expected or isinstance(result, Balances) is (expected is None)


def test_the_daily_limit_counts_what_stands_and_gives_back_what_is_undone(house: House) -> None:
    assert isinstance(pay(house, "a", 5_000_000), Balances)
    assert isinstance(pay(house, "b", 4_999_999), Balances)
    assert pay(house, "c", 2) is Refusal.OVER_LIMIT
    assert isinstance(pay(house, "d", 1), Balances)
    assert pay(house, "e", 1) is Refusal.OVER_LIMIT
    tomorrow = NOON + timedelta(days=1)
    assert isinstance(pay(house, "f", 100, tomorrow), Balances)
    assert house.bank.undo("b", tomorrow)
    assert not house.bank.undo("b", tomorrow)
    assert isinstance(pay(house, "g", 4_999_999), Balances)
    assert findings(house.folder) == []


def test_a_limit_reached_between_quote_and_transfer_still_holds(house: House) -> None:
    quotes = [quoted(house, 4_000_000) for _ in range(3)]
    results = []
    for number, quote in enumerate(quotes):
        assert isinstance(quote, Quote)
        order = TransferOrder(f"k{number}", RICH, PAYEE, Money(4_000_000, CNY), quote.fee, quote.id)
        results.append(house.bank.transfer(order, NOON))
    assert [isinstance(one, Balances) for one in results] == [True, True, False]
    assert results[2] is Refusal.OVER_LIMIT


def test_three_wrong_pins_lock_the_day_and_ten_in_all_need_a_branch(house: House) -> None:
    pins, card, day = house.bank.pins, DEMO[0], business_date(NOON)
    answers = []
    for number in range(5):
        today = day + timedelta(days=number)
        answers += [pins.try_pin(card.card, "000000", today) for _ in range(4)]
    day_of_four = [PinAnswer.WRONG] * 3 + [PinAnswer.LOCKED_TODAY]
    assert answers[:12] == day_of_four * 3
    assert answers[12:] == [PinAnswer.WRONG] + [PinAnswer.LOCKED] * 7
    assert pins.try_pin(card.card, card.pin, day + timedelta(days=9)) is PinAnswer.LOCKED


def test_a_right_pin_gives_its_own_try_back_but_not_the_wrong_ones(house: House) -> None:
    pins, card, day = house.bank.pins, DEMO[0], business_date(NOON)
    tries = [card.pin] * 5 + ["000000", card.pin, "000000", card.pin, "000000", card.pin]
    assert [pins.try_pin(card.card, pin, day) for pin in tries] == [
        *[PinAnswer.RIGHT] * 5,
        *[PinAnswer.WRONG, PinAnswer.RIGHT] * 2,
        PinAnswer.WRONG,
        PinAnswer.LOCKED_TODAY,
    ]


def test_the_verifier_needs_the_key_that_is_not_in_the_database(house: House) -> None:
    row = house.db.execute(
        "SELECT salt, verifier FROM card WHERE number = ?", (DEMO[0].card,)
    ).fetchone()
    pins = house.bank.pins
    assert pins.verifier(DEMO[0].card, DEMO[0].pin, row[0]) == row[1]
    assert pins.verifier(DEMO[1].card, DEMO[0].pin, row[0]) != row[1]
    assert (house.folder / "pin.key").stat().st_mode & 0o777 == 0o600


def test_the_demo_cards_file_is_written_once_for_its_owner(tmp_path: Path) -> None:
    open_house(tmp_path, RULES, NOON).close()
    path = tmp_path / "demo-cards.json"
    assert path.stat().st_mode & 0o777 == 0o600
    shown = demo_cards(path)
    assert shown[0] == (DEMO[0].card, "246813", "林晓月", "12680.50 CNY")
    path.unlink()
    again = open_house(tmp_path, RULES, NOON)
    again.close()
    assert not again.created
    assert not path.exists()


def test_a_folder_has_one_host_at_a_time(house: House) -> None:
    with pytest.raises(HouseError, match="another core host"):
        open_house(house.folder, RULES, NOON)


def test_a_database_of_another_version_is_left_alone(tmp_path: Path) -> None:
    first = open_house(tmp_path, RULES, NOON)
    first.db.execute("PRAGMA user_version = 9")
    first.close()
    for _ in range(2):
        with pytest.raises(HouseError, match="version 9"):
            open_house(tmp_path, RULES, NOON)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE daily_use SET minor = 7",
        "UPDATE posted_order SET undone = 1",
        "DELETE FROM posted_order",
    ],
)
def test_the_check_finds_tables_that_disagree(house: House, damage: str) -> None:
    pay(house, "a", 100)
    assert findings(house.folder) == []
    house.db.execute(damage)
    assert findings(house.folder) != []


def test_the_test_set_has_no_file_of_pins(tmp_path: Path) -> None:
    opened = open_house(tmp_path, RULES, NOON, test_data=True)
    opened.close()
    assert not (tmp_path / "demo-cards.json").exists()
    assert len(trial_set()) == 75


@pytest.mark.parametrize(
    ("given", "taken"),
    [("3705", True), ("37O5", False), ("3705X", True), ("705X", False), ("", False)],
)
def test_a_loss_report_is_proved_by_the_last_four_digits(
    house: House, given: str, taken: bool
) -> None:
    ends_in_x = DEMO[1]
    assert ends_in_x.identity.endswith("X")
    report = LossReport("k1", ends_in_x.card, given, "010000000001", "lost")
    first = house.bank.report_loss(report, NOON)
    assert first == (True if taken else Refusal.NOT_MATCHED)


def stopped_on(house: House, card: str) -> list[bool]:
    """Whether the bank stops the card today and on each of the three days after."""
    found = []
    for days in range(4):
        house.bank.calendar.today(NOON + timedelta(days=days))
        found.append(house.bank.usable_card(card) is Refusal.HOT_CARD)
    return found


def lost(house: House, key: str, until: date | None) -> bool | Refusal:
    report = LossReport(key, DEMO[1].card, "3705", "010000000001", "lost", until)
    return house.bank.report_loss(report, NOON)


def said(house: House, key: str, act: Literal["2", "3"]) -> Refusal | None:
    decision = LossDecision(key, DEMO[1].card, act, "010000000001", "signed")
    return house.bank.decide_loss(decision, NOON)


def test_a_stop_ends_with_its_last_business_date(house: House) -> None:
    assert lost(house, "k1", TODAY + timedelta(days=1)) is True
    assert stopped_on(house, DEMO[1].card) == [True, True, False, False]
    assert lost(house, "k2", None) is True  # anew, since the first is over


def test_a_stop_that_is_made_anew_has_the_time_of_the_new_one(house: House) -> None:
    def at() -> str:
        select = "SELECT hot_at FROM card WHERE number = ?"
        (found,) = house.bank._db.execute(select, (DEMO[1].card,)).fetchone()
        return str(found)

    report = LossReport("k1", DEMO[1].card, "3705", "010000000001", "lost", TODAY)
    house.bank.report_loss(report, NOON)
    later = [NOON + timedelta(hours=hours) for hours in (1, 48)]
    house.bank.report_loss(replace(report, key="k2"), later[0])
    assert at() == stamp(NOON)  # it was stopped all the time
    house.bank.calendar.today(later[1])
    house.bank.report_loss(replace(report, key="k3", until=None), later[1])
    assert at() == stamp(later[1])


@pytest.mark.parametrize(
    ("first", "second", "holds"),
    [(1, 2, [True, True, True, False]), (2, 1, [True, True, True, False])],
)
def test_of_two_reports_the_later_day_counts(
    house: House, first: int, second: int, holds: list[bool]
) -> None:
    assert lost(house, "k1", TODAY + timedelta(days=first)) is True
    assert lost(house, "k2", TODAY + timedelta(days=second)) is False
    assert stopped_on(house, DEMO[1].card) == holds


def test_what_was_signed_for_holds_though_the_report_comes_after(house: House) -> None:
    assert said(house, "k1", "2") is None
    assert lost(house, "k2", TODAY + timedelta(days=1)) is False
    assert stopped_on(house, DEMO[1].card) == [True] * 4


def test_a_card_that_was_found_may_be_used(house: House) -> None:
    assert said(house, "k1", "3") is Refusal.NOT_MATCHED
    assert lost(house, "k2", None) is True
    assert said(house, "k3", "3") is None
    assert stopped_on(house, DEMO[1].card) == [False] * 4
    unknown = LossDecision("k4", "9900000000000000", "2", "010000000001", "signed")
    assert house.bank.decide_loss(unknown, NOON) is Refusal.NOT_MATCHED
