"""Keys shared with one host, in files of mode 0600 under the data directory."""

import contextlib
import os
import secrets
import stat
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from core_adapters.iso8583.errors import KeyFileError

KEY_BYTES = 16
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class HostKeys:
    """Zone PIN key and MAC key of one host; never printed.

    Files: `<host>.zpk` (double-length DES) and `<host>.mak`, each 32 hexadecimal digits.
    """

    zpk: bytes = field(repr=False)
    mak: bytes = field(repr=False)

    @classmethod
    def load(cls, directory: Path, host: str) -> "HostKeys":
        """Read both keys; raises `KeyFileError` saying which file and what to do."""
        return cls(_read(directory / f"{host}.zpk"), _read(directory / f"{host}.mak"))

    @classmethod
    def create_demo(cls, directory: Path, host: str) -> "HostKeys":
        """Make random keys where there are none, and read them: gateway and demo host share
        the directory. Two processes may do so at once; the first to write wins."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(directory / f"{host}.zpk", _odd_parity(secrets.token_bytes(KEY_BYTES)))
        _create(directory / f"{host}.mak", secrets.token_bytes(KEY_BYTES))
        return cls.load(directory, host)


def _read(path: Path) -> bytes:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        raise KeyFileError(f"{path}: missing; load the key that the host gave you") from None
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path}: cannot be read ({type(error).__name__})") from None
    if mode & _OTHERS:
        raise KeyFileError(f"{path}: others may read it; chmod 600 it and change the key")
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise KeyFileError(f"{path}: must hold {KEY_BYTES * 2} hexadecimal digits")
    return key


def _create(path: Path, key: bytes) -> None:
    """Write whole or not at all: a reader must never meet half a key."""
    if path.exists():
        return
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    part = Path(name)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(key.hex().upper() + "\n")
        file.flush()
        os.fsync(file.fileno())
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(part)
    part.unlink()


def _odd_parity(key: bytes) -> bytes:
    """DES keys carry odd parity in the lowest bit of each byte."""
    return bytes(byte ^ (1 if byte.bit_count() % 2 == 0 else 0) for byte in key)
