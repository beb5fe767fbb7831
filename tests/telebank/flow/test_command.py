"""`telebank flow` as a user types it: words, JSON, exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from support.flow_bank import BANK, changed
from telebank.commands.flow import command


def flow(*args: str | Path) -> Result:
    return CliRunner().invoke(command, [str(arg) for arg in args])


def book(folder: Path, hears: str) -> Path:
    path = folder / "one.yaml"
    text = f"schema: ivr-playbook/1\ntests:\n  - name: one\n    steps: [{{hears: {hears}}}]\n"
    path.write_text(text, encoding="utf-8")
    return path


def test_check_finds_nothing_in_the_shipped_flows() -> None:
    result = flow("check")
    assert (result.exit_code, result.output) == (0, "no findings\n")


def test_check_times_names_the_longest_way_of_each_flow_and_language() -> None:
    result = flow("check", "--times", "--json", "--config", BANK)
    times = json.loads(result.output)["times"]
    assert {(way["flow"], way["language"]) for way in times} == {
        (name, language) for name in ("main", "pay") for language in ("zh", "en")
    }
    assert all(way["seconds"] > 0 and way["nodes"] for way in times)


def test_check_says_where_and_what_to_do(tmp_path: Path) -> None:
    config = changed(tmp_path, "flows/main.yaml", "wrong_pin: pin, ", "")
    result = flow("check", "--config", config)
    assert result.exit_code == 1
    assert "flows/main.yaml:21: [outcome] verify: no exit for outcome `wrong_pin`" in result.output
    assert "add `wrong_pin: node` to `then`" in result.output
    (finding,) = json.loads(flow("check", "--json", "--config", config).output)["findings"]
    assert (finding["rule"], finding["line"]) == ("outcome", 21)


def test_list_names_flows_and_services() -> None:
    rows = json.loads(flow("list", "--json", "--config", BANK).output)
    assert [row["flow"] for row in rows["flows"]] == ["main", "pay"]
    assert rows["flows"][1]["services"] == ["pay.post", "pay.quote"]
    assert len(rows["release"]) == 64


def test_list_of_a_refused_release_says_why(tmp_path: Path) -> None:
    result = flow(
        "list", "--config", changed(tmp_path, "flows/pay.yaml", "guarded_by: confirm, ", "")
    )
    assert result.exit_code == 1
    assert "money-guard" in result.output


def test_test_plays_a_path(tmp_path: Path) -> None:
    result = flow("test", "--config", BANK, book(tmp_path, "main.menu"))
    assert (result.exit_code, result.output) == (0, "1 of 1 calls went as written\n")


def test_test_shows_where_a_call_left_its_script(tmp_path: Path) -> None:
    result = flow("test", "--config", BANK, book(tmp_path, "main.news"))
    assert result.exit_code == 1
    assert "expected to hear main.news; heard main.menu" in result.output


def test_test_with_coverage_fails_on_what_no_path_reaches(tmp_path: Path) -> None:
    result = flow("test", "--coverage", "--json", "--config", BANK, book(tmp_path, "main.menu"))
    assert result.exit_code == 1
    assert "node pay.post is never visited" in json.loads(result.output)["uncovered"]


@pytest.mark.parametrize("text", ["", "tests: []", "schema: ivr-playbook/1\ntests: 3\n"])
def test_a_bad_playbook_is_a_usage_error(text: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text, encoding="utf-8")
    assert flow("test", "--config", BANK, path).exit_code == 2


@pytest.mark.parametrize("verb", ["check", "list", "test"])
def test_help_has_examples(verb: str) -> None:
    assert f"telebank flow {verb}" in flow(verb, "--help").output
