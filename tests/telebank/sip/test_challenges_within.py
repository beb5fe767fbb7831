"""Requests of ours within a call that the trunk challenges: each is sent again with credentials."""

from collections.abc import Callable

import pytest

from support.sip_line import NOTHING, PEER, SDP, US, Line, tokens
from telebank.sip import SipOptions, UserAgent
from telebank.sip.admission import AdmissionOptions
from telebank.sip.digest import Account
from telebank.sip.message import Request, parse
from telebank.sip.trunks import TrunkOptions, Trunks

HERE = TrunkOptions(
    addresses=("192.0.2.20",), peers=("192.0.2.20:5062",), trusted=True,
    realm="bank", user="trunk", secret_file="x",
)  # fmt: skip
UPDATES = "Allow: INVITE, ACK, BYE, CANCEL, UPDATE, PRACK\r\n"
TIMED = "Session-Expires: 90;refresher=uac\r\n"


def challenge(nonce: str, status: int, *, stale: bool) -> str:
    name = "WWW" if status == 401 else "Proxy"
    return (
        f'{name}-Authenticate: Digest realm="bank", nonce="{nonce}", algorithm=SHA-256, qop="auth"'
        f"{', stale=true' if stale else ''}\r\n"
    )


def placed() -> Line:
    """A line whose agent has called over a trunk that has a password of ours."""
    line = Line()
    account = Account.of_password("trunk", "bank", "right")
    trunks = Trunks({"here": HERE}, {"here": account})
    line.agent = UserAgent(US, SipOptions(), tokens("t"), trunks, AdmissionOptions())
    line.leg, commands = line.agent.invite(
        *("sip:10086@192.0.2.20:5062", "sip:bank@192.0.2.10", SDP.encode(), line.now),
        destination=PEER,
        trunk="here",
    )
    assert line.did(commands) == ["> INVITE"]
    return line


def live(extra: str = "") -> Line:
    """The same, answered, after a challenge to its INVITE."""
    line = placed()
    asked = challenge("n1", 401, stale=False)
    assert line.hears(line.reply(line.sent[-1], 401, tag="q", extra=asked)) == ["> ACK", "> INVITE"]
    answer = line.reply(line.sent[-1], 200, body=SDP, extra=extra)
    assert line.hears(answer) == ["> ACK", "CallAnswered"]
    return line


def asks(line: Line, method: str) -> None:
    """Have our side send a request within the call."""
    if method == "BYE":
        line.did(line.agent.hang_up(line.leg, line.now, reason="the end"))
    elif method == "INVITE":
        line.did(line.agent.reoffer(line.leg, SDP.encode(), line.now))
    elif method == "REFER":
        line.did(line.agent.transfer(line.leg, "tel:95500", line.now))
    elif method == "UPDATE":
        line.wait(45.0)
    else:
        line.our_tag = parse(line.sent[-1]).from_.tag
        line.hears(refer_of(line))
    assert line.sent[-1].startswith(method.encode())


def refer_of(line: Line) -> str:
    """A REFER of the side that was called."""
    ack = line.last()
    return (
        "REFER sip:bank@192.0.2.10 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.20:5062;branch=z9hG4bKr\r\n"
        f"From: {ack.headers['to'][0]}\r\nTo: {ack.headers['from'][0]}\r\n"
        f"Call-ID: {ack.call_id}\r\nCSeq: 1 REFER\r\nMax-Forwards: 70\r\n"
        "Contact: <sip:bob@192.0.2.20:5062>\r\nRefer-To: <sip:carol@192.0.2.20>\r\n"
        "Content-Length: 0\r\n\r\n"
    )


def request(data: bytes) -> Request:
    parsed = parse(data)
    assert isinstance(parsed, Request)
    return parsed


def own(of: Request) -> dict[str, object]:
    """What a request says of itself, whoever sends it and how often."""
    kept = ("refer-to", "event", "subscription-state", "session-expires", "reason", "rack")
    return {"body": of.body, "uri": of.uri, **{name: of.first(name) for name in kept}}


def sent_again(line: Line, status: int, *, stale: bool, nonce: str = "n2") -> Request:
    """Challenge the last request; what is sent then is the same, signed, under another number."""
    before = request(line.sent[-1])
    answer = line.reply(line.sent[-1], status, extra=challenge(nonce, status, stale=stale))
    did = line.hears(answer)
    acked = ["> ACK"] if before.method == "INVITE" else []
    assert did == [*acked, f"> {before.method}"]
    after = request(line.sent[-1])
    assert own(after) == own(before)
    assert (after.call_id, after.from_, after.to) == (before.call_id, before.from_, before.to)
    assert after.cseq == before.cseq + 1
    assert after.via.branch != before.via.branch
    header = "authorization" if status == 401 else "proxy-authorization"
    values = [value for value in after.headers[header] if f'nonce="{nonce}"' in value]
    assert len(values) == 1
    return after


@pytest.mark.parametrize("stale", [True, False])
@pytest.mark.parametrize("status", [401, 407])
@pytest.mark.parametrize("method", ["BYE", "UPDATE", "INVITE", "REFER", "NOTIFY"])
def test_a_challenged_request_is_sent_again(method: str, status: int, *, stale: bool) -> None:
    line = live(UPDATES + TIMED if method == "UPDATE" else "")
    asks(line, method)
    sent_again(line, status, stale=stale)
    done: dict[str, Callable[[], list[str]]] = {
        "BYE": lambda: line.hears(line.reply(line.sent[-1], 200)),
        "UPDATE": lambda: line.hears(line.reply(line.sent[-1], 200, extra=TIMED)),
        "INVITE": lambda: line.hears(line.reply(line.sent[-1], 200, body=SDP)),
        "REFER": lambda: line.hears(line.reply(line.sent[-1], 603)),
        "NOTIFY": lambda: line.hears(line.reply(line.sent[-1], 200)),
    }
    heard = {"INVITE": ["> ACK", "OfferAnswered"], "REFER": ["TransferProgress 603 over"]}
    assert done[method]() == heard.get(method, [])
    if method == "UPDATE":
        assert "> UPDATE" in " ".join(line.wait(46.0))  # the next refresh comes in its time
    elif method == "INVITE":
        ack = line.last()
        assert 'nonce="n2"' in " ".join(
            ack.headers.get("authorization", []) + ack.headers.get("proxy-authorization", [])
        )
    assert line.agent.counts()["legs"] == (method != "BYE")


@pytest.mark.parametrize("status", [401, 407])
def test_a_challenged_prack_is_sent_again(status: int) -> None:
    line = placed()
    invite = line.sent[-1]
    ringing = line.reply(invite, 180, extra="Require: 100rel\r\nRSeq: 7\r\n")
    assert line.hears(ringing) == ["> PRACK", "CallRinging 180"]
    again = sent_again(line, status, stale=False)
    assert again.first("rack") == "7 1 INVITE"
    assert line.hears(line.reply(line.sent[-1], 200)) == []
    assert line.hears(line.reply(invite, 200, body=SDP)) == ["> ACK", "CallAnswered"]
    line.did(line.agent.hang_up(line.leg, line.now))
    assert line.last().cseq == again.cseq + 1


def test_a_prack_challenged_after_the_answer_goes_on_in_the_dialog() -> None:
    line = placed()
    invite = line.sent[-1]
    line.hears(line.reply(invite, 180, extra="Require: 100rel\r\nRSeq: 7\r\n"))
    prack = line.sent[-1]
    assert line.hears(line.reply(invite, 200, body=SDP)) == ["> ACK", "CallAnswered"]
    line.hears(line.reply(prack, 401, extra=challenge("n1", 401, stale=False)))
    again = request(line.sent[-1])
    assert again.method == "PRACK"
    line.did(line.agent.hang_up(line.leg, line.now))
    assert line.last().cseq == again.cseq + 1


def test_a_bye_is_asked_for_its_password_a_few_times_only() -> None:
    line = live()
    asks(line, "BYE")
    for number in range(4):
        sent_again(line, 401, stale=True, nonce=f"m{number}")
    last = line.reply(line.sent[-1], 401, extra=challenge("m9", 401, stale=True))
    assert line.hears(last) == ["Trouble digest"]
    assert line.agent.counts()["legs"] == 0
    assert line.quiet() == NOTHING


def test_a_refresh_that_nobody_waits_for_is_not_sent_again() -> None:
    line = live(UPDATES + TIMED)
    asks(line, "UPDATE")
    update = line.sent[-1]
    asks(line, "BYE")
    assert line.hears(line.reply(update, 401, extra=challenge("n2", 401, stale=True))) == []
    sent_again(line, 401, stale=True, nonce="n3")


def test_the_other_branch_of_a_fork_is_ended_with_credentials() -> None:
    line = live()
    invite = next(data for data in reversed(line.sent) if data.startswith(b"INVITE"))
    assert line.hears(line.reply(invite, 200, tag="other", body=SDP)) == ["> ACK", "> BYE"]
    sent_again(line, 407, stale=True)


def test_without_a_password_a_challenge_is_the_end() -> None:
    line = Line()
    line.talking()
    asks(line, "BYE")
    assert line.hears(line.reply(line.sent[-1], 401, extra=challenge("n2", 401, stale=True))) == []
    assert line.agent.counts()["legs"] == 0


def test_a_realm_of_somebody_else_gets_nothing() -> None:
    line = live()
    asks(line, "BYE")
    asked = challenge("n2", 401, stale=True).replace('"bank"', '"elsewhere"')
    assert line.hears(line.reply(line.sent[-1], 401, extra=asked)) == ["Trouble digest"]
    assert line.agent.counts()["legs"] == 0
