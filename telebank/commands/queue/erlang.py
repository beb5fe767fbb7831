"""`telebank queue erlang`: how many seats, how long a wait, by formula."""

import json
from dataclasses import asdict, dataclass
from math import ceil, isinf

import click

from telebank.agents import erlang
from telebank.commands.common import json_option
from telebank.commands.language import Language, Say, language_option, saying
from telebank.commands.listing import Column, show
from telebank.commands.queue.texts import ZH

AROUND = 3
"""Rows above and below the number that is asked for."""
SECONDS = click.FloatRange(0.1, 7_200)


@dataclass(frozen=True, slots=True)
class Row:
    """What so many seats come to. Parts are 0 to 1."""

    seats: int
    occupancy: float
    waits: float
    mean_wait_s: float | None
    """None: it grows without end."""
    service_level: float | None
    """None: not computed for callers who give up."""
    abandons: float | None
    """None: nobody gives up."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What it is computed for."""

    per_hour: float
    handling_s: float
    within_s: float
    patience_s: float | None

    @property
    def offered(self) -> float:
        """Erlangs."""
        return self.per_hour * self.handling_s / 3_600

    def row(self, seats: int) -> Row:
        """For so many seats."""
        if self.patience_s is not None:
            found = erlang.erlang_a(self.offered, seats, self.handling_s, self.patience_s)
            wait_s = found.mean_wait_s
            return Row(seats, found.occupancy, found.waits, wait_s, None, found.abandons)
        wait_s = erlang.mean_wait_s(self.offered, seats, self.handling_s)
        return Row(
            seats,
            min(self.offered / seats, 1.0),
            erlang.erlang_c(self.offered, seats),
            None if isinf(wait_s) else wait_s,
            erlang.service_level(self.offered, seats, self.handling_s, self.within_s),
            None,
        )


@click.command("erlang")
@click.option(
    "--calls",
    "per_hour",
    type=click.FloatRange(0.1, 100_000),
    required=True,
    help="Calls an hour, 0.1 to 100000.",
)
@click.option("--talk", type=SECONDS, required=True, help="Mean seconds of talk, 0.1 to 7200.")
@click.option(
    "--wrap-up",
    type=click.FloatRange(0, 3_600),
    default=30.0,
    show_default=True,
    help="Mean seconds of wrap-up, 0 to 3600.",
)
@click.option(
    "--seats",
    type=click.IntRange(1, erlang.MAX_SEATS),
    help="So many seats, and some fewer and more; not given: what --level needs.",
)
@click.option(
    "--level",
    type=click.FloatRange(1, 99.9),
    default=80.0,
    show_default=True,
    help="Percent of the callers to be answered in time, 1 to 99.9.",
)
@click.option(
    "--within",
    type=click.FloatRange(0, 3_600),
    default=20.0,
    show_default=True,
    help="Seconds that count as in time, 0 to 3600.",
)
@click.option(
    "--patience", type=SECONDS, help="Callers give up after so many seconds on average (Erlang A)."
)
@language_option
@json_option
def command(
    *,
    per_hour: float,
    talk: float,
    wrap_up: float,
    seats: int | None,
    level: float,
    within: float,
    patience: float | None,
    language: Language,
    as_json: bool,
) -> None:
    """Seats, occupancy, who waits, mean wait, service level.

    Erlang C: callers come at random, talks are of random length, nobody gives up, one skill. Real
    callers do give up: with --patience Erlang A says how many, and waits are shorter. A queue with
    several skills, overflow or important customers has no formula: `telebank queue simulate`.

    \b
    Examples:
      telebank queue erlang --calls 120 --talk 180
      telebank queue erlang --calls 120 --talk 180 --wrap-up 30 --level 90 --within 10
      telebank queue erlang --calls 120 --talk 180 --seats 9 --patience 120
      telebank queue erlang --calls 120 --talk 180 --json | jq .needed
    """
    asked = Asked(per_hour, talk + wrap_up, within, patience)
    try:
        needed = erlang.seats_for(asked.offered, asked.handling_s, within, level / 100)
        middle = needed if seats is None else seats
        fewest = max(1, middle - AROUND)
        rows = [asked.row(number) for number in range(fewest, middle + AROUND + 1)]
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        told = {"offered_erlangs": asked.offered, "handling_s": asked.handling_s}
        more = {"needed": needed, "rows": [asdict(row) for row in rows]}
        click.echo(json.dumps(told | more))
        return
    say = saying(language, ZH)
    _say_head(asked, needed, level, say)
    last = "in time" if patience is None else "gives up"
    names = ("seats", "occupancy", "waits", "mean wait", last)
    show([Column(say(name)) for name in names], [_cells(row, say) for row in rows])


def _say_head(asked: Asked, needed: int, level: float, say: Say) -> None:
    offered = f"{asked.offered:.2f}"
    load = say("{calls} calls an hour of {handling} s are {offered} erlangs.")
    click.echo(
        load.format(calls=f"{asked.per_hour:g}", handling=f"{asked.handling_s:g}", offered=offered)
    )
    if asked.patience_s is None:
        enough = say("{seats} seats answer {level} % within {within} s.")
        click.echo(enough.format(seats=needed, level=f"{level:g}", within=f"{asked.within_s:g}"))
    else:
        give_up = say("Callers give up after {patience} s on average (Erlang A).")
        click.echo(give_up.format(patience=f"{asked.patience_s:g}"))


def _cells(row: Row, say: Say) -> tuple[str, ...]:
    last = row.service_level if row.abandons is None else row.abandons
    wait = say("without end") if row.mean_wait_s is None else seconds(row.mean_wait_s)
    return (str(row.seats), percent(row.occupancy), percent(row.waits), wait, percent(last))


def percent(part: float | None) -> str:
    """A part for people; `–` where there is none."""
    return "–" if part is None else f"{100 * part:.1f} %"


def seconds(value: float | None) -> str:
    """Seconds for people: exact where they are few."""
    if value is None:
        return "–"
    return f"{value:.1f} s" if value < 10 else f"{ceil(value - 0.5)} s"  # noqa: PLR2004
