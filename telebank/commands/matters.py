"""`telebank matters`: what is still to be done after talks; asked of the running node."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import click

from telebank.commands.common import data_option, json_option
from telebank.commands.control_client import call, need_token, session_option
from telebank.commands.listing import Column
from telebank.commands.listing import show as print_list
from telebank.commands.staff_secrets import say_json

PATH = "/v1/matters"
COLUMNS = (
    *(Column(name) for name in ("number", "state", "changed (UTC)", "holder", "due (UTC)")),
    *(Column(name, gives=True) for name in ("business", "subject")),
)


@click.group(name="matters", context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Matters: what is still to be done after a talk, who has it, what was said (docs/matters.md).

    \b
    Examples:
      telebank matters list
      telebank matters list --of all --state any --person li
      telebank matters show 01-000042
    """


@command.command(name="list")
@click.option(
    *("--of", "sight"),
    type=click.Choice(["mine", "own", "groups", "all"]),
    default="mine",
    show_default=True,
    help="One's own, those of one's groups, both, or everybody's.",
)
@click.option(
    "--state",
    type=click.Choice(["open", "closed", "any"]),
    default="open",
    show_default=True,
    help="As they stand.",
)
@click.option("--person", default="", help="Opened by this person, or his.")
@click.option("--number", default="", help="This one alone.")
@session_option
@data_option
@json_option
def list_(
    *,
    sight: str,
    state: str,
    person: str,
    number: str,
    session: Path | None,
    data: Path,
    as_json: bool,
) -> None:
    """List matters, what was changed last first; at most 200.

    \b
    Examples:
      telebank matters list --of groups
      telebank matters list --of all --json | jq '.matters[] | select(.late).number'
    """
    asked = urlencode({"of": sight, "state": state, "person": person, "number": number})
    answer = call(data, "GET", f"{PATH}?{asked}", token=need_token(data, session))
    if as_json:
        say_json(answer)
        return
    print_list(COLUMNS, [_cells(one) for one in answer["matters"]])


@command.command()
@click.argument("number")
@session_option
@data_option
@json_option
def show(number: str, session: Path | None, data: Path, as_json: bool) -> None:
    """Show a matter with all that was said of it.

    \b
    Examples:
      telebank matters show 01-000042
      telebank matters show 01-000042 --json
    """
    path = f"{PATH}/{quote(number, safe='')}"
    answer = call(data, "GET", path, token=need_token(data, session))
    if as_json:
        say_json(answer)
        return
    click.echo(f"{answer['number']}  {answer['state']}  {answer['subject'] or ''}")
    click.echo(f"call {answer['call']}, customer {answer['customer'] or 'not proven'}")
    click.echo(f"holder {answer['holder']}, due {_time(answer['due_at']) or 'at no time'}")
    for one in answer["entries"]:
        to = f" to {one['to']}" if one["to"] else ""
        click.echo(f"{one['nth']:>3}  {_time(one['at'])}  {one['by']}: {one['kind']}{to}")
        for line in (one["text"] or "").splitlines():
            click.echo(f"     {line}")


def _cells(one: Mapping[str, Any]) -> tuple[str, ...]:
    due = _time(one["due_at"]) + (" late" if one["late"] else "")
    where = (one["number"], one["state"], _time(one["changed_at"]), one["holder"], due)
    return (*where, one["business"], one["subject"] or "")


def _time(text: str | None) -> str:
    """To the second."""
    return "" if text is None else text[:19].replace("T", " ")
