"""Settings of SNMP, section `[snmp]`. Without a community and a user nothing listens."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

MIN_PASS = 8
"""Shortest passphrase of a user (RFC 3414 section 11.2)."""
MAX_SECRET = 255
MOST_SINKS = 8
BOUNDS = (("requests_per_s", 1, 10_000), ("backlog", 1, 100_000), ("retry_s", 0.2, 60))
_USER = re.compile(r"[A-Za-z0-9._-]{1,32}")


class SnmpSecretError(ValueError):
    """A file of [snmp] that cannot be used; the words say which and why, never what is in it."""


@dataclass(frozen=True, slots=True)
class SnmpOptions:
    """Who may read, where notifications go. Files are in DATA/keys, mode 0600."""

    listen: str = "127.0.0.1:1161"
    """UDP address:port; port 0: any."""
    user: str = ""
    """SNMPv3 user, authPriv with SHA-256 (RFC 7860) and AES-128 (RFC 3826)."""
    auth_file: str = ""
    """File with the user's passphrase of authentication, 8 characters or more."""
    privacy_file: str = ""
    """File with the user's passphrase of privacy."""
    community_file: str = ""
    """File with the community of SNMPv2c, in clear on the wire; empty: no v2c."""
    sinks: Sequence[str] = field(default_factory=tuple)
    """UDP address:port of each manager that gets notifications."""
    notify: Literal["inform", "trap"] = "inform"
    """`inform`: repeated until the manager says that it has it. `trap`: sent once."""
    version: Literal["3", "2c"] = "3"
    """Of notifications."""
    retry_s: float = 5.0
    """How long an inform waits for its answer, in seconds; tried again after it, up to a minute
    apart."""
    backlog: int = 1_000
    """Notifications that wait for a manager that does not answer; older ones are left out."""
    requests_per_s: int = 200
    """Of all managers; those above it get no answer."""

    def __post_init__(self) -> None:
        address(self.listen)
        for sink in self.sinks:
            if not address(sink)[1]:
                raise ValueError(f"sinks: {sink!r} has no port: such as 192.0.2.9:162")
        if len(self.sinks) > MOST_SINKS or len(set(self.sinks)) < len(self.sinks):
            raise ValueError(f"sinks: at most {MOST_SINKS}, each once")
        if self.user and not _USER.fullmatch(self.user):
            raise ValueError("user: 1 to 32 letters, digits, . _ -")
        if bool(self.user) != bool(self.auth_file and self.privacy_file):
            raise ValueError("user, auth_file and privacy_file: all of them, or none")
        if self.sinks and not (self.user if self.version == "3" else self.community_file):
            raise ValueError(f'sinks: version = "{self.version}" has no user, or no community')
        for name, least, most in BOUNDS:
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name} is {least:g} to {most:g}")

    @property
    def used(self) -> bool:
        """Whether anybody may read."""
        return bool(self.user or self.community_file)


def address(text: str) -> tuple[str, int]:
    """IP address and port; raises `ValueError`."""
    host, _, port = text.rpartition(":")
    bare = host.strip("[]")
    try:
        ip_address(bare)
        number = int(port)
    except ValueError:
        raise ValueError(f"{text!r}: give address:port, such as 127.0.0.1:1161") from None
    if not 0 <= number < 2**16:
        raise ValueError(f"{text!r}: a port is 0 to 65535")
    return bare, number


@dataclass(frozen=True, slots=True)
class Secrets:
    """What the files hold; never printed."""

    community: bytes = field(default=b"", repr=False)
    auth: bytes = field(default=b"", repr=False)
    privacy: bytes = field(default=b"", repr=False)


def read_secrets(options: SnmpOptions, keys: Path) -> Secrets:
    """Of the files that the settings name; raises `SnmpSecretError`."""
    return Secrets(
        _secret(keys, options.community_file, 1),
        _secret(keys, options.auth_file, MIN_PASS),
        _secret(keys, options.privacy_file, MIN_PASS),
    )


def _secret(keys: Path, name: str, least: int) -> bytes:
    if not name:
        return b""
    path = keys / name
    try:
        if path.stat().st_mode & 0o077:
            raise SnmpSecretError(f"{path} can be read by others: chmod 600 {path}")
        with path.open("rb") as file:
            secret = file.read(MAX_SECRET + 2).strip()
    except OSError as error:
        raise SnmpSecretError(f"{path}, of [snmp]: {error.strerror}") from error
    if not least <= len(secret) <= MAX_SECRET:
        raise SnmpSecretError(f"{path}: {least} to {MAX_SECRET} characters")
    return secret
