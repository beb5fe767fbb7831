"""No test PIN and no clear card number outside the core host's own folder.

Here after the day at the bank; `tests/system/conftest.py` looks once more after the whole run.
"""

import asyncio
import contextlib
import gzip
import json
import signal
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest
import pytest_asyncio

from core_adapters.corehost.seed import trial_set
from support import money_secrets
from support.bank_process import BankProcess
from support.console_process import console
from support.money_caller import prove, report_loss, transfer
from support.money_stage import Day, Stage
from support.money_unpacked import is_core, keys_in, pieces
from telebank.calls.recording_keys import new_key
from telebank.media.bench_dtmf_material import Case, line
from telebank.media.recording import Header, Recording
from telebank.phone.report import CallReport
from telebank.store.sealing import Keyring

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]
on_stage = pytest.mark.asyncio(loop_scope="session")


@contextlib.contextmanager
def watched(data: Path) -> Iterator[None]:
    """What `telebank host trace` shows meanwhile is kept in the node's folder."""
    words = [sys.executable, "-m", "telebank", "host", "trace", "--json", "--data", str(data)]
    with (data / "trace.jsonl").open("wb") as out:
        process = subprocess.Popen(words, stdout=out, stderr=subprocess.STDOUT)
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


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
    with watched(day.bank.data):
        return list(await asyncio.gather(*(day.ring(*call) for call in calls)))


SCENES = (mixed_run,)
OUTPUTS = {
    "events.json": ("events", "--json"),
    "keys.json": ("keys", "store", "list", "--json"),
    "faxes.json": ("fax", "list", "--json"),
    "contacts.json": ("contacts", "list", "--json"),
}
"""What commands print, by the file that it is kept in."""


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
    telebank("audit", "export", "--data", data, "--all", str(folder / "log.jsonl"))
    telebank("backup", "--data", data, str(folder.parent.parent / "archive.tar"))
    (folder.parent.parent / "archive.tar").rename(folder / "archive.tar")
    for name, words in OUTPUTS.items():
        (folder / name).write_bytes(telebank(*words, "--data", data))
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
    assert (shown / "log.jsonl").stat().st_size > 0
    assert "telebank.db" in {name for name, _ in pieces(shown / "archive.tar")}
    assert '"0200"' in (day.bank.data / "trace.jsonl").read_text(), (
        "what the wire was seen to carry"
    )
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


def test_packed_papers_and_archives_are_looked_into(tmp_path: Path) -> None:
    one = trial_set()[3]
    said = zlib.compress(f"BT ({one.card}) Tj ET".encode())
    paper = tmp_path / "paper.pdf"
    paper.write_bytes(b"%PDF-1.4\n1 0 obj << >> stream\n" + said + b"\nendstream endobj\n")
    assert money_secrets.found_in(paper.read_bytes()) == []
    assert any("stream 0" in what for what in money_secrets.in_file(paper))
    archive = tmp_path / "bank.tar"
    with tarfile.open(archive, "w") as tar:
        tar.add(paper, "fax/1/paper.pdf")
    assert any("fax/1/paper.pdf, stream 0" in what for what in money_secrets.in_file(archive))
    zipped = tmp_path / "log.gz"
    zipped.write_bytes(gzip.compress(one.pin.encode()))
    assert money_secrets.in_file(zipped)


def test_a_core_file_is_a_finding(tmp_path: Path) -> None:
    for name in ("core", "core.4711"):
        (tmp_path / name).write_bytes(b"")
        assert is_core(tmp_path / name)
    (tmp_path / "dumped").write_bytes(b"\x7fELF" + bytes(12) + b"\x04\x00")
    assert is_core(tmp_path / "dumped")
    (tmp_path / "corehost.log").write_bytes(b"nothing")
    assert not is_core(tmp_path / "corehost.log")


def test_a_pin_that_is_heard_in_a_recording_is_found(tmp_path: Path) -> None:
    one, keys = trial_set()[3], Keyring.create(tmp_path / "keys")
    sound = line(Case("plain", on_ms=100, off_ms=100), one.pin, 0, np.random.default_rng(1))
    assert keys_in(sound.astype(np.int16)) == one.pin
    key = new_key(keys)
    recording = Recording(tmp_path / "call.rec", key.plain, Header(key.wrapped, "2026-11-23"))
    recording.add(0, np.stack([np.zeros(len(sound)), sound], axis=1).astype(np.int16))
    recording.finish()
    found = money_secrets.in_file(tmp_path / "call.rec", keys=tmp_path / "keys")
    assert any("PIN" in what and "heard" in what for what in found)
