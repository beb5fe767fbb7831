"""The machine: which results were told and heard, and what is kept of cards, PINs and keys."""

import pytest

from support.flow_caller import CARD, PIN, Caller, at_confirm, signed_in, small_bank, told
from telebank.flow.commands import Listen, Record, Say, Submit
from telebank.flow.events import HungUp, KeyPressed, PlayEnded
from telebank.flow.options import FlowOptions
from transactions.secret import Secret


@pytest.fixture
def caller() -> Caller:
    return Caller(small_bank()).start()


# -- what the caller has heard ----------------------------------------------------------------


def posted(caller: Caller, exit_name: str) -> Caller:
    at_confirm(caller).listen()
    caller.press("1")
    caller.answer(exit_name, ref="010000000001")
    return caller


def test_a_result_is_told_at_the_end_of_its_prompt(caller: Caller) -> None:
    posted(caller, "ok")
    assert told(caller) == []
    caller.listen()
    assert told(caller) == ["ok"]


def test_a_result_barged_into_after_a_while_was_heard(caller: Caller) -> None:
    posted(caller, "ok")
    caller.now += FlowOptions().heard_after_s
    caller.press("1")
    assert told(caller) == ["ok"]


def test_a_result_barged_into_at_once_was_not_heard(caller: Caller) -> None:
    posted(caller, "ok").press("1")
    caller.listen()
    assert told(caller) == []


def test_an_approval_that_lacks_a_value_is_said_barely_where_there_is_a_text_for_it(
    caller: Caller,
) -> None:
    at_confirm(caller)
    caller.listen()
    caller.press("1")
    before = len(caller.of(Say))
    caller.answer("ok")
    assert "value.missing" in [record.kind for record in caller.of(Record)]
    said = [spoken.prompt_id for say in caller.of(Say)[before:] for spoken in say.prompts]
    assert "pay.done" not in said  # the small bank has no `sys.done`, and goes on without
    assert told(caller) == []


def test_a_result_that_was_refused_by_the_media_was_not_heard(caller: Caller) -> None:
    posted(caller, "in_doubt")
    caller.feed(PlayEnded(caller.saying.token, completed=False, heard=False))
    caller.listen()
    assert told(caller) == []


def test_a_result_that_the_caller_hung_up_on_was_not_heard(caller: Caller) -> None:
    posted(caller, "in_doubt").feed(HungUp())
    assert told(caller) == []


def test_a_prompt_whose_end_never_comes_counts_as_not_heard(caller: Caller) -> None:
    posted(caller, "ok")
    caller.wait()
    assert "play.lost" in {record.kind for record in caller.last if isinstance(record, Record)}
    assert told(caller) == []


def test_a_result_that_cannot_be_said_whole_is_left_out_and_not_told(caller: Caller) -> None:
    at_confirm(caller).listen()
    caller.press("1")
    caller.answer("ok")
    assert caller.heard == ["sys.bye"]
    caller.listen()
    assert told(caller) == []


def test_keys_typed_before_a_result_of_money_do_not_outlive_it(caller: Caller) -> None:
    at_confirm(caller).listen()
    caller.press("1222")
    caller.answer("in_doubt")
    assert caller.heard == ["pay.doubt"]
    caller.listen()
    assert caller.heard == ["main.menu"]


# -- secrets ----------------------------------------------------------------------------------


def test_listening_is_secret_before_the_prompt_that_asks(caller: Caller) -> None:
    caller.press("1")
    kinds = [type(command) for command in caller.last]
    assert kinds.index(Listen) < kinds.index(Say)
    assert [listen.secret for listen in caller.of(Listen)] == [False, True]


def test_keys_are_recorded_once_taken_as_dots_unless_a_choice_or_public(caller: Caller) -> None:
    caller.press(f"3123#1{CARD}#2")
    digits = [r.detail["digit"] for r in caller.of(Record) if r.kind == "key"]
    assert "".join(digits) == "3123#1" + "•" * (len(CARD) + 2)


def test_keys_not_yet_taken_are_not_recorded(caller: Caller) -> None:
    caller.press(f"1{CARD}#{PIN}55")
    digits = [r.detail["digit"] for r in caller.of(Record) if r.kind == "key"]
    assert "".join(digits) == "1" + "•" * (len(CARD) + 1 + len(PIN))


def test_no_digit_of_card_or_pin_is_in_records_state_or_print(caller: Caller) -> None:
    signed_in(caller).press("1")
    written = [repr(caller.session), caller.session.dump().decode(), repr(caller.all)]
    for text in written:
        assert CARD not in text
        assert PIN not in text
    assert PIN[:11] not in repr(KeyPressed("7"))


def test_a_secret_is_gone_once_its_service_has_answered(caller: Caller) -> None:
    caller.press(f"1{CARD}#{PIN}")
    pin = caller.of(Submit)[0].inputs["pin"]
    assert isinstance(pin, Secret)
    assert len(pin) == len(PIN)
    caller.answer("wrong_pin")
    assert len(pin) == 0


def test_a_secret_in_a_service_s_hands_outlives_the_caller(caller: Caller) -> None:
    caller.press(f"1{CARD}#{PIN}")
    pin = caller.of(Submit)[0].inputs["pin"]
    assert isinstance(pin, Secret)
    caller.feed(HungUp())
    assert pin.reveal() == PIN
    assert len(caller.vault) == 0
