"""`telebank fax`: send a PDF, see how it goes, and what came in."""

import json
import re
import socket
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from telebank.calls.control.faxes import harmless
from telebank.calls.faxes.tolls import SIP, normalised
from telebank.commands.common import (
    DEFAULT_DATA,
    EXIT_FINDING,
    Unreachable,
    data_option,
    json_option,
)
from telebank.commands.control_client import (
    ControlMisunderstood,
    ControlRefused,
    call,
    need_token,
    request_id,
    session_option,
)
from telebank.commands.fax_errors import JsonErrors, NotThere
from telebank.commands.fax_paper import hand_over, take_back
from telebank.commands.fax_watch import watch
from telebank.commands.fax_words import (
    ENDS,
    NOT_STUCK,
    WAITING,
    Stuck,
    clock,
    folder,
    is_due,
    plain,
    said,
    show_sent,
    shown,
    so_far,
    todo,
)
from telebank.ops.fax_due import FURTHEST, in_reach, read_due
from telebank.settings import NodeOptions, SettingsError, load_settings, store_url
from telebank.sip.uri import BadUri, SipUri
from telebank.store.engine import open_read_only
from telebank.store.errors import KeyFileError, StoreMissing
from telebank.store.fax_views import MAX_LISTED, FaxSeen, fax, faxes

ASK_S = 2.0
"""Longest time to ask the node whether faxes go, in seconds: the lists need no node."""
_NO_DESTINATION = frozenset({"no_address", "no_number"})
"""Codes of the node for what is no destination at all: exit 2, as where this command sees it."""
_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")


class Destination(click.ParamType[str]):
    """A telephone number, without what people write between its digits, or a SIP address."""

    name = "NUMBER|sip:…"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Raises `BadParameter` where it is neither."""
        text = str(value).strip()
        if text.lower().startswith(SIP):
            try:
                SipUri.parse(text)
            except BadUri as error:
                self.fail(f"{value!r} is no SIP address, as sip:fax@192.0.2.7: {error}", param, ctx)
            return text
        number = normalised(text)
        if number is None:
            self.fail(f"{value!r} is no number: 02055550000, +862055550000 or sip:…", param, ctx)
        return number


class BankTime(click.ParamType[str]):
    """A time on the bank's clock, today's or tomorrow's `22:30`, or `2026-11-23T08:00`."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Raises `BadParameter` where it is neither; the bank's clock is known later."""
        text = str(value)
        if _CLOCK.fullmatch(text) is None:
            try:
                datetime.fromisoformat(text)
            except ValueError:
                self.fail(f"{value!r} is no time: 22:30 or 2026-11-23T08:00", param, ctx)
        return text


def complete_fax(
    ctx: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """The newest faxes' numbers, for the shell."""
    try:
        with _engine(ctx.params.get("data") or DEFAULT_DATA).connect() as connection:
            found = faxes(connection, limit=MAX_LISTED)
    except (click.ClickException, SQLAlchemyError):
        return []
    items = [CompletionItem(one.id, help=f"{one.state}, {one.title}") for one in found]
    return [item for item in items if item.value.startswith(incomplete)]


@click.group(name="fax", cls=JsonErrors, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Faxes: send a PDF, list, show, cancel; what came in. Numbers masked, times the bank's.

    \b
    Examples:
      telebank fax send statement.pdf 02055550000
      telebank fax list --state unconfirmed
      telebank fax show 01-3-F7
      telebank fax inbox

    \b
    Exit codes: 0 fine; 1 there is none, it was refused or did not go through; 2 the command line,
    the number, the PDF or the login; 3 no node or no data there. With --json errors are JSON too.
    """


@command.command()
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("to", type=Destination(), metavar="NUMBER|sip:…")
@click.option(
    "--at",
    "at",
    type=BankTime(),
    help="Not before, on the bank's clock: 22:30 or 2026-11-23T08:00.",
)
@click.option(
    "--language",
    type=click.Choice(["zh", "en"]),
    default="zh",
    show_default=True,
    help="Of what is stamped on pages that are sent again.",
)
@click.option("--wait/--no-wait", default=None, help="Stay until it ended; not with --at.")
@session_option
@data_option
@json_option
def send(
    file: Path,
    to: str,
    at: str | None,
    language: str,
    wait: bool | None,
    session: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """Send a PDF by fax, by telephone number through the gateway or to a SIP address.

    The PDF is read and drawn here, before anything is dialled. The fax goes on when this command
    is ended; `telebank fax cancel` stops it. Exit code 1: it did not go through, or not all pages
    are confirmed.

    \b
    Examples:
      telebank fax send statement.pdf 02055550000
      telebank fax send statement.pdf 02055550000 --at 22:30
      telebank fax send statement.pdf sip:fax@192.0.2.7 --no-wait --json
    """
    if wait and at is not None:
        raise click.UsageError("--wait is not for --at: `telebank fax show ID` says how it went")
    due = None if at is None else _due(data, at)
    token = need_token(data, session)
    handed = hand_over(data, file)
    body = {
        "request_id": request_id(),
        "paper": handed.name,
        "sha256": handed.sha256,
        "pages": handed.pages,
        "title": harmless(file.name)[:64],
        "to": to,
        "at": "" if due is None else due.isoformat(),
        "language": language,
    }
    try:
        answer = call(data, "POST", "/v1/faxes", body, token)
    except ControlRefused as refused:  # and not where the node is away: it may be taking it now
        take_back(data, handed)
        if refused.code in _NO_DESTINATION:
            raise ControlMisunderstood(refused.status, str(refused), refused.body) from refused
        raise
    except Unreachable:
        if _nobody_listens(data):
            take_back(data, handed)
        raise
    if wait is None:
        wait = due is None
    if not wait:
        _say_taken(answer, _zone(data), as_json)
        return
    one = watch(data, _engine(data), _zone(data), answer["id"], handed.pages, quiet=as_json)
    raise SystemExit(_judge(data, one, as_json))


@command.command(name="list")
@click.option("--state", type=click.Choice([*WAITING, *ENDS]), help="Only those.")
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_LISTED),
    default=100,
    show_default=True,
    help="How many, newest first.",
)
@data_option
@json_option
def list_(state: str | None, limit: int, data: Path, as_json: bool) -> None:
    """List faxes that go out, newest first; of one that waits for its time, when it goes.

    \b
    States:
      queued       waits for its time, a channel or its next try
      dialling     the number is being called
      negotiating  answered; the two machines agree on the speed, no page yet
      sending      pages go out
      done         the other machine confirmed every page; of a paper by mail: the mail server
                   took it (its row says mailed)
      failed       not all pages arrived, and no try is left
      unconfirmed  a page went out and was not confirmed: ask the other end
      cancelled    somebody stopped it

    \b
    Examples:
      telebank fax list
      telebank fax list --state unconfirmed
      telebank fax list --json | jq '.[] | select(.state == "failed") | .why'
    """
    with _engine(data).connect() as connection:
        found = faxes(connection, state or "", limit=limit)
    if as_json:
        rows = [plain(data, one, _zone(data)) for one in found]
        click.echo(json.dumps(rows, ensure_ascii=False))
    elif found:
        now = datetime.now(_zone(data))
        show_sent(found, now, _stuck(data, found, now))
    else:
        click.echo("no faxes")


@command.command()
@click.option(
    "--limit",
    type=click.IntRange(1, MAX_LISTED),
    default=100,
    show_default=True,
    help="How many, newest first.",
)
@data_option
@json_option
def inbox(limit: int, data: Path, as_json: bool) -> None:
    """List faxes that came in or are coming, newest first, with the folder of each one's TIFF and
    PDF. Senders are masked as in `telebank calls`; one that is coming has its pages so far.

    \b
    Examples:
      telebank fax inbox
      telebank fax inbox --json | jq -r '.[0].folder'
    """
    with _engine(data).connect() as connection:
        found = faxes(connection, direction="in", limit=limit)
    zone, node = _zone(data), _node(data).id
    if as_json:
        rows = [plain(data, one, zone) for one in found]
        click.echo(json.dumps(rows, ensure_ascii=False))
        return
    for one in found:
        elsewhere = one.folder and one.home != node
        gone = f"files on node {one.home}" if elsewhere else "files removed"
        files = folder(data, one) or gone
        words = (one.id, clock(one.made_at, zone), said(one, so_far(data, one)))
        click.echo("  ".join((*words, f"from {one.number_masked or 'unknown'}", files)))
    if not found:
        click.echo("no fax came in")


@command.command()
@click.argument("id_", metavar="ID", shell_complete=complete_fax)
@data_option
@json_option
def show(id_: str, data: Path, as_json: bool) -> None:
    """Show one fax: where it is to go, how far it is, and why it ended.

    \b
    Examples:
      telebank fax show 01-3-F7
      telebank fax show 01-3-F7 --json
    """
    found = _one(data, id_)
    zone = _zone(data)
    if as_json:
        click.echo(json.dumps(plain(data, found, zone), ensure_ascii=False))
        return
    now = datetime.now(zone)
    for name, told in shown(data, found, now, _stuck(data, [found], now)).items():
        if told:
            click.echo(f"{name:>10}  {told}")


@command.command()
@click.argument("id_", metavar="ID", shell_complete=complete_fax)
@session_option
@data_option
@json_option
def cancel(id_: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Stop a fax: one that waits is not dialled any more, the call of one that goes is ended.

    What was confirmed before is on paper. Where a page was asked about and not answered, the fax
    ends as not confirmed; else as cancelled. What the mail server takes meanwhile is mailed.

    \b
    Example:
      telebank fax cancel 01-3-F7
    """
    body = {"request_id": request_id()}
    answer = call(data, "POST", f"/v1/faxes/{id_}/cancel", body, need_token(data, session))
    if as_json:
        click.echo(json.dumps(answer, ensure_ascii=False))
    else:
        going = answer["state"] == "stopping"
        click.echo(f"{id_} is being stopped" if going else f"{id_} is cancelled")


# -- how it goes ---------------------------------------------------------------------------------


def _judge(data: Path, one: FaxSeen, as_json: bool) -> int:
    """Say what came of it, and what to do; the exit code."""
    if as_json:
        click.echo(json.dumps(plain(data, one, _zone(data)), ensure_ascii=False))
    else:
        click.echo(f"{one.id} {said(one)}")
        if what := todo(one):
            click.echo(f"to do: {what}")
    return 0 if one.state == "done" else EXIT_FINDING


def _say_taken(answer: Mapping[str, Any], zone: tzinfo, as_json: bool) -> None:
    due = datetime.fromisoformat(answer["due_at"]) if answer.get("due_at") else None
    if as_json:
        told = due and due.astimezone(zone).isoformat()
        click.echo(json.dumps({**answer, "due_at": told}, ensure_ascii=False))
        return
    when = f", not before {clock(due, zone)}" if due else ""
    pages = "1 page" if answer["pages"] == 1 else f"{answer['pages']} pages"
    click.echo(f"{answer['id']}: {pages} to {answer['number']}{when}")


def _due(data: Path, at: str) -> datetime:
    """A time on the bank's clock, as UTC; exit 2 where it is over or too far away."""
    now = datetime.now(_zone(data))
    typed = _CLOCK.fullmatch(at)
    if typed is not None:
        due = now.replace(hour=int(typed[1]), minute=int(typed[2]), second=0, microsecond=0)
        due += timedelta(days=1) if due <= now else timedelta()
    else:
        due = read_due(at, _zone(data))
    if not in_reach(due, now):
        raise click.UsageError(f"--at {at}: give a time from now to {FURTHEST.days} days ahead")
    return due.astimezone(UTC)


def _zone(data: Path) -> tzinfo:
    """The bank's clock."""
    return timezone(timedelta(minutes=_node(data).utc_offset_minutes))


def _node(data: Path) -> NodeOptions:
    try:
        return load_settings(data).node
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


def _stuck(data: Path, found: Sequence[FaxSeen], now: datetime) -> Stuck:
    """Why faxes that are due wait, where the node is there to say that none can go."""
    node = _node(data)
    if not any(is_due(one, now) and one.home == node.id for one in found):
        return NOT_STUCK
    if not (data / node.control).exists():
        return NOT_STUCK
    try:
        told = call(data, "GET", "/v1/faxes", timeout_s=ASK_S)
    except click.ClickException:
        return NOT_STUCK
    missing = str(told.get("missing", ""))
    return Stuck(node.id, missing) if missing or told.get("draining") else NOT_STUCK


def _nobody_listens(data: Path) -> bool:
    """Whether it is certain that no node runs there, and takes what was handed over."""
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(data / _node(data).control))
        except (FileNotFoundError, ConnectionRefusedError):
            return True
        except OSError:
            return False
    return False


# -- what is kept --------------------------------------------------------------------------------


def _one(data: Path, id_: str) -> FaxSeen:
    with _engine(data).connect() as connection:
        found = fax(connection, id_)
    if found is None:
        raise NotThere(f"there is no fax {id_}; `telebank fax list` lists them")
    return found


def _engine(data: Path) -> Engine:
    try:
        return open_read_only(store_url(data))
    except (SettingsError, KeyFileError) as error:
        raise click.UsageError(str(error)) from error
    except StoreMissing as error:
        raise Unreachable(str(error)) from error
