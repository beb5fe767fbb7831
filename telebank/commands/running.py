"""`telebank running`: a day's run from the event log: calls by hour, services, what went wrong."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import click

from telebank.commands.common import data_option, json_option
from telebank.commands.contacts import reading
from telebank.commands.language import Language, Say, language_option, saying
from telebank.commands.listing import Column, show
from telebank.commands.staff_secrets import say_json
from telebank.reports.running import Hour, Running
from telebank.reports.running_csv import clock, ordered, running_csv

COUNTS = ("calls", "most", "by_caller", "by_bank", "lost", "services", "done", "faults")
WORDS = ("calls", "at once", "caller ended", "bank ended", "cut off", "services", "done", "faults")
"""Of `COUNTS`."""
ZH = {
    "hour": "时段",
    "all": "全天",
    "calls": "来电",
    "at once": "同时最多",
    "caller ended": "客户挂机",
    "bank ended": "银行结束",
    "cut off": "异常中断",
    "services": "业务",
    "done": "办成",
    "faults": "出错",
    "service": "业务",
    "times": "次数",
    "outcomes": "结果",
    "mean ms": "平均毫秒",
    "slowest ms": "最慢毫秒",
    "fault": "出错",
    "what": "说明",
    "first": "首次",
    "last": "最近",
    "call": "通话",
}


class Day(click.ParamType[date]):
    """A date, ISO 8601."""

    name = "day"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> date:
        """Raises `BadParameter`."""
        try:
            return value if isinstance(value, date) else date.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no day: write it 2026-03-31", param, ctx)


@click.command("running")
@click.option("--day", type=Day(), help="By the bank's clock; today if not said.")
@click.option("--csv", "as_csv", is_flag=True, help="Print all tables as CSV.")
@data_option
@language_option
@json_option
def command(
    *, day: date | None, as_csv: bool, data: Path, language: Language, as_json: bool
) -> None:
    """How a day went: calls by hour, services by outcome, and what went wrong, of all nodes.

    A call belongs to the hour in which it came. The page of it is `/running`.

    \b
    Examples:
      telebank running
      telebank running --day 2026-03-31 --csv > run.csv
      telebank running --json | jq '.faults[] | select(.count > 10)'
    """
    from telebank.console.running.days import DayTooLong, RunningDays
    from telebank.settings import load_settings

    with reading(data) as connection:
        minutes = load_settings(data).node.utc_offset_minutes
        zone = timezone(timedelta(minutes=minutes))
        days = RunningDays(connection.engine, zone, lambda: datetime.now(UTC))
        wanted = day or days.today()
        if wanted > days.today():
            raise click.UsageError(f"--day {wanted}: it has not come yet")
        try:
            running = days.day(wanted)
        except DayTooLong as error:
            raise click.UsageError(str(error)) from error
    if as_csv:
        click.echo(running_csv(running), nl=False)
    elif as_json:
        say_json(_json(wanted, running))
    else:
        _show(running, saying(language, ZH))


def _show(running: Running, say: Say) -> None:
    rows = [
        (name, *(str(getattr(hour, count)) for count in COUNTS))
        for name, hour in (*_hours(running), (say("all"), running.total()))
    ]
    show([Column(name) for name in map(say, ("hour", *WORDS))], rows)
    services = [
        (
            *(name, str(one.count), ", ".join(f"{e} {n}" for e, n in one.exits.most_common())),
            *(f"{one.mean_ms:.0f}", str(one.slowest_ms)),
        )
        for name, one in sorted(running.services.items())
    ]
    if services:
        click.echo()
        names = ("service", "times", "outcomes", "mean ms", "slowest ms")
        show([Column(name, gives=name == say("outcomes")) for name in map(say, names)], services)
    faults = [
        (
            *(one.kind, one.what, str(one.count), clock(one.first_s), clock(one.last_s)),
            one.call,
        )
        for one in ordered(running)
    ]
    if faults:
        click.echo()
        head = ("fault", "what", "times", "first", "last", "call")
        show([Column(name, gives=name == say("what")) for name in map(say, head)], faults)


def _hours(running: Running) -> list[tuple[str, Hour]]:
    """Those in which anything was."""
    return [
        (f"{number:02}:00", hour)
        for number, hour in enumerate(running.hours)
        if hour.calls or hour.services or hour.faults
    ]


def _json(day: date, running: Running) -> dict[str, object]:
    def figures(hour: Hour) -> dict[str, object]:
        return {**{count: getattr(hour, count) for count in COUNTS}, "mean_s": hour.mean_s}

    return {
        "day": str(day),
        "hours": {name: figures(hour) for name, hour in _hours(running)},
        "all": figures(running.total()),
        "services": {
            name: {
                "count": one.count,
                "exits": dict(one.exits),
                "mean_ms": round(one.mean_ms, 1),
                "slowest_ms": one.slowest_ms,
            }
            for name, one in sorted(running.services.items())
        },
        "jobs": {kind: dict(ends) for kind, ends in running.jobs.items()},
        "faults": [
            {
                "kind": one.kind,
                "what": one.what,
                "count": one.count,
                "first": clock(one.first_s),
                "last": clock(one.last_s),
                "node": one.node,
                "call": one.call,
            }
            for one in ordered(running)
        ],
    }
