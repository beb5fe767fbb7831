"""Broken input of every kind: no exception but `MalformedMessage`, one line of log at most."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.sip_line import PEER, SDP, US, Line, tokens
from support.sip_mutations import mutated
from telebank.sip import (
    DatagramReceived,
    MalformedDescription,
    SessionDescription,
    SipOptions,
    Trouble,
    UserAgent,
    answer_audio,
    read_answer,
)
from telebank.sip.message import MalformedMessage, parse

VECTORS = sorted((Path(__file__).parents[2] / "vectors" / "sip").glob("*.txt"))
SEEDS = [path.read_bytes().replace(b"\n", b"\r\n") for path in VECTORS]


def take(agent: UserAgent, data: bytes) -> None:
    commands = agent.receive(DatagramReceived(data, PEER), 0.0)
    assert sum(isinstance(command, Trouble) for command in commands) <= 1
    assert agent.faults == 0


def parsed(data: bytes) -> None:
    try:
        parse(data)
    except MalformedMessage as error:
        assert error.why  # noqa: PT017 - any other exception is the failure


@settings(max_examples=400, deadline=None)
@given(mutated(SEEDS))
def test_mutated_messages(data: bytes) -> None:
    parsed(data)
    take(UserAgent(US, SipOptions(), tokens("f")), data)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_noise(data: bytes) -> None:
    parsed(data)
    take(UserAgent(US, SipOptions(), tokens("f")), data)


@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_truncation_at_every_octet(path: Path) -> None:
    data = SEEDS[VECTORS.index(path)]
    agent = UserAgent(US, SipOptions(max_calls=10_000), tokens("f"))
    for end in range(len(data)):
        parsed(data[:end])
        take(agent, data[:end])


def _dialogue(kind: str) -> tuple[Line, list[bytes]]:
    """A call, and what its peer may say next."""
    line = Line()
    if kind in ("calling", "asking"):
        line.place(SDP.encode() if kind == "calling" else None)
        statuses = (100, 180, 200, 302, 486, 487)
        return line, [line.reply(line.sent[0], s, body=SDP).encode() for s in statuses]
    if kind == "out":
        line.talking()
        line.did(line.agent.reoffer(line.leg, SDP.encode(), 0))
        replies = [line.reply(line.sent[-1], status, body=SDP) for status in (100, 200, 491, 481)]
        return line, [text.encode() for text in replies]
    if kind == "offered":
        line.hears(line.invite(branch="z9hG4bKinv"))
        kinds = {"INVITE": SDP, "CANCEL": "", "ACK": "", "BYE": "", "PRACK": ""}
        requests = [line.request(m, body=b, branch="z9hG4bKinv") for m, b in kinds.items()]
        return line, [text.encode() for text in requests]
    line.live()
    kinds = {"INVITE": SDP, "UPDATE": SDP, "INFO": "Signal=1", "BYE": "", "OPTIONS": "", "ACK": SDP}
    requests = [line.request(m, cseq=2, body=body) for m, body in kinds.items()]
    return line, [text.encode() for text in requests]


@settings(max_examples=300, deadline=None)
@given(st.data(), st.sampled_from(["in", "out", "calling", "asking", "offered"]))
def test_mutated_messages_within_a_call(data: st.DataObject, kind: str) -> None:
    line, seeds = _dialogue(kind)
    for _ in range(data.draw(st.integers(1, 5))):
        take(line.agent, data.draw(mutated(seeds)))
        act = data.draw(st.sampled_from(["hang up", "answer", "refuse", "", ""]))
        if act == "hang up":
            line.agent.hang_up(line.leg, 0.0)
        elif act == "answer":
            line.agent.answer(line.leg, SDP.encode(), 0.0)
        elif act == "refuse":
            line.agent.refuse(line.leg, 488, 0.0)
    line.agent.hang_up(line.leg, 0.0)
    for step in range(40):
        line.agent.wake(step * 10.0)
    assert not any(line.agent.counts().values())
    assert line.agent.faults == 0


@settings(max_examples=400, deadline=None)
@given(mutated([SDP.encode()]))
def test_mutated_descriptions(data: bytes) -> None:
    try:
        description = SessionDescription.parse(data)
    except MalformedDescription:
        return
    answer_audio(description, "192.0.2.1", 4000)
    read_answer(SessionDescription.parse(SDP.encode()), description)
    read_answer(description, SessionDescription.parse(SDP.encode()))


def test_a_description_truncated_at_every_octet() -> None:
    for end in range(len(SDP)):
        try:
            SessionDescription.parse(SDP[:end].encode())
        except MalformedDescription as error:
            assert str(error)  # noqa: PT017 - any other exception is the failure
