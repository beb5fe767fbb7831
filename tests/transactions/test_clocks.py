"""Wall clocks step, days turn, years leap and zones save daylight; money goes by the monotonic
clock and by the date of the host."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from support import ledger_world
from support.ledger_world import World
from support.processor_stories import told
from support.transactions_time import LoopClock
from transactions.outcome import Declined


class SetClock(LoopClock):
    """Its wall clock is set by the test, as people and NTP set a machine's."""

    ahead = timedelta(0)

    def now(self) -> datetime:
        return super().now() + SetClock.ahead

    @staticmethod
    def set(text: str) -> None:
        """The wall clock is this time from now on, UTC."""
        SetClock.ahead = timedelta(0)
        SetClock.ahead = datetime.fromisoformat(text).replace(tzinfo=UTC) - SetClock().now()


@pytest.fixture(autouse=True)
def wall(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every processor of the test has the clock that is set."""
    SetClock.ahead = timedelta(0)
    monkeypatch.setattr(ledger_world, "LoopClock", SetClock)
    yield
    SetClock.ahead = timedelta(0)


@pytest.mark.parametrize("hours", [-24 * 365, -1, 1, 24 * 365])
def test_a_step_of_the_wall_clock_ends_no_quote_and_keeps_none(hours: int) -> None:
    async def story(world: World) -> None:
        quote = await world.quote("r1-quote", 0, 1, "10")
        SetClock.ahead = timedelta(hours=hours)
        assert (await world.post("r1", 0, quote)).exit == "ok"
        old = await world.quote("r2-quote", 0, 1, "20")
        await asyncio.sleep(301)
        SetClock.ahead = timedelta(0)
        assert (await world.post("r2", 0, old)).outcome == Declined("quote_expired")

    told(story)


@pytest.mark.parametrize(
    ("wall_clock", "day"),
    [
        ("2028-02-28T15:59:00", date(2028, 2, 28)),
        ("2028-02-28T16:01:00", date(2028, 2, 29)),
        ("2028-02-29T15:59:00", date(2028, 2, 29)),
        ("2028-02-29T16:01:00", date(2028, 3, 1)),
        ("2027-12-31T16:01:00", date(2028, 1, 1)),
    ],
)
def test_without_the_hosts_date_a_day_turns_at_the_banks_midnight(
    wall_clock: str, day: date
) -> None:
    async def story(world: World) -> None:
        world.host.business_date = None
        SetClock.set(wall_clock)
        assert (await world.transfer("r1", 0, 1, "10")).exit == "ok"
        assert world.books.rows["r1"].request.business_date == day

    told(story)


def test_with_it_the_wall_clock_says_nothing() -> None:
    async def story(world: World) -> None:
        world.host.business_date = date(2028, 2, 29)
        for number, text in enumerate(("2028-02-29T15:59:00", "2028-03-02T09:00:00")):
            SetClock.set(text)
            assert (await world.transfer(f"r{number}", 0, number + 1, "10")).exit == "ok"
            row = world.books.rows[f"r{number}"]
            assert row.request.business_date == date(2028, 2, 29)

    told(story)


@pytest.mark.parametrize("text", ["2026-03-08T07:30:00", "2026-11-01T06:30:00"])
def test_daylight_saving_of_the_machine_changes_nothing(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # New York's clocks step at these hours; the bank's own have a fixed distance from UTC.
    async def story(world: World) -> None:
        world.host.business_date = None
        SetClock.set(text)
        quote = await world.quote("r1-quote", 0, 1, "10")
        await asyncio.sleep(299)
        assert (await world.post("r1", 0, quote)).exit == "ok"
        assert world.books.rows["r1"].request.business_date == date.fromisoformat(text[:10])

    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        told(story)
    finally:
        monkeypatch.undo()
        time.tzset()
