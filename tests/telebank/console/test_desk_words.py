"""Nobody at a desk reads a code: each that a node can send has words in both languages."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

from telebank.agents import desks
from telebank.agents.events import Failure
from telebank.agents.options import CentreOptions
from telebank.agents.seats import SeatState
from telebank.calls.control import seating
from telebank.calls.control.desk_phones import NO
from telebank.calls.control.seating import WHY
from telebank.calls.control.services import WHY_NOT
from telebank.calls.flow_titles import flow_titles
from telebank.calls.forms.model import LEVELS
from telebank.calls.tellers.browser_phone import OfferCode
from telebank.calls.tellers.calling import WHY_NOT as WHY_NOT_THERE
from telebank.calls.tellers.floor import LISTENING
from telebank.calls.tellers.values import Code, Ended
from telebank.console.desk.texts import DESK_WORDS
from telebank.console.floor.texts import FLOOR_WORDS
from telebank.flow.load import load_release
from telebank.flow.model import Return

SHIPPED = load_release(Path(__file__).resolve().parents[3] / "config")
CONTROL = Path(seating.__file__).parent
EVERYBODY = ("answers.py", "boards.py", "common.py", "desk.py", "history.py", "seating.py")
"""Modules that stand before every path of a desk or a floor, or that both ask."""
AWAY = ("timeout", "unreadable", "busy", "away", "store", "store_unknown")
"""Of `NodeAway`, which the console makes."""
WORDS = [(DESK_WORDS, "/desk"), (FLOOR_WORDS, "/floor")]
SAID = pytest.mark.parametrize("language", ["zh", "en"])


def codes(path: str) -> set[str]:
    """Codes that modules say which serve this, and those before them: `refused(409, "gone", …)`,
    `stop(401, "login_needed", …)`."""
    said: set[str] = set()
    for module in CONTROL.glob("*.py"):
        text = module.read_text()
        if path in text or module.name in EVERYBODY:
            said |= set(_said(ast.parse(text)))
    return said


def _said(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            code = node.args[1] if node.func.id in ("refused", "stop") and node.args[1:] else None
            if isinstance(code, ast.Constant):
                yield str(code.value)


def literals(kind: Any) -> set[str]:
    """Of a type that is made of words."""
    inside = get_args(kind)
    return {kind} if not inside else {one for each in inside for one in literals(each)}


def lacking(kind: str, names: set[str], language: Any, words: Any = DESK_WORDS) -> set[str]:
    return {name for name in names if not words[language].get(f"{kind}_{name}", "").strip()}


@SAID
@pytest.mark.parametrize(("words", "page"), WORDS)
def test_no_refusal_is_shown_as_its_code(language: str, words: Any, page: str) -> None:
    said = codes(f'"/v1{page}')
    assert {"bad_request", "login_needed", "request_id_used"} <= said, "the walk finds them"
    known = literals(Code) | {*WHY, *AWAY}
    if page == "/desk":
        known |= literals(OfferCode) | {*WHY_NOT, *NO}
        assert {"gone", "no_phone"} <= said
    assert lacking("no", said | known, language, words) == set()


@SAID
def test_no_state_reason_or_ending_is_shown_as_its_code(language: str) -> None:
    reasons = {desks.ENTERED, desks.ABSENT, desks.FULL, LISTENING, *get_args(Failure)}
    reasons |= {"call_back", *CentreOptions().breaks}
    calls = {"waiting", "ringing", "talking", "held", "consulting", "three_way", "pin", "wrap_up"}
    tried = {*get_args(Failure), *filter(None, WHY_NOT_THERE.values()), "own_phone", "trunk_down"}
    levels = {str(place) for place, _ in enumerate(LEVELS)}
    for words in (DESK_WORDS, FLOOR_WORDS):
        assert lacking("state", {state.value for state in SeatState}, language, words) == set()
        assert lacking("reason", reasons, language, words) == set()
        assert lacking("call", calls, language, words) == set()
        assert lacking("level", levels, language, words) == set()
        assert lacking("reached", tried, language, words) == set()
        assert lacking("ended", set(get_args(Ended)), language, words) == set()


def exits(flow: str) -> set[str]:
    nodes = SHIPPED.flows[flow].nodes.values()
    return {node.exit for node in nodes if isinstance(node, Return)}


def test_how_many_tries_are_left_is_said_in_both_languages() -> None:
    zh, en = DESK_WORDS["zh"], DESK_WORDS["en"]
    names = ("tries_left", "tries_left_1", "tries_left_0")
    assert [zh[name] for name in names] == ["还可试 {n} 次", "还可试 1 次", "今天不能再试"]
    assert [en[name] for name in names] == ["{n} tries left", "1 try left", "no tries left today"]


@SAID
def test_no_end_of_a_pin_entry_is_shown_as_its_code(language: str) -> None:
    ends = {"cancelled"}
    unlocking = exits("desk_unlock")
    assert {"unlocked", "branch", "spent"} <= unlocking
    assert lacking("pin", unlocking, language) == set()
    for flow in ("desk_pin", "desk_card"):
        ends |= exits(flow)
    assert {"verified", "wrong", "locked"} <= ends
    assert lacking("pin", ends, language) == set()
    assert lacking("entry", ends, language) == set()


def test_every_flow_has_a_title_for_people() -> None:
    titles = flow_titles(SHIPPED)
    assert titles.keys() == SHIPPED.flows.keys()
    for name, (zh, en) in titles.items():
        assert any("\u4e00" <= letter <= "\u9fff" for letter in zh), name
        assert en.isascii(), name
        assert not en.startswith("Your "), "it is the customer's, not the teller's"
        assert "." not in en, name
        assert "_" not in en, name
    assert titles["report_loss"] == ("银行卡挂失", "Report a lost card")
    assert titles["transfers"] == ("转账和存款", "Transfers and deposits")
