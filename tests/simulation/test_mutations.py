"""The simulation can fail: each mistake of a list, made on purpose, is caught and named."""

from collections.abc import Iterable
from dataclasses import replace

import pytest

from support.simulation_bank import one_codec
from support.simulation_cells import case, run_setting, sample, with_first
from support.simulation_mutations import MUTATIONS, Mutation

SEED = 20260302
RUNS = 1500


def first_failure(numbers: Iterable[int], kill: str = "") -> str:
    """What the first run that breaks an invariant says; empty where none does."""
    with one_codec():
        for count, number in enumerate(numbers):
            setting, cell = case(number, SEED)
            setting = replace(setting, kill=kill or setting.kill)
            try:
                run_setting(setting, SEED * 1_000_000 + number)
            except AssertionError as error:
                return f"{error} (run {count + 1}, {cell})"
    return ""


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda one: one.name)
def test_caught(mutation: Mutation, monkeypatch: pytest.MonkeyPatch) -> None:
    mutation.patch(monkeypatch)
    first = mutation.first
    numbers = reversed(sample(RUNS, SEED)) if first is None else with_first(first)
    said = first_failure(numbers, mutation.kill)
    print(said)
    assert said, f"{RUNS} runs did not show: {mutation.name}"
    assert any(words in said for words in mutation.caught), said
