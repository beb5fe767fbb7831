"""Session descriptions, offers and answers."""

import pytest

from telebank.sip import (
    Answer,
    MalformedDescription,
    Refused,
    SessionDescription,
    answer_audio,
    make_offer,
    read_answer,
)

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"


def sdp(*lines: str, head: str = HEAD) -> SessionDescription:
    return SessionDescription.parse((head + "".join(f"{line}\r\n" for line in lines)).encode())


def answered(offer: SessionDescription, **more: object) -> Answer:
    answer = answer_audio(offer, "192.0.2.1", 5004, **more)  # type: ignore[arg-type]
    assert isinstance(answer, Answer)
    return answer


def test_payload_numbers_are_the_offerers() -> None:
    offer = sdp(
        "m=audio 4000 RTP/AVP 110 120 96",
        "a=rtpmap:110 pcmu/8000",
        "a=rtpmap:120 PCMA/8000/1",
        "a=rtpmap:96 telephone-event/8000",
    )
    answer = answered(offer)
    assert (answer.codec, answer.payload_type, answer.event_payload_type) == ("PCMA", 120, 96)
    assert answer.remote == ("192.0.2.2", 4000)
    text = answer.sdp.decode()
    assert "m=audio 5004 RTP/AVP 120 96\r\n" in text
    assert "a=rtpmap:120 PCMA/8000\r\n" in text
    assert "a=fmtp:96 0-15\r\n" in text
    assert "a=sendrecv\r\n" in text
    again = SessionDescription.parse(answer.sdp).audio
    assert again is not None
    assert (again.pcma, again.event, again.ptime_ms, again.port) == (120, 96, 20, 5004)


def test_our_preference_decides() -> None:
    offer = sdp("m=audio 4000 RTP/AVP 0 8")
    assert answered(offer).codec == "PCMA"
    assert answered(offer, preferred=("PCMU", "PCMA")).codec == "PCMU"
    assert answered(offer, preferred=("PCMU",)).event_payload_type is None


@pytest.mark.parametrize(
    ("line", "port"),
    [("4711", 4_711), ("4711 IN IP4 192.0.2.2", 4_711),
     ("4711 IN IP4 192.0.2.9", 0), ("4711 IN IP4 127.0.0.1", 0), ("4711 IN IP4 224.0.0.1", 0),
     ("4711 IN IP4 phone.example", 0), ("4711 IN IP6 2001:db8::2", 0), ("4711 IN IP4", 0),
     ("0", 0), ("65536", 0), ("-1", 0), ("4000", 0), ("", 0)],
)  # fmt: skip
def test_rtcp_goes_to_the_port_that_is_named_at_the_host_of_rtp(line: str, port: int) -> None:
    """RFC 3605; offered to us, and answered."""
    theirs = sdp("m=audio 4000 RTP/AVP 8", f"a=rtcp:{line}")
    assert answered(theirs).rtcp_port == port
    ours = SessionDescription.parse(make_offer("192.0.2.1", 5004))
    agreed = read_answer(ours, theirs)
    assert isinstance(agreed, Answer)
    assert (agreed.remote, agreed.rtcp_port) == (("192.0.2.2", 4_000), port)


def test_the_host_of_rtcp_may_be_spelled_otherwise() -> None:
    head = HEAD.replace("IP4 192.0.2.2", "IP6 2001:db8::2")
    offer = sdp("m=audio 4000 RTP/AVP 8", "a=rtcp:4711 IN IP6 2001:DB8:0::2", head=head)
    answer = answer_audio(offer, "2001:db8::1", 5004)
    assert isinstance(answer, Answer)
    assert answer.rtcp_port == 4_711


@pytest.mark.parametrize(
    ("line", "mine", "hold"),
    [("sendrecv", "sendrecv", False), ("sendonly", "recvonly", True),
     ("recvonly", "sendonly", False), ("inactive", "inactive", True)],
)  # fmt: skip
def test_directions_and_hold(line: str, mine: str, hold: bool) -> None:
    answer = answered(sdp("m=audio 4000 RTP/AVP 8", f"a={line}"))
    assert (answer.direction, answer.hold) == (mine, hold)
    assert f"a={mine}\r\n".encode() in answer.sdp
    session_wide = answered(sdp("m=audio 4000 RTP/AVP 8", head=HEAD + f"a={line}\r\n"))
    assert session_wide.direction == mine


def test_old_hold_by_a_zero_address() -> None:
    answer = answered(sdp("m=audio 4000 RTP/AVP 8", "c=IN IP4 0.0.0.0"))
    assert answer.hold


def test_other_streams_are_refused_in_their_place() -> None:
    offer = sdp(
        "m=video 5000 RTP/AVP 31",
        "m=audio 4000 RTP/AVP 8",
        "m=image 6000 udptl t38",
        "m=audio 4002 RTP/SAVP 8",
    )
    lines = [row for row in answered(offer).sdp.decode().split("\r\n") if row.startswith("m=")]
    assert lines == [
        "m=video 0 RTP/AVP 31",
        "m=audio 5004 RTP/AVP 8",
        "m=image 0 udptl t38",
        "m=audio 0 RTP/SAVP 8",
    ]


@pytest.mark.parametrize(
    "lines",
    [["m=image 6000 udptl t38"], ["m=audio 0 RTP/AVP 8"], ["m=audio 4000 RTP/SAVP 8"],
     ["m=audio 4000 RTP/AVP 9 18"], ["m=audio 4000 RTP/AVP 96", "a=rtpmap:96 PCMA/16000"],
     ["m=audio 4000 RTP/AVP 8", "a=rtpmap:8 G722/16000"], [],
     ["m=audio 4000 RTP/AVP 8", "c=IN IP4 media.example"],
     ["m=audio 4000 RTP/AVP 8", "c=IN IP4 224.2.1.1/127"],
     ["m=audio 4000 RTP/AVP 8", "c=IN IP6 2001:db8::1"]],
)  # fmt: skip
def test_nothing_we_can_speak_is_488(lines: list[str]) -> None:
    refused = answer_audio(sdp(*lines), "192.0.2.1", 5004)
    assert isinstance(refused, Refused)
    assert refused.status == 488
    assert refused.why


def test_rtcp_mux_is_agreed_only_where_both_want_it() -> None:
    offer = sdp("m=audio 4000 RTP/AVP 8", "a=rtcp-mux")
    assert offer.audio is not None
    assert offer.audio.rtcp_mux
    assert not answered(offer).rtcp_mux
    assert b"a=rtcp-mux" in answered(offer, rtcp_mux=True).sdp
    assert not answered(sdp("m=audio 4000 RTP/AVP 8"), rtcp_mux=True).rtcp_mux


@pytest.mark.parametrize(
    ("line", "ptime"), [("a=ptime:30", 30), ("a=ptime:", 20), ("a=ptime:x", 20), ("a=ptime:0", 20)]
)
def test_packet_time(line: str, ptime: int) -> None:
    assert answered(sdp("m=audio 4000 RTP/AVP 8", line)).ptime_ms == ptime


def test_an_offer_of_ours_and_its_answer() -> None:
    ours = SessionDescription.parse(make_offer("192.0.2.9", 4000, version=3))
    assert ours.origin == "telebank 1 3 IN IP4 192.0.2.9"
    theirs = SessionDescription.parse(answered(ours, preferred=("PCMU",)).sdp)
    agreed = read_answer(ours, theirs)
    assert isinstance(agreed, Answer)
    assert (agreed.codec, agreed.payload_type, agreed.event_payload_type) == ("PCMU", 0, 101)
    assert agreed.remote == ("192.0.2.1", 5004)


def test_the_answers_first_codec_counts() -> None:
    ours = SessionDescription.parse(make_offer("192.0.2.1", 4000))
    agreed = read_answer(ours, sdp("m=audio 4000 RTP/AVP 0 8", "a=recvonly"))
    assert isinstance(agreed, Answer)
    assert (agreed.codec, agreed.direction, agreed.event_payload_type) == ("PCMU", "sendonly", None)


@pytest.mark.parametrize(
    "lines",
    [["m=audio 0 RTP/AVP 8"], ["m=audio 4 RTP/AVP 18"], [],
     ["m=video 0 RTP/AVP 31", "m=audio 4 RTP/AVP 8"]],
)  # fmt: skip
def test_answers_that_agree_to_nothing(lines: list[str]) -> None:
    ours = SessionDescription.parse(make_offer("192.0.2.1", 4000))
    assert isinstance(read_answer(ours, sdp(*lines)), Refused)


@pytest.mark.parametrize(
    "body",
    [b"", b"v=1\r\n", b"hello", HEAD.encode() + b"m=audio\r\n",
     HEAD.encode() + b"m=audio x RTP/AVP 0\r\n",
     HEAD.encode() + b"m=audio 99999 RTP/AVP 0\r\n", b"v=0\r\nm=audio 4 RTP/AVP 0\r\n",
     b"v=0\r\nc=IN IP5 x\r\n", b"v=0\r\n" + b"a=x\r\n" * 500, b"v=0\r\n" + b"x" * 20_000,
     HEAD.encode() + b"m=audio 4 RTP/AVP 0\r\n" * 17,
     HEAD.encode() + b"m=audio 4 RTP/AVP" + b" 0" * 65 + b"\r\n"],
)  # fmt: skip
def test_malformed_descriptions(body: bytes) -> None:
    with pytest.raises(MalformedDescription):
        SessionDescription.parse(body)


def test_line_feeds_alone_and_padding_are_accepted() -> None:
    body = HEAD.replace("\r\n", "\n") + "m=audio 4000 RTP/AVP 8"
    assert SessionDescription.parse(body.encode()).audio is not None
    assert SessionDescription.parse(body.encode() + b"\n\n").audio is not None


def test_ipv6_both_ways() -> None:
    ours = SessionDescription.parse(make_offer("2001:db8::1", 4000, rtcp_mux=True))
    answer = answer_audio(ours, "2001:db8::2", 5004, rtcp_mux=True)
    assert isinstance(answer, Answer)
    assert b"c=IN IP6 2001:db8::2" in answer.sdp
    agreed = read_answer(ours, SessionDescription.parse(answer.sdp))
    assert isinstance(agreed, Answer)
    assert agreed.remote == ("2001:db8::2", 5004)
    assert agreed.rtcp_mux


def test_our_own_address_must_be_one() -> None:
    with pytest.raises(ValueError, match="localhost"):
        answer_audio(sdp("m=audio 4000 RTP/AVP 8"), "localhost", 5004)
