"""Who is where in a conversation, without sockets."""

import pytest

from telebank.calls.tellers.conversation import (
    CALLER,
    Conversation,
    Join,
    Leave,
    Move,
    Place,
)

MAIN, ASIDE = 7, 8
MUSIC = Place(MAIN, "music", sound="music")
FLAT = Place(MAIN, "tone", sound="flat")


def talking() -> Conversation:
    conversation = Conversation(MAIN, ASIDE)
    conversation.teller, conversation.state = "li", "talking"
    conversation.moves()
    return conversation


def places(moves: list[Move]) -> dict[str, Place | None]:
    return {move.party: move.place if isinstance(move, Join) else None for move in moves}


def test_who_waits_hears_music_and_then_his_teller() -> None:
    conversation = Conversation(MAIN, ASIDE)
    assert conversation.moves() == [Join(CALLER, MUSIC)]
    conversation.state = "ringing"
    assert conversation.moves() == []
    conversation.teller, conversation.state = "li", "talking"
    assert places(conversation.moves()) == {CALLER: Place(MAIN), "li": Place(MAIN)}


def test_on_hold_the_caller_hears_music_and_the_teller_nothing_of_him() -> None:
    conversation = talking()
    conversation.state = "held"
    assert places(conversation.moves()) == {CALLER: MUSIC, "li": Place(MAIN, "muted")}


def test_whom_a_teller_consults_hears_him_and_not_the_caller() -> None:
    conversation = talking()
    conversation.state, conversation.other = "consulting", "wang"
    assert places(conversation.moves()) == {
        CALLER: MUSIC,
        "li": Place(ASIDE, "tone", sound="ring-back"),
    }
    conversation.other_there = True
    assert places(conversation.moves()) == {"li": Place(ASIDE), "wang": Place(ASIDE)}
    conversation.state = "three_way"
    assert places(conversation.moves()) == dict.fromkeys((CALLER, "li", "wang"), Place(MAIN))
    conversation.forget("li")
    conversation.teller, conversation.other, conversation.state = "wang", "", "talking"
    assert conversation.moves() == []


@pytest.mark.parametrize("how", ["monitor", "whisper", "barge"])
def test_while_a_pin_is_entered_nobody_is_with_the_caller_and_all_hear_a_flat_tone(
    how: str,
) -> None:
    conversation = talking()
    conversation.watchers["chen"] = how  # type: ignore[assignment]
    conversation.moves()
    conversation.state = "pin"
    moves = conversation.moves()
    assert moves[0] == Leave(CALLER)
    assert places(moves) == {CALLER: None, "li": FLAT, "chen": FLAT}
    conversation.state = "talking"
    assert set(places(conversation.moves())) == {CALLER, "li", "chen"}


def test_a_whisper_goes_with_the_teller_and_is_joined_after_him() -> None:
    conversation = talking()
    conversation.watchers["chen"] = "whisper"
    assert conversation.moves() == [Join("chen", Place(MAIN, "whisper", toward="li"))]
    conversation.state, conversation.other, conversation.other_there = "consulting", "wang", True
    moves = conversation.moves()
    assert moves[-1] == Join("chen", Place(ASIDE, "whisper", toward="li"))
    conversation.watchers["chen"] = "monitor"
    assert conversation.moves() == [Join("chen", Place(ASIDE, "monitor"))]


def test_a_whisper_is_joined_again_where_its_teller_left_the_mixer_between() -> None:
    conversation = talking()
    conversation.watchers["chen"] = "whisper"
    conversation.moves()
    conversation.forget("li")
    conversation.moves()
    conversation.teller = "li"
    conversation.watchers["chen"] = "whisper"
    assert [move.party for move in conversation.moves()] == ["li", "chen"]


def test_a_line_that_is_gone_leaves_nothing_and_is_in_nobodys_way() -> None:
    conversation = talking()
    conversation.forget("li")
    conversation.state = "waiting"
    assert conversation.moves() == [Join(CALLER, MUSIC)]
