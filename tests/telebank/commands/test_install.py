"""`scripts/install` into a folder of its own, with the environment of the tests."""

import configparser
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
UNITS = ("telebank-console.service", "telebank-node.service", "telebank-watch.service")


def install(prefix: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(ROOT / "scripts" / "install"), prefix],
        env={**os.environ, "VENV": sys.prefix, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.fixture(scope="module")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is installed."""
    place = tmp_path_factory.mktemp("install") / "p"
    done = install(str(place))
    assert done.returncode == 0, done.stdout + done.stderr
    return place


def run(prefix: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(prefix / "opt/telebank/bin/telebank"), *words],
        cwd=prefix,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_what_is_installed_runs_from_there(prefix: Path) -> None:
    data = prefix / "var/lib/telebank"
    checked = run(prefix, "config", "check", "--data", str(data))
    assert (checked.returncode, checked.stdout) == (0, "settings are fine\n"), checked.stderr
    assert data.stat().st_mode & 0o077 == 0
    (prefix / "etc/telebank/telebank.toml").write_text("schema = 1\n[calls]\nlinse = 1\n")
    wrong = run(prefix, "config", "check", "--data", str(data))
    assert wrong.returncode == 1
    assert "linse" in wrong.stderr, "what is in /etc/telebank is what is read"
    told = subprocess.run(
        [sys.executable, "-c", "import telebank; print(telebank.__file__)"],
        env={**os.environ, "PYTHONPATH": str(prefix / "opt/telebank/lib")},
        cwd=prefix,
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.startswith(str(prefix))


def test_a_second_time_settings_stay(prefix: Path) -> None:
    settings = prefix / "etc/telebank/telebank.toml"
    settings.write_text("schema = 1\n[calls]\nlines = 7\n")
    (prefix / "opt/telebank/lib/telebank/left_over.py").write_text("")
    assert install(str(prefix)).returncode == 0
    assert "lines = 7" in settings.read_text()
    assert not (prefix / "opt/telebank/lib/telebank/left_over.py").exists()
    assert (prefix / "opt/telebank/lib.old/telebank/left_over.py").exists()


def test_a_prefix_that_cannot_be_meant_is_refused() -> None:
    assert install("somewhere").returncode == 2
    assert install("/tmp/with space").returncode == 2


def test_units_name_what_is_installed_and_are_closed(prefix: Path) -> None:
    folder = prefix / "etc/systemd/system"
    assert sorted(path.name for path in folder.iterdir()) == sorted(UNITS)
    for name in UNITS:
        text = (folder / name).read_text()
        assert "@APP@" not in text
        assert "@VAR@" not in text
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(text)
        service = unit["Service"]
        program = Path(service["ExecStart"].split()[0])
        assert os.access(program, os.X_OK)
        assert service["ReadWritePaths"] == str(prefix / "var/lib/telebank")
        closed = ("NoNewPrivileges", "PrivateTmp", "ProtectHome", "PrivateDevices")
        assert [service[word] for word in closed] == ["yes"] * len(closed)
        assert (service["ProtectSystem"], service["LimitCORE"]) == ("strict", "0")
        command = service["ExecStart"].split()[1]
        assert run(prefix, command, "--help").returncode == 0


def test_systemd_takes_the_units(prefix: Path) -> None:
    program = shutil.which("systemd-analyze")
    for name in UNITS if program else ():  # a container may have no systemd: then the test above
        path = prefix / "etc/systemd/system" / name
        done = subprocess.run(
            [str(program), "verify", "--man=no", str(path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = [line for line in done.stderr.splitlines() if name in line]
        assert said == [], done.stderr
