"""The fax switch of calls that are for a fax alone, ours and theirs."""

import pytest

from support.sip_fax_room import (
    AUDIO,
    AUDIO_PORT,
    G711,
    IMAGE,
    NO_AUDIO,
    NO_IMAGE,
    T38,
    Room,
    sdp,
    taken,
)
from support.sip_line import SDP
from telebank.sip import (
    FaxEnded,
    FaxNegotiated,
    FaxState,
    FaxWanted,
    OfferReceived,
    SessionDescription,
    ToneHeard,
)
from telebank.sip.message import Request, parse


@pytest.fixture
def room() -> Room:
    room = Room()
    room.live()
    return room


def placed(room: Room) -> None:
    offer = room.negotiation.offer_speech(AUDIO_PORT, events=False)
    room.line.place(offer)
    room.line.commands.clear()


def test_a_call_of_ours_waits_for_the_receivers_offer() -> None:
    room = Room(speech=False)
    placed(room)
    assert room.hears(room.line.reply(room.line.sent[-1], 200, body=SDP)) == ["> ACK", G711]
    assert room.wait(5) == []
    invite = parse(room.line.sent[0])
    assert isinstance(invite, Request)
    body = sdp(NO_AUDIO, IMAGE)
    raw = (
        "INVITE sip:192.0.2.10:5060 SIP/2.0\r\nVia: SIP/2.0/UDP x:5062;branch=z9hG4bKx\r\n"
        f"Max-Forwards: 70\r\nFrom: <sip:bob@x>;tag=bob\r\nTo: {invite.headers['from'][0]}\r\n"
        f"Call-ID: {invite.call_id}\r\nCSeq: 7 INVITE\r\nContact: <sip:bob@192.0.2.20:5062>\r\n"
        f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    )
    assert room.hears(raw) == ["> 100", "> 200 image 30004", T38]
    assert room.tell(FaxEnded()) == ["Finished"]


@pytest.mark.parametrize(("tone", "seconds"), [("CED", 2), ("V21", 2), ("", 10)])
def test_a_receiver_that_does_not_offer_is_asked(tone: str, seconds: float) -> None:
    room = Room(speech=False)
    placed(room)
    room.hears(room.line.reply(room.line.sent[-1], 200, body=SDP))
    if tone:
        room.tell(ToneHeard(tone))
    assert room.wait(seconds - 0.1) == []
    assert room.wait(0.2) == ["> INVITE image 30004"]
    assert room.refuses(488) == ["> ACK"]  # fax over G.711 goes on as it was
    assert room.switch.state is FaxState.AUDIO
    assert room.wait(60) == []


def test_terminals_that_found_each_other_are_not_disturbed() -> None:
    room = Room(speech=False)
    placed(room)
    room.hears(room.line.reply(room.line.sent[-1], 200, body=SDP))
    room.tell(ToneHeard("V21"))
    room.tell(FaxNegotiated())
    assert room.wait(60) == []


@pytest.mark.parametrize("when", ["in flight", "after a 491", "after the last 491"])
def test_an_offer_of_ours_is_not_made_again_to_terminals_that_found_each_other(when: str) -> None:
    room = Room(speech=False, receiving=True)
    taken(room, SDP)
    room.wait(1.1)
    if when == "after the last 491":
        room.refuses(491)
        room.wait(2.1)
        room.refuses(491)
        room.wait(2.1)
    if when != "in flight":
        assert room.refuses(491) == ["> ACK"]
    assert room.tell(FaxNegotiated()) == []
    if when == "in flight":
        assert room.refuses(491) == ["> ACK"]
    assert room.switch.state is FaxState.AUDIO
    assert room.wait(60) == []
    assert room.offers("m=audio 40002 RTP/AVP 8") == ["> 200 audio 30002", "Move 192.0.2.20:40002"]


def test_a_fax_call_that_is_answered_on_hold_begins_when_the_hold_ends() -> None:
    room = Room("never", speech=False)
    placed(room)
    held = sdp(AUDIO).replace("c=IN IP4 192.0.2.20", "c=IN IP4 0.0.0.0")
    assert room.hears(room.line.reply(room.line.sent[-1], 200, body=held)) == ["> ACK"]
    assert room.wait(5) == []
    asked = room.tell(OfferReceived(room.line.leg, SessionDescription.parse(sdp(AUDIO).encode())))
    assert asked == [G711]


def test_a_fax_in_a_callers_call_that_is_held_begins_when_the_hold_ends(room: Room) -> None:
    room.tell(FaxWanted())
    room.refuses(488)
    assert room.answers(AUDIO, "c=IN IP4 0.0.0.0") == ["> ACK"]
    assert room.offers(AUDIO) == ["> 200 audio 30002", G711]


def test_a_receiver_asks_soon_after_the_call_was_taken() -> None:
    room = Room(speech=False, receiving=True)
    assert taken(room, SDP) == ["> 100", "> 200 audio 30002", G711]
    assert room.wait(0.9) == []
    assert room.wait(0.2) == ["> INVITE image 30004"]
    assert room.answers(NO_AUDIO, IMAGE) == ["> ACK", T38]


def test_a_receiver_that_hears_the_calling_tone_asks_at_once() -> None:
    room = Room(speech=False, receiving=True)
    taken(room, SDP)
    room.tell(ToneHeard("CNG"))
    assert room.wait(0.01) == ["> INVITE image 30004"]


def test_a_call_that_offers_audio_and_image_is_a_fax_from_the_start() -> None:
    room = Room(speech=False, receiving=True)
    assert taken(room, sdp(AUDIO, IMAGE)) == ["> 100", "> 200 image 30004", T38]
    never = Room("never", speech=False, receiving=True)
    assert taken(never, sdp(AUDIO, IMAGE))[:3] == ["> 100", "> 200 audio 30002", G711]


def test_of_audio_and_image_together_audio_is_taken_where_t38_never_is() -> None:
    room = Room("never", receiving=True, speech=False)
    assert taken(room, sdp(AUDIO, IMAGE))[-2:] == ["> 200 audio 30002", G711]
    assert b"m=image 0 udptl t38" in room.line.sent[-1]
    assert room.offers(AUDIO, IMAGE) == ["> 200 audio 30002"]


@pytest.mark.parametrize("size", [None, "-1", "0", "72", "4294967295", "none"])
def test_whatever_a_caller_says_of_his_datagrams_his_fax_is_taken(size: str | None) -> None:
    room = Room(receiving=True, speech=False)
    lines = [] if size is None else [f"a=T38FaxMaxDatagram:{size}"]
    used = {"72": " max 72", "4294967295": " max 1400"}
    assert taken(room, sdp(AUDIO, IMAGE, *lines))[-1] == T38 + used.get(size or "", "")


def test_a_call_with_nothing_for_us_is_488() -> None:
    room = Room(speech=False, receiving=True)
    assert room.hears(room.line.invite(sdp("m=video 5000 RTP/AVP 31")))[:2] == ["> 100", "> 488"]
    assert room.switch.state is FaxState.OVER


def test_a_call_without_an_offer_gets_ours() -> None:
    room = Room(speech=False, receiving=True)
    assert room.hears(room.line.invite("")) == ["> 100", "> 200 audio 30002"]
    ack = room.line.request("ACK", body=sdp(AUDIO))
    assert room.hears(ack) == [G711]
    assert room.wait(1) == ["> INVITE image 30004"]


def test_a_peer_that_falls_back_to_audio_ends_the_fax_of_a_fax_call() -> None:
    room = Room(speech=False, receiving=True)
    taken(room, sdp(AUDIO, IMAGE))
    assert room.offers(AUDIO, NO_IMAGE) == [
        "> 200 audio 30002", "Finished the other side ended the fax",
    ]  # fmt: skip
