"""Encrypted audio in offers and answers: whose keys, which way, and what is refused."""

from collections.abc import Callable
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telebank.sip import (
    Answer,
    MalformedDescription,
    Negotiation,
    Refused,
    SessionDescription,
)
from telebank.sip.protection import (
    DtlsSecurity,
    MediaPolicy,
    MediaWay,
    Protection,
    SdesSecurity,
)

HEAD = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
THEIR_KEY = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
OTHER_KEY = "d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj"
PRINT = ":".join(f"{octet:02X}" for octet in range(32))
OUR_PRINT = ":".join(["EE"] * 32)
SAVP = "m=audio 4000 RTP/SAVP 8 0 101"
EVENT = "a=rtpmap:101 telephone-event/8000"
CRYPTO = f"a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:{THEIR_KEY}"
RFC_5763_7_1 = [
    "a=ice-options:ice2",
    "m=audio 6056 UDP/TLS/RTP/SAVP 0",
    "a=setup:actpass",
    f"a=fingerprint:sha-256 {PRINT}",
    "a=rtcp-mux",
]
"""The offer of RFC 5763 section 7.1, with a hash of today and RTCP on the same port."""
BROWSER = [
    "a=group:BUNDLE 0 1",
    f"a=fingerprint:sha-256 {PRINT.lower()}",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 8 0 126",
    "c=IN IP4 0.0.0.0",
    "a=rtpmap:111 opus/48000/2",
    "a=rtpmap:126 telephone-event/8000",
    "a=ice-ufrag:8hhY",
    "a=ice-pwd:asd88fgpdd777uzjYhagZg",
    "a=candidate:1 1 udp 2113937151 e7.local 50000 typ host",
    "a=setup:actpass",
    "a=mid:0",
    "a=rtcp-mux",
    "m=video 9 UDP/TLS/RTP/SAVPF 96",
    "a=mid:1",
]


def sdp(*lines: str) -> SessionDescription:
    return SessionDescription.parse((HEAD + "".join(f"{line}\r\n" for line in lines)).encode())


def chance() -> Callable[[int], bytes]:
    """Octets that are never the same twice."""
    numbers = count(1)
    return lambda length: bytes([next(numbers)]) * length


def session(way: MediaWay = "any", *, sdes: bool = True, dtls: bool = True) -> Negotiation:
    policy = MediaPolicy(way, sdes, OUR_PRINT if dtls else "")
    return Negotiation("192.0.2.1", Protection(policy, chance()))


def answered(one: Negotiation, offer: SessionDescription) -> Answer:
    answer = one.answer_speech(offer, 5004, rtcp_mux=True)
    assert isinstance(answer, Answer)
    return answer


def refused(one: Negotiation, *lines: str) -> str:
    answer = one.answer_speech(sdp(*lines), 5004)
    assert isinstance(answer, Refused)
    return answer.why


def said(answer: Answer | bytes) -> list[str]:
    return (answer.sdp if isinstance(answer, Answer) else answer).decode().split("\r\n")


# -- keys in descriptions -------------------------------------------------------------------------


@pytest.mark.parametrize("profile", ["RTP/SAVP", "RTP/SAVPF", "RTP/AVP"])
def test_the_answer_has_the_profile_the_tag_and_a_key_of_ours(profile: str) -> None:
    answer = answered(session(), sdp(f"m=audio 4000 {profile} 8 101", EVENT, CRYPTO))
    assert f"m=audio 5004 {profile} 8 101" in said(answer)
    (line,) = [line for line in said(answer) if line.startswith("a=crypto")]
    assert line.startswith("a=crypto:7 AES_CM_128_HMAC_SHA1_80 inline:")
    assert THEIR_KEY not in line
    assert answer.security == SdesSecurity(
        "AES_CM_128_HMAC_SHA1_80", bytes([1]) * 30, b"YS___semctl () {\t220;}\n}\nunles"
    )


def test_the_first_suite_that_we_take_is_taken() -> None:
    offer = sdp(SAVP, "a=crypto:1 F8_128_HMAC_SHA1_80 inline:" + THEIR_KEY, CRYPTO)
    assert any(line.startswith("a=crypto:7 ") for line in said(answered(session(), offer)))


def test_a_description_that_comes_again_has_the_same_answer() -> None:
    one, offer = session(), sdp(SAVP, CRYPTO)
    first = answered(one, offer)
    assert one.repeated(sdp(SAVP, CRYPTO)) == first.sdp
    held = answered(one, sdp(SAVP, CRYPTO, "a=sendonly"))
    assert held.security == first.security


def test_a_new_key_of_theirs_counts_and_ours_stays() -> None:
    one = session()
    first = answered(one, sdp(SAVP, CRYPTO)).security
    other = CRYPTO.replace(THEIR_KEY, OTHER_KEY)
    assert not one.repeated(sdp(SAVP, other))
    then = answered(one, sdp(SAVP, other)).security
    assert isinstance(first, SdesSecurity)
    assert isinstance(then, SdesSecurity)
    assert then.send == first.send
    assert then.receive != first.receive


def test_a_later_offer_of_ours_repeats_our_key_and_takes_their_answer() -> None:
    one = session()
    first = answered(one, sdp(SAVP, CRYPTO)).security
    assert isinstance(first, SdesSecurity)
    ours = SessionDescription.parse(one.offer_speech(5004))
    assert (ours.media[0].transport, ours.media[0].cryptos[0].key) == ("RTP/SAVP", first.send)
    tag = ours.media[0].cryptos[0].tag
    answer = one.read_speech(sdp(SAVP, CRYPTO.replace(":7", f":{tag}")))
    assert isinstance(answer, Answer)
    assert answer.security == first
    moved = one.read_moved(
        ours, sdp(SAVP, f"a=crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{OTHER_KEY}")
    )
    assert isinstance(moved, Answer)
    assert isinstance(moved.security, SdesSecurity)
    assert moved.security.send == first.send
    assert moved.security.receive != first.receive


def test_a_trunk_of_srtp_is_offered_a_key_for_each_suite() -> None:
    one = session("srtp")
    offer = SessionDescription.parse(one.offer_speech(5004))
    first, second = offer.media[0].cryptos
    assert first.key != second.key
    assert "m=audio 5004 RTP/SAVP 8 0 101" in HEAD + "\r\n".join(said(one.offer_speech(5004)))
    gcm = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=="
    answer = one.read_speech(sdp(SAVP, f"a=crypto:2 AEAD_AES_128_GCM inline:{gcm}"))
    assert isinstance(answer, Answer)
    assert answer.security == SdesSecurity("AEAD_AES_128_GCM", second.key, bytes(28))


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([SAVP], "no key"),
        ([SAVP, f"a=crypto:9 AES_CM_128_HMAC_SHA1_80 inline:{THEIR_KEY}"], "no key"),
        ([SAVP, f"a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{THEIR_KEY}"], "no key"),
        (["m=audio 4000 RTP/AVP 8"], "RTP/SAVP was offered"),
    ],
)
def test_an_answer_without_a_key_to_our_offer_is_none(lines: list[str], why: str) -> None:
    one = session("srtp")
    one.offer_speech(5004)
    answer = one.read_speech(sdp(*lines))
    assert isinstance(answer, Refused)
    assert why in answer.why


def test_keys_are_in_no_repr() -> None:
    one, offer = session(), sdp(SAVP, CRYPTO)
    answer = answered(one, offer)
    told = repr((offer, answer, answer.security, offer.media, offer.audio))
    assert THEIR_KEY not in told
    assert "inline" not in told
    assert repr(bytes([1]) * 30) not in told


# -- policies -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("way", "sdes", "lines", "why"),
    [
        ("plain", True, [SAVP, CRYPTO], "media is plain"),
        ("plain", True, RFC_5763_7_1, "media is plain"),
        ("srtp", True, ["m=audio 4000 RTP/AVP 8"], "plain RTP is offered"),
        ("any", False, [SAVP, CRYPTO], "sdes_in_clear"),
        ("srtp", False, [SAVP, CRYPTO], "sdes_in_clear"),
        ("srtp", False, ["m=audio 4000 RTP/AVP 8", CRYPTO], "plain RTP is offered"),
        ("any", True, [SAVP], "without an a=crypto"),
        ("any", True, [SAVP, CRYPTO + " UNENCRYPTED_SRTP"], "without an a=crypto"),
    ],
)
def test_refusals_say_why(way: MediaWay, sdes: bool, lines: list[str], why: str) -> None:
    assert why in refused(session(way, sdes=sdes), *lines)


def test_best_effort_in_clear_signalling_or_where_media_is_plain_is_plain() -> None:
    for one in (session(sdes=False), session("plain")):
        answer = answered(one, sdp("m=audio 4000 RTP/AVP 8", CRYPTO))
        assert answer.security is None
        assert not any(line.startswith("a=crypto") for line in said(answer))


def test_of_two_streams_the_one_that_may_be_is_taken() -> None:
    lines = ["m=audio 4000 RTP/AVP 8", "m=audio 4002 RTP/SAVP 8", CRYPTO]
    assert answered(session("srtp"), sdp(*lines)).remote[1] == 4002
    answer = answered(session("plain"), sdp(*lines))
    assert answer.remote[1] == 4000
    assert "m=audio 0 RTP/SAVP 8" in said(answer)


def test_no_first_offer_where_its_keys_would_be_read() -> None:
    assert "sdes_in_clear" in MediaPolicy("srtp", sdes=False).silent
    assert not MediaPolicy("srtp", sdes=True).silent
    assert not MediaPolicy("any", sdes=False).silent


def test_a_fax_of_an_encrypted_call_goes_in_the_clear_and_speech_comes_back() -> None:
    one = session()
    first = answered(one, sdp(SAVP, CRYPTO)).security
    fax = one.offer_speech(5010, events=False, clear=True)
    assert "m=audio 5010 RTP/AVP 8 0" in said(fax)
    assert isinstance(one.read_speech(sdp("m=audio 4000 RTP/AVP 8")), Answer)
    assert isinstance(first, SdesSecurity)
    back = SessionDescription.parse(one.offer_speech(5004))
    assert back.media[0].cryptos[0].key == first.send


# -- DTLS -----------------------------------------------------------------------------------------


def test_the_offer_of_rfc_5763() -> None:
    answer = answered(session(), sdp(*RFC_5763_7_1))
    assert answer.security == DtlsSecurity(PRINT, active=False)
    assert answer.rtcp_mux
    lines = said(answer)
    assert "m=audio 5004 UDP/TLS/RTP/SAVP 0" in lines
    assert {"a=setup:passive", f"a=fingerprint:sha-256 {OUR_PRINT}", "a=rtcp-mux"} <= {*lines}
    assert not any("ice" in line for line in lines)


def test_the_offer_of_a_browser() -> None:
    answer = answered(session(), sdp(*BROWSER))
    security = answer.security
    assert isinstance(security, DtlsSecurity)
    assert security.ours is not None
    assert (security.fingerprint, security.active, security.peer_ufrag) == (PRINT, False, "8hhY")
    assert not answer.hold  # its address is found by ICE
    lines = said(answer)
    assert lines.index("a=group:BUNDLE 0") < lines.index("m=audio 5004 UDP/TLS/RTP/SAVPF 8 126")
    assert lines.index("a=ice-lite") < lines.index("m=audio 5004 UDP/TLS/RTP/SAVPF 8 126")
    assert f"a=ice-ufrag:{security.ours.ufrag}" in lines
    assert f"a=ice-pwd:{security.ours.password}" in lines
    assert "a=candidate:1 1 UDP 2130706431 192.0.2.1 5004 typ host" in lines
    assert "a=mid:0" in lines
    assert "m=video 0 UDP/TLS/RTP/SAVPF 96" in lines
    assert security.ours.password not in repr(security)


def test_ice_begins_anew_where_theirs_does_and_not_before() -> None:
    one = session()
    first = answered(one, sdp(*BROWSER)).security
    held = answered(one, sdp(*BROWSER[:12], "a=sendonly")).security
    assert held == first
    again = [line.replace("8hhY", "9uB6") for line in BROWSER]
    then = answered(one, sdp(*again)).security
    assert isinstance(first, DtlsSecurity)
    assert isinstance(then, DtlsSecurity)
    assert then.ours is not None
    assert then.ours != first.ours


def test_a_later_offer_of_ours_keeps_what_runs() -> None:
    one = session()
    first = answered(one, sdp(*BROWSER[:12])).security
    lines = said(one.offer_speech(5004))
    assert "m=audio 5004 UDP/TLS/RTP/SAVPF 8 0 101" in lines
    assert {"a=setup:actpass", "a=rtcp-mux", "a=mid:0"} <= {*lines}
    for setup in ("passive", "active"):
        theirs = [line.replace("actpass", setup) for line in BROWSER[:12]]
        agreed = one.read_moved(SessionDescription.parse(one.offer_speech(5004)), sdp(*theirs))
        assert isinstance(agreed, Answer)
        assert agreed.security == first


@pytest.mark.parametrize(
    ("setup", "active"), [("passive", True), ("active", False), ("actpass", False), ("", False)]
)
def test_who_begins(setup: str, active: bool) -> None:
    lines = [line for line in RFC_5763_7_1 if "setup" not in line or setup]
    lines = [line.replace("actpass", setup) for line in lines]
    answer = answered(session(), sdp(*lines))
    assert answer.security == DtlsSecurity(PRINT, active=active)
    assert f"a=setup:{'active' if active else 'passive'}" in said(answer)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("actpass", "holdconn", "holdconn"),
        ("actpass", "both", "a=setup is none of"),
        ("a=rtcp-mux", "a=x", "without a=rtcp-mux"),
        (f"sha-256 {PRINT}", "sha-1 " + PRINT[:59], "is of sha-1: only sha-256"),
        (f"sha-256 {PRINT}", "sha-256 " + PRINT[:-3], "32 octets"),
        (f"sha-256 {PRINT}", "sha-256", "something unreadable"),
        (f"a=fingerprint:sha-256 {PRINT}", "a=x", "missing"),
        ("a=rtcp-mux", "a=rtcp-mux\r\na=ice-ufrag:abcd", "ice-pwd"),
        ("a=rtcp-mux", "a=rtcp-mux\r\na=ice-ufrag:ab\r\na=ice-pwd:" + "x" * 22, "ice-ufrag"),
    ],
)
def test_what_dtls_cannot_be_had_with(old: str, new: str, why: str) -> None:
    assert why in refused(session(), *[line.replace(old, new) for line in RFC_5763_7_1])


def test_a_fingerprint_of_another_hash_beside_ours_is_passed_over() -> None:
    other = "a=fingerprint:sha-1 " + PRINT[:59]
    lines = [*RFC_5763_7_1[:3], other, *RFC_5763_7_1[3:]]
    assert answered(session(), sdp(*lines)).security == DtlsSecurity(PRINT, active=False)


def test_two_lite_agents_check_nothing() -> None:
    answer = answered(session(), sdp("a=ice-lite", *BROWSER[1:12]))
    assert answer.security == DtlsSecurity(PRINT, active=False)
    assert not any("ice" in line for line in said(answer))


def test_without_a_certificate_there_is_no_dtls() -> None:
    assert "without DTLS" in refused(session(dtls=False), *RFC_5763_7_1)


# -- whatever else --------------------------------------------------------------------------------


@given(
    st.sampled_from([[SAVP, EVENT, CRYPTO], RFC_5763_7_1, BROWSER]),
    st.integers(0, 1_000),
    st.integers(0, 40),
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(["\r\na=crypto:", "\r\na=setup:", ":", " ", "|1:4", "\r\na=ice-pwd:", "0"]),
    ),
)
def test_whatever_is_written_into_it_is_malformed_refused_or_answered(
    lines: list[str], start: int, length: int, piece: str
) -> None:
    whole = HEAD + "".join(f"{line}\r\n" for line in lines)
    data = (whole[:start] + piece + whole[start + length :]).encode()
    try:
        offer = SessionDescription.parse(data)
    except MalformedDescription:
        return
    for one in (session(), session("srtp", sdes=False)):
        answer = one.answer_speech(offer, 5004)
        if isinstance(answer, Answer):
            SessionDescription.parse(answer.sdp)
            assert one.protection.agreed == answer.security
        else:
            assert answer.why


@pytest.mark.parametrize("lines", [[SAVP, EVENT, CRYPTO], RFC_5763_7_1, BROWSER])
def test_cut_off_anywhere_it_is_malformed_refused_or_answered(lines: list[str]) -> None:
    whole = (HEAD + "".join(f"{line}\r\n" for line in lines)).encode()
    for end in range(len(whole)):
        try:
            offer = SessionDescription.parse(whole[:end])
        except MalformedDescription:
            continue
        answer = session().answer_speech(offer, 5004)
        assert isinstance(answer, Answer | Refused)
