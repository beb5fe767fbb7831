"""`telebank queue compare`: one queue played beside Erlang C, as a table and as pictures."""

import dataclasses
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

import click
import msgspec

from telebank.agents.simulation.comparing import LOADS, WARM_UP, Compared, compare
from telebank.agents.simulation.plan import MAX_CALLS
from telebank.commands.common import json_option
from telebank.commands.language import Language, language_option, saying
from telebank.commands.listing import Column, show
from telebank.commands.queue.erlang import percent, seconds
from telebank.commands.queue.simulate import progress
from telebank.commands.queue.texts import ZH

LEAST_CALLS = 2_000
FEW = 200
"""Callers who were told the same: the table leaves out fewer."""
COLUMNS = ("load", "seed", "mean wait", "computed", "difference", "waits", "computed", "difference")
_MARKED = re.compile(r"(?<=<!-- queue )([a-z]+)( -->\n).*?(?=<!-- /queue -->)", re.DOTALL)
_PATH = click.Path(path_type=Path, dir_okay=False)
Row = Sequence[str]


@click.command("compare")
@click.option(
    "--load",
    "loads",
    multiple=True,
    type=click.FloatRange(0.05, 0.98),
    default=LOADS,
    show_default=True,
    help="Part of their time that seats are at work, 0.05 to 0.98; repeatable.",
)
@click.option(
    "--calls",
    type=click.IntRange(LEAST_CALLS, MAX_CALLS),
    default=100_000,
    show_default=True,
    help=f"Of one play, {LEAST_CALLS} to {MAX_CALLS}.",
)
@click.option("--seed", type=click.IntRange(0, 2**31), default=1, show_default=True, help="Lots.")
@click.option(
    "--seeds",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="Plays of each load, of so many seeds from --seed on, 1 to 100.",
)
@click.option("--keep", type=_PATH, help="Keep the figures in this file, JSON.")
@click.option("--from", "source", type=_PATH, help="Play nothing: take figures kept before.")
@click.option(
    "--pictures", "folder", type=click.Path(path_type=Path, file_okay=False), help="Draw here, SVG."
)
@click.option("--page", type=_PATH, help="Put the tables between the markers of this page.")
@language_option
@json_option
def command(
    *,
    loads: Sequence[float],
    calls: int,
    seed: int,
    seeds: int,
    keep: Path | None,
    source: Path | None,
    folder: Path | None,
    page: Path | None,
    language: Language,
    as_json: bool,
) -> None:
    """Play one queue of ten seats beside Erlang C.

    One skill, callers at random, exponential talks of 180 s, nobody gives up. 100000 calls take
    some ten seconds of processor time. At a load of 0.9 the mean wait of 100000 calls still
    spreads by about 7 % from seed to seed, of 10000 by 20 %.

    \b
    Examples:
      telebank queue compare --load 0.8 --calls 10000
      telebank queue compare --keep docs/queues.json
      telebank queue compare --from docs/queues.json --pictures docs/images --page docs/queues.md
    """
    try:
        found = _played(loads, calls, range(seed, seed + seeds)) if source is None else read(source)
        if keep is not None:
            text = ",\n".join(json.dumps(dataclasses.asdict(one)) for one in found)
            keep.write_text(f"[\n{text}\n]\n", encoding="utf-8")
        if folder is not None:
            _draw(found, folder)
        if page is not None:
            write(found, page)
    except (OSError, ValueError) as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(one) for one in found]))
    else:
        say = saying(language, ZH)
        show([Column(say(name)) for name in COLUMNS], rows(found))


def _played(loads: Sequence[float], calls: int, seeds: Sequence[int]) -> list[Compared]:
    plays = [(load, seed) for load in loads for seed in seeds]
    each = calls + WARM_UP
    with progress(each * len(plays)) as told:
        return [
            compare(load, calls, seed, lambda done, n=number: told(n * each + done))  # type: ignore[misc]
            for number, (load, seed) in enumerate(plays)
        ]


def read(source: Path) -> list[Compared]:
    """Figures that were kept; raises `OSError`, and `ValueError` that names the file."""
    try:
        found = msgspec.json.decode(source.read_bytes(), type=list[Compared])
    except msgspec.MsgspecError as error:
        raise ValueError(f"{source}: not figures that were kept with --keep: {error}") from error
    if not found:
        raise ValueError(f"{source}: has no figures")
    return found


def rows(found: Iterable[Compared]) -> list[Row]:
    """One for each play."""
    return [
        (
            *(f"{one.load:g}", str(one.seed), seconds(one.wait_s), seconds(one.erlang_wait_s)),
            *(_off(one.wait_s, one.erlang_wait_s), percent(one.waiting)),
            *(percent(one.erlang_waiting), _off(one.waiting, one.erlang_waiting)),
        )
        for one in found
    ]


def _off(played: float, computed: float) -> str:
    return f"{100 * (played / computed - 1):+.1f} %"


# -- the page -------------------------------------------------------------------------------------


def write(found: Sequence[Compared], page: Path) -> None:
    """Put the tables into a page, between `<!-- queue NAME -->` and `<!-- /queue -->`; raises
    `OSError`, and `ValueError` for a marker of no table."""
    made = {"waits": _waits(found), "told": _told(found)}

    def between(marked: re.Match[str]) -> str:
        name, end = marked[1], marked[2]
        if name not in made:
            raise ValueError(f"{page}: no table is called {name}: {', '.join(made)}")
        return f"{name}{end}\n{made[name]}\n\n"

    page.write_text(_MARKED.sub(between, page.read_text(encoding="utf-8")), encoding="utf-8")


def _waits(found: Sequence[Compared]) -> str:
    """By load: the mean of all plays, and the least and the most of one."""
    head = (
        *("load", "plays", "mean wait, s", "Erlang C", "off", "who waits, %", "Erlang C", "off"),
        *("within 20 s, %", "Erlang C"),
    )
    lines = []
    for load, plays in _by_load(found).items():
        wait_s, waiting = fmean(one.wait_s for one in plays), fmean(one.waiting for one in plays)
        first, level = plays[0], fmean(one.level for one in plays)
        waits = [one.wait_s for one in plays]
        lines.append(
            (
                *(f"{load:g}", str(len(plays))),
                f"{wait_s:.2f} ({min(waits):.2f}–{max(waits):.2f})",
                *(f"{first.erlang_wait_s:.2f}", _off(wait_s, first.erlang_wait_s)),
                *(f"{100 * waiting:.2f}", f"{100 * first.erlang_waiting:.2f}"),
                *(_off(waiting, first.erlang_waiting), f"{100 * level:.2f}"),
                f"{100 * first.erlang_level:.2f}",
            )
        )
    return _markdown(head, lines)


def _told(found: Sequence[Compared]) -> str:
    """By load: what callers were told first, and what they then waited."""
    head = ("load", "told, minutes", "callers", "then waited, s", "no longer than told, %")
    lines = []
    for load, plays in _by_load(found).items():
        for minutes in sorted({number for one in plays for number in one.told if number}):
            parts = [one.told[minutes] for one in plays if minutes in one.told]
            count = sum(part[0] for part in parts)
            if count < FEW:
                continue
            waited_s = sum(part[0] * part[1] for part in parts) / count
            kept = sum(part[0] * part[2] for part in parts) / count
            who = f"{load:g}", str(minutes), f"{count:,}"
            lines.append((*who, f"{waited_s:.0f}", f"{100 * kept:.0f}"))
    return _markdown(head, lines)


def _by_load(found: Iterable[Compared]) -> dict[float, list[Compared]]:
    loads: defaultdict[float, list[Compared]] = defaultdict(list)
    for one in found:
        loads[one.load].append(one)
    return dict(sorted(loads.items()))


def _markdown(head: Row, lines: Iterable[Row]) -> str:
    rule = ["---"] * len(head)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [head, rule, *lines])


# -- pictures -------------------------------------------------------------------------------------


def _draw(found: Sequence[Compared], folder: Path) -> None:
    from telebank.reports.plots import Plot, Series, svg

    folder.mkdir(parents=True, exist_ok=True)
    load = "load of a seat, % of its time"
    plots = {
        "queue-wait": Plot(
            "Mean wait: ten seats, talks of 180 s",
            load,
            "seconds, all callers",
            [
                Series("played", [(100 * one.load, one.wait_s) for one in found]),
                Series("Erlang C", [(100 * one.load, one.erlang_wait_s) for one in found]),
            ],
        ),
        "queue-waiting": Plot(
            "Who has to wait: ten seats",
            load,
            "% of the callers",
            [
                Series("played", [(100 * one.load, 100 * one.waiting) for one in found]),
                Series("Erlang C", [(100 * one.load, 100 * one.erlang_waiting) for one in found]),
            ],
        ),
    }
    if told := _waited(found):
        highest = max(minutes for minutes, _ in told)
        plots["queue-told"] = Plot(
            f"The wait that was told, at a load of {100 * max(one.load for one in found):g} %",
            "minutes told first",
            "minutes then waited, on average",
            [Series("waited", told), Series("told", [(1, 1), (highest, highest)])],
        )
    for name, plot in plots.items():
        (folder / f"{name}.svg").write_text(svg(plot), encoding="utf-8")


def _waited(found: Sequence[Compared]) -> list[tuple[float, float]]:
    """At the highest load, of each play: minutes told, and mean minutes then waited."""
    highest = max(one.load for one in found)
    return [
        (minutes, waited_s / 60)
        for one in found
        if one.load == highest
        for minutes, (count, waited_s, _) in one.told.items()
        if minutes and count >= FEW
    ]
