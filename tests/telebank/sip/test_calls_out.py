"""Calls we place, as scripts."""

import pytest

from support.sip_line import NOTHING, PEER, SDP, US, Line
from telebank.sip import OfferRefused, SendDatagram, SipOptions
from telebank.sip.message import Request
from telebank.sip.uac import MAX_TAGS
from telebank.sip.uri import BadUri


def test_a_plain_call() -> None:
    line = Line()
    assert line.place() == ["> INVITE"]
    invite = line.sent[-1]
    assert line.hears(line.reply(invite, 100, tag="")) == []
    assert line.hears(line.reply(invite, 180)) == ["CallRinging 180"]
    assert line.hears(line.reply(invite, 183, body=SDP)) == ["CallRinging 183 early"]
    assert line.hears(line.reply(invite, 200, body=SDP)) == ["> ACK", "CallAnswered"]
    ack = line.last()
    assert isinstance(ack, Request)
    assert ack.uri == "sip:bob@192.0.2.20:5062"
    assert ack.to.tag == "bob"
    assert line.wait(20) == []
    assert line.did(line.agent.hang_up(line.leg, line.now)) == ["CallEnded local", "> BYE"]
    assert line.hears(line.reply(line.sent[-1], 200)) == []
    assert line.quiet() == NOTHING


def test_invite_is_repeated_until_something_comes() -> None:
    line = Line()
    line.place()
    assert line.wait(4) == ["0.5 > INVITE", "1.5 > INVITE", "3.5 > INVITE"]  # timer A
    line.hears(line.reply(line.sent[0], 100, tag=""))
    assert line.wait(60) == []


def test_nobody_there() -> None:
    line = Line()
    line.place()
    assert line.wait(40)[-1] == "32 CallRefused 408 Request Timeout"  # timer B
    assert line.agent.counts() == NOTHING


@pytest.mark.parametrize("status", [302, 404, 486, 503, 603])
def test_refused(status: int) -> None:
    line = Line()
    line.place()
    invite = line.sent[-1]
    refusal = line.reply(invite, status, "No")
    assert line.hears(refusal) == ["> ACK", f"CallRefused {status} No"]
    ack = line.last()
    assert isinstance(ack, Request)
    assert ack.via.branch in invite.decode()  # the transaction's own ACK
    assert line.hears(refusal) == ["> ACK"]
    assert line.agent.counts()["legs"] == 0
    assert line.agent.counts()["transactions"] == 1
    line.wait(31.9)  # timer D
    assert line.agent.counts()["transactions"] == 1
    assert line.quiet() == NOTHING


def test_a_repeated_200_gets_the_same_ack() -> None:
    line = Line()
    invite = line.talking()
    ack = line.sent[-1]
    assert line.hears(line.reply(invite, 200, body=SDP)) == ["> ACK"]
    assert line.sent[-1] == ack
    line.did(line.agent.hang_up(line.leg, 0))
    line.hears(line.reply(line.sent[-1], 200))
    assert line.hears(line.reply(invite, 200, body=SDP)) == ["> ACK"]  # even after the call
    assert line.quiet() == NOTHING
    assert line.hears(line.reply(invite, 200, body=SDP)) == ["Trouble stray response"]


def test_a_forked_200_is_acknowledged_and_ended() -> None:
    line = Line()
    invite = line.talking()
    other = line.reply(invite, 200, body=SDP, tag="carol")
    assert line.hears(other) == ["> ACK", "> BYE"]
    assert line.last().to.tag == "carol"
    bye = line.sent[-1]
    assert line.hears(other) == ["> ACK"]
    assert line.hears(line.reply(bye, 200)) == []
    assert line.agent.counts()["legs"] == 1
    line.did(line.agent.hang_up(line.leg, 0))
    assert line.last().to.tag == "bob"
    line.hears(line.reply(line.sent[-1], 200))
    assert line.quiet() == NOTHING


def test_cancel_waits_for_a_provisional_response() -> None:
    line = Line()
    line.place()
    invite = line.sent[-1]
    assert line.did(line.agent.hang_up(line.leg, 0)) == ["CallEnded local"]
    assert line.hears(line.reply(invite, 180)) == ["> CANCEL"]
    cancel = line.last()
    assert isinstance(cancel, Request)
    assert cancel.via.branch in invite.decode()
    assert cancel.cseq == 1
    line.hears(line.reply(line.sent[-1], 200))
    assert line.hears(line.reply(invite, 487)) == ["> ACK"]
    assert line.quiet() == NOTHING


def test_cancel_that_nobody_heeds() -> None:
    line = Line()
    line.place()
    line.hears(line.reply(line.sent[-1], 180))
    assert line.did(line.agent.hang_up(line.leg, 0)) == ["CallEnded local", "> CANCEL"]
    assert {text.split(" ", 1)[1] for text in line.wait(40)} == {"> CANCEL"}
    assert line.agent.counts() == NOTHING


def test_hung_up_and_nobody_there() -> None:
    line = Line()
    line.place()
    line.did(line.agent.hang_up(line.leg, 0))
    line.wait(32)
    assert line.agent.counts() == NOTHING


def test_cancel_against_the_200() -> None:
    line = Line()
    line.place()
    invite = line.sent[-1]
    line.hears(line.reply(invite, 180))
    line.did(line.agent.hang_up(line.leg, 0))
    assert line.hears(line.reply(invite, 200, body=SDP)) == ["> ACK", "> BYE"]
    bye = line.sent[-1]
    assert line.hears(line.reply(invite, 200, body=SDP)) == ["> ACK"]
    assert line.hears(line.reply(bye, 200)) == []
    assert line.quiet() == NOTHING


def test_the_other_side_hangs_up() -> None:
    line = Line()
    invite = line.talking()
    call_id = line.last().call_id
    tag = invite.decode().split("tag=")[1].split("\r\n")[0]
    bye = line.request("BYE", cseq=7, to_tag=tag).replace("tag=peer", "tag=bob")
    assert line.hears(bye.replace("call-1@peer", call_id)) == ["> 200 BYE", "CallEnded remote"]
    assert line.quiet() == NOTHING


def test_hold_by_reinvite() -> None:
    line = Line()
    line.talking()
    assert line.did(line.agent.reoffer(line.leg, SDP.encode(), 0)) == ["> INVITE"]
    again = line.sent[-1]
    assert line.last().cseq == 2
    assert line.did(line.agent.reoffer(line.leg, SDP.encode(), 0)) == ["OfferRefused 491"]
    assert line.hears(line.reply(again, 100)) == []
    assert line.hears(line.reply(again, 200, body=SDP)) == ["> ACK", "OfferAnswered"]
    assert line.last().cseq == 2
    assert line.hears(line.reply(again, 200, body=SDP)) == ["> ACK"]
    line.did(line.agent.reoffer(line.leg, SDP.encode(), 0))
    assert line.hears(line.reply(line.sent[-1], 488)) == ["> ACK", "OfferRefused 488"]
    assert line.agent.counts()["legs"] == 1


def test_glare_is_tried_again_and_given_up() -> None:
    line = Line(SipOptions(max_glare_retries=2))
    line.talking()
    line.did(line.agent.reoffer(line.leg, SDP.encode(), 0))
    for _ in range(2):
        start = line.now
        assert line.hears(line.reply(line.sent[-1], 491)) == ["> ACK"]
        (again,) = [text for text in line.wait(4.0) if text.endswith("> INVITE")][:1]
        assert 2.1 <= float(again.split()[0]) - start <= 4.0  # we own the Call-ID
    assert line.hears(line.reply(line.sent[-1], 491)) == ["> ACK", "OfferRefused 491"]


def test_an_offer_is_withdrawn_wherever_it_is() -> None:
    line = Line()
    line.talking()
    assert line.did(line.agent.withdraw(line.leg, 0)) == []  # there is none
    line.did(line.agent.reoffer(line.leg, SDP.encode(), 0))
    assert line.did(line.agent.withdraw(line.leg, 0)) == []  # it is out: the next 491 is the last
    assert line.hears(line.reply(line.sent[-1], 491)) == ["> ACK", "OfferRefused 491"]
    line.did(line.agent.reoffer(line.leg, SDP.encode(), 0))
    assert line.hears(line.reply(line.sent[-1], 491)) == ["> ACK"]
    assert line.did(line.agent.withdraw(line.leg, 0)) == ["OfferRefused 491"]  # it waits
    assert line.wait(30) == []
    assert line.did(line.agent.withdraw(line.leg, 0)) == []


def test_only_an_offer_that_was_sent_is_refused_by_the_other_side() -> None:
    line = Line()
    line.talking()
    line.did(line.agent.reoffer(line.leg, SDP.encode(), 0))
    second = line.agent.reoffer(line.leg, SDP.encode(), 0)
    assert second == [OfferRefused(line.leg, 491, sent=False)]
    line.commands.clear()
    line.hears(line.reply(line.sent[-1], 488))
    assert OfferRefused(line.leg, 488) in line.commands


@pytest.mark.parametrize(("status", "by"), [(481, "error"), (408, "timeout")])
def test_a_reinvite_the_other_side_knows_nothing_of(status: int, by: str) -> None:
    line = Line()
    line.talking()
    line.did(line.agent.reoffer(line.leg, SDP.encode(), 0))
    lines = line.hears(line.reply(line.sent[-1], status))
    assert lines == ["> ACK", f"OfferRefused {status}", f"CallEnded {by}", "> BYE"]
    line.hears(line.reply(line.sent[-1], 481))
    assert line.quiet() == NOTHING


@pytest.mark.parametrize("provisional", [False, True])
def test_a_reinvite_never_answered(provisional: bool) -> None:
    line = Line()
    line.talking()
    line.did(line.agent.reoffer(line.leg, SDP.encode(), 0))
    if provisional:
        line.hears(line.reply(line.sent[-1], 100))
    lines = [text.split(" ", 1)[1] for text in line.wait(220) if "Ended" in text or "Ref" in text]
    assert lines == ["OfferRefused 408", "CallEnded timeout"]
    assert line.quiet() == NOTHING


def test_we_ask_for_an_offer() -> None:
    line = Line()
    line.place(None)
    invite = line.sent[-1]
    assert line.hears(line.reply(invite, 200, body=SDP)) == ["OfferReceived"]
    assert line.hears(line.reply(invite, 200, body=SDP)) == []
    assert line.did(line.agent.answer(line.leg, SDP.encode(), 0)) == ["> ACK"]
    assert line.last().body == SDP.encode()
    assert line.hears(line.reply(invite, 200, body=SDP)) == ["> ACK"]


def test_a_200_without_a_session() -> None:
    line = Line()
    line.place()
    assert line.hears(line.reply(line.sent[-1], 200)) == ["> ACK", "CallEnded error", "> BYE"]


def test_an_early_answer_counts_where_the_200_has_none() -> None:
    line = Line()
    line.place()
    invite = line.sent[-1]
    line.hears(line.reply(invite, 183, body=SDP))
    assert line.hears(line.reply(invite, 200)) == ["> ACK", "CallAnswered"]


def test_ringing_for_ever() -> None:
    line = Line()
    line.place()
    invite = line.sent[-1]
    line.hears(line.reply(invite, 180))
    assert line.wait(180)[:2] == ["180 CallEnded timeout", "180 > CANCEL"]
    assert line.hears(line.reply(invite, 487)) == ["> ACK"]
    assert line.quiet() == NOTHING


def test_the_limit_holds_for_our_own_calls() -> None:
    line = Line(SipOptions(max_calls=1))
    line.place()
    assert line.place() == ["CallRefused 503 too many calls here"]


def test_record_route_is_used_in_reverse() -> None:
    line = Line()
    line.place()
    routes = "Record-Route: <sip:192.0.2.98;lr>, <sip:192.0.2.99:5080;lr>\r\n"
    line.hears(line.reply(line.sent[-1], 200, body=SDP, extra=routes))
    ack = line.last()
    assert ack.headers["route"] == ["<sip:192.0.2.99:5080;lr>", "<sip:192.0.2.98;lr>"]
    destinations = [c.destination for c in line.commands if isinstance(c, SendDatagram)]
    assert destinations == [PEER, ("192.0.2.99", 5080, "udp")]


def test_a_200_without_contact_goes_back_to_where_the_call_went() -> None:
    line = Line()
    line.place()
    line.hears(line.reply(line.sent[-1], 200, body=SDP, contact=False))
    command = next(c for c in reversed(line.commands) if isinstance(c, SendDatagram))
    assert command.destination == PEER


def test_responses_are_never_answered() -> None:
    line = Line()
    line.place()
    invite = line.sent[-1]
    for text in (
        line.reply(invite, 200).replace("z9hG4bK", "z9hG4bKother"),
        line.reply(invite, 200).replace("From:", "Via: SIP/2.0/UDP 255.255.255.255\r\nFrom:"),
        line.reply(invite, 200).replace("INVITE", "OPTIONS"),
        "SIP/2.0 200 OK\r\n\r\n",
        "SIP/2.0 999 What\r\n\r\n",
    ):
        (only,) = line.hears(text)
        assert only.startswith("Trouble")


@pytest.mark.parametrize("uri", ["bob", "sip:", "sip:a b@c", "sip:a@b\r\nX: y", "http://x"])
def test_a_target_that_is_no_sip_uri(uri: str) -> None:
    line = Line()
    with pytest.raises(BadUri):
        line.agent.invite(uri, "sip:me@bank", None, 0, destination=US)
    assert line.agent.counts() == NOTHING


def test_answers_under_ever_new_tags_leave_nothing() -> None:
    """One peer's 2xx to one INVITE: the first is the call, seven more are acknowledged and ended,
    and none of those counts as a call."""
    line = Line(SipOptions(max_calls=2))
    invite = line.talking()
    for number in range(MAX_TAGS - 1):
        answer = line.reply(invite, 200, tag=f"t{number}", body=SDP)
        assert line.hears(answer) == ["> ACK", "> BYE"]
    before = line.agent.counts()
    assert before["legs"] == before["dialogs"] == MAX_TAGS
    for number in range(MAX_TAGS, 500):
        assert line.hears(line.reply(invite, 200, tag=f"t{number}", body=SDP)) == []
    assert line.agent.counts() == before
    assert line.hears(line.reply(invite, 200, tag="t0", body=SDP)) == ["> ACK"]
    assert line.hears(line.invite()) == ["> 100 INVITE", "CallOffered"]  # the second call of two
    line.call_id = "another"
    assert line.hears(line.invite()) == ["> 503 INVITE"]


def test_answers_under_new_tags_while_ours_is_made() -> None:
    """The same of an INVITE without a session: the first 200 waits for our answer."""
    line = Line()
    line.place(None)
    invite = line.sent[-1]
    assert line.hears(line.reply(invite, 200, body=SDP)) == ["OfferReceived"]
    for number in range(500):
        line.hears(line.reply(invite, 200, tag=f"t{number}", body=SDP))
    assert line.agent.counts()["legs"] == MAX_TAGS + 1
    assert line.did(line.agent.answer(line.leg, SDP.encode(), line.now)) == ["> ACK"]
