"""A line that gives the bank its own voice back (sipp's -rtp_echo), while keys are sought in the
sound, since nothing better was offered: no key may be heard in the bank's own words."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.bank_process import BankProcess, Voice
from support.interop_bank import nothing_left
from support.interop_programs import needed, until
from support.sipp_runs import sipp_towards

pytestmark = [pytest.mark.system, pytest.mark.long, pytest.mark.timeout(300)]
HERE = Path(__file__).parent / "sipp"
CALLS = 4
CALL_S = 100


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory, voice: Voice) -> Iterator[BankProcess]:
    needed("sipp", "sip-tester")
    timers = {"t1": 0.1, "t2": 0.4, "t4": 0.4}
    with BankProcess.start(tmp_path_factory.mktemp("bank"), voice, sip=timers) as bank:
        yield bank


def test_no_key_is_heard_in_our_own_voice(bank: BankProcess, tmp_path: Path) -> None:
    """Four calls of forty seconds: the welcome, both languages, again, and again."""
    options = ("-rtp_echo", "-m", str(CALLS), "-l", str(CALLS), "-r", "10")
    scenario = HERE / "echo.xml"
    with nothing_left(bank), ThreadPoolExecutor(1) as pool:
        calls = pool.submit(sipp_towards, bank.sip, tmp_path, scenario, *options, seconds=CALL_S)
        lines = until(lambda: _measured(bank), "each line has its figures")
        assert "telephone-event" not in calls.result()
    for line in lines:
        assert not line["sampled"], line  # every packet is read where keys are in the sound
        assert line["mos"] > 1.0, line
    rows = bank.calls(CALLS)
    assert [row.keys for row in rows] == [()] * CALLS
    assert {row.ended_by for row in rows} == {"remote"}
    assert {row.codec for row in rows} == {"PCMA"}


def _measured(bank: BankProcess) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = bank.control("/v1/lines")
    return lines if len(lines) == CALLS and all("mos" in line for line in lines) else []
