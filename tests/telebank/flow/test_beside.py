"""A session beside a caller's own: the PIN that a teller asks for, and what comes back of it."""

from functools import cache
from pathlib import Path

import pytest

from support.flow_bank import changed, findings_of
from support.flow_caller import CARD, PIN, Caller
from telebank.flow.commands import Ended, Enqueue, HangUp, Listen, Record, Say, Submit
from telebank.flow.draw.words import Wording
from telebank.flow.events import Disproved, HungUp, Proved, QueueAnswered
from telebank.flow.options import FlowOptions
from telebank.flow.release import Release, read_release
from telebank.flow.session import Session
from telebank.flow.state import Phase
from telebank.flow.vault import MemoryVault
from transactions.card import CardNumber
from transactions.request import AuthLevel, Language
from transactions.secret import Secret

ROOT = Path(__file__).resolve().parents[3]
OTHER_CARD = "6227000000000020"


@cache
def shipped() -> Release:
    return read_release(ROOT / "config")


def beside(caller: Caller, flow: str, card: str | None = None) -> Caller:
    """The one beside his session, started; it has his clock and vault."""
    inner = Caller(caller.release)
    inner.vault, inner.now = caller.vault, caller.now
    carried = {} if card is None else {"card": CardNumber(card)}
    inner.session = caller.session.beside(flow, carried)
    return inner.start()


def at_teller() -> Caller:
    """A caller who speaks English and pressed 0 at the first menu."""
    caller = Caller(shipped()).start()
    caller.press("2")
    caller.listen()
    caller.press("0")
    caller.listen()
    assert len(caller.of(Enqueue)) == 1
    return caller


def keys_pin(inner: Caller, exit_name: str = "ok") -> None:
    inner.press(f"{PIN}#")
    inner.answer(exit_name)
    while inner.session.phase is Phase.SPEAKING:
        inner.listen()


def back(caller: Caller, exit_name: str = "done") -> None:
    caller.feed(QueueAnswered(caller.of(Enqueue)[-1].visit, exit_name))


def test_a_right_pin_comes_back_with_card_and_level_and_the_call_goes_on() -> None:
    caller = at_teller()
    inner = beside(caller, "desk_pin", CARD)
    assert inner.saying.language == "en"
    keys_pin(inner)
    assert inner.of(Ended) == [
        Ended("verified", AuthLevel.PIN, CardNumber(CARD), {"card": CardNumber(CARD)})
    ]
    assert inner.of(HangUp) == []
    assert (caller.session.level, caller.session.proved) == (AuthLevel.NONE, None)
    (ended,) = inner.of(Ended)
    assert ended.customer is not None
    caller.feed(Proved(ended.customer, ended.level, ended.given))
    assert caller.of(Record)[-1].kind == "call.proved"
    assert caller.of(Record)[-1].detail["level"] == "pin"
    assert (caller.session.level, caller.session.proved) == (AuthLevel.PIN, CardNumber(CARD))
    assert caller.session.card == CardNumber(CARD)
    back(caller)
    assert caller.heard == ["front.menu"]


def test_what_is_asked_and_said_is_unique_in_the_call() -> None:
    caller = at_teller()
    visits, tokens = [], [say.token for say in caller.of(Say)]
    for _ in range(2):
        inner = beside(caller, "desk_pin", CARD)
        keys_pin(inner, "locked")
        visits += [asked.visit for asked in inner.of(Submit)]
        tokens += [say.token for say in inner.of(Say)]
    back(caller)
    tokens.append(caller.saying.token)
    assert visits == ["b1v1", "b2v1"]
    assert len(set(tokens)) == len(tokens)


def test_the_pin_is_asked_as_by_the_menus_and_is_in_no_record() -> None:
    inner = beside(at_teller(), "desk_pin", CARD)
    assert isinstance(inner.all[0], Listen)
    assert inner.of(Listen) == [Listen(secret=True)]
    inner.listen()
    assert inner.session.keyed == (0, 6)
    inner.press(PIN[:3])
    assert inner.session.keyed == (3, 6)
    inner.press(f"{PIN[3:]}#")
    (asked,) = inner.of(Submit)
    pin = asked.inputs["pin"]
    assert isinstance(pin, Secret)
    assert (asked.service, pin.reveal()) == ("pin.verify", PIN)
    assert (asked.auth, asked.authenticated) == (AuthLevel.NONE, None)
    keys = [record.detail["digit"] for record in inner.of(Record) if record.kind == "key"]
    assert keys
    assert set(keys) == {"•"}
    assert PIN not in repr(inner.all)


def test_keys_are_no_secret_any_more_in_the_menus_after_it() -> None:
    caller = at_teller()
    beside(caller, "desk_pin", CARD)
    caller.last.clear()
    back(caller)
    assert Listen(secret=False) in caller.last


@pytest.mark.parametrize("exit_name", ["locked", "lost", "unavailable"])
def test_who_is_not_proved_brings_nothing_back(exit_name: str) -> None:
    inner = beside(at_teller(), "desk_pin", CARD)
    keys_pin(inner, exit_name)
    (ended,) = inner.of(Ended)
    assert (ended.exit, ended.level, ended.customer) == (exit_name, AuthLevel.NONE, None)


def wrong_pins(inner: Caller, times: int) -> None:
    for _ in range(times):
        inner.press(f"{PIN}#")
        inner.answer("wrong_pin")
        while inner.session.phase is Phase.SPEAKING:
            inner.listen()


@pytest.mark.parametrize("level", [AuthLevel.PIN, AuthLevel.SECOND_FACTOR])
def test_a_pin_that_is_locked_beside_the_call_takes_back_what_was_proved(level: AuthLevel) -> None:
    caller = at_teller()
    given = {"card": CardNumber(CARD)}
    caller.feed(Proved(CardNumber(CARD), level, given))
    inner = beside(caller, "desk_pin", CARD)
    wrong_pins(inner, 3)
    (ended,) = inner.of(Ended)
    assert (ended.exit, ended.customer, ended.lost) == ("wrong", None, AuthLevel.PIN)
    caller.feed(Disproved(AuthLevel.PIN))
    assert (caller.session.level, caller.session.proved) == (AuthLevel.NONE, None)
    assert caller.of(Record)[-1].kind == "call.unproved"
    back(caller)
    caller.press("1")
    caller.listen()
    assert caller.heard[-1:] == ["auth.card"], "he has to prove himself anew"


def test_a_code_that_is_locked_leaves_the_pin_and_one_wrong_pin_takes_nothing_back() -> None:
    caller = at_teller()
    caller.feed(Proved(CardNumber(CARD), AuthLevel.SECOND_FACTOR, {"card": CardNumber(CARD)}))
    inner = beside(caller, "desk_pin", CARD)
    wrong_pins(inner, 2)
    inner.press(f"{PIN}#")
    inner.answer("ok")
    while inner.session.phase is Phase.SPEAKING:
        inner.listen()
    (ended,) = inner.of(Ended)
    assert (ended.exit, ended.lost) == ("verified", None)
    caller.feed(Disproved(AuthLevel.SECOND_FACTOR))
    assert (caller.session.level, caller.session.proved) == (AuthLevel.PIN, CardNumber(CARD))


@pytest.mark.parametrize("answers", [("locked",), ("wrong_pin",) * 3])
def test_a_pin_that_is_locked_in_the_menus_takes_it_back_too(answers: tuple[str, ...]) -> None:
    caller = Caller(shipped())
    caller.session = Session(shipped(), "c1", FlowOptions(), "prove_again", caller.vault)
    caller.start()
    caller.feed(Proved(CardNumber(CARD), AuthLevel.SECOND_FACTOR, {"card": CardNumber(CARD)}))
    for answer in answers:
        assert caller.session.level is AuthLevel.SECOND_FACTOR
        caller.listen()
        caller.press(f"{PIN}#")
        caller.answer(answer)
    assert (caller.session.level, caller.session.proved) == (AuthLevel.NONE, None)


def test_a_card_is_asked_for_where_none_is_known() -> None:
    inner = beside(at_teller(), "desk_card")
    assert inner.heard == ["auth.card"]
    inner.listen()
    inner.press(f"{CARD}#")
    keys_pin(inner)
    assert inner.of(Ended)[0].customer == CardNumber(CARD)


def test_taken_back_it_says_nothing_and_leaves_the_call_alone() -> None:
    caller = at_teller()
    inner = beside(caller, "desk_pin", CARD)
    inner.press("246")
    assert inner.feed(HungUp()) == []
    assert inner.session.phase is Phase.ENDED
    assert caller.session.phase is Phase.WAITING


def test_it_takes_no_longer_than_a_call_and_then_ends_without_last_words() -> None:
    caller = at_teller()
    inner = Caller(caller.release)
    inner.session = Session(shipped(), "c1", FlowOptions(call_guard_s=5.0), vault=caller.vault)
    inner.session = inner.session.beside("desk_pin", {"card": CardNumber(CARD)})
    inner.start()
    inner.wait()
    assert inner.last[-1] == Ended("guard", given={"card": CardNumber(CARD)})
    assert "sys.goodbye" not in inner.heard


def test_what_was_another_customers_is_forgotten() -> None:
    caller = signed_in_at_teller()
    usual = caller.session.dump()
    assert b"enquiries-of-a" in usual
    caller.feed(Proved(CardNumber(OTHER_CARD), AuthLevel.PIN, {"card": CardNumber(OTHER_CARD)}))
    assert b"enquiries-of-a" not in caller.session.dump()
    assert (caller.session.proved, caller.session.card) == (CardNumber(OTHER_CARD),) * 2
    back(caller)
    assert caller.heard == ["main.menu"]


def test_the_same_customers_second_factor_stays() -> None:
    vault = MemoryVault()
    caller = Caller(shipped())
    caller.session = Session(shipped(), "c1", FlowOptions(), vault=vault)
    caller.start()
    given = {"card": CardNumber(CARD)}
    caller.feed(Proved(CardNumber(CARD), AuthLevel.SECOND_FACTOR, given))
    caller.feed(Proved(CardNumber(CARD), AuthLevel.PIN, given))
    assert caller.session.level is AuthLevel.SECOND_FACTOR
    other = {"card": CardNumber(OTHER_CARD)}
    caller.feed(Proved(CardNumber(OTHER_CARD), AuthLevel.PIN, other))
    assert caller.session.level is AuthLevel.PIN


def signed_in_at_teller() -> Caller:
    """He proved himself by his own keys, heard what he uses most, and pressed 0."""
    caller = Caller(shipped()).start()
    caller.press(f"11{CARD}#{PIN}#")
    caller.answer("ok")
    caller.answer("ok", speed="normal", patience="normal", greeting="none")
    caller.answer("none")
    caller.answer("ok", usual=({"what": "enquiries-of-a"},))
    caller.press("0")
    while not caller.of(Enqueue):
        caller.listen()
    return caller


def test_the_business_is_where_he_asked_for_a_person() -> None:
    caller = at_teller()
    assert caller.of(Enqueue)[-1].business == "main"
    caller = Caller(shipped()).start()
    caller.press("11")
    caller.listen()
    caller.press("0#")
    caller.listen()
    assert caller.of(Enqueue)[-1].business == "authenticate"


@pytest.mark.parametrize(
    ("flow", "carried", "words"),
    [("desk_pin", {}, "needs"), ("no_such_flow", {"card": CardNumber(CARD)}, "not there")],
)
def test_a_flow_that_is_not_there_or_lacks_what_it_needs_is_refused(
    flow: str, carried: dict[str, CardNumber], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        at_teller().session.beside(flow, carried)


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("desk_card", "{kind: return, exit: lost}", "{kind: return, exit: gone}", "no desk knows"),
        ("desk_card", "{kind: return, exit: wrong}", "{kind: exit, say: sys.goodbye}", "away"),
        ("desk_card", "gives: [card]", "needs: [card]\ngives: [card]", "needs card"),
        ("desk_card", "gives: [card]", "gives: []", "does not give card"),
    ],
)
def test_a_flow_that_does_not_fit_beside_a_call_is_refused(
    file: str, old: str, new: str, words: str, tmp_path: Path
) -> None:
    config = changed(tmp_path, f"flows/{file}.yaml", old, new, ROOT / "config")
    found = [one for one in findings_of(config) if one.rule == "desk"]
    assert len(found) == 1, found
    assert words in found[0].problem
    assert found[0].file == f"flows/{file}.yaml"


def test_a_queue_beside_a_call_is_refused(tmp_path: Path) -> None:
    queue = "{kind: queue, skill: general, then: {not_on_duty: none, done: none}}"
    old = "given_up: {kind: say, say: desk.failed, next: none}"
    config = changed(tmp_path, "flows/desk_pin.yaml", old, f"given_up: {queue}", ROOT / "config")
    assert "desk" in {one.rule for one in findings_of(config)}


@pytest.mark.parametrize(
    ("language", "words"), [("zh", "等候人数已满"), ("en", "the queue is full")]
)
def test_a_picture_has_words_for_a_full_queue(language: Language, words: str) -> None:
    assert Wording(language, {}, {}).exit("full") == words


def test_who_was_given_back_is_not_asked_again_for_what_he_proved_to_a_teller() -> None:
    """He had proved nothing in the menus; it spares him one entry, and the next is asked for."""
    caller = at_teller()
    caller.feed(Proved(CardNumber(CARD), AuthLevel.PIN, {"card": CardNumber(CARD)}))
    back(caller)
    caller.press("1")
    asked = caller.of(Submit)[-1]
    assert asked.service == "settings.get"
    assert asked.authenticated == CardNumber(CARD)
    assert caller.session.level is AuthLevel.PIN


def test_who_was_given_back_unproved_is_asked() -> None:
    caller = at_teller()
    back(caller)
    caller.press("1")
    assert not caller.of(Submit)
    assert caller.session.place == "authenticate.card"
