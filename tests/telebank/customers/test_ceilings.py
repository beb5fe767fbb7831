"""The ceiling that a customer sets: lower at once, higher only proved and from the next day."""

from datetime import date, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.customers_kit import House, open_house
from support.store_kit import DAY, PAYEE, PAYER, money_plan, transfer
from telebank.store import ceilings as jobs
from telebank.store.ceilings import Ceiling
from transactions.journal import Hold, Recorded, RecordPlan, RecordRefused
from transactions.money import Money
from transactions.request import AuthLevel

BANK = Money.parse("50000.00")
PROVED = AuthLevel.SECOND_FACTOR
TOMORROW = DAY + timedelta(days=1)


async def _set(house: House, amount: str, level: AuthLevel = AuthLevel.PIN) -> tuple[str, object]:
    answer = await house.ask("ceiling.set", amount=Money.parse(amount), level=level)
    return answer.exit, answer.data.get("since")


async def _daily(house: House) -> Money:
    told = (await house.ask("ceiling.tell")).data
    assert told["bank"] == BANK
    daily = told["daily"]
    assert isinstance(daily, Money)
    return daily


async def test_lower_at_once_higher_tomorrow(place: Path) -> None:
    async with open_house(place) as house:
        assert await _daily(house) == BANK
        assert await _set(house, "1000.00") == ("ok", DAY)
        assert await _daily(house) == Money.parse("1000.00")
        assert await _set(house, "2000.00") == ("prove", None)
        assert await _set(house, "2000.00", PROVED) == ("ok", TOMORROW)
        assert await _daily(house) == Money.parse("1000.00")
        house.host.day = TOMORROW
        assert await _daily(house) == Money.parse("2000.00")
        assert await _set(house, "50000.01", PROVED) == ("over_bank", None)
        assert (await house.ask("ceiling.tell", card=PAYEE)).data["daily"] == BANK
        events = [
            (outcome, detail["since"]) for _, outcome, detail in house.events("ceiling.changed")
        ]
        assert events == [("ok", DAY.isoformat()), ("ok", TOMORROW.isoformat())]


async def test_lowering_takes_back_what_was_to_be_higher(place: Path) -> None:
    async with open_house(place) as house:
        await _set(house, "1000.00")
        await _set(house, "9000.00", PROVED)
        assert await _set(house, "500.00") == ("ok", DAY)
        house.host.day = TOMORROW
        assert await _daily(house) == Money.parse("500.00")
        kept = await house.run(lambda part: jobs.of(part, house.keys.token(PAYER)))
        assert kept == [Ceiling("transfer_daily", Money.parse("500.00"), None, None)]


async def test_the_commit_that_reserves_keeps_to_it(place: Path) -> None:
    async with open_house(place) as house:
        await _set(house, "150.00")
        customer = house.keys.token(PAYER)

        def plan(amount: str) -> RecordPlan:
            hold = Hold("transfer_daily", customer, Money.parse(amount), BANK, owner=customer)
            return money_plan(amount, guarded=False, holds=(hold,), customer=customer)

        first = await house.store.journal.record(transfer("r1", "100.00"), plan("100.00"))
        assert isinstance(first, Recorded)
        told = (await house.ask("ceiling.tell")).data
        assert (told["daily"], told["used"]) == (Money.parse("150.00"), Money.parse("100.00"))
        second = await house.store.journal.record(transfer("r2", "50.01"), plan("50.01"))
        assert second == RecordRefused("over_limit")
        third = await house.store.journal.record(transfer("r3", "50.00"), plan("50.00"))
        assert isinstance(third, Recorded)


STEP = st.tuples(st.integers(1, 6_000_000), st.booleans(), st.integers(0, 1))


@given(st.lists(STEP, min_size=1, max_size=8))
@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_what_holds_is_never_raised_on_its_own_day(
    tmp_path_factory: object, steps: list[tuple[int, bool, int]]
) -> None:
    """By any way of lowering, raising and waiting."""
    place: Path = tmp_path_factory.mktemp("ceilings")  # type: ignore[attr-defined]
    async with open_house(place) as house:
        held, later, since = BANK.minor, BANK.minor, DAY
        for minor, proved, days in steps:
            house.host.day += timedelta(days=days)
            held, later = (later, later) if house.host.day >= since else (held, later)
            assert (await _daily(house)).minor == held
            amount = Money(minor, BANK.currency)
            level = PROVED if proved else AuthLevel.PIN
            answer = await house.ask("ceiling.set", amount=amount, level=level)
            day: date = house.host.day
            if minor > BANK.minor:
                assert answer.exit == "over_bank"
            elif minor <= held:
                assert answer.data == {"since": day}
                held = later = minor
                since = day
            elif proved:
                assert answer.data == {"since": day + timedelta(days=1)}
                later, since = minor, day + timedelta(days=1)
            else:
                assert answer.exit == "prove"
            assert (await _daily(house)).minor == held


async def test_the_same_request_again_gives_what_it_gave_first(place: Path) -> None:
    async with open_house(place) as house:
        amount = Money.parse("1000.00")

        async def put(name: str, amount: Money, level: AuthLevel = AuthLevel.PIN) -> object:
            answer = await house.ask("ceiling.set", name=name, amount=amount, level=level)
            return answer.data.get("since") or answer.exit

        assert [await put("s1", amount) for _ in range(2)] == [DAY, DAY]
        raised = Money.parse("2000.00")
        assert [await put("s2", raised, PROVED) for _ in range(2)] == [TOMORROW] * 2
        house.host.day = TOMORROW
        assert await put("s1", amount) == DAY  # not lowered once more
        assert await _daily(house) == raised
        assert await put("s1", raised) == "unavailable"
        assert len(house.events("ceiling.changed")) == 2
