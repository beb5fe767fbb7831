"""Calls that come in, as scripts: what is heard, what is done."""

import pytest

from support.sip_line import NOTHING, PEER, SDP, Line
from telebank.sip import (
    CallOffered,
    SendDatagram,
)
from telebank.sip.message import Request

HOLD = SDP + "a=sendonly\r\n"


def ok_times(lines: list[str]) -> list[float]:
    return [float(line.split()[0]) for line in lines if line.endswith("> 200 INVITE")]


def test_a_plain_call() -> None:
    line = Line()
    assert line.hears(line.invite()) == ["> 100 INVITE", "CallOffered"]
    offered = next(c for c in line.commands if isinstance(c, CallOffered))
    assert offered.from_uri == "sip:alice@peer"
    assert offered.to_uri == "sip:95500@192.0.2.10"
    assert offered.source == PEER
    assert offered.offer is not None
    assert offered.offer.audio is not None
    assert offered.offer.audio.event == 97
    assert line.did(line.agent.ring(line.leg, 0)) == ["> 180 INVITE"]
    assert line.did(line.agent.answer(line.leg, SDP.encode(), 0)) == ["> 200 INVITE"]
    answer = line.last()
    assert answer.first("contact") == "<sip:192.0.2.10:5060>"
    assert answer.body == SDP.encode()
    assert line.hears(line.request("ACK")) == ["CallConfirmed"]
    assert line.wait(5) == []
    assert line.hears(line.request("BYE", cseq=2)) == ["> 200 BYE", "CallEnded remote"]
    assert line.quiet() == NOTHING


def test_we_hang_up() -> None:
    line = Line()
    line.live()
    assert line.did(line.agent.hang_up(line.leg, 0, reason="goodbye")) == [
        "CallEnded local",
        "> BYE",
    ]
    bye = line.last()
    assert isinstance(bye, Request)
    assert bye.uri == "sip:alice@192.0.2.20:5062"
    assert bye.to.tag == "peer"
    assert bye.first("reason") == 'SIP;cause=200;text="goodbye"'
    assert line.hears(line.reply(line.sent[-1], 200)) == []
    assert line.agent.hang_up(line.leg, 0) == []
    assert line.quiet() == NOTHING


def test_an_unanswered_bye_is_repeated_and_then_forgotten() -> None:
    line = Line()
    line.live()
    line.did(line.agent.hang_up(line.leg, 0))
    expected = [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]  # timer E, then F
    assert line.wait(40) == [f"{at:g} > BYE" for at in expected]
    assert line.quiet() == NOTHING


def test_a_retransmitted_invite_is_answered_by_the_transaction() -> None:
    line = Line()
    invite = line.invite()
    line.hears(invite)
    assert line.hears(invite) == ["> 100 INVITE"]
    line.did(line.agent.ring(line.leg, 0))
    assert line.hears(invite) == ["> 180 INVITE"]
    line.did(line.agent.answer(line.leg, SDP.encode(), 0))
    assert line.hears(invite) == []  # RFC 6026: absorbed, the 200 repeats by itself
    assert line.hears(line.request("ACK")) == ["CallConfirmed"]
    assert line.hears(invite) == []


def test_the_200_repeats_until_its_ack() -> None:
    line = Line()
    line.hears(line.invite())
    line.did(line.agent.answer(line.leg, SDP.encode(), 0))
    assert ok_times(line.wait(8)) == [0.5, 1.5, 3.5, 7.5]
    assert line.hears(line.request("ACK")) == ["CallConfirmed"]
    assert line.wait(20) == []
    assert line.hears(line.request("ACK")) == []  # again: nothing more


def test_a_lost_ack_ends_the_call() -> None:
    line = Line()
    line.hears(line.invite())
    line.did(line.agent.answer(line.leg, SDP.encode(), 0))
    lines = line.wait(32)
    assert ok_times(lines) == [0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert lines[-2:] == ["32 CallEnded timeout", "32 > BYE"]
    assert line.hears(line.request("ACK")) == []  # too late
    assert line.hears(line.reply(line.sent[-1], 200)) == []
    assert line.quiet() == NOTHING


def test_a_refusal_repeats_until_its_ack() -> None:
    line = Line()
    invite = line.invite(branch="z9hG4bKinv")
    line.hears(invite)
    done = line.did(line.agent.refuse(line.leg, 486, 0, headers=[("X-Why", "busy")]))
    assert done == ["> 486 INVITE", "CallEnded local"]
    assert line.last().first("x-why") == "busy"
    assert line.wait(2) == ["0.5 > 486 INVITE", "1.5 > 486 INVITE"]  # timer G
    assert line.hears(invite) == ["> 486 INVITE"]
    assert line.hears(line.request("ACK", branch="z9hG4bKinv")) == []
    assert line.wait(4.9) == []
    assert line.hears(invite) == []  # absorbed until timer I
    assert line.agent.counts()["transactions"] == 1
    line.wait(0.2)
    assert line.agent.counts() == NOTHING


def test_a_refusal_for_want_of_room_says_when_to_come_back() -> None:
    line = Line()
    line.hears(line.invite())
    assert line.did(line.agent.refuse(line.leg, 503, 0)) == ["> 503 INVITE", "CallEnded local"]
    assert line.last().first("retry-after") == "5"
    line = Line()
    line.hears(line.invite())
    line.did(line.agent.refuse(line.leg, 503, 0, headers=[("Retry-After", "60")]))
    assert line.sent[-1].count(b"Retry-After: ") == 1
    assert line.last().first("retry-after") == "60"


def test_a_refusal_without_ack_is_forgotten_by_timer_h() -> None:
    line = Line()
    line.hears(line.invite())
    line.did(line.agent.refuse(line.leg, 488, 0))
    assert len(line.wait(31.9)) == 10
    assert line.wait(0.2) == []
    assert line.agent.counts() == NOTHING


def test_cancel() -> None:
    line = Line()
    line.hears(line.invite(branch="z9hG4bKinv"))
    cancel = line.request("CANCEL", branch="z9hG4bKinv", to_tag=False)
    assert line.hears(cancel) == ["> 200 CANCEL", "> 487 INVITE", "CallEnded cancel"]
    assert line.hears(cancel) == ["> 200 CANCEL"]
    assert line.hears(line.request("ACK", branch="z9hG4bKinv")) == []
    assert line.agent.answer(line.leg, SDP.encode(), 0) == []  # crossed: nothing to answer
    assert line.quiet() == NOTHING


def test_cancel_against_the_200() -> None:
    line = Line()
    line.hears(line.invite(branch="z9hG4bKinv"))
    line.did(line.agent.answer(line.leg, SDP.encode(), 0))
    cancel = line.request("CANCEL", branch="z9hG4bKinv", to_tag=False)
    assert line.hears(cancel) == ["> 200 CANCEL"]
    assert line.hears(line.request("ACK")) == ["CallConfirmed"]
    assert line.hears(line.request("BYE", cseq=2)) == ["> 200 BYE", "CallEnded remote"]
    assert line.quiet() == NOTHING


def test_a_cancel_for_nothing() -> None:
    line = Line()
    assert line.hears(line.request("CANCEL")) == ["> 481 CANCEL"]
    assert line.agent.counts() == NOTHING


def test_bye_before_ack() -> None:
    line = Line()
    line.hears(line.invite())
    line.did(line.agent.answer(line.leg, SDP.encode(), 0))
    assert line.hears(line.request("BYE", cseq=2)) == ["> 200 BYE", "CallEnded remote"]
    assert line.wait(40) == []
    assert line.quiet() == NOTHING


def test_bye_before_the_answer() -> None:
    line = Line()
    line.hears(line.invite())
    line.did(line.agent.ring(line.leg, 0))
    lines = line.hears(line.request("BYE", cseq=2))
    assert lines == ["> 200 BYE", "> 487 INVITE", "CallEnded remote"]
    assert line.quiet() == NOTHING


def test_our_hang_up_waits_for_the_ack() -> None:
    line = Line()
    line.hears(line.invite())
    line.did(line.agent.answer(line.leg, SDP.encode(), 0))
    assert line.did(line.agent.hang_up(line.leg, 0)) == ["CallEnded local"]
    assert line.wait(1) == ["0.5 > 200 INVITE"]
    assert line.hears(line.request("ACK")) == ["> BYE"]
    assert line.hears(line.reply(line.sent[-1], 200)) == []
    assert line.quiet() == NOTHING


def test_hang_up_before_the_answer_is_487() -> None:
    line = Line()
    line.hears(line.invite())
    assert line.did(line.agent.hang_up(line.leg, 0)) == ["> 487 INVITE", "CallEnded local"]
    assert line.quiet() == NOTHING


def test_both_hang_up_at_once() -> None:
    line = Line()
    line.live()
    line.did(line.agent.hang_up(line.leg, 0))
    bye = line.sent[-1]
    assert line.hears(line.request("BYE", cseq=2)) == ["> 200 BYE"]
    assert line.hears(line.request("INFO", cseq=3)) == ["> 481 INFO"]
    assert line.hears(line.reply(bye, 481)) == []
    assert line.quiet() == NOTHING


def test_hold_and_resume() -> None:
    line = Line()
    line.live()
    hold = line.request("INVITE", cseq=2, body=HOLD)
    assert line.hears(hold) == ["> 100 INVITE", "OfferReceived"]
    assert line.did(line.agent.answer(line.leg, b"v=0\r\n", 0)) == ["> 200 INVITE"]
    assert line.hears(line.request("ACK", cseq=2)) == []
    assert line.hears(line.request("INVITE", cseq=3, body=SDP)) == ["> 100 INVITE", "OfferReceived"]
    assert line.did(line.agent.refuse(line.leg, 488, 0)) == ["> 488 INVITE"]  # the call goes on
    assert line.hears(line.request("BYE", cseq=4)) == ["> 200 BYE", "CallEnded remote"]
    assert line.quiet() == NOTHING


def test_update_carries_an_offer_or_only_a_new_target() -> None:
    line = Line()
    line.live()
    assert line.hears(line.request("UPDATE", cseq=2)) == ["> 200 UPDATE"]
    assert line.hears(line.request("UPDATE", cseq=3, body=HOLD)) == ["OfferReceived"]
    assert line.did(line.agent.answer(line.leg, SDP.encode(), 0)) == ["> 200 UPDATE"]
    moved = line.request("UPDATE", cseq=4).replace("alice@192.0.2.20:5062", "alice@192.0.2.21:5070")
    line.hears(moved)
    line.did(line.agent.hang_up(line.leg, 0))
    command = line.commands[-1]
    assert isinstance(command, SendDatagram)
    assert command.destination == ("192.0.2.21", 5070, "udp")


def test_an_offer_the_application_forgets_is_refused() -> None:
    line = Line()
    line.live()
    line.hears(line.request("INVITE", cseq=2, body=HOLD, branch="z9hG4bKre"))
    assert line.wait(10)[:1] == ["10 > 488 INVITE"]
    line.hears(line.request("ACK", cseq=2, branch="z9hG4bKre"))
    assert line.agent.answer(line.leg, b"", 0) == []


def test_a_reinvite_cancelled() -> None:
    line = Line()
    line.live()
    line.hears(line.request("INVITE", cseq=2, body=HOLD, branch="z9hG4bKre"))
    cancel = line.request("CANCEL", cseq=2, branch="z9hG4bKre")
    assert line.hears(cancel) == ["> 200 CANCEL", "> 487 INVITE"]
    assert line.agent.answer(line.leg, b"", 0) == []
    assert line.agent.counts()["legs"] == 1


def test_a_second_reinvite_while_one_is_open() -> None:
    line = Line()
    line.live()
    line.hears(line.request("INVITE", cseq=2, body=HOLD))
    assert line.hears(line.request("INVITE", cseq=3, body=HOLD)) == ["> 100 INVITE", "> 500 INVITE"]
    assert 0 <= int(line.last().first("retry-after")) <= 10


def test_our_hang_up_closes_an_open_reinvite() -> None:
    line = Line()
    line.live()
    line.hears(line.request("INVITE", cseq=2, body=HOLD))
    done = line.did(line.agent.hang_up(line.leg, 0))
    assert done == ["CallEnded local", "> 487 INVITE", "> BYE"]
    assert line.quiet() == NOTHING


def test_glare_their_reinvite_meets_ours() -> None:
    line = Line()
    line.live()
    assert line.did(line.agent.reoffer(line.leg, SDP.encode(), 0)) == ["> INVITE"]
    ours = line.sent[-1]
    theirs = line.request("INVITE", cseq=2, body=HOLD)
    assert line.hears(theirs) == ["> 100 INVITE", "> 491 INVITE"]
    assert line.hears(line.reply(ours, 491)) == ["> ACK"]
    later = line.wait(2.1)  # not the owner of the Call-ID: 0 to 2 s
    assert [text.split(" ", 1)[1] for text in later if "> INVITE" in text]
    again = next(data for data in reversed(line.sent) if data.startswith(b"INVITE"))
    assert line.hears(line.reply(again, 200, body=SDP)) == ["> ACK", "OfferAnswered"]


def test_a_late_offer() -> None:
    line = Line()
    assert line.hears(line.invite(body="")) == ["> 100 INVITE", "CallOffered late"]
    line.did(line.agent.answer(line.leg, SDP.encode(), 0))
    assert line.hears(line.request("ACK", body=SDP)) == ["CallConfirmed answer"]


@pytest.mark.parametrize("body", ["", "v=0\r\nnonsense"])
def test_a_late_offer_without_a_usable_answer_ends_the_call(body: str) -> None:
    line = Line()
    line.hears(line.invite(body=""))
    line.did(line.agent.answer(line.leg, SDP.encode(), 0))
    assert line.hears(line.request("ACK", body=body))[-2:] == ["CallEnded error", "> BYE"]


def test_a_late_offer_within_the_call() -> None:
    line = Line()
    line.live()
    assert line.hears(line.request("INVITE", cseq=2)) == ["> 100 INVITE", "OfferReceived late"]
    line.did(line.agent.answer(line.leg, SDP.encode(), 0))
    assert line.hears(line.request("ACK", cseq=2, body=SDP)) == ["OfferAnswered"]


def test_a_merged_request() -> None:
    line = Line()
    line.hears(line.invite())
    assert line.hears(line.invite()) == ["> 482 INVITE"]  # same CSeq by another branch


def test_requests_out_of_order() -> None:
    line = Line()
    line.live()
    assert line.hears(line.request("INFO", cseq=5)) == ["> 200 INFO"]
    assert line.hears(line.request("INFO", cseq=4)) == ["> 500 INFO"]


def test_keys_by_info() -> None:
    line = Line()
    line.live()
    relay = "application/dtmf-relay"
    info = line.request("INFO", cseq=2, body="Signal=5\r\nDuration=160\r\n", kind=relay)
    assert line.hears(info) == ["> 200 INFO", "KeyInfoReceived 5"]
    assert line.hears(info) == ["> 200 INFO"]  # a repeat is no second key
    star = line.request("INFO", cseq=3, body="*", kind="application/dtmf")
    assert line.hears(star) == ["> 200 INFO", "KeyInfoReceived *"]
    hash_ = line.request("INFO", cseq=4, body="Signal= 11\r\n", kind=relay)
    assert line.hears(hash_) == ["> 200 INFO", "KeyInfoReceived #"]
    assert line.hears(line.request("INFO", cseq=5, body="x", kind="text/plain")) == ["> 415 INFO"]
    assert line.hears(line.request("INFO", cseq=6, body="Signal=99", kind=relay)) == ["> 200 INFO"]
