"""sipp, a user agent that is not ours, against the running bank."""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.bank_process import BankProcess, Voice
from support.sipp_runs import Listener, sipp

T1 = 0.04
"""Short, so that 64 times T1 is 2.6 seconds."""

pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(
        shutil.which("sipp") is None, reason="sipp is not installed: apt-get install sip-tester"
    ),
]


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, voice: Voice) -> Iterator[BankProcess]:
    data = tmp_path_factory.mktemp("bank")
    with BankProcess.start(data, voice, sip={"t1": T1, "t2": 0.2, "t4": 0.2}) as bank:
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


def test_plain_call(bank: BankProcess, tmp_path: Path, listener: Listener) -> None:
    sipp(bank, tmp_path, "plain", "-key", "rtp_port", str(listener.port))
    assert len(listener.packets()) > 20
    newest = bank.last_call()
    assert newest.ended_by == "remote"
    assert newest.codec == "PCMA"


def test_a_bye_during_a_prompt_stops_it(
    bank: BankProcess, tmp_path: Path, listener: Listener
) -> None:
    sipp(bank, tmp_path, "plain", "-key", "rtp_port", str(listener.port))
    bank.wait_idle()
    welcome = 100  # packets of two seconds; the call was over after 0.8
    assert 0 < len(listener.packets()) < welcome


def test_hundred_calls_at_twenty_a_second(
    bank: BankProcess, tmp_path: Path, listener: Listener
) -> None:
    before = bank.counts().get("total_calls", 0)
    options = ("-m", "100", "-r", "20", "-l", "100")
    sipp(bank, tmp_path, "plain", *options, "-key", "rtp_port", str(listener.port))
    assert bank.counts()["total_calls"] == before + 100
    bank.wait_idle()
    rows = bank.calls(100)
    assert {row.ended_by for row in rows} == {"remote"}
    assert len({row.reference for row in rows}) == 100


def test_a_repeated_invite_is_one_call(
    bank: BankProcess, tmp_path: Path, listener: Listener
) -> None:
    before = bank.counts().get("total_calls", 0)
    seen = sipp(bank, tmp_path, "repeated_invite", "-key", "rtp_port", str(listener.port))
    assert seen.count("INVITE sip:bank@") >= 2
    assert bank.counts()["total_calls"] == before + 1
    tags = {line.partition("tag=")[2] for line in _answers(seen, "To:")}
    assert len(tags - {""}) == 1


def test_a_lost_ack_repeats_the_200_and_then_ends_the_call(
    bank: BankProcess, tmp_path: Path, listener: Listener
) -> None:
    seen = sipp(bank, tmp_path, "lost_ack", "-key", "rtp_port", str(listener.port))
    # At T1, then doubling up to T2, until 64 times T1 (RFC 3261 13.3.1.4): some twenty times here.
    assert seen.count("SIP/2.0 200 OK") > 8
    assert seen.count("BYE sip:caller@") >= 1
    silence = b"\xd5" * 160
    assert {packet[12:] for packet in listener.packets()} == {silence}  # no word before the ACK
    bank.wait_idle()
    assert bank.last_call().ended_by == "timeout"


def test_cancel_before_the_answer(bank: BankProcess, tmp_path: Path, listener: Listener) -> None:
    worker = bank.worker_pids[0]
    os.kill(worker, signal.SIGSTOP)  # no media, so no answer: time for the CANCEL
    try:
        sipp(bank, tmp_path, "cancel", "-key", "rtp_port", str(listener.port))
    finally:
        os.kill(worker, signal.SIGCONT)
    assert listener.packets() == []
    bank.wait_idle()
    assert bank.worker_pids == [worker]


def test_hold_is_silent_and_resumes(bank: BankProcess, tmp_path: Path) -> None:
    with closing(Listener()) as talk, closing(Listener()) as hold, closing(Listener()) as resume:
        ports = {"talk_port": talk, "hold_port": hold, "resume_port": resume}
        keys = [word for name, one in ports.items() for word in ("-key", name, str(one.port))]
        sipp(bank, tmp_path, "hold", *keys)
        assert len(talk.packets()) > 15
        assert hold.packets() == []
        assert len(resume.packets()) > 15


@pytest.mark.skipif(os.geteuid() != 0, reason="sipp's pcap play needs a raw socket, so root")
def test_keys_by_rtp_of_sipp(bank: BankProcess, tmp_path: Path) -> None:
    sipp(bank, tmp_path, "keys")
    bank.wait_idle()
    newest = bank.last_call()
    assert newest.language == "en"
    assert newest.path.startswith("2")


def test_keys_by_info_of_a_phone_without_telephone_event(
    bank: BankProcess, tmp_path: Path, listener: Listener
) -> None:
    sipp(bank, tmp_path, "info_keys", "-key", "rtp_port", str(listener.port))
    bank.wait_idle()
    newest = bank.last_call()
    assert newest.language == "en"
    assert newest.codec == "PCMU"


def test_a_late_offer_is_answered_in_the_ack(
    bank: BankProcess, tmp_path: Path, listener: Listener
) -> None:
    sipp(bank, tmp_path, "late_offer", "-key", "rtp_port", str(listener.port))
    packets = listener.packets()
    assert len(packets) > 15
    assert {packet[1] & 0x7F for packet in packets} == {0}  # PCMU, as the ACK chose


def test_no_common_codec_is_refused(bank: BankProcess, tmp_path: Path, listener: Listener) -> None:
    sipp(bank, tmp_path, "no_codec", "-key", "rtp_port", str(listener.port))
    assert listener.packets() == []


def _answers(seen: str, header: str) -> list[str]:
    """One header of every 200 to the INVITE in a message log."""
    blocks = [part for part in seen.split("----") if "SIP/2.0 200" in part and "INVITE" in part]
    return [line.strip() for part in blocks for line in part.splitlines() if header in line]
