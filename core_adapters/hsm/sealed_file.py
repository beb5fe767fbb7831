"""The software module's two files: what is in them, how they are sealed, read and written."""

import hashlib
import hmac
import json
import os
import re
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core_adapters.hsm.errors import KeyRefusedError, KeyUsageError
from core_adapters.hsm.kinds import MAX_VERSIONS, Algorithm, KeySpec, Usage

KEYS_FILE = "module.keys"
MASTER_FILE = "module.master"
MASTER_BYTES = 32
NONCE_BYTES = 12
MAX_FILE_BYTES = 1_048_576
FILE_FORMAT = 2
OWNER_ONLY = 0o600
_KCV = re.compile(r"[0-9A-F]{6}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One version of a key at rest; no material where it is retired."""

    spec: KeySpec
    version: int
    retired: bool
    kcv: str
    made: int = 0
    sealed: bytes = field(repr=False, default=b"")

    @property
    def bound(self) -> bytes:
        """What the seal binds: everything but itself."""
        spec = self.spec
        parts = (spec.name, spec.usage, spec.algorithm, spec.exportable, self.version, self.kcv)
        return "|".join(("telebank key 2", *map(str, parts), str(self.made))).encode("ascii")

    def plain(self) -> dict[str, object]:
        """As the file has it."""
        spec = self.spec
        return {
            "name": spec.name,
            "usage": str(spec.usage),
            "algorithm": str(spec.algorithm),
            "exportable": spec.exportable,
            "version": self.version,
            "retired": self.retired,
            "kcv": self.kcv,
            "made": self.made,
            "sealed": self.sealed.hex(),
        }


class Master:
    """The master key's two working keys: one seals entries, one authenticates the list."""

    def __init__(self, key: bytearray) -> None:
        self._seal = AESGCM(_derive(key, b"telebank seal"))
        self._list = _derive(key, b"telebank list")

    def seal(self, entry: Entry, material: bytearray) -> Entry:
        """The entry with its material sealed."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        body = self._seal.encrypt(nonce, bytes(material), entry.bound)
        return replace(entry, sealed=nonce + body)

    def open(self, entry: Entry) -> bytearray:
        """The entry's material; raises `KeyRefusedError` where anything of it was changed."""
        nonce, body = entry.sealed[:NONCE_BYTES], entry.sealed[NONCE_BYTES:]
        try:
            return bytearray(self._seal.decrypt(nonce, body, entry.bound))
        except (InvalidTag, ValueError):
            raise KeyRefusedError(
                f"key {entry.spec.name} version {entry.version} was changed, or is under another "
                "master key; restore both files"
            ) from None

    def tag(self, entries: Sequence[Entry]) -> bytes:
        """HMAC over the whole list."""
        text = json.dumps([entry.plain() for entry in entries], sort_keys=True).encode("ascii")
        return hmac.digest(self._list, text, hashlib.sha256)

    def __repr__(self) -> str:
        return "Master(•••)"


def _derive(key: bytearray, purpose: bytes) -> bytes:
    return HKDF(SHA256(), MASTER_BYTES, None, purpose).derive(bytes(key))


def create_master(path: Path) -> None:
    """Write whole or not at all; of two processes at once the first wins."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    part = Path(name)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(MASTER_BYTES) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(part)
    except FileExistsError:
        return
    finally:
        part.unlink()


def write_entries(path: Path, entries: Sequence[Entry], master: Master) -> None:
    """Replace the file whole; durable at return."""
    document = {
        "format": FILE_FORMAT,
        "keys": [entry.plain() for entry in entries],
        "tag": master.tag(entries).hex(),
    }
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(json.dumps(document, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_secret(path: Path) -> str:
    """A file that only its owner may read; raises `KeyRefusedError` saying what to do."""
    try:
        status = path.stat()
        if status.st_mode & 0o077:
            raise KeyRefusedError(f"{path}: others may read it; chmod 600 it and change the keys")
        if status.st_size > MAX_FILE_BYTES:
            raise KeyRefusedError(f"{path}: too large to be ours")
        return path.read_text(encoding="ascii").strip(" \r\n")
    except FileNotFoundError:
        raise KeyRefusedError(f"{path}: missing; restore it from its safe copy") from None
    except OSError as error:
        raise KeyRefusedError(f"{path}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise KeyRefusedError(f"{path}: damaged; restore it from its safe copy") from None


def read_master(path: Path) -> bytearray:
    """The master key; raises `KeyRefusedError`. The caller overwrites it."""
    key = bytearray()
    try:
        key = bytearray.fromhex(read_secret(path))
    except ValueError:
        key = bytearray()
    if len(key) != MASTER_BYTES:
        raise KeyRefusedError(f"{path}: no master key of {MASTER_BYTES} bytes; restore it")
    return key


def read_entries(path: Path, master: Master) -> list[Entry]:
    """The entries; raises `KeyRefusedError` where the file is not as it was written."""
    text = read_secret(path)
    try:
        document = json.loads(text)
        entries = [_entry(plain) for plain in document["keys"]]
        tag = bytes.fromhex(document["tag"])
        known = document["format"] == FILE_FORMAT
    except (ValueError, KeyError, TypeError, AttributeError, KeyUsageError):
        raise KeyRefusedError(f"{path}: damaged; restore it from its safe copy") from None
    if not known:
        raise KeyRefusedError(f"{path}: of another format; use the program that made it")
    if not hmac.compare_digest(master.tag(entries), tag):
        raise KeyRefusedError(
            f"{path}: was changed, or belongs to another master key; restore both"
        )
    return entries


def _entry(plain: dict[str, object]) -> Entry:
    """An entry as the file has it; raises `ValueError` and the like where it is none."""
    version, kcv, made = plain["version"], str(plain["kcv"]), plain["made"]
    if not isinstance(version, int) or not 1 <= version <= MAX_VERSIONS or not _KCV.fullmatch(kcv):
        raise ValueError("no entry")
    if not isinstance(made, int) or made < 0:
        raise ValueError("no entry")
    usage, algorithm = Usage(str(plain["usage"])), Algorithm(str(plain["algorithm"]))
    spec = KeySpec(str(plain["name"]), usage, algorithm, plain["exportable"] is True)
    sealed = bytes.fromhex(str(plain["sealed"]))
    return Entry(spec, version, plain["retired"] is True, kcv, made, sealed)
