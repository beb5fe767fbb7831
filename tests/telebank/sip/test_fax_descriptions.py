"""T.38 in session descriptions: offers, answers, and what others write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.sip import (
    Answer,
    ImageOffer,
    MalformedDescription,
    Negotiation,
    Refused,
    SessionDescription,
    T38Agreed,
    answer_audio,
    answer_t38,
    make_offer,
    offer_t38,
    read_t38_answer,
)

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
AUDIO = "m=audio 4000 RTP/AVP 8 101"
IMAGE = "m=image 6000 udptl t38"


def sdp(*lines: str, head: str = HEAD) -> SessionDescription:
    return SessionDescription.parse((head + "".join(f"{line}\r\n" for line in lines)).encode())


def image(*lines: str) -> ImageOffer:
    found = sdp(IMAGE, *lines).image
    assert found is not None
    return found


def media(body: bytes) -> list[str]:
    return [row for row in body.decode().split("\r\n") if row.startswith("m=")]


@pytest.mark.parametrize(
    ("said", "taken"),
    [
        (None, None), ("72", 72), (" 72 ", 72), ("400", 400), ("1400", 1400), ("4096", 1400),
        ("4294967295", 1400), ("9" * 40, 1400), ("9" * 5000, None), ("0", None), ("-1", None),
        ("+72", None), ("72 octets", None), ("0x48", None), ("72.5", None), ("", None),
        ("\u0667\u0662", None),
    ],
)  # fmt: skip
def test_every_size_of_a_datagram_has_a_clear_value(said: str | None, taken: int | None) -> None:
    lines = [] if said is None else [f"a=T38FaxMaxDatagram:{said}"]
    assert image(*lines).max_datagram == taken
    answer = answer_t38(sdp(IMAGE, *lines), "192.0.2.1", 7000)
    assert isinstance(answer, T38Agreed)
    assert answer.max_datagram == taken


NAMES = (
    "T38FaxMaxDatagram",
    "T38MaxBitRate",
    "T38FaxVersion",
    "T38FaxRateManagement",
    "T38FaxUdpEC",
)
TEXT = st.text(st.characters(blacklist_characters="\r\n", codec="utf-8"), max_size=60)


@given(st.lists(st.tuples(st.sampled_from(NAMES), TEXT | st.integers().map(str)), max_size=8))
def test_nothing_that_is_said_is_a_crash(said: list[tuple[str, str]]) -> None:
    body = HEAD + f"{IMAGE}\r\n" + "".join(f"a={name}:{value}\r\n" for name, value in said)
    try:
        found = SessionDescription.parse(body.encode()).image
    except MalformedDescription:
        return
    assert found is not None
    assert found.max_datagram is None or 1 <= found.max_datagram <= 1400
    assert isinstance(
        answer_t38(SessionDescription.parse(body.encode()), "192.0.2.1", 7000), T38Agreed
    )


def test_what_is_missing_or_nonsense_has_its_default() -> None:
    plain = ImageOffer("192.0.2.2", 6000, None, 0)
    assert image() == plain
    odd = ["a=T38FaxVersion:x", "a=T38MaxBitRate:-9600", "a=T38FaxFillBitRemoval", "a=T38FaxUdpEC"]
    assert image(*odd) == plain


def test_what_is_said_is_read_in_any_case() -> None:
    found = sdp(
        AUDIO,
        "m=image 6002 UDPTL T38",
        "c=IN IP4 192.0.2.7",
        "a=t38faxversion:3",
        "a=T38MAXBITRATE:33600",
        "a=T38FaxRateManagement:transferredTCF",
        "a=T38FaxUdpEC:t38UDPFEC",
        "a=T38FaxMaxDatagram:238",
    ).image
    assert found == ImageOffer("192.0.2.7", 6002, 238, 1)


@pytest.mark.parametrize(
    "line", ["m=image 6000 tcp t38", "m=image 6000 udptl t39", "m=image 6000 RTP/AVP 98", AUDIO]
)
def test_other_images_are_none_of_ours(line: str) -> None:
    assert sdp(line).image is None
    assert isinstance(answer_t38(sdp(line), "192.0.2.1", 7000), Refused)


@pytest.mark.parametrize(
    "lines",
    [["m=image 0 udptl t38"], [IMAGE, "c=IN IP4 0.0.0.0"], [IMAGE, "c=IN IP4 224.0.0.1"],
     [IMAGE, "c=IN IP6 2001:db8::1"], [IMAGE, "c=IN IP4 fax.example"]],
)  # fmt: skip
def test_a_stream_nothing_can_be_sent_to_is_refused(lines: list[str]) -> None:
    refused = answer_t38(sdp(*lines), "192.0.2.1", 7000)
    assert isinstance(refused, Refused)
    assert refused.status == 488
    ours = SessionDescription.parse(offer_t38("192.0.2.1", 7000))
    assert isinstance(read_t38_answer(ours, sdp(*lines)), Refused)


def test_audio_and_image_together_are_taken_by_what_is_meant() -> None:
    both = sdp(AUDIO, "a=rtpmap:101 telephone-event/8000", IMAGE, "a=T38FaxMaxDatagram:72")
    fax, speech = answer_t38(both, "192.0.2.1", 7000), answer_audio(both, "192.0.2.1", 5004)
    assert isinstance(fax, T38Agreed)
    assert isinstance(speech, Answer)
    assert media(fax.sdp) == ["m=audio 0 RTP/AVP 8 101", "m=image 7000 udptl t38"]
    assert media(speech.sdp) == ["m=audio 5004 RTP/AVP 8 101", "m=image 0 udptl t38"]
    assert fax.remote == ("192.0.2.2", 6000)
    assert b"a=T38FaxVersion:0\r\n" in fax.sdp
    assert b"a=T38FaxUdpEC:t38UDPRedundancy\r\n" in fax.sdp
    assert b"a=T38FaxRateManagement:transferredTCF\r\n" in fax.sdp


def test_the_transport_is_written_as_they_write_it() -> None:
    answer = answer_t38(sdp("m=image 6000 UDPTL t38"), "192.0.2.1", 7000)
    assert isinstance(answer, T38Agreed)
    assert media(answer.sdp) == ["m=image 7000 UDPTL t38"]


def test_an_offer_of_ours_is_read_back() -> None:
    ours = SessionDescription.parse(offer_t38("2001:db8::1", 7000, session_id=4, version=9))
    assert ours.origin == "telebank 4 9 IN IP6 2001:db8::1"
    assert ours.image == ImageOffer("2001:db8::1", 7000, 1400, 0)
    assert ours.audio is None


def talking(*lines: str) -> Negotiation:
    """A dialog whose INVITE offered these lines, and whose audio we took."""
    negotiation = Negotiation("192.0.2.1")
    assert isinstance(negotiation.answer_speech(sdp(*lines), 5004), Answer)
    return negotiation


def test_lines_keep_their_places_from_speech_to_fax_and_back() -> None:
    negotiation = talking("m=video 8000 RTP/AVP 31", AUDIO)
    video = "m=video 0 RTP/AVP 31"
    fax = negotiation.offer_fax(7000)
    assert media(fax) == [video, "m=audio 0 RTP/AVP 8", "m=image 7000 udptl t38"]
    agreed = negotiation.read_fax(sdp(video, "m=audio 0 RTP/AVP 8", IMAGE))
    assert isinstance(agreed, T38Agreed)
    speech = negotiation.offer_speech(5004)
    assert media(speech) == [video, "m=audio 5004 RTP/AVP 8 0 101", "m=image 0 udptl t38"]
    back = negotiation.read_speech(sdp(video, AUDIO, "m=image 0 udptl t38"))
    assert isinstance(back, Answer)
    again = negotiation.offer_fax(7002)
    assert media(again) == [video, "m=audio 0 RTP/AVP 8 0 101", "m=image 7002 udptl t38"]
    versions = [int(body.split(b" ")[2]) for body in (fax, speech, again)]
    assert versions == [2, 3, 4]


def test_a_line_that_they_turned_from_audio_to_image_is_turned_back() -> None:
    negotiation = talking(AUDIO)
    assert isinstance(negotiation.answer_fax(sdp(IMAGE), 7000), T38Agreed)
    assert media(negotiation.offer_speech(5004)) == ["m=audio 5004 RTP/AVP 8 0 101"]


def test_an_offer_that_was_refused_changes_no_line() -> None:
    negotiation = talking(AUDIO)
    negotiation.offer_fax(7000)
    assert media(negotiation.offer_speech(5004)) == ["m=audio 5004 RTP/AVP 8 0 101"]


def test_versions_are_counted_by_what_is_sent() -> None:
    """RFC 3264 8: each description is one newer than the one before it."""
    negotiation = talking(AUDIO)
    assert isinstance(negotiation.answer_fax(sdp(AUDIO), 7000), Refused)
    assert isinstance(negotiation.answer_speech(sdp(IMAGE), 5004), Refused)
    assert b"o=telebank 1 2 " in negotiation.offer_fax(7000)
    negotiation.refused(sent=False)
    assert b"o=telebank 1 2 " in negotiation.offer_fax(7000)
    negotiation.refused(sent=True)
    taken = negotiation.answer_fax(sdp(IMAGE), 7000)
    assert isinstance(taken, T38Agreed)
    assert b"o=telebank 1 3 " in taken.sdp


def test_an_offer_of_ours_gives_way_to_theirs() -> None:
    negotiation = talking(AUDIO)
    negotiation.offer_fax(7000)
    before = negotiation.awaits
    assert isinstance(negotiation.answer_speech(sdp("m=audio 4002 RTP/AVP 8"), 5004), Answer)
    assert (before, negotiation.awaits) == (True, False)
    assert isinstance(negotiation.read_fax(sdp(IMAGE)), Refused)


def test_one_codec_and_no_keys_for_a_fax_over_audio() -> None:
    body = make_offer("192.0.2.1", 5006, ["PCMU"], events=False)
    assert media(body) == ["m=audio 5006 RTP/AVP 0"]
    assert b"telephone-event" not in body


def test_the_same_offer_gets_the_same_octets() -> None:
    negotiation = Negotiation("192.0.2.1")
    first = negotiation.answer_fax(sdp(IMAGE), 7000)
    assert isinstance(first, T38Agreed)
    newer = HEAD.replace("1 1 IN", "1 2 IN")
    assert negotiation.repeated(sdp(IMAGE)) == first.sdp
    assert negotiation.repeated(sdp(IMAGE, head=newer)) == first.sdp
    assert negotiation.repeated(sdp("m=image 6002 udptl t38")) == b""
    negotiation.offer_speech(5004)
    assert negotiation.repeated(sdp(IMAGE)) == first.sdp  # refused: the session is as it was
    negotiation.read_speech(sdp(AUDIO))
    assert negotiation.repeated(sdp(IMAGE)) == b""


@pytest.mark.parametrize(
    "lines",
    [["m=audio 0 RTP/AVP 8", "m=image 0 udptl t38"], [AUDIO, "m=image 0 udptl t38"], [AUDIO], []],
)
def test_a_declined_stream_is_no_fax(lines: list[str]) -> None:
    negotiation = talking(AUDIO)
    negotiation.offer_fax(7000)
    assert isinstance(negotiation.read_fax(sdp(*lines)), Refused)


def test_an_answer_with_the_image_alone_will_do() -> None:
    negotiation = talking(AUDIO)
    negotiation.offer_fax(7000)
    agreed = negotiation.read_fax(sdp(IMAGE))
    assert isinstance(agreed, T38Agreed)
    assert agreed.remote == ("192.0.2.2", 6000)


def test_an_answer_to_nothing_agrees_to_nothing() -> None:
    assert isinstance(Negotiation("192.0.2.1").read_fax(sdp(IMAGE)), Refused)
    assert isinstance(Negotiation("192.0.2.1").read_speech(sdp(AUDIO)), Refused)
