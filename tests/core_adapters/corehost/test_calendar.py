"""The business date: by the clock, by hand, never back."""

import sqlite3
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from core_adapters.corehost.calendar import SCHEMA, Calendar, CutOverRefused, latest
from core_adapters.corehost.house import findings, open_house
from core_adapters.corehost.rules import Rules, business_date
from core_adapters.corehost.seed import DEMO

NOON = datetime(2026, 2, 28, 4, tzinfo=UTC)
DAY = date(2026, 2, 28)
EVENING = Rules(cut_over=time(22, 30))


def calendar_of(rules: Rules) -> Calendar:
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.execute(SCHEMA)
    return Calendar(db, rules)


@pytest.mark.parametrize(
    ("cut_over", "local", "day"),
    [
        (time(0), "2026-02-28T23:59:59", DAY),
        (time(0), "2026-03-01T00:00:00", DAY + timedelta(days=1)),
        (time(22, 30), "2026-02-28T22:29:59", DAY),
        (time(22, 30), "2026-02-28T22:30:00", DAY + timedelta(days=1)),
        (time(22, 30), "2026-03-01T00:00:00", DAY + timedelta(days=1)),
    ],
)
def test_the_clock_gives_the_date_from_the_cut_over_time(
    cut_over: time, local: str, day: date
) -> None:
    now = datetime.fromisoformat(f"{local}+08:00")
    assert business_date(now, cut_over) == day
    assert calendar_of(Rules(cut_over=cut_over)).today(now) == day


def test_the_date_moves_by_itself_and_never_back() -> None:
    calendar = calendar_of(EVENING)
    assert calendar.today(NOON) == DAY
    assert calendar.next_at(NOON) == datetime(2026, 2, 28, 14, 30, tzinfo=UTC)
    late = NOON + timedelta(hours=11)
    assert calendar.today(late) == DAY + timedelta(days=1)
    assert calendar.today(NOON) == DAY + timedelta(days=1)
    assert calendar.next_at(late) == datetime(2026, 3, 1, 14, 30, tzinfo=UTC)


def test_a_cut_over_by_hand_is_the_clocks_too() -> None:
    calendar = calendar_of(Rules())
    assert calendar.cut_over(NOON) == DAY + timedelta(days=1)
    assert calendar.today(NOON + timedelta(days=1)) == DAY + timedelta(days=1)
    assert calendar.today(NOON + timedelta(days=2)) == DAY + timedelta(days=2)


def test_a_date_too_far_ahead_of_the_clock_is_refused() -> None:
    calendar = calendar_of(Rules(most_days_ahead=2))
    calendar.cut_over(NOON)
    calendar.cut_over(NOON)
    with pytest.raises(CutOverRefused, match="2026-03-03 is 3 days ahead"):
        calendar.cut_over(NOON)
    assert calendar.today(NOON) == DAY + timedelta(days=2)


@pytest.mark.parametrize(
    ("text", "today", "found"),
    [
        ("0228", DAY, DAY),
        ("0301", DAY, date(2025, 3, 1)),
        ("1231", date(2026, 1, 1), date(2025, 12, 31)),
        ("0229", DAY, date(2024, 2, 29)),
        ("0229", date(2103, 1, 1), date(2096, 2, 29)),
        ("1301", DAY, None),
        ("0000", DAY, None),
        ("٠٢٢٨", DAY, None),
        ("228", DAY, None),
    ],
)
def test_a_month_and_day_are_the_latest_that_has_come(
    text: str, today: date, found: date | None
) -> None:
    assert latest(text, today) == found


def test_the_date_outlives_a_restart(tmp_path: Path) -> None:
    house = open_house(tmp_path, Rules(), NOON)
    house.bank.calendar.cut_over(NOON)
    house.close()
    again = open_house(tmp_path, Rules(), NOON)
    assert again.bank.calendar.today(NOON) == DAY + timedelta(days=1)
    again.close()


def test_a_bank_of_the_first_version_is_brought_up(tmp_path: Path) -> None:
    opened = open_house(tmp_path, Rules(), NOON)
    for statement in (
        "DROP VIEW stopped_card",
        "DROP TABLE business_day",
        "ALTER TABLE card DROP COLUMN hot_until",
        "ALTER TABLE loss_report DROP COLUMN act",
        "ALTER TABLE loss_report DROP COLUMN until",
        "ALTER TABLE transfer DROP COLUMN reference",
        "ALTER TABLE transfer DROP COLUMN service",
        "ALTER TABLE message DROP COLUMN reversed_on",
        "DROP INDEX posting_date",
        "PRAGMA user_version = 1",
    ):
        opened.db.execute(statement)
    opened.close()
    again = open_house(tmp_path, Rules(), NOON)
    assert not again.created
    assert again.bank.calendar.today(NOON) == DAY
    assert again.bank.ledger.balance(DEMO[0].account).minor == DEMO[0].balance
    again.close()
    assert findings(tmp_path) == []
