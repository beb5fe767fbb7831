"""`telebank recordings`: what was recorded, and whether its files are as they were made."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from telebank.commands.common import EXIT_FINDING, data_option, json_option
from telebank.commands.contacts import (
    call_option,
    limit_option,
    reading,
    seat_option,
    since_option,
    time_of,
)
from telebank.commands.listing import Column, show
from telebank.commands.staff_secrets import say_json
from telebank.store.recordings import FOLDER, KEPT, RecordingSeen
from telebank.store.seat_views import MAX_LISTED, Wanted, recordings

COLUMNS = tuple(map(Column, ("began (UTC)", "seconds", "seat", "by", "call", "state", "name")))


@click.group(name="recordings", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Recordings of tellers' calls: list them, check their files.

    \b
    Examples:
      telebank recordings list --seat li --since 8h
      telebank recordings check
    """


@command.command(name="list")
@seat_option
@call_option
@since_option
@limit_option
@data_option
@json_option
def list_(
    *, seat: str, call_ref: str, since: datetime | None, limit: int, data: Path, as_json: bool
) -> None:
    """List recordings, newest first.

    \b
    Examples:
      telebank recordings list
      telebank recordings list --call 01-3-000017 --json | jq '.recordings[].sha256'
    """
    with reading(data) as connection:
        found = recordings(connection, Wanted(seat, call_ref, since, limit=limit))
    if as_json:
        say_json({"recordings": [_json(one) for one in found]})
        return
    show(COLUMNS, [_cells(one) for one in found])


@command.command()
@since_option
@data_option
@json_option
def check(*, since: datetime | None, data: Path, as_json: bool) -> None:
    """Compare each file with the checksum that was kept when it was made; exit 1 where one differs.

    Nothing is decrypted.

    \b
    Examples:
      telebank recordings check
      telebank recordings check --since 7d --json | jq .wrong
    """
    with reading(data) as connection:
        found = recordings(connection, Wanted(since=since, limit=MAX_LISTED))
    kept = [one for one in found if one.state == KEPT]
    wrong = _wrong(data / FOLDER, kept)
    if as_json:
        say_json({"checked": len(kept), "wrong": wrong})
    else:
        for one in wrong:
            click.echo(f"{one['name']}: {one['why']}")
        click.echo(f"{len(kept)} checked, {len(wrong)} wrong")
    if wrong:
        raise SystemExit(EXIT_FINDING)


def _wrong(folder: Path, kept: Sequence[RecordingSeen]) -> list[dict[str, str]]:
    """Those whose files are not as they were made, with a bar at the terminal meanwhile."""
    wrong = []
    bar = click.progressbar(kept, label="recordings", file=sys.stderr)
    with bar as ones:
        for one in ones:
            try:
                with (folder / one.name).open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
            except OSError as error:
                wrong.append({"name": one.name, "why": str(error.strerror)})
                continue
            if digest != one.sealed_sha256:
                wrong.append({"name": one.name, "why": "it was changed since it was made"})
    return wrong


def _cells(one: RecordingSeen) -> tuple[str, ...]:
    state = f"{one.state}, cut" if one.cut else one.state
    return (
        *(time_of(one.began), f"{one.seconds:.0f}", one.seat, one.by, one.call),
        *(state, one.name),
    )


def _json(one: RecordingSeen) -> dict[str, Any]:
    told: dict[str, Any] = asdict(one)
    told["began"] = one.began.isoformat()
    told["seconds"] = one.seconds
    del told["milliseconds"]
    return told
