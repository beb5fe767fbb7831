"""The shipped scenarios cover what they must; a wrong file is told by line."""

from pathlib import Path

import pytest

from core_adapters.conformance.faults import ACTS, ROLES
from core_adapters.conformance.scenarios import load_scenarios
from core_adapters.iso8583.profile import CODE_CLASSES
from core_adapters.profiles.errors import ProfileError
from support.conformance_bench import CONTRACTS, PROFILE, shipped

SCENARIOS = shipped().scenarios


def test_every_class_of_codes_is_tried() -> None:
    tried = {fault.kind for one in SCENARIOS for fault in one.faults if fault.kind}
    assert tried >= set(CODE_CLASSES) - {"success"} | {"unlisted"}


def test_every_act_of_the_proxy_is_used() -> None:
    assert {fault.do for one in SCENARIOS for fault in one.faults} == set(ACTS)


def test_every_kind_of_recovery_is_tried() -> None:
    tried = {one.recovery or CONTRACTS[one.service].recovery for one in SCENARIOS if one.service}
    assert tried == {"none", "reverse", "repeat", "query", "person"}


def test_services_named_are_of_the_profile() -> None:
    assert {one.service for one in SCENARIOS if one.service} <= set(PROFILE.services)


def test_titles_are_in_both_languages() -> None:
    assert all(one.zh and one.en and "{" not in one.zh + one.en for one in SCENARIOS)
    assert len({one.id for one in SCENARIOS}) == len(SCENARIOS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("  a: {title: {zh: 甲, en: a}, faults: [{on: reply, do: explode}]}", ":3:"),
        ("  a: {title: {zh: 甲, en: a}, faults: [{on: answer, do: drop}]}", "must be one of"),
        ("  a: {title: {zh: 甲, en: a}, expect: {outcome: done}}", "an outcome is one of"),
        ("  a: {title: {zh: 甲, en: a}, retries: 3}", "unknown key 'retries'"),
        ("  a: {title: {zh: 甲}}", "needs 'en'"),
        ("  a: {title: {zh: 甲, en: a}, faults: [{on: reply, do: hold}]}", "needs `until`"),
        ("  a: {title: {zh: 甲, en: a}, faults: [{on: reply, do: answer}]}", "needs `code`"),
    ],
)
def test_a_wrong_file_is_told_by_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "scenarios.yaml"
    path.write_text(f"schema: 1\nscenarios:\n{text}\n", encoding="utf-8")
    with pytest.raises(ProfileError, match=r"scenarios\.yaml:3") as caught:
        load_scenarios(path)
    assert said in str(caught.value)


def test_roles_are_those_that_the_profile_has() -> None:
    assert {fault.on for one in SCENARIOS for fault in one.faults} <= set(ROLES)
