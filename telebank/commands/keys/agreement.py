"""Two people agree at the running node before a key leaves, is replaced or is ended, or what is
known of a person is erased."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from core_adapters.iso8583.format.mac import NEXT
from telebank.commands.common import Unreachable
from telebank.commands.control_client import (
    ControlRefused,
    call,
    need_token,
    node_runs,
    request_id,
)
from telebank.commands.wiring.key_custody import ACT
from telebank.commands.wiring.store_keys import OBJECT

if TYPE_CHECKING:
    from core_adapters.hsm.port import SecurityModule

note_option = click.option("--note", default="", help="Why; kept with the approval.")
NO_NODE = (
    "two people agree on this at the running node, and none answers on this DATA: start "
    "`telebank serve`; then one of them says this command, and a supervisor says the same"
)


def agreed(
    data: Path, session: Path | None, name: str, do: str, detail: Mapping[str, str | int], note: str
) -> bool:
    """Say this person's word on `do` for key `name`; whether it was the second, so that it is to
    be done now. The first one's is a proposal, and that is said."""
    return agreed_on(data, session, ACT, name, {"do": do, **detail}, note, f"{do} {name}")


def agreed_on(
    data: Path,
    session: Path | None,
    act: str,
    of: str,
    detail: Mapping[str, str | int],
    note: str,
    words: str = "",
) -> bool:
    """The same for any act; `words` say it to the first person, where its name does not."""
    body = {"request_id": request_id(), "act": act, "object": of, "detail": detail, "note": note}
    if not node_runs(data):
        raise Unreachable(NO_NODE)
    answer = call(data, "POST", "/v1/acts", body, need_token(data, session))
    if answer["state"] == "approved":
        return True
    until = answer["approval"]["expires_at"][:16]
    click.echo(f"proposed: {words or act}; {answer['next']}, before {until} UTC", err=True)
    return False


def current_version(module: "SecurityModule", name: str) -> int:
    """Number of the newest version of a key; 0 where there is none."""
    return max((i.version for i in module.list_keys() if i.spec.name == name), default=0)


def tell_node(data: Path) -> None:
    """Let a running node read its keys again, which logs what is new in them. Without one, the next
    start reads them."""
    try:
        call(data, "POST", "/v1/keys/reload", {})
    except Unreachable:
        return
    except ControlRefused as refusal:
        click.echo(f"the node has not read its keys again: {refusal.message}", err=True)


def own_name(name: str) -> None:
    """Exit 2 for a name that only key exchange gives, or that means the store's keys."""
    if name.endswith(NEXT):
        raise click.UsageError(f"names ending in {NEXT!r} are of `telebank host rotate` alone")
    if name == OBJECT:
        raise click.UsageError(f"{name!r} means the keys of `telebank keys store`")
