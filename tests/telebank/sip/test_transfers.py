"""REFER within calls and 3xx to calls of ours, of trusted sides alone (RFC 3515, RFC 4488)."""

import pytest

from support.sip_line import NOTHING, PEER, SDP, Line
from telebank.sip import BadUri, IllegalTransition, SipOptions
from telebank.sip.message import Request

TARGET = "sip:desk@192.0.2.30"


def live(*, trusted: bool = True) -> Line:
    line = Line(SipOptions(session_expires=0))
    line.live()
    if trusted:
        line.agent.trust(line.leg)
    return line


def refer(line: Line, extra: str = f"Refer-To: <{TARGET}>\r\n") -> list[str]:
    line.cseq += 1
    return line.hears(line.request("REFER", extra=extra))


def notify(
    line: Line, status: str = "SIP/2.0 200 OK", state: str = "terminated;reason=noresource",
    event: str = "refer", kind: str = "message/sipfrag;version=2.0",
) -> list[str]:  # fmt: skip
    line.cseq += 1
    extra = f"Event: {event}\r\nSubscription-State: {state}\r\n"
    body = f"{status}\r\n" if status else ""
    return line.hears(line.request("NOTIFY", extra=extra, body=body, kind=kind))


def fragment(line: Line) -> tuple[str, str]:
    sent = line.last()
    assert isinstance(sent, Request)
    assert sent.method == "NOTIFY"
    assert sent.content_type == "message/sipfrag"
    assert sent.first("event").startswith("refer;id=")
    return sent.body.decode().strip(), sent.first("subscription-state")


def transferred(line: Line, status: int) -> list[str]:
    return line.did(line.agent.transferred(line.leg, status, line.now))


# Theirs


def test_a_stranger_is_declined() -> None:
    line = live(trusted=False)
    assert refer(line) == ["> 603 REFER"]
    assert "REFER" not in line.last().first("allow")
    assert notify(line) == ["> 481 NOTIFY"]


@pytest.mark.parametrize("method", ["REFER", "NOTIFY"])
def test_outside_a_call_neither_is_taken(method: str) -> None:
    line = Line()
    assert line.hears(line.request(method, to_tag=False)) == [f"> 405 {method}"]


def test_a_trusted_side_asks_for_a_transfer() -> None:
    line = live()
    assert refer(line) == ["> 202 REFER", "> NOTIFY", f"TransferAsked {TARGET}"]
    assert fragment(line) == ("SIP/2.0 100 Trying", "active;expires=60")
    line.hears(line.reply(line.sent[-1], 200))
    assert transferred(line, 180) == ["> NOTIFY"]
    assert fragment(line) == ("SIP/2.0 180 Ringing", "active;expires=60")
    line.hears(line.reply(line.sent[-1], 200))
    assert transferred(line, 200) == ["> NOTIFY"]
    assert fragment(line) == ("SIP/2.0 200 OK", "terminated;reason=noresource")
    line.hears(line.reply(line.sent[-1], 200))
    assert transferred(line, 200) == []  # nobody waits any more
    assert line.hears(line.request("BYE", cseq=9)) == ["> 200 BYE", "CallEnded remote"]
    assert line.quiet() == NOTHING


def test_nobody_wants_to_be_told() -> None:
    """RFC 4488 section 4."""
    line = live()
    done = refer(line, f"Refer-To: <{TARGET}>\r\nRefer-Sub: false\r\n")
    assert done == ["> 202 REFER", f"TransferAsked {TARGET} silent"]
    answer = line.sent[-1]
    assert b"\r\nRefer-Sub: false\r\n" in answer
    assert transferred(line, 200) == []


def test_the_application_says_nothing() -> None:
    line = live()
    refer(line)
    line.hears(line.reply(line.sent[-1], 200))
    assert line.wait(60) == ["60 > NOTIFY"]
    assert fragment(line) == ("SIP/2.0 408 Request Timeout", "terminated;reason=timeout")


def test_one_transfer_at_a_time() -> None:
    line = live()
    refer(line)
    assert refer(line) == ["> 500 REFER"]
    assert line.last().first("retry-after") == "5"
    transferred(line, 486)
    assert refer(line)[0] == "> 202 REFER"


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("", 400),
        ("Refer-To: <sip:a@192.0.2.1>\r\nRefer-To: <sip:b@192.0.2.1>\r\n", 400),
        ("Refer-To: nonsense\r\n", 400),
        ("Refer-To: <sip:a@192.0.2.1?Replaces=1>\r\n", 603),
        ("Refer-To: <sip:a@192.0.2.1;method=SUBSCRIBE>\r\n", 603),
        ("Refer-To: <https://bank.example/>\r\n", 603),
        ("Refer-To: <sip:a@192.0.2.1;method=INVITE>\r\n", 202),
        ("r: tel:95500\r\n", 202),
    ],
)
def test_what_a_transfer_may_name(header: str, status: int) -> None:
    line = live()
    assert refer(line, header)[0] == f"> {status} REFER"


def test_before_the_call_is_live() -> None:
    line = Line()
    line.hears(line.invite())
    line.agent.trust(line.leg)
    line.did(line.agent.ring(line.leg, 0))
    assert refer(line) == ["> 500 REFER"]


def test_the_call_ends_with_a_transfer_open() -> None:
    line = live()
    refer(line)
    line.hears(line.reply(line.sent[-1], 200))
    assert line.hears(line.request("BYE", cseq=9)) == ["> 200 BYE", "CallEnded remote"]
    assert transferred(line, 200) == []
    assert line.quiet() == NOTHING


def test_a_status_that_is_none() -> None:
    with pytest.raises(ValueError, match="99"):
        transferred(live(), 99)


# Ours


def test_we_transfer() -> None:
    line = live()
    assert line.did(line.agent.transfer(line.leg, TARGET, 0)) == ["> REFER"]
    sent = line.last()
    assert sent.first("refer-to") == f"<{TARGET}>"
    assert sent.first("referred-by") == "<sip:95500@bank>"
    assert sent.first("contact")
    assert line.hears(line.reply(line.sent[-1], 202)) == []
    assert notify(line, "SIP/2.0 100 Trying", "active;expires=60") == [
        "> 200 NOTIFY",
        "TransferProgress 100",
    ]
    assert notify(line) == ["> 200 NOTIFY", "TransferProgress 200 over"]
    assert notify(line) == ["> 481 NOTIFY"]
    assert line.hears(line.request("BYE", cseq=9)) == ["> 200 BYE", "CallEnded remote"]
    assert line.quiet() == NOTHING


def test_a_notify_before_the_202() -> None:
    """RFC 3515 2.4.4: they may cross."""
    line = live()
    line.did(line.agent.transfer(line.leg, TARGET, 0))
    ours = line.sent[-1]
    assert notify(line)[1:] == ["TransferProgress 200 over"]
    assert line.hears(line.reply(ours, 202)) == []


@pytest.mark.parametrize("status", [403, 603, 405])
def test_our_transfer_is_refused(status: int) -> None:
    line = live()
    line.did(line.agent.transfer(line.leg, TARGET, 0))
    assert line.hears(line.reply(line.sent[-1], status)) == [f"TransferProgress {status} over"]


def test_our_transfer_without_reports() -> None:
    line = live()
    line.did(line.agent.transfer(line.leg, TARGET, 0))
    got = line.hears(line.reply(line.sent[-1], 202, extra="Refer-Sub: false\r\n"))
    assert got == ["TransferProgress 202 over"]


def test_nobody_reports_our_transfer() -> None:
    line = live()
    line.did(line.agent.transfer(line.leg, TARGET, 0))
    line.hears(line.reply(line.sent[-1], 202))
    assert line.wait(60) == ["60 TransferProgress 408 over"]


def test_nobody_answers_our_transfer() -> None:
    line = live()
    line.did(line.agent.transfer(line.leg, TARGET, 0))
    assert "32 TransferProgress 408 over" in line.wait(33)


@pytest.mark.parametrize(
    ("what", "status"),
    [
        ({"event": "presence"}, 489),
        ({"kind": "text/plain"}, 415),
        ({"status": "rubbish", "state": "active"}, 400),
        ({"state": ""}, 400),
    ],
)
def test_notifies_that_are_none(what: dict[str, str], status: int) -> None:
    line = live()
    line.did(line.agent.transfer(line.leg, TARGET, 0))
    assert notify(line, **what) == [f"> {status} NOTIFY"]


def test_a_transfer_that_ends_without_a_word() -> None:
    line = live()
    line.did(line.agent.transfer(line.leg, TARGET, 0))
    assert notify(line, "", "terminated;reason=timeout")[1:] == ["TransferProgress 408 over"]


def test_whom_we_may_transfer() -> None:
    line = live(trusted=False)
    with pytest.raises(IllegalTransition):
        line.agent.transfer(line.leg, TARGET, 0)
    line.agent.trust(line.leg)
    with pytest.raises(BadUri):
        line.agent.transfer(line.leg, "sip:a b", 0)
    line.did(line.agent.transfer(line.leg, "tel:95500", 0))
    with pytest.raises(IllegalTransition):
        line.agent.transfer(line.leg, TARGET, 0)


# 3xx


def place(
    *, trusted: bool = True, destination: tuple[str, int] = PEER, follows: bool = True
) -> Line:
    line = Line()
    if follows:
        line.agent.restrict(lambda _trunk, _called, _target: True)
    line.leg, commands = line.agent.invite(
        "sip:bob@peer", "sip:95500@bank", SDP.encode(), 0, destination=destination, trusted=trusted
    )
    assert line.did(commands) == ["> INVITE"]
    return line


def moved(line: Line, contact: str, status: int = 302) -> list[str]:
    extra = f"Contact: {contact}\r\n" if contact else ""
    return line.hears(line.reply(line.sent[-1], status, "Moved", contact=False, extra=extra))


def test_a_trusted_side_redirects_once() -> None:
    line = place()
    first = line.last()
    done = moved(line, "<sip:carol@192.0.2.40:5070>;q=0.5, <sip:dave@192.0.2.41>;q=0.7")
    assert done == ["> ACK", "CallRedirected sip:dave@192.0.2.41", "> INVITE"]
    again = line.last()
    assert isinstance(again, Request)
    assert again.uri == "sip:dave@192.0.2.41"
    assert (again.call_id, again.cseq, again.to.uri) == (first.call_id, 2, "sip:bob@peer")
    assert line.commands[-1].destination[:2] == ("192.0.2.41", 5060)  # type: ignore[union-attr]
    assert moved(line, "<sip:eve@192.0.2.50>") == ["> ACK", "CallRefused 302 Moved"]
    assert line.quiet() == NOTHING


def test_nobody_is_followed_where_nobody_may_say_so() -> None:
    line = place(follows=False)
    lines = moved(line, "<sip:dave@192.0.2.41>")
    assert lines == ["> ACK", "Trouble redirection", "CallRefused 302 Moved"]
    assert line.quiet() == NOTHING


def test_a_redirected_call_is_answered() -> None:
    line = place()
    moved(line, "<sip:dave@192.0.2.41>")
    got = line.hears(line.reply(line.sent[-1], 200, body=SDP))
    assert got == ["> ACK", "CallAnswered"]
    assert line.last().cseq == 2
    line.did(line.agent.hang_up(line.leg, 0))
    line.hears(line.reply(line.sent[-1], 200))
    assert line.quiet() == NOTHING


def test_a_stranger_redirects_nobody() -> None:
    line = place(trusted=False)
    assert moved(line, "<sip:dave@192.0.2.41>") == ["> ACK", "CallRefused 302 Moved"]


@pytest.mark.parametrize(
    "contact",
    ["", "*", "<tel:95500>", "<mailto:a@b>", "<sip:a@192.0.2.1?subject=x>", "<sips:a@192.0.2.1>",
     "<sip:a@192.0.2.1>;q=0", "<sip:a@192.0.2.1>;q=high"],
)  # fmt: skip
def test_where_a_redirection_does_not_lead(contact: str) -> None:
    line = place()
    assert moved(line, contact) == ["> ACK", "CallRefused 302 Moved"]


@pytest.mark.parametrize("status", [305, 380])
def test_other_3xx_are_refusals(status: int) -> None:
    line = place()
    done = moved(line, "<sip:dave@192.0.2.41>", status)
    assert done == ["> ACK", f"CallRefused {status} Moved"]


def test_a_redirection_that_crosses_our_cancel() -> None:
    line = place()
    line.hears(line.reply(line.sent[-1], 180))
    invite = line.sent[-1]
    line.did(line.agent.hang_up(line.leg, 0))
    line.sent.append(invite)
    assert moved(line, "<sip:dave@192.0.2.41>") == ["> ACK"]
    assert line.quiet() == NOTHING
