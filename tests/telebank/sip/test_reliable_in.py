"""Reliable provisional responses to a caller (RFC 3262 sections 3 and 5), as scripts."""

import re

import pytest

from support.sip_line import NOTHING, SDP, Line
from telebank.sip import IllegalTransition, SipOptions

REQUIRED = "Require: 100rel\r\n"
SUPPORTED = "Supported: timer, 100rel\r\n"
OURS = SDP.replace("192.0.2.20", "192.0.2.10")


def offered(extra: str = REQUIRED, body: str = SDP, *, always: bool = False) -> Line:
    line = Line(SipOptions(reliable_always=always))
    assert line.hears(line.invite(body, extra=extra))[:2] == [
        "> 100 INVITE",
        "CallOffered" if body else "CallOffered late",
    ]
    return line


def progress(line: Line, status: int = 180, sdp: str = "") -> list[str]:
    return line.did(line.agent.progress(line.leg, status, sdp.encode(), line.now))


def answer(line: Line, sdp: str = OURS) -> list[str]:
    return line.did(line.agent.answer(line.leg, sdp.encode(), line.now))


def rseq(line: Line) -> int:
    said = next(m for m in reversed(line.sent) if b"\r\nRSeq: " in m)
    found = re.search(rb"\r\nRSeq: ([0-9]+)\r\n", said)
    assert found
    return int(found[1])


def prack(line: Line, *, rack: str = "", body: str = "", again: bool = False) -> list[str]:
    if not again:
        line.cseq += 1
    rack = rack or f"{rseq(line)} 1 INVITE"
    return line.hears(line.request("PRACK", extra=f"RAck: {rack}\r\n", body=body))


def acks(line: Line, body: str = "") -> list[str]:
    return line.hears(line.request("ACK", cseq=1, body=body))


def test_a_180_that_is_required_to_be_reliable() -> None:
    line = offered()
    assert line.did(line.agent.ring(line.leg, 0)) == ["> 180 INVITE"]
    ringing = line.last()
    assert ringing.first("require") == "100rel"
    assert 0 < int(ringing.first("rseq")) <= 2**31  # section 3: at random below 2**31, and one
    assert ringing.first("contact")  # it makes a dialog (RFC 3261 12.1.1)
    assert prack(line) == ["> 200 PRACK"]
    assert line.wait(60) == []
    assert answer(line) == ["> 200 INVITE"]
    assert line.last().body == OURS.encode()
    assert acks(line) == ["CallConfirmed"]
    assert line.hears(line.request("BYE", cseq=9)) == ["> 200 BYE", "CallEnded remote"]
    assert line.quiet() == NOTHING


def test_it_repeats_from_t1_doubling_without_a_bound_until_its_prack() -> None:
    line = offered()
    progress(line)
    assert line.wait(16) == [f"{at:g} > 180 INVITE" for at in (0.5, 1.5, 3.5, 7.5, 15.5)]
    assert prack(line) == ["> 200 PRACK"]
    assert line.wait(60) == []


def test_without_a_prack_the_invite_is_refused_after_64_t1() -> None:
    line = offered()
    progress(line)
    lines = line.wait(32)
    assert [text for text in lines if "180" not in text] == [
        "32 CallEnded timeout",
        "32 > 504 INVITE",
    ]
    assert line.quiet() == NOTHING


@pytest.mark.parametrize(
    ("extra", "always", "reliable"),
    [
        ("", True, False),
        (SUPPORTED, False, False),
        (SUPPORTED, True, True),
        (REQUIRED, False, True),
        ("Require: timer\r\nRequire: 100rel\r\n", False, True),
    ],
)
def test_who_gets_reliable_responses(extra: str, always: bool, reliable: bool) -> None:
    line = offered(extra, always=always)
    progress(line)
    assert bool(line.last().first("rseq")) is reliable
    assert line.wait(0.6) == (["0.5 > 180 INVITE"] if reliable else [])


def test_a_100_is_never_reliable() -> None:
    line = offered()
    assert line.last().first("rseq") == ""
    with pytest.raises(ValueError, match="101 to 199"):
        progress(line, 100)


@pytest.mark.parametrize(
    ("rack", "status"),
    [
        ("1 1 INVITE", 481),
        ("{rseq} 2 INVITE", 481),
        ("{rseq} 1 UPDATE", 481),
        ("{rseq} 1", 400),
        ("-1 1 INVITE", 400),
        ("", 400),
    ],
)
def test_a_prack_for_something_else_stops_nothing(rack: str, status: int) -> None:
    line = offered()
    progress(line)
    line.cseq += 1
    extra = f"RAck: {rack.format(rseq=rseq(line))}\r\n" if rack else ""
    assert line.hears(line.request("PRACK", extra=extra)) == [f"> {status} PRACK"]
    assert line.wait(0.5) == ["0.5 > 180 INVITE"]
    assert prack(line) == ["> 200 PRACK"]
    assert prack(line) == ["> 481 PRACK"]  # a second one finds nothing unacknowledged


def test_a_prack_that_comes_again_gets_the_same_answer() -> None:
    line = offered()
    progress(line)
    again = line.request("PRACK", cseq=2, extra=f"RAck: {rseq(line)} 1 INVITE\r\n")
    assert line.hears(again) == ["> 200 PRACK"]
    assert line.hears(again) == ["> 200 PRACK"]


def test_a_prack_of_no_call() -> None:
    line = Line()
    line.our_tag = "nobody"
    assert line.hears(line.request("PRACK", extra="RAck: 1 1 INVITE\r\n")) == ["> 481 PRACK"]


def test_the_second_one_waits_for_the_prack_of_the_first() -> None:
    line = offered()
    assert progress(line, 180) == ["> 180 INVITE"]
    first = rseq(line)
    assert progress(line, 183, OURS) == []
    assert progress(line, 183, OURS) == []  # the same once more is the same
    assert prack(line) == ["> 200 PRACK", "> 183 INVITE"]
    assert rseq(line) == first + 1  # section 3: one greater
    assert line.last().body == OURS.encode()
    assert prack(line) == ["> 200 PRACK"]
    assert line.wait(60) == []


def test_a_flood_of_progress_is_bounded() -> None:
    line = offered()
    for status in range(101, 190):
        progress(line, status)
    said = 0
    while prack(line)[1:]:
        said += 1
    assert said == 8


def test_a_2xx_waits_for_the_prack_of_a_session() -> None:
    """Section 3: it must not be sent before, so that the order of descriptions is plain."""
    line = offered()
    progress(line, 183, OURS)
    assert answer(line) == []
    with pytest.raises(IllegalTransition):
        answer(line)
    assert progress(line, 180) == []  # nothing new after the final answer is decided
    assert prack(line) == ["> 200 PRACK", "> 200 INVITE"]
    assert line.last().body == b""  # the answer was in the 183 (RFC 6337 3.1.1)
    assert acks(line) == ["CallConfirmed"]
    assert line.hears(line.request("BYE", cseq=9)) == ["> 200 BYE", "CallEnded remote"]
    assert line.quiet() == NOTHING


def test_a_2xx_need_not_wait_for_a_response_without_a_session() -> None:
    """Section 3: repeats stop, a PRACK that comes later is taken all the same."""
    line = offered()
    progress(line)
    assert answer(line) == ["> 200 INVITE"]
    assert acks(line) == ["CallConfirmed"]
    assert line.wait(40) == []
    assert prack(line) == ["> 200 PRACK"]


def test_a_refusal_need_not_wait() -> None:
    line = offered()
    progress(line, 183, OURS)
    assert line.did(line.agent.refuse(line.leg, 486, 0)) == ["> 486 INVITE", "CallEnded local"]
    assert all("183" not in text for text in line.wait(31))
    assert line.quiet() == NOTHING


@pytest.mark.parametrize("held", [False, True])
def test_cancel_while_a_prack_is_awaited(held: bool) -> None:
    line = Line()
    line.hears(line.invite(extra=REQUIRED, branch="z9hG4bKinv"))
    progress(line, 183, OURS)
    if held:
        answer(line)
    cancel = line.request("CANCEL", branch="z9hG4bKinv", to_tag=False)
    assert line.hears(cancel) == ["> 200 CANCEL", "> 487 INVITE", "CallEnded cancel"]
    assert line.quiet() == NOTHING


def test_hanging_up_while_the_200_waits() -> None:
    line = offered()
    progress(line, 183, OURS)
    answer(line)
    assert line.did(line.agent.hang_up(line.leg, 0)) == ["> 487 INVITE", "CallEnded local"]
    assert line.quiet() == NOTHING


def test_an_invite_that_comes_again_gets_the_reliable_response_again() -> None:
    line = Line()
    invite = line.invite(extra=REQUIRED, branch="z9hG4bKinv")
    line.hears(invite)
    progress(line)
    sent = line.sent[-1]
    assert line.hears(invite) == ["> 180 INVITE"]
    assert line.sent[-1] == sent


# Section 5: offers and answers


def test_an_early_answer_and_another_offer_in_the_prack() -> None:
    line = offered()
    progress(line, 183, OURS)
    assert prack(line, body=SDP) == ["OfferReceived"]
    assert answer(line) == ["> 200 PRACK"]
    assert line.last().body == OURS.encode()
    assert answer(line) == ["> 200 INVITE"]
    assert line.last().body == b""
    assert acks(line) == ["CallConfirmed"]


def test_the_200_waits_for_our_answer_to_the_offer_in_the_prack() -> None:
    line = offered()
    progress(line, 183, OURS)
    answer(line)
    assert prack(line, body=SDP) == ["OfferReceived"]
    assert answer(line) == ["> 200 PRACK", "> 200 INVITE"]
    assert acks(line) == ["CallConfirmed"]


def test_an_offer_in_the_prack_that_nobody_answers_is_refused() -> None:
    line = offered()
    progress(line, 183, OURS)
    prack(line, body=SDP)
    assert line.wait(10) == ["10 > 488 PRACK"]
    assert answer(line) == ["> 200 INVITE"]


def test_an_offer_in_a_prack_while_the_first_has_no_answer() -> None:
    line = offered()
    progress(line)
    assert prack(line, body=SDP) == ["> 500 PRACK"]
    assert 0 <= int(line.last().first("retry-after")) <= 10
    assert prack(line) == ["> 200 PRACK"]


def test_a_prack_whose_session_nobody_can_read() -> None:
    line = offered()
    progress(line, 183, OURS)
    assert prack(line, body="v=0\r\nrubbish\r\n") == ["> 400 PRACK"]
    line.cseq += 1
    text = line.request(
        "PRACK", extra=f"RAck: {rseq(line)} 1 INVITE\r\n", body="x", kind="text/plain"
    )
    assert line.hears(text) == ["> 415 PRACK"]
    assert prack(line) == ["> 200 PRACK"]


def test_a_late_offer_in_a_reliable_183_is_answered_in_the_prack() -> None:
    line = offered(body="")
    assert progress(line, 183, OURS) == ["> 183 INVITE"]
    assert line.last().body == OURS.encode()
    assert answer(line) == []
    assert prack(line, body=SDP) == ["> 200 PRACK", "OfferAnswered", "> 200 INVITE"]
    assert line.last().body == b""
    assert acks(line) == ["CallConfirmed"]


def test_a_late_offer_in_a_reliable_183_without_an_answer_ends_the_call() -> None:
    line = offered(body="")
    progress(line, 183, OURS)
    assert prack(line) == ["> 400 PRACK", "CallEnded error", "> 500 INVITE"]
    assert line.quiet() == NOTHING


def test_a_required_180_needs_an_offer_where_the_invite_has_none() -> None:
    """RFC 3261 13.2.1: the first reliable non-failure response has to hold it. Not said at all."""
    line = offered(body="")
    assert progress(line) == []
    assert answer(line) == ["> 200 INVITE"]
    assert acks(line, SDP) == ["CallConfirmed answer"]


def test_a_supported_180_without_an_offer_is_said_unreliably() -> None:
    line = offered(SUPPORTED, body="", always=True)
    assert progress(line) == ["> 180 INVITE"]
    assert line.last().first("rseq") == ""
    assert progress(line, 183, OURS) == ["> 183 INVITE"]
    assert line.last().first("rseq") != ""


def test_early_media_without_reliability() -> None:
    line = offered("")
    assert progress(line, 183, OURS) == ["> 183 INVITE"]
    assert line.last().body == OURS.encode()
    assert answer(line) == ["> 200 INVITE"]
    assert line.last().body == OURS.encode()  # RFC 3261 13.2.1: the answer is the one in the 200
    late = offered("", body="")
    progress(late, 183, OURS)
    assert late.last().body == b""  # an offer may not be in an unreliable response


def test_bye_in_an_early_dialog_with_a_prack_open() -> None:
    line = offered()
    progress(line, 183, OURS)
    prack(line, body=SDP)
    bye = line.hears(line.request("BYE", cseq=9))
    assert bye == ["> 200 BYE", "> 487 INVITE", "> 487 PRACK", "CallEnded remote"]
    assert line.quiet() == NOTHING
