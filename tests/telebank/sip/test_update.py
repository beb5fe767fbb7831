"""UPDATE both ways (RFC 3311), and offers of ours before the final answer, as scripts."""

import pytest

from support.sip_line import NOTHING, SDP, Line
from telebank.sip import SipOptions
from telebank.sip.message import Request

OURS = SDP.replace("192.0.2.20", "192.0.2.10")
ALLOW = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK\r\n"
REQUIRED = "Require: 100rel\r\n" + ALLOW


def update(line: Line, body: str = SDP, **more: str) -> list[str]:
    line.cseq += 1
    return line.hears(line.request("UPDATE", body=body, **more))  # type: ignore[arg-type]


def answer(line: Line, sdp: str = OURS) -> list[str]:
    return line.did(line.agent.answer(line.leg, sdp.encode(), line.now))


def reoffer(line: Line) -> list[str]:
    return line.did(line.agent.reoffer(line.leg, OURS.encode(), line.now))


def early(*, prack: bool = True) -> Line:
    """A call that comes in, with a session in our reliable 183."""
    line = Line()
    line.hears(line.invite(extra=REQUIRED))
    line.did(line.agent.progress(line.leg, 183, OURS.encode(), 0))
    if prack:
        rack = line.last().first("rseq")
        line.cseq += 1
        line.hears(line.request("PRACK", extra=f"RAck: {rack} 1 INVITE\r\n"))
    return line


def ringing(
    sdp: bytes | None = OURS.encode(), body: str = SDP, *, prack: bool = True
) -> tuple[Line, bytes]:
    """A call of ours with a reliable 183."""
    line = Line()
    line.place(sdp)
    invite = line.sent[-1]
    extra = f"Require: 100rel\r\nRSeq: 1\r\n{ALLOW}"
    line.hears(line.reply(invite, 183, body=body, extra=extra))
    line.our_tag = line.last().from_.tag
    if prack:
        line.hears(line.reply(line.sent[-1], 200))
    return line, invite


def theirs(line: Line, method: str, cseq: int, body: str = "") -> list[str]:
    """A request of the called side, in the dialog that its tag makes."""
    invite = next(m for m in line.sent if m.startswith(b"INVITE"))
    call_id = next(w[9:] for w in invite.decode().split("\r\n") if w.startswith("Call-ID: "))
    text = line.request(method, body=body, cseq=cseq)
    text = text.replace("<sip:alice@peer>;tag=peer", "<sip:bob@peer>;tag=bob")
    return line.hears(text.replace(line.call_id, call_id))


# Theirs


def test_an_update_without_a_session_refreshes_the_target() -> None:
    line = Line()
    line.live()
    line.cseq += 1
    text = line.request("UPDATE").replace("alice@192.0.2.20:5062", "alice@192.0.2.20:5099")
    assert line.hears(text) == ["> 200 UPDATE"]
    assert line.last().first("contact")  # RFC 3311 5.2: target refresh both ways
    line.did(line.agent.hang_up(line.leg, 0))
    bye = line.last()
    assert isinstance(bye, Request)
    assert bye.uri == "sip:alice@192.0.2.20:5099"


def test_an_update_with_an_offer_in_a_call() -> None:
    line = Line()
    line.live()
    assert update(line) == ["OfferReceived"]
    assert answer(line) == ["> 200 UPDATE"]
    assert line.last().body == OURS.encode()
    assert line.wait(60) == []  # no ACK is awaited


def test_an_offer_that_is_refused_leaves_the_session() -> None:
    line = Line()
    line.live()
    update(line)
    assert line.did(line.agent.refuse(line.leg, 488, 0)) == ["> 488 UPDATE"]
    assert update(line) == ["OfferReceived"]


def test_an_update_before_the_answer_is_given() -> None:
    """RFC 3311 5.2: their offer in the INVITE is still open: 500 with Retry-After."""
    line = Line()
    line.hears(line.invite())
    line.did(line.agent.ring(line.leg, 0))
    assert update(line) == ["> 500 UPDATE"]
    assert 0 <= int(line.last().first("retry-after")) <= 10
    line.did(line.agent.progress(line.leg, 183, OURS.encode(), 0))
    assert update(line) == ["> 500 UPDATE"]  # an unreliable answer is none
    assert update(line, "") == ["> 200 UPDATE"]  # no offer: the target alone


def test_an_update_before_the_final_answer() -> None:
    line = early()
    assert update(line) == ["OfferReceived"]
    assert answer(line) == ["> 200 UPDATE"]
    assert answer(line) == ["> 200 INVITE"]
    assert line.last().body == b""
    assert line.hears(line.request("ACK", cseq=1)) == ["CallConfirmed"]


def test_the_final_answer_waits_for_theirs() -> None:
    line = early()
    update(line)
    assert update(line) == ["> 500 UPDATE"]  # one at a time
    assert update(line, "") == ["> 500 UPDATE"]
    assert answer(line) == ["> 200 UPDATE"]
    assert answer(line) == ["> 200 INVITE"]


def test_an_update_while_our_offer_in_a_183_is_open() -> None:
    """RFC 3311 5.2: an offer of ours has no answer: 491."""
    line = Line()
    line.hears(line.invite("", extra=REQUIRED))
    line.did(line.agent.progress(line.leg, 183, OURS.encode(), 0))
    assert update(line) == ["> 491 UPDATE"]


@pytest.mark.parametrize("how", ["cancel", "bye", "refuse", "hang up"])
def test_an_open_update_is_answered_when_the_call_ends(how: str) -> None:
    line = Line()
    line.hears(line.invite(extra=REQUIRED, branch="z9hG4bKinv"))
    line.did(line.agent.progress(line.leg, 183, OURS.encode(), 0))
    rack = line.last().first("rseq")
    line.cseq += 1
    line.hears(line.request("PRACK", extra=f"RAck: {rack} 1 INVITE\r\n"))
    update(line)
    if how == "cancel":
        done = line.hears(line.request("CANCEL", branch="z9hG4bKinv", to_tag=False, cseq=1))
    elif how == "bye":
        done = line.hears(line.request("BYE", cseq=9))
    elif how == "refuse":  # the first refusal is the offer's
        done = line.did(line.agent.refuse(line.leg, 488, 0))
        done += line.did(line.agent.refuse(line.leg, 486, 0))
        assert done == ["> 488 UPDATE", "> 486 INVITE", "CallEnded local"]
    else:
        done = line.did(line.agent.hang_up(line.leg, 0))
    assert any(text.endswith("UPDATE") and not text.startswith("> 200") for text in done)
    assert line.quiet() == NOTHING


def test_an_update_of_the_called_side_before_it_answers() -> None:
    line, invite = ringing()
    assert theirs(line, "UPDATE", 1, SDP) == ["OfferReceived"]
    assert answer(line) == ["> 200 UPDATE"]
    assert line.hears(line.reply(invite, 200)) == ["> ACK", "CallAnswered"]


def test_an_update_of_the_called_side_that_is_open_when_it_answers() -> None:
    line, invite = ringing()
    theirs(line, "UPDATE", 1, SDP)
    assert line.hears(line.reply(invite, 200)) == ["> ACK", "CallAnswered"]
    assert answer(line) == ["> 200 UPDATE"]


def test_an_update_of_the_called_side_while_our_offer_is_open() -> None:
    line, _ = ringing(body="")
    assert theirs(line, "UPDATE", 1, SDP) == ["> 491 UPDATE"]


def test_our_update_waits_for_the_answer_to_our_prack() -> None:
    """One that overtook the PRACK would put it out of order (RFC 3261 12.2.2)."""
    line, _ = ringing(prack=False)
    prack = line.sent[-1]
    assert reoffer(line) == ["OfferRefused 491"]
    line.hears(line.reply(prack, 200))
    assert reoffer(line) == ["> UPDATE"]


def test_an_update_of_the_called_side_before_anything_was_offered() -> None:
    line, _ = ringing(None, body="")
    assert theirs(line, "UPDATE", 1, SDP) == ["> 500 UPDATE"]


def test_an_open_update_of_the_called_side_ends_with_the_call() -> None:
    line, invite = ringing()
    theirs(line, "UPDATE", 1, SDP)
    got = line.hears(line.reply(invite, 486, "Busy"))
    assert got == ["> ACK", "> 487 UPDATE", "CallRefused 486 Busy"]
    assert line.quiet() == NOTHING


# Ours


def test_our_offer_before_the_final_answer_is_an_update() -> None:
    line = early()
    assert reoffer(line) == ["> UPDATE"]
    ours = line.sent[-1]
    assert answer(line) == []  # the 200 waits for it
    assert line.hears(line.reply(ours, 200, body=SDP)) == ["OfferAnswered", "> 200 INVITE"]
    assert line.hears(line.request("ACK", cseq=1)) == ["CallConfirmed"]


@pytest.mark.parametrize("status", [488, 408, 500])
def test_our_offer_before_the_final_answer_is_refused(status: int) -> None:
    line = early()
    reoffer(line)
    ours = line.sent[-1]
    answer(line)
    got = line.hears(line.reply(ours, status))
    assert got == [f"OfferRefused {status}", "> 200 INVITE"]


def test_our_update_meets_theirs() -> None:
    line = early()
    reoffer(line)
    ours = line.sent[-1]
    assert update(line) == ["> 491 UPDATE"]
    assert line.hears(line.reply(ours, 491)) == []
    again = line.wait(2.1)
    assert [text.split(" ", 1)[1] for text in again][:1] == ["> UPDATE"]
    assert line.hears(line.reply(line.sent[-1], 200, body=SDP)) == ["OfferAnswered"]


def test_no_offer_of_ours_before_one_is_agreed_reliably() -> None:
    line = early(prack=True)
    assert reoffer(line) == ["> UPDATE"]
    for other in (Line(), Line(SipOptions(reliable_always=True))):
        other.hears(other.invite(extra=ALLOW))
        assert reoffer(other) == ["OfferRefused 491"]


def test_no_offer_of_ours_before_the_prack_of_our_answer() -> None:
    """RFC 3311 5.1: the called side waits for it."""
    assert reoffer(early(prack=False)) == ["OfferRefused 491"]


def test_no_update_to_who_does_not_take_it() -> None:
    line = Line()
    line.hears(line.invite(extra="Require: 100rel\r\nAllow: INVITE, ACK, PRACK\r\n"))
    line.did(line.agent.progress(line.leg, 183, OURS.encode(), 0))
    assert reoffer(line) == ["OfferRefused 491"]


def test_our_update_as_the_calling_side() -> None:
    line, invite = ringing()
    assert reoffer(line) == ["> UPDATE"]
    ours = line.sent[-1]
    assert line.last().cseq == 3  # after INVITE and PRACK
    assert line.hears(line.reply(invite, 200)) == ["> ACK", "CallAnswered"]
    assert line.hears(line.reply(ours, 200, body=SDP)) == ["OfferAnswered"]
    assert reoffer(line) == ["> INVITE"]  # once it is answered: re-INVITE


def test_our_update_is_withdrawn_after_a_491() -> None:
    line = early()
    reoffer(line)
    line.hears(line.reply(line.sent[-1], 491))
    assert answer(line) == []
    assert line.did(line.agent.withdraw(line.leg, 0)) == ["OfferRefused 491", "> 200 INVITE"]


def test_hanging_up_with_an_update_of_ours_out() -> None:
    line, invite = ringing()
    reoffer(line)
    ours = line.sent[-1]
    line.did(line.agent.hang_up(line.leg, 0))
    assert line.hears(line.reply(ours, 491)) == []
    line.hears(line.reply(invite, 487))
    assert line.quiet() == NOTHING
