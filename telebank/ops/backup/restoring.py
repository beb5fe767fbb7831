"""Check an archive, and put it back into an empty folder."""

import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from telebank.ops.backup import database
from telebank.ops.backup.database import Moved
from telebank.ops.backup.keys import put_back, unseal
from telebank.ops.backup.manifest import (
    DATABASE,
    KEYS,
    MANIFEST,
    MAX_FILES,
    MAX_MANIFEST,
    SEAL,
    BackupError,
    Damaged,
    Manifest,
    Taken,
    check_name,
    read,
)

CHUNK: Final = 1 << 20
MAX_SEALED: Final = 20_000_000
"""Bytes of the sealed keys."""
MARGIN: Final = 64 * 1024 * 1024
"""Bytes that are left free on the disk of the folder."""
PART: Final = ".restoring"
"""In the folder while it is filled: what it holds is not whole."""
FILE_MODE, FOLDER_MODE = 0o600, 0o700

Ask = Callable[[], str]
"""Gives the passphrase of the archive's keys."""
Body = Callable[[tarfile.TarInfo, IO[bytes]], str]
"""Does something with a file, and says the SHA-256 of what it read."""


def check(file: Path, moved: Moved) -> Manifest:
    """Read the whole archive; raises `Damaged` where a byte of its files is another."""

    return _walk(file, lambda member, body: _read(body, moved))


def opened_keys(file: Path, passphrase: str) -> Mapping[str, bytes]:
    """The keys of an archive by their names; raises `BackupError`."""
    with _open(file) as tar:
        for member in tar:
            if member.name == KEYS and member.isreg() and member.size <= MAX_SEALED:
                body = tar.extractfile(member)
                return unseal(body.read() if body else b"", passphrase)
    raise BackupError(f"{file} has no keys: put those of the bank's safe into DATA/keys")


def restore(
    file: Path, data: Path, known: Collection[str], ask: Ask | None, moved: Moved
) -> Manifest:
    """Put an archive back into `data`, which is new or empty; `known` are the revisions of tables
    that this program has. Where nobody is to be asked for a passphrase, keys are left out.

    Raises `BackupError`; then `data` has nothing but, where the machine failed, `.restoring`.
    """
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        raise BackupError(f"{data} is not empty: restore into a new folder")
    manifest = check(file, moved)
    if manifest.revision and manifest.revision not in known:
        raise BackupError(
            f"its tables are of revision {manifest.revision}, which this program does not know:"
            f" take telebank {manifest.version} or newer"
        )
    keys = opened_keys(file, ask()) if ask and manifest.with_keys else None
    data.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    _check_room(data, manifest.bytes)
    part = data / PART
    try:
        _fill(file, part, manifest, moved)
        if keys is not None:
            put_back(keys, part / "keys")
        # The database last: without it there is nothing that a node could take for whole.
        for path in sorted(part.iterdir(), key=lambda path: path.name == DATABASE):
            path.rename(data / path.name)
        part.rmdir()
    except OSError as error:
        raise BackupError(f"cannot write into {data}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    data.chmod(FOLDER_MODE)
    return manifest


def _fill(file: Path, part: Path, manifest: Manifest, moved: Moved) -> None:
    part.mkdir(mode=FOLDER_MODE)

    def write(member: tarfile.TarInfo, body: IO[bytes]) -> str:
        if member.name == KEYS:  # no file of a node while they are sealed
            return _read(body, moved)
        path = part / member.name
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY
        with os.fdopen(os.open(path, flags, FILE_MODE), "wb") as out:
            digest = _read(body, moved, out)
            out.flush()
            os.fsync(out.fileno())
        os.utime(path, (member.mtime, member.mtime))
        return digest

    if _walk(file, write) != manifest:
        raise Damaged(f"{file} was changed while it was read")
    if manifest.revision and database.revision(part / DATABASE) != manifest.revision:
        raise Damaged(f"{DATABASE} is of another revision than the archive says")


def _read(body: IO[bytes], moved: Moved, out: IO[bytes] | None = None) -> str:
    """Read a file to its end, into `out` where there is one; its SHA-256."""
    digest = hashlib.sha256()
    for chunk in iter(lambda: body.read(CHUNK), b""):
        digest.update(chunk)
        moved(len(chunk))
        if out is not None:
            out.write(chunk)
    return digest.hexdigest()


def _walk(file: Path, body: Body) -> Manifest:
    """Each file of the archive in turn; then what was read is compared with the manifest."""
    found: list[Taken] = []
    last: dict[str, bytes] = {}
    with _open(file) as tar:
        for member in _members(tar):
            opened = tar.extractfile(member)
            if opened is None:
                raise Damaged(f"{member.name!r} of the archive is no file")
            if member.name in (MANIFEST, SEAL):
                last[member.name] = opened.read(MAX_MANIFEST)
            else:
                check_name(member.name)
                if last:
                    raise Damaged(f"{member.name!r} stands where it must not")
                found.append(Taken(member.name, member.size, body(member, opened)))
    if set(last) != {MANIFEST, SEAL}:
        raise Damaged(f"{file} has no end: it is cut off, or no backup of ours")
    manifest = read(last[MANIFEST], last[SEAL])
    for said, seen in zip(manifest.files, found, strict=False):
        if said != seen:
            raise Damaged(f"{said.name} is not what was written")
    if len(manifest.files) != len(found):
        raise Damaged(f"{file} has {len(found)} files, not {len(manifest.files)}")
    return manifest


def _members(tar: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    for number, member in enumerate(tar):
        if number > MAX_FILES + 10:
            raise Damaged(f"the archive has more than {MAX_FILES} files")
        if not member.isreg() or member.issparse():
            raise Damaged(f"{member.name!r} of the archive is no plain file")
        if member.name == MANIFEST and member.size > MAX_MANIFEST:
            raise Damaged(f"{MANIFEST} is larger than {MAX_MANIFEST} bytes")
        yield member


@contextmanager
def _open(file: Path) -> Iterator[tarfile.TarFile]:
    try:
        opened = file.open("rb")
    except OSError as error:
        raise BackupError(f"cannot read {file}: {error.strerror}") from error
    try:
        with opened, tarfile.open(fileobj=opened, mode="r:") as tar:
            yield tar
    except tarfile.TarError as error:
        raise Damaged(f"{file} is damaged, or no backup of ours: {error}") from error


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed + MARGIN:
        raise BackupError(
            f"{folder} has {free // 10**6} MB free, the files need {(needed + MARGIN) // 10**6}"
        )
