"""Random calls over a trunk of an agent with everything at its doors: no fault, one end told, and
nothing left, whatever the peer says and however time goes."""

import pytest

from support.sip_walks import Walk


@pytest.mark.parametrize(
    "seeds",
    [range(2_000), pytest.param(range(2_000, 30_000), marks=pytest.mark.long)],
    ids=["some", "many"],
)
def test_whatever_becomes_of_a_call(seeds: range) -> None:
    wrong = {seed: found for seed in seeds if (found := Walk(seed).run())}
    assert wrong == {}
