"""The book of messages: kept, repeated, forgotten after its retention."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from core_adapters.corehost.book import RETENTION, Book
from core_adapters.corehost.house import open_house
from core_adapters.corehost.orders import Key
from core_adapters.corehost.rules import Rules

NOW = datetime(2026, 11, 22, tzinfo=UTC)
KEY = Key("TB010001", "000001", "1122000000")


def test_the_same_key_a_year_later_is_another_message(tmp_path: Path) -> None:
    house = open_house(tmp_path, Rules(), NOW)
    book = Book(house.db)
    book.keep(KEY, "first", "000000000100", {39: "00"}, NOW)
    entry = book.find(KEY, NOW + RETENTION)
    assert entry is not None
    assert (entry.fingerprint, entry.reply, entry.at) == ("first", {39: "00"}, NOW)
    later = NOW + timedelta(days=365)
    assert book.find(KEY, later) is None
    book.keep(KEY, "second", "", {39: "51"}, later)
    found = book.find(KEY, later)
    assert found is not None
    assert found.fingerprint == "second"
    assert book.forget(later) == 0
    assert book.forget(later + RETENTION + timedelta(seconds=1)) == 1
    house.close()


def test_a_tombstone_is_told_from_a_message(tmp_path: Path) -> None:
    house = open_house(tmp_path, Rules(), NOW)
    book = Book(house.db)
    book.bar(KEY, "25", NOW.date(), NOW)
    entry = book.find(KEY, NOW)
    assert entry is not None
    assert (entry.is_tombstone, entry.reversal, entry.reversed_on) == (True, "25", "2026-11-22")
    house.close()
