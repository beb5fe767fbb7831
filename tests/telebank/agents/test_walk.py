"""A thousand callers and seats with all events at random: the rules hold after each step."""

import pytest

from support.agents_walk import OPTIONS, Walk, without_limits

EVENTS = 2_000


@pytest.mark.parametrize("seed", range(1, 5))
def test_rules_hold(seed: int) -> None:
    watch = Walk(seed).run(EVENTS)
    assert {"answered", "abandoned", "full", "not_on_duty"} <= set(watch.ends)
    assert watch.ends["answered"] > 75, watch.ends


@pytest.mark.parametrize("seed", range(100, 102))
def test_rules_hold_in_long_queues(seed: int) -> None:
    Walk(seed, without_limits(OPTIONS)).run(EVENTS)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(1_000, 1_060))
def test_rules_hold_long(seed: int) -> None:
    Walk(seed, OPTIONS if seed % 3 else without_limits(OPTIONS)).run(5 * EVENTS)
