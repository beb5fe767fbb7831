"""`telebank host reconcile`: a business date's journal, host's totals and host's file, compared."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from sqlalchemy import Engine

from core_adapters.hostfile import read_host_file
from core_adapters.hostfile_form import HostFileError
from core_adapters.iso8583.loading.extending import read_extended
from core_adapters.profiles.errors import ProfileError
from telebank.commands.common import (
    EXIT_FINDING,
    EXIT_UNREACHABLE,
    Unreachable,
    data_option,
    json_option,
)
from telebank.commands.control_client import ControlRefused, call
from telebank.commands.host.common import profile_path
from telebank.commands.host.reconcile_show import as_json_object, show
from telebank.commands.wiring.host_totals import PATH, read_totals
from telebank.reports.reconciliation import About, write_report
from telebank.reports.words import Language, words_of
from telebank.settings import Settings, SettingsError, load_settings, seed_dir, store_url
from telebank.store.engine import open_read_only
from telebank.store.errors import KeyFileError, StoreMissing
from telebank.store.reconciling import count_of, rows_by_reference, rows_of
from transactions.ports import HostTotals
from transactions.reconcile import FileRows, TooManyRows, compare
from transactions.reconcile_values import Reconciliation, Severity

TOTALS_WAIT_S = 120.0
"""How long the node may take to ask the host for every currency, in seconds."""
EVERY = 1_000
"""Rows between two movements of the progress bar."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line said, with the settings it is read by."""

    day: date
    data: Path
    settings: Settings
    file: Path | None
    language: Language


def _day(settings: Settings, text: str) -> date:
    """A date, or `today` or `yesterday` on the bank's wall clock."""
    now = datetime.now(UTC) + timedelta(minutes=settings.node.utc_offset_minutes)
    known = {"today": now.date(), "yesterday": now.date() - timedelta(days=1)}
    if text in known:
        return known[text]
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r}: give YYYY-MM-DD, today or yesterday") from None


@click.command(name="reconcile")
@click.argument("day", metavar="DATE", required=False)
@click.option("--date", "day_option", help="The same as DATE.")
@click.option(
    "--host-file",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="The host's file of that date.  [default: DATA/hostfiles/DATE.csv if there]",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the report.  [default: DATA/reports]",
)
@click.option("--language", type=click.Choice(["zh", "en"]), default="zh", show_default=True)
@click.option("--without-totals", is_flag=True, help="Do not ask the host; compare with its file.")
@click.option("--without-file", is_flag=True, help="Compare sums alone; no file is meant to be.")
@data_option
@json_option
def command(
    day: str | None,
    day_option: str | None,
    host_file: Path | None,
    out: Path | None,
    language: Language,
    data: Path,
    *,
    without_totals: bool,
    without_file: bool,
    as_json: bool,
) -> None:
    """Compare our journal with the host's totals and the host's file of a business date.

    DATE is YYYY-MM-DD, today or yesterday. The running node asks the host for its totals. Writes a
    PDF and two CSV files, and prints the sums. Exit 0: all agree, or what does not is explained
    (still open, or over the cut-over); 1: differences, or no file of that date is there and
    --without-file does not say that this is meant; 3: the host could not be asked, and the other
    two sides do not differ.

    \b
    Examples:
      telebank host reconcile yesterday
      telebank host reconcile 2026-11-22 --host-file tb87-20261122.csv --out /srv/reports
      telebank host reconcile yesterday --without-totals --language en --json
    """
    if without_file and (without_totals or host_file is not None):
        raise click.UsageError("--without-file goes with neither --host-file nor --without-totals")
    if (day is None) == (day_option is None):
        raise click.UsageError("give one date: YYYY-MM-DD, today or yesterday")
    try:
        settings = load_settings(data)
        wanted = _day(settings, day or day_option or "")
        file = None if without_file else host_file or _usual_file(data, wanted)
        asked = Asked(wanted, data, settings, file, language)
        totals, why = (None, "") if without_totals else _totals(asked)
        if totals is None and asked.file is None:
            raise Unreachable(
                f"{why or 'without totals'}, and there is no file of the host: give --host-file or "
                f"put it at {_usual_place(data, wanted)}"
            )
        result = _compare(asked, totals, quiet=as_json)
        files = write_report(result, out or data / "reports", _about(asked))
    except (SettingsError, KeyFileError, ProfileError, HostFileError, TooManyRows) as error:
        raise click.UsageError(str(error)) from error
    except StoreMissing as error:
        raise Unreachable(str(error)) from error
    except OSError as error:
        raise click.UsageError(f"cannot write {error.filename}: {error.strerror}") from error
    no_file = "" if without_file or asked.file else _no_file(asked)
    if as_json:
        found = as_json_object(result, files, why, no_file)
        click.echo(json.dumps(found, ensure_ascii=False))
    else:
        show(result, files, words_of(language))
        if why:
            click.echo(f"the host's totals are missing: {why}", err=True)
        if no_file:
            click.echo(f"the host's file is missing: {no_file}", err=True)
    sys.exit(_exit_code(result, why, no_file))


def _no_file(asked: Asked) -> str:
    place = _usual_place(asked.data, asked.day)
    return f"{place} is not there; put it there, give --host-file, or say --without-file"


def _exit_code(result: Reconciliation, why: str, no_file: str) -> int:
    """What was found goes before what could not be asked."""
    if no_file or result.severity is Severity.DIFFERENCE:
        return EXIT_FINDING
    return EXIT_UNREACHABLE if why else 0


def _usual_place(data: Path, day: date) -> Path:
    return data / "hostfiles" / f"{day.isoformat()}.csv"


def _usual_file(data: Path, day: date) -> Path | None:
    place = _usual_place(data, day)
    return place if place.is_file() else None


def _about(asked: Asked) -> About:
    now = datetime.now(UTC).astimezone(asked.settings.store.zone)
    return About(asked.settings.node.id, now, asked.language)


def _totals(asked: Asked) -> tuple[HostTotals | None, str]:
    """The host's totals by the running node, or why there are none."""
    path = f"{PATH}?date={asked.day.isoformat()}"
    try:
        return read_totals(call(asked.data, "GET", path, timeout_s=TOTALS_WAIT_S)), ""
    except (Unreachable, ControlRefused) as error:
        return None, error.message
    except ValueError as error:
        return None, str(error)


def _compare(asked: Asked, totals: HostTotals | None, *, quiet: bool) -> Reconciliation:
    engine = open_read_only(store_url(asked.data, asked.settings), asked.settings.store)
    try:
        with _progress(quiet) as progress:
            return _watched(asked, totals, engine, progress)
    finally:
        engine.dispose()


def _watched(
    asked: Asked, totals: HostTotals | None, engine: Engine, progress: Progress
) -> Reconciliation:
    words, count = words_of(asked.language), count_of(engine, asked.day)
    file: FileRows | None = None
    if asked.file is not None:
        rows = read_host_file(asked.file, _section(asked))
        file = _moving(rows, progress, words["file"], count)
    journal = _moving(rows_of(engine, asked.day), progress, words["journal"], count)
    lookup: Callable[[Any], Any] = lambda references: rows_by_reference(engine, references)  # noqa: E731
    return compare(asked.day, journal, totals, file, lookup)


def _section(asked: Asked) -> Mapping[str, Any]:
    """Section `host_file` of the served host's profile, whatever the adapter."""
    host = asked.settings.node.host
    name = str(asked.settings.hosts.get(host, {}).get("profile", host))
    path = profile_path(asked.data, name)
    top = read_extended(path, seed_dir() / "hosts")
    if not top.has("host_file"):
        raise HostFileError(f"{path}: has no section `host_file`; docs/reconciliation.md has one")
    return top.section("host_file").plain()


def _progress(quiet: bool) -> Progress:
    """A bar on a terminal; it goes when it is done."""
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=console,
        transient=True,
        disable=quiet or not console.is_terminal,
    )


def _moving(rows: Iterable[T], progress: Progress, label: str, total: int) -> Iterator[T]:
    """The rows, moving the bar now and then."""
    task = progress.add_task(label, total=total or None)
    count = 0
    for count, row in enumerate(rows, 1):
        if count % EVERY == 0:
            progress.update(task, completed=count)
        yield row
    progress.update(task, completed=count, total=count)
