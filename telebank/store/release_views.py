"""Releases for people: what the commands read of them, beside a node that runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select, text

from telebank.store import tables
from telebank.store.releases import ACT, FILES, LAST, ReleaseError

_PUBLICATION = tables.publication.c
_RELEASE = tables.release.c


@dataclass(frozen=True, slots=True)
class ReleaseRow:
    """A release for people: `published` are its publications' numbers, oldest first; `proposed_by`
    is who waits for a second person, or empty."""

    hash: str
    made_at: datetime
    made_by: str
    note: str
    published: Sequence[int]
    in_force: bool
    proposed_by: str = ""


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
    waiting = connection.execute(
        select(tables.approval.c.proposed_by).where(
            tables.approval.c.act == ACT,
            tables.approval.c.object == row[0],
            text("state = 'pending'"),
            tables.approval.c.expires_at > datetime.now(UTC),
        )
    ).scalar()
    by = "" if waiting is None else str(waiting)
    return ReleaseRow(*row, published=published, in_force=last in published, proposed_by=by)


def find_release(connection: Connection, name: str) -> str:
    """The hash that `name` begins; `current` is what is in force. Raises `ReleaseError`."""
    if name == "current":
        row = connection.execute(LAST).first()
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
    rows = connection.execute(FILES, {"of_hash": release})
    return {path: bytes(content) for path, content in rows}
