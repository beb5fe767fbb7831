"""rtpengine between callers and the bank, told of calls by Kamailio: signalling of 127.0.0.2, media
of 127.0.0.3, callers on 127.0.0.1."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.bank_process import BankProcess, Voice
from support.interop_bank import entered, nothing_left
from support.interop_kamailio import HOST, Kamailio, kamailio
from support.interop_linphone import linphone
from support.interop_programs import needed, until
from support.interop_rtpengine import HOST as RELAY
from support.interop_rtpengine import Rtpengine, rtpengine
from support.sipp_runs import sipp_towards

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]
HERE = Path(__file__).parent / "sipp"
CALL_S = 150


@dataclass(frozen=True, slots=True)
class Relayed:
    """A bank behind both."""

    bank: BankProcess
    proxy: Kamailio
    engine: Rtpengine


@pytest.fixture(scope="module")
def relayed(tmp_path_factory: pytest.TempPathFactory, voice: Voice) -> Iterator[Relayed]:
    needed("sipp", "sip-tester")
    folder = tmp_path_factory.mktemp("relay")
    settings = {
        "trunks.kamailio": {"addresses": [HOST]},
        "sip": {"t1": 0.1, "t2": 0.4, "t4": 0.4},
    }
    with (
        rtpengine(folder / "rtpengine") as engine,
        BankProcess.start(tmp_path_factory.mktemp("bank"), voice, **settings) as bank,
        kamailio(folder / "kamailio", bank.sip, towards="tcp", rtpengine=engine.place) as proxy,
    ):
        yield Relayed(bank, proxy, engine)


@pytest.fixture(autouse=True)
def _nothing_is_left(relayed: Relayed) -> Iterator[None]:
    with nothing_left(relayed.bank):
        yield
    until(lambda: relayed.engine.sessions() == [], "rtpengine relays nothing more")


def test_a_balance_is_heard_through_it(relayed: Relayed) -> None:
    """Our own phone knows each prompt by its sound, and presses thirty keys."""
    bank, card = relayed.bank, relayed.bank.cards[0]
    keys = (
        f"@lang.zh !1 @lang.chosen !1 @auth.card !{card.card}# @auth.pin !{card.pin}"
        " ~1 !1 ~1 !1 @bal.amount ~1.5 !* ~1 !* ~1 !9 @sys.goodbye"
    )
    words = [sys.executable, "-m", "telebank", "call", f"sip:bank@{relayed.proxy.place}"]
    words += ["--keys", keys, "--expect", "bal.amount", "--json", "--data", str(bank.data)]
    done = subprocess.run(words, check=False, capture_output=True, timeout=CALL_S, text=True)
    assert done.returncode == 0, done.stderr + done.stdout[-3000:]
    report = json.loads(done.stdout)
    heard = [prompt["prompt"] for prompt in report["prompts"]]
    assert "sys.goodbye" in heard
    newest = bank.last_call()
    assert newest.at == "main/goodbye"


def test_keys_of_sipp_and_a_hold(relayed: Relayed, tmp_path: Path) -> None:
    seen = sipp_towards(relayed.proxy.place, tmp_path, HERE / "whole.xml")
    assert f"c=IN IP4 {RELAY}" in seen
    newest = relayed.bank.last_call()
    assert (newest.path, newest.ended_by) == ("2 3", "remote")


def test_linphone_hears_and_is_counted(relayed: Relayed, tmp_path: Path) -> None:
    bank, engine = relayed.bank, relayed.engine
    with linphone(tmp_path / "phone") as phone:
        phone.type(f"call sip:bank@{relayed.proxy.place}")
        phone.until_said("Media streams established")
        entered(bank, "main.lang")
        phone.type("2")
        entered(bank, "main.front")
        (call,) = engine.sessions()
        before = engine.packets(call)
        assert len(before) == 2, before
        until(
            lambda: all(now > before[side] + 50 for side, now in engine.packets(call).items()),
            "both sides send",
        )
        until(lambda: _quality(bank), "the line has its figures")
        phone.type("terminate")
        phone.until_said("ended")
    assert phone.heard_s() > 2.0
    newest = bank.last_call()
    assert (newest.path, newest.ended_by) == ("2", "remote")


def _quality(bank: BankProcess) -> bool:
    (line,) = bank.control("/v1/lines")
    return "mos" in line


def test_the_caller_dies_in_the_middle(relayed: Relayed, tmp_path: Path) -> None:
    """Nobody says BYE; the bank notices that no media comes, and its BYE ends the session."""
    with linphone(tmp_path / "phone") as phone:
        phone.type(f"call sip:bank@{relayed.proxy.place}")
        phone.until_said("Media streams established")
        until(lambda: len(relayed.engine.sessions()) == 1, "there is a session")
        phone.program.process.kill()
        phone.program.process.wait()
    until(lambda: relayed.bank.counts()["calls"] == 0, "the bank hangs up", 90)
    assert relayed.bank.last_call().ended_by != "remote"
