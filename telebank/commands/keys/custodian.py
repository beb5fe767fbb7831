"""Who sits at the terminal and enters a component."""

from dataclasses import dataclass, field
from pathlib import Path

import click

from telebank.commands.common import Unreachable
from telebank.commands.control_client import ControlRefused, call, node_runs
from telebank.commands.wiring.key_custody import COMPONENT

TRIES = 3
"""Times a custodian may type password and code."""


NEEDS_NODE = (
    "this module holds keys, so each custodian proves who he is at the running node, and none "
    "answers on this DATA: start `telebank serve` first (docs/keys.md says how where the node "
    "does not start without this key)"
)


@dataclass(frozen=True, slots=True)
class Custodian:
    """Who sits there; `token` is that of his login, empty where nobody could be asked."""

    name: str
    token: str = field(repr=False, default="")

    def took(self, data: Path, key: str, component: int) -> None:
        """Let the node log that he typed this component. Raises where it does not."""
        if self.token:
            call(data, "POST", COMPONENT, {"key": key, "component": component}, self.token)

    def leave(self, data: Path) -> None:
        """End his login."""
        if self.token:
            call(data, "POST", "/v1/logout", {}, self.token)


def custodian_at(data: Path, *, first_keys: bool) -> Custodian:
    """The custodian, proved by a login at the node that runs on `data`.

    With `first_keys`, where the module holds no key at all, and no node runs there is nobody to
    ask: the name is as typed, and that is said. Raises `ControlRefused` where the login fails,
    `Unreachable` where a node is needed and none answers, or is too busy.
    """
    runs = node_runs(data)
    if not runs and not first_keys:
        raise Unreachable(NEEDS_NODE)
    name = str(click.prompt("Your name", err=True)).strip()
    if not runs:
        click.echo("No node runs here: the name is as typed, nobody has proved it.", err=True)
        return Custodian(name)
    for left in range(TRIES - 1, -1, -1):
        try:
            return _proved(data, name)
        except ControlRefused as error:
            if not left:
                raise
            click.echo(f"{error.message} ({left} more)", err=True)
    raise AssertionError("the last try returns or raises")


def _proved(data: Path, name: str) -> Custodian:
    password = click.prompt("Password (not shown)", hide_input=True, err=True)
    code = click.prompt("Code (not shown)", hide_input=True, err=True)
    body = {"name": name, "password": str(password), "code": str(code).strip()}
    found = call(data, "POST", "/v1/login", body)
    return Custodian(str(found["name"]), str(found["token"]))
