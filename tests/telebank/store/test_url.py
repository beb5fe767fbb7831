"""Where the store is: from the settings, its password from a file, and never in print."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from support.store_postgresql import name_in_settings
from telebank.commands import calls, config, release
from telebank.settings import SettingsError, store_url
from telebank.store.engine import open_read_only
from telebank.store.errors import KeyFileError, StoreMissing

WORD = "violet-anchor"
OPEN = Path("/proc/self/fd")
NAMED = "postgresql+psycopg://telebank@127.0.0.1:1/bank"


def _password(folder: Path, text: str, mode: int = 0o600) -> None:
    (folder / "keys").mkdir(exist_ok=True)
    path = folder / "keys" / "store-password"
    path.write_text(text)
    path.chmod(mode)


@pytest.mark.sqlite_file
def test_the_file_of_the_data_folder_where_nothing_is_said(tmp_path: Path) -> None:
    assert store_url(tmp_path) == f"sqlite:///{tmp_path}/telebank.db"


def test_a_server_with_its_password_from_a_file(tmp_path: Path) -> None:
    name_in_settings(tmp_path, NAMED)
    assert store_url(tmp_path) == NAMED
    name_in_settings(tmp_path, NAMED, password_file="keys/store-password")
    _password(tmp_path, "p@ss/word\n")
    assert store_url(tmp_path) == NAMED.replace("telebank@", "telebank:p%40ss%2Fword@")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("postgresql://telebank@db/bank", r"postgresql\+psycopg://user@host/database"),
        ("mysql://telebank@db/bank", "begins with 'mysql'"),
        ("postgresql+psycopg://telebank@db", "names no database"),
        ("postgresql+psycopg://telebank@db/bank?password=x", "store.password_file"),
        ("postgresql+psycopg://telebank@db:port/bank", "cannot be read"),
    ],
)
def test_what_is_no_store_is_said_with_what_to_do(tmp_path: Path, url: str, why: str) -> None:
    name_in_settings(tmp_path, url)
    with pytest.raises(SettingsError, match=why):
        store_url(tmp_path)
    refused = CliRunner().invoke(calls.command, ["--data", str(tmp_path)])
    assert refused.exit_code == 2


def test_a_password_file_must_be_there_and_the_owners_alone(tmp_path: Path) -> None:
    name_in_settings(tmp_path, NAMED, password_file="keys/store-password")
    with pytest.raises(KeyFileError, match="No such file"):
        store_url(tmp_path)
    _password(tmp_path, WORD, 0o640)
    with pytest.raises(KeyFileError, match="chmod 600"):
        store_url(tmp_path)


def test_no_command_prints_a_password(tmp_path: Path) -> None:
    name_in_settings(tmp_path, NAMED.replace("telebank@", f"telebank:{WORD}@"))
    run, data = CliRunner(), ["--data", str(tmp_path)]
    shown = [run.invoke(config.command, ["show", *more, *data]) for more in ([], ["--json"])]
    assert [one.exit_code for one in shown] == [0, 0]
    assert all("telebank:***@127.0.0.1" in one.output for one in shown)
    # Nobody listens on port 1: the error names the place, not the password.
    away = [
        run.invoke(calls.command, data),
        run.invoke(release.command, ["list", *data]),
    ]
    assert [one.exit_code for one in away] == [3, 3]
    assert all("127.0.0.1" in one.output for one in away)
    for one in (*shown, *away):
        assert WORD not in one.output


@pytest.mark.sqlite_file
def test_a_store_without_tables_is_left_closed(tmp_path: Path) -> None:
    """A watcher asks for it every two seconds until there is one."""
    (tmp_path / "telebank.db").touch()
    before = len(list(OPEN.iterdir()))
    with pytest.raises(StoreMissing, match="no tables yet") as missing:
        open_read_only(store_url(tmp_path))
    assert len(list(OPEN.iterdir())) == before, missing  # which holds the engine
