"""Calls over connections: nothing is sent twice, answers go back the way the request came, and a
connection that breaks ends no call."""

import itertools

import pytest

from support.sip_line import NOTHING, SDP, Line, tokens
from telebank.sip import (
    BadUri,
    CallOffered,
    CloseConnection,
    ConnectionLost,
    DatagramReceived,
    Hop,
    Places,
    SendDatagram,
    SipOptions,
    UserAgent,
)
from telebank.sip.message import Request

US = Places(
    Hop("192.0.2.10", 5060),
    Hop("192.0.2.10", 5060, "tcp"),
    Hop("192.0.2.10", 5061, "tls"),
    Hop("2001:db8::10", 5060),
    Hop("2001:db8::10", 5070, "tcp"),
)
STREAM = Hop("192.0.2.20", 40_000, "tcp")
"""The peer connected to us from there."""
SENT_BY = Hop("192.0.2.20", 5062, "tcp")
"""Where its Via and Contact say that it listens."""


def a_line(options: SipOptions | None = None) -> Line:
    line = Line(options or SipOptions())
    line.agent = UserAgent(US, line.options, tokens("t"))
    return line


def over(line: Line, text: str, source: Hop = STREAM) -> list[str]:
    text = text.replace("SIP/2.0/UDP", f"SIP/2.0/{source.transport.upper()}")
    text = text.replace("192.0.2.20:5062>", f"192.0.2.20:5062;transport={source.transport}>")
    return line.hears(text, source)


def destinations(line: Line) -> list[Hop]:
    return [command.destination for command in line.commands if isinstance(command, SendDatagram)]


def lost(line: Line, hop: Hop) -> list[str]:
    return line.did(line.agent.receive(ConnectionLost(hop), line.now))


def live(source: Hop = STREAM) -> Line:
    line = a_line()
    assert over(line, line.invite(), source) == ["> 100 INVITE", "CallOffered"]
    line.did(line.agent.answer(line.leg, SDP.encode(), line.now))
    assert over(line, line.request("ACK"), source) == ["CallConfirmed"]
    return line


def place(line: Line, destination: Hop = SENT_BY) -> list[str]:
    line.leg, commands = line.agent.invite(
        "sip:bob@192.0.2.20:5062", "sip:bank@192.0.2.10", SDP.encode(), line.now,
        destination=destination,
    )  # fmt: skip
    return line.did(commands)


def test_a_call_over_a_connection() -> None:
    line = live()
    offered = next(c for c in line.commands if isinstance(c, CallOffered))
    assert offered.source == STREAM
    assert set(destinations(line)) == {STREAM}
    line.cseq = 2
    assert over(line, line.request("BYE")) == ["> 200 BYE", "CallEnded remote"]
    assert line.quiet() == NOTHING


def test_the_contact_names_the_transport() -> None:
    assert live().sent[-1].count(b"\r\nContact: <sip:192.0.2.10:5060;transport=tcp>\r\n") == 1
    secure = Hop("192.0.2.20", 40_001, "tls")
    assert b"\r\nContact: <sip:192.0.2.10:5061;transport=tls>\r\n" in live(secure).sent[-1]
    assert b"\r\nContact: <sip:192.0.2.10:5060>\r\n" in live(Hop("192.0.2.20", 5062)).sent[-1]


def test_a_sips_call_gets_a_sips_contact() -> None:
    line = a_line()
    over(line, line.invite(uri="sips:95500@192.0.2.10"), Hop("192.0.2.20", 40_001, "tls"))
    line.did(line.agent.answer(line.leg, SDP.encode(), line.now))
    assert b"\r\nContact: <sips:192.0.2.10:5061>\r\n" in line.sent[-1]


def test_our_bye_goes_over_the_callers_connection() -> None:
    line = live()
    line.commands.clear()
    assert line.did(line.agent.hang_up(line.leg, line.now)) == ["CallEnded local", "> BYE"]
    assert destinations(line) == [STREAM]
    bye = line.last()
    assert isinstance(bye, Request)
    assert (bye.via.transport, bye.via.host, bye.via.port) == ("TCP", "192.0.2.10", 5060)
    assert line.wait(31) == []  # no E
    assert line.wait(2) == []  # F: nobody answers, and the leg is forgotten
    assert line.quiet() == NOTHING


def test_once_the_connection_is_gone_a_bye_goes_to_the_contact() -> None:
    line = live()
    assert lost(line, STREAM) == []
    assert line.agent.counts()["legs"] == 1
    line.commands.clear()
    line.did(line.agent.hang_up(line.leg, line.now))
    assert destinations(line) == [SENT_BY]


def test_a_request_over_a_new_connection_moves_the_dialog_there() -> None:
    line = live()
    lost(line, STREAM)
    line.cseq = 2
    again = STREAM._replace(port=40_500)
    over(line, line.request("UPDATE"), again)
    line.commands.clear()
    line.did(line.agent.hang_up(line.leg, line.now))
    assert destinations(line) == [again]


def test_a_200_is_repeated_over_a_connection_too_and_then_to_the_via() -> None:
    line = a_line()
    over(line, line.invite())
    line.did(line.agent.answer(line.leg, SDP.encode(), line.now))
    line.commands.clear()
    assert line.wait(2) == ["0.5 > 200 INVITE", "1.5 > 200 INVITE"]
    assert destinations(line) == [STREAM, STREAM]
    lost(line, STREAM)
    line.commands.clear()
    assert line.wait(2) == ["3.5 > 200 INVITE"]
    assert destinations(line) == [SENT_BY]


def test_a_refusal_is_sent_once() -> None:
    line = a_line()
    over(line, line.invite())
    assert line.did(line.agent.refuse(line.leg, 486, line.now)) == [
        "> 486 INVITE",
        "CallEnded local",
    ]
    assert line.wait(31) == []  # no G
    ack = line.request("ACK", branch="z9hG4bKp1")
    assert over(line, ack) == []
    assert line.agent.counts()["transactions"] == 0  # I is zero


def test_transactions_end_with_their_answer() -> None:
    line = live()
    line.cseq = 2
    bye = line.request("BYE")
    over(line, bye)
    line.wait(0)
    assert line.agent.counts()["transactions"] == 1  # the INVITE's, until L
    assert over(line, bye) == ["> 481 BYE"]  # J is zero


def test_an_invite_is_not_repeated_over_a_connection() -> None:
    line = a_line()
    assert place(line) == ["> INVITE"]
    invite = line.last()
    assert isinstance(invite, Request)
    assert invite.via.transport == "TCP"
    assert invite.first("contact") == "<sip:192.0.2.10:5060;transport=tcp>"
    assert line.wait(31.5) == []
    assert line.wait(1) == ["32 CallRefused 408 Request Timeout"]
    assert line.quiet() == NOTHING


def test_a_refused_invite_is_over_with_its_ack() -> None:
    line = a_line()
    place(line)
    refusal = line.reply(line.sent[-1], 486, "Busy Here")
    assert line.hears(refusal, SENT_BY) == ["> ACK", "CallRefused 486 Busy Here"]
    ack = line.last()
    assert isinstance(ack, Request)
    assert ack.via.transport == "TCP"
    assert line.agent.counts() == NOTHING  # D is zero


@pytest.mark.parametrize("heard", [False, True])
def test_a_call_whose_connection_fails_is_503(heard: bool) -> None:
    line = a_line()
    place(line)
    if heard:
        line.hears(line.reply(line.sent[-1], 180, "Ringing"), SENT_BY)
    assert lost(line, SENT_BY) == ["CallRefused 503 Service Unavailable"]
    assert line.quiet() == NOTHING


def test_a_re_invite_whose_connection_breaks_is_refused_and_the_call_lives() -> None:
    line = a_line()
    place(line)
    line.hears(line.reply(line.sent[-1], 200, "OK", body=SDP), SENT_BY)
    assert line.did(line.agent.reoffer(line.leg, SDP.encode(), line.now)) == ["> INVITE"]
    assert lost(line, SENT_BY) == ["OfferRefused 503"]
    assert line.agent.counts()["legs"] == 1


def test_a_bye_whose_connection_breaks_ends_the_leg() -> None:
    line = live()
    line.did(line.agent.hang_up(line.leg, line.now))
    assert lost(line, STREAM) == []
    assert line.agent.counts()["legs"] == 0
    assert line.quiet() == NOTHING


def test_a_call_that_was_cancelled_ends_with_its_connection() -> None:
    line = a_line()
    place(line)
    line.hears(line.reply(line.sent[-1], 180, "Ringing"), SENT_BY)
    line.did(line.agent.hang_up(line.leg, line.now))
    lost(line, SENT_BY)
    assert line.quiet() == NOTHING


def test_other_connections_are_not_touched() -> None:
    line = a_line()
    place(line)
    assert lost(line, SENT_BY._replace(port=5063)) == []
    assert lost(line, SENT_BY._replace(transport="tls")) == []
    assert lost(line, SENT_BY._replace(transport="udp")) == []
    assert line.agent.counts()["legs"] == 1


def test_the_transport_of_a_contact_is_followed() -> None:
    line = a_line()
    line.place()
    assert b"\r\nVia: SIP/2.0/UDP " in line.sent[-1]
    reply = line.reply(line.sent[-1], 200, "OK", body=SDP)
    line.hears(reply.replace("5062>", "5062;transport=tcp>"))
    assert destinations(line)[-1] == SENT_BY
    ack = line.last()
    assert isinstance(ack, Request)
    assert ack.via.transport == "TCP"


def test_the_transport_of_a_route_is_followed() -> None:
    line = a_line()
    place(line)
    reply = line.reply(
        line.sent[-1], 200, "OK", body=SDP,
        extra="Record-Route: <sip:192.0.2.77:5091;transport=tls;lr>\r\n",
    )  # fmt: skip
    line.hears(reply, SENT_BY)
    assert destinations(line)[-1] == ("192.0.2.77", 5091, "tls")


def test_where_there_is_no_tls_a_contact_of_it_is_not_followed() -> None:
    line = Line()
    line.place()
    reply = line.reply(line.sent[-1], 200, "OK", body=SDP)
    line.hears(reply.replace("5062>", "5062;transport=tls>"))
    assert destinations(line)[-1] == ("192.0.2.20", 5062, "udp")


def test_ipv6() -> None:
    line = a_line()
    peer = Hop("2001:db8::20", 41_000, "tcp")
    invite = line.invite().replace("192.0.2.20:5062", "[2001:db8::20]:5062")
    line.hears(invite.replace("SIP/2.0/UDP", "SIP/2.0/TCP"), peer)
    line.did(line.agent.answer(line.leg, SDP.encode(), line.now))
    ok = line.last()
    assert ok.first("contact") == "<sip:[2001:db8::10]:5070;transport=tcp>"
    assert "received" not in ok.first("via")
    assert set(destinations(line)) == {peer}


def test_names_of_the_certificate_come_with_the_call() -> None:
    line = a_line()
    text = line.invite().replace("SIP/2.0/UDP", "SIP/2.0/TLS").encode()
    peer = Hop("192.0.2.20", 40_001, "tls")
    line.did(line.agent.receive(DatagramReceived(text, peer, ("trunk.example",)), 0))
    offered = next(c for c in line.commands if isinstance(c, CallOffered))
    assert offered.peer_names == ("trunk.example",)


def test_a_connection_is_in_use_while_a_call_goes_over_it() -> None:
    line = live()
    assert line.agent.uses(STREAM)
    assert not line.agent.uses(SENT_BY)
    line.cseq = 2
    over(line, line.request("BYE"))
    assert not line.agent.uses(STREAM)


def test_noise_in_a_stream_closes_it() -> None:
    line = a_line()
    commands = line.agent.receive(DatagramReceived(b"SIP/2.0 200 OK\r\n\r\n", STREAM), 0)
    assert CloseConnection(STREAM) in commands


def test_a_scanner_is_cut_without_an_answer() -> None:
    line = a_line()
    scan = line.request("OPTIONS", to_tag=False, extra="User-Agent: friendly-scanner\r\n")
    commands = line.agent.receive(DatagramReceived(scan.encode(), STREAM), 0)
    assert CloseConnection(STREAM) in commands
    assert not any(isinstance(command, SendDatagram) for command in commands)


def test_sips_is_taken_over_tls_alone() -> None:
    line = a_line()
    invite = line.invite(uri="sips:95500@192.0.2.10")
    assert over(line, invite) == ["> 403 INVITE"]
    assert line.hears(invite) == ["> 403 INVITE"]


def test_sips_is_called_over_tls_alone() -> None:
    line = a_line()
    with pytest.raises(BadUri, match="TLS alone"):
        line.agent.invite("sips:b@192.0.2.20", "sip:us@x", b"", 0, destination=STREAM)


@pytest.mark.parametrize("where", ["contact", "route"])
def test_a_sips_peer_is_never_reached_over_anything_else(where: str) -> None:
    """Not even where there is no TLS: then the request fails, and the call with it."""
    line = Line()
    line.place()
    route = "Record-Route: <sips:192.0.2.20:5061;lr>\r\n" if where == "route" else ""
    reply = line.reply(line.sent[-1], 200, "OK", body=SDP, extra=route)
    line.hears(
        reply if route else reply.replace("<sip:bob@192.0.2.20:5062>", "<sips:b@192.0.2.20>")
    )
    assert destinations(line)[-1] == ("192.0.2.20", 5061, "tls")


def test_large_requests_to_a_trunk_that_has_tcp() -> None:
    line = a_line()
    big = SDP + "".join(f"a=x-{number}:{'y' * 60}\r\n" for number in range(20))
    sent = []
    for has_tcp in (False, True):
        line.agent.takes_large(lambda hop, has=has_tcp: has and hop.port == 5062)
        for sdp in (SDP, big):
            _, commands = line.agent.invite(
                "sip:bob@192.0.2.20", "sip:bank@192.0.2.10", sdp.encode(), 0,
                destination=Hop("192.0.2.20", 5062),
            )  # fmt: skip
            out = next(c for c in commands if isinstance(c, SendDatagram))
            sent.append((out.destination.transport, b"Via: SIP/2.0/TCP " in out.data))
    assert sent == [("udp", False), ("udp", False), ("udp", False), ("tcp", True)]


@pytest.mark.parametrize("seed", range(20))
def test_a_connection_lost_at_any_time_leaves_nothing(seed: int) -> None:
    """Two ways of a call, cut after each of its steps."""
    steps = itertools.count()

    def cut(line: Line, *hops: Hop) -> None:
        if next(steps) == seed // 2:
            for hop in hops:
                lost(line, hop)

    line = a_line()
    if seed % 2:
        over(line, line.invite())
        cut(line, STREAM)
        line.did(line.agent.ring(line.leg, line.now))
        cut(line, STREAM)
        line.did(line.agent.answer(line.leg, SDP.encode(), line.now))
        cut(line, STREAM)
        over(line, line.request("ACK"), STREAM._replace(port=40_100))
        cut(line, STREAM, STREAM._replace(port=40_100))
    else:
        place(line)
        invite = line.sent[-1]
        cut(line, SENT_BY)
        line.hears(line.reply(invite, 180, "Ringing"), SENT_BY)
        cut(line, SENT_BY)
        line.hears(line.reply(invite, 200, "OK", body=SDP), SENT_BY)
        cut(line, SENT_BY)
    line.did(line.agent.hang_up(line.leg, line.now))
    cut(line, STREAM, SENT_BY, STREAM._replace(port=40_100))
    assert line.quiet() == NOTHING
