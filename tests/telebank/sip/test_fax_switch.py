"""The switch to fax and back in a caller's call."""

import pytest

from support.sip_fax_room import (
    AUDIO,
    AUDIO_PORT,
    G711,
    IMAGE,
    NO_AUDIO,
    NO_IMAGE,
    SPEECH_PORT,
    T38,
    T38_PORT,
    Room,
    sdp,
)
from support.sip_line import NOTHING
from telebank.sip import (
    FaxEnded,
    FaxNegotiated,
    FaxPorts,
    FaxState,
    FaxSwitch,
    FaxWanted,
    IllegalTransition,
    OfferReceived,
    ToneHeard,
)
from telebank.sip.fax_events import MOVES


@pytest.fixture
def room() -> Room:
    room = Room()
    room.live()
    return room


def test_to_t38_and_back_to_the_menu(room: Room) -> None:
    assert room.tell(FaxWanted()) == ["> INVITE image 30004"]
    assert room.answers(NO_AUDIO, IMAGE, "a=T38FaxMaxDatagram:72") == ["> ACK", T38 + " max 72"]
    assert room.tell(FaxNegotiated()) == []
    assert room.tell(FaxEnded()) == ["> INVITE audio 30000"]
    assert room.answers(AUDIO, NO_IMAGE) == ["> ACK", "Speak 40000", "Finished"]
    assert room.bye() == ["> 200"]
    assert room.line.quiet() == NOTHING


@pytest.mark.parametrize("status", [488, 415, 606, 501])
def test_t38_refused_is_fax_over_g711_in_the_same_call(room: Room, status: int) -> None:
    room.tell(FaxWanted())
    assert room.refuses(status) == ["> ACK", "> INVITE audio 30002"]
    body = room.line.last().body.decode()
    assert "RTP/AVP 8\r\n" in body
    assert "telephone-event" not in body
    assert room.answers(AUDIO) == ["> ACK", G711]
    assert room.wait(60) == []  # no second asking
    room.tell(FaxNegotiated())
    assert room.tell(FaxEnded()) == ["> INVITE audio 30000"]
    assert room.answers(AUDIO) == ["> ACK", "Speak 40000", "Finished"]


def test_a_declined_stream_is_fax_over_g711_too(room: Room) -> None:
    room.tell(FaxWanted())
    assert room.answers(NO_AUDIO, NO_IMAGE) == ["> ACK", "> INVITE audio 30002"]
    assert room.answers(AUDIO, NO_IMAGE) == ["> ACK", G711]


def test_both_refused_the_caller_is_back_without_a_word(room: Room) -> None:
    room.tell(FaxWanted())
    room.refuses(488)
    assert room.refuses(488) == ["> ACK", "Finished fax was refused with 488"]
    assert room.switch.state is FaxState.OVER


def test_declined_and_refused_speech_is_asked_for_again(room: Room) -> None:
    room.tell(FaxWanted())
    room.answers(NO_AUDIO, NO_IMAGE)
    assert room.refuses(488) == ["> ACK", "> INVITE audio 30000"]
    assert room.answers(AUDIO, NO_IMAGE)[1:] == ["Speak 40000", "Finished fax was refused with 488"]


def test_speech_refused_after_the_fax_is_asked_for_twice_and_then_the_call_ends(
    room: Room,
) -> None:
    room.tell(FaxWanted())
    room.answers(NO_AUDIO, IMAGE)
    room.tell(FaxEnded())
    assert room.refuses(500) == ["> ACK"]
    assert room.wait(0.8) == ["> INVITE audio 30000"]
    reason = "Finished speech was refused with 500 after the fax"
    assert room.refuses(500) == ["> ACK", "> BYE", reason]


def test_never_and_peer_begin_with_fax_over_g711() -> None:
    for way in ("never", "peer"):
        room = Room(way)
        room.live()
        assert room.tell(FaxWanted()) == ["> INVITE audio 30002"]
        assert room.answers(AUDIO) == ["> ACK", G711]
        assert room.tell(ToneHeard("V21")) == room.wait(60) == []
        taken = room.offers(NO_AUDIO, IMAGE)
        assert taken == (["> 488"] if way == "never" else ["> 200 image 30004", T38])


def test_glare_the_agent_asks_again(room: Room) -> None:
    room.tell(FaxWanted())
    assert room.refuses(491) == ["> ACK"]
    assert room.wait(4)[:1] == ["> INVITE image 30004"]
    assert room.answers(NO_AUDIO, IMAGE) == ["> ACK", T38]


def test_their_offer_of_t38_during_our_wait_is_taken_and_ours_not_made_again(room: Room) -> None:
    room.tell(FaxWanted())
    room.refuses(491)
    assert room.offers(AUDIO, IMAGE) == ["> 200 image 30004", T38]
    assert room.wait(30) == []


def test_a_hold_during_our_wait_is_answered_and_ours_is_made_after_it(room: Room) -> None:
    room.tell(FaxWanted())
    room.refuses(491)
    assert room.offers(AUDIO, "a=sendonly") == ["> 200 audio 30000", "Speak 40000"]
    assert room.wait(0.8) == ["> INVITE image 30004"]
    assert b"o=telebank 1 4 " in room.line.sent[-1]  # newer than the answer before it
    assert room.answers(NO_AUDIO, IMAGE) == ["> ACK", T38]


def test_an_offer_of_theirs_that_is_open_is_waited_for(room: Room) -> None:
    room.line.cseq += 1
    held = sdp(AUDIO, "a=sendonly")
    room.line.hears(room.line.request("INVITE", body=held))
    (asked,) = [c for c in room.line.commands if isinstance(c, OfferReceived)]
    room.line.commands.clear()
    assert room.tell(FaxWanted()) == []
    assert room.wait(1.2) == []
    assert room.tell(asked)[:1] == ["> 200 audio 30000"]
    room.hears(room.line.request("ACK"))
    assert room.wait(0.8) == ["> INVITE image 30004"]


def test_the_same_offer_again_gets_the_same_answer_and_no_new_terminal(room: Room) -> None:
    room.tell(FaxWanted())
    room.refuses(488)
    room.answers(AUDIO)
    assert room.offers(NO_AUDIO, IMAGE) == ["> 200 image 30004", T38]
    first = [m for m in room.line.sent if m.startswith(b"SIP/2.0 200")][-1]
    assert room.offers(NO_AUDIO, IMAGE) == ["> 200 image 30004"]
    again = [m for m in room.line.sent if m.startswith(b"SIP/2.0 200")][-1]
    assert first.partition(b"\r\n\r\n")[2] == again.partition(b"\r\n\r\n")[2]
    assert room.offers(NO_AUDIO, IMAGE, version=7) == ["> 200 image 30004"]
    assert room.offers(NO_AUDIO, IMAGE, "a=T38FaxVersion:1") == ["> 200 image 30004"]


def test_what_they_answered_comes_back_as_an_offer_and_no_new_terminal(room: Room) -> None:
    """A session that is refreshed (RFC 4028), octet by octet as it was agreed."""
    room.tell(FaxWanted())
    room.answers(NO_AUDIO, IMAGE, "a=T38FaxMaxDatagram:72")
    for _ in range(2):
        assert room.offers(NO_AUDIO, IMAGE, "a=T38FaxMaxDatagram:72") == ["> 200 image 30004"]
    assert room.switch.state is FaxState.T38


def test_a_fax_over_g711_that_is_offered_again_is_not_begun_again(room: Room) -> None:
    room.tell(FaxWanted())
    room.refuses(488)
    assert room.answers(AUDIO) == ["> ACK", G711]
    for _ in range(2):
        assert room.offers(AUDIO) == ["> 200 audio 30002"]
    assert room.switch.state is FaxState.AUDIO


def test_t38_goes_on_at_another_port(room: Room) -> None:
    room.tell(FaxWanted())
    room.answers(NO_AUDIO, IMAGE)
    room.tell(FaxNegotiated())
    moved = ["> 200 image 30004", "Move 192.0.2.20:6002"]
    assert room.offers(NO_AUDIO, "m=image 6002 udptl t38") == moved
    assert room.switch.state is FaxState.T38


def test_they_go_back_to_speech_themselves(room: Room) -> None:
    room.tell(FaxWanted())
    room.answers(NO_AUDIO, IMAGE)
    done = room.offers(AUDIO, NO_IMAGE)
    assert done == ["> 200 audio 30000", "Speak 40000", "Finished the other side ended the fax"]
    assert room.tell(FaxEnded()) == []


def test_they_go_back_to_speech_while_we_wait_to_do_so(room: Room) -> None:
    room.tell(FaxWanted())
    room.answers(NO_AUDIO, IMAGE)
    room.tell(FaxEnded())
    assert room.refuses(491) == ["> ACK"]
    assert room.offers(AUDIO, NO_IMAGE)[:2] == ["> 200 audio 30000", "Speak 40000"]
    assert room.wait(30) == []


def test_a_hold_of_a_fax_over_g711_changes_nothing(room: Room) -> None:
    room.tell(FaxWanted())
    room.refuses(488)
    room.answers(AUDIO)
    room.tell(FaxNegotiated())
    assert room.offers(AUDIO, "c=IN IP4 0.0.0.0") == ["> 200 audio 30002"]
    assert room.offers(AUDIO, "a=inactive") == ["> 200 audio 30002"]
    assert room.offers("m=audio 40000 RTP/AVP 0") == ["> 488"]
    moved = ["> 200 audio 30002", "Move 192.0.2.20:40002"]
    assert room.offers("m=audio 40002 RTP/AVP 8") == moved
    assert room.offers(NO_AUDIO, IMAGE) == ["> 488"]  # too late: pages go out
    assert room.switch.state is FaxState.AUDIO


def test_an_offer_without_a_session_gets_what_runs(room: Room) -> None:
    room.tell(FaxWanted())
    room.answers(NO_AUDIO, IMAGE)
    assert room.re_invites() == ["> 200 image 30004"]
    assert room.acks(NO_AUDIO, IMAGE) == []
    room.re_invites()
    assert room.acks(AUDIO, NO_IMAGE) == ["> INVITE audio 30000"]


def test_a_fax_that_ends_while_our_offer_in_a_200_is_open_waits_for_its_answer(room: Room) -> None:
    room.tell(FaxWanted())
    room.answers(NO_AUDIO, IMAGE)
    assert room.re_invites() == ["> 200 image 30004"]
    assert room.tell(FaxEnded()) == []
    assert room.wait(0.4) == []
    assert room.acks(NO_AUDIO, IMAGE) == ["> INVITE audio 30000"]
    assert room.answers(AUDIO, NO_IMAGE) == ["> ACK", "Speak 40000", "Finished"]


def test_t38_declined_in_an_ack_after_a_491_is_fax_over_g711(room: Room) -> None:
    room.tell(FaxWanted())
    room.refuses(491)
    assert room.re_invites() == ["> 200 image 30004"]
    assert room.wait(0.2) == []
    assert room.acks(NO_AUDIO, NO_IMAGE) == ["> INVITE audio 30002"]
    assert room.switch.wake_at is None
    assert room.wait(0.4) == []
    assert room.answers(AUDIO, NO_IMAGE) == ["> ACK", G711]


def test_an_offer_that_our_own_agent_holds_back_is_no_try_of_theirs(room: Room) -> None:
    room.line.cseq += 1
    room.line.hears(room.line.request("INVITE", body=sdp(AUDIO, "a=sendonly")))
    (asked,) = [c for c in room.line.commands if isinstance(c, OfferReceived)]
    room.line.commands.clear()
    room.tell(FaxWanted())
    assert room.wait(4.2) == []
    room.tell(asked)
    assert set(room.wait(8)) == {"> 200 audio 30000"}  # again and again: no ACK yet
    room.hears(room.line.request("ACK"))
    assert room.wait(0.8) == ["> INVITE image 30004"]
    assert b"o=telebank 1 3 " in room.line.sent[-1]  # one newer than what was sent before it
    assert room.refuses(491) == ["> ACK"]


def test_the_voices_own_offer_in_a_200_is_answered_before_the_fax_begins(room: Room) -> None:
    room.line.cseq += 1
    room.line.hears(room.line.request("INVITE"))
    room.line.commands.clear()
    offer = room.negotiation.offer_speech(SPEECH_PORT)
    room.line.did(room.line.agent.answer(room.line.leg, offer, room.line.now))
    room.line.commands.clear()
    ports = FaxPorts(AUDIO_PORT, T38_PORT, SPEECH_PORT)
    room.switch = FaxSwitch(room.negotiation, ports, receiving=False, codec="PCMA")
    assert room.tell(FaxWanted()) == []
    assert room.acks(AUDIO) == ["Speak 40000"]
    assert room.wait(0.8) == ["> INVITE image 30004"]


def test_a_fax_that_ends_while_our_offer_waits_after_a_491_does_not_wait_for_it(
    room: Room,
) -> None:
    room.tell(FaxWanted())
    room.refuses(491)
    assert room.tell(FaxEnded()) == ["Finished"]
    assert room.wait(30) == []


@pytest.mark.parametrize("when", ["asking", "t38", "audio", "returning"])
def test_hanging_up_at_any_moment_finishes_once(room: Room, when: str) -> None:
    room.tell(FaxWanted())
    if when == "audio":
        room.refuses(488)
        room.answers(AUDIO)
    elif when != "asking":
        room.answers(NO_AUDIO, IMAGE)
    if when == "returning":
        room.tell(FaxEnded())
    assert room.bye() == ["> 200", "Finished"]
    assert room.tell(FaxEnded()) == []
    assert room.line.quiet() == NOTHING


def test_a_re_invite_that_nobody_answers_ends_the_call(room: Room) -> None:
    room.tell(FaxWanted())
    done = room.wait(40)
    assert done.count("Finished") == 1
    assert done[done.index("Finished") + 1] == "> BYE"
    room.wait(40)
    assert room.line.quiet() == NOTHING


def test_a_fax_lost_while_we_ask_goes_back_when_the_answer_is_there(room: Room) -> None:
    room.tell(FaxWanted())
    assert room.tell(FaxEnded()) == []
    assert room.answers(NO_AUDIO, IMAGE) == ["> ACK", "> INVITE audio 30000"]
    assert room.answers(AUDIO, NO_IMAGE)[1:] == ["Speak 40000", "Finished"]


def test_a_fax_lost_while_we_ask_in_vain_leaves_speech_as_it_was(room: Room) -> None:
    room.tell(FaxWanted())
    room.tell(FaxEnded())
    assert room.refuses(488) == ["> ACK", "Finished"]


def test_what_the_table_does_not_have_is_an_error(room: Room) -> None:
    assert set(MOVES) == set(FaxState)
    room.tell(FaxWanted())
    with pytest.raises(IllegalTransition):
        room.tell(FaxWanted())
