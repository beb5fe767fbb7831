"""Opening hours: what a desk says at any minute, and what the file may say."""

from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.customers_kit import BANK, open_house
from support.store_kit import FakeClock
from telebank.customers.hours import Hours
from telebank.customers.hours_file import FILE, HoursError, load_hours, read_hours
from telebank.settings import seed_dir

TEXT = """schema: 1
desks:
  teller: {mon: ["08:30-12:00", "13:30-17:30"], fri: ["22:00-24:00"], sat: ["00:00-02:00"]}
  fax: {mon: ["00:00-24:00"]}
holidays:
  - {on: 2026-10-01, until: 2026-10-07, zh: 国庆节, en: National Day}
workdays:
  - {on: 2026-10-06, as: mon}
"""
HOURS = read_hours(TEXT.encode(), FILE)
MONDAY = datetime.fromisoformat("2026-03-30")


@pytest.mark.parametrize(
    ("desk", "at", "state", "opens"),
    [
        ("teller", "2026-03-30 08:29", "closed", "2026-03-30 08:30"),
        ("teller", "2026-03-30 08:30", "open", None),
        ("teller", "2026-03-30 11:59", "open", None),
        ("teller", "2026-03-30 12:00", "closed", "2026-03-30 13:30"),
        ("teller", "2026-03-30 17:30", "closed", "2026-04-03 22:00"),
        ("teller", "2026-04-03 23:59", "open", None),
        ("teller", "2026-04-04 00:00", "open", None),
        ("teller", "2026-04-04 02:00", "closed", "2026-04-06 08:30"),
        ("fax", "2026-03-31 00:00", "closed", "2026-04-06 00:00"),
        ("teller", "2026-10-05 09:00", "holiday", "2026-10-06 08:30"),
        ("teller", "2026-10-06 09:00", "open", None),  # worked for the holiday
    ],
)
def test_minutes_of_a_week(desk: str, at: str, state: str, opens: str | None) -> None:
    standing = HOURS.at(desk, datetime.fromisoformat(at))
    assert standing is not None
    assert standing.state == state
    assert standing.opens == (None if opens is None else datetime.fromisoformat(opens))


def test_a_desk_that_is_not_there() -> None:
    assert HOURS.at("vault", MONDAY) is None


def test_one_that_never_opens_in_sight() -> None:
    never = Hours({"teller": {}})
    standing = never.at("teller", MONDAY)
    assert standing is not None
    assert (standing.state, standing.opens) == ("closed", None)


@given(st.integers(0, 300 * 24 * 60))
def test_it_is_open_when_it_says_that_it_opens(minutes: int) -> None:
    now = MONDAY + timedelta(minutes=minutes)
    standing = HOURS.at("teller", now)
    assert standing is not None
    if standing.state == "open":
        return
    assert standing.opens is not None
    assert standing.opens > now
    then = HOURS.at("teller", standing.opens)
    before = HOURS.at("teller", standing.opens - timedelta(minutes=1))
    assert then is not None
    assert before is not None
    assert then.state == "open"
    assert before.state != "open"


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("schema: 1", "schema: 2", 1, "must begin with"),
        ("desks:", "desk:", 2, "unknown key"),
        ("mon: [", "monday: [", 3, "is no day"),
        ('"08:30-12:00"', '"8:30-12:00"', 3, "is no span"),
        ('"08:30-12:00"', '"12:30-12:00"', 3, "ends before it begins"),
        ('"13:30-17:30"', '"11:30-17:30"', 3, "begins before"),
        ('["00:00-24:00"]', "08:00", 4, "write 1 to"),
        ("fax:", "FAX:", 4, "name of a desk"),
        ("en: National Day", "de: Feiertag", 6, "an entry of `holidays`"),
        (", en: National Day", "", 6, "name in en is missing"),
        ("until: 2026-10-07", "until: 2026-09-30", 6, "is before"),
        ("on: 2026-10-01", "on: autumn", 6, "must be a date"),
        ("as: mon", "as: someday", 8, "names the day"),
    ],
)
def test_errors_name_the_line(old: str, new: str, line: int, said: str) -> None:
    assert old in TEXT
    with pytest.raises(HoursError, match=said) as found:
        read_hours(TEXT.replace(old, new, 1).encode(), FILE)
    assert str(found.value).startswith(f"{FILE}:{line}:")


@pytest.mark.parametrize("content", [b"", b"\xff", b"a: [", b"x" * 300_000, b"schema: 1\n"])
def test_what_is_no_file_of_hours(content: bytes) -> None:
    with pytest.raises(HoursError, match=FILE):
        read_hours(content, FILE)


def test_the_shipped_hours_can_be_read() -> None:
    assert {"teller", "fax"} <= set(load_hours(seed_dir() / FILE).desks)


async def test_a_caller_hears_the_hours_of_his_release(place: Path) -> None:
    clock = FakeClock()
    async with open_house(place, clock) as house:
        old = await house.store.releases.begin({FILE: TEXT.encode()})
        new = await house.store.releases.begin({"services.yaml": b""})
        clock.now = datetime(2026, 3, 30, 9, 0, tzinfo=BANK)
        open_ = await house.ask("hours.state", desk="teller", release=old.hash)
        assert (open_.exit, open_.data) == ("open", {})
        clock.now = datetime(2026, 3, 30, 12, 0, tzinfo=BANK)
        shut = await house.ask("hours.state", desk="teller", release=old.hash)
        assert shut.exit == "closed"
        assert shut.data == {"opens": time(13, 30), "on": MONDAY.date()}
        for desk, release in (("vault", old.hash), ("teller", new.hash), ("teller", "none")):
            answer = await house.ask("hours.state", desk=desk, release=release)
            assert answer.exit == "unavailable"
