"""sipp against the running bank: PRACK, UPDATE and session timers (RFC 3262, 3311, 4028)."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from support.bank_process import BankProcess, Voice
from support.sipp_runs import Caller, Listener, called, sipp
from telebank.sip import CallAnswered, CallRinging, OfferAnswered, SipOptions, make_offer

T1 = 0.04
"""Short, so that 64 times T1 is 2.6 seconds."""
MEDIA = {"open_timeout_s": 10.0, "media_timeout_s": 0.0}
"""Longer than that: a call without media waits for its PRACK, not the other way round. sipp sends
no RTP, which must not end its long calls."""

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("sipp") is None, reason="sipp is not installed: apt-get install sip-tester"
    ),
]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, voice: Voice) -> Iterator[BankProcess]:
    data = tmp_path_factory.mktemp("bank")
    with BankProcess.start(data, voice, sip={"t1": T1, "t2": 0.2, "t4": 0.2}, media=MEDIA) as bank:
        yield bank


@pytest.fixture(autouse=True)
def _nothing_is_left(bank: BankProcess) -> Iterator[None]:
    before = bank.wait_idle(), bank.open_files()
    yield
    after = bank.wait_idle()
    assert after["tasks"] == before[0]["tasks"]
    bank.wait_files(before[1])


@pytest.fixture
def listener() -> Iterator[Listener]:
    with closing(Listener()) as listener:
        yield listener


def test_a_180_that_is_required_to_be_reliable(
    bank: BankProcess, tmp_path: Path, listener: Listener
) -> None:
    sipp(bank, tmp_path, "prack", "-key", "rtp_port", str(listener.port))
    assert len(listener.packets()) > 20
    assert bank.last_call().ended_by == "remote"


def test_a_180_without_its_prack(bank: BankProcess, tmp_path: Path, listener: Listener) -> None:
    worker = bank.worker_pids[0]
    os.kill(worker, signal.SIGSTOP)  # no media, so no answer before the PRACK is missed
    try:
        seen = sipp(bank, tmp_path, "prack_missing", "-key", "rtp_port", str(listener.port))
    finally:
        os.kill(worker, signal.SIGCONT)
    # After 1, 3, 7, 15, 31 and 63 times T1 it comes again (RFC 3262 section 3).
    assert seen.count("SIP/2.0 180") == 7
    assert len({line for line in seen.splitlines() if line.startswith("RSeq:")}) == 1
    assert listener.packets() == []


def test_updates(bank: BankProcess, tmp_path: Path, listener: Listener) -> None:
    sipp(bank, tmp_path, "update", "-key", "rtp_port", str(listener.port))
    assert 0 < len(listener.packets()) < 40  # silent from the hold on
    assert bank.last_call().ended_by == "remote"


def test_a_session_that_is_too_short_and_one_that_sipp_refreshes(
    bank: BankProcess, tmp_path: Path, listener: Listener
) -> None:
    sipp(bank, tmp_path, "timer_422", "-key", "rtp_port", str(listener.port))
    assert bank.last_call().ended_by == "remote"


def test_a_call_of_ours_with_a_session_before_its_answer(tmp_path: Path) -> None:
    """PRACK, our UPDATE while it rings, a 200 without a session, and a timer that we refresh."""
    with (
        called(tmp_path, "called") as where,
        closing(Caller(SipOptions(t1=0.1))) as caller,
    ):
        agent, uri = caller.agent, f"sip:called@{where.host}:{where.port}"
        offer = make_offer(where.host, 50_000)
        leg, commands = agent.invite(
            uri, "sip:bank@127.0.0.1", offer, time.monotonic(), destination=where
        )
        caller.do(commands)
        caller.until(lambda: any(isinstance(fact, CallRinging) for fact in caller.facts))
        caller.step()  # the answer to our PRACK: no UPDATE of ours before it
        again = make_offer(where.host, 50_002, version=2)
        caller.do(agent.reoffer(leg, again, time.monotonic()))
        caller.until(lambda: any(isinstance(fact, OfferAnswered) for fact in caller.facts))
        caller.until(lambda: any(isinstance(fact, CallAnswered) for fact in caller.facts))
        answered = next(fact for fact in caller.facts if isinstance(fact, CallAnswered))
        assert answered.answer.audio is not None
        assert answered.answer.audio.port == 40_002
        caller.do(agent.hang_up(leg, time.monotonic()))
        caller.until(lambda: not any(agent.counts().values()))


@pytest.mark.long
def test_refreshed_by_us_and_by_nobody(
    bank: BankProcess, tmp_path: Path, listener: Listener
) -> None:
    """A session of 90 seconds, the shortest there is: our refresh after 45, our BYE after 60."""
    names = ("timer_update", "timer_reinvite", "timer_nobody")
    with ThreadPoolExecutor(len(names)) as pool:
        runs = {}
        for name in names:
            folder = tmp_path / name
            folder.mkdir()
            key = ("-key", "rtp_port", str(listener.port))
            runs[name] = pool.submit(sipp, bank, folder, name, *key, seconds=100)
        seen = {name: run.result() for name, run in runs.items()}
    versions = {
        line for line in seen["timer_reinvite"].splitlines() if line.startswith("o=telebank")
    }
    assert len(versions) == 1  # the refresh has the same o= (section 7.4)
    rows = bank.calls(3)
    assert sorted(row.ended_by for row in rows) == ["remote", "remote", "timeout"]
