"""Trunks at the door of a user agent: who comes in, with what rights, and who goes out."""

from dataclasses import replace
from typing import Any

import pytest

from support.sip_line import PEER, SDP, US, Line, tokens
from telebank.sip import (
    CallOffered,
    CloseConnection,
    DatagramReceived,
    PeerChanged,
    SipOptions,
    UserAgent,
)
from telebank.sip.admission import AdmissionOptions
from telebank.sip.digest import Account, Algorithm
from telebank.sip.digest_client import DigestClient, Signed
from telebank.sip.message import Request, Response
from telebank.sip.trunks import TrunkOptions, Trunks
from telebank.sip.uri import Hop

HERE = TrunkOptions(
    addresses=("192.0.2.20",), peers=("192.0.2.20:5062", "192.0.2.21:5062"), calls_out=2
)
STRANGER = Hop("203.0.113.7", 5060)
SECRET = {"realm": "bank", "user": "trunk", "secret_file": "x"}


class Gate(Line):
    """A line whose agent has trunks."""

    def __init__(
        self, here: TrunkOptions = HERE, account: Account | None = None, **limits: Any
    ) -> None:
        super().__init__()
        accounts = {} if account is None else {"here": account}
        self.agent = UserAgent(
            *(US, SipOptions(), tokens("t"), Trunks({"here": here}, accounts)),
            AdmissionOptions(**limits),
        )

    def call(self, **more: Any) -> list[str]:
        """A new call, with an identity of its own."""
        self.call_id = f"call-{self.branch}@peer"
        return self.hears(self.invite(**more))

    @property
    def offered(self) -> CallOffered:
        return next(c for c in reversed(self.commands) if isinstance(c, CallOffered))

    @property
    def calls(self) -> tuple[object, object]:
        """Live calls of the trunk, in and out."""
        row = next(row for row in self.agent.trunks() if row["trunk"] == "here")
        return row["calls_in"], row["calls_out"]


@pytest.mark.parametrize(
    ("policy", "lines"),
    [
        ("refuse", ["Trouble stranger", "> 403 INVITE"]),
        ("drop", ["Trouble stranger"]),
        ("menu", ["> 100 INVITE", "CallOffered"]),
    ],
)
def test_strangers(policy: str, lines: list[str]) -> None:
    gate = Gate(strangers=policy)
    extra = "P-Asserted-Identity: <sip:+8613800000000@x>\r\n"
    assert gate.hears(gate.invite(extra=extra), STRANGER) == lines
    if policy == "menu":
        assert gate.offered.trunk == "strangers"
        assert gate.offered.from_uri == "sip:alice@peer"


@pytest.mark.parametrize("policy", ["refuse", "drop"])
def test_strangers_learn_nothing_by_other_methods(policy: str) -> None:
    gate = Gate(strangers=policy)
    for method in ("OPTIONS", "SUBSCRIBE", "MESSAGE", "NONSENSE"):
        lines = gate.hears(gate.request(method, to_tag=False), STRANGER)
        said = [] if policy == "drop" else [f"> 403 {method}"]
        assert lines == ["Trouble stranger", *said]


def test_a_call_by_a_trunk_says_so_and_is_counted_until_it_is_over() -> None:
    gate = Gate()
    gate.live()
    assert gate.offered.trunk == "here"
    assert gate.calls == (1, 0)
    gate.cseq += 1
    assert gate.hears(gate.request("BYE")) == ["> 200 BYE", "CallEnded remote"]
    assert gate.calls == (0, 0)


def test_a_trunk_has_so_many_calls_at_once() -> None:
    gate = Gate(replace(HERE, calls_in=2))
    assert [gate.call() for _ in range(2)] == [["> 100 INVITE", "CallOffered"]] * 2
    assert gate.call() == ["> 503 INVITE"]
    assert b"Retry-After: 5" in gate.sent[-1]
    assert gate.did(gate.agent.refuse(gate.leg, 486, gate.now))[-1] == "CallEnded local"
    assert gate.call() == ["> 100 INVITE", "CallOffered"]


def test_a_trunk_calls_the_numbers_that_it_may() -> None:
    gate = Gate(replace(HERE, numbers=("95588",)))
    assert gate.call(uri="sip:95500@192.0.2.10") == ["> 404 INVITE"]
    assert gate.call(uri="sip:95588@192.0.2.10")[-1] == "CallOffered"
    assert gate.call(uri="tel:9-55-88")[-1] == "CallOffered"


def test_a_trunk_sends_the_requests_that_it_may() -> None:
    gate = Gate(replace(HERE, methods=("INVITE",)))
    assert gate.hears(gate.request("OPTIONS", to_tag=False)) == ["> 405 OPTIONS"]
    assert b"Allow: INVITE\r\n" in gate.sent[-1]
    gate.live()
    gate.cseq += 1
    assert gate.hears(gate.request("OPTIONS")) == ["> 200 OPTIONS"]


@pytest.mark.parametrize("trusted", [True, False])
def test_who_calls_is_believed_of_a_trusted_trunk_alone(trusted: bool) -> None:
    gate = Gate(replace(HERE, trusted=trusted))
    extra = (
        "P-Asserted-Identity: <tel:+86-138-0000-0000>\r\nPrivacy: id\r\n"
        "Diversion: <sip:02155550000@x>;reason=no-answer\r\n"
    )
    assert gate.call(extra=extra)[-1] == "CallOffered"
    offered = gate.offered
    assert offered.identities is not None
    assert offered.identities.asserted is trusted
    assert offered.from_uri == ("tel:+86-138-0000-0000" if trusted else "sip:alice@peer")
    assert offered.identities.private
    assert offered.diverted  # whoever says so: it can only add to the risk


# What belongs to live calls passes whatever comes beside it


def test_in_a_flood_live_calls_go_on() -> None:
    gate = Gate(setups_per_s=1.0, others_per_s=1.0, refusals_per_s=1.0)
    gate.live()
    call, tag = gate.call_id, gate.our_tag
    found = [line for _ in range(50) for line in gate.call()]
    assert found.count("CallOffered") == 1  # the live call took the other of two
    assert found.count("> 503 INVITE") == 2
    gate.call_id, gate.our_tag = call, tag
    for _ in range(20):
        gate.cseq += 1
        assert gate.hears(gate.request("OPTIONS")) == ["> 200 OPTIONS"]
        folded = gate.request("INFO", cseq=gate.cseq + 1).replace("Call-ID: ", "Call-ID:\r\n ")
        gate.cseq += 1
        assert gate.hears(folded) == ["> 200 INFO"]
    gate.cseq += 1
    assert gate.hears(gate.request("BYE")) == ["> 200 BYE", "CallEnded remote"]


def test_repeats_of_what_was_let_in_are_no_new_calls() -> None:
    gate = Gate(setups_per_s=1.0)
    invite = gate.invite(branch="z9hG4bKsame")
    assert gate.hears(invite) == ["> 100 INVITE", "CallOffered"]
    for _ in range(10):
        assert gate.hears(invite) == ["> 100 INVITE"]
    cancel = gate.request("CANCEL", branch="z9hG4bKsame", to_tag=False)
    assert gate.hears(cancel) == ["> 200 CANCEL", "> 487 INVITE", "CallEnded cancel"]
    ack = gate.request("ACK", branch="z9hG4bKsame")
    assert gate.hears(ack) == []
    assert gate.agent.admitted()["passed"] == 1


def test_the_ack_of_a_cheap_refusal_costs_nothing() -> None:
    gate = Gate(setups_per_s=0.5)
    gate.call()
    assert gate.call() == ["> 503 INVITE"]
    for _ in range(100):
        assert gate.hears(gate.request("ACK")) == []
    assert sum(gate.agent.admitted().values()) == 2


def test_what_cannot_be_read_is_limited_and_then_not_heard() -> None:
    gate = Gate(others_per_s=50.0, failures=5, strangers="menu")
    lines = [gate.hears(b"INVITE sip:x SIP/2.0\r\nVia: x\r\n\r\n", STRANGER) for _ in range(20)]
    assert lines[:5] == [["> 400 ?", "Trouble malformed message"]] * 5
    assert lines[5:] == [[]] * 15
    assert gate.hears(gate.invite(), STRANGER) == []
    assert gate.hears(gate.invite()) == ["> 100 INVITE", "CallOffered"]


def test_a_scanner_gets_nothing_and_over_a_stream_is_cut() -> None:
    gate = Gate()
    scan = gate.request("OPTIONS", to_tag=False, extra="User-Agent: friendly-scanner\r\n")
    assert gate.hears(scan) == []
    stranger, trunk = Hop("203.0.113.7", 40_000, "tcp"), Hop("192.0.2.20", 40_000, "tcp")
    lines = gate.agent.receive(DatagramReceived(scan.encode(), stranger), gate.now)
    assert lines == [CloseConnection(stranger)]
    # A trunk's connection has calls of others too.
    assert gate.agent.receive(DatagramReceived(scan.encode(), trunk), gate.now) == []


def test_stray_responses_are_limited() -> None:
    gate = Gate(others_per_s=2.0)
    gate.place()
    stray = gate.reply(gate.sent[-1], 200, body=SDP).replace("z9hG4bK", "z9hG4bKx")
    lines = [gate.hears(stray) for _ in range(10)]
    assert lines == [["Trouble stray response"]] * 4 + [[]] * 6
    assert gate.hears(gate.reply(gate.sent[-1], 200, body=SDP)) == ["> ACK", "CallAnswered"]


def test_while_draining_even_the_health_of_this_node_is_a_no() -> None:
    gate = Gate()
    assert gate.hears(gate.request("OPTIONS", to_tag=False)) == ["> 200 OPTIONS"]
    gate.agent.drain(gate.now)
    assert gate.hears(gate.request("OPTIONS", to_tag=False)) == ["> 503 OPTIONS"]
    assert b"Retry-After: " in gate.sent[-1]


# Passwords


@pytest.mark.parametrize("algorithm", [Algorithm.SHA_256, Algorithm.MD5])
def test_a_trunk_that_is_challenged_shows_its_password(algorithm: Algorithm) -> None:
    md5 = algorithm is Algorithm.MD5
    here = replace(HERE, challenge=True, md5=md5, **SECRET)
    ours = Account.of_password("trunk", "bank", "right", here.algorithms)
    for password, last in (("right", "CallOffered"), ("wrong", "> 401 INVITE")):
        gate = Gate(here, ours)
        assert gate.call() == ["> 401 INVITE"]
        asked = gate.last()
        assert isinstance(asked, Response)
        mine = Account.of_password("trunk", "bank", password, (algorithm,))
        client = DigestClient([mine], tokens("c"))
        signed = client.again(Signed("INVITE", "sip:95500@192.0.2.10", ()), asked)
        assert isinstance(signed, Signed)
        ((name, value),) = signed.headers
        gate.cseq += 1
        assert gate.call(extra=f"{name}: {value}\r\n")[-1] == last


def test_md5_only_where_the_trunk_says_so() -> None:
    gate = Gate(
        replace(HERE, challenge=True, **SECRET), Account.of_password("trunk", "bank", "right")
    )
    gate.call()
    assert b"algorithm=SHA-256" in gate.sent[-1]
    assert b"MD5" not in gate.sent[-1]


def test_md5_alone_for_a_trunk_that_gives_up_at_any_other() -> None:
    here = replace(HERE, challenge=True, md5_only=True, **SECRET)
    gate = Gate(here, Account.of_password("trunk", "bank", "right", here.algorithms))
    assert gate.call() == ["> 401 INVITE"]
    asked = gate.last()
    assert isinstance(asked, Response)
    assert gate.sent[-1].count(b"WWW-Authenticate:") == 1
    assert b"algorithm=MD5" in gate.sent[-1]
    old = DigestClient(
        [Account.of_password("trunk", "bank", "right", (Algorithm.MD5,))], tokens("c")
    )
    signed = old.again(Signed("INVITE", "sip:95500@192.0.2.10", ()), asked)
    assert isinstance(signed, Signed)
    ((name, value),) = signed.headers
    gate.cseq += 1
    assert gate.call(extra=f"{name}: {value}\r\n")[-1] == "CallOffered"


def test_our_calls_over_a_trunk_of_md5_alone_sign_with_sha_256_where_asked() -> None:
    here = replace(HERE, challenge=True, md5_only=True, **SECRET)
    gate = Gate(here, Account.of_password("trunk", "bank", "right", here.algorithms))
    assert dial(gate) == ["> INVITE"]
    lines = gate.hears(gate.reply(gate.sent[-1], 407, extra=CHALLENGE.format(1)))
    assert lines == ["> ACK", "> INVITE"]
    assert b"algorithm=SHA-256" in gate.sent[-1]


CHALLENGE = (
    'Proxy-Authenticate: Digest realm="bank", nonce="n{0}", algorithm=SHA-256, qop="auth"\r\n'
)


def dial(gate: Gate) -> list[str]:
    gate.leg, commands = gate.agent.invite(
        *("sip:10086@192.0.2.20:5062", "sip:bank@192.0.2.10", SDP.encode(), gate.now),
        destination=PEER,
        trunk="here",
    )
    return gate.did(commands)


def test_a_call_out_shows_our_password_when_asked_and_from_then_on() -> None:
    gate = Gate(replace(HERE, **SECRET), Account.of_password("trunk", "bank", "right"))
    assert dial(gate) == ["> INVITE"]
    first = gate.sent[-1]
    assert b"Authorization" not in first
    lines = gate.hears(gate.reply(first, 407, extra=CHALLENGE.format(1)))
    assert lines == ["> ACK", "> INVITE"]
    again = gate.last()
    assert isinstance(again, Request)
    assert again.cseq == 2
    assert 'username="trunk"' in again.first("proxy-authorization")
    assert gate.hears(gate.reply(gate.sent[-1], 200, body=SDP)) == ["> ACK", "CallAnswered"]
    ack = gate.last()
    assert ack.first("proxy-authorization") == again.first("proxy-authorization")
    gate.did(gate.agent.hang_up(gate.leg, gate.now))
    assert "nc=00000002" in gate.last().first("proxy-authorization")
    assert dial(gate) == ["> INVITE"]  # the next call has it from the beginning
    assert "nc=00000003" in gate.last().first("proxy-authorization")


def test_a_password_that_is_refused_is_not_tried_for_ever() -> None:
    gate = Gate(replace(HERE, **SECRET), Account.of_password("trunk", "bank", "wrong"))
    dial(gate)
    gate.hears(gate.reply(gate.sent[-1], 407, extra=CHALLENGE.format(1)))
    lines = gate.hears(gate.reply(gate.sent[-1], 407, extra=CHALLENGE.format(2)))
    assert lines == ["> ACK", "Trouble digest", "CallRefused 407 X"]
    assert gate.calls == (0, 0)


# Calls out


def test_calls_out_have_their_limits() -> None:
    gate = Gate(replace(HERE, calls_a_minute=3))
    assert dial(gate) == ["> INVITE"]
    assert dial(gate) == ["> INVITE"]
    assert dial(gate) == ["CallRefused 503 calls_out of the trunk is reached"]
    assert gate.calls == (0, 2)
    gate.wait(40.0)  # nobody answered
    assert gate.calls == (0, 0)
    assert dial(gate) == ["> INVITE"]
    gate.did(gate.agent.hang_up(gate.leg, gate.now))
    gate.wait(19.0)
    assert dial(gate)[0].startswith("CallRefused 503")
    gate.wait(40.0)
    assert dial(gate) == ["> INVITE"]


def test_a_trunk_that_may_not_be_called_is_not() -> None:
    gate = Gate(replace(HERE, calls_out=0))
    assert dial(gate) == ["CallRefused 503 calls_out of the trunk is reached"]


def test_a_redirection_goes_where_the_rules_let_it() -> None:
    gate = Gate(replace(HERE, trusted=True))
    asked: list[tuple[str, str, str]] = []

    def may(trunk: str, called: str, target: str) -> bool:
        asked.append((trunk, called, target))
        return False

    gate.agent.restrict(may)
    dial(gate)
    moved = gate.reply(gate.sent[-1], 302, contact=False, extra="Contact: <sip:900@192.0.2.9>\r\n")
    assert gate.hears(moved) == ["> ACK", "Trouble redirection", "CallRefused 302 X"]
    assert asked == [("here", "sip:10086@192.0.2.20:5062", "sip:900@192.0.2.9")]


# Health


def test_peers_are_asked_and_calls_go_to_the_first_that_is_well() -> None:
    gate = Gate(replace(HERE, health_s=30.0))
    assert gate.agent.way("here") == Hop("192.0.2.20", 5062)
    gate.did(gate.agent.watch(gate.now))
    assert gate.wait(0.3)[:2] == ["0 > OPTIONS", "0.25 > OPTIONS"]
    for _ in range(10):  # the second answers, the first does not
        asked = [data for data in gate.sent if data.startswith(b"OPTIONS")]
        last = next(d for d in reversed(asked) if d.startswith(b"OPTIONS sip:192.0.2.21:"))
        gate.hears(gate.reply(last, 200), Hop("192.0.2.21", 5062))
        gate.wait(10.0)
    changes = [command for command in gate.commands if isinstance(command, PeerChanged)]
    assert changes == [PeerChanged("here", Hop("192.0.2.20", 5062), well=False, left=1)]
    assert gate.agent.way("here") == Hop("192.0.2.21", 5062)
    last = next(d for d in reversed(gate.sent) if d.startswith(b"OPTIONS sip:192.0.2.20:"))
    gate.hears(gate.reply(last, 404))
    assert gate.commands[-1] == PeerChanged("here", Hop("192.0.2.20", 5062), well=True, left=2)
    assert gate.agent.way("here") == Hop("192.0.2.20", 5062)
