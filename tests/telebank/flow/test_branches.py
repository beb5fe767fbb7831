"""What steers a call by codes: branches, its pace, and what this caller uses most."""

from types import MappingProxyType

import pytest

from support.flow_bank import DESK
from support.flow_caller import CARD, PIN, Caller
from telebank.flow.commands import Command, Enqueue, Say, Submit, Used
from telebank.flow.events import PlayEnded
from telebank.flow.keymap import places
from telebank.flow.load import load_release
from telebank.flow.pace import GUARD, PATIENCE, SLOW_LASTS
from telebank.flow.session import Session
from telebank.flow.state import Phase
from transactions.card import CardNumber
from transactions.money import Money, currency
from transactions.outcome import Rows, Value
from transactions.request import AuthLevel

RELEASE = load_release(DESK)
PAYEE = "6227000000000020"
SETTINGS: dict[str, Value] = {"speed": "normal", "patience": "normal"}


def usual(*codes: str) -> Rows:
    return tuple(MappingProxyType({"what": code}) for code in codes)


def proven(**settings: Value) -> Caller:
    """Card and PIN are right; the settings have been answered."""
    caller = Caller(RELEASE).start()
    caller.press(f"{CARD}#{PIN}#")
    caller.answer("ok")
    caller.answer("ok", **(SETTINGS | settings))
    return caller


def at_front(*codes: str, **settings: Value) -> Caller:
    """The front menu is being spoken to a customer who uses `codes` most."""
    caller = proven(**settings)
    caller.answer("ok" if codes else "none", usual=usual(*codes))
    return caller


def reloaded(caller: Caller) -> None:
    session = caller.session
    caller.session = Session.load(session.dump(), RELEASE, "c1", caller.options, caller.vault)


def listen_out(caller: Caller) -> list[Say]:
    said: list[Say] = []
    while caller.session.phase is Phase.SPEAKING:
        said.append(caller.saying)
        caller.listen()
    return said


# -- branches -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "heard"), [("card", "main.hello"), ("savings", "main.greeted")])
def test_the_code_says_where_it_goes(code: str, heard: str) -> None:
    assert proven(greeting=code).heard == [heard]


def test_other_codes_and_what_is_not_set_take_other() -> None:
    assert proven(greeting="nobody").of(Submit)[-1].service == "usage.top"
    assert proven().of(Submit)[-1].service == "usage.top"


def test_constants_of_the_menus_are_branched_on() -> None:
    caller = at_front()
    caller.press("1")
    assert caller.heard == ["payee.card"]
    caller.press("0#2")
    assert caller.heard == ["payee.own"]


def test_a_dumped_session_branches_as_the_other_would_have() -> None:
    caller = Caller(RELEASE).start()
    caller.press(f"{CARD}#{PIN}#")
    caller.answer("ok")
    reloaded(caller)
    caller.answer("ok", greeting="savings", **SETTINGS)
    assert caller.heard == ["main.greeted"]


def test_keys_typed_ahead_go_through_branches() -> None:
    caller = at_front()
    caller.press(f"1{PAYEE}#")
    assert caller.of(Submit)[-1].service == "payee.check"


def test_the_keymap_follows_the_constant_that_the_menu_gave() -> None:
    """Without a constant it looks at every code."""
    ways = [(place.keys, place.frames[-1].node) for place, _ in places(RELEASE)]
    assert (("CARD#", "PIN#", "2"), "own_card") in ways
    assert (("CARD#", "PIN#", "1"), "own_card") not in ways
    at_once = {node for keys, node in ways if keys == ("CARD#", "PIN#")}
    assert at_once >= {"hello", "greeted", "front"}


def test_the_keymap_has_no_keys_that_only_some_callers_have() -> None:
    assert not [place for place, _ in places(RELEASE) if "ROW" in place.keys]


# -- what this caller uses most -------------------------------------------------------------------


def test_what_he_uses_most_is_said_first_with_keys_of_its_own() -> None:
    said = listen_out(at_front("pay", "payee"))
    assert [[one.prompt_id for one in say.prompts] for say in said] == [
        ["main.usual"],
        ["main.usual"],
        ["main.menu"],
    ]
    assert [dict(say.prompts[0].values) for say in said[:2]] == [
        {"what": "pay", "key": 6},
        {"what": "payee", "key": 7},
    ]


@pytest.mark.parametrize(("key", "heard"), [("6", "pay.slot"), ("7", "payee.card")])
def test_its_key_leads_there_at_once(key: str, heard: str) -> None:
    caller = at_front("pay", "payee")
    caller.press(key)
    assert caller.heard == [heard]


def test_the_keys_of_the_menu_stay_as_they_are() -> None:
    caller = at_front("pay", "payee")
    caller.press("4")
    assert caller.heard == ["pay.slot"]


def test_without_a_history_its_keys_are_invalid() -> None:
    caller = at_front()
    assert caller.heard == ["main.menu"]
    caller.press("6")
    assert caller.heard == ["sys.invalid"]


def test_another_customer_of_the_same_call_hears_nothing_of_it() -> None:
    caller = at_front("pay")
    caller.press(f"5{PAYEE}#{PIN}#")
    caller.answer("ok")
    caller.answer("unavailable")
    caller.answer("unavailable")
    assert caller.heard == ["main.menu"]


def test_a_use_is_counted_for_the_customer_who_proved_himself() -> None:
    caller = at_front()
    caller.press("4")
    assert caller.of(Used) == [Used("pay", CardNumber(CARD))]
    caller.press("0#2")
    assert len(caller.of(Used)) == 1


# -- pace -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("patience", ["normal", "long", "relay"])
def test_timers_for_keys_are_as_long_as_the_caller_needs(patience: str) -> None:
    caller = at_front(patience=patience)
    factor = PATIENCE[patience]
    listen_out(caller)
    assert caller.session.wake_at == pytest.approx(caller.now + 6 * factor)
    caller.press("4")
    caller.listen()
    caller.press("3")
    assert caller.session.wake_at == pytest.approx(caller.now + 3 * factor)


@pytest.mark.parametrize("patience", ["normal", "long", "relay"])
def test_the_guard_over_the_call_is_longer_too(patience: str) -> None:
    caller = at_front(patience=patience)
    before = 100.0 + caller.options.call_guard_s * GUARD[patience]
    caller.press("4")
    caller.now = before - 1
    caller.feed(PlayEnded(caller.saying.token, completed=True))
    assert caller.session.wake_at == pytest.approx(before)


@pytest.mark.parametrize(("speed", "slow"), [("normal", False), ("slow", True)])
def test_every_prompt_after_it_says_how_fast_it_is_spoken(speed: str, slow: bool) -> None:
    caller = at_front("pay", speed=speed)
    assert [say.slow for say in listen_out(caller)] == [slow, slow]
    reloaded(caller)
    caller.press("4")
    assert caller.saying.slow is slow


def test_a_pace_can_be_written_out_and_taken_back() -> None:
    caller = at_front()
    assert not caller.saying.slow
    caller.press("3")
    assert (caller.heard, caller.saying.slow) == (["main.paced"], True)
    caller.press("4")
    caller.listen()
    assert caller.session.wake_at == pytest.approx(caller.now + 6 * PATIENCE["relay"])
    caller.press(f"0#5{CARD}#{PIN}#")
    caller.answer("ok")
    caller.answer("ok", **SETTINGS)
    caller.answer("none", usual=())
    assert not caller.saying.slow


def test_a_code_that_is_no_pace_changes_nothing() -> None:
    caller = at_front(speed="breakneck", patience="saintly")
    assert not caller.saying.slow
    listen_out(caller)
    assert caller.session.wake_at == pytest.approx(caller.now + 6)


@pytest.mark.parametrize("speed", ["normal", "slow"])
def test_keys_stop_repeat_and_run_ahead_of_slow_speech_as_of_any(speed: str) -> None:
    caller = at_front(speed=speed)
    assert set(caller.saying.stop_keys) >= set("1234#*")
    caller.press("#")
    assert caller.heard == ["main.menu"]
    caller.press("402")
    assert caller.heard == ["pay.slot"]
    caller.press("#")
    assert caller.of(Submit)[-1].inputs["slot"] == "02"


@pytest.mark.parametrize(("speed", "seconds", "told"), [("normal", 1.6, 1), ("slow", 1.6, 0)])
def test_slow_words_are_heard_later(speed: str, seconds: float, told: int) -> None:
    """A second and a half of a result's words, at the usual speed, tell it."""
    caller = at_front("pay", speed=speed)
    before = len(_told(caller.all))
    caller.now += seconds - 0.2
    caller.press("4")
    assert len(_told(caller.all)) - before == told
    assert seconds < 1.5 * SLOW_LASTS


def _told(commands: list[Command]) -> list[str]:
    return [type(command).__name__ for command in commands if type(command).__name__ == "Told"]


# -- proofs and cards -----------------------------------------------------------------------------


def at_quote(caller: Caller) -> Caller:
    """A payee out of the list, and an amount, whose quote wants a second factor."""
    caller.press("403#")
    caller.answer("ok", payee=CardNumber(PAYEE))
    caller.press("80000#")
    fee = Money(100, currency("CNY"))
    caller.answer("prove", fee=fee, quote="q1")
    return caller


def test_a_card_that_a_service_gives_is_a_handle_and_goes_on_to_the_next() -> None:
    caller = at_quote(at_front())
    assert caller.of(Submit)[-1].inputs["to"] == CardNumber(PAYEE)
    assert PAYEE.encode() not in caller.session.dump()


def test_a_quote_that_wants_a_second_factor_is_kept_while_it_is_given() -> None:
    caller = at_quote(at_front())
    assert caller.heard == ["factor.code"]
    assert caller.of(Submit)[-1].auth is AuthLevel.PIN
    caller.press("135790")
    caller.answer("spare")
    assert caller.heard == ["pay.confirm"]
    caller.listen()
    caller.press("1")
    post = caller.of(Submit)[-1]
    assert (post.service, post.inputs) == ("pay.post", {"quote": "q1"})
    assert post.auth is AuthLevel.SECOND_FACTOR


def test_a_second_factor_outlasts_the_pin_of_the_same_card_and_no_other() -> None:
    caller = at_quote(at_front())
    caller.press("135790")
    caller.answer("ok")
    caller.listen()
    caller.press("*")
    for card, level in ((CARD, AuthLevel.SECOND_FACTOR), (PAYEE, AuthLevel.PIN)):
        caller.press(f"5{card}#{PIN}#")
        caller.answer("ok")
        asked = caller.of(Submit)[-1]
        assert (asked.service, asked.auth) == ("settings.get", level)
        caller.answer("unavailable")
        caller.answer("none", usual=())


def test_a_pin_that_is_right_but_must_be_changed_grants_nothing() -> None:
    caller = Caller(RELEASE).start()
    caller.press(f"{CARD}#{PIN}#")
    caller.answer("first_use")
    assert caller.session._state.auth is AuthLevel.NONE


def test_a_difficult_case_takes_the_card_and_the_language_to_the_queue() -> None:
    caller = at_quote(at_front())
    caller.press("135790")
    caller.answer("ok")
    caller.listen()
    caller.press("1")
    caller.answer("in_doubt")
    caller.listen()
    (queued,) = caller.of(Enqueue)
    assert (queued.skill, queued.priority) == ("difficult", 7)
    assert queued.carry == {"card": CardNumber(CARD), "quote": "q1"}
    assert queued.language == "zh"
