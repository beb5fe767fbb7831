"""`telebank queue simulate`: the queues played with callers by chance."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from telebank.agents.simulation import Outcome, Plan, PlanError, QueueOutcome, play
from telebank.agents.simulation.plan import MAX_CALLS, TEN_ON_MONDAY
from telebank.commands.common import data_option, json_option
from telebank.commands.language import Language, Say, language_option, saying
from telebank.commands.listing import Column, show
from telebank.commands.queue.erlang import SECONDS, percent, seconds
from telebank.commands.queue.given import staff, streams
from telebank.commands.queue.texts import ZH
from telebank.settings import SettingsError, queues_file, read_queues

COLUMNS = (
    *("queue", "came", "answered", "in time", "gives up", "sent away"),
    *("mean wait", "90 % within", "told", "waited/told"),
)
MOST = 0.9
"""Part of the answered of whom the longest wait is shown."""


@click.command("simulate")
@click.argument(
    "file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True)
)
@click.option(
    "--calls",
    multiple=True,
    required=True,
    metavar="SKILL[@BUSINESS][:LANGUAGE[:LEVEL]]=AN_HOUR",
    help="Calls an hour that ask for a skill; repeatable.",
)
@click.option(
    "--seats",
    multiple=True,
    required=True,
    metavar="SKILL[/LEVEL][+…]=HOW_MANY",
    help="People with the same skills; repeatable.",
)
@click.option(
    "--talk",
    multiple=True,
    default=("180",),
    show_default=True,
    metavar="[SKILL=]SECONDS",
    help="Mean talk, 0.1 to 7200; repeatable. Wrap-up is the queue's.",
)
@click.option("--patience", type=SECONDS, help="Mean seconds to giving up; else nobody does.")
@click.option(
    "--answer",
    type=click.FloatRange(0, 100),
    default=4.0,
    show_default=True,
    help="Seconds that a phone rings, 0 to 100.",
)
@click.option(
    "--call-back",
    type=click.FloatRange(0, 100),
    default=0.0,
    show_default=True,
    help="Percent of the callers who take a call-back when it is offered.",
)
@click.option(
    "--count",
    type=click.IntRange(1, MAX_CALLS),
    default=10_000,
    show_default=True,
    help="Callers of one play, 1 to 1000000.",
)
@click.option(
    "--warm-up",
    type=click.IntRange(0, MAX_CALLS),
    default=500,
    show_default=True,
    help="Callers before them, who do not count.",
)
@click.option("--seed", type=click.IntRange(0, 2**31), default=1, show_default=True, help="Lots.")
@click.option(
    "--seeds",
    type=click.IntRange(1, 100),
    default=1,
    show_default=True,
    help="Plays, of so many seeds from --seed on, 1 to 100.",
)
@click.option(
    "--at",
    type=click.DateTime(["%Y-%m-%d %H:%M"]),
    default=f"{TEN_ON_MONDAY:%Y-%m-%d %H:%M}",
    show_default=True,
    help="The bank's clock, which stands still: whose hours are open.",
)
@data_option
@language_option
@json_option
def command(
    *,
    file: Path | None,
    calls: Sequence[str],
    seats: Sequence[str],
    talk: Sequence[str],
    patience: float | None,
    answer: float,
    call_back: float,
    count: int,
    warm_up: int,
    seed: int,
    seeds: int,
    at: datetime,
    data: Path,
    language: Language,
    as_json: bool,
) -> None:
    """Play the queues with callers who come at random and talks of random length.

    It is the machine of the node that is played, with all its rules, in virtual time: a day of
    10000 calls takes some seconds. Without FILE the queues in force are played. A skill of seats
    without a level has 5; who has no skill lang.zh or lang.en speaks both. Waits are of the
    answered, the ringing included; `told` is how many were told a wait, `waited/told` what they
    then waited by what they were told: 1 is true. The same seed plays the same.

    \b
    Examples:
      telebank queue simulate --calls general=120 --seats general=9
      telebank queue simulate --calls general=100 --calls loss=20 --talk 180 --talk loss=90 \\
          --seats general+loss/3=6 --seats loss/9=2 --patience 120
      telebank queue simulate new-queues.yaml --calls general:en=30 --seats general+lang.en=4 \\
          --seeds 5 --json | jq .occupancy
    """
    path = queues_file(data) if file is None else file
    try:
        plan = Plan(
            read_queues(path),
            streams(calls, talk),
            staff(seats),
            calls=count,
            warm_up=warm_up,
            patience_s=patience,
            answer_s=answer,
            call_back=call_back / 100,
            at=at,
        )
    except (PlanError, SettingsError) as error:
        raise click.UsageError(str(error)) from error
    with progress(seeds * (count + warm_up)) as told:
        plays = [
            play(plan, seed + number, lambda done, n=number: told(n * (count + warm_up) + done))  # type: ignore[misc]
            for number in range(seeds)
        ]
    if as_json:
        click.echo(json.dumps(plain(plays), ensure_ascii=False))
    else:
        _print(plan, plays, language)


@contextmanager
def progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar where a terminal reads; what it gives is told how many callers have come."""
    err = Console(stderr=True)
    bar = Progress(
        *(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()),
        console=err,
        transient=True,
        disable=not err.is_terminal,
    )
    with bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)


def together(plays: Sequence[Outcome]) -> Outcome:
    """All plays as one."""
    whole = Outcome()
    for one in plays:
        whole.add(one)
    return whole


def plain(plays: Sequence[Outcome]) -> dict[str, object]:
    """For programs: parts are 0 to 1, None where nothing is known."""
    whole = together(plays)
    return {
        "hours": whole.hours,
        "occupancy": whole.occupancy,
        "refused": whole.refused,
        "mean_waits_s": [one.all().mean_wait_s for one in plays],
        "queues": {queue.name: _plain(queue) for queue in whole.queues.values()},
        "all": _plain(whole.all()),
    }


def _plain(queue: QueueOutcome) -> dict[str, object]:
    return {
        "came": queue.came,
        "ends": dict(queue.ends),
        "service_level": queue.service_level,
        "waiting": queue.waiting,
        "mean_wait_s": queue.mean_wait_s,
        "wait_90_s": queue.wait_of(MOST),
        "told": len(queue.forecasts.told_s),
        "told_ratio": queue.forecasts.ratio,
        "told_kept": queue.forecasts.kept,
    }


def _print(plan: Plan, plays: Sequence[Outcome], language: Language) -> None:
    say = saying(language, ZH)
    whole = together(plays)
    names = {queue.name: getattr(queue, language) for queue in plan.options.queues}
    rows = [
        _cells(names[queue.name], whole.queues[queue.name])
        for queue in plan.options.queues
        if queue.name in whole.queues
    ]
    if len(rows) > 1:
        rows.append(_cells(say("all"), whole.all()))
    show([Column(say(name)) for name in COLUMNS], rows)
    for line in _below(whole, plays, say):
        click.echo(line)


def _below(whole: Outcome, plays: Sequence[Outcome], say: Say) -> Iterator[str]:
    worked = say("{hours} hours were played; seats worked {occupancy} % of their time.")
    yield worked.format(hours=f"{whole.hours:.1f}", occupancy=f"{100 * whole.occupancy:.1f}")
    if whole.refused:
        refused = say("{count} callers were taken by no queue: nobody was on duty for them.")
        yield refused.format(count=whole.refused)
    kept = whole.all().forecasts.kept
    if kept is not None:
        told = say("{kept} % of those who were told a wait waited no longer than the minutes said.")
        yield told.format(kept=f"{100 * kept:.0f}")
    waits = [wait for one in plays if (wait := one.all().mean_wait_s) is not None]
    if len(waits) > 1:
        spread = say("Mean wait by seed: {least} to {most} s.")
        yield spread.format(least=f"{min(waits):.1f}", most=f"{max(waits):.1f}")


def _cells(name: str, queue: QueueOutcome) -> tuple[str, ...]:
    away = queue.came - queue.answered - queue.abandoned
    ratio = queue.forecasts.ratio
    return (
        name,
        f"{queue.came:,}",
        _part(queue.answered, queue.came),
        percent(queue.service_level),
        _part(queue.abandoned, queue.came),
        _part(away, queue.came),
        seconds(queue.mean_wait_s),
        seconds(queue.wait_of(MOST)),
        f"{len(queue.forecasts.told_s):,}",
        "–" if ratio is None else f"{ratio:.2f}",
    )


def _part(count: int, of: int) -> str:
    return percent(count / of if of else None)
