"""Section [snmp]: what it refuses, and secrets in files."""

from pathlib import Path
from typing import Any

import pytest

from support import net_snmp
from telebank.ops.snmp.options import SnmpOptions, SnmpSecretError, read_secrets

USER = {"user": "noc", "auth_file": "a", "privacy_file": "p"}


def test_off_until_there_is_somebody() -> None:
    assert not SnmpOptions().used
    assert SnmpOptions(**USER).used  # type: ignore[arg-type]
    assert SnmpOptions(community_file="c").used


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"listen": "somewhere"}, "address:port"),
        ({"listen": "127.0.0.1:70000"}, "0 to 65535"),
        ({"user": "noc"}, "all of them"),
        ({**USER, "user": "two words"}, "letters"),
        ({"sinks": ("192.0.2.9:162",)}, "no user"),
        ({"sinks": ("192.0.2.9:162",), "version": "2c", **USER}, "no community"),
        ({"sinks": ("192.0.2.9:0",), **USER}, "no port"),
        ({"sinks": ("192.0.2.9:162",) * 2, **USER}, "each once"),
        ({"requests_per_s": 0}, "requests_per_s is 1 to"),
        ({"retry_s": 0.1}, "retry_s is 0.2 to"),
    ],
)
def test_what_cannot_be_meant_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SnmpOptions(**given)


def test_secrets_come_from_files_of_our_own(tmp_path: Path) -> None:
    options = SnmpOptions(**net_snmp.keys_into(tmp_path))  # type: ignore[arg-type]
    secrets = read_secrets(options, tmp_path)
    assert secrets.auth == net_snmp.AUTH.encode()
    assert net_snmp.AUTH not in repr(secrets)
    assert net_snmp.COMMUNITY not in repr(secrets)


def test_a_secret_that_cannot_be_used_is_named_and_not_said(tmp_path: Path) -> None:
    options = SnmpOptions(**net_snmp.keys_into(tmp_path))  # type: ignore[arg-type]
    (tmp_path / "snmp.auth").chmod(0o640)
    with pytest.raises(SnmpSecretError, match="chmod 600"):
        read_secrets(options, tmp_path)
    (tmp_path / "snmp.auth").chmod(0o600)
    (tmp_path / "snmp.auth").write_text("short")
    with pytest.raises(SnmpSecretError, match="8 to 255") as refused:
        read_secrets(options, tmp_path)
    assert "short" not in str(refused.value).partition(":")[2]
    (tmp_path / "snmp.auth").unlink()
    with pytest.raises(SnmpSecretError, match="No such file"):
        read_secrets(options, tmp_path)
