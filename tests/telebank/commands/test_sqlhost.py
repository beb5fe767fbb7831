"""`[hosts.NAME] adapter = "sql"`: read, with the password from its own file."""

from pathlib import Path
from typing import Any

import pytest

from core_adapters.sql.events import HostEvents
from telebank.commands.wiring.sql_host import sql_host, sql_options
from telebank.settings import SettingsError, seed_dir
from transactions.contract import load_contracts

CONTRACTS = load_contracts(seed_dir() / "services.yaml")
TABLE = {"adapter": "sql", "profile": "sql-demo", "utc_offset_minutes": 480}


def password(keys: Path, text: str = "two words;}", mode: int = 0o600) -> None:
    path = keys / "bank.password"
    path.write_text(f"{text}\n", encoding="utf-8")
    path.chmod(mode)


SILENT = "UseServerSidePrepare=1;UseDeclareFetch=0;Debug=0;CommLog=0"
"""What keeps psqlODBC from writing values into logs (docs/sql.md)."""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (
            {"connection": "DRIVER={X};PWD={password}", "password_file": "bank.password"},
            "DRIVER={X};PWD={two words;}}}",
        ),
        (
            {"dsn": "BANK", "user": "gateway", "password_file": "bank.password"},
            "DSN=BANK;UID=gateway;PWD={two words;}}}",
        ),
        ({"dsn": "BANK"}, "DSN=BANK"),
    ],
)
def test_the_connection_string(tmp_path: Path, more: dict[str, Any], said: str) -> None:
    password(tmp_path)
    options = sql_options("bank", TABLE | more, tmp_path)
    assert options.connection_string() == f"{said};{SILENT}"
    assert "two words" not in repr(options)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "needs `connection` or `dsn`"),
        ({"dsn": "A", "connection": "B"}, "not both"),
        ({"dsn": "A;DRIVER=/tmp/evil.so"}, "letters, digits"),
        ({"dsn": "A", "wrokers": 4}, "did you mean 'workers'"),
        ({"dsn": "A", "password_file": "bank.password"}, "chmod 600"),
        ({"dsn": "A", "password_file": "nothing"}, "nothing"),
        ({"connection": "PWD={password}"}, "name a `password_file`"),
    ],
)
def test_what_cannot_be_used_is_told(tmp_path: Path, more: dict[str, Any], why: str) -> None:
    password(tmp_path, mode=0o644)
    with pytest.raises(SettingsError, match=why):
        sql_host("bank", TABLE | more, seed_dir(), tmp_path, CONTRACTS, HostEvents())


def test_capabilities_are_the_profiles(tmp_path: Path) -> None:
    table = TABLE | {"dsn": "BANK", "dialect": "sqlite"}
    host = sql_host("bank", table, seed_dir(), tmp_path, CONTRACTS, HostEvents())
    assert "card.balance" in host.capabilities()
