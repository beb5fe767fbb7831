"""Reading and writing messages."""

import pytest

from telebank.sip import KeyInfoReceived
from telebank.sip.headers import BadHeader, parse_name_addr, parse_via, split_list
from telebank.sip.message import (
    MAX_HEADERS,
    MAX_LINE,
    MAX_VALUES,
    MalformedMessage,
    Request,
    Response,
    parse,
    write_refusal,
    write_request,
    write_response,
)
from telebank.sip.uri import BadUri, Hop, SipUri, hop_of, host_port

LINES = [
    "Via: SIP/2.0/UDP 192.0.2.20:5062;branch=z9hG4bK1;rport",
    'From: "Alice \\"A\\"" <sip:alice@peer>;tag=peer',
    "To: sip:95500@bank",
    "Call-ID: 1@peer",
    "CSeq: 7 INVITE",
]


def raw(*lines: str, start: str = "INVITE sip:95500@bank SIP/2.0", body: str = "") -> bytes:
    return ("\r\n".join([start, *lines]) + "\r\n\r\n" + body).encode()


def test_a_request() -> None:
    request = parse(raw(*LINES, "Content-Type: Application/SDP; x=y", body="v=0\r\n"))
    assert isinstance(request, Request)
    assert (request.method, request.uri, request.cseq) == ("INVITE", "sip:95500@bank", 7)
    assert (request.from_.display, request.from_.uri) == ('Alice "A"', "sip:alice@peer")
    assert request.from_.tag == "peer"
    assert request.via.branch == "z9hG4bK1"
    assert request.body == b"v=0\r\n"  # without Content-Length: the rest of the datagram
    assert request.content_type == "application/sdp"


def test_a_response() -> None:
    response = parse(raw(*LINES, start="SIP/2.0 486 忙 Busy"))
    assert isinstance(response, Response)
    assert (response.status, response.reason, response.method) == (486, "忙 Busy", "INVITE")


def test_compact_forms_case_and_folding() -> None:
    request = parse(
        b"OPTIONS sip:a@b SIP/2.0\r\nv: SIP/2.0/UDP h;branch=z9hG4bK1\r\n"
        b"F: <sip:a@b>\r\n ;tag=1\r\n"
        b"t:\r\n\t<sip:b@c>\r\ni: x\r\ncSEQ: 1\r\n OPTIONS\r\nk : a\r\nSupported: b\r\nL: 0\r\n\r\n"
    )
    assert request.from_.tag == "1"
    assert request.to.uri == "sip:b@c"
    assert request.headers["supported"] == ["a", "b"]


def test_octets_past_content_length_are_ignored() -> None:
    assert parse(raw(*LINES, "Content-Length: 3", body="abcdef")).body == b"abc"


def test_written_and_read_again() -> None:
    headers = [tuple(line.split(": ", 1)) for line in LINES]
    data = write_request("INVITE", "sip:95500@bank", headers, b"v=0")  # type: ignore[arg-type]
    request = parse(data)
    assert isinstance(request, Request)
    assert request.body == b"v=0"
    answer = parse(write_response(request, 200, ("192.0.2.9", 77), to_tag="t", body=b"x"))
    assert isinstance(answer, Response)
    assert answer.to.tag == "t"
    assert answer.from_ == request.from_
    assert dict(answer.via.params) == {
        "branch": "z9hG4bK1", "rport": "77", "received": "192.0.2.9",
    }  # fmt: skip


def test_every_via_is_echoed_in_order() -> None:
    more = ["Via: SIP/2.0/TCP b;branch=z9hG4bK2, SIP/2.0/TLS c", "v: SIP/2.0/UDP d"]
    request = parse(raw(LINES[0] + ", SIP/2.0/UDP a;x", *LINES[1:], *more))
    assert isinstance(request, Request)
    answer = parse(write_response(request, 200, ("192.0.2.20", 1)))
    assert answer.via.rest == ", SIP/2.0/UDP a;x"
    assert answer.headers["via"][1:] == [line.split(": ", 1)[1] for line in more]


BAD = {
    "no via": LINES[1:],
    "no from": [LINES[0], *LINES[2:]],
    "two call-ids": [*LINES, "i: 2"],
    "call-id with a space": [*LINES[:3], "Call-ID: a b", LINES[4]],
    "cseq of another method": [*LINES[:4], "CSeq: 7 BYE"],
    "cseq too high": [*LINES[:4], "CSeq: 2147483648 INVITE"],
    "cseq without number": [*LINES[:4], "CSeq: INVITE"],
    "negative length": [*LINES, "Content-Length: -1"],
    "length not ascii": [*LINES, "Content-Length: ٣"],
    "length too long": [*LINES, "Content-Length: 1"],
    "two lengths": [*LINES, "Content-Length: 0", "l: 0"],
    "max-forwards 256": [*LINES, "Max-Forwards: 256"],
    "max-forwards words": [*LINES, "Max-Forwards: many"],
    "header without colon": [*LINES, "Nonsense"],
    "header without name": [*LINES, ": x"],
    "header name with a space": [*LINES, "A B: x"],
    "bare line feed": [*LINES, "X: a\nY: b"],
    "bare carriage return": [*LINES, "X: a\rY: b"],
    "long line": [*LINES, "X: " + "a" * MAX_LINE],
    "many headers": [*LINES, *["X: a"] * MAX_HEADERS],
    "many values in a line": [*LINES, "Require: a" + ",a" * MAX_VALUES],
    "many values in lines": [*LINES, *["Supported: a, b"] * (MAX_VALUES // 2), "k: a"],
    "unclosed quotation": [LINES[0], 'From: "a <sip:b@c>;tag=1', *LINES[2:]],
    "unclosed bracket": [LINES[0], "From: <sip:b@c;tag=1", *LINES[2:]],
    "two froms in one line": [LINES[0], "From: <sip:b@c>, <sip:d@e>", *LINES[2:]],
    "via without host": ["Via: SIP/2.0/UDP ;branch=z9hG4bK1", *LINES[1:]],
    "via port 0": ["Via: SIP/2.0/UDP h:0;branch=z9hG4bK1", *LINES[1:]],
    "via port": ["Via: SIP/2.0/UDP h:99999;branch=z9hG4bK1", *LINES[1:]],
}


@pytest.mark.parametrize("name", BAD)
def test_malformed_requests(name: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse(raw(*BAD[name]))
    assert caught.value.status == 400
    assert (caught.value.headers is None) == (name == "no via")
    if caught.value.headers is not None:
        answer = write_refusal(caught.value)
        assert answer.startswith(b"SIP/2.0 400 Bad Request")
        assert answer.count(b"\r\n\r\n") == 1
        assert b"Y: b" not in answer  # nothing smuggled in by a bare line end


@pytest.mark.parametrize(
    "start",
    ["INVITE sip:a@b", "INVITE  sip:a@b SIP/2.0", "INVITE <sip:a@b> SIP/2.0", "INVITE sip: SIP/2.0",
     "INVITE sip:a@b:99999 SIP/2.0", "INVITE sip:a@b?x=y SIP/2.0", "INVITE nothing SIP/2.0",
     "IN\x00VITE sip:a@b SIP/2.0", "INVITE sip:a@b\nX SIP/2.0"],
)  # fmt: skip
def test_malformed_request_lines(start: str) -> None:
    with pytest.raises(MalformedMessage):
        parse(raw(*LINES, start=start))


def test_another_version_is_505_and_an_ack_is_never_answered() -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse(raw(*LINES, start="INVITE sip:a@b SIP/3.0"))
    assert caught.value.status == 505
    with pytest.raises(MalformedMessage) as caught:
        parse(raw(*LINES, start="ACK sip:a@b SIP/2.0"))
    assert caught.value.headers is None


@pytest.mark.parametrize(
    "start", ["SIP/2.0 99999 X", "SIP/2.0 OK", "SIP/2.0 2x0 OK", "HTTP/1.1 200 OK"]
)
def test_broken_responses_are_never_answered(start: str) -> None:
    with pytest.raises(MalformedMessage) as caught:
        parse(raw(*LINES, start=start))
    assert caught.value.headers is None


def test_an_oversized_datagram() -> None:
    with pytest.raises(MalformedMessage, match="longer"):
        parse(b"x" * 70_000)


def test_uris() -> None:
    uri = SipUri.parse("sips:a;b=c%40d@[2001:db8::1]:5061;lr;x=y?h=1")
    assert (uri.scheme, uri.user, uri.host, uri.port) == (
        "sips",
        "a;b=c%40d",
        "[2001:db8::1]",
        5061,
    )
    assert (uri.params, uri.headers, uri.loose) == (";lr;x=y", "?h=1", True)
    for text in ("", "sip", "tel:1", "sip:@", "sip:a@b c", "sip:a@b:0", "sip:a@b;<", "sip:a@b/c"):
        with pytest.raises(BadUri):
            SipUri.parse(text)


def test_where_a_uri_leads() -> None:
    here = Hop("192.0.2.1", 5)
    assert hop_of("sip:a@192.0.2.7", here) == ("192.0.2.7", 5060, "udp")
    six = Hop("2001:db8::9", 5)
    assert hop_of("sip:[2001:DB8:0::1]:7", six) == ("2001:db8::1", 7, "udp")
    assert hop_of("sip:127.0.0.1", Hop("127.0.0.2", 5)) == ("127.0.0.1", 5060, "udp")
    for text in ("sip:a@name.example", "sip:a@0.0.0.0", "sip:a@255.255.255.255", "sip:224.0.0.1",
                 "tel:1", "nonsense", "sip:a@192.0.2.7:0", "sip:a@999.0.2.7",
                 "sip:a@[2001:db8::1]", "sip:127.0.0.1",
                 "sip:a@192.0.2.7;transport=sctp"):  # fmt: skip
        assert hop_of(text, here) == here
    assert host_port(("2001:db8::1", 5)) == "[2001:db8::1]:5"
    assert str(Hop("2001:db8::1", 5, "tls")) == "tls:[2001:db8::1]:5"


@pytest.mark.parametrize(
    ("uri", "port", "transport"),
    [
        ("sip:a@192.0.2.7;transport=tcp", 5060, "tcp"),
        ("sip:a@192.0.2.7:5080;lr;Transport=TCP", 5080, "tcp"),
        ("sip:a@192.0.2.7;transport=tls", 5061, "tls"),
        ("sips:a@192.0.2.7", 5061, "tls"),
        ("sips:a@192.0.2.7:7;transport=tcp", 7, "tls"),
        ("sip:a@192.0.2.7;transport=udp", 5060, "udp"),
    ],
)
def test_the_transport_of_a_uri(uri: str, port: int, transport: str) -> None:
    assert hop_of(uri, Hop("192.0.2.1", 5)) == ("192.0.2.7", port, transport)


def test_a_uri_without_transport_keeps_the_one_in_use() -> None:
    assert hop_of("sip:a@192.0.2.7", Hop("192.0.2.1", 5, "tls")) == ("192.0.2.7", 5061, "tls")
    assert hop_of("sips:a@name", Hop("192.0.2.1", 5)) == ("192.0.2.1", 5061, "tls")
    assert hop_of("sips:a@name", Hop("192.0.2.1", 5, "tls")) == ("192.0.2.1", 5, "tls")


def test_lists_and_names() -> None:
    assert split_list(['<sip:a,b>;x="y,z" , <sip:c>', "d"]) == ['<sip:a,b>;x="y,z"', "<sip:c>", "d"]
    assert parse_name_addr("sip:a@b;tag=1", "From").uri == "sip:a@b"
    assert parse_name_addr('张三 <sip:a@b;x>;tag="q;r"', "From").display == "张三"
    with pytest.raises(BadHeader, match="From: "):
        parse_name_addr("sip:a@b?x=y", "From")


def test_a_via_of_another_transport() -> None:
    via = parse_via("SIP / 2.0 / tcp  [2001:db8::1] : 7 ; branch = z9hG4bK1 ;hidden")
    assert (via.transport, via.host, via.port, via.branch) == (
        "TCP",
        "[2001:db8::1]",
        7,
        "z9hG4bK1",
    )
    assert via.reply_to(Hop("2001:db8::1", 9)) == ("2001:db8::1", 7, "udp")
    assert "received" not in via.stamped(Hop("2001:db8::1", 9))


def test_as_many_values_as_may_be() -> None:
    request = parse(raw(*LINES, "Require: a" + ",a" * (MAX_VALUES - 1)))
    assert split_list(request.headers["require"]) == ["a"] * MAX_VALUES


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('a, "b, c" , <d,e>;f="g,h"', ["a", '"b, c"', '<d,e>;f="g,h"']),
        ('a, "b, c', ["a", '"b, c']),
        ('a, "b\\", c', ["a", '"b\\", c']),
        ('a, "b, c\\', ["a", '"b, c\\']),
        ("a, <b, c", ["a", "<b, c"]),
        ("a,,b,", ["a", "b"]),
    ],
)
def test_lists_and_what_nobody_closes(text: str, values: list[str]) -> None:
    assert split_list([text]) == values


def test_the_key_of_an_info_is_not_printed() -> None:
    assert "7" not in repr(KeyInfoReceived("leg", "7"))
