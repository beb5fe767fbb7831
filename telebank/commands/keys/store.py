"""`telebank keys store`: the keys that seal card numbers and other personal numbers at rest."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from telebank.commands.common import EXIT_FINDING, data_option, json_option
from telebank.commands.contacts import reading
from telebank.commands.control_client import call, session_option
from telebank.commands.keys.agreement import agreed, note_option
from telebank.commands.listing import Column, show
from telebank.commands.wiring.store_keys import DESTROY, OBJECT, RELOAD, RESEAL, ROTATE
from telebank.store import key_files, resealing
from telebank.store.errors import KeyFileError
from telebank.store.seal_keys import StoreKey, highest_number, keys_of_store

COLUMNS = tuple(map(Column, ("key", "purpose", "made (UTC)", "state", "seals")))


@click.group(name="store")
def store() -> None:
    """Keys that seal card numbers and personal numbers in the database: list, rotate, reseal.

    A rotation and a destruction take two people at the running node: somebody of IT says the
    command, a supervisor says the same at his own terminal, and it is done then.

    \b
    Examples:
      telebank keys store list
      telebank keys store rotate --note "yearly"
      telebank keys store reseal --dry-run
      telebank keys store reseal
      telebank keys store destroy k1
    """


@store.command(name="list")
@data_option
@json_option
def list_(data: Path, as_json: bool) -> None:
    """List every key: what for, since when, its state, and how many values it sealed.

    \b
    Examples:
      telebank keys store list
      telebank keys store list --json | jq '.[] | select(.state == "retired").rows'
    """
    found = _keys(data)
    if as_json:
        click.echo(json.dumps([_json(one) for one in found], indent=2))
        return
    show(COLUMNS, [_cells(one) for one in found])


@store.command()
@data_option
@json_option
def prepare(data: Path, as_json: bool) -> None:
    """Make the next key without using it, to copy it to the other nodes of the store first.

    \b
    Example:
      telebank keys store prepare
    """
    with reading(data) as connection, _key_errors():
        name = key_files.prepare(data / "keys", highest_number(connection))
    told = {"key": name, "file": str(key_files.file_of(data / "keys", name))}
    click.echo(json.dumps(told) if as_json else f"{name}: {told['file']}")


@store.command()
@note_option
@session_option
@data_option
@json_option
def rotate(note: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Let the next key seal from now on; the one before only opens. Takes two people.

    \b
    Example:
      telebank keys store rotate --note "yearly"
    """
    with reading(data) as connection, _key_errors():
        key = key_files.prepare(data / "keys", highest_number(connection))
    if agreed(data, session, OBJECT, ROTATE, {"key": key}, note):
        told = f"{key} seals from now on; telebank keys store reseal seals anew what is there"
        click.echo(json.dumps({"key": key, "state": "active"}) if as_json else told)


@store.command()
@click.option("--dry-run", is_flag=True, help="Only count what is to be sealed anew.")
@data_option
@json_option
def reseal(*, dry_run: bool, data: Path, as_json: bool) -> None:
    """Seal anew, under the key of now, everything that a retired key sealed.

    The node does it in small transactions while it runs. Broken off at any moment, it is gone on
    with by saying it again. Exit 1 where some rows do not open: their key is missing.

    \b
    Examples:
      telebank keys store reseal --dry-run
      telebank keys store reseal
    """
    with reading(data) as connection, _key_errors():
        current = key_files.current_of(data / "keys")
        counts = resealing.sealed_by(connection)
    stale = {place: many.total() - many[current] for place, many in counts.items()}
    kept = stale.pop(resealing.IN_FILES)
    if dry_run:
        _tell_counts({place: many for place, many in stale.items() if many}, kept, as_json=as_json)
        return
    began = time.monotonic()
    written, spoilt = _reseal(data, stale, quiet=as_json)
    told = {"resealed": written, "spoilt": spoilt, "recordings": kept}
    if as_json:
        click.echo(json.dumps(told))
    else:
        click.echo(f"{written} sealed anew under {current} in {time.monotonic() - began:.1f} s")
        click.echo(_words(kept))
    if spoilt:
        click.echo(f"{spoilt} do not open: their key is missing, or they were changed", err=True)
        raise SystemExit(EXIT_FINDING)


@store.command()
@click.argument("key")
@note_option
@session_option
@data_option
@json_option
def destroy(key: str, note: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Destroy a retired key for good. Takes two people; refused while any row needs it.

    What it sealed in old backups cannot be opened any more.

    \b
    Example:
      telebank keys store destroy k1 --note "nothing is left under it"
    """
    if agreed(data, session, OBJECT, DESTROY, {"key": key}, note):
        told = f"{key} is destroyed"
        click.echo(json.dumps({"key": key, "state": "destroyed"}) if as_json else told)


@store.command(name="reload")
@data_option
@json_option
def reload_(data: Path, as_json: bool) -> None:
    """Let the running node read the key files again, where they were copied from another node.

    \b
    Example:
      telebank keys store reload
    """
    answer = call(data, "POST", RELOAD, {})
    words = f"{answer['current']} seals" + ("" if answer["changed"] else "; nothing was changed")
    click.echo(json.dumps(answer) if as_json else words)


class _Rate(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        """See rich."""
        return Text("" if task.speed is None else f"{task.speed:.0f}/s")


def _reseal(data: Path, stale: dict[str, int], *, quiet: bool) -> tuple[int, int]:
    """How many were written, and how many do not open."""
    bar = Progress(
        *(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()),
        *(_Rate(), TextColumn("left"), TimeRemainingColumn()),
        console=Console(stderr=True),
        disable=quiet,
    )
    written = spoilt = 0
    with bar:
        task = bar.add_task("sealing anew", total=sum(stale.values()))
        for place, many in stale.items():
            after: object = None
            while many:
                answer = call(data, "POST", RESEAL, {"place": place, "after": after})
                written += answer["written"]
                spoilt += answer["spoilt"]
                bar.advance(task, answer["written"] + answer["spoilt"])
                after = answer["after"]
                if after is None:
                    break
    return written, spoilt


def _tell_counts(stale: dict[str, int], kept: int, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"to_reseal": stale, "recordings": kept}))
        return
    show((Column("where"), Column("to seal anew")), [(one, str(n)) for one, n in stale.items()])
    click.echo(_words(kept))


def _words(kept: int) -> str:
    return f"{kept} recordings keep their older key until they end" if kept else "nothing is left"


def _keys(data: Path) -> list[StoreKey]:
    with reading(data) as connection, _key_errors():
        return keys_of_store(connection, data / "keys")


@contextmanager
def _key_errors() -> Iterator[None]:
    try:
        yield
    except KeyFileError as error:
        raise click.UsageError(str(error)) from error


def _cells(one: StoreKey) -> tuple[str, ...]:
    made = "" if one.made is None else one.made.strftime("%Y-%m-%d %H:%M")
    seals = "" if one.purpose != "seal" else str(sum(one.rows.values()))
    return one.name, one.purpose, made, one.state, seals


def _json(one: StoreKey) -> dict[str, object]:
    return {
        "key": one.name,
        "purpose": one.purpose,
        "made": None if one.made is None else one.made.isoformat(),
        "retired": None if one.retired is None else one.retired.isoformat(),
        "state": one.state,
        "rows": dict(one.rows),
    }
