"""Kamailio in front of the bank: a proxy that stays in the path, over UDP or TCP towards the bank,
and a trunk of it. Signalling comes from 127.0.0.2, audio and keys from sipp on 127.0.0.1."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from support.bank_process import BankProcess, Voice
from support.fax_bank import FaxDesk, write_pdf
from support.interop_bank import nothing_left
from support.interop_kamailio import DOWN, HOST, UP, Kamailio, kamailio
from support.interop_programs import free_place, needed, program, until
from support.sipp_runs import SCENARIOS, Listener, free_port, sipp_towards

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]
HERE = Path(__file__).parent / "sipp"
WAYS = ("udp", "tcp")
"""What the proxies speak with the bank."""
NUMBER = "8820"
"""Somebody whom the bank calls over the trunk."""
THIRD = "third"
"""A peer of the trunk that is there only while a test runs it."""


@pytest.fixture(scope="module")
def places() -> dict[str, tuple[str, int]]:
    return {name: free_place(HOST) for name in (*WAYS, THIRD)}


@pytest.fixture(scope="module")
def bank(
    tmp_path_factory: pytest.TempPathFactory, voice: Voice, places: dict[str, tuple[str, int]]
) -> Iterator[BankProcess]:
    needed("sipp", "sip-tester")
    trunk = {
        "addresses": [HOST],
        "peers": [
            f"{'tcp' if name == 'tcp' else 'udp'}:{host}:{port}"
            for name, (host, port) in places.items()
        ],
        "health_s": 1.0,
        "health_misses": 1,
        "trusted": True,
        "allow": [NUMBER],
        "t38": "never",
    }
    settings = {
        "trunks.kamailio": trunk,
        "sip": {"t1": 0.1, "t2": 0.4, "t4": 0.4},
        "outbound": {"allow": [NUMBER]},
        "fax": {"look_s": 0.2, "retry_s": 0.5, "tries": 1},
    }
    with BankProcess.start(tmp_path_factory.mktemp("bank"), voice, **settings) as bank:
        yield bank


@pytest.fixture(scope="module")
def callee() -> int:
    """The port of whom the proxies take numbers to."""
    return free_port()


@pytest.fixture(scope="module")
def proxies(
    tmp_path_factory: pytest.TempPathFactory,
    bank: BankProcess,
    places: dict[str, tuple[str, int]],
    callee: int,
) -> Iterator[dict[str, Kamailio]]:
    folder = tmp_path_factory.mktemp("kamailio")
    with ExitStack() as stack:
        yield {
            way: stack.enter_context(
                kamailio(
                    folder / way,
                    bank.sip,
                    towards=way,
                    place=places[way],
                    callee=f"127.0.0.1:{callee}",
                )
            )
            for way in WAYS
        }


@pytest.fixture(autouse=True)
def _nothing_is_left(bank: BankProcess) -> Iterator[None]:
    with nothing_left(bank):
        yield


def by_kamailio(seen: str) -> None:
    """What sipp was sent came through the proxy, which stays in the path."""
    assert f"Record-Route: <sip:{HOST}:" in seen
    assert f"Route: <sip:{HOST}:" in seen.replace("Record-Route", "")


@pytest.mark.parametrize("caller", ["u1", "t1"])
@pytest.mark.parametrize("way", WAYS)
def test_a_whole_call_with_keys_and_hold(
    bank: BankProcess, proxies: dict[str, Kamailio], tmp_path: Path, way: str, caller: str
) -> None:
    seen = sipp_towards(proxies[way].place, tmp_path, HERE / "whole.xml", "-t", caller)
    by_kamailio(seen)
    newest = bank.last_call()
    assert (newest.language, newest.path, newest.ended_by) == ("en", "2 3", "remote")


@pytest.mark.parametrize("way", WAYS)
def test_the_bank_hangs_up(
    bank: BankProcess, proxies: dict[str, Kamailio], tmp_path: Path, way: str
) -> None:
    seen = sipp_towards(proxies[way].place, tmp_path, HERE / "bank_ends.xml")
    by_kamailio(seen)
    newest = bank.last_call()
    assert (newest.path, newest.ended_by) == ("2 9", "local")


@pytest.mark.parametrize("way", WAYS)
def test_cancel_before_the_answer(
    bank: BankProcess, proxies: dict[str, Kamailio], tmp_path: Path, way: str
) -> None:
    workers = bank.worker_pids
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)  # no media, so no answer: time for the CANCEL
    try:
        with closing(Listener()) as listener:
            options = ("-key", "rtp_port", str(listener.port))
            sipp_towards(proxies[way].place, tmp_path, SCENARIOS / "cancel.xml", *options)
            assert listener.packets() == []
    finally:
        for worker in workers:
            os.kill(worker, signal.SIGCONT)


def well(bank: BankProcess) -> dict[str, bool]:
    """The trunk's peers, and whether they are well."""
    (trunk,) = [each for each in bank.control("/v1/board")["trunks"] if each["trunk"] == "kamailio"]
    return {str(peer["peer"]): bool(peer["well"]) for peer in trunk["peers"]}


def test_each_asks_the_other_whether_it_is_well(
    bank: BankProcess,
    proxies: dict[str, Kamailio],
    places: dict[str, tuple[str, int]],
    tmp_path: Path,
) -> None:
    assert set(proxies) == set(WAYS)
    own = "udp:{}:{}".format(*places[THIRD])
    until(lambda: sorted(well(bank).values()) == [False, True, True], "two of three are well")
    with kamailio(tmp_path / "own", bank.sip, towards="tcp", place=places[THIRD]) as third:
        until(lambda: all(well(bank).values()), "the third is well")
        third.program.until_said(f"asked for OPTIONS by {bank.sip}")
        bank.stop()
        third.program.until_said(DOWN)
        bank.run()
        third.program.until_said(UP, times=2)
        until(lambda: all(well(bank).values()), "all are well")
    until(lambda: [peer for peer, fine in well(bank).items() if not fine] == [own], "it is gone")


def test_the_bank_calls_a_number_over_it(
    bank: BankProcess, proxies: dict[str, Kamailio], callee: int, tmp_path: Path
) -> None:
    """A fax in G.711 to a person, whose phone gives back what it hears and hangs up."""
    desk = FaxDesk.found(bank, tmp_path / "private")
    words = [needed("sipp", "sip-tester"), "-sf", str(HERE / "called.xml"), "-i", "127.0.0.1"]
    words += ["-p", str(callee), "-mp", str(free_port()), "-m", "1", "-nostdin", "-rtp_echo"]
    words += ["-timeout", "200s", "-trace_msg", "-message_file", str(tmp_path / "messages.log")]
    with program(words, tmp_path / "sipp.log") as called:
        fax = desk.send(write_pdf(tmp_path / "fax.pdf", 1), NUMBER)["id"]
        assert called.process.wait(200) == 0, called.said()[-2000:]
    until(lambda: desk.seen(fax).state == "failed", "the fax has ended")
    assert desk.seen(fax).confirmed == 0
    messages = (tmp_path / "messages.log").read_text()
    assert f"INVITE sip:{NUMBER}@{proxies['udp'].place}" in messages
    assert f"ACK sip:called@127.0.0.1:{callee}" in messages  # by the routes of the 200
