"""`telebank release`: what was in force when, as the store keeps it; reads only."""

import difflib
import json
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import NoReturn

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text
from sqlalchemy import Connection

from telebank.commands.common import EXIT_FINDING, Unreachable, data_option, json_option
from telebank.settings import SettingsError, store_url
from telebank.store.engine import open_read_only
from telebank.store.errors import KeyFileError, StoreMissing
from telebank.store.releases import (
    SHORT,
    ReleaseError,
    ReleaseRow,
    changes,
    find_release,
    read_files,
    releases,
)

MAX_LISTED = 1_000


@click.group(name="release")
def command() -> None:
    """Show releases: flows, texts, services and host profiles by the hash of their content.

    \b
    Examples:
      telebank release list
      telebank release show current
      telebank release diff 3fb1c0de current
    """


@command.command(name="list")
@data_option
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_LISTED),
    default=20,
    show_default=True,
    help="How many, newest first.",
)
@json_option
def list_(data: Path, limit: int, as_json: bool) -> None:
    """List releases, newest first; `in force` is the one that new calls get.

    \b
    Example:
      telebank release list --data var
    """
    with closing(_open(data)) as connection:
        found = releases(connection, limit)
    if as_json:
        click.echo(json.dumps([_plain(row) for row in found]))
        return
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for name in ("release", "made (UTC)", "by", "publications", ""):
        table.add_column(name, no_wrap=True)
    for row in found:
        numbers = ", ".join(map(str, row.published))
        force = "in force" if row.in_force else ""
        cells = (row.hash[:SHORT], f"{row.made_at:%Y-%m-%d %H:%M:%S}", row.made_by, numbers, force)
        table.add_row(*map(Text, cells))
    Console().print(table if found else "no releases yet")


def _plain(row: ReleaseRow) -> dict[str, object]:
    return {
        "release": row.hash,
        "made_at": row.made_at.isoformat(),
        "made_by": row.made_by,
        "note": row.note,
        "publications": list(row.published),
        "in_force": row.in_force,
    }


@command.command()
@data_option
@json_option
@click.argument("release")
@click.argument("file", required=False)
def show(data: Path, as_json: bool, release: str, file: str | None) -> None:
    """List the files of RELEASE (the beginning of its hash, or `current`), or print one FILE.

    \b
    Examples:
      telebank release show current
      telebank release show 3fb1c0de hosts/tb87.yaml
    """
    name, files = _files(data, release)
    if file is not None:
        if file not in files:
            _finding(f"release {name[:SHORT]} has no file {file}")
        click.echo(files[file].decode("utf-8", "replace"), nl=False)
    elif as_json:
        sizes = {path: len(content) for path, content in files.items()}
        click.echo(json.dumps({"release": name, "files": sizes}))
    else:
        click.echo(f"release {name}")
        for path, content in files.items():
            click.echo(f"{len(content):>9}  {path}")


@command.command()
@data_option
@json_option
@click.argument("a")
@click.argument("b")
def diff(data: Path, as_json: bool, a: str, b: str) -> None:
    """Show what changed from release A to release B; exit 1 where anything did.

    \b
    Example:
      telebank release diff 3fb1c0de current
    """
    (first, old), (second, new) = _files(data, a), _files(data, b)
    found = dict(changes(old, new))
    if as_json:
        click.echo(json.dumps({"from": first, "to": second, "files": found}))
    else:
        for path, what in found.items():
            click.secho(f"{path}: {what}", bold=True)
            click.echo(_unified(path, old, new), nl=False)
    if found:
        raise click.exceptions.Exit(EXIT_FINDING)


def _unified(path: str, old: Mapping[str, bytes], new: Mapping[str, bytes]) -> str:
    before, after = (
        side.get(path, b"").decode("utf-8", "replace").splitlines(keepends=True)
        for side in (old, new)
    )
    return "".join(difflib.unified_diff(before, after, f"a/{path}", f"b/{path}"))


def _open(data: Path) -> Connection:
    try:
        return open_read_only(store_url(data)).connect()
    except (SettingsError, KeyFileError) as error:
        raise click.UsageError(str(error)) from error
    except StoreMissing as error:
        raise Unreachable(str(error)) from error


def _files(data: Path, name: str) -> tuple[str, dict[str, bytes]]:
    with closing(_open(data)) as connection:
        try:
            release = find_release(connection, name)
        except ReleaseError as error:
            _finding(str(error))
        return release, read_files(connection, release)


def _finding(text: str) -> NoReturn:
    click.echo(text, err=True)
    raise click.exceptions.Exit(EXIT_FINDING)
