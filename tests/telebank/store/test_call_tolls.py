"""What tellers' calls cost: counted piece by piece while they last, settled at their end, freed
after a crash."""

from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from support.fax_jobs import LIMITS
from support.store_kit import FakeClock, open_store, rows
from telebank.store import fax_tolls
from telebank.store.fax_tables import fax_dial
from telebank.store.fax_tolls import FREE, TOLLS, Allowed, Limits, OverLimit, Toll
from telebank.store.store import Store
from telebank.store.transaction import Transaction

PIECE = replace(LIMITS, call_s=300, seconds_daily=1_200, calls_hourly=100, per_number_daily=100)
LONGEST_S = 3_600


def _place(part: Transaction, job: str, limits: Limits, toll: Toll) -> Allowed | OverLimit:
    verdict = fax_tolls.judge(part, "token", limits, toll=toll)
    if isinstance(verdict, Allowed):
        fax_tolls.place(part, job, 1, "token", verdict.seconds, toll)
    return verdict


async def placed(
    store: Store, ref: str, limits: Limits = PIECE, toll: Toll = FREE
) -> Allowed | OverLimit:
    work = partial(_place, job=f"call:{ref}", limits=limits, toll=toll)
    return await store.journal.run(work, TOLLS)


async def more(
    store: Store, ref: str, limits: Limits = PIECE, toll: Toll = FREE, longest: int = LONGEST_S
) -> int | str:
    """Seconds more, or the limit."""
    job = f"call:{ref}"
    work = partial(fax_tolls.more, job=job, attempt=1, limits=limits, longest=longest, toll=toll)
    found = await store.journal.run(work, TOLLS)
    return found.seconds if isinstance(found, Allowed) else found.rule


async def took(store: Store, ref: str, seconds: float) -> None:
    work = partial(fax_tolls.took, job=f"call:{ref}", attempt=1, seconds=seconds)
    await store.journal.run(work)


async def test_those_who_talk_leave_room_for_others(place: Path) -> None:
    async with open_store(place) as store:
        for ref in ("01-1-1", "01-1-2", "01-1-3", "01-1-4"):
            assert await placed(store, ref) == Allowed(300)
        fifth = await placed(store, "01-1-5")
        assert isinstance(fifth, OverLimit)
        assert fifth.rule == "seconds_daily"
        assert await more(store, "01-1-1") == "seconds_daily"
        await took(store, "01-1-2", 20.0)
        assert await more(store, "01-1-1") == 280
        assert await more(store, "01-1-1") == "seconds_daily"
        assert await more(store, "01-1-2") == "call_s"  # it has ended


async def test_one_call_has_an_end(place: Path) -> None:
    async with open_store(place) as store:
        await placed(store, "01-1-1")
        assert await more(store, "01-1-1", longest=500) == 200
        assert await more(store, "01-1-1", longest=500) == "call_s"


async def test_a_trunks_money_is_counted_by_begun_minutes_while_a_call_lasts(place: Path) -> None:
    toll = Toll("carrier", 120, 1_000)  # 0.12 a minute begun, 1.00 a day: eight minutes
    limits = replace(PIECE, call_s=90)
    async with open_store(place) as store:
        assert await placed(store, "01-1-1", limits, toll) == Allowed(90)  # two minutes are paid
        assert await more(store, "01-1-1", PIECE, toll) == 300  # six and a half
        assert await more(store, "01-1-1", PIECE, toll) == 90  # half a one, and the eighth
        assert await more(store, "01-1-1", PIECE, toll) == "spend_daily"
        assert await more(store, "01-1-1", PIECE, replace(toll, spend_daily=None)) == 300


async def test_a_call_counts_on_the_day_on_which_it_was_placed(place: Path) -> None:
    clock = FakeClock()
    begins = LIMITS.day_began + timedelta(days=1)
    async with open_store(place, clock=clock) as store:
        clock.now = begins - timedelta(seconds=100)
        await placed(store, "01-1-1")
        clock.now = begins + timedelta(seconds=100)
        tomorrow = replace(PIECE, day_began=begins)
        for ref in ("01-1-2", "01-1-3", "01-1-4", "01-1-5"):
            assert await placed(store, ref, tomorrow) == Allowed(300)
        assert await more(store, "01-1-2", tomorrow) == "seconds_daily"
        assert await more(store, "01-1-1") == 300


async def test_what_a_killed_node_had_set_aside_is_free_when_it_is_started_again(
    place: Path,
) -> None:
    clock = FakeClock()
    async with open_store(place, clock=clock) as store:
        first = store.epoch
        for node in ("01", "02"):
            assert await placed(store, f"{node}-{first}-1") == Allowed(300)
        clock.forward(30)
        assert await placed(store, f"01-{first}-2") == Allowed(300)
    clock.forward(10)
    async with open_store(place, clock=clock) as store:
        await placed(store, f"01-{store.epoch}-1")
        assert await store.journal.run(fax_tolls.lost, TOLLS) == 2
        assert await store.journal.run(fax_tolls.lost, TOLLS) == 0
    found = {row.job: (row.seconds, row.ended_at is not None) for row in rows(place, fax_dial)}
    assert found == {
        f"call:01-{first}-1": (40, True),
        f"call:01-{first}-2": (10, True),
        f"call:02-{first}-1": (300, False),
        f"call:01-{first + 1}-1": (300, False),
    }
