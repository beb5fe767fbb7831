"""A package that is missing fails what needs it and says its name: nothing is skipped."""

from pathlib import Path

import pytest

from support import hsm_kit, sql_servers


def test_a_missing_driver_or_token_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(pytest.fail.Exception, match="apt-get install odbc-other"):
        sql_servers.need_driver("Other", "odbc-other")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(pytest.fail.Exception, match="apt-get install softhsm2"):
        hsm_kit.softhsm_library()


def test_every_package_is_installed_by_the_setup() -> None:
    setup = (Path(__file__).resolve().parents[3] / "scripts" / "setup").read_text("utf-8")
    for package in ("softhsm2", "odbcinst", "libsqliteodbc", "odbc-postgresql", "postgresql"):
        assert any(line.split()[-1:] == [package] for line in setup.splitlines() if "want" in line)
