"""What a customer set for his calls, and what he uses most, on both databases."""

from datetime import timedelta
from pathlib import Path

from support.customers_kit import House, open_house
from support.store_kit import PAYEE, PAYER, FakeClock, rows
from telebank.customers.preferences import CHOICES
from telebank.customers.usage import DAYS
from telebank.store.customer_tables import usage
from telebank.store.habits import put
from transactions.telephone_pin import Customer

DEFAULTS = {"speed": "normal", "patience": "normal", "greeting": "none"}


async def test_what_is_set_is_told_in_the_next_call(place: Path) -> None:
    async with open_house(place) as house:
        assert (await house.ask("settings.get")).data == DEFAULTS
        for what, value in (("speed", "slow"), ("patience", "relay"), ("speed", "slow")):
            assert (await house.ask("settings.set", what=what, value=value)).exit == "ok"
        assert (await house.ask("settings.get", card=PAYEE)).data == DEFAULTS
    async with open_house(place) as house:
        told = (await house.ask("settings.get")).data
        assert told == DEFAULTS | {"speed": "slow", "patience": "relay"}
        assert len(house.events("settings.changed")) == 3


async def test_what_nobody_offers_is_refused(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        for what, value in (("speed", "fast"), ("volume", "loud"), ("greeting", "slow")):
            assert (await house.ask("settings.set", what=what, value=value)).exit == "refused"
        assert house.events("settings.changed") == []


async def test_a_value_of_an_older_release_is_the_default(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        by = Customer(house.keys.token(PAYER))
        await house.run(lambda part: put(part, by, "greeting", "points"))
        assert (await house.ask("settings.get")).data["greeting"] == CHOICES["greeting"][0]


async def _use(house: House, times: int, *what: str) -> None:
    for _ in range(times):
        await house.customers.usage.used(house.keys.token(PAYER), what)


async def test_the_two_most_used_with_three_uses_or_more(place: Path) -> None:
    async with open_house(place) as house:
        await _use(house, 2, "water")
        assert (await house.ask("usage.top")).exit == "none"
        await _use(house, 4, "transfer", "transfer")  # in one call: once
        await _use(house, 3, "balance", "No word")
        await _use(house, 1, "water")
        found = await house.ask("usage.top")
        assert found.data == {"usual": ({"what": "transfer"}, {"what": "balance"})}
        assert (await house.ask("usage.top", card=PAYEE)).exit == "none"
        await house.customers.usage.used("", ["transfer"])  # nobody was identified
        assert {row.customer for row in rows(place, usage)} == {house.keys.token(PAYER)}


async def test_uses_of_more_than_ninety_days_ago_are_forgotten(place: Path) -> None:
    clock = FakeClock()
    async with open_house(place, clock) as house:
        await _use(house, 3, "transfer")
        clock.now += timedelta(days=DAYS)
        assert (await house.ask("usage.top")).exit == "ok"
        await house.customers.usage.prune()
        assert len(rows(place, usage)) == 1
        clock.now += timedelta(days=1)
        assert (await house.ask("usage.top")).exit == "none"
        await house.customers.usage.prune()
        assert rows(place, usage) == []
