"""The first look at a request sees what the parser sees, and its cheap refusal can be read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.sip_line import Line
from telebank.sip.glance import branch_of_response, glance, refusal
from telebank.sip.message import Request, Response, parse
from telebank.sip.uri import Hop

SOURCE = Hop("192.0.2.20", 5099)
SECRET = b"0123456789abcdef"


def invite(**headers: str) -> bytes:
    lines = {
        "Via": "SIP/2.0/UDP 192.0.2.20:5062;branch=z9hG4bK7;rport",
        "From": '"A;tag=no" <sip:alice@peer;tag=uri>;tag=abc',
        "To": "<sip:95588@bank>",
        "Call-ID": "1@peer",
        "CSeq": "3 INVITE",
        "Content-Length": "0",
    } | headers
    head = "\r\n".join(f"{name}: {value}" for name, value in lines.items())
    return f"INVITE sip:95588@bank SIP/2.0\r\n{head}\r\n\r\n".encode()


@pytest.mark.parametrize(
    "data",
    [
        invite(),
        invite(To='"x" <sip:95588@bank;tag=in-uri>;tag=def'),
        invite().replace(b"Via:", b"v :").replace(b"From:", b"F:").replace(b"To:", b"t\t:"),
        invite().replace(b"Call-ID:", b"I:").replace(b"CSeq:", b"cseq  :"),
        invite().replace(b"CSeq: 3 INVITE", b"CSeq: 3\r\n INVITE"),
        b"\r\n\r\n" + invite(),
        Line().invite().encode(),
    ],
)
def test_it_sees_what_the_parser_sees(data: bytes) -> None:
    seen, whole = glance(data), parse(data)
    assert seen is not None
    assert isinstance(whole, Request)
    assert seen.method == whole.method
    assert (seen.call_id.decode(), seen.branch) == (whole.call_id, whole.via.branch)
    assert (seen.to_tag, seen.from_tag) == (whole.to.tag, whole.from_.tag)
    assert seen.sent_by == (whole.via.host, whole.via.port)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x01",
        b"SIP/2.0 200 OK\r\nVia: x\r\n\r\n",
        b"INVITE sip:x SIP/2.0\r\nVia: x\r\n\r\n",
        invite().replace(b"\r\n\r\n", b""),
        invite().replace(b"Call-ID: 1@peer\r\n", b""),
        invite().replace(b"INVITE sip", b"invite sip"),
        b"INVITE sip:x SIP/2.0\r\nA: b\r\n\r\n" + invite(),  # the rest is a body
    ],
)
def test_what_is_not_seen_to_be_a_request_takes_a_real_look(data: bytes) -> None:
    assert glance(data) is None


@given(st.binary(max_size=400))
def test_it_never_raises(junk: bytes) -> None:
    for data in (junk, b"INVITE sip:x SIP/2.0\r\n" + junk + b"\r\n\r\n"):
        seen = glance(data)
        if seen is not None:
            refusal(seen, SOURCE, SECRET, 5)
            assert isinstance(seen.to_tag + seen.from_tag + seen.branch, str)
        branch_of_response(data)


@pytest.mark.parametrize(
    ("via", "destination"),
    [
        ("SIP/2.0/UDP 192.0.2.20:5062;branch=z9hG4bK7;rport", SOURCE),
        ("SIP/2.0/UDP 192.0.2.20:5062;rport;branch=z9hG4bK7", SOURCE),
        ("SIP/2.0/UDP 192.0.2.20:5062;branch=z9hG4bK7", Hop("192.0.2.20", 5062)),
        ("SIP/2.0/UDP host.example;branch=z9hG4bK7", Hop("192.0.2.20", 5060)),
        ("SIP/2.0/UDP a:5062;branch=z9hG4bK7, SIP/2.0/UDP b;branch=2", Hop("192.0.2.20", 5062)),
    ],
)
def test_a_cheap_refusal_is_read_like_any_other(via: str, destination: Hop) -> None:
    data = invite(Via=via)
    seen = glance(data)
    assert seen is not None
    said, to = refusal(seen, SOURCE, SECRET, 7)
    assert to == destination
    asked, answer = parse(data), parse(said)
    assert isinstance(answer, Response)
    assert (answer.status, answer.first("retry-after")) == (503, "7")
    assert (answer.via.branch, answer.call_id) == (asked.via.branch, asked.call_id)
    assert (answer.cseq, answer.method) == (3, "INVITE")
    assert answer.from_.tag == asked.from_.tag
    assert len(answer.to.tag) == 16
    assert refusal(seen, SOURCE, SECRET, 7) == (said, to)  # a repeat gets the same
    assert len(said) < len(data) + 160


def test_all_via_lines_come_back() -> None:
    data = invite().replace(b"From:", b"Via: SIP/2.0/UDP 198.51.100.1;branch=2\r\nFrom:")
    seen = glance(data)
    assert seen is not None
    answer = parse(refusal(seen, SOURCE, SECRET, 5)[0])
    assert len(answer.headers["via"]) == 2


def test_over_a_stream_it_goes_back_the_way_it_came() -> None:
    seen = glance(invite(Via="SIP/2.0/TCP 192.0.2.20;branch=z9hG4bK7"))
    assert seen is not None
    source = Hop("192.0.2.20", 40_000, "tcp")
    assert refusal(seen, source, SECRET, 5)[1] == source


def test_the_transaction_of_a_response() -> None:
    data = b"SIP/2.0 200 OK\r\nv: SIP/2.0/UDP h;branch=z9hG4bKa;x\r\nCSeq: 1  OPTIONS\r\n\r\n"
    assert branch_of_response(data) == ("z9hG4bKa", "OPTIONS")
    assert branch_of_response(b"SIP/2.0 200") == ("", "")
