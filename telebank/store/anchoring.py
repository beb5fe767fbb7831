"""Copies a node's checkpoints to directories of other machines, and says which copies are late."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from telebank.audit.verify import Bad, Checkpoint, Note
from telebank.store.anchors import AnchorConflict, AnchorPlace
from telebank.store.audit_options import AuditOptions
from telebank.store.checkpoints import (
    PAGE,
    LeafMissing,
    Stored,
    checkpoint_up_to,
    checkpoints_after,
    keys_of,
    leaves,
)
from telebank.store.engine import open_read_only
from telebank.store.errors import said
from telebank.store.signing import NO_END

SECOND = timedelta(seconds=1)
PER_ROUND = 100
"""Checkpoints copied at a time. Where `PAGE` wait, as at a new place, the newest alone is copied:
it stands for all."""


@dataclass(slots=True)
class _State:
    place: AnchorPlace
    size: int | None = None
    """Entries below the newest copy; None: not looked at yet."""
    why: str = ""
    """What went wrong last; empty: nothing."""
    changed: bool = False
    """Whether what lies there is not of this log."""
    copying: threading.Lock = field(default_factory=threading.Lock)


class Anchoring:
    """The copies of one node's checkpoints. Its methods block. Places are copied to by a thread
    each, so that one that does not answer keeps no other waiting."""

    def __init__(self, options: AuditOptions, url: str, node: str) -> None:
        self._url, self._node = url, node
        self._late = timedelta(seconds=options.anchor_late_s)
        found = [AnchorPlace(Path(name), node) for name in options.anchors]
        self._states = {str(place.directory): _State(place) for place in found}
        self._engine: Engine | None = None
        self._opening = threading.Lock()

    @property
    def places(self) -> Sequence[str]:
        """The directories, each by the one name that all here goes by: as `Path` writes it."""
        return list(self._states)

    @property
    def size(self) -> int:
        """Entries that are copied to every place."""
        return min((state.size or 0 for state in self._states.values()), default=0)

    def behind(self, place: str, size: int) -> bool:
        """Whether the place lacks a checkpoint of this size, or was not looked at yet."""
        known = self._states[place].size
        return known is None or known < size

    def copy(self, place: str, wait_s: float = 0.0) -> None:
        """Copy what is not copied there yet. One at a time: another one under way is waited for so
        many seconds, then left alone."""
        state = self._states[place]
        if not state.copying.acquire(timeout=wait_s):
            return
        try:
            self._copy_to(state)
        finally:
            state.copying.release()

    def late(self, now: datetime, up: timedelta) -> Mapping[str, str]:
        """By place, why copies of it are late, or what lies there that is not of this log; `up`:
        since the start, from which on all were to be looked at."""
        with self._reader().connect() as connection:
            return {
                place: why
                for place, state in self._states.items()
                if (why := self._why_late(connection, state, now, up))
            }

    def close(self) -> None:
        """Let go of the database."""
        if self._engine is not None:
            self._engine.dispose()

    def _copy_to(self, state: _State) -> None:
        try:
            with self._reader().connect() as connection:
                if state.size is None:
                    state.size = self._newest(connection, state.place)
                for point in self._waiting(connection, state.size)[:PER_ROUND]:
                    state.place.keep_keys(keys_of(connection, self._node))
                    span = leaves(connection, self._node, state.size, point.size)
                    state.place.keep(state.size, point, span)
                    state.size = point.size
            state.why, state.changed = "", False
        except AnchorConflict as error:
            state.why, state.changed = str(error), True
        except (OSError, LeafMissing) as error:
            state.why, state.changed = str(error), False
        except DBAPIError as error:
            state.why, state.changed = said(error), False

    def _newest(self, connection: Connection, place: AnchorPlace) -> int:
        """Where the copies end; they must be of this log."""
        newest = place.newest()
        if newest is None:
            return 0
        ours = checkpoint_up_to(connection, self._node, newest.size)
        if ours is None or _said(ours) != newest:
            raise AnchorConflict(
                f"the copy of size {newest.size} there is not of this log: was a backup restored,"
                " or the log changed?"
            )
        return newest.size

    def _waiting(self, connection: Connection, size: int) -> Sequence[Stored]:
        found = checkpoints_after(connection, self._node, size)
        if len(found) < PAGE:
            return found
        newest = checkpoint_up_to(connection, self._node, NO_END)
        return [] if newest is None else [newest]

    def _why_late(self, connection: Connection, state: _State, now: datetime, up: timedelta) -> str:
        if state.changed:
            return state.why
        if state.size is None and not state.why:
            silent = f"the directory has not answered since the start, {up // SECOND} s ago"
            return "" if up < self._late else silent
        waiting = checkpoints_after(connection, self._node, state.size or 0, 1)
        if not waiting or now - waiting[0].at < self._late:
            return ""
        since = waiting[0].at.isoformat(timespec="seconds")
        return f"nothing was copied since {since}: {state.why or 'the directory does not answer'}"

    def _reader(self) -> Engine:
        with self._opening:
            if self._engine is None:
                self._engine = open_read_only(self._url)
            return self._engine


def _said(point: Stored) -> Checkpoint | None:
    try:
        return Checkpoint.read(Note.read(point.note))
    except Bad:
        return None
