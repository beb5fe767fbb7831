"""`telebank contacts`: who talked with whom, read from the store beside a node that runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from sqlalchemy import Connection

from telebank.commands.common import Unreachable, data_option, json_option
from telebank.commands.events import Since
from telebank.commands.listing import Column, show
from telebank.commands.staff_secrets import say_json
from telebank.settings import SettingsError, store_url
from telebank.store.contacts import Contact
from telebank.store.engine import open_read_only
from telebank.store.errors import KeyFileError, StoreMissing
from telebank.store.seat_views import MAX_LISTED, Wanted, contacts

COLUMNS = tuple(
    Column(name, gives=name == "business")
    for name in ("began (UTC)", "talk s", "seat", "queue", "call", "caller", "ended", "business")
)

seat_option = click.option("--seat", default="", help="Of this person alone.")
call_option = click.option("--call", "call_ref", default="", help="Of this call alone.")
since_option = click.option("--since", type=Since(), help="UTC time, or how long ago: 2h, 7d.")
limit_option = click.option(
    "--limit",
    type=click.IntRange(1, MAX_LISTED),
    default=100,
    show_default=True,
    help="How many, the newest.",
)


@click.group(name="contacts", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Contacts of tellers with callers: when, who, how long, about what.

    \b
    Examples:
      telebank contacts list
      telebank contacts list --seat li --since 8h
    """


@command.command(name="list")
@seat_option
@call_option
@since_option
@limit_option
@data_option
@json_option
def list_(
    *, seat: str, call_ref: str, since: datetime | None, limit: int, data: Path, as_json: bool
) -> None:
    """List contacts, newest first. Notes are not shown: they are sealed.

    \b
    Examples:
      telebank contacts list --since 24h
      telebank contacts list --call 01-3-000017 --json | jq '.contacts[].talk_s'
    """
    with reading(data) as connection:
        found = contacts(connection, Wanted(seat, call_ref, since, limit=limit))
    if as_json:
        say_json({"contacts": [_json(one) for one in found]})
        return
    show(COLUMNS, [_cells(one) for one in found])


@contextmanager
def reading(data: Path) -> Iterator[Connection]:
    """The store of a data folder, to read; exit 2 or 3 where there is none."""
    try:
        engine = open_read_only(store_url(data))
    except (SettingsError, KeyFileError) as error:
        raise click.UsageError(str(error)) from error
    except StoreMissing as error:
        raise Unreachable(str(error)) from error
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def time_of(at: datetime) -> str:
    """A time for people, to the second."""
    return at.isoformat(sep=" ")[:19]


def _cells(one: Contact) -> tuple[str, ...]:
    times = (time_of(one.began), f"{one.talk_s:.0f}")
    who = (one.seat, one.queue, one.call, one.caller_masked)
    return (*times, *who, one.how_ended or "goes on", one.business)


def _json(one: Contact) -> dict[str, object]:
    return {
        "id": one.id,
        "call": one.call,
        "seat": one.seat,
        "queue": one.queue,
        "direction": one.direction,
        "began": one.began.isoformat(),
        "answered": None if one.answered is None else one.answered.isoformat(),
        "ended": None if one.ended is None else one.ended.isoformat(),
        "talk_s": one.talk_s,
        "hold_s": one.hold_s,
        "wrap_s": one.wrap_s,
        "caller": one.caller_masked,
        "customer": one.card_masked,
        "language": one.language,
        "level": one.level,
        "business": one.business,
        "how_ended": one.how_ended,
        "has_note": bool(one.note.ciphertext),
    }
