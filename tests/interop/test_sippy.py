"""sippy's back-to-back user agent between callers and the bank: two dialogs, media past it. It
knows neither UPDATE nor PRACK nor session timers."""

import os
import signal
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.bank_process import BankProcess, Voice
from support.interop_bank import nothing_left
from support.interop_programs import needed
from support.interop_sippy import HOST, Sippy, sippy
from support.sipp_runs import SCENARIOS, Listener, sipp_towards

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]
HERE = Path(__file__).parent / "sipp"


def scenario(name: str, folder: Path) -> Path:
    """One of ours, but for the target: sippy's Contact has a name before its address, and sipp
    would take both along."""
    file = folder / f"{name}.xml"
    text = (HERE / file.name).read_text()
    file.write_text(text.replace("[next_url]", "sip:bank@[remote_ip]:[remote_port]"))
    return file


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, voice: Voice) -> Iterator[BankProcess]:
    """It would send its 180 reliably, and refresh sessions, wherever the other side can."""
    needed("sipp", "sip-tester")
    settings = {
        "trunks.sippy": {"addresses": [HOST]},
        "sip": {"t1": 0.1, "t2": 0.4, "t4": 0.4, "reliable_always": True},
    }
    with BankProcess.start(tmp_path_factory.mktemp("bank"), voice, **settings) as bank:
        yield bank


@pytest.fixture(scope="module")
def between(tmp_path_factory: pytest.TempPathFactory, bank: BankProcess) -> Iterator[Sippy]:
    with sippy(tmp_path_factory.mktemp("sippy"), bank.sip) as between:
        yield between


@pytest.fixture(autouse=True)
def _nothing_is_left(bank: BankProcess) -> Iterator[None]:
    with nothing_left(bank):
        yield


def test_a_whole_call_with_keys_and_hold(bank: BankProcess, between: Sippy, tmp_path: Path) -> None:
    sipp_towards(between.place, tmp_path, scenario("whole", tmp_path))
    newest = bank.last_call()
    assert (newest.language, newest.path, newest.ended_by) == ("en", "2 3", "remote")


def test_the_bank_hangs_up(bank: BankProcess, between: Sippy, tmp_path: Path) -> None:
    sipp_towards(between.place, tmp_path, scenario("bank_ends", tmp_path))
    newest = bank.last_call()
    assert (newest.path, newest.ended_by) == ("2 9", "local")


def test_cancel_before_the_answer(bank: BankProcess, between: Sippy, tmp_path: Path) -> None:
    workers = bank.worker_pids
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)  # no media, so no answer: time for the CANCEL
    try:
        with closing(Listener()) as listener:
            options = ("-key", "rtp_port", str(listener.port))
            sipp_towards(between.place, tmp_path, SCENARIOS / "cancel.xml", *options)
            assert listener.packets() == []
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)


def test_a_late_offer(bank: BankProcess, between: Sippy, tmp_path: Path) -> None:
    with closing(Listener()) as listener:
        options = ("-key", "rtp_port", str(listener.port))
        sipp_towards(between.place, tmp_path, SCENARIOS / "late_offer.xml", *options)
        packets = listener.packets()
    assert len(packets) > 15
    assert {packet[1] & 0x7F for packet in packets} == {0}  # PCMU, as the ACK chose
    assert bank.last_call().ended_by == "remote"


def test_nothing_is_asked_of_it_that_it_does_not_know(
    bank: BankProcess, between: Sippy, tmp_path: Path
) -> None:
    """No PRACK, no UPDATE, no session timer: its INVITE supports none of them."""
    with closing(Listener()) as listener:
        options = ("-key", "rtp_port", str(listener.port))
        sipp_towards(between.place, tmp_path, SCENARIOS / "plain.xml", *options)
    said = between.program.said()
    assert "INVITE sip:" in said
    for word in ("RSeq", "Session-Expires", "UPDATE sip:", "PRACK sip:", "Require:"):
        assert word not in said, word
