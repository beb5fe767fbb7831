"""`strangers = "drop"`: nobody sees that there is a node, whatever he sends."""

import pytest

from support.sip_line import PEER, US, Line, tokens
from support.sip_phones import ACCOUNTS, NETWORKS, REALM, Caller, Desk, SoftPhone
from telebank.sip import CloseConnection, DatagramReceived, Hop, SipOptions, UserAgent
from telebank.sip.admission import AdmissionOptions
from telebank.sip.registering import PhoneOptions
from telebank.sip.trunks import TrunkOptions, Trunks

STRANGER = Hop("203.0.113.7", 5060)
METHODS = (
    *("INVITE", "ACK", "BYE", "CANCEL", "OPTIONS", "REGISTER", "INFO", "PRACK", "UPDATE"),
    *("SUBSCRIBE", "NOTIFY", "REFER", "MESSAGE", "PUBLISH", "NONSENSE"),
)
DROP = AdmissionOptions(strangers="drop", failures=1_000)


def desk() -> Desk:
    """A registrar and a trunk; phones are in 192.0.2.0/24."""
    found = Desk(phones=PhoneOptions(REALM, NETWORKS, registrations_per_s=1e6))
    trunks = Trunks({"here": TrunkOptions(addresses=("192.0.2.20",))})
    found.agent = UserAgent(*(US, SipOptions(), tokens("t"), trunks, DROP), phones=found.phones)
    found.agent.use_phones(ACCOUNTS)
    return found


def nothing_sent(line: Line, data: str | bytes, source: Hop = STRANGER) -> None:
    line.hears(data, source)
    assert line.sent == []


@pytest.mark.parametrize("tag", [True, False], ids=["within", "outside"])
@pytest.mark.parametrize("method", METHODS)
def test_no_method_is_answered_nor_above_the_limits(method: str, tag: bool) -> None:
    line = desk()
    for _ in range(200):
        nothing_sent(line, line.request(method, to_tag=tag))
        line.branch += 1


@pytest.mark.parametrize(
    "wrong",
    [
        ("CSeq: ", "CSeq: x"),
        ("Call-ID: ", "Call-IX: "),
        ("SIP/2.0\r\n", "SIP/3.0\r\n"),
        ("Max-Forwards: 70", "Max-Forwards: x"),
        ("Via: ", "Vix: "),
    ],
    ids=str,
)
def test_nothing_malformed_is_answered(wrong: tuple[str, str]) -> None:
    line = desk()
    for method in METHODS:
        nothing_sent(line, line.request(method, to_tag=False).replace(*wrong, 1))


def test_a_phone_gets_in_and_others_of_its_network_see_nothing_but_that() -> None:
    line = desk()
    source = Hop("192.0.2.99", 5062)
    nothing_sent(line, line.request("OPTIONS", to_tag=False), source)
    nothing_sent(line, line.request("CANCEL", to_tag=False), source)
    assert SoftPhone(line, source=source).registers().status == 200
    assert Caller(line, source=source).calls().status == 100


def test_a_trunk_is_answered_and_a_stream_of_a_stranger_closed() -> None:
    line = desk()
    assert line.hears(line.request("OPTIONS", to_tag=False), PEER) == ["> 200 OPTIONS"]
    stream = STRANGER._replace(transport="tcp")
    asked = line.request("REGISTER", to_tag=False).encode()
    assert CloseConnection(stream) in line.agent.receive(DatagramReceived(asked, stream), line.now)
