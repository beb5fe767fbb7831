"""The balance that is told with the host away, and rows that were tampered with."""

from datetime import date, time, timedelta
from pathlib import Path

from sqlalchemy import update

from support.ledger_world import CARDS, OPENING, PIN
from support.pins_world import Pins, open_pins
from support.store_kit import rows
from support.transactions_host import CNY
from telebank.store import tables
from telebank.store.sealing import Keyring
from transactions.money import Money


async def test_the_last_balance_is_told_with_its_time(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.balance("b1", 0)).exit == "ok"
        pins.clock.forward(minutes=5)
        assert (await pins.world.transfer("t1", 0, 1, "20.00")).exit == "ok"  # tells it too
        pins.away()
        pins.clock.forward(days=2)
        told = await pins.balance("b2", 0)
        assert told.exit == "stale"
        left = Money(OPENING - 20_00, CNY)
        expected = {"available": left, "as_of": date(2026, 11, 22), "as_of_time": time(10, 50)}
        assert dict(told.data) == expected
        assert (await pins.balance("b3", 1)).exit == "unavailable"  # nothing was told of it
        assert (await pins.world.quote("q1", 0, 1, "5.00")).exit == "unavailable"
        pins.clock.forward(days=5)
        assert (await pins.balance("b4", 0)).exit == "unavailable"  # a week old
    assert str(left.minor).encode() not in rows(place, tables.known_balance)[0].ciphertext


async def test_a_result_told_again_is_no_newer_balance(place: Path) -> None:
    async with open_pins(place) as pins:
        quote = await pins.world.quote("q", 0, 1, "20.00")
        assert (await pins.world.post("p", 0, quote)).exit == "ok"
        pins.clock.forward(minutes=90)
        again = await pins.world.post("p", 0, quote)
        assert (again.exit, again.again) == ("ok", True)
        pins.away()
        assert (await pins.balance("b", 0)).data["as_of_time"] == time(10, 45)


async def test_an_older_answer_does_not_replace_a_newer_one(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.balance("b1", 0)).exit == "ok"
        pins.clock.forward(minutes=-30)
        pins.world.bank.balances[pins.store.vault.token(CARDS[0])] = 1
        assert (await pins.balance("b2", 0)).exit == "ok"
        pins.clock.forward(minutes=60)
        pins.away()
        assert (await pins.balance("b3", 0)).data["available"] == Money(OPENING, CNY)


async def test_nothing_is_told_where_days_are_none(place: Path) -> None:
    async with open_pins(place, balance_days=0) as pins:
        assert (await pins.balance("b1", 0)).exit == "ok"
        pins.away()
        assert (await pins.balance("b2", 0)).exit == "unavailable"
    assert rows(place, tables.known_balance) == []


async def _move(pins: Pins, table: object) -> None:
    """Somebody with the database gives one customer's row to another card."""
    token = pins.store.vault.token(CARDS[1])
    statement = update(table).values(token=token)  # type: ignore[arg-type]
    await pins.store.journal.run(lambda part: part.execute(statement))


async def test_a_row_moved_to_another_card_proves_and_tells_nothing(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.world.verify("v1", 0, PIN)).exit == "ok"
        assert (await pins.balance("b1", 0)).exit == "ok"
        for table in (tables.telephone_pin, tables.known_balance):
            await _move(pins, table)
        pins.away()
        assert (await pins.world.verify("v2", 1, PIN)).exit == "wrong_pin"
        assert (await pins.balance("b2", 1)).exit == "unavailable"


async def test_a_balance_whose_sealing_key_is_gone_is_told_no_more(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.balance("b1", 0)).exit == "ok"
        gone = update(tables.known_balance).values(key_id="k9")
        await pins.store.journal.run(lambda part: part.execute(gone))
        pins.away()
        assert (await pins.balance("b2", 0)).exit == "unavailable"
    assert Keyring.open(place / "keys").current == "k1"


async def test_an_old_balance_is_not_made_fresh_by_its_row(place: Path) -> None:
    async with open_pins(place) as pins:
        assert (await pins.balance("b1", 0)).exit == "ok"
        pins.away()
        fresh = update(tables.known_balance).values(at=pins.clock.now() + timedelta(days=5))
        await pins.store.journal.run(lambda part: part.execute(fresh))
        assert (await pins.balance("b2", 0)).exit == "unavailable"
