"""Make an archive while the node runs."""

import hashlib
import os
import shutil
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Final

from telebank.ops.backup import database
from telebank.ops.backup.database import Moved
from telebank.ops.backup.keys import fingerprints, seal
from telebank.ops.backup.manifest import (
    DATABASE,
    FORMAT,
    KEYS,
    MANIFEST,
    MAX_FILES,
    SEAL,
    TAKEN,
    BackupError,
    Damaged,
    Manifest,
    Taken,
    check_name,
    written,
)

FILE_MODE: Final = 0o600
MARGIN: Final = 64 * 1024 * 1024
"""Bytes that are left free on the disk that the archive goes to."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to take."""

    data: Path
    database: Path | None
    """The SQLite file; None where the store is a server's."""
    node: str
    version: str
    passphrase: str | None = None
    """Of the keys, which are left out without it."""


@dataclass(frozen=True, slots=True)
class Made:
    """An archive that is there."""

    manifest: Manifest
    left_out: tuple[str, ...]
    """What lies in the folders and is no plain file."""


def size_of(plan: Plan) -> int:
    """Bytes that making it moves, the database twice: once copied, once taken in."""
    kept = sum(path.stat().st_size for _, path in _files(plan.data)[0])
    return kept + 2 * (plan.database.stat().st_size if plan.database else 0)


def make(plan: Plan, file: Path, moved: Moved) -> Made:
    """Write the archive into `file`, new, for its owner alone; whole or not at all.

    The database first: what it speaks of is then in the folders. Raises `BackupError`.
    """
    if file.exists():
        raise BackupError(f"{file} is there already: give a new name")
    if file.resolve().is_relative_to(plan.data.resolve()):
        raise BackupError(f"{file} is within {plan.data}: keep backups elsewhere")
    _check_room(file.parent, size_of(plan))
    part, copied = file.with_name(f"{file.name}.part"), file.with_name(f"{file.name}.db")
    try:
        with _new(part) as out, tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as t:
            made = _Archive(t, moved).filled(plan, copied)
            t.close()
            out.flush()
            os.fsync(out.fileno())
        part.rename(file)
    except OSError as error:
        raise BackupError(f"cannot make {file}: {error.strerror or error}") from error
    finally:
        part.unlink(missing_ok=True)
        copied.unlink(missing_ok=True)
    return made


class _Archive:
    def __init__(self, tar: tarfile.TarFile, moved: Moved) -> None:
        self._tar, self._moved = tar, moved
        self._taken: list[Taken] = []

    def filled(self, plan: Plan, copied: Path) -> Made:
        revision = ""
        if plan.database is not None:
            database.copy(plan.database, copied, self._moved)
            revision = database.revision(copied)
            self._take(DATABASE, copied)
        files, left_out = _files(plan.data)
        for name, path in files:
            self._take(name, path)
        keys: Mapping[str, str] = {}
        if (plan.data / "keys").is_dir():
            keys = fingerprints(plan.data / "keys")
            if plan.passphrase is not None:
                self._put(KEYS, seal(plan.data / "keys", plan.passphrase))
        manifest = Manifest(
            format=FORMAT,
            made_at=datetime.now(UTC).isoformat(timespec="seconds"),
            version=plan.version,
            node=plan.node,
            database="sqlite" if plan.database else "postgresql",
            revision=revision,
            files=tuple(self._taken),
            keys=keys,
        )
        text = written(manifest)
        self._add(MANIFEST, len(text), 0, BytesIO(text))
        digest = hashlib.sha256(text).hexdigest().encode("ascii") + b"\n"
        self._add(SEAL, len(digest), 0, BytesIO(digest))
        return Made(manifest, left_out)

    def _take(self, name: str, path: Path) -> None:
        try:
            opened = path.open("rb")
        except FileNotFoundError:  # its time was over meanwhile
            return
        with opened as file:
            stat = os.fstat(file.fileno())
            read = _Reading(file, self._moved)
            # As much as there is now; a recording under way goes on growing.
            self._add(name, stat.st_size, int(stat.st_mtime), read)
        self._taken.append(Taken(name, stat.st_size, read.digest.hexdigest()))

    def _put(self, name: str, content: bytes) -> None:
        self._add(name, len(content), 0, BytesIO(content))
        self._taken.append(Taken(name, len(content), hashlib.sha256(content).hexdigest()))

    def _add(self, name: str, size: int, mtime: int, body: "BytesIO | _Reading") -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mtime, member.mode = size, mtime, FILE_MODE
        self._tar.addfile(member, body)


class _Reading:
    """A file as the archive reads it, with the digest of what was read."""

    def __init__(self, file: IO[bytes], moved: Moved) -> None:
        self._file, self._moved = file, moved
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        found = self._file.read(size)
        self.digest.update(found)
        self._moved(len(found))
        return found


def _files(data: Path) -> tuple[list[tuple[str, Path]], tuple[str, ...]]:
    """By name in the archive what there is to take, and what is no plain file."""
    found: list[tuple[str, Path]] = []
    odd: list[str] = []
    for folder in TAKEN:
        for root, folders, names in os.walk(data / folder):
            folders.sort()
            odd += [f"{root}/{name}" for name in folders if Path(root, name).is_symlink()]
            for path in (Path(root, name) for name in sorted(names)):
                name = path.relative_to(data).as_posix()
                if path.is_file() and _fits(name):
                    found.append((name, path))
                elif path.is_symlink() or path.exists():
                    odd.append(str(path))
            if len(found) > MAX_FILES:
                raise BackupError(f"there are more than {MAX_FILES} files under {data}")
    return found, tuple(odd)


def _fits(name: str) -> bool:
    try:
        check_name(name)
    except Damaged:
        return False
    return True


def _check_room(folder: Path, needed: int) -> None:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise BackupError(f"cannot write into {folder}: {error.strerror}") from error
    if free < needed + MARGIN:
        raise BackupError(
            f"{folder} has {free // 10**6} MB free, the backup needs {(needed + MARGIN) // 10**6}"
        )


@contextmanager
def _new(path: Path) -> Iterator[IO[bytes]]:
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, FILE_MODE), "wb") as out:
        yield out
