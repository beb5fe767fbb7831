"""Broken input at every door: trunks, one of them with a password, admission as shipped, phones
and strangers, over time."""

import re

from hypothesis import given, settings
from hypothesis import strategies as st

from support.sip_doors import DESK, SECRET, SIGNING, SOURCES, STRANGER, TRUNK, doors, message
from support.sip_line import SDP, tokens
from support.sip_mutations import mutated
from support.sip_phones import ACCOUNTS
from telebank.sip import CallOffered, Command, DatagramReceived, SendDatagram, Trouble, UserAgent
from telebank.sip.admission import AdmissionOptions
from telebank.sip.digest import Account
from telebank.sip.digest_client import DigestClient, GivenUp
from telebank.sip.message import Response, parse
from telebank.sip.uri import Hop

FORWARDED = {
    "p_asserted_identity": '"A, B" <sip:+13125550100@peer>, <tel:+13125550100>',
    "diversion": "<sip:1001@bank>;reason=user-busy;counter=2",
    "history_info": "<sip:1@bank>;index=1, <sip:2@bank?Reason=SIP%3Bcause%3D302>;index=1.1",
    "privacy": "id;user",
    "record_route": "<sip:192.0.2.20;lr>",
    "supported": "timer, 100rel",
    "session_expires": "90;refresher=uas",
    "require": "timer",
}
PLAIN = [
    (message("INVITE", TRUNK, SDP, **FORWARDED), TRUNK),
    (message("INVITE", SIGNING, SDP), SIGNING),
    (message("INVITE", DESK, SDP), DESK),
    (message("OPTIONS", STRANGER, user_agent="friendly"), STRANGER),
    (message("REGISTER", DESK, expires="60"), DESK),
    (message("REGISTER", STRANGER), STRANGER),
    (message("SUBSCRIBE", DESK, event="presence"), DESK),
    (message("CANCEL", TRUNK), TRUNK),
    (message("ACK", TRUNK), TRUNK),
    (message("BYE", STRANGER, to="<sip:1@bank>;tag=x"), STRANGER),
]


def signed(method: str, source: Hop, account: Account, body: str = "") -> tuple[bytes, Hop]:
    """A request with the right answer to the first challenge of `fresh`."""
    agent, client = doors(admission=AdmissionOptions()), DigestClient([account], tokens("c"))
    begun = client.begin(method, "sip:95500@bank")
    (answer,) = (
        parse(one.data)
        for one in agent.receive(DatagramReceived(message(method, source, body), source), 0.0)
        if isinstance(one, SendDatagram)
    )
    assert isinstance(answer, Response)
    again = client.again(begun, answer)
    assert not isinstance(again, GivenUp)
    name, value = again.headers[0]
    more = {name.lower().replace("-", "_"): value, "cseq": f"2 {method}"}
    more["via"] = f"SIP/2.0/UDP {source.host}:{source.port};branch=z9hG4bK2"
    return message(method, source, body, **more), source


SEEDS = [
    *PLAIN,
    signed("REGISTER", DESK, ACCOUNTS["1001"]),
    signed("INVITE", DESK, ACCOUNTS["1001"], SDP),
    signed("INVITE", SIGNING, SECRET, SDP),
]


def took(agent: UserAgent, commands: list[Command]) -> None:
    """One line of log for a message, and no fault; whoever calls is answered."""
    assert agent.faults == 0
    assert sum(isinstance(command, Trouble) for command in commands) <= 1


def test_the_seeds_pass_all_doors() -> None:
    """Else what is made of them would all end at the first."""
    got = {}
    for data, source in SEEDS[-3:]:
        agent = doors(admission=AdmissionOptions())
        agent.receive(DatagramReceived(without_credentials(data), source), 0.0)
        got[data[:8], source] = agent.receive(DatagramReceived(data, source), 0.0)
    kinds = {key: {type(one).__name__ for one in commands} for key, commands in got.items()}
    assert "PhoneRegistered" in kinds[b"REGISTER", DESK]
    assert "CallOffered" in kinds[b"INVITE s", SIGNING]
    assert "CallOffered" in kinds[b"INVITE s", DESK]


def without_credentials(data: bytes) -> bytes:
    return re.sub(rb"(?i)\r\n(proxy-)?authorization: [^\r]*", b"", data).replace(b"bK2", b"bK1")


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_mutated_messages_at_every_door(data: st.DataObject) -> None:
    agent, now = doors(admission=AdmissionOptions()), 0.0
    for _ in range(data.draw(st.integers(1, 5))):
        seed, usual = data.draw(st.sampled_from(SEEDS))
        text = seed if data.draw(st.booleans()) else data.draw(mutated([seed]))
        source = usual if data.draw(st.booleans()) else data.draw(st.sampled_from(SOURCES))
        now += data.draw(st.sampled_from([0.0, 0.5, 40.0, 400.0]))
        while (at := agent.wake_at) is not None and at <= now:
            took(agent, agent.wake(at))
        commands = agent.receive(DatagramReceived(text, source), now)
        took(agent, commands)
        for offered in [one for one in commands if isinstance(one, CallOffered)]:
            took(agent, agent.answer(offered.leg, SDP.encode(), now))
            if data.draw(st.booleans()):
                took(agent, agent.hang_up(offered.leg, now))
    for leg in list(agent._core.legs):
        took(agent, agent.hang_up(leg, now))
    while (at := agent.wake_at) is not None and at <= now + 8_000.0:
        took(agent, agent.wake(at))
    assert not any(agent.counts().values())
