"""Every path test of the shipped menu trees, and that together they leave nothing out."""

from functools import cache
from pathlib import Path

import pytest

from support.flow_bank import BANK, changed
from telebank.flow.load import load_release
from telebank.flow.model import FlowError
from telebank.flow.pathtest import PathResult, play, uncovered
from telebank.flow.playbook import PathTest, load_playbook
from telebank.flow.release import Release

ROOT = Path(__file__).resolve().parents[3]
BOOKS = sorted((ROOT / "tests" / "playbooks").glob("*.yaml"))
TESTS = [test for book in BOOKS for test in load_playbook(book)]


@cache
def shipped() -> Release:
    return load_release(ROOT / "config")


@cache
def result_of(test_id: int) -> PathResult:
    return play(shipped(), TESTS[test_id])


@pytest.mark.parametrize("number", range(len(TESTS)), ids=[test.name for test in TESTS])
def test_a_call_goes_as_written(number: int) -> None:
    result = result_of(number)
    assert result.problem is None, result.diff()


def test_every_node_and_every_outcome_of_every_service_is_taken() -> None:
    assert uncovered(shipped(), [result_of(number) for number in range(len(TESTS))]) == []


def test_a_node_or_an_outcome_without_a_path_test_is_named() -> None:
    results = [result_of(n) for n, test in enumerate(TESTS) if "transfer" not in test.file]
    missing = uncovered(shipped(), results)
    assert "node transfer.confirm_again is never visited" in missing
    assert "exit in_doubt of transfer.post is never taken" in missing


# -- the player itself ------------------------------------------------------------------------

HEAD = "schema: ivr-playbook/1\ntests:\n  - name: one\n"


def one(folder: Path, body: str) -> PathTest:
    path = folder / "book.yaml"
    path.write_text(HEAD + body, encoding="utf-8")
    (test,) = load_playbook(path)
    return test


@pytest.mark.parametrize(
    ("body", "line", "words"),
    [
        ("    steps: [{hears: main.news}]", 4, "expected to hear main.news; heard main.menu"),
        ("    steps:\n      - {keys: '2'}", 5, "heard main.menu, which the script does not have"),
        (
            "    steps:\n      - {hears: main.menu}\n      - {service: pin.verify, exit: ok}",
            6,
            "expected pin.verify to be asked; at main.menu",
        ),
        ("    steps: [{hears: main.menu}]\n    ended: done", 3, "expected the call to end as done"),
        ("    steps: [{hears: main.menu}]\n    called: {pin.verify: 1}", 3, "expected services"),
        ("    steps: [{hears: [main.menu, main.menu]}]", 4, "at main.menu, listening"),
    ],
)
def test_a_departure_is_named_with_its_line(
    body: str, line: int, words: str, tmp_path: Path
) -> None:
    result = play(load_release(BANK), one(tmp_path, body))
    assert result.problem is not None
    assert result.problem.startswith(f"line {line}: ")
    assert words in result.problem
    assert words in result.diff()


def test_a_diff_shows_the_call_so_far_without_secret_digits(tmp_path: Path) -> None:
    body = "    steps:\n      - {hears: main.menu}\n      - {keys: '16227000000000012#2468'}\n"
    result = play(load_release(BANK), one(tmp_path, body + "    ended: done"))
    assert "says main.menu" in result.diff()
    assert "2468" not in result.diff()
    assert "6227000000000012" not in result.diff()


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("    steps: [{sings: la}]", "no such step"),
        ("    steps: [{part: nowhere}]", "`part: nowhere` is unknown"),
        ("    steps: hears", "no list of mappings"),
        ("    steps: [{hears: a, loud: 1}]", "unknown key `loud`"),
    ],
)
def test_a_bad_playbook_is_refused_with_its_line(body: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(FlowError, match=r"book\.yaml:\d+: ") as refused:
        one(tmp_path, body)
    assert words in str(refused.value)


def test_a_changed_flow_fails_its_path_test(tmp_path: Path) -> None:
    body = "    steps:\n      - {hears: main.menu}\n      - {keys: '2'}\n"
    test = one(tmp_path, body + "      - {hears: [main.news, main.menu]}")
    assert play(load_release(BANK), test).problem is None
    config = changed(tmp_path, "flows/main.yaml", '"2": news', '"2": code, "4": news')
    assert play(load_release(config), test).problem is not None
