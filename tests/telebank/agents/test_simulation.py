"""The centre played with callers by chance: its rules, what is counted, and what theory says."""

from dataclasses import replace
from heapq import heappop, heappush
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

import pytest
from ruamel.yaml import YAML

from support.agents_walk import without_limits
from support.agents_watch import Watch
from telebank.agents import erlang
from telebank.agents.load import load_queues
from telebank.agents.options import CentreOptions
from telebank.agents.simulation import Plan, PlanError, Staff, Stream, play
from telebank.agents.simulation.comparing import SEATS, TALK_S, WARM_UP, alone, compare
from telebank.agents.simulation.play import Play, centre_of


def with_queues(options: CentreOptions, **more: Any) -> CentreOptions:
    return replace(options, queues=tuple(replace(one, **more) for one in options.queues))


SHIPPED = load_queues(
    YAML(typ="safe").load(Path(__file__).parents[3].joinpath("config/queues.yaml").read_text())
)
BANK = Plan(
    SHIPPED,
    streams=(
        Stream("general", 200.0),
        Stream("general", 20.0, language="en"),
        Stream("general", 10.0, level=6),
        Stream("loss", 40.0, talk_s=90.0),
        Stream("difficult", 20.0, talk_s=300.0),
    ),
    staff=(
        Staff((("general", 5), ("loss", 3)), 8),
        Staff((("general", 4), ("lang.en", 5), ("lang.zh", 5)), 2),
        Staff((("general", 7), ("difficult", 7), ("expert", 7)), 3),
    ),
    calls=1_000,
    patience_s=240.0,
    answer_s=4.0,
)


@pytest.mark.parametrize(
    "plan",
    [
        BANK,
        replace(
            BANK,
            options=with_queues(without_limits(SHIPPED), place_every_s=300.0),
            streams=tuple(replace(one, per_hour=5 * one.per_hour) for one in BANK.streams),
            patience_s=None,
        ),
        replace(
            BANK,
            options=with_queues(SHIPPED, call_backs=50),
            streams=tuple(replace(one, per_hour=3 * one.per_hour) for one in BANK.streams),
            call_back=0.5,
        ),
    ],
    ids=["usual", "crowded", "called back"],
)
def test_a_thousand_callers_each_served_once_at_most(plan: Plan) -> None:
    watch = Watch(centre_of(plan))
    outcome = Play(plan, 7, watch).run(lambda calls: None)
    watch.pass_until(1e6)
    assert set(watch.states.values()) == {"ready"}
    assert not watch.offers
    whole = outcome.all()
    assert whole.came + outcome.refused == plan.calls
    assert sum(whole.ends.values()) == whole.came
    assert whole.answered == len(whole.waits_s) == watch.ends["answered"] > plan.calls / 3
    if plan.call_back:
        assert watch.told["CallBack"] > 10


def test_the_same_seed_plays_the_same() -> None:
    first, again, other = (play(BANK, seed).all() for seed in (3, 3, 4))
    assert first == again
    assert first != other


def first_come_first_served_s(load: float, calls: int, seed: int) -> float:
    """Mean wait for the same lots without a centre: each caller has the seat that is free first, as
    in the recursion of Kiefer and Wolfowitz."""
    coming, talking = Random(f"{seed} coming"), Random(f"{seed} talking")
    free_at, now, waits = [0.0] * SEATS, 0.0, []
    for _ in range(WARM_UP + calls):
        coming.choices([None], [1.0])  # whose stream it is: there is one
        now += coming.expovariate(load * SEATS / TALK_S)
        begins = max(now, heappop(free_at))
        waits.append(begins - now)
        heappush(free_at, begins + talking.expovariate(1 / TALK_S))
    return fmean(waits[WARM_UP:])


@pytest.mark.parametrize("load", [0.5, 0.9])
def test_waits_are_exactly_those_of_first_come_first_served(load: float) -> None:
    waited_s = compare(load, 4_000, 5).wait_s
    assert waited_s == pytest.approx(first_come_first_served_s(load, 4_000, 5), rel=1e-9)


@pytest.mark.parametrize("load", [0.5, 0.7, 0.8])
def test_waits_are_those_of_erlang_c(load: float) -> None:
    """Within four standard errors, and those small enough to tell anything."""
    found = compare(load, 10_000, 1)
    assert found.wait_error_s < found.erlang_wait_s / 4
    assert abs(found.wait_s - found.erlang_wait_s) < 4 * found.wait_error_s
    assert found.waiting_error < found.erlang_waiting / 5
    assert abs(found.waiting - found.erlang_waiting) < 4 * found.waiting_error
    assert found.level == pytest.approx(found.erlang_level, abs=0.03)
    assert found.occupancy == pytest.approx(load, rel=0.05)
    assert found.told_ratio == pytest.approx(1.0, abs=0.15)


@pytest.mark.long
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("load", [0.5, 0.7, 0.8, 0.9])
def test_waits_are_those_of_erlang_c_long(load: float) -> None:
    """At a load of 0.9 the chance of one play of 100,000 calls spreads by 7 %: hence three."""
    plays = [compare(load, 100_000, seed) for seed in (1, 2, 3)]
    wait_s, waiting = fmean(one.wait_s for one in plays), fmean(one.waiting for one in plays)
    assert wait_s == pytest.approx(plays[0].erlang_wait_s, rel=0.1)
    assert waiting == pytest.approx(plays[0].erlang_waiting, rel=0.1)
    assert fmean(one.level for one in plays) == pytest.approx(plays[0].erlang_level, abs=0.02)


def test_who_gives_up_is_as_erlang_a_says() -> None:
    plan = replace(alone(1.1, 10_000), patience_s=120.0)
    outcome = play(plan, 1)
    whole = outcome.all()
    expected = erlang.erlang_a(1.1 * SEATS, SEATS, TALK_S, 120.0)
    assert whole.abandoned / whole.came == pytest.approx(expected.abandons, rel=0.1)
    assert outcome.occupancy == pytest.approx(expected.occupancy, rel=0.03)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"staff": ()}, "0 seats: give 1 to 200, the `seats` of the queues' file"),
        ({"streams": ()}, "0 kinds of callers: give 1 to 50"),
        ({"calls": 0}, "calls is 0: give 1 to 1e+06"),
        ({"patience_s": 0.0}, "seconds of patience is 0: give 0.1 to 7200"),
        ({"answer_s": 20.0}, "phones that ring 20 s are never answered"),
        ({"staff": (Staff((("general", 10),), 1),)}, "level of the skill general is 10: give 1 to"),
        ({"streams": (Stream("genral", 10.0),)}, "callers ask for genral, which no queue has"),
        ({"staff": (Staff((("genral", 5),), 1),)}, "seats have genral, which no queue has: known"),
    ],
)
def test_a_plan_that_cannot_be_played_is_told_why(more: dict[str, Any], told: str) -> None:
    with pytest.raises(PlanError) as error:
        replace(BANK, **more)
    assert str(error.value).startswith(told)
