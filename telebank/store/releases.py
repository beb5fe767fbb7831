"""Releases: flows, texts, services and host profiles as they stood together, by content hash.

The files of a release are kept with it, so that a request of any day can be read with the rules it
was made under. The publication with the highest number is in force. Who publishes is the start of a
node: whatever lies in its `DATA/config` then is in force from there on, for it, and an event names
the files that differ from what was before, with an alarm. Two people publish nothing yet.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, bindparam, func, insert, select

from telebank.flow.release import hash_of
from telebank.store import tables
from telebank.store.transaction import Transaction
from telebank.store.writer import Writer
from transactions.journal import JournalEvent

START = "start"
"""Who published what a node began with."""
MAX_FILES = 500
MAX_RELEASE_BYTES = 20_000_000
MAX_NAMED = 20
"""Files that an event names."""
SHORT = 16
"""Digits of a hash that people are shown; so many, or more, name a release."""
LOCK = "publication"
_PUBLICATION = tables.publication.c
_RELEASE = tables.release.c
_FILE = tables.release_file.c
_LAST = (
    select(_PUBLICATION.number, _PUBLICATION.release, _PUBLICATION.at, _PUBLICATION.by)
    .order_by(_PUBLICATION.number.desc())
    .limit(1)
)
_KNOWN = select(_RELEASE.hash).where(_RELEASE.hash == bindparam("of_hash"))
_FILES = (
    select(_FILE.path, _FILE.content)
    .where(_FILE.release == bindparam("of_hash"))
    .order_by(_FILE.path)
)
_INSERT_RELEASE = insert(tables.release)
_INSERT_FILE = insert(tables.release_file)
_INSERT_PUBLICATION = insert(tables.publication)


class ReleaseError(ValueError):
    """A release that cannot be kept, or one that the store does not have; says what to do."""


@dataclass(frozen=True, slots=True)
class Published:
    """What is in force: number of the publication, hash of the release, when and by whom."""

    number: int
    hash: str
    at: datetime
    by: str


class Releases:
    """The node's side: publishes what a start brings, reads what is in force."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def begin(self, files: Mapping[str, bytes]) -> Published:
        """Put in force what the node starts with, unless it is already; give what is in force.
        Where something else was, an alarm names the files.

        Raises `ReleaseError` for more than `MAX_FILES` files or `MAX_RELEASE_BYTES` bytes.
        """
        if not 0 < len(files) <= MAX_FILES:
            raise ReleaseError(f"a release has 1 to {MAX_FILES} files, not {len(files)}")
        if sum(map(len, files.values())) > MAX_RELEASE_BYTES:
            raise ReleaseError(f"a release has at most {MAX_RELEASE_BYTES} bytes")
        return await self._writer.run(partial(_begin, files=dict(files)), (LOCK,))

    async def current(self) -> Published | None:
        """What is in force; None before the first start."""
        return await self._writer.run(_current)

    async def files(self, release: str) -> Mapping[str, bytes]:
        """A release's files by path; empty where there is no such release."""
        return await self._writer.run(partial(_files, release=release))

    async def materialise(self, folder: Path) -> Path:
        """Lay what is in force out under `folder`, in a folder named by its hash; give that.

        Raises `ReleaseError` where nothing is in force, or what is kept is not what was hashed.
        """
        now = await self.current()
        if now is None:
            raise ReleaseError("no release is in force: start a node")
        return lay_out(now.hash, await self.files(now.hash), folder)


def lay_out(release: str, files: Mapping[str, bytes], folder: Path) -> Path:
    """Write a release's files to `folder/release-HASH`, whole or not at all; give that folder."""
    if hash_of(files) != release:
        raise ReleaseError(f"release {release[:SHORT]} is damaged: its files have another hash")
    target = folder / f"release-{release[:SHORT]}"
    part = folder / f"{target.name}.{os.getpid()}"
    shutil.rmtree(part, ignore_errors=True)
    for path, content in files.items():
        (part / path).parent.mkdir(parents=True, exist_ok=True)
        (part / path).write_bytes(content)
    shutil.rmtree(target, ignore_errors=True)  # what lay there may have been written to
    try:
        part.rename(target)
    except OSError:  # another process was first
        shutil.rmtree(part)
    return target


# -- jobs of the writer ---------------------------------------------------------------------------


def _current(part: Transaction) -> Published | None:
    row = part.execute(_LAST).first()
    return None if row is None else Published(row.number, row.release, row.at, row.by)


def _files(part: Transaction, release: str) -> dict[str, bytes]:
    rows = part.execute(_FILES, {"of_hash": release}).all()
    return {row.path: bytes(row.content) for row in rows}


def _begin(part: Transaction, files: Mapping[str, bytes]) -> Published:
    before, release = _current(part), hash_of(files)
    if before is not None and before.hash == release:
        return before
    if part.execute(_KNOWN, {"of_hash": release}).first() is None:
        note = {"note": "", "made_by": START, "made_at": part.now}
        part.execute(_INSERT_RELEASE, {"hash": release, **note})
        rows = [{"release": release, "path": path, "content": files[path]} for path in files]
        part.execute_many(_INSERT_FILE, rows)
    now = Published(1 if before is None else before.number + 1, release, part.now, START)
    row = {"number": now.number, "release": release, "at": now.at, "by": now.by}
    part.execute(_INSERT_PUBLICATION, row)
    detail: dict[str, Any] = {"release": release, "before": before.hash if before else ""}
    if before is not None:
        detail |= _changed(_files(part, before.hash), files)
        part.event(JournalEvent("alarm.release", actor=START, detail=detail))
    part.event(JournalEvent("release.published", actor=START, detail=detail))
    return now


def _changed(before: Mapping[str, bytes], files: Mapping[str, bytes]) -> dict[str, Any]:
    """How many files differ, and the first of them by name."""
    named = [f"{path} {became}" for path, became in changes(before, files)]
    shown = ", ".join(named[:MAX_NAMED]) + (", ..." if len(named) > MAX_NAMED else "")
    return {"files": len(named), "changed": shown}


# -- reading, for the commands --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release for people: `published` are its publications' numbers, oldest first."""

    hash: str
    made_at: datetime
    made_by: str
    note: str
    published: Sequence[int]
    in_force: bool


def releases(connection: Connection, limit: int) -> list[ReleaseRow]:
    """Releases, newest first."""
    last = connection.execute(select(func.max(_PUBLICATION.number))).scalar()
    found = connection.execute(
        select(tables.release).order_by(_RELEASE.made_at.desc(), _RELEASE.hash).limit(limit)
    ).all()
    return [_row(connection, row, last) for row in found]


def _row(
    connection: Connection, row: tuple[str, datetime, str, str], last: int | None
) -> ReleaseRow:
    numbers = connection.execute(
        select(_PUBLICATION.number)
        .where(_PUBLICATION.release == row[0])
        .order_by(_PUBLICATION.number)
    ).scalars()
    published = tuple(numbers)
    return ReleaseRow(*row, published=published, in_force=last in published)


def find_release(connection: Connection, name: str) -> str:
    """The hash that `name` begins; `current` is what is in force. Raises `ReleaseError`."""
    if name == "current":
        row = connection.execute(_LAST).first()
        if row is None:
            raise ReleaseError("no release is in force: start a node")
        return str(row.release)
    found: list[str] = list(
        connection.execute(
            select(_RELEASE.hash).where(_RELEASE.hash.startswith(name, autoescape=True)).limit(2)
        ).scalars()
    )
    if len(found) != 1:
        many = "more than one release begins" if found else "no release begins"
        raise ReleaseError(f"{many} with {name}; `telebank release list` names them")
    return found[0]


def read_files(connection: Connection, release: str) -> dict[str, bytes]:
    """A release's files by path."""
    rows = connection.execute(_FILES, {"of_hash": release})
    return {path: bytes(content) for path, content in rows}


def changes(a: Mapping[str, bytes], b: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Paths that differ, with what became of each: added, removed or changed."""
    for path in sorted({*a, *b}):
        if path not in a:
            yield path, "added"
        elif path not in b:
            yield path, "removed"
        elif a[path] != b[path]:
            yield path, "changed"
