"""Session timers (RFC 4028), as scripts."""

import pytest

from support.sip_line import NOTHING, SDP, Line
from telebank.sip import SessionMoved, SipOptions
from telebank.sip.message import Request
from telebank.sip.session_timer import LONGEST

OURS = SDP.replace("192.0.2.20", "192.0.2.10")
TIMER = "Supported: timer\r\n"
ALLOW = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE\r\n"
OPTIONS = SipOptions(session_expires=1800)


def called(extra: str, options: SipOptions = OPTIONS) -> Line:
    """A call that comes in, up to our 200 and its ACK."""
    line = Line(options)
    assert line.hears(line.invite(extra=extra)) == ["> 100 INVITE", "CallOffered"]
    assert line.did(line.agent.answer(line.leg, OURS.encode(), 0)) == ["> 200 INVITE"]
    return line


def acked(extra: str, options: SipOptions = OPTIONS) -> Line:
    line = called(extra, options)
    assert line.hears(line.request("ACK")) == ["CallConfirmed"]
    return line


def talking(extra: str = "", options: SipOptions = OPTIONS) -> Line:
    """A call of ours, answered."""
    line = Line(options)
    line.place(OURS.encode())
    assert line.hears(line.reply(line.sent[-1], 200, body=SDP, extra=extra))[-1] == "CallAnswered"
    return line


def refresh(line: Line, method: str = "UPDATE", extra: str = "", body: str = "") -> list[str]:
    line.cseq += 1
    return line.hears(line.request(method, extra=TIMER + ALLOW + extra, body=body))


# Section 9: the answering side, table 2


@pytest.mark.parametrize(
    ("asked", "said", "required"),
    [
        ("", "", False),  # no support: nothing to run
        (TIMER, "1800;refresher=uac", True),
        (TIMER + "Session-Expires: 600\r\n", "600;refresher=uac", True),
        (TIMER + "x: 600;refresher=uac\r\n", "600;refresher=uac", True),
        (TIMER + "Session-Expires: 600; refresher=UAS\r\n", "600;refresher=uas", True),
        (TIMER + "Session-Expires: 7200\r\n", "1800;refresher=uac", True),
        (TIMER + "Session-Expires: 7200\r\nMin-SE: 3600\r\n", "3600;refresher=uac", True),
        (TIMER + "Min-SE: 3600\r\n", "3600;refresher=uac", True),
        ("Require: timer\r\nSession-Expires: 90\r\n", "90;refresher=uac", True),
        # A proxy put it in, the caller knows no timers: the refresher is us.
        ("Session-Expires: 600\r\n", "600;refresher=uas", False),
        ("Session-Expires: 30\r\n", "", False),
    ],
)
def test_what_the_200_says(asked: str, said: str, required: bool) -> None:
    line = called(asked)
    answer = line.last()
    assert answer.first("session-expires") == said
    assert (answer.first("require") == "timer") is required
    assert "timer" in answer.first("supported").split(", ")


def test_a_session_that_would_be_too_short_is_refused_with_422() -> None:
    line = Line(SipOptions(min_se=120))
    extra = TIMER + "Session-Expires: 100\r\n"
    assert line.hears(line.invite(extra=extra)) == ["> 422 INVITE"]
    assert line.last().first("min-se") == "120"
    assert line.quiet() == NOTHING


@pytest.mark.parametrize(
    "line",
    ["Session-Expires: x", "Session-Expires: 0", "Session-Expires: 600;refresher=me",
     "Session-Expires: 99999999999", "Min-SE: -1"],
)  # fmt: skip
def test_what_nobody_can_read_is_refused(line: str) -> None:
    other = Line()
    assert other.hears(other.invite(extra=f"{TIMER}{line}\r\n")) == ["> 400 INVITE"]


def test_without_session_timers_none_is_spoken_of() -> None:
    options = SipOptions(session_expires=0)
    line = called(TIMER + "Session-Expires: 600\r\n", options)
    assert line.last().first("session-expires") == ""
    assert line.last().first("supported") == "100rel"
    other = Line(options)
    assert other.hears(other.invite(extra="Require: timer\r\n")) == ["> 420 INVITE"]
    other.place()
    assert other.last().first("session-expires") == ""


# Section 10: who does not refresh


@pytest.mark.parametrize(("seconds", "bye_at"), [(1800, 1768), (600, 568), (90, 60)])
def test_a_session_that_nobody_refreshes_ends_before_its_time(seconds: int, bye_at: int) -> None:
    """At the smaller of 32 seconds and a third of the interval before its end."""
    line = acked(f"{TIMER}Session-Expires: {seconds};refresher=uac\r\n")
    assert line.wait(bye_at - 1) == []
    assert line.wait(2)[:2] == [f"{bye_at} CallEnded timeout", f"{bye_at} > BYE"]
    line.hears(line.reply(line.sent[-1], 200))
    assert line.quiet() == NOTHING


@pytest.mark.parametrize(("method", "body"), [("UPDATE", ""), ("INVITE", SDP), ("UPDATE", SDP)])
def test_their_refresh_begins_the_interval_anew(method: str, body: str) -> None:
    line = acked(TIMER + "Session-Expires: 600;refresher=uac\r\n")
    line.wait(300)
    done = refresh(line, method, "Session-Expires: 600;refresher=uac\r\n", body)
    if body:
        assert done[-1] == "OfferReceived"
        done = line.did(line.agent.answer(line.leg, OURS.encode(), line.now))
    assert done == [f"> 200 {method}"]
    assert line.last().first("session-expires") == "600;refresher=uac"
    if method == "INVITE":
        line.hears(line.request("ACK"))
    assert line.wait(567) == []
    assert line.wait(2)[:1] == ["868 CallEnded timeout"]


def test_a_refresh_that_says_nothing_of_timers_keeps_the_refresher() -> None:
    line = acked(TIMER + "Session-Expires: 600;refresher=uas\r\n")
    assert refresh(line) == ["> 200 UPDATE"]
    assert line.last().first("session-expires") == "1800;refresher=uas"


def test_a_refresh_of_who_lost_his_timers_ends_them() -> None:
    line = acked(TIMER + "Session-Expires: 600;refresher=uac\r\n")
    line.cseq += 1
    assert line.hears(line.request("UPDATE")) == ["> 200 UPDATE"]
    assert line.wait(5_000) == []


def test_a_refresh_that_is_too_short() -> None:
    line = acked(TIMER + "Session-Expires: 600;refresher=uac\r\n")
    assert refresh(line, extra="Session-Expires: 60\r\n") == ["> 422 UPDATE"]
    assert line.last().first("min-se") == "90"
    assert refresh(line, "INVITE", "Session-Expires: 60\r\n", SDP)[-1] == "> 422 INVITE"
    assert line.hears(line.request("BYE", cseq=9)) == ["> 200 BYE", "CallEnded remote"]
    assert line.quiet() == NOTHING


# Section 7: the asking side


def test_our_invite() -> None:
    line = Line()
    line.place()
    invite = line.last()
    assert invite.first("session-expires") == "1800"
    assert invite.first("min-se") == ""  # 90 is what it is without
    assert "timer" in invite.first("supported").split(", ")
    other = Line(SipOptions(min_se=300))
    other.place()
    assert other.last().first("min-se") == "300"


def test_a_422_is_asked_again_with_what_it_says() -> None:
    line = Line()
    line.place()
    first = line.sent[-1]
    assert line.hears(line.reply(first, 422, extra="Min-SE: 3600\r\n")) == ["> ACK", "> INVITE"]
    again = line.last()
    assert isinstance(again, Request)
    assert again.first("session-expires") == "3600"
    assert again.first("min-se") == "3600"
    assert (again.cseq, again.to.tag) == (2, "")
    assert again.call_id.encode() in first  # section 7.3: a new CSeq, the same Call-ID
    got = line.hears(line.reply(line.sent[-1], 200, body=SDP))
    assert got == ["> ACK", "CallAnswered"]
    assert line.last().cseq == 2


def test_422s_end() -> None:
    line = Line()
    line.place()
    for seconds in (2000, 2001, 2002, 2003):
        again = line.hears(line.reply(line.sent[-1], 422, extra=f"Min-SE: {seconds}\r\n"))
        assert again == ["> ACK", "> INVITE"]
    last = line.reply(line.sent[-1], 422, "Small", extra="Min-SE: 2004\r\n")
    assert line.hears(last) == ["> ACK", "CallRefused 422 Small"]
    assert line.quiet() == NOTHING


@pytest.mark.parametrize("extra", ["", "Min-SE: 100\r\n", "Min-SE: x\r\n"])
def test_a_422_that_asks_for_nothing_more(extra: str) -> None:
    line = Line()
    line.place()
    got = line.hears(line.reply(line.sent[-1], 422, "Small", extra=extra))
    assert got == ["> ACK", "CallRefused 422 Small"]


def test_a_200_without_session_expires_is_no_timer() -> None:
    assert talking().wait(5_000) == []


def test_they_refresh_our_call() -> None:
    line = talking("Require: timer\r\nSession-Expires: 600;refresher=uas\r\n")
    assert line.wait(567) == []
    assert line.wait(2)[:1] == ["568 CallEnded timeout"]


def test_we_refresh_our_call() -> None:
    line = talking(ALLOW + "Require: timer\r\nSession-Expires: 600;refresher=uac\r\n")
    assert line.wait(300) == ["300 > UPDATE"]  # section 10: half of the interval
    update = line.last()
    assert update.first("session-expires") == "600;refresher=uac"
    assert update.body == b""
    ok = line.reply(line.sent[-1], 200, extra="Session-Expires: 600;refresher=uac\r\n")
    assert line.hears(ok) == []
    assert line.wait(300) == ["600 > UPDATE"]


def test_the_second_time_the_refresher_stays_who_he_is() -> None:
    """Section 7.4: in our re-INVITE the refresher is named as that request's sides are."""
    line = talking("Require: timer\r\nSession-Expires: 600;refresher=uas\r\n")
    line.did(line.agent.reoffer(line.leg, OURS.encode(), 0))
    assert line.last().first("session-expires") == "600;refresher=uas"
    assert line.last().first("supported") == "timer"  # 100rel is for what rings
    ok = line.reply(line.sent[-1], 200, body=SDP, extra="Session-Expires: 600;refresher=uas\r\n")
    line.wait(10)
    assert line.hears(ok) == ["> ACK", "OfferAnswered"]
    assert line.wait(567) == []
    assert line.wait(2)[:1] == ["578 CallEnded timeout"]


# Our refresh


def ours(extra: str = "") -> Line:
    """A caller whom we refresh."""
    return acked(f"{TIMER}{extra}Session-Expires: 600;refresher=uas\r\n")


def test_we_refresh_a_caller_by_update() -> None:
    line = ours(ALLOW)
    assert line.wait(300) == ["300 > UPDATE"]
    assert line.last().first("session-expires") == "600;refresher=uac"
    ok = line.reply(line.sent[-1], 200, extra="Session-Expires: 600;refresher=uac\r\n")
    assert line.hears(ok) == []
    assert line.hears(line.request("BYE", cseq=9)) == ["> 200 BYE", "CallEnded remote"]
    assert line.quiet() == NOTHING


def test_we_refresh_by_reinvite_with_the_same_octets() -> None:
    line = ours()
    assert line.wait(300) == ["300 > INVITE"]
    assert line.last().body == OURS.encode()  # section 7.4: o= and all
    ok = line.reply(line.sent[-1], 200, body=SDP, extra="Session-Expires: 600;refresher=uac\r\n")
    assert line.hears(ok) == ["> ACK"]  # the application hears nothing of it
    assert line.wait(300) == ["600 > INVITE"]


def test_an_answer_with_another_session_is_told() -> None:
    line = ours()
    line.wait(300)
    moved = SDP.replace("40000", "40008")
    ok = line.reply(line.sent[-1], 200, body=moved, extra="Session-Expires: 600\r\n")
    assert line.hears(ok) == ["> ACK", "SessionMoved"]
    fact = line.commands[-1]
    assert isinstance(fact, SessionMoved)
    assert fact.answer.audio is not None
    assert fact.answer.audio.port == 40008
    assert fact.offer.address == "192.0.2.10"


def test_a_refresh_without_a_session_in_its_answer() -> None:
    line = ours()
    line.wait(300)
    ok = line.reply(line.sent[-1], 200, extra="Session-Expires: 600;refresher=uac\r\n")
    assert line.hears(ok) == ["> ACK"]
    assert line.wait(300) == ["600 > INVITE"]


def test_a_200_without_session_expires_ends_the_timer() -> None:
    """Section 7.2."""
    line = ours(ALLOW)
    line.wait(300)
    assert line.hears(line.reply(line.sent[-1], 200)) == []
    assert line.wait(5_000) == []


@pytest.mark.parametrize("status", [405, 501])
def test_a_side_that_knows_no_update_after_all(status: int) -> None:
    line = ours(ALLOW)
    line.wait(300)
    line.hears(line.reply(line.sent[-1], status))
    assert line.wait(0) == ["300 > INVITE"]


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_a_refresh_that_met_something_is_made_again(method: str) -> None:
    line = ours(ALLOW if method == "UPDATE" else "")
    line.wait(300)
    done = line.hears(line.reply(line.sent[-1], 491))
    assert done == (["> ACK"] if method == "INVITE" else [])
    assert line.wait(2.1)[0].endswith(f"> {method}")


def test_a_refresh_that_is_refused_is_tried_until_the_end_of_the_session() -> None:
    line = ours(ALLOW)
    done = line.wait(300)
    for _ in range(40):
        if line.sent[-1].startswith(b"UPDATE"):
            line.hears(line.reply(line.sent[-1], 500, extra="Retry-After: 90\r\n"))
        done += line.wait(10)
        if any("CallEnded" in text for text in done):
            break
    assert [text for text in done if "UPDATE" in text] == [
        "300 > UPDATE", "390 > UPDATE", "480 > UPDATE"
    ]  # fmt: skip
    assert "568 CallEnded timeout" in done
    line.hears(line.reply(line.sent[-1], 200))
    assert line.quiet() == NOTHING


def test_a_422_to_a_refresh() -> None:
    line = ours(ALLOW)
    line.wait(300)
    line.hears(line.reply(line.sent[-1], 422, extra="Min-SE: 900\r\n"))
    assert line.wait(0) == ["300 > UPDATE"]
    assert line.last().first("session-expires") == "900;refresher=uac"
    assert line.last().first("min-se") == "900"


@pytest.mark.parametrize("status", [408, 481])
def test_a_refresh_that_finds_nobody_ends_the_call(status: int) -> None:
    """Section 10: 408 and 481 by BYE."""
    line = ours(ALLOW)
    line.wait(300)
    assert line.hears(line.reply(line.sent[-1], status)) == ["CallEnded timeout", "> BYE"]
    line.hears(line.reply(line.sent[-1], 200))
    assert line.quiet() == NOTHING


@pytest.mark.parametrize("extra", [ALLOW, ""])
def test_a_refresh_that_nobody_answers_ends_the_call(extra: str) -> None:
    line = ours(extra)
    done = line.wait(340)
    assert "332 CallEnded timeout" in done
    assert line.quiet() == NOTHING


def test_a_refresh_waits_for_what_is_open() -> None:
    line = ours(ALLOW)
    line.wait(299)
    line.cseq += 1
    line.hears(line.request("INVITE", body=SDP, extra=TIMER + ALLOW))
    assert line.wait(2) == []
    line.did(line.agent.answer(line.leg, OURS.encode(), line.now))
    line.hears(line.request("ACK"))
    assert line.wait(200) == []  # their re-INVITE was a refresh itself


def test_our_offer_while_our_refresh_is_out() -> None:
    """A fax begins: by re-INVITE it waits, by UPDATE it need not."""
    line = ours()
    line.wait(300)
    refresh_sent = line.sent[-1]
    done = line.did(line.agent.reoffer(line.leg, OURS.encode(), line.now))
    assert done == ["OfferRefused 491"]
    line.hears(line.reply(refresh_sent, 200, body=SDP, extra="Session-Expires: 600\r\n"))
    assert line.did(line.agent.reoffer(line.leg, OURS.encode(), line.now)) == ["> INVITE"]
    other = ours(ALLOW)
    other.wait(300)
    assert other.did(other.agent.reoffer(other.leg, OURS.encode(), other.now)) == ["> INVITE"]


def test_the_refresh_of_a_fax_offers_the_fax() -> None:
    line = ours()
    fax = OURS.replace("m=audio 40000 RTP/AVP 8 0 97", "m=image 6000 udptl t38").split("a=")[0]
    line.wait(100)
    line.did(line.agent.reoffer(line.leg, fax.encode(), line.now))
    taken = fax.replace("192.0.2.10", "192.0.2.20")
    line.hears(
        line.reply(line.sent[-1], 200, body=taken, extra="Session-Expires: 600;refresher=uac\r\n")
    )
    assert line.wait(300) == ["400 > INVITE"]
    assert line.last().body == fax.encode()


def test_their_offer_while_our_update_is_out_is_heard() -> None:
    line = ours(ALLOW)
    line.wait(300)
    line.cseq += 1
    assert line.hears(line.request("INVITE", body=SDP)) == ["> 100 INVITE", "OfferReceived"]


def test_bad_options() -> None:
    for bad in ({"min_se": 89}, {"session_expires": 80}, {"session_expires": 200, "min_se": 300}):
        with pytest.raises(ValueError, match="sip option"):
            SipOptions(**bad)  # type: ignore[arg-type]


# The call ends while our refresh is out


@pytest.mark.parametrize("extra", [ALLOW, ""], ids=["UPDATE", "INVITE"])
@pytest.mark.parametrize("status", [0, 408, 422, 481, 491])
def test_a_refresh_that_is_out_when_we_hang_up_is_nobodys(extra: str, status: int) -> None:
    """Its answer, or none (0), says nothing to a call that is over: one BYE, and no more."""
    line = ours(extra)
    line.wait(300)
    refresh_sent = line.sent[-1]
    assert line.did(line.agent.hang_up(line.leg, line.now)) == ["CallEnded local", "> BYE"]
    if status:
        done = line.hears(line.reply(refresh_sent, status, extra="Min-SE: 900\r\n"))
        assert done == ([] if extra else ["> ACK"])
    assert line.quiet() == NOTHING
    assert line.agent.faults == 0
    byes = {data for data in line.sent if data.startswith(b"BYE")}
    assert len(byes) == 1


def test_they_hang_up_while_our_refresh_is_out() -> None:
    line = ours(ALLOW)
    line.wait(300)
    refresh_sent = line.sent[-1]
    assert line.hears(line.request("BYE", cseq=9)) == ["> 200 BYE", "CallEnded remote"]
    assert line.hears(line.reply(refresh_sent, 481)) == []
    assert line.quiet() == NOTHING
    assert line.agent.faults == 0


# Bounds


@pytest.mark.parametrize("seconds", [1, 89])
def test_a_200_below_90_seconds_counts_as_90(seconds: int) -> None:
    line = talking(f"{ALLOW}Require: timer\r\nSession-Expires: {seconds};refresher=uac\r\n")
    assert line.wait(44) == []
    assert line.wait(1) == ["45 > UPDATE"]
    other = talking(f"Require: timer\r\nSession-Expires: {seconds};refresher=uas\r\n")
    assert other.wait(59) == []
    assert other.wait(1)[:1] == ["60 CallEnded timeout"]


def test_no_session_is_left_alone_for_more_than_a_day() -> None:
    most = 2**31 - 1
    line = talking(f"Require: timer\r\nSession-Expires: {most};refresher=uas\r\n")
    assert line.wait(LONGEST)[0] == f"{LONGEST - 32} CallEnded timeout"
    other = called(f"{TIMER}Min-SE: {most}\r\nSession-Expires: {most};refresher=uas\r\n")
    assert other.last().first("session-expires") == f"{LONGEST};refresher=uas"
    third = Line()
    third.place()
    last = third.reply(third.sent[-1], 422, "Small", extra=f"Min-SE: {LONGEST + 1}\r\n")
    assert third.hears(last) == ["> ACK", "CallRefused 422 Small"]
