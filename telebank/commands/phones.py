"""`telebank phones`: desk phones that register here; every command asks the running node."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem
from rich.console import Console
from rich.table import Table
from rich.text import Text

from telebank.commands.common import DEFAULT_DATA, data_option, json_option
from telebank.commands.control_client import (
    call,
    need_token,
    request_id,
    saved_token,
    session_option,
)
from telebank.commands.staff_secrets import plain, say, say_json

COMPLETION_S = 3.0
"""Longest wait for the extensions that the shell offers, in seconds."""


def _extensions(
    context: click.Context, parameter: click.Parameter, begun: str
) -> list[CompletionItem]:
    """Extensions of phones, for the shell; none where no node runs or nobody is logged in."""
    del parameter
    data = Path(context.params.get("data") or DEFAULT_DATA)
    try:
        token = saved_token(data, context.params.get("session"))
        phones = call(data, "GET", "/v1/phones?live=1", token=token, timeout_s=COMPLETION_S)
    except click.ClickException:
        return []
    return [
        CompletionItem(one["extension"], help=one["name"])
        for one in phones["phones"]
        if one["extension"].startswith(begun) and one["state"] == "active"
    ]


extension_argument = click.argument("extension", shell_complete=_extensions)
md5_option = click.option(
    "--md5", is_flag=True, help="An old phone, that knows no SHA-256; [registrar] md5 allows it."
)


@click.group(name="phones", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Desk phones: add, list, show, remove, give a new secret (docs/phones.md).

    A phone registers with its extension as user name and the secret that is shown once, for the
    realm of [registrar] in DATA/config/telebank.toml. Administrators add, change and remove.

    \b
    Examples:
      telebank phones add 8001 --name "Counter 3"
      telebank phones list
      telebank phones secret 8001
    """


@command.command()
@click.argument("extension")
@click.option("--name", default="", help="As people are to read it: a place, or who sits there.")
@md5_option
@session_option
@data_option
@json_option
def add(
    *, extension: str, name: str, md5: bool, session: Path | None, data: Path, as_json: bool
) -> None:
    """Add a phone and show its secret, once.

    An extension has 2 to 32 letters, digits, - _ . and is the phone's user name too.

    \b
    Examples:
      telebank phones add 8001 --name "Counter 3"
      telebank phones add 8002 --md5 --json | jq -r .secret
    """
    body = {"request_id": request_id(), "extension": extension, "name": name, "md5": md5}
    _secret(call(data, "POST", "/v1/phones", body, need_token(data, session)), as_json)


@command.command(name="list")
@click.option("--all", "all_", is_flag=True, help="Also phones that were removed.")
@session_option
@data_option
@json_option
def list_(*, all_: bool, session: Path | None, data: Path, as_json: bool) -> None:
    """List phones: which are registered at this node, from where, until when. Where there is no
    registrar it says so on standard error; with --json as `note`.

    \b
    Examples:
      telebank phones list
      telebank phones list --json | jq '.phones[] | select(.registered == []) | .extension'
    """
    answer = call(data, "GET", "/v1/phones", token=need_token(data, session))
    shown = [one for one in answer["phones"] if all_ or one["state"] == "active"]
    if as_json:
        say_json({**answer, "phones": shown})
        return
    table = Table("extension", "name", "registered from", "until (UTC)")
    for one in shown:
        there = one["registered"]
        table.add_row(
            *map(Text, (one["extension"], one["name"])),
            Text("\n".join(each["from"] for each in there) or _state(one)),
            Text("\n".join(_time(each["until"]) for each in there)),
        )
    Console().print(table)
    if note := answer.get("note"):
        click.echo(note, err=True)


@command.command()
@extension_argument
@session_option
@data_option
@json_option
def show(extension: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Show one phone: its contacts, what it may sign with, who made and changed it.

    \b
    Example:
      telebank phones show 8001
    """
    one = call(data, "GET", f"/v1/phones/{plain(extension)}", token=need_token(data, session))
    if as_json:
        say_json(one)
        return
    lines = {
        "extension": one["extension"],
        "name": one["name"],
        "state": _state(one),
        "realm": one["realm"],
        "signs with": ", ".join(one["algorithms"]),
        "made": f"{_time(one['created_at'])} UTC by {one['created_by']}",
        "changed": f"{_time(one['changed_at'])} UTC by {one['changed_by']}",
    }
    for name, value in lines.items():
        click.echo(f"{name:<12}{value}")
    for each in one["registered"]:
        where = f"{each['contact']} from {each['from']} until {_time(each['until'])} UTC"
        click.echo(f"{'registered':<12}{where}")


@command.command()
@extension_argument
@session_option
@data_option
@json_option
def remove(extension: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Let a phone register no more; where it is registered it is gone at once.

    \b
    Example:
      telebank phones remove 8001
    """
    path, body = f"/v1/phones/{plain(extension)}/remove", {"request_id": request_id()}
    answer = call(data, "POST", path, body, need_token(data, session))
    say(answer, f"{extension} can register no more", as_json)


@command.command()
@extension_argument
@md5_option
@session_option
@data_option
@json_option
def secret(*, extension: str, md5: bool, session: Path | None, data: Path, as_json: bool) -> None:
    """Give a phone a new secret and show it, once; the old one ends now.

    \b
    Examples:
      telebank phones secret 8001
      telebank phones secret 8002 --md5
    """
    path = f"/v1/phones/{plain(extension)}/secret"
    body = {"request_id": request_id(), "md5": md5}
    _secret(call(data, "POST", path, body, need_token(data, session)), as_json)


def _secret(answer: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        say_json(answer)
        return
    click.echo(f"user name {answer['extension']}")
    click.echo(f"realm     {answer['realm']}")
    click.echo(f"secret    {answer['secret']}")
    click.echo("The secret is kept nowhere: type it into the phone now.")


def _state(one: Mapping[str, Any]) -> str:
    if one["state"] == "active" and not one["may_register"]:
        return "other realm"  # the setting was changed: it needs a new secret
    if one["state"] == "active":
        return "registered" if one["registered"] else "away"
    return str(one["state"])


def _time(text: str) -> str:
    return text[:19].replace("T", " ")
