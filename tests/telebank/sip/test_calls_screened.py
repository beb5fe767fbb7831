"""What comes in and is no call, or none for us: refused, dropped, counted; and where answers go."""

import pytest

from support.sip_doors import STRANGER, doors, message
from support.sip_line import NOTHING, SDP, Line
from support.sip_phones import Desk
from telebank.sip import (
    DatagramReceived,
    IllegalTransition,
    SendDatagram,
    SipOptions,
    Trouble,
    UserAgent,
)
from telebank.sip.message import Request, Response


def test_options_inside_and_outside() -> None:
    line = Line()
    assert line.hears(line.request("OPTIONS", to_tag=False)) == ["> 200 OPTIONS"]
    assert "INVITE" in line.last().first("allow")
    assert line.last().first("accept") == "application/sdp"
    assert line.agent.counts() == NOTHING
    line.our_tag = ""
    line.live()
    assert line.hears(line.request("OPTIONS", cseq=2)) == ["> 200 OPTIONS"]


REFUSED = [
    ("REGISTER", {}, 405, "allow"),
    ("SUBSCRIBE", {}, 405, "allow"),
    ("REFER", {}, 405, "allow"),
    ("WIGGLE", {}, 501, "allow"),
    ("BYE", {"to_tag": "nobody"}, 481, ""),
    ("INFO", {}, 481, ""),
    ("INVITE", {"to_tag": "nobody", "body": SDP}, 481, ""),
    ("INVITE", {"uri": "http:x", "body": SDP}, 416, ""),
    ("INVITE", {"extra": "Require: 100rel, path, timer\r\n", "body": SDP}, 420, "unsupported"),
    ("INVITE", {"kind": "text/plain", "body": "hi"}, 415, "accept"),
    ("INVITE", {"extra": "Content-Encoding: gzip\r\n", "body": SDP}, 415, "accept-encoding"),
    ("INVITE", {"extra": "Accept: text/plain\r\n", "body": SDP}, 406, ""),
    ("INVITE", {"body": "v=0\r\nrubbish"}, 400, ""),
    ("INVITE", {"extra": "Record-Route: <sip:a>,,;;\r\n", "body": SDP}, 400, ""),
]


@pytest.mark.parametrize(("method", "how", "status", "header"), REFUSED)
def test_refused_before_any_leg(method: str, how: dict[str, str], status: int, header: str) -> None:
    line = Line()
    lines = line.hears(line.request(method, **{"to_tag": False, **how}))
    assert lines[0] == f"> {status} {method}"
    assert not [text for text in lines if text.startswith("Call")]
    assert line.last().to.tag
    assert not header or line.last().first(header)
    assert line.agent.counts() == NOTHING


def test_a_stateless_refusal_is_the_same_each_time() -> None:
    line = Line()
    request = line.request("REGISTER", to_tag=False)
    line.hears(request)
    line.hears(request)
    assert line.sent[0] == line.sent[1]


def test_drain_refuses_new_calls_and_keeps_live_ones() -> None:
    line = Line()
    line.live()
    line.agent.drain(0)
    other = line.request("INVITE", to_tag=False, body=SDP, cseq=9)
    assert line.hears(other) == ["> 503 INVITE"]
    assert line.last().first("retry-after") == "5"
    assert line.hears(line.request("OPTIONS", to_tag=False, cseq=9)) == ["> 503 OPTIONS"]
    line.our_tag = line.agent._core.legs[line.leg].local_tag
    assert line.hears(line.request("BYE", cseq=2)) == ["> 200 BYE", "CallEnded remote"]


@pytest.mark.parametrize(
    "options", [SipOptions(max_calls=1), SipOptions(max_pending=1), SipOptions(max_transactions=1)]
)
def test_a_full_agent_refuses_cheaply(options: SipOptions) -> None:
    line = Line(options)
    line.hears(line.invite())
    before = line.agent.counts()
    line.call_id = "another"
    refused = line.invite(branch="z9hG4bKfull")
    assert line.hears(refused) == ["> 503 INVITE"]
    assert line.hears(line.request("ACK", branch="z9hG4bKfull")) == []
    assert line.agent.counts() == before


def test_scanners_hear_nothing() -> None:
    line = Line()
    scan = line.request("OPTIONS", to_tag=False, extra="User-Agent: friendly-scanner\r\n")
    assert line.hears(scan) == ["Trouble scanner"]


def test_nobody_answers() -> None:
    line = Line()
    line.hears(line.invite())
    assert line.wait(180)[:2] == ["180 CallEnded timeout", "180 > 480 INVITE"]
    assert line.quiet() == NOTHING


def test_rport_and_received() -> None:
    line = Line()
    invite = line.invite().replace(";branch=", ";rport;branch=")
    line.hears(invite, ("203.0.113.5", 1025))
    command = line.commands[0]
    assert isinstance(command, SendDatagram)
    assert command.destination == ("203.0.113.5", 1025, "udp")
    via = line.last().via
    assert dict(via.params)["rport"] == "1025"
    assert dict(via.params)["received"] == "203.0.113.5"


def test_without_rport_the_answer_goes_to_the_port_of_the_via() -> None:
    line = Line()
    line.hears(line.invite(), ("203.0.113.5", 1025))
    command = line.commands[0]
    assert isinstance(command, SendDatagram)
    assert command.destination == ("203.0.113.5", 5062, "udp")


def test_record_route_is_followed() -> None:
    line = Line()
    routes = "Record-Route: <sip:192.0.2.99:5080;lr>, <sip:192.0.2.98;lr>\r\n"
    line.hears(line.invite(extra=routes))
    line.did(line.agent.answer(line.leg, SDP.encode(), 0))
    answer = line.last()
    assert isinstance(answer, Response)
    assert "".join(answer.headers["record-route"]).count("lr") == 2
    line.hears(line.request("ACK"))
    line.did(line.agent.hang_up(line.leg, 0))
    bye, command = line.last(), line.commands[-1]
    assert bye.headers["route"] == ["<sip:192.0.2.99:5080;lr>", "<sip:192.0.2.98;lr>"]
    assert isinstance(command, SendDatagram)
    assert command.destination == ("192.0.2.99", 5080, "udp")


def test_a_strict_router_gets_its_own_uri() -> None:
    line = Line()
    line.hears(line.invite(extra="Record-Route: <sip:192.0.2.99>\r\n"))
    line.did(line.agent.answer(line.leg, SDP.encode(), 0))
    line.hears(line.request("ACK"))
    line.did(line.agent.hang_up(line.leg, 0))
    bye = line.last()
    assert isinstance(bye, Request)
    assert bye.uri == "sip:192.0.2.99"
    assert bye.headers["route"] == ["<sip:alice@192.0.2.20:5062>"]


def test_an_old_caller_without_branch_cookie() -> None:
    line = Line()
    invite = line.invite(branch="old")
    assert line.hears(invite) == ["> 100 INVITE", "CallOffered"]
    assert line.hears(invite) == ["> 100 INVITE"]
    line.did(line.agent.refuse(line.leg, 486, 0))
    assert line.hears(line.request("ACK", branch="old")) == []
    assert line.wait(2) == []


def test_acts_that_make_no_sense_are_our_error() -> None:
    line = Line()
    line.live()
    with pytest.raises(IllegalTransition):
        line.agent.ring(line.leg, 0)
    with pytest.raises(ValueError, match="no refusal"):
        line.agent.refuse(line.leg, 200, 0)


def test_a_register_within_a_call() -> None:
    """A registrar has nothing to do with calls."""
    line = Desk()
    line.live()
    assert line.hears(line.request("REGISTER", cseq=2)) == ["> 405 REGISTER"]
    assert line.last().first("allow")
    assert line.agent.faults == 0
    assert line.hears(line.request("BYE", cseq=3)) == ["> 200 BYE", "CallEnded remote"]


def test_of_a_stranger_nothing_is_read_but_who_he_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(*_: object, **__: object) -> None:
        raise AssertionError("headers were taken apart")

    monkeypatch.setattr("telebank.sip.uas.refuse_early", read)
    agent = doors()
    data = message("OPTIONS", STRANGER, require=",".join("abc" * 20))
    assert [
        one.data.split()[1]
        for one in agent.receive(DatagramReceived(data, STRANGER), 0.0)
        if isinstance(one, SendDatagram)
    ] == [b"403"]
    assert agent.faults == 0


def test_keep_alives_are_ignored() -> None:
    line = Line()
    assert line.hears(b"\r\n\r\n") == []
    assert line.hears(b"\x00") == []
    assert line.hears(b"") == []


def test_a_flood_of_rubbish_is_counted_not_logged() -> None:
    line = Line(SipOptions(troubles_per_second=3))
    lines = [told for _ in range(10) for told in line.hears(b"rubbish")]
    assert lines == ["Trouble malformed message"] * 3
    line.now = 1.0
    line.hears(b"rubbish")
    last = line.commands[-1]
    assert isinstance(last, Trouble)
    assert last.detail.endswith("(7 more were not logged)")


def test_times_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match="t1 must be above 0"):
        SipOptions(t1=0)


def test_an_agent_cannot_advertise_a_name() -> None:
    with pytest.raises(ValueError, match="advertise an IP address, not 'localhost'"):
        UserAgent(("localhost", 5060), SipOptions(), str)
