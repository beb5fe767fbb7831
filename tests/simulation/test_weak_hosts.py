"""Hosts that lack something: what goes wrong is shown, and the settings that avoid it.

docs/hosts-without-tombstones.md tells it to people; the seeds there are of these runs.
"""

import pytest

from support.simulation_cells import with_first
from support.simulation_hosts import (
    BY_PERSON,
    FITS,
    NEW_STAN,
    NO_94,
    NO_DUPLICATES,
    NO_TOMBSTONES,
    REVERSAL_STAN,
    STAN_ALONE,
    WAITS,
    judge_host,
)
from support.simulation_net import Hit
from support.simulation_world import Setting

SEED = 20260302
STEP = 7

WRONG = [
    ("no tombstones", Hit.OVERTAKEN, Setting(weakness=NO_TOMBSTONES, profile=FITS), 25.0),
    ("request twice", Hit.TWICE, Setting(weakness=NO_DUPLICATES, profile=FITS), 25.0),
    ("reversal twice", Hit.REPLY_LOST, Setting(weakness=NO_DUPLICATES, profile=FITS), 25.0),
    ("by STAN alone", Hit.REPLY_LOST, Setting(weakness=STAN_ALONE, profile=FITS), 25.0),
]
RIGHT = [
    ("window", Hit.OVERTAKEN, Setting(weakness=NO_TOMBSTONES, profile=WAITS), 25.0),
    ("past the window", Hit.OVERTAKEN, Setting(weakness=NO_TOMBSTONES, profile=WAITS), 90.0),
    ("person", Hit.REPLY_LOST, Setting(weakness=NO_DUPLICATES, contracts=BY_PERSON), 25.0),
    ("94 is no reversal", Hit.REPLY_LOST, Setting(weakness=STAN_ALONE, profile=NO_94), 25.0),
    ("a STAN of its own", Hit.REPLY_LOST, Setting(weakness=STAN_ALONE, profile=NEW_STAN), 25.0),
    ("repeats", Hit.REPLY_LOST, Setting(weakness=REVERSAL_STAN, profile=NEW_STAN), 25.0),
]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case[0])
def test_wrong_under_settings_that_do_not_fit(case: tuple[str, Hit, Setting, float]) -> None:
    name, first, setting, seconds = case
    verdicts = judge_host(first, setting, SEED, seconds, with_first(first)[::STEP])
    print(name, verdicts)
    assert verdicts.count > 0


@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case[0])
def test_never_wrong_under_settings_that_fit(case: tuple[str, Hit, Setting, float]) -> None:
    name, first, setting, seconds = case
    verdicts = judge_host(first, setting, SEED, seconds, with_first(first)[::STEP])
    print(name, verdicts)
    assert verdicts.count == 0, str(verdicts)


@pytest.mark.long
@pytest.mark.parametrize("case", RIGHT, ids=lambda case: case[0])
def test_never_wrong_whole(case: tuple[str, Hit, Setting, float]) -> None:
    name, first, setting, seconds = case
    verdicts = judge_host(first, setting, SEED, seconds)
    print(name, verdicts)
    assert verdicts.count == 0, str(verdicts)
