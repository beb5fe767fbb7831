"""`telebank queue today`: who came, was answered, gave up or was sent away, from the event log."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import click

from telebank.commands.common import data_option, json_option
from telebank.commands.contacts import reading
from telebank.commands.language import Language, Say, language_option, saying
from telebank.commands.listing import Column, show
from telebank.commands.queue.texts import ZH
from telebank.commands.staff_secrets import say_json

COUNTS = ("came", "answered", "abandoned", "soon", "away", "kept")
WORDS = ("came", "answered", "gave up", "at once", "sent away", "call-backs")
"""Of `COUNTS`; `soon`: within five seconds."""
WHY = ("closed", "full", "nobody")


@click.command("today")
@click.option("--quarters", is_flag=True, help="By quarter of an hour.")
@click.option("--queue", default="", help="Of this queue alone.")
@data_option
@language_option
@json_option
def command(*, quarters: bool, queue: str, data: Path, language: Language, as_json: bool) -> None:
    """Callers of today by queue: of all nodes of this store, from midnight by the bank's clock.
    `in time`: answered in time / (answered + gave up), as floor and wall show it.

    Whoever was sent away came too: the queue was closed or full, or nobody sat there. Whose place
    was kept is a call-back, and answered as well once he was reached.

    \b
    Examples:
      telebank queue today
      telebank queue today --quarters --queue loans
      telebank queue today --json | jq '.queues.loans.away'
    """
    from telebank.console.floor.today import Days
    from telebank.settings import load_settings

    with reading(data) as connection:
        settings = load_settings(data)
        zone = timezone(timedelta(minutes=settings.node.utc_offset_minutes))
        told = Days(connection.engine, zone, lambda: datetime.now(UTC)).shown()["queues"]
    if queue and queue not in told:
        raise click.UsageError(f"--queue {queue}: nobody came to it today")
    if as_json:
        named = {name: one for name, one in told.items() if name}
        say_json({"queues": named if not queue else {queue: named[queue]}, "all": told[""]})
        return
    say = saying(language, ZH)
    if quarters:
        _show_quarters(told[queue], say)
    else:
        names = [queue] if queue else [*filter(None, told), ""]
        called = {
            one.name: one.zh if language == "zh" else one.en for one in settings.queues.queues
        }
        _show_queues({name: told[name] for name in names}, called, say)


def _show_queues(
    told: Mapping[str, Mapping[str, Any]], called: Mapping[str, str], say: Say
) -> None:
    """A queue by the word to type and by its name for people."""
    columns = [*map(say, ("queue", "name", *WORDS, "in time", *WHY))]
    rows = [
        (
            name or say("all"),
            called.get(name, ""),
            *(str(one["total"][count]) for count in COUNTS),
            "–" if one["service"] is None else f"{one['service']:.0%}",
            *(str(one["away"].get(why, 0)) for why in WHY),
        )
        for name, one in told.items()
    ]
    show([Column(name, gives=name == columns[1]) for name in columns], rows)


def _show_quarters(told: Mapping[str, Any], say: Say) -> None:
    rows: Sequence[tuple[str, ...]] = [
        (
            f"{one['from'] // 60:02}:{one['from'] % 60:02}",
            *(str(one[count]) for count in COUNTS),
        )
        for one in told["quarters"]
    ]
    show([Column(name) for name in map(say, ("from", *WORDS))], rows)
