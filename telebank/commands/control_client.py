"""The commands' side of a node's control socket (`DATA/control.sock`, HTTP).

`call` asks once. Acts of people carry a token: `saved_token` finds the one that `telebank staff
login` kept for this terminal (mode 0600 under DATA/run), or in the file that --session names.
"""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from telebank.commands.common import EXIT_FINDING, EXIT_USAGE, Unreachable
from telebank.ops import control_client
from telebank.ops.control_client import BAD_REQUEST

TIMEOUT_S = control_client.TIMEOUT_S
"""Longest time for one answer, in seconds."""
MAX_TOKEN = 200
"""Longest token in a session file, in characters."""

LOGIN_OVER = (
    "this login is over: logged out, too long idle, or the node was started again, which ends all"
    " logins; `telebank staff login NAME` (with --session, if you gave it), then say it again"
)
_LOGIN_NEEDED = "login_needed"
"""Code of the node's answer where nobody is logged in by the token, or none was sent."""

session_option = click.option(
    "--session",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="TELEBANK_SESSION",
    help="File of the login to act by, instead of this terminal's own.",
)


class ControlRefused(click.ClickException):
    """The node said no: exit 1."""

    exit_code = EXIT_FINDING

    def __init__(self, status: int, message: str, body: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.body = body
        self.code = str(body.get("code", ""))
        """Why, for programs: `expired`, `different_content`, `same_person`, …"""


class ControlMisunderstood(ControlRefused):
    """The request itself cannot be understood: exit 2."""

    exit_code = EXIT_USAGE


def call(
    data: Path,
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    token: str | None = None,
    timeout_s: float = TIMEOUT_S,
) -> dict[str, Any]:
    """Ask the node at `data` and return the object it answers.

    Raises `Unreachable` (exit 3) where no node runs, it stops, or it is too busy, and
    `ControlRefused` where it says no.
    """
    from telebank.settings import SettingsError, load_settings

    try:
        socket = data / load_settings(data).node.control
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    try:
        return control_client.ask(socket, method, path, body, token, timeout_s=timeout_s)
    except control_client.NodeAway as away:
        raise Unreachable(str(away)) from away
    except control_client.Refused as refused:
        raise _refusal(refused, token) from refused


def node_runs(data: Path) -> bool:
    """Whether a node answers at the control socket: asked who is logged in, it says nobody."""
    try:
        call(data, "GET", "/v1/whoami")
    except ControlRefused:
        return True
    except Unreachable:
        return False
    return True


def request_id() -> str:
    """A fresh id for one act: the same id again gives the same answer."""
    return secrets.token_hex(8)


def session_file(data: Path, session: Path | None = None) -> Path:
    """Where this terminal's login is kept: one file for each terminal session, so that two people
    at two windows do not act by each other's. The session leader's start time keeps apart a
    number that the system has used again."""
    if session is not None:
        return session
    leader = os.getsid(0)
    return data / "run" / "staff" / f"session-{leader}-{_started(leader)}"


def saved_token(data: Path, session: Path | None = None) -> str | None:
    """The token of this terminal's login, or None where nobody is logged in here."""
    path = session_file(data, session)
    try:
        mode = path.stat().st_mode
        with path.open(encoding="ascii") as file:
            text = file.read(MAX_TOKEN).strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"cannot read {path}: {error}") from error
    if mode & 0o077:
        raise click.UsageError(f"{path} can be read by others: chmod 600 {path}")
    return text or None


def need_token(data: Path, session: Path | None = None) -> str:
    """The token, or exit 2 saying how to log in."""
    token = saved_token(data, session)
    if token is None and session is not None:
        missing = "is empty" if session.exists() else "does not exist"
        log_in = f"`telebank staff login NAME --session {session}`"
        raise click.UsageError(f"{session} {missing}: no login is kept there; {log_in}")
    if token is None:
        raise click.UsageError("nobody is logged in at this terminal; `telebank staff login NAME`")
    return token


def save_token(data: Path, token: str, session: Path | None = None) -> Path:
    """Keep a token for this terminal, mode 0600 from its first byte."""
    path = session_file(data, session)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(token + "\n")
    part.replace(path)
    return path


def forget_token(data: Path, session: Path | None = None) -> None:
    """Remove this terminal's login."""
    session_file(data, session).unlink(missing_ok=True)


def _refusal(refused: control_client.Refused, token: str | None) -> ControlRefused:
    if token and refused.code == _LOGIN_NEEDED:
        return ControlRefused(refused.status, LOGIN_OVER, refused.body)
    kind = ControlMisunderstood if refused.status == BAD_REQUEST else ControlRefused
    return kind(refused.status, str(refused), refused.body)


def _started(pid: int) -> str:
    """Start time of a process in clock ticks since boot (proc_pid_stat(5), field 22)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "0"
    return text.rpartition(")")[2].split()[19]
