"""A fault of ours ends one call, with one line of log; everything else goes on."""

from collections.abc import Callable

import pytest

from support.sip_line import NOTHING, SDP, Line
from telebank.sip import SipOptions, Trouble
from telebank.sip.faults import FAULT
from telebank.sip.leg import Leg
from telebank.sip.transaction import ServerTransaction

CONTENT = "the digits 4711"
TIMED = "Supported: timer\r\nSession-Expires: 90;refresher=uas\r\nAllow: UPDATE\r\n"


def broken(*legs: str) -> Callable[..., None]:
    """What fails for these legs, and does nothing for others."""

    def act(leg: Leg, *_: float | ServerTransaction) -> None:
        if leg.id in legs:
            raise KeyError(CONTENT)

    return act


def two_calls() -> tuple[Line, str, str]:
    """Both are refreshed by us, at the same time."""
    line, legs = Line(), []
    for number in (1, 2):
        line.call_id, line.cseq = f"call-{number}@peer", 1
        line.hears(line.invite(extra=TIMED))
        line.did(line.agent.answer(line.leg, SDP.encode(), line.now))
        line.hears(line.request("ACK"))
        legs.append(line.leg)
    return line, legs[0], legs[1]


def fails(*_: object) -> None:
    raise KeyError(CONTENT)


def troubles(line: Line) -> list[Trouble]:
    return [command for command in line.commands if isinstance(command, Trouble)]


def test_a_timer_that_fails_ends_its_own_call() -> None:
    line, one, other = two_calls()
    refresh = line.agent._leg_timers["refresh"]
    fails = broken(one)
    line.agent._leg_timers["refresh"] = lambda leg, now: (fails(leg), refresh(leg, now))  # type: ignore[func-returns-value]
    assert line.wait(45) == ["45 Trouble fault", "45 CallEnded error", "45 > BYE", "45 > UPDATE"]
    assert list(line.agent._core.legs) == [other]
    (trouble,) = troubles(line)
    assert trouble.detail.startswith("KeyError at broken.<locals>.act:")
    assert CONTENT not in repr(line.commands)
    assert line.agent.faults == 1
    line.did(line.agent.hang_up(other, line.now))
    assert line.quiet() == NOTHING


def test_a_request_that_fails_ends_its_own_call() -> None:
    line, one, other = two_calls()
    line.agent._server._within._acts["INFO"] = broken(other)
    done = line.hears(line.request("INFO", cseq=2))
    assert done == ["Trouble fault", "CallEnded error", "> 500 INFO", "> BYE"]
    assert len(line.agent._core.legs) == 1
    line.call_id, line.our_tag = "call-1@peer", line.agent._core.legs[one].local_tag
    assert line.hears(line.request("BYE", cseq=2)) == ["> 200 BYE", "CallEnded remote"]
    assert line.quiet() == NOTHING


def test_a_call_that_comes_in_is_refused_with_500() -> None:
    line = Line()
    line.hears(line.invite())
    line.agent._leg_timers["ring"] = broken(line.leg)
    assert line.wait(180)[:3] == ["180 Trouble fault", "180 CallEnded error", "180 > 500 INVITE"]
    assert line.quiet() == NOTHING


@pytest.mark.parametrize("heard", [False, True])
def test_a_call_that_goes_out_is_cancelled(heard: bool) -> None:
    line = Line(SipOptions(ring_timeout=20.0))
    line.place()
    if heard:
        line.hears(line.reply(line.sent[-1], 180))
    line.agent._leg_timers["ring"] = broken(line.leg)
    done = [text for text in line.wait(20) if not text.endswith("> INVITE")]
    cancels = ["20 > CANCEL"] if heard else []
    assert done == ["20 Trouble fault", "20 CallEnded error", *cancels]
    assert line.quiet() == NOTHING


def test_a_response_that_fails_ends_its_own_call() -> None:
    line, one, other = two_calls()
    line.wait(45)
    refreshes = [data for data in line.sent if data.startswith(b"UPDATE")]
    line.agent._offers._timers.refreshed = broken(one)  # type: ignore[method-assign]
    done = line.hears(line.reply(refreshes[0], 200))
    assert done == ["Trouble fault", "CallEnded error", "> BYE"]
    assert list(line.agent._core.legs) == [other]
    assert line.hears(line.reply(refreshes[1], 200)) == []


def test_the_log_has_its_limit_and_the_count_has_none() -> None:
    line = Line(SipOptions(troubles_per_second=3))
    line.agent._server._new = fails  # type: ignore[method-assign]
    for _ in range(10):
        line.hears(line.request("OPTIONS", to_tag=False))
    assert [trouble.kind for trouble in troubles(line)] == [FAULT] * 3
    assert line.agent.faults == 10
