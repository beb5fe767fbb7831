"""What is in an archive: names, sizes and SHA-256 of its files, and what it was made by."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import msgspec

FORMAT: Final = 1
MANIFEST, SEAL = "manifest.json", "manifest.sha256"
DATABASE: Final = "telebank.db"
KEYS: Final = "keys.sealed"
TAKEN: Final = (
    *("config", "fax", "recordings", "voice/notices"),
    *("hostfiles", "reports", "snmp"),
)
"""Folders of DATA, in the order of the archive."""
MAX_FILES: Final = 200_000
MAX_NAME: Final = 1_000
"""Characters of a file's name with its folders."""
MAX_MANIFEST: Final = 100_000_000
"""Bytes."""
_DIGEST = re.compile(r"[0-9a-f]{64}")


class BackupError(Exception):
    """No backup can be made or put back so; says what to do."""


class Damaged(BackupError):  # noqa: N818 - reads as what it is
    """The archive is not what was written, or is none of ours."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A file of the archive."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """The last word of an archive."""

    format: int
    made_at: str
    """UTC, ISO 8601."""
    version: str
    """Of the program that made it."""
    node: str
    database: str
    """`sqlite`, or `postgresql`: then it is not in the archive."""
    revision: str
    """Of the tables; empty where the database is not in the archive."""
    files: tuple[Taken, ...]
    keys: Mapping[str, str] = field(default_factory=dict)
    """By file of DATA/keys its fingerprint, empty for what is no sealing key."""

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(one.size for one in self.files)

    @property
    def with_keys(self) -> bool:
        """Whether the keys are in it, sealed."""
        return any(one.name == KEYS for one in self.files)


def written(manifest: Manifest) -> bytes:
    """As the archive has it."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def read(text: bytes, seal: bytes) -> Manifest:
    """Raises `Damaged`."""
    if seal.strip() != hashlib.sha256(text).hexdigest().encode("ascii"):
        raise Damaged(f"{MANIFEST} is not what was written")
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, ValueError) as error:
        raise Damaged(f"{MANIFEST} cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise BackupError(f"the archive is of format {manifest.format}: this program reads 1")
    if len({one.name for one in manifest.files}) != len(manifest.files):
        raise Damaged(f"{MANIFEST} names a file twice")
    for one in manifest.files:
        check_name(one.name)
        if one.size < 0 or not _DIGEST.fullmatch(one.sha256):
            raise Damaged(f"{MANIFEST}: {one.name!r} has no size or digest")
    return manifest


def check_name(name: str) -> None:
    """Raises `Damaged` for a name that leads elsewhere than to what a backup takes."""
    parts = name.split("/")
    plain = len(name) <= MAX_NAME and not {"", ".", ".."} & set(parts) and name.isprintable()
    if not plain or "\\" in name:
        raise Damaged(f"the archive has a file {name[:MAX_NAME]!r}, which leads elsewhere")
    if name not in (DATABASE, KEYS) and not any(name.startswith(f"{one}/") for one in TAKEN):
        raise Damaged(f"the archive has a file {name!r}, which no backup takes")
