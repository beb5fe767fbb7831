"""A file sealed as it grows: AES-256-GCM in records under a key of its own, readable up to where it
was cut.

    magic | header length (4) | header (JSON, in the clear) | records
    record: kind (1) | length of what follows (4) | ciphertext and tag

A record's nonce is its kind and number; the hash of the header is authenticated with each, so
that records cannot be changed, moved, left out or taken from another file. The last record says
that nothing follows: a file without it is cut. `HEAD` replaces the first octets, as a sound file's
header is known in full only at its end. The key is never in the file; the header has it wrapped.
"""

import hashlib
import json
import os
import struct
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"TELEBANK-SEALED-1\n"
KEY_BYTES = 32
MAX_HEADER = 65_536
MAX_RECORD = 16 << 20
"""Octets in a record; a sound file's are a hundredth of that."""
DATA, HEAD, END = 1, 2, 3
FILE_MODE = 0o600
TAG_BYTES = 16
_KINDS = frozenset({DATA, HEAD, END})
_RECORD = struct.Struct("!BI")
_LENGTH = struct.Struct("!I")

Json = dict[str, object]


class SealError(ValueError):
    """The file is none of ours, was changed, or the key is another's; the text says which."""


class SealedWriter:
    """Writes one new file, mode 0600. Every method raises `OSError` as the system does."""

    def __init__(self, path: Path, key: bytes, header: Json) -> None:
        """`header` is kept in the clear: nothing in it may be a secret. Where it does not go onto
        the disk whole, there is no file."""
        self._cipher = AESGCM(key)
        text = json.dumps(header, ensure_ascii=False, sort_keys=True).encode()
        if len(text) > MAX_HEADER:
            raise ValueError(f"a header of {len(text)} octets, {MAX_HEADER} at most")
        self._extra = hashlib.sha256(text).digest()
        self._hash = hashlib.sha256()
        self._count = 0
        self.size = 0
        """Octets written."""
        self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE)
        try:
            self._write(MAGIC + _LENGTH.pack(len(text)) + text)
        except OSError:
            os.close(self._file)
            path.unlink()
            raise

    def seal(self, kind: int, data: bytes) -> None:
        """Add a record; one that does not fit on the disk whole is taken back."""
        nonce = _nonce(kind, self._count)
        body = self._cipher.encrypt(nonce, data, self._extra)
        self._write(_RECORD.pack(kind, len(body)) + body)
        self._count += 1

    @property
    def sha256(self) -> str:
        """Of all octets written, hexadecimal."""
        return self._hash.hexdigest()

    def close(self, *, sync: bool) -> None:
        """`sync`: only once the disk has it. A second time does nothing."""
        file, self._file = self._file, -1
        if file == -1:
            return
        try:
            if sync:
                os.fsync(file)
        finally:
            os.close(file)

    def _write(self, octets: bytes) -> None:
        view = memoryview(octets)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError:
            os.ftruncate(self._file, self.size)
            raise
        self._hash.update(octets)
        self.size += len(octets)


def rename(path: Path, to: Path) -> None:
    """Give a file its name for good: once the disk has that too. Raises `OSError`."""
    path.rename(to)
    folder = os.open(to.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Unsealed(NamedTuple):
    """What is in a sealed file. `end` is what its last record says; None where it is cut."""

    header: Json
    plain: bytes
    end: Json | None


def read_header(path: Path) -> Json:
    """What is in the clear; raises `SealError`, `OSError`."""
    with path.open("rb") as file:
        return _header(file)[0]


def unseal(path: Path, key: bytes) -> Unsealed:
    """All of a file, or what there is of one that was cut. Raises `SealError`, `OSError`."""
    plain, end = bytearray(), None
    with path.open("rb") as file:
        header, extra = _header(file)
        for kind, data in _records(file, AESGCM(key), extra):
            if end is not None:
                raise SealError(f"{path}: something follows its end")
            if kind == DATA:
                plain += data
            elif kind == HEAD:
                plain[: len(data)] = data
            else:
                end = _json(data)
    return Unsealed(header, bytes(plain), end)


class Measured(NamedTuple):
    """What a sealed file holds, looked through to its end. `whole`: its last record is there."""

    size: int
    """Octets of the plain content."""
    head: bytes
    """What takes the place of its first octets."""
    whole: bool


def measure(path: Path, key: bytes) -> Measured:
    """Open every record, keep none. Raises `SealError`, `OSError`."""
    size, head, whole = 0, b"", False
    with path.open("rb") as file:
        _, extra = _header(file)
        for kind, data in _records(file, AESGCM(key), extra):
            if whole:
                raise SealError(f"{path}: something follows its end")
            size += len(data) if kind == DATA else 0
            head = data if kind == HEAD else head
            whole = kind == END
    return Measured(size, head, whole)


def pieces(path: Path, key: bytes, head: bytes) -> Generator[bytes, None, None]:
    """The plain content, a record at a time; `head` as `measure` found it. Raises as that does."""
    at = 0
    with path.open("rb") as file:
        _, extra = _header(file)
        for kind, data in _records(file, AESGCM(key), extra):
            if kind == DATA:
                first = head[at : at + len(data)]
                yield first + data[len(first) :]
                at += len(data)


def _header(file: BinaryIO) -> tuple[Json, bytes]:
    start = file.read(len(MAGIC) + _LENGTH.size)
    if len(start) < len(MAGIC) + _LENGTH.size or not start.startswith(MAGIC):
        raise SealError(f"{file.name} is no sealed file of this system")
    (length,) = _LENGTH.unpack_from(start, len(MAGIC))
    text = file.read(min(length, MAX_HEADER))
    if len(text) != length:
        raise SealError(f"{file.name} ends in its header")
    return _json(text), hashlib.sha256(text).digest()


def _records(file: BinaryIO, cipher: AESGCM, extra: bytes) -> Iterator[tuple[int, bytes]]:
    """Until the end, or the first record that is not whole."""
    count = 0
    while len(start := file.read(_RECORD.size)) == _RECORD.size:
        kind, length = _RECORD.unpack(start)
        if kind not in _KINDS or not TAG_BYTES <= length <= MAX_RECORD:
            raise SealError(f"{file.name}: record {count} is malformed: it was changed")
        body = file.read(length)
        if len(body) < length:
            return
        try:
            yield kind, cipher.decrypt(_nonce(kind, count), body, extra)
        except InvalidTag as error:
            raise SealError(
                f"{file.name}: record {count} was changed, or the key is another's"
            ) from error
        count += 1


def _nonce(kind: int, count: int) -> bytes:
    return bytes([kind]) + count.to_bytes(11, "big")


def _json(text: bytes) -> Json:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise SealError("a header is no JSON") from error
    if not isinstance(found, dict):
        raise SealError("a header is no JSON object")
    return found
