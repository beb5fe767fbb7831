"""The keys of an archive: a small tar, encrypted under a passphrase.

scrypt (RFC 7914) makes the key from the passphrase: `TBK1` ‖ salt ‖ nonce ‖ AES-256-GCM.
"""

import io
import os
import secrets
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from telebank.ops.backup.manifest import BackupError, Damaged
from telebank.store.errors import KeyFileError
from telebank.store.sealing import Keyring

MAGIC: Final = b"TBK1"
SALT_BYTES, NONCE_BYTES, KEY_BYTES = 16, 12, 32
WORK: Final = 2**17
"""scrypt's N, with r 8: 128 MiB and some tenths of a second for each guess."""
LEAST_PASSPHRASE: Final = 12
"""Characters; the file may lie about for years."""
MAX_KEY_FILES: Final = 1_000
MAX_KEY_BYTES: Final = 10_000_000
"""Of all key files together."""
FILE_MODE = 0o600


def key_files(folder: Path) -> tuple[Path, ...]:
    """The files of DATA/keys; raises `BackupError` where they are too many or too large."""
    found = tuple(path for path in sorted(folder.rglob("*")) if path.is_file())
    if len(found) > MAX_KEY_FILES or sum(one.stat().st_size for one in found) > MAX_KEY_BYTES:
        raise BackupError(f"{folder} has more than keys: take away what is none")
    return found


def fingerprints(folder: Path) -> Mapping[str, str]:
    """By file what tells it apart. Only sealing keys have it: passwords and PINs lie there too, and
    whoever had their digest could try words."""
    try:
        known = Keyring.open(folder).fingerprints
    except KeyFileError:
        known = {}
    names = [path.relative_to(folder).as_posix() for path in key_files(folder)]
    return {name: known.get(name, "") for name in names}


def check_passphrase(passphrase: str) -> None:
    """Raises `BackupError` for one that is too short."""
    if len(passphrase) < LEAST_PASSPHRASE:
        raise BackupError(f"the passphrase is too short: {LEAST_PASSPHRASE} characters at least")


def seal(folder: Path, passphrase: str) -> bytes:
    """All of DATA/keys."""
    check_passphrase(passphrase)
    inner = io.BytesIO()
    with tarfile.open(fileobj=inner, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in key_files(folder):
            tar.add(path, path.relative_to(folder).as_posix(), recursive=False)
    salt, nonce = secrets.token_bytes(SALT_BYTES), secrets.token_bytes(NONCE_BYTES)
    cipher = AESGCM(_key(passphrase, salt))
    return MAGIC + salt + nonce + cipher.encrypt(nonce, inner.getvalue(), MAGIC)


def unseal(sealed: bytes, passphrase: str) -> Mapping[str, bytes]:
    """By name the key files; raises `BackupError` where the passphrase is another."""
    head = len(MAGIC) + SALT_BYTES
    salt, nonce = sealed[len(MAGIC) : head], sealed[head : head + NONCE_BYTES]
    if not sealed.startswith(MAGIC) or len(nonce) < NONCE_BYTES:
        raise Damaged("the archive's keys are none of ours")
    try:
        cipher = AESGCM(_key(passphrase, salt))
        inner = cipher.decrypt(nonce, sealed[head + NONCE_BYTES :], MAGIC)
    except InvalidTag as error:
        raise BackupError("the keys do not open: it is another passphrase") from error
    found = {}
    with tarfile.open(fileobj=io.BytesIO(inner), mode="r:") as tar:
        for member in tar:
            body = tar.extractfile(member) if member.isreg() else None
            if body is None or {"", ".", ".."} & set(member.name.split("/")):
                raise Damaged(f"the archive's keys have {member.name!r}, which is no key")
            found[member.name] = body.read()
    return found


def put_back(found: Mapping[str, bytes], folder: Path) -> None:
    """Write the key files, each for its owner alone."""
    folder.mkdir(mode=0o700)
    for name, content in found.items():
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE), "wb") as out:
            out.write(content)
            out.flush()
            os.fsync(out.fileno())


def _key(passphrase: str, salt: bytes) -> bytes:
    made = Scrypt(salt=salt, length=KEY_BYTES, n=WORK, r=8, p=1)
    return made.derive(passphrase.encode("utf-8"))
