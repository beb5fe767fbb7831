"""Fault plans: what is read, what is refused, what is counted."""

import json
from pathlib import Path

import pytest

from core_adapters.corehost.faults import Act, FaultError, FaultPlan, parse_action, parse_plan
from core_adapters.iso8583.format.message import Message

TRANSFER = Message("0200", {2: "6227000001000017", 3: "420000", 4: "000000000100", 41: "TB010001"})
ECHO = Message("0800", {70: "301"})


def put(path: Path, rules: list[dict[str, object]]) -> FaultPlan:
    path.write_text(json.dumps(rules))
    return FaultPlan(path)


def test_every_action_is_read() -> None:
    written = {
        Act.DELAY: "delay 2.5",
        Act.DELAY_BEFORE: "delay_before 1",
        Act.CUT_REPLY_AT: "cut_reply_at 7",
        Act.WRONG_FIELD: "wrong_field 11 999999",
        Act.BAD_LENGTH: "bad_length 9999",
        Act.SLOW_LORIS: "slow_loris 0.05",
        Act.CODE: "code 51",
    }
    for act in Act:
        assert parse_action(written.get(act, act.value)).act is act


@pytest.mark.parametrize(
    "text",
    [
        "explode",
        "delay",
        "delay x",
        "delay -1",
        "delay 1e9",
        "code 5",
        "code",
        "garble 3",
        "bad_length 70000",
    ],
)
def test_a_wrong_action_says_what_to_write(text: str) -> None:
    with pytest.raises(FaultError, match="action"):
        parse_action(text)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('[{"action": "dropafter"}]', "is drop_after meant?"),
        ('[{"action": "delay"}]', 'write, for example, "delay 2.5"'),
        ('[{"action": "garble", "tmes": 1}]', "a rule takes action, match, times, skip"),
        ('[{"action": "garble", "match": {"mtii": "1"}}]', "match takes mti, processing"),
        ('[{"action": "garble"}, {"action": "code 5"}]', 'rule 2.*"code 51"'),
        ('[{"action": "garble", "match": {"network": "eco"}}]', "none of sign_on"),
    ],
)
def test_a_wrong_plan_says_what_to_write(text: str, wanted: str) -> None:
    with pytest.raises(FaultError, match=wanted):
        parse_plan(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[1]",
        '[{"action": "garble", "tmes": 1}]',
        '[{"match": {"mit": "0200"}}]',
        '[{"action": "garble", "match": {"network": "hello"}}]',
        '[{"action": "garble", "match": {"fields": {"x": "1"}}}]',
    ],
)
def test_a_wrong_plan_is_refused(text: str) -> None:
    with pytest.raises(FaultError):
        parse_plan(text.encode())


@pytest.mark.parametrize(
    ("match", "fits"),
    [
        ({}, True),
        ({"mti": "0200", "processing": "42", "amount": 100}, True),
        ({"card": "6227000001000017", "terminal": "TB010001"}, True),
        ({"mti": "0420"}, False),
        ({"amount": 101}, False),
        ({"processing": "31"}, False),
        ({"stan": "000001"}, False),
        ({"fields": {"70": "301"}}, False),
    ],
)
def test_matching(tmp_path: Path, match: dict[str, object], fits: bool) -> None:
    plan = put(tmp_path / "plan.json", [{"match": match, "action": "garble"}])
    assert (plan.take(TRANSFER) is not None) is fits


def test_times_and_skip_are_counted(tmp_path: Path) -> None:
    rules: list[dict[str, object]] = [{"action": "garble", "skip": 1, "times": 2}]
    plan = put(tmp_path / "plan.json", rules)
    assert [plan.take(ECHO) is not None for _ in range(5)] == [False, True, True, False, False]


def test_the_next_rule_takes_over_when_one_is_used_up(tmp_path: Path) -> None:
    rules: list[dict[str, object]] = [{"action": "drop_after", "times": 1}, {"action": "code 91"}]
    plan = put(tmp_path / "plan.json", rules)
    acts = [fault.act for fault in (plan.take(ECHO), plan.take(ECHO)) if fault]
    assert acts == [Act.DROP_AFTER, Act.CODE]


def test_a_changed_file_is_read_again_and_a_bad_one_leaves_the_old_plan(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    plan = FaultPlan(path)
    assert plan.take(ECHO) is None
    put(path, [{"action": "garble"}])
    assert plan.take(ECHO) is not None
    path.write_text("[{")
    assert plan.take(ECHO) is not None
    path.unlink()
    assert plan.take(ECHO) is None
