"""A machine without libodbc.so.2: a bank whose host speaks ISO 8583 needs it nowhere, and where a
host is a database the error says which package is missing."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.bank_process import BankProcess, Voice

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

LIBRARY, ABSENT = b"libodbc.so.2", b"libodbc.so.0"
"""Of the same length: the copy stays a shared object, and the loader finds nothing of that name."""
TELEBANK = (sys.executable, "-m", "telebank")
SQL_HOST = """schema = 1
[node]
host = "ourbank"
[hosts.ourbank]
adapter = "sql"
profile = "sql-demo"
dialect = "sqlite"
connection = "DRIVER=SQLite3;DATABASE=/nowhere"
"""


@pytest.fixture(autouse=True)
def without_odbc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process that is started finds a pyodbc which the real loader cannot load."""
    found = importlib.util.find_spec("pyodbc")
    assert found is not None
    assert found.origin is not None
    module = Path(found.origin)
    octets = module.read_bytes()
    assert LIBRARY in octets
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / module.name).write_bytes(octets.replace(LIBRARY, ABSENT))
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=os.pathsep)
    loaded = subprocess.run(
        [sys.executable, "-c", "import pyodbc"], capture_output=True, text=True, check=False
    )
    assert "libodbc.so.0: cannot open shared object file" in loaded.stderr


def telebank(*words: object) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own."""
    return subprocess.run(
        [*TELEBANK, *map(str, words)], capture_output=True, text=True, check=False, timeout=300
    )


def test_the_demo_bank_takes_a_call(tmp_path: Path, voice: Voice) -> None:
    with BankProcess.start(tmp_path / "bank", voice) as bank:
        keys = f"1 1 {bank.cards[0].card}# {bank.cards[0].pin}# 1 1"
        rung = telebank("call", bank.uri, "--keys", keys, "--hang-up-after", "bal.amount")
        assert rung.returncode == 0, rung.stdout + rung.stderr


def test_the_tools_of_an_iso_8583_host(tmp_path: Path) -> None:
    checked = telebank("host", "check", "tb87", "--data", tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    shown = telebank("host", "certify", "--help")
    assert (shown.returncode, shown.stderr) == (0, "")
    only = ("--only", "service.card.balance", "--data", tmp_path, "--json")
    tried = telebank("host", "certify", "tb87", *only)
    assert tried.returncode == 0, tried.stderr
    assert json.loads(tried.stdout)["verdict"] == "passed"


def test_a_databases_profile_is_checked_and_its_stubs_printed(tmp_path: Path) -> None:
    assert telebank("host", "check", "sql-demo", "--data", tmp_path).returncode == 0
    assert telebank("host", "sql-stubs", "--dialect", "postgresql").returncode == 0


def test_a_host_that_is_a_database_says_what_to_install(tmp_path: Path, voice: Voice) -> None:
    voice.lend(tmp_path)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "telebank.toml").write_text(SQL_HOST)
    for words in (("serve", "--sip", "127.0.0.1:0"), ("host", "certify", "sql-demo")):
        refused = telebank(*words, "--data", tmp_path)
        assert refused.returncode == 2, refused.stderr
        assert "apt-get install libodbc2" in refused.stderr
        assert "libodbc.so.0: cannot open shared object file" in refused.stderr
        assert "Traceback" not in refused.stderr
