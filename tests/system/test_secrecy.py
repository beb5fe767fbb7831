"""No test PIN and no clear card number outside the core host's own folder.

Here after the day at the bank; `tests/system/conftest.py` looks once more after the whole run.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import pytest_asyncio

from core_adapters.corehost.seed import trial_set
from support import money_secrets
from support.bank_process import BankProcess
from support.console_process import console
from support.money_caller import prove, report_loss, transfer
from support.money_stage import Day, Stage
from telebank.phone.report import CallReport

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
on_stage = pytest.mark.asyncio(loop_scope="session")


async def mixed_run(stage: Stage) -> list[CallReport]:
    """Right and wrong PINs, money, a lost card, and keys that nobody asked for."""
    day = await stage.day()
    payer, payee = day.pair(12)
    loser, other = day.pair(13)
    calls = (
        (transfer(payer, payee, "20"), "tr.in_doubt"),
        (prove(other, payer.pin), "auth.wrong_pin"),
        (report_loss(loser), "loss.done"),
        (f"!{loser.card} !{loser.pin}", "sys.invalid"),
    )
    day.fault(payer, "wrong_field 39 96", mti="0200", processing="42")
    return list(await asyncio.gather(*(day.ring(*call) for call in calls)))


SCENES = (mixed_run,)


def telebank(*words: str) -> bytes:
    """Run a command; what it printed."""
    command = [sys.executable, "-m", "telebank", *words]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    return done.stdout + done.stderr


def look_everywhere(bank: BankProcess, folder: Path) -> None:
    """Keep what the control socket, the command line and the web page show."""
    folder.mkdir()
    for name in ("status", "lines", "counts"):
        (folder / name).write_text(json.dumps(bank.control(f"/v1/{name}")))
    data = str(bank.data)
    (folder / "calls.json").write_bytes(
        telebank("calls", "--data", data, "--json", "--limit", "500")
    )
    (folder / "calls.txt").write_bytes(telebank("calls", "--data", data, "--limit", "500"))
    with console(bank.data) as base:
        for name, path in (("page.html", "/"), ("rows.html", "/calls"), ("en.html", "/?lang=en")):
            (folder / name).write_bytes(httpx.get(base + path, timeout=30).content)


@pytest_asyncio.fixture(loop_scope="session")
async def day(stage: Stage) -> Day:
    """The bank, when all that was to happen there has happened."""
    await stage.all_over()
    return await stage.day()


@on_stage
async def test_nothing_shows_a_pin_or_a_card_number(day: Day) -> None:
    shown = day.bank.data / "shown"
    await asyncio.to_thread(look_everywhere, day.bank, shown)
    assert b"\xe2\x80\xa2" in (shown / "page.html").read_bytes()
    assert '"' in (shown / "calls.json").read_text()
    names = {path.name for path in day.bank.data.rglob("*")}
    assert {"telebank.db", "telebank.db-wal", "node.log", "corehost.log", "index.json"} <= names
    assert money_secrets.findings(day.bank.data) == []


@on_stage
async def test_the_node_leaves_no_core_file(day: Day) -> None:
    limits = Path(f"/proc/{day.bank.pid}/limits").read_text()
    (line,) = (line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert line.split()[4] == "0"


def test_every_spelling_would_be_found() -> None:
    who = trial_set()[7]
    for digits in (who.card, who.pin):
        for spelled in money_secrets.spellings(digits):
            assert money_secrets.found_in(b"before" + spelled + b"after"), spelled
        keys = "".join(f'{{"event": "key", "digit": "{digit}"}}\n' for digit in digits)
        lines = "".join(f"12:00:01 key {digit}\n" for digit in digits)
        for text in (keys, lines):
            assert money_secrets.found_in(text.encode())
    block = money_secrets.clear_block(who.pin, who.card)
    for spelled in (block, block.hex().encode(), block.hex().upper().encode()):
        assert money_secrets.found_in(b"\0" + spelled)
    assert money_secrets.found_in(f"card {who.card[:6]}******{who.card[-4:]}".encode()) == []


def test_a_finding_names_the_file(tmp_path: Path) -> None:
    (tmp_path / "telebank.db").write_bytes(b"")
    for inside in ("logs/node.log", "corehost/bank.sqlite3"):
        path = tmp_path / inside
        path.parent.mkdir()
        path.write_text(trial_set()[0].pin)
    (found,) = money_secrets.findings_below(tmp_path)
    assert found.startswith(str(tmp_path / "logs" / "node.log"))
    for path in tmp_path.rglob("*.log"):
        path.unlink()
