"""Due dates: month ends, leap years, weeks, last days, dates that have passed."""

from datetime import date, timedelta
from itertools import islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.customers.schedule import (
    EVERY,
    MOST_AT_ONCE,
    Schedule,
    request_id,
    sort_out,
    too_late,
)

DAYS = st.dates(date(2020, 1, 1), date(2100, 12, 31))


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    first = draw(DAYS)
    last = draw(st.none() | st.integers(0, 2000).map(lambda days: first + timedelta(days=days)))
    return Schedule(first, draw(st.sampled_from(EVERY)), last)


def some(schedule: Schedule, most: int = 40) -> list[date]:
    return list(islice(schedule.dates(), most))


def test_the_last_day_of_a_month_stands_for_a_day_that_it_has_not() -> None:
    dates = some(Schedule(date(2027, 12, 31), "month"), 5)
    assert [day.isoformat() for day in dates] == [
        *("2027-12-31", "2028-01-31", "2028-02-29", "2028-03-31", "2028-04-30")
    ]
    leap = some(Schedule(date(2028, 2, 29), "month"), 14)
    assert leap[12] == date(2029, 2, 28)
    assert leap[13] == date(2029, 3, 29)


def test_once_and_to_a_last_day() -> None:
    assert some(Schedule(date(2026, 2, 28), "once")) == [date(2026, 2, 28)]
    weeks = Schedule(date(2026, 2, 27), "week", date(2026, 3, 13))
    assert some(weeks) == [date(2026, 2, 27), date(2026, 3, 6), date(2026, 3, 13)]
    with pytest.raises(ValueError, match="last day"):
        Schedule(date(2026, 2, 2), "week", date(2026, 2, 1))


def test_the_end_of_time_is_no_error() -> None:
    assert some(Schedule(date(9999, 12, 1), "month")) == [date(9999, 12, 1)]
    assert some(Schedule(date(9999, 12, 30), "week")) == [date(9999, 12, 30)]


@given(schedules())
def test_dates_rise_keep_their_day_and_end_in_time(schedule: Schedule) -> None:
    dates = some(schedule)
    assert dates[0] == schedule.first
    assert all(one < other for one, other in pairwise(dates))
    assert schedule.last is None or dates[-1] <= schedule.last
    for day in dates:
        if schedule.every == "week":
            assert day.weekday() == schedule.first.weekday()
        if schedule.every == "month" and day.day != schedule.first.day:
            assert day.day < schedule.first.day
            assert (day + timedelta(days=1)).day == 1


@given(schedules(), st.integers(-3000, 3000))
def test_the_date_after_a_day_is_the_first_later_one(schedule: Schedule, days: int) -> None:
    day = schedule.first + timedelta(days=days)
    found = schedule.after(day)
    later = (one for one in schedule.dates() if one > day)
    assert found == next(later, None)


@given(schedules(), st.lists(st.integers(0, 400), min_size=1, max_size=6))
def test_whatever_days_it_is_looked_at_each_date_comes_once(
    schedule: Schedule, steps: list[int]
) -> None:
    """The host's date leaps over weekends and holidays, and looks are missed: no date is lost, none
    comes twice, none early."""
    today, done = schedule.first, list[date]()
    coming: date | None = schedule.first
    for step in steps:
        today += timedelta(days=step)
        for _ in range(3000 // MOST_AT_ONCE):
            if coming is None:
                break
            sorted_ = sort_out(schedule, coming, today)
            assert all(day <= today for day in sorted_.due)
            done += sorted_.due
            coming = sorted_.next
    expected = []
    for day in schedule.dates():
        if day > today:
            break
        expected.append(day)
    assert done == expected
    assert coming is None or coming > today


def test_up_to_three_days_late_then_missed() -> None:
    due = date(2028, 2, 28)
    late = [too_late(due, due + timedelta(days=n), 3) for n in range(6)]
    assert late == [False, False, False, False, True, True]


def test_an_order_and_due_date_has_one_request_id() -> None:
    assert request_id(100001, date(2026, 1, 31)) == "order-100001-20260131"
    assert request_id(100001, date(2026, 1, 31), 2) == "order-100001-20260131.2"
