"""Who sits at the terminal and enters a component."""

from pathlib import Path

import click

from telebank.commands.common import Unreachable
from telebank.commands.control_client import ControlRefused, call

TRIES = 3
"""Times a custodian may type password and code."""


def custodian_at(data: Path) -> str:
    """The custodian's name, proved by a login at the node that runs on `data`.

    Where no node runs there is nobody to ask: the name is as typed, and that is said. Raises
    `ControlRefused` where the login fails, `Unreachable` where the node is there and too busy.
    """
    name = str(click.prompt("Your name", err=True)).strip()
    if not _node_runs(data):
        click.echo("No node runs here: the name is as typed, nobody has proved it.", err=True)
        return name
    for left in range(TRIES - 1, -1, -1):
        try:
            return _proved(data, name)
        except ControlRefused as error:
            if not left:
                raise
            click.echo(f"{error.message} ({left} more)", err=True)
    raise AssertionError("the last try returns or raises")


def _node_runs(data: Path) -> bool:
    """Whether anybody answers at the control socket; nobody is logged in, so it says no."""
    try:
        call(data, "GET", "/v1/whoami")
    except ControlRefused:
        return True
    except Unreachable:
        return False
    return True


def _proved(data: Path, name: str) -> str:
    password = click.prompt("Password (not shown)", hide_input=True, err=True)
    code = click.prompt("Code (not shown)", hide_input=True, err=True)
    body = {"name": name, "password": str(password), "code": str(code).strip()}
    found = call(data, "POST", "/v1/login", body)
    call(data, "POST", "/v1/logout", {}, str(found["token"]))
    return str(found["name"])
