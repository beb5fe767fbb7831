"""`telebank call` in numbers: every caller hears his prompts, his keys are taken, nothing stays."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from core_adapters.corehost.seed import SeedCard
from support.bank_process import BankProcess, Voice

pytestmark = pytest.mark.system

CALLS = 100
CALLS_S = 110
T1 = 0.1
"""Longer than in other tests, since two cores carry a hundred callers; 64 of it are 6.4 s."""
HEARD = ("sys.welcome", "lang.zh", "auth.card", "auth.pin", "bal.amount", "sys.goodbye")


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, voice: Voice) -> Iterator[BankProcess]:
    data = tmp_path_factory.mktemp("bank")
    with BankProcess.start(data, voice, sip={"t1": T1, "t2": 0.4, "t4": 0.4}) as bank:
        yield bank


def balance_call(card: SeedCard) -> str:
    """Language, accounts, card, PIN, enquiries, balance, back to the main menu, goodbye.

    Each key goes into the prompt that asks for it. A PIN of twelve digits is complete without
    the hash key.
    """
    return (
        f"@lang.zh !1 @lang.chosen !1 @auth.card !{card.card}# @auth.pin !{card.pin}"
        " ~1 !1 ~1 !1 @bal.amount ~1.5 !* ~1 !* ~1 !9 @sys.goodbye"
    )


def ring(bank: BankProcess, folder: Path, scripts: list[str], *words: str) -> list[dict[str, str]]:
    """Run `telebank call --calls` with a script a call; its JSON."""
    keys = folder / "keys.txt"
    keys.write_text("\n".join(scripts), encoding="utf-8")
    command = [sys.executable, "-m", "telebank", "call", bank.uri, "--keys-file", str(keys)]
    command += ["--calls", str(len(scripts)), "--data", str(bank.data), "--json", *words]
    done = subprocess.run(command, check=False, capture_output=True, timeout=CALLS_S, text=True)
    keys.unlink()
    assert done.stdout, done.stderr
    reports: list[dict[str, str]] = json.loads(done.stdout)
    faults = [report["fault"] for report in reports if report["fault"]]
    assert (done.returncode, faults[:3]) == (0, [])
    return reports


def test_a_hundred_callers_hear_their_balances_and_leave_nothing(
    bank: BankProcess, tmp_path: Path
) -> None:
    cards = bank.cards
    # Calls first, so that what a node opens once and keeps is open before it is counted.
    ring(bank, tmp_path, ["!2 !9"] * 2, "--expect", "sys.goodbye")
    before, files = bank.wait_idle(), bank.open_files()
    scripts = [balance_call(cards[number % len(cards)]) for number in range(CALLS)]
    expected = [word for prompt in HEARD for word in ("--expect", prompt)]
    reports = ring(bank, tmp_path, scripts, "--rate", "20", *expected)

    assert Counter(report["ended_by"] for report in reports) == {"remote": CALLS}
    after = bank.wait_idle()
    assert after["total_calls"] == before["total_calls"] + CALLS
    assert after["tasks"] == before["tasks"]
    bank.wait_files(files)
    bank.last_call()
    rows = bank.calls(CALLS)
    # Every key was taken: the log has them all, secret ones as dots, and every service once.
    assert {row.path.replace(" ", "") for row in rows} == {"11" + "•" * 29 + "11**9"}
    services = Counter((item.service, item.exit) for row in rows for item in row.services)
    assert services[("pin.verify", "ok")] == CALLS
    assert services[("card.balance", "ok")] == CALLS


@pytest.mark.long
def test_the_benchmark_tells_what_it_measured() -> None:
    command = [sys.executable, "-m", "telebank", "bench", "call", "--calls", "5"]
    command += ["--rounds", "1", "--json"]
    done = subprocess.run(command, check=False, capture_output=True, timeout=CALLS_S, text=True)
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    # The PIN and one balance ask the host; language, accounts, card, enquiries, once more, back and
    # back again, 9 do not.
    assert (figures["calls"], figures["failed"], figures["answers"]) == (5, 0, 10)
    assert figures["keys"] == 5 * 8
    assert 0 < figures["answer_p50_ms"] <= figures["answer_p99_ms"]
    assert figures["cpu_ms_per_call"] > 0
