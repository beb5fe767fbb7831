"""The machine, rule by rule: timers, type-ahead, read-back, services, endings."""

import pytest

from support.flow_caller import CARD, PIN, QUOTED, Caller, at_confirm, signed_in, small_bank, told
from telebank.flow.commands import (
    Enqueue,
    HangUp,
    PrepareFax,
    Record,
    Say,
    SendFax,
    Submit,
)
from telebank.flow.events import (
    FaxAnswered,
    FaxPrepared,
    HungUp,
    KeyPressed,
    PlayEnded,
    QueueAnswered,
    ServiceAnswered,
    Started,
)
from telebank.flow.options import FlowOptions
from telebank.flow.session import Session
from telebank.flow.state import LoadError, Phase
from telebank.flow.vault import MemoryVault
from telebank.flow.walk import IllegalEvent
from transactions.card import CardNumber
from transactions.money import Money
from transactions.request import AuthLevel
from transactions.secret import Secret

ALL_KEYS = "0123456789*#"


@pytest.fixture
def caller() -> Caller:
    return Caller(small_bank()).start()


# -- prompts and timers -----------------------------------------------------------------------


def test_a_prompt_can_be_stopped_by_any_key_and_timers_start_at_its_end(caller: Caller) -> None:
    assert caller.heard == ["main.menu"]
    assert caller.saying.stop_keys == ALL_KEYS
    caller.listen()
    assert caller.session.wake_at == caller.now + 6.0


def test_a_prompt_stopped_by_a_key_is_over_at_once_and_its_late_end_counts_nothing(
    caller: Caller,
) -> None:
    token = caller.saying.token
    caller.press("3")
    assert caller.heard == ["main.code"]
    assert caller.feed(PlayEnded(token, completed=False)) == []


def test_the_inter_digit_time_runs_from_each_key(caller: Caller) -> None:
    caller.press("3")
    caller.listen()
    caller.press("12")
    assert caller.session.wake_at == caller.now + 3.0
    caller.wait()
    assert caller.heard == ["sys.invalid", "main.code"]


def test_an_entry_that_may_be_whole_is_whole_when_the_time_is_over(caller: Caller) -> None:
    caller.press("3123")
    caller.wait()
    assert caller.heard == ["main.told"]
    assert dict(caller.saying.prompts[0].values) == {"code": "123"}


def test_silence_and_an_invalid_key_are_different_and_count_together(caller: Caller) -> None:
    caller.listen()
    caller.wait()
    assert caller.heard == ["sys.noinput", "main.menu"]
    caller.press("8")
    kinds = [record.kind for record in caller.of(Record)]
    assert [k for k in kinds if k.startswith("input")] == [
        "input.none",
        "input.invalid",
        "input.exhausted",
    ]
    assert caller.heard == ["sys.agent"]


def test_waking_too_early_does_nothing(caller: Caller) -> None:
    caller.listen()
    assert caller.session.wake(caller.now + 5.9) == []
    assert caller.session.phase is Phase.LISTENING


# -- keys typed ahead -------------------------------------------------------------------------


def test_keys_typed_ahead_skip_prompts_and_statements(caller: Caller) -> None:
    caller.press("2")
    caller.press("3123#")
    heard = [spoken.prompt_id for say in caller.of(Say) for spoken in say.prompts]
    assert heard == ["main.menu", "main.news", "main.code", "main.told"]


def test_no_more_keys_are_kept_than_the_limit() -> None:
    caller = Caller(small_bank(), FlowOptions(type_ahead=4)).start()
    caller.press(f"1{CARD}#{PIN}")
    caller.press("123456")
    dropped = [record for record in caller.of(Record) if record.kind == "keys.dropped"]
    assert len(dropped) == 2


def test_an_invalid_entry_empties_what_was_typed_ahead() -> None:
    caller = Caller(small_bank()).start()
    caller.press(f"1{CARD}#{PIN}9*999#5#")
    caller.answer("ok")
    assert caller.heard == ["sys.invalid", "pay.amount"]
    assert len(caller.of(Submit)) == 1


def test_the_end_key_of_a_full_entry_is_swallowed_and_stops_nothing(caller: Caller) -> None:
    caller.press("3123456")
    assert caller.heard == ["main.told"]
    assert caller.saying.stop_keys == ALL_KEYS.replace("#", "")
    caller.press("#")
    assert caller.heard == ["main.told"]
    caller.listen()
    caller.listen()
    caller.press("#")
    assert caller.heard == ["main.menu"]


def test_a_key_that_is_none_is_ignored(caller: Caller) -> None:
    assert caller.feed(KeyPressed("A")) == []
    assert caller.feed(KeyPressed("12")) == []


# -- the read-back ----------------------------------------------------------------------------


def test_a_confirm_takes_no_key_until_its_values_were_played(caller: Caller) -> None:
    at_confirm(caller)
    assert caller.heard == ["pay.confirm"]
    assert caller.saying.stop_keys == ""
    caller.press("1111")
    assert [submit.service for submit in caller.of(Submit)] == ["pin.verify", "pay.quote"]
    caller.listen()
    caller.press("1")
    assert caller.of(Submit)[-1].service == "pay.post"
    assert caller.of(Submit)[-1].inputs == {"quote": "Q1"}


def test_what_is_read_back_again_may_be_cut_by_the_key_that_confirms(caller: Caller) -> None:
    at_confirm(caller).listen()
    caller.wait()
    assert caller.heard == ["sys.noinput", "pay.confirm"]
    caller.press("1")
    assert caller.of(Submit)[-1].service == "pay.post"


def test_a_read_back_that_was_lost_is_not_one_that_was_heard(caller: Caller) -> None:
    at_confirm(caller)
    caller.wait()  # its end was never told
    caller.wait()
    caller.press("1")
    assert [submit.service for submit in caller.of(Submit)] == ["pin.verify", "pay.quote"]


def test_a_confirm_empties_what_was_typed_ahead(caller: Caller) -> None:
    signed_in(caller).press("100#")
    caller.press("111")
    caller.answer("ok", **QUOTED)
    caller.listen()
    assert caller.session.phase is Phase.LISTENING
    assert len(caller.of(Submit)) == 2


def test_a_confirm_without_its_values_confirms_nothing(caller: Caller) -> None:
    signed_in(caller).press("100#")
    caller.answer("ok", fee=Money.parse("2"), quote="Q1")
    assert caller.heard == ["main.menu"]
    assert "value.missing" in {record.kind for record in caller.of(Record)}


# -- services ---------------------------------------------------------------------------------


def test_a_visit_is_asked_once_and_its_name_is_never_used_again(caller: Caller) -> None:
    at_confirm(caller)
    visits = [submit.visit for submit in caller.of(Submit)]
    assert len(set(visits)) == len(visits) == 2


def test_a_late_or_unknown_answer_changes_nothing(caller: Caller) -> None:
    signed_in(caller)
    place = caller.session.place
    caller.answer("wrong_pin")
    assert [type(command) for command in caller.last] == [Record]
    assert caller.session.place == place


def test_an_answer_to_an_earlier_question_is_not_taken_for_the_one_that_is_out(
    caller: Caller,
) -> None:
    signed_in(caller).press("5#")
    first, second = caller.of(Submit)
    caller.feed(ServiceAnswered(first.visit, "unavailable"))
    assert caller.session.place == "pay.quote"
    caller.feed(ServiceAnswered(second.visit, "ok", QUOTED))
    assert caller.heard == ["pay.confirm"]


def test_an_answer_that_proves_the_customer_is_used_from_then_on(caller: Caller) -> None:
    signed_in(caller).press("5#")
    first, second = caller.of(Submit)
    assert (first.auth, first.authenticated) == (AuthLevel.NONE, None)
    assert second.auth is AuthLevel.PIN
    assert second.authenticated == CardNumber(CARD)


def test_the_filler_is_said_after_three_seconds_and_ends_before_the_answer(caller: Caller) -> None:
    caller.press(f"1{CARD}#{PIN}")
    asked_at = caller.now
    assert caller.session.wake_at == asked_at + 3.0
    caller.wait()
    assert caller.heard == ["sys.wait"]
    said = len(caller.of(Say))
    caller.answer("unavailable")
    assert len(caller.of(Say)) == said
    caller.listen()
    assert caller.heard == ["sys.bye"]


def test_a_filler_whose_end_is_never_told_does_not_hold_up_its_answer(caller: Caller) -> None:
    caller.press(f"1{CARD}#{PIN}")
    caller.wait()
    assert caller.heard == ["sys.wait"]
    caller.answer("ok")
    caller.wait()
    assert caller.heard == ["pay.amount"]


def test_an_exit_that_the_contract_does_not_have_is_an_unknown_outcome(caller: Caller) -> None:
    at_confirm(caller)
    caller.listen()
    caller.press("1")
    caller.answer("surprise")
    assert caller.heard == ["pay.doubt"]


def test_a_processor_that_never_answers_leaves_money_in_doubt(caller: Caller) -> None:
    at_confirm(caller)
    caller.listen()
    caller.press("1")
    caller.wait()
    assert caller.heard == ["pay.doubt"]
    assert caller.now >= 60.0


# -- the ends ---------------------------------------------------------------------------------


def test_a_teller_and_a_fax_are_asked_for_after_their_prompt(caller: Caller) -> None:
    caller.press("0")
    assert caller.of(Enqueue) == []
    caller.listen()
    (queued,) = caller.of(Enqueue)
    assert queued.skill == "general"
    caller.feed(QueueAnswered(queued.visit, "not_on_duty"))
    (asked,) = caller.of(PrepareFax)
    assert (asked.document, asked.language) == ("hours", "zh")
    caller.feed(FaxPrepared(asked.visit, "ready"))
    assert caller.heard == ["fax.start"]
    assert caller.of(SendFax) == []
    caller.listen()
    (fax,) = caller.of(SendFax)
    assert (fax.visit, fax.way) == (asked.visit, "here")
    caller.feed(KeyPressed("1"))
    caller.feed(FaxAnswered(fax.visit, "sent", {"pages": 2}))
    assert caller.heard == ["fax.sent"]
    assert caller.saying.prompts[0].values == {"fax_pages": 2}
    caller.listen()
    caller.listen()
    assert caller.of(HangUp) == [HangUp("done")]
    assert caller.session.phase is Phase.ENDED


def test_nothing_is_said_after_the_end(caller: Caller) -> None:
    caller.feed(HungUp())
    assert caller.feed(KeyPressed("1")) == []
    assert caller.feed(ServiceAnswered("v1", "ok")) == []
    assert caller.session.wake_at is None


def test_the_guard_ends_a_call_that_only_listens() -> None:
    caller = Caller(small_bank(), FlowOptions(call_guard_s=20.0)).start()
    for _ in range(20):
        if caller.of(HangUp):
            break
        if caller.session.phase is Phase.SPEAKING:
            caller.listen()
        if caller.session.phase is Phase.LISTENING:
            caller.press("#")
        caller.now += 5.0
        caller.last = caller.session.wake(caller.now)
        caller.all += caller.last
    assert caller.heard == ["sys.goodbye"]
    assert caller.of(HangUp) == [HangUp("guard")]


def test_the_guard_waits_for_an_answer_and_for_its_telling() -> None:
    caller = Caller(small_bank(), FlowOptions(call_guard_s=20.0)).start()
    at_confirm(caller).listen()
    caller.press("1")
    caller.now += 30.0
    assert caller.session.wake(caller.now) == []
    caller.answer("ok", ref="010000000001")
    assert caller.heard == ["pay.done"]
    caller.listen()
    assert told(caller) == ["ok"]
    caller.wait()
    assert caller.heard == ["sys.goodbye"]


def test_events_before_the_start_are_bugs() -> None:
    caller = Caller(small_bank())
    with pytest.raises(IllegalEvent):
        caller.feed(KeyPressed("1"))
    caller.start()
    with pytest.raises(IllegalEvent):
        caller.feed(Started())


# -- written down -----------------------------------------------------------------------------


def test_a_session_goes_on_from_its_dump(caller: Caller) -> None:
    at_confirm(caller)
    data = caller.session.dump()
    caller.session = Session.load(data, caller.release, "c1", caller.options, caller.vault)
    caller.listen()
    caller.press("1")
    submit = caller.of(Submit)[-1]
    assert (submit.service, submit.authenticated) == ("pay.post", CardNumber(CARD))
    assert submit.visit == "v3"


def test_half_an_entry_goes_on_from_a_dump(caller: Caller) -> None:
    caller.press(f"1{CARD}#{PIN[:5]}")
    first, second = caller.session.dump(), caller.session.dump()
    assert PIN[:5] not in second.decode()
    with pytest.raises(LoadError):
        Session.load(first, caller.release, "c1", caller.options, caller.vault)
    caller.session = Session.load(second, caller.release, "c1", caller.options, caller.vault)
    caller.press(PIN[5:])
    pin = caller.of(Submit)[0].inputs["pin"]
    assert isinstance(pin, Secret)
    assert pin.reveal() == PIN


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"version": 9}', b'{"version": 1}'])
def test_what_is_no_dump_is_refused(data: bytes) -> None:
    release = small_bank()
    with pytest.raises(LoadError):
        Session.load(data, release, "c1", FlowOptions(), MemoryVault())
