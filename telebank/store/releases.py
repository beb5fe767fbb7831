"""Releases: flows, texts, services, host profiles, hours and recordings as they stood together, by
content hash (docs/releases.md).

The files of a release are kept with it, so that a request of any day can be read with the rules it
was made under. The publication with the highest number is in force. Before people ever published,
the start of a node publishes whatever lies in its `DATA/config`; from the first publication by two
people on, only people publish, and a start whose folder differs raises an alarm.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import bindparam, delete, insert, select, text

from telebank.flow.release import hash_of
from telebank.store import approvals, tables
from telebank.store.events import clean_text
from telebank.store.transaction import Transaction
from telebank.store.writer import Writer
from transactions.approval import Actor, Approving, Detail
from transactions.journal import JournalEvent

START = "start"
"""Who published what a node began with."""
ACT = "release.publish"
"""The act of two people; its object is the hash, its detail `before`: what was then in force."""
MAX_FILES = 2_000
MAX_RELEASE_BYTES = 20_000_000
MAX_UNPUBLISHED = 50
"""Releases kept that never were in force and that nobody waits for; the oldest go first."""
MAX_NAMED = 20
"""Files that an event names."""
SHORT = 16
"""Digits of a hash that people are shown; so many, or more, name a release."""
LOCK = "publication"
HASH = 64
"""Digits of a release's whole hash."""
ROLLBACK = "release.rollback"
"""The right of one person: to take back the last publication by two, while it is young."""
ALONE = timedelta(hours=72)
"""How long after a publication one person may take it back."""
_PUBLICATION = tables.publication.c
_RELEASE = tables.release.c
_FILE = tables.release_file.c
LAST = (
    select(_PUBLICATION.number, _PUBLICATION.release, _PUBLICATION.at, _PUBLICATION.by)
    .order_by(_PUBLICATION.number.desc())
    .limit(1)
)
_KNOWN = select(_RELEASE.hash).where(_RELEASE.hash == bindparam("of_hash"))
FILES = (
    select(_FILE.path, _FILE.content)
    .where(_FILE.release == bindparam("of_hash"))
    .order_by(_FILE.path)
)
_BY_PEOPLE = select(_PUBLICATION.number).where(_PUBLICATION.by != START).limit(1)
_BEFORE = (
    select(_PUBLICATION.release)
    .where(_PUBLICATION.number < bindparam("at_number"))
    .order_by(_PUBLICATION.number.desc())
    .limit(1)
)
_APPROVED = (
    select(_PUBLICATION.number)
    .where(_PUBLICATION.number == bindparam("at_number"), _PUBLICATION.approval.is_not(None))
    .limit(1)
)
_USED = (
    select(tables.request.c.release)
    .where(
        tables.request.c.node == bindparam("of_node"),
        text(tables.OPEN_STATES),
    )
    .distinct()
)
_SPARE = (
    select(_RELEASE.hash)
    .where(
        _RELEASE.hash.not_in(select(_PUBLICATION.release)),
        _RELEASE.hash.not_in(
            select(tables.approval.c.object).where(tables.approval.c.state == "pending")
        ),
    )
    .order_by(_RELEASE.made_at.desc(), _RELEASE.hash)
    .offset(MAX_UNPUBLISHED)
)
_DROP_FILES = delete(tables.release_file).where(_FILE.release == bindparam("of_hash"))
_DROP = delete(tables.release).where(_RELEASE.hash == bindparam("of_hash"))
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


def check_count(files: int) -> None:
    """Raise `ReleaseError` for none, or more than `MAX_FILES`."""
    if not 0 < files <= MAX_FILES:
        raise ReleaseError(f"a release has 1 to {MAX_FILES} files, not {files}")


def check_size(files: Mapping[str, bytes]) -> None:
    """Raise `ReleaseError` for more than `MAX_FILES` files or `MAX_RELEASE_BYTES` bytes."""
    check_count(len(files))
    if sum(map(len, files.values())) > MAX_RELEASE_BYTES:
        raise ReleaseError(f"a release has at most {MAX_RELEASE_BYTES} bytes")


class Releases:
    """The node's side: publishes what a start brings or people decide, reads what is in force."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    async def begin(self, files: Mapping[str, bytes], *, own: bool = True) -> Published:
        """Put in force what the node starts with, unless it is already; give what is in force.
        Where something else was, an alarm names the files. Where people have published, theirs
        stays in force: what the node starts with is then only the alarm's, and where it is not the
        bank's `own` but the shipped one, not even that.

        Raises `ReleaseError` for more than `MAX_FILES` files or `MAX_RELEASE_BYTES` bytes.
        """
        check_size(files)
        return await self._writer.run(partial(_begin, files=dict(files), own=own), (LOCK,))

    async def publish(self, approving: Approving) -> Published | str:
        """Approve a proposal and put its release in force, in one commit; or why not: a refusal
        of `transactions.approval`, or `moved_on`."""
        return await self._writer.run(partial(_publish, approving=approving), (LOCK,))

    async def roll_back(self, by: Actor, to: str, note: str) -> Published | str:
        """Take back what two people published at most `ALONE` ago: put in force what was just
        before (`to` empty, or its hash), with an alarm. Or why not: `gone`, `first`, `in_force`,
        `too_late`, `too_far`."""
        return await self._writer.run(partial(_roll_back, by=by, to=to, note=note), (LOCK,))

    async def back_to(self, to: str) -> str:
        """The release that `roll_back` would put in force, or why none, as it says."""
        return await self._writer.run(partial(_back_to, to=to))

    async def used(self) -> frozenset[str]:
        """Releases that this node's open rows were made under."""
        return await self._writer.run(_used)

    async def note(self, event: JournalEvent) -> None:
        """Append an event about releases."""
        await self._writer.run(lambda part: part.event(event))

    async def current(self) -> Published | None:
        """What is in force; None before the first start."""
        return await self._writer.run(_current)

    async def by_people(self) -> bool:
        """Whether people have published here: then no start does any more."""
        return await self._writer.run(_by_people)

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
    row = part.execute(LAST).first()
    return None if row is None else Published(row.number, row.release, row.at, row.by)


def _files(part: Transaction, release: str) -> dict[str, bytes]:
    rows = part.execute(FILES, {"of_hash": release}).all()
    return {row.path: bytes(row.content) for row in rows}


def _begin(part: Transaction, files: Mapping[str, bytes], own: bool) -> Published:
    before, release = _current(part), hash_of(files)
    if before is not None and before.hash == release:
        return before
    if before is not None and _by_people(part):
        if not own:
            return before
        detail: dict[str, Any] = {"release": before.hash, "folder": release}
        detail |= _changed(_files(part, before.hash), files)
        part.event(JournalEvent("alarm.release", actor=START, outcome="not_taken", detail=detail))
        return before
    _keep(part, files, START, "")
    now = _put_in_force(part, release, START)
    detail = {"release": release, "before": before.hash if before else ""}
    if before is not None:
        detail |= _changed(_files(part, before.hash), files)
        part.event(JournalEvent("alarm.release", actor=START, detail=detail))
    part.event(JournalEvent("release.published", actor=START, detail=detail))
    return now


def _by_people(part: Transaction) -> bool:
    return part.execute(_BY_PEOPLE).first() is not None


def propose(
    part: Transaction, files: Mapping[str, bytes], detail: Detail, by: Actor, note: str
) -> str | None:
    """Within the commit of a proposal: keep the release, unless it cannot be published; why not,
    or None. The check of `approvals.propose`."""
    before, release = _current(part), hash_of(files)
    if before is None or detail["before"] != before.hash:
        return "moved_on"
    if before.hash == release:
        return "in_force"
    _drop_spare(part)
    _keep(part, files, by.id, note)
    return None


def _publish(part: Transaction, approving: Approving) -> Published | str:
    before = _current(part)
    waiting = approvals.pending(part, approving.act, approving.object)
    if before is None or (waiting is not None and waiting.detail["before"] != before.hash):
        approvals.turned_away(part, approving.act, approving.object, approving.by, "moved_on")
        return "moved_on"
    approved = approvals.approve(part, approving)
    if isinstance(approved, str):
        return approved
    files, by = _files(part, approving.object), approving.by
    now = _put_in_force(part, approving.object, by.id, approved.id)
    detail: dict[str, Any] = {"release": now.hash, "before": before.hash, "number": now.number}
    detail |= {"proposed_by": approved.proposed_by, "approval": approved.id}
    detail |= _changed(_files(part, before.hash), files)
    part.event(_of("release.published", by, detail))
    return now


def _roll_back(part: Transaction, by: Actor, to: str, note: str) -> Published | str:
    before, target = _current(part), _back_to(part, to)
    if not approvals.still_here(part, by):
        target = "gone"
    if before is None or len(target) != HASH:
        approvals.turned_away(part, ROLLBACK, to, by, target)
        return target
    now = _put_in_force(part, target, by.id)
    detail: dict[str, Any] = {"release": target, "before": before.hash, "number": now.number}
    detail |= {"note": note, **_changed(_files(part, before.hash), _files(part, target))}
    part.event(_of("release.rolled_back", by, detail))
    part.event(_of("alarm.release", by, detail, "rolled_back"))
    return now


def _back_to(part: Transaction, to: str) -> str:
    """A hash, or why there is none: one step, and none from a step back, or from a start's."""
    now = _current(part)
    if now is None:
        return "first"
    if to == now.hash:
        return "in_force"
    place = {"at_number": now.number}
    row = part.execute(_BEFORE, place).first()
    if row is None:
        return "first"
    before = str(row.release)
    if part.execute(_APPROVED, place).first() is None or to not in {"", before}:
        return "too_far"
    return before if part.now - now.at <= ALONE else "too_late"


def _used(part: Transaction) -> frozenset[str]:
    return frozenset(row.release for row in part.execute(_USED, {"of_node": part.node}).all())


def _keep(part: Transaction, files: Mapping[str, bytes], by: str, note: str) -> None:
    release = hash_of(files)
    if part.execute(_KNOWN, {"of_hash": release}).first() is not None:
        return
    made = {"note": clean_text(note, tables.TEXT), "made_by": by, "made_at": part.now}
    part.execute(_INSERT_RELEASE, {"hash": release, **made})
    rows = [{"release": release, "path": path, "content": files[path]} for path in files]
    part.execute_many(_INSERT_FILE, rows)


def _drop_spare(part: Transaction) -> None:
    """What was refused or lapsed long ago."""
    for row in part.execute(_SPARE).all():
        part.execute(_DROP_FILES, {"of_hash": row.hash})
        part.execute(_DROP, {"of_hash": row.hash})


def _put_in_force(
    part: Transaction, release: str, by: str, approval: str | None = None
) -> Published:
    last = _current(part)
    now = Published(1 if last is None else last.number + 1, release, part.now, by)
    row = {"number": now.number, "release": release, "at": now.at, "by": by, "approval": approval}
    part.execute(_INSERT_PUBLICATION, row)
    return now


def _of(kind: str, by: Actor, detail: dict[str, Any], outcome: str = "") -> JournalEvent:
    return JournalEvent(
        kind, actor=by.id, role=by.role, origin=by.origin, outcome=outcome, detail=detail
    )


def _changed(before: Mapping[str, bytes], files: Mapping[str, bytes]) -> dict[str, Any]:
    """How many files differ, and the first of them by name."""
    named = [f"{path} {became}" for path, became in changes(before, files)]
    shown = ", ".join(named[:MAX_NAMED]) + (", ..." if len(named) > MAX_NAMED else "")
    return {"files": len(named), "changed": shown}


def changes(a: Mapping[str, bytes], b: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Paths that differ, with what became of each: added, removed or changed."""
    for path in sorted({*a, *b}):
        if path not in a:
            yield path, "added"
        elif path not in b:
            yield path, "removed"
        elif a[path] != b[path]:
            yield path, "changed"
