"""`telebank bench plot`: the sweeps one after another, and the pictures and tables of them."""

import sys
import time
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from telebank.commands.bench import pictures, sweeps, tables
from telebank.commands.bench.sweeps import SWEEPS, SweepError, Sweeps
from telebank.commands.common import EXIT_FINDING, EXIT_USAGE, Unreachable

_PATH = click.Path(path_type=Path, dir_okay=False)


@click.command("plot")
@click.option("--json", "kept", type=_PATH, help="Keep the figures in this file.")
@click.option("--from", "source", type=_PATH, help="Measure nothing: take figures kept before.")
@click.option(
    "--pictures", "folder", type=click.Path(path_type=Path, file_okay=False), help="Draw here, SVG."
)
@click.option("--page", type=_PATH, help="Put the tables between the markers of this page.")
@click.option(
    "--sweep",
    "names",
    multiple=True,
    type=click.Choice([sweep.name for sweep in SWEEPS]),
    help="Only this one; can be given several times.",
)
@click.option("--rounds", default=2, show_default=True, type=click.IntRange(1, 100))
@click.option("--quick", is_flag=True, help="A few calls, one round: to see that it works.")
def command(
    kept: Path | None,
    source: Path | None,
    folder: Path | None,
    page: Path | None,
    names: tuple[str, ...],
    rounds: int,
    *,
    quick: bool,
) -> None:
    """Measure over ranges of calls and rates, and draw it.

    Every measurement is a `telebank bench` command in a process of its own; two rounds take about
    seven minutes. Pictures show each round as a dot, tables the median, the least and the most. The
    machine, its load and how slow it was are kept beside every figure. Exit code 1 when a
    call failed or a key was missed; 3 when a measurement gave no figures, twice: it is named, with
    what it said.

    \b
    Examples:
      telebank bench plot --json figures.json --pictures out
      telebank bench plot --from figures.json --pictures docs/images --page docs/benchmarks.md
      telebank bench plot --sweep media --sweep media-2 --rounds 5 --json media.json
    """
    if source is not None and (kept or names or quick):
        raise click.UsageError("--from measures nothing: no --json, --sweep or --quick with it")
    try:
        found = sweeps.read(source) if source is not None else _measured(names, rounds, quick=quick)
        if kept is not None:
            sweeps.write(found, kept)
        if folder is not None:
            for file in pictures.write(found, folder):
                click.echo(file)
        if page is not None:
            tables.write(found, page)
    except (SweepError, OSError, ValueError) as error:
        click.echo(str(error), err=True)
        sys.exit(EXIT_USAGE)
    if source is None:
        for name, table in tables.tables(found).items():
            click.echo(f"\n{name}\n{table}")
    sys.exit(EXIT_FINDING if source is None and _failed(found) else 0)


def _measured(names: tuple[str, ...], rounds: int, *, quick: bool) -> Sweeps:
    plan = sweeps.plan(names, 1 if quick else rounds, quick=quick)
    expected, began = sweeps.seconds(plan), time.monotonic()
    err = Console(stderr=True, highlight=False)
    bar = Progress(
        *(BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()),
        console=err,
        transient=True,
        refresh_per_second=1,  # what is measured shares the machine with it
        disable=not err.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=len(plan))

        def begun(done: int, words: str) -> None:
            bar.update(task, completed=done)
            rest = _long(sweeps.left(expected, done, time.monotonic() - began))
            place = f"{done + 1:>{len(str(len(plan)))}} of {len(plan)}"
            err.print(f"[bold]{place}[/]  {words}  [dim]about {rest} left[/]", soft_wrap=True)

        try:
            return sweeps.measure(plan, begun)
        except SweepError as error:
            raise Unreachable(str(error)) from error


def _long(seconds: float) -> str:
    """Roughly: in minutes from two of them on."""
    return f"{seconds / 60:.0f} min" if seconds >= 120 else f"{seconds:.0f} s"  # noqa: PLR2004


def _failed(found: Sweeps) -> bool:
    return any(run.figures.get("failed") or run.figures.get("missed") for run in found.runs)


if __name__ == "__main__":
    command()
