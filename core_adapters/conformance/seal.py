"""Ed25519 signatures of reports: one embedded, over what the report says; one beside the file."""

import base64
import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_FILE, PUBLIC_FILE = "certify.ed25519", "certify.ed25519.pub"
KEY_BYTES = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


class SealError(ValueError):
    """A key that is missing, malformed or readable by others: which file, what to do."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Signs; `public` is the key's other half in hexadecimal digits."""

    key: Ed25519PrivateKey
    public: str

    @classmethod
    def open_or_create(cls, directory: Path) -> "Seal":
        """Read the signing key, or make it at the first report (mode 0600)."""
        path = directory / KEY_FILE
        if not path.exists():
            _create(directory)
        if path.stat().st_mode & _OTHERS:
            raise SealError(f"{path}: others may read it; chmod 600 it and make a new one")
        key = Ed25519PrivateKey.from_private_bytes(_bytes(path))
        return cls(key, key.public_key().public_bytes_raw().hex())

    def sign(self, data: bytes) -> str:
        """The signature, base64."""
        return base64.b64encode(self.key.sign(data)).decode("ascii")


def read_public(path: Path) -> str:
    """A public key of 64 hexadecimal digits; raises `SealError`."""
    return _bytes(path).hex()


def verified(public: str, data: bytes, signature: str) -> bool:
    """Whether the signature is of this key and this data."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(base64.b64decode(signature, validate=True), data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _bytes(path: Path) -> bytes:
    try:
        found = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        raise SealError(f"{path}: missing") from None
    except (OSError, ValueError):
        found = b""
    if len(found) != KEY_BYTES:
        raise SealError(f"{path}: must hold {KEY_BYTES * 2} hexadecimal digits")
    return found


def _create(directory: Path) -> None:
    """Two runs at once may do so; the first to write wins."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    with contextlib.suppress(FileExistsError):
        descriptor = os.open(directory / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(key.private_bytes_raw().hex() + "\n")
        public = key.public_key().public_bytes_raw().hex()
        (directory / PUBLIC_FILE).write_text(public + "\n", encoding="ascii")
