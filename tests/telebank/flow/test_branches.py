"""Branches on the machine: by the code that is there, and by `other`."""

import pytest

from support.flow_bank import DESK
from support.flow_caller import CARD, Caller
from telebank.flow.commands import Submit
from telebank.flow.keymap import places
from telebank.flow.load import load_release
from telebank.flow.session import Session

RELEASE = load_release(DESK)


def greeted(*answer: str, **data: str) -> Caller:
    caller = Caller(RELEASE).start()
    caller.press(f"{CARD}#")
    caller.answer(*answer, **data)
    return caller


@pytest.mark.parametrize(
    ("code", "heard"),
    [("card", "main.hello"), ("savings", "main.greeted"), ("nobody", "main.menu")],
)
def test_the_code_says_where_it_goes(code: str, heard: str) -> None:
    assert greeted("ok", greeting=code).heard == [heard]


def test_a_variable_that_is_not_set_takes_other() -> None:
    assert greeted("ok").heard == ["main.menu"]
    assert greeted("unavailable").heard == ["main.menu"]


def test_constants_of_the_menus_are_branched_on() -> None:
    caller = greeted("unavailable")
    caller.press("1")
    assert caller.heard == ["payee.card"]
    caller.press("0#")
    caller.press("2")
    assert caller.heard == ["payee.own"]


def test_a_dumped_session_branches_as_the_other_would_have() -> None:
    caller = Caller(RELEASE).start()
    caller.press(f"{CARD}#")
    session = caller.session
    caller.session = Session.load(session.dump(), RELEASE, "c1", caller.options, caller.vault)
    caller.answer("ok", greeting="savings")
    assert caller.heard == ["main.greeted"]


def test_keys_typed_ahead_go_through_branches() -> None:
    caller = greeted("ok")
    caller.press(f"1{CARD}#")
    assert caller.of(Submit)[-1].service == "payee.check"


def test_the_keymap_follows_the_constant_that_the_menu_gave() -> None:
    """Without a constant it looks at every code."""
    ways = [(place.keys, place.frames[-1].node) for place, _ in places(RELEASE)]
    assert (("CARD#", "2"), "own_card") in ways
    assert (("CARD#", "1"), "own_card") not in ways
    assert {node for keys, node in ways if keys == ("CARD#",)} >= {"hello", "greeted", "front"}
