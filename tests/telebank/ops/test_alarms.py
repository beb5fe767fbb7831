"""Alarms: raised after their time, over with hysteresis, unmoved by what cannot be seen."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.watch_seen import node, snapshot, store
from telebank.ops.alarms import FIGURES, Alarms, Rule
from telebank.ops.alarms_file import AlarmsError, keep_raised, load_rules, raised_before
from telebank.ops.metrics_types import Anchors, Clock, Disk, Snapshot
from telebank.settings import seed_dir

SHIPPED = seed_dir() / "alarms.yaml"


def rule(**changed: Any) -> Rule:
    told = {
        "name": "disk",
        "metric": "disk_free_percent",
        "severity": "major",
        "zh": "盘",
        "en": "d",
    }
    return Rule(**{**told, "below": 10.0, "clear": 12.0, "for_s": 30.0, **changed})


def free(percent: float) -> Snapshot:
    return snapshot(disk=Disk(total=1_000, free=round(percent * 10)))


def test_an_alarm_is_raised_after_its_time_and_is_over_after_it() -> None:
    alarms = Alarms([rule()])
    steps = [
        (0, 9, None),
        (20, 9, None),
        (25, 10, None),
        (26, 9.5, None),
        (55, 9, None),
        (56, 9, True),
        (70, 11, None),
        (200, 11, None),
        (210, 12, None),
        (230, 11, None),
        (240, 13, None),
        (270, 13, False),
        (300, 11, None),
    ]
    for at, percent, changed in steps:
        found = [change.raised for change in alarms.looked(free(percent), at)]
        assert found == ([] if changed is None else [changed]), (at, percent)


def test_how_they_stand() -> None:
    alarms = Alarms([rule()])
    alarms.looked(free(5), 100.0)
    (one,) = alarms.now(110.0)
    assert (one.raised, one.pending, one.since_s, one.value) == (False, True, 10.0, 5.0)
    alarms.looked(free(5), 130.0)
    (one,) = alarms.now(131.0)
    assert (one.raised, one.pending, one.since_s, one.threshold) == (True, False, 1.0, 10.0)


def test_what_cannot_be_seen_changes_nothing() -> None:
    manual = rule(name="manual", metric="journal_manual", below=None, clear=None, above=0, for_s=0)
    alarms = Alarms([manual])
    assert [one.raised for one in alarms.looked(snapshot(), 0.0)] == [True]
    assert alarms.looked(Snapshot(), 10.0) == []
    assert alarms.now(10.0)[0].raised
    assert [one.raised for one in alarms.looked(snapshot(store=store(manual=0)), 20.0)] == [False]


def test_what_an_earlier_run_raised_is_not_raised_again_and_can_be_over(tmp_path: Path) -> None:
    file = tmp_path / "run" / "alarms.json"
    assert raised_before(file) == frozenset()
    keep_raised(file, ["disk"])
    alarms = Alarms([rule(for_s=0)], raised_before(file))
    assert alarms.looked(free(5), 0.0) == []
    assert [one.raised for one in alarms.looked(free(50), 1.0)] == [False]


def test_a_fault_and_a_step_of_the_clock_are_news_for_ten_minutes() -> None:
    alarms = Alarms([one for one in load_rules(SHIPPED) if one.name in ("faults", "clock_step")])
    stepped = Clock(steps=1, step_s=-3.0, since_s=1.0)
    assert alarms.looked(snapshot(clock=Clock(), node=node(faults=4)), 0.0) == []
    found = alarms.looked(snapshot(clock=stepped, node=node(faults=5)), 2.0)
    assert {(one.rule.name, one.raised) for one in found} == {
        ("faults", True),
        ("clock_step", True),
    }
    later = Clock(steps=1, step_s=-3.0, since_s=700.0)
    found = alarms.looked(snapshot(clock=later, node=node(faults=5)), 702.0)
    assert {one.raised for one in found} == {False}


def test_the_shipped_ones_are_silent_over_a_bank_that_is_well() -> None:
    well = store(pending=0, oldest_s=0, unknown=0, manual=0)
    host = node().host
    seen = snapshot(
        store=well,
        clock=Clock(),
        node=node(host=type(host)(name="tb87", links=1, links_up=1), trunks=()),
    )
    alarms = Alarms(load_rules(SHIPPED))
    for at in range(0, 2_000, 100):
        assert alarms.looked(seen, float(at)) == []
    assert {one.metric for one in alarms.rules} <= set(FIGURES)


@pytest.mark.parametrize(
    ("anchors", "name", "severity"),
    [
        (Anchors(), "audit_no_anchor", "warning"),
        (Anchors(places=2, late=1), "audit_anchor_late", "major"),
    ],
)
def test_a_log_without_copies_elsewhere_is_not_well(
    anchors: Anchors, name: str, severity: str
) -> None:
    rules = [one for one in load_rules(SHIPPED) if one.name.startswith("audit")]
    alarms, seen = Alarms(rules), snapshot(node=node(anchors=anchors))
    alarms.looked(seen, 0.0)
    (change,) = alarms.looked(seen, 100.0)
    assert (change.rule.name, change.rule.severity, change.raised) == (name, severity, True)


def line(**changed: object) -> str:
    told = {"name": "a", "metric": "node_up", "above": 1, "for": 1, "severity": "major"}
    told = {**told, "zh": "a", "en": "a", **changed}
    return f"- {json.dumps({key: value for key, value in told.items() if value is not None})}\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- {name: a", "not YAML"),
        (line(metric="nothing"), "no figure"),
        (line(above=None), "above or below"),
        (line(below=2), "above or below"),
        (line(clear=2), "never be well"),
        (line(severity="bad"), "bad"),
        (line(more=1), "more"),
        (line() * 2, "a name for each"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "alarms.yaml"
    file.write_text(text)
    with pytest.raises(AlarmsError, match=words):
        load_rules(file)
