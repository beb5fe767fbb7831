"""Copies of signed checkpoints in a directory of another machine, with the leaf hashes between.

    DIR/telebank_node-01/keys/2.statement
    DIR/telebank_node-01/2026-11-23/000000000000-000000012345.leaves
    DIR/telebank_node-01/2026-11-23/000000012345.checkpoint

Files are written under another name and renamed, the leaves first; none is ever written again.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from telebank.audit.merkle import HASH_BYTES
from telebank.audit.notes import origin_of
from telebank.audit.verify import MAX_NOTE, Bad, Checkpoint, Note
from telebank.store.checkpoints import Stored, StoredKey

KEYS = "keys"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
BUFFER = 1_000
"""Leaves written at a time."""


class AnchorConflict(Exception):  # noqa: N818 - reads as what it is
    """What lies there is not of this log: one of the two was changed."""


class AnchorPlace:
    """One node's part of such a directory. All of it may raise `OSError`."""

    def __init__(self, directory: Path, node: str) -> None:
        self._top = directory
        self._own = directory / origin_of(node).replace("/", "_")
        self.directory = directory

    def newest(self) -> Checkpoint | None:
        """The checkpoint of the largest size that lies there, unverified."""
        if not self._top.is_dir():
            raise FileNotFoundError(2, "no such directory: is it mounted?", str(self._top))
        days = sorted((d for d in self._days() if _DAY.fullmatch(d.name)), reverse=True)
        for day in days:
            names = sorted(day.glob("*.checkpoint"))
            if names:
                return _read(names[-1])
        return None

    def keep(self, begin: int, point: Stored, leaves: Iterable[bytes]) -> None:
        """Write the leaf hashes of entries `begin` + 1 to the checkpoint's size, and it itself.
        Raises `AnchorConflict` where others lie there."""
        day = self._own / point.at.date().isoformat()
        self._make(day)
        _write(day / f"{begin:012d}-{point.size:012d}.leaves", _blocks(leaves))
        name = day / f"{point.size:012d}.checkpoint"
        _write(name, [point.note.encode()])
        if not _is(name, point.note.encode()):  # as bytes: it may be no text at all
            raise AnchorConflict(f"{name} is another checkpoint of this size")

    def keep_keys(self, keys: Iterable[StoredKey]) -> None:
        """Write the statements by which keys named the next."""
        for key in keys:
            if key.statement is not None:
                self._make(self._own / KEYS)
                _write(self._own / KEYS / f"{key.number}.statement", [key.statement.encode()])

    def _days(self) -> list[Path]:
        return list(self._own.iterdir()) if self._own.is_dir() else []

    def _make(self, folder: Path) -> None:
        """Never the directory itself: where it is not mounted, nothing is written in its place."""
        if not self._top.is_dir():
            raise FileNotFoundError(2, "no such directory: is it mounted?", str(self._top))
        folder.mkdir(parents=True, exist_ok=True)


def _read(path: Path) -> Checkpoint:
    with path.open(encoding="utf-8") as file:
        try:
            return Checkpoint.read(Note.read(file.read(MAX_NOTE + 1)))
        except (Bad, UnicodeDecodeError) as error:
            raise AnchorConflict(f"{path} is no checkpoint: {error}") from error


def _is(path: Path, note: bytes) -> bool:
    with path.open("rb") as file:
        return file.read(MAX_NOTE + 1) == note


def _write(path: Path, blocks: Iterable[bytes]) -> None:
    """Write a file that is not there yet, whole or not at all."""
    if path.exists():
        return
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("wb") as file:
            file.writelines(blocks)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)


def _blocks(leaves: Iterable[bytes]) -> Iterable[bytes]:
    block: list[bytes] = []
    for leaf in leaves:
        assert len(leaf) == HASH_BYTES
        block.append(leaf)
        if len(block) == BUFFER:
            yield b"".join(block)
            block.clear()
    yield b"".join(block)
