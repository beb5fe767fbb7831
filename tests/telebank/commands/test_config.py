"""`telebank config check`: what it finds before a node is started."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from telebank.main import main

TLS = 'schema = 1\n[calls]\nlisten = "tls:127.0.0.1:5061"\n'


def _written(data: Path, text: str) -> Path:
    place = data / "config" / "telebank.toml"
    place.parent.mkdir()
    place.write_text(text)
    return data


def _checked(data: Path) -> tuple[int, str]:
    found = CliRunner().invoke(main, ["config", "check", "--data", str(data)])
    return found.exit_code, found.output


def test_shipped_settings_are_fine(tmp_path: Path) -> None:
    assert _checked(tmp_path) == (0, "settings are fine\n")


def test_a_folder_that_is_not_there_is_no_folder(tmp_path: Path) -> None:
    code, said = _checked(tmp_path / "varr")
    assert code == 1
    assert "there is no folder" in said


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (TLS, "[calls] listen has tls:127.0.0.1:5061: give certificate and key in [sip_tls]"),
        (TLS + '[sip_tls]\ncertificate = "no.pem"\nkey = "no.key"\n', "no.pem: no such file"),
    ],
)
def test_tls_without_its_files(tmp_path: Path, text: str, why: str) -> None:
    code, said = _checked(_written(tmp_path, text))
    assert code == 1
    assert why in said
