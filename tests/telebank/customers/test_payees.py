"""Registered payees on both databases: places, cooling, limits, and whom the tiers trust."""

import random
from datetime import date, timedelta
from pathlib import Path

from support.customers_kit import House, open_house, shipped
from support.store_kit import DAY, PAYEE, PAYER, FakeClock, rows
from telebank.store import ceilings
from telebank.store import payees as jobs
from telebank.store.customer_tables import payee
from transactions.answer import Answer
from transactions.card import CardNumber, luhn_valid
from transactions.money import Money
from transactions.outcome import Declined
from transactions.request import AuthLevel

PROVED = AuthLevel.SECOND_FACTOR


def _card(number: int) -> CardNumber:
    body = f"622700{number:09d}"
    return CardNumber(next(f"{body}{c}" for c in range(10) if luhn_valid(f"{body}{c}")))


async def _add(house: House, card: CardNumber, **more: object) -> Answer:
    given = {"payee": card, "payee_masked": card.masked, "level": PROVED, **more}
    return await house.ask("payee.add", **given)  # type: ignore[arg-type]


async def test_a_payee_is_added_heard_used_and_taken_out(place: Path) -> None:
    async with open_house(place) as house:
        assert (await house.ask("payee.list")).exit == "none"
        added = await _add(house, PAYEE)
        assert (added.exit, added.data) == ("ok", {"slot": "1", "ready": date(2026, 4, 1)})
        assert (await _add(house, PAYEE)).exit == "exists"
        heard = await house.ask("payee.list")
        row = {"slot": "1", "payee_masked": PAYEE.masked, "state": "cooling"}
        assert (heard.exit, heard.data) == ("last", {"items": (row,)})
        assert (await house.ask("payee.list", card=PAYEE)).exit == "none"
        assert (await house.ask("payee.use", slot="1")).data == {"payee": PAYEE}
        assert (await house.ask("payee.use", slot="2")).exit == "no_payee"
        assert (await house.ask("payee.remove", slot="1")).exit == "ok"
        assert (await house.ask("payee.remove", slot="1")).exit == "no_payee"
        kinds = [event[0] for event in house.events("payee.added", "payee.removed")]
        assert kinds == ["payee.added", "payee.removed"]


async def test_a_pin_alone_adds_nobody(tmp_path: Path) -> None:
    async with open_house(tmp_path) as house:
        assert (await _add(house, PAYEE, level=AuthLevel.PIN)).exit == "unavailable"
        assert rows(tmp_path, payee) == []


async def test_the_number_is_sealed_at_rest(place: Path) -> None:
    async with open_house(place) as house:
        await _add(house, PAYEE)
    (row,) = rows(place, payee)
    assert (row.masked, row.token) == (PAYEE.masked, house.keys.token(PAYEE))
    assert PAYEE.digits.encode() not in bytes(row.ciphertext)
    for path in place.rglob("*"):
        if path.is_file():
            assert PAYEE.digits.encode() not in path.read_bytes(), path


async def test_nine_places_in_pages_of_five(place: Path) -> None:
    async with open_house(place) as house:
        slots = [(await _add(house, _card(n))).data["slot"] for n in range(9)]
        assert slots == [str(n) for n in range(1, 10)]
        assert (await _add(house, _card(9))).exit == "full"
        first = await house.ask("payee.list")
        assert first.exit == "ok"
        second = await house.ask("payee.list", cursor=str(first.data["cursor"]))
        assert second.exit == "last"
        heard = [row["slot"] for page in (first, second) for row in page.data["items"]]  # type: ignore[union-attr,index]
        assert heard == slots
        await house.ask("payee.remove", slot="4")
        assert (await _add(house, _card(9))).data["slot"] == "4"


async def test_places_at_random_are_never_two(place: Path) -> None:
    rng, there = random.Random(7), dict[str, CardNumber]()
    async with open_house(place) as house:
        for _ in range(60):
            card = _card(rng.randrange(12))
            if rng.random() < 0.6:
                answer = await _add(house, card)
                wanted = "exists" if card in there.values() else "ok" if len(there) < 9 else "full"
                assert answer.exit == wanted
                if wanted == "ok":
                    there[str(answer.data["slot"])] = card
            else:
                slot = str(rng.randrange(1, 10))
                gone = there.pop(slot, None)
                assert (await house.ask("payee.remove", slot=slot)).exit == (
                    "no_payee" if gone is None else "ok"
                )
        kept = await house.run(lambda part: jobs.of(part, house.keys.token(PAYER)))
        assert {str(one.slot): one.card.token for one in kept} == {
            slot: house.keys.token(card) for slot, card in there.items()
        }


async def test_a_payee_is_trusted_when_its_cooling_is_over(place: Path) -> None:
    clock = FakeClock()
    service = shipped()["transfer.quote"]
    async with open_house(place, clock) as house:
        customer = house.keys.token(PAYER)
        terms = {"from": PAYER, "to": PAYEE, "amount": Money.parse("20000.00")}

        async def trusted(**other: object) -> bool:
            return await house.customers.desk.trusts(service, {**terms, **other}, customer)  # type: ignore[arg-type]

        assert not await trusted()
        await _add(house, PAYEE)
        assert not await trusted()
        clock.forward(24 * 3600 - 1)
        assert not await trusted()
        clock.forward(1)
        assert await trusted()
        assert await trusted(to=house.keys.seal(PAYEE))
        assert not await trusted(to=_card(1))
        assert not await trusted(to=PAYER)  # nobody else is paid
        assert not await house.customers.desk.trusts(service, terms, house.keys.token(_card(1)))


async def test_what_a_payee_may_have_a_day(place: Path) -> None:
    bank = Money.parse("50000.00")
    async with open_house(place) as house:
        await _add(house, PAYEE)
        customer, token = house.keys.token(PAYER), house.keys.token(PAYEE)

        async def limit(amount: str, level: AuthLevel = AuthLevel.PIN, slot: str = "1") -> str:
            money = Money.parse(amount)
            return (await house.ask("payee.limit", slot=slot, amount=money, level=level)).exit

        async def most() -> Money | None:
            job = lambda part: jobs.most_daily(part, customer, token, bank, house.host.day)  # noqa: E731
            return await house.run(job)  # type: ignore[no-any-return]

        assert await most() == bank
        assert await limit("100.00") == "ok"
        assert await most() == Money.parse("100.00")
        assert await limit("100.01") == "prove"
        assert await limit("100.01", PROVED) == "ok"
        assert await limit("50000.01", PROVED) == "over_bank"
        assert await limit("1.00", slot="2") == "no_payee"
        assert await most() == Money.parse("100.01")
        token = house.keys.token(_card(1))
        assert await most() is None
        assert len(house.events("payee.limited")) == 2


async def test_who_takes_a_payee_out_does_not_lift_its_cap(place: Path) -> None:
    """A PIN alone may take one out: what it may be paid stays until the next business date."""
    bank, cap = Money.parse("50000.00"), Money.parse("100.00")
    async with open_house(place) as house:
        await _add(house, PAYEE)
        customer, token = house.keys.token(PAYER), house.keys.token(PAYEE)

        async def most(days: int = 0, of: str = token) -> Money | None:
            on = DAY + timedelta(days=days)
            job = lambda part: jobs.most_daily(part, customer, of, bank, on)  # noqa: E731
            return await house.run(job)  # type: ignore[no-any-return]

        assert (await house.ask("payee.limit", slot="1", amount=cap)).exit == "ok"
        assert (await house.ask("payee.remove", slot="1")).exit == "ok"
        assert (await most(), await most(1)) == (cap, None)
        assert await most(of=house.keys.token(_card(1))) is None
        await _add(house, PAYEE)
        assert (await most(), await most(1)) == (cap, bank)
        more = Money.parse("200.00")
        await house.ask("payee.limit", slot="1", amount=more, level=PROVED)
        assert (await house.ask("payee.remove", slot="1")).exit == "ok"
        assert await most() == cap  # the lower of both
        assert await house.run(lambda part: ceilings.of(part, customer)) == []


async def test_the_same_request_again_gives_what_it_gave_first(place: Path) -> None:
    async with open_house(place) as house:
        first = await _add(house, PAYEE, name="a1")
        again = await _add(house, PAYEE, name="a1")
        assert (again.exit, again.data) == (first.exit, first.data) == ("ok", first.data)
        assert (await _add(house, _card(1), name="a1")).exit == "unavailable"
        amount = Money.parse("100.00")
        for _ in range(2):
            answer = await house.ask("payee.limit", name="l1", slot="1", amount=amount)
            assert answer.exit == "ok"
        other = await house.ask("payee.limit", name="l1", slot="1", amount=Money.parse("1.00"))
        assert other.outcome == Declined("different_content")
        for _ in range(2):
            assert (await house.ask("payee.remove", name="d1", slot="1")).exit == "ok"
        assert (await house.ask("payee.remove", name="d1", slot="2")).exit == "no_payee"
        assert (await _add(house, PAYEE, name="a1")).data == first.data
        assert (await house.ask("payee.list")).exit == "none"
        kinds = ("payee.added", "payee.limited", "payee.removed")
        assert [event[0] for event in house.events(*kinds)] == list(kinds)
