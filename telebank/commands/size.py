"""`telebank size`: lines, seats and cores for so many calls a day, by formula and our figures."""

from dataclasses import asdict, dataclass
from math import ceil

import click

from telebank.agents.erlang import erlang_b, lines_for, seats_for
from telebank.commands.common import json_option
from telebank.commands.staff_secrets import say_json

MENU_MS, TALK_MS = 0.96, 3.1
"""CPU of a second of a call at the menus, and of one with a teller that is recorded, both media
workers'; the dearest rows of docs/benchmarks.md."""
SETUP_MS = 2.5
"""CPU of a set-up and its end, of node and worker; some more than the 1.9 ms measured at speed."""
BUSY_MOST = 0.6
"""Part of a core that is meant to be used in the busiest hour: ticks are late on a full one."""
NODE_CORE = 1
"""The loop of the node has a core of its own."""
PERCENT = click.FloatRange(0, 100, min_open=True, max_open=True)


@dataclass(frozen=True, slots=True)
class Asked:
    """Of the busiest hour; times in seconds, parts 0 to 1."""

    per_hour: float
    seconds: float
    blocking: float
    tellers: float
    """Part of the callers who want a teller."""
    handling: float
    within: float
    level: float


@dataclass(frozen=True, slots=True)
class Size:
    """What it takes."""

    calls_an_hour: float
    erlang: float
    """Offered to the lines: menus, waiting and talks."""
    lines: int
    blocked: float
    """Part of the callers who find these taken."""
    seats: int
    """At work at once; breaks and holidays come on top."""
    media_cores: float
    """CPU of the media workers, in cores at full load."""
    workers: int
    cores: int


def size_of(asked: Asked) -> Size:
    """Raises `ValueError` where so much cannot be had."""
    per_s = asked.per_hour / 3_600
    talking = per_s * asked.tellers * asked.handling
    waiting = per_s * asked.tellers * asked.within
    menus = per_s * asked.seconds
    offered = menus + waiting + talking
    lines = lines_for(offered, asked.blocking)
    seats = seats_for(talking, asked.handling, asked.within, asked.level) if talking else 0
    ms = (menus + waiting) * MENU_MS + talking * TALK_MS + per_s * SETUP_MS
    workers = max(1, ceil(ms / 1_000 / BUSY_MOST))
    return Size(
        calls_an_hour=asked.per_hour,
        erlang=round(offered, 2),
        lines=lines,
        blocked=round(erlang_b(offered, lines), 5),
        seats=seats,
        media_cores=round(ms / 1_000, 3),
        workers=workers,
        cores=workers + NODE_CORE,
    )


@click.command(name="size")
@click.option("--calls-a-day", type=click.FloatRange(1, 10_000_000), required=True)
@click.option("--busy-hour", type=PERCENT, default=12.0, show_default=True, help="% of them.")
@click.option(
    "--seconds",
    type=click.FloatRange(1, 7_200),
    default=120.0,
    show_default=True,
    help="Mean seconds at the menus.",
)
@click.option(
    "--blocking", type=PERCENT, default=1.0, show_default=True, help="% who may find no line."
)
@click.option(
    "--tellers",
    type=click.FloatRange(0, 100),
    default=0.0,
    show_default=True,
    help="% who want a teller.",
)
@click.option(
    "--handling",
    type=click.FloatRange(1, 7_200),
    default=240.0,
    show_default=True,
    help="Mean seconds of a talk and its wrap-up.",
)
@click.option("--within", type=click.FloatRange(1, 600), default=20.0, show_default=True)
@click.option(
    "--level", type=PERCENT, default=80.0, show_default=True, help="% answered --within seconds."
)
@json_option
def command(
    calls_a_day: float,
    busy_hour: float,
    seconds: float,
    blocking: float,
    tellers: float,
    handling: float,
    within: float,
    level: float,
    as_json: bool,
) -> None:
    """Lines, seats and cores for so many calls a day: Erlang B and C, and the figures measured.

    docs/sizing.md has the formulas, an example, and what is not in it.

    \b
    Examples:
      telebank size --calls-a-day 5000
      telebank size --calls-a-day 20000 --tellers 8 --seconds 100 --json
    """
    asked = Asked(
        per_hour=calls_a_day * busy_hour / 100,
        seconds=seconds,
        blocking=blocking / 100,
        tellers=tellers / 100,
        handling=handling,
        within=within,
        level=level / 100,
    )
    try:
        found = size_of(asked)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if as_json:
        say_json(asdict(found))
        return
    blocked = f"{found.blocked:.2%} of the callers find them taken"
    for line in (
        f"busiest hour  {found.calls_an_hour:.0f} calls, {found.erlang:.1f} erlang",
        f"lines         {found.lines}: {blocked}",
        f"seats         {found.seats} at work at once",
        f"media         {found.media_cores:.2f} cores: [media] workers = {found.workers}",
        f"cores         {found.cores}, one of them the node's own",
    ):
        click.echo(line)
