"""`telebank backup`: a node's data in one archive, made while it runs; check such an archive."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from telebank import __version__
from telebank.commands.common import EXIT_FINDING, Unreachable, data_option, json_option
from telebank.commands.staff_secrets import password
from telebank.ops.backup.keys import check_passphrase
from telebank.ops.backup.making import Plan, make, size_of
from telebank.ops.backup.manifest import BackupError, Damaged, Manifest
from telebank.ops.backup.restoring import check, opened_keys
from telebank.settings import SettingsError, load_settings, store_url
from telebank.store.engine import is_sqlite, sqlite_path
from telebank.store.errors import KeyFileError

DUMP = (
    "the database is PostgreSQL and is not in the archive: make its own copy first, with"
    " pg_dump -Fc DATABASE > FILE (docs/store.md)"
)
passphrase_option = click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="File (mode 0600) with the passphrase of the keys, instead of asking for it.",
)


class Finding(click.ClickException):
    """Ends a command with exit code 1: the archive is damaged."""

    exit_code = EXIT_FINDING


@click.command(name="backup", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--check", "only_check", is_flag=True, help="Read FILE and compare every byte.")
@click.option("--with-keys", is_flag=True, help="Take DATA/keys too, under a passphrase.")
@passphrase_option
@data_option
@json_option
def command(
    *,
    file: Path,
    only_check: bool,
    with_keys: bool,
    passphrase_file: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """Copy a node's data into one new FILE (tar, mode 0600), while it runs or not.

    Taken are the database as it is at one moment, DATA/config, faxes, recordings, notices, the
    host's daily files, reports, and the SNMP engine. Keys only with --with-keys: else they are
    named, with their fingerprints, and are to be kept elsewhere. The archive holds customers'
    papers in clear: keep it as you keep those.

    --check compares each file with the SHA-256 in the archive; exit code 1 where one differs.

    \b
    Examples:
      telebank backup /mnt/backup/bank-2026-11-23.tar
      telebank backup /mnt/safe/keys.tar --with-keys --passphrase-file ~/backup.txt
      telebank backup --check /mnt/backup/bank-2026-11-23.tar
      telebank restore /mnt/backup/bank-2026-11-23.tar --data /srv/restored
    """
    if only_check:
        _check(file, passphrase_file, as_json=as_json)
        return
    if passphrase_file is not None and not with_keys:
        raise click.UsageError("--passphrase-file is of the keys: say --with-keys too")
    try:
        plan = _plan(data, _new_passphrase(passphrase_file) if with_keys else None)
        bar = click.progressbar(length=size_of(plan), label="backup", file=sys.stderr)
        with bar as moving:
            made = make(plan, file, moving.update)
    except (BackupError, SettingsError, KeyFileError) as error:
        raise click.UsageError(str(error)) from error
    if plan.database is None:
        click.echo(DUMP, err=True)
    for one in made.left_out:
        click.echo(f"left out, it is no plain file: {one}", err=True)
    say_manifest(file, made.manifest, as_json=as_json)


def say_manifest(file: Path, manifest: Manifest, *, as_json: bool) -> None:
    """What is in an archive, for people or for programs."""
    if as_json:
        told: dict[str, Any] = {"file": str(file), "with_keys": manifest.with_keys}
        click.echo(json.dumps(told | asdict(manifest), ensure_ascii=False))
        return
    tables = f", tables {manifest.revision}" if manifest.revision else ", no database"
    click.echo(
        f"{file}: {len(manifest.files)} files, {manifest.bytes / 10**6:.1f} MB,"
        f" node {manifest.node}, {manifest.made_at}, telebank {manifest.version}{tables}"
    )
    if manifest.with_keys:
        click.echo("keys: in it, under the passphrase")
    elif manifest.keys:
        click.echo("keys: not in it; a restored node needs these in DATA/keys, mode 0600:")
        for name, fingerprint in manifest.keys.items():
            click.echo(f"  {name:<28}{fingerprint}".rstrip())


def _plan(data: Path, passphrase: str | None) -> Plan:
    settings = load_settings(data)
    url = store_url(data, settings)
    database = sqlite_path(url) if is_sqlite(url) else None
    if database is not None and not database.is_file():
        raise Unreachable(
            f"there is no database at {database}: start the node once, or give --data"
        )
    if passphrase is not None and not (data / "keys").is_dir():
        raise click.UsageError(f"there are no keys in {data / 'keys'}")
    return Plan(data, database, settings.node.id, __version__, passphrase)


def _new_passphrase(file: Path | None) -> str:
    said = password(file, confirm=True, what="Passphrase of the keys")
    check_passphrase(said)
    return said


def _check(file: Path, passphrase_file: Path | None, *, as_json: bool) -> None:
    """With a passphrase the keys are opened too, and forgotten."""
    if not file.is_file():
        raise Unreachable(f"there is no {file}")
    bar = click.progressbar(length=file.stat().st_size, label="check", file=sys.stderr)
    try:
        with bar as moving:
            manifest = check(file, moving.update)
        if passphrase_file is not None:
            said = password(passphrase_file, confirm=False)
            opened_keys(file, said)
    except Damaged as error:
        raise Finding(str(error)) from error
    except BackupError as error:
        raise click.UsageError(str(error)) from error
    say_manifest(file, manifest, as_json=as_json)
