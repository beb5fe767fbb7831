"""Faxes on the machine: what is asked for, what its answer sets, and what is never faxed."""

from datetime import time

import pytest

from support.flow_bank import BANK
from support.flow_caller import CARD, PIN, Caller
from telebank.flow.commands import PrepareFax, Record, Say, SendFax
from telebank.flow.entry import parse
from telebank.flow.events import FaxAnswered, FaxPrepared, HungUp, KeyPressed, Started
from telebank.flow.model import ABILITIES, FAX_EXITS, TimeEntry
from telebank.flow.options import FlowOptions
from telebank.flow.release import read_release
from telebank.flow.session import Session
from telebank.flow.state import Phase
from transactions.card import CardNumber
from transactions.money import Money

PAPERS = read_release(BANK.with_name("papers"))


@pytest.fixture
def caller() -> Caller:
    return Caller(PAPERS).start()


def answer(caller: Caller, exit_name: str, **data: str | int) -> None:
    caller.feed(FaxAnswered(caller.of(SendFax)[-1].visit, exit_name, data))


def paper(caller: Caller) -> PrepareFax:
    """The caller has asked for a receipt, and hears nothing yet."""
    caller.press(f"2100#{CARD}#")
    assert not isinstance(caller.last[-1], Say)
    return caller.of(PrepareFax)[-1]


def receipt(caller: Caller) -> SendFax:
    """The caller has asked for a receipt and heard that he must press start."""
    asked = paper(caller)
    sent = len(caller.of(SendFax))
    caller.feed(FaxPrepared(asked.visit, "ready"))
    assert caller.heard == ["fax.start"]
    assert len(caller.of(SendFax)) == sent
    caller.listen()
    assert len(caller.of(SendFax)) == sent + 1
    return caller.of(SendFax)[-1]


def test_a_fax_in_the_call_has_the_values_of_its_document(caller: Caller) -> None:
    asked = paper(caller)
    assert asked.document == "receipt"
    assert asked.values == {"card": CardNumber(CARD), "amount": Money.parse("100.00")}
    assert CARD not in repr(asked)
    caller.feed(FaxPrepared(asked.visit, "ready"))
    caller.listen()
    assert caller.of(SendFax) == [SendFax(asked.visit)]


@pytest.mark.parametrize("exit_name", ["none", "busy", "not_available", "failed", "surprise"])
def test_without_a_paper_nobody_is_told_to_press_start(caller: Caller, exit_name: str) -> None:
    asked = paper(caller)
    caller.feed(FaxPrepared(asked.visit, exit_name))
    assert caller.heard == ["fax.failed"]
    assert caller.of(SendFax) == []
    caller.listen()
    assert caller.heard == ["main.menu", "main.receipt"]


@pytest.mark.parametrize(("exit_name", "said"), [("ready", "fax.start"), ("none", "fax.failed")])
def test_who_waits_long_for_his_paper_hears_so(caller: Caller, exit_name: str, said: str) -> None:
    asked = paper(caller)
    caller.wait()
    assert caller.heard == ["sys.wait"]
    caller.listen()
    caller.wait()
    assert caller.heard == ["sys.wait"]
    caller.feed(FaxPrepared(asked.visit, exit_name))  # into the words, which go on
    assert caller.last == []
    caller.listen()
    assert caller.heard == [said]
    caller.listen()
    assert len(caller.of(SendFax)) == (exit_name == "ready")


def test_who_waits_long_for_a_fax_back_hears_so(caller: Caller) -> None:
    caller.press(f"1{CARD}#{PIN}#202387654321#")
    caller.listen()
    caller.press("1")
    assert caller.session.wake_at is None  # that node has no filler
    answer(caller, "accepted", number="****4321")
    assert caller.heard == ["fax.accepted"]


def test_the_guard_does_not_end_a_call_between_paper_and_fax() -> None:
    caller = Caller(PAPERS, FlowOptions(call_guard_s=20.0)).start()
    asked = paper(caller)
    caller.now += 600.0
    caller.feed(FaxPrepared(asked.visit, "ready"))
    caller.listen()
    assert caller.of(SendFax) == [SendFax(asked.visit)]


def test_keys_pressed_while_the_paper_is_made_cut_nothing_short(caller: Caller) -> None:
    asked = paper(caller)
    caller.press("2")
    caller.feed(FaxPrepared(asked.visit, "none"))
    assert caller.heard == ["fax.failed"]


def test_an_answer_before_its_time_changes_nothing(caller: Caller) -> None:
    asked = paper(caller)
    caller.feed(FaxAnswered(asked.visit, "sent", {"pages": 1}))
    caller.feed(FaxPrepared("v0", "ready"))
    assert (caller.of(SendFax), caller.session.phase) == ([], Phase.WAITING)
    fax = receipt_of(caller, asked)
    caller.feed(FaxPrepared(asked.visit, "ready"))
    assert caller.of(SendFax) == [fax]


def receipt_of(caller: Caller, asked: PrepareFax) -> SendFax:
    caller.feed(FaxPrepared(asked.visit, "ready"))
    caller.listen()
    return caller.of(SendFax)[-1]


def test_a_paper_outlives_the_writing_down_of_its_session(caller: Caller) -> None:
    asked = paper(caller)
    data = caller.session.dump()
    caller.session = Session.load(data, PAPERS, "c1", caller.options, caller.vault)
    assert receipt_of(caller, asked) == SendFax(asked.visit)


def test_what_cannot_be_had_is_not_offered() -> None:
    caller = Caller(PAPERS)
    caller.feed(Started(frozenset()))
    assert caller.heard == ["main.menu"]
    caller.press("2")
    assert caller.heard == ["sys.invalid", "main.menu"]
    caller.press(f"1{CARD}#{PIN}#")
    assert caller.heard == ["fax.failed"]
    assert [*caller.of(SendFax), *caller.of(PrepareFax)] == []


def test_only_what_is_an_ability_is_taken_for_one() -> None:
    caller = Caller(PAPERS)
    caller.feed(Started(frozenset({"fax_here", "card"})))
    assert caller.heard == ["main.menu", "main.receipt"]
    assert not caller.session._memory.has("card")


def test_the_registered_number_that_the_bank_does_not_have(caller: Caller) -> None:
    caller.press(f"1{CARD}#{PIN}#1")
    answer(caller, "no_number")
    assert caller.heard == ["fax.failed"]
    assert "exit.unknown" not in [record.kind for record in caller.of(Record)]


def test_a_fax_back_takes_the_document_that_the_flow_was_entered_for(caller: Caller) -> None:
    caller.press(f"1{CARD}#{PIN}#1")
    (fax,) = caller.of(SendFax)
    assert (fax.document, fax.way, fax.to) == ("list", "back", "registered")
    assert fax.values == {"card": CardNumber(CARD)}
    answer(caller, "accepted", number="138****0001")
    assert caller.heard == ["fax.accepted"]
    assert caller.saying.prompts[0].values == {"fax_number": "138****0001"}


@pytest.mark.parametrize(
    ("exit_name", "said"),
    [("no_address", "fax.failed"), ("none", "fax.failed"), ("refused", "fax.failed")],
)
def test_mail_goes_to_the_address_that_the_bank_has(
    caller: Caller, exit_name: str, said: str
) -> None:
    caller.press(f"1{CARD}#{PIN}#5")
    (mail,) = caller.of(SendFax)
    assert (mail.document, mail.way, mail.to) == ("list", "mail", "registered")
    assert mail.values == {"card": CardNumber(CARD)}
    answer(caller, exit_name)
    assert caller.heard == [said]
    unknown = "exit.unknown" in [record.kind for record in caller.of(Record)]
    assert unknown is (exit_name == "refused")


@pytest.mark.parametrize("able", [(), ("mail_out",), ("fax_here",), ("fax_out", "fax_here")])
def test_any_way_there_is_makes_in_writing(able: tuple[str, ...]) -> None:
    caller = Caller(PAPERS)
    caller.feed(Started(frozenset(able)))
    known = {name for name in ABILITIES if caller.session._memory.has(name)}
    assert known == {*able, *(["in_writing"] if able else [])}


def test_a_keyed_number_goes_out_after_it_was_heard_and_confirmed(caller: Caller) -> None:
    caller.press(f"1{CARD}#{PIN}#202387654321#")
    assert caller.heard == ["fax.confirm"]
    caller.press("1")
    assert caller.of(SendFax) == []  # not heard to its end
    caller.listen()
    caller.press("1")
    (fax,) = caller.of(SendFax)
    assert (fax.way, fax.to, fax.at) == ("back", "02387654321", None)
    assert "02387654321" not in repr(fax)


def test_a_fax_later_has_its_time(caller: Caller) -> None:
    caller.press(f"1{CARD}#{PIN}#3183002387654321#")
    caller.listen()
    caller.press("1")
    (fax,) = caller.of(SendFax)
    assert (fax.way, fax.to, fax.at) == ("later", "02387654321", time(18, 30))


@pytest.mark.parametrize(
    ("typed", "at"),
    [("0000", time(0)), ("2359", time(23, 59)), ("2400", None), ("1260", None), ("123", None)],
)
def test_a_time_is_four_digits_of_the_clock(typed: str, at: time | None) -> None:
    assert parse(TimeEntry(), "time", typed) == at


@pytest.mark.parametrize(
    ("exit_name", "data", "said"),
    [
        ("sent", {"pages": 2}, "fax.sent"),
        ("partial", {"pages": 1, "of": 2}, "fax.partial"),
        ("unconfirmed", {}, "fax.unsure"),
        ("failed", {}, "fax.failed"),
        ("none", {}, "fax.failed"),
        ("surprise", {}, "fax.unsure"),
    ],
)
def test_what_came_of_it_is_told(
    caller: Caller, exit_name: str, data: dict[str, str | int], said: str
) -> None:
    receipt(caller)
    answer(caller, exit_name, **data)
    assert caller.heard == [said]


def test_an_answer_that_is_none_of_the_ways_is_never_taken_for_accepted(caller: Caller) -> None:
    caller.press(f"1{CARD}#{PIN}#1")
    answer(caller, "sent", pages=1)
    assert caller.heard == ["fax.failed"]
    assert "exit.unknown" in [record.kind for record in caller.of(Record)]


def test_pages_of_an_earlier_fax_are_not_told_again(caller: Caller) -> None:
    receipt(caller)
    answer(caller, "sent", pages=2)
    caller.listen()
    receipt(caller)
    answer(caller, "sent")
    assert "value.missing" in [record.kind for record in caller.of(Record)]
    assert "fax_pages" not in str(caller.saying.prompts)


def test_values_of_another_kind_are_not_kept(caller: Caller) -> None:
    receipt(caller)
    answer(caller, "sent", pages="two")
    assert caller.heard != ["fax.sent"]


def test_keys_heard_while_it_goes_are_the_machines(caller: Caller) -> None:
    receipt(caller)
    for key in "0#21":
        caller.feed(KeyPressed(key))
    answer(caller, "sent", pages=1)
    assert caller.heard == ["fax.sent"]
    caller.listen()
    assert caller.heard == ["main.menu", "main.receipt"]


def test_an_answer_to_another_visit_changes_nothing(caller: Caller) -> None:
    fax = receipt(caller)
    caller.feed(FaxAnswered("v0", "sent", {"pages": 1}))
    assert caller.session.phase is Phase.WAITING
    caller.feed(FaxAnswered(fax.visit, "failed"))
    assert caller.heard == ["fax.failed"]


def test_no_timer_ends_a_call_while_a_fax_goes() -> None:
    caller = Caller(PAPERS, FlowOptions(call_guard_s=20.0)).start()
    receipt(caller)
    while caller.session.wake_at is not None:
        assert caller.wait() == []
    caller.now += 600.0
    answer(caller, "sent", pages=20)
    assert caller.heard == ["fax.sent"]
    caller.listen()
    assert caller.heard == ["main.menu", "main.receipt"]
    caller.listen()
    caller.wait()
    assert caller.heard == [
        "sys.noinput",
        "main.menu",
        "main.receipt",
    ]  # the time of the fax is not the caller's


def test_a_fax_outlives_the_writing_down_of_its_session(caller: Caller) -> None:
    fax = receipt(caller)
    data = caller.session.dump()
    assert CARD.encode() not in data
    caller.session = Session.load(data, PAPERS, "c1", caller.options, caller.vault)
    caller.feed(FaxAnswered(fax.visit, "partial", {"pages": 1, "of": 3}))
    assert caller.heard == ["fax.partial"]


def test_a_caller_who_hangs_up_hears_no_more(caller: Caller) -> None:
    fax = receipt(caller)
    caller.feed(HungUp())
    assert caller.feed(FaxAnswered(fax.visit, "sent", {"pages": 1})) == []


def test_every_way_says_whether_it_can_be_had_at_all() -> None:
    assert all("not_available" in exits and "none" in exits for exits in FAX_EXITS.values())
