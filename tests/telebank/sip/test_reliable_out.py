"""Reliable provisional responses to calls of ours (RFC 3262 sections 4 and 5), as scripts."""

import pytest

from support.sip_line import NOTHING, SDP, Line
from telebank.sip.message import Request

OURS = SDP.replace("192.0.2.20", "192.0.2.10")


def calling(sdp: bytes | None = OURS.encode()) -> tuple[Line, bytes]:
    line = Line()
    assert line.place(sdp) == ["> INVITE"]
    return line, line.sent[-1]


def progress(
    line: Line, invite: bytes, rseq: int, *, body: str = "", status: int = 180, tag: str = "bob",
    allow: str = "Allow: INVITE, PRACK, UPDATE\r\n",
) -> list[str]:  # fmt: skip
    extra = f"Require: 100rel\r\nRSeq: {rseq}\r\n{allow}"
    return line.hears(line.reply(invite, status, tag=tag, body=body, extra=extra))


def last_prack(line: Line) -> Request:
    prack = line.last()
    assert isinstance(prack, Request)
    assert prack.method == "PRACK"
    return prack


def test_we_say_that_we_support_it() -> None:
    line, _ = calling()
    assert "100rel" in line.last().first("supported").split(", ")
    assert "PRACK" in line.last().first("allow").split(", ")


def test_a_reliable_180_gets_its_prack() -> None:
    line, invite = calling()
    assert progress(line, invite, 776) == ["> PRACK", "CallRinging 180"]
    prack = last_prack(line)
    assert prack.first("rack") == "776 1 INVITE"
    assert prack.cseq == 2
    assert prack.to.tag == "bob"
    assert prack.uri == "sip:bob@192.0.2.20:5062"  # the target of its Contact
    assert line.hears(line.reply(line.sent[-1], 200)) == []
    assert line.hears(line.reply(invite, 200, body=SDP)) == ["> ACK", "CallAnswered"]
    ack = line.last()
    assert ack.cseq == 1
    assert line.did(line.agent.hang_up(line.leg, 0)) == ["CallEnded local", "> BYE"]
    assert line.last().cseq == 3  # the numbers of the early dialog go on
    line.hears(line.reply(line.sent[-1], 200))
    assert line.quiet() == NOTHING


def test_a_response_that_comes_again_gets_no_second_prack() -> None:
    """Section 4: a retransmission is discarded; the PRACK repeats by its own transaction."""
    line, invite = calling()
    progress(line, invite, 5)
    assert progress(line, invite, 5) == []
    assert line.wait(0.5) == ["0.5 > PRACK"]


def test_only_the_next_in_order_is_taken() -> None:
    line, invite = calling()
    assert progress(line, invite, 5) == ["> PRACK", "CallRinging 180"]
    assert progress(line, invite, 7) == []
    assert progress(line, invite, 4) == []
    assert progress(line, invite, 6, status=183) == ["> PRACK", "CallRinging 183"]
    assert progress(line, invite, 7) == ["> PRACK", "CallRinging 180"]


@pytest.mark.parametrize("rseq", ["0", "4294967296", "x", "99999999999", ""])
def test_an_rseq_that_is_none(rseq: str) -> None:
    line, invite = calling()
    extra = f"Require: 100rel\r\nRSeq: {rseq}\r\n"
    assert line.hears(line.reply(invite, 180, extra=extra)) == []


def test_an_rseq_without_require_is_not_acknowledged() -> None:
    line, invite = calling()
    assert line.hears(line.reply(invite, 180, extra="RSeq: 5\r\n")) == ["CallRinging 180"]


def test_an_early_answer_makes_the_200_free_of_one() -> None:
    line, invite = calling()
    assert progress(line, invite, 5, body=SDP, status=183) == ["> PRACK", "CallRinging 183 early"]
    assert last_prack(line).body == b""
    assert line.hears(line.reply(invite, 200)) == ["> ACK", "CallAnswered"]


def test_the_answer_in_the_200_after_an_early_one_says_nothing_new() -> None:
    """RFC 3261 13.2.1: what follows the first answer is not looked at."""
    line, invite = calling()
    progress(line, invite, 5, body=SDP, status=183)
    line.hears(line.reply(invite, 200, body=SDP.replace("40000", "40009")))
    answered = line.commands[-1]
    assert answered.answer.audio.port == 40000  # type: ignore[union-attr]


def test_an_early_offer_is_answered_in_our_prack() -> None:
    line, invite = calling(None)
    got = progress(line, invite, 5, body=SDP, status=183)
    assert got == ["CallRinging 183", "OfferReceived"]
    assert progress(line, invite, 5, body=SDP, status=183) == []  # again, while we make the answer
    assert line.did(line.agent.answer(line.leg, OURS.encode(), 0)) == ["> PRACK"]
    assert last_prack(line).body == OURS.encode()
    assert line.hears(line.reply(line.sent[-1], 200)) == []
    assert line.hears(line.reply(invite, 200)) == ["> ACK", "CallAnswered"]
    assert line.last().body == b""


def test_an_early_offer_that_is_refused_gives_the_call_up() -> None:
    line, invite = calling(None)
    progress(line, invite, 5, body=SDP, status=183)
    assert line.did(line.agent.refuse(line.leg, 488, 0)) == ["CallEnded local", "> CANCEL"]
    line.hears(line.reply(line.sent[-1], 200))
    assert line.hears(line.reply(invite, 487)) == ["> ACK"]
    assert line.quiet() == NOTHING


def test_an_early_offer_that_nobody_answers_gives_the_call_up() -> None:
    line, invite = calling(None)
    progress(line, invite, 5, body=SDP, status=183)
    assert line.wait(10) == ["10 CallEnded local", "10 > CANCEL"]


def test_a_200_before_our_prack_held_the_answer_ends_the_call() -> None:
    """The called side broke section 3: it had to wait for the PRACK."""
    line, invite = calling(None)
    progress(line, invite, 5, body=SDP, status=183)
    assert line.hears(line.reply(invite, 200)) == ["> ACK", "CallEnded error", "> BYE"]
    line.hears(line.reply(line.sent[-1], 200))
    assert line.quiet() == NOTHING


def test_a_late_offer_in_the_200_after_a_reliable_180() -> None:
    line, invite = calling(None)
    assert progress(line, invite, 5) == ["> PRACK", "CallRinging 180"]
    assert line.hears(line.reply(invite, 200, body=SDP)) == ["OfferReceived"]
    assert line.did(line.agent.answer(line.leg, OURS.encode(), 0)) == ["> ACK"]
    assert line.last().body == OURS.encode()


def test_each_branch_of_a_forked_call_has_its_own_order() -> None:
    line, invite = calling()
    assert progress(line, invite, 5, tag="one", body=SDP) == ["> PRACK", "CallRinging 180 early"]
    assert progress(line, invite, 900, tag="two", body=SDP.replace("40000", "40002")) == [
        "> PRACK",
        "CallRinging 180 early",
    ]
    assert last_prack(line).to.tag == "two"
    assert progress(line, invite, 901, tag="two") == ["> PRACK", "CallRinging 180 early"]
    assert last_prack(line).cseq == 3
    assert line.hears(line.reply(invite, 200, tag="two")) == ["> ACK", "CallAnswered"]
    answered = line.commands[-1]
    assert answered.answer.audio.port == 40002  # type: ignore[union-attr]
    line.did(line.agent.hang_up(line.leg, 0))
    bye = line.last()
    assert isinstance(bye, Request)
    assert (bye.to.tag, bye.cseq) == ("two", 4)
    line.hears(line.reply(line.sent[-1], 200))
    assert line.quiet() == NOTHING


def test_both_branches_answer() -> None:
    line, invite = calling()
    progress(line, invite, 5, tag="one")
    progress(line, invite, 9, tag="two")
    assert line.hears(line.reply(invite, 200, tag="one", body=SDP)) == ["> ACK", "CallAnswered"]
    assert line.hears(line.reply(invite, 200, tag="two", body=SDP)) == ["> ACK", "> BYE"]
    bye = line.last()
    assert isinstance(bye, Request)
    assert (bye.to.tag, bye.cseq) == ("two", 3)
    line.hears(line.reply(line.sent[-1], 200))
    line.did(line.agent.hang_up(line.leg, 0))
    line.hears(line.reply(line.sent[-1], 200))
    assert line.quiet() == NOTHING


def test_many_branches_are_bounded() -> None:
    line, invite = calling()
    taken = [progress(line, invite, 5, tag=f"t{number}") for number in range(20)]
    assert sum(bool(lines) for lines in taken) == 8


def test_a_prack_that_nobody_answers_leaves_the_invite_alone() -> None:
    line, invite = calling()
    progress(line, invite, 5)
    assert all(text.endswith("> PRACK") for text in line.wait(40))
    assert line.hears(line.reply(invite, 200, body=SDP)) == ["> ACK", "CallAnswered"]


def test_hanging_up_after_a_reliable_response_and_a_200_that_crosses() -> None:
    line, invite = calling()
    progress(line, invite, 5, body=SDP, status=183)
    assert line.did(line.agent.hang_up(line.leg, 0)) == ["CallEnded local", "> CANCEL"]
    assert progress(line, invite, 6) == []
    assert line.hears(line.reply(invite, 200)) == ["> ACK", "> BYE"]
    assert line.last().cseq == 3
    line.hears(line.reply(line.sent[-1], 200))
    assert line.quiet() == NOTHING


def test_a_refusal_after_a_reliable_response() -> None:
    line, invite = calling()
    progress(line, invite, 5, body=SDP, status=183)
    assert line.hears(line.reply(invite, 486, "Busy")) == ["> ACK", "CallRefused 486 Busy"]
    assert line.quiet() == NOTHING
