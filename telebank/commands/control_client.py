"""The commands' side of a node's control socket (`DATA/control.sock`, HTTP).

`call` asks once. Acts of people carry a token: `saved_token` finds the one that `telebank staff
login` kept for this terminal (mode 0600 under DATA/run), or in the file that --session names.
"""

import asyncio
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import click

from telebank.commands.common import EXIT_FINDING, EXIT_USAGE, Unreachable
from telebank.settings import SettingsError, load_settings

TIMEOUT_S = 30.0
"""Longest time for one answer, in seconds, unless a caller says otherwise."""
MAX_ANSWER = 4_000_000
"""Largest answer read, in bytes."""
MAX_TOKEN = 200
"""Longest token in a session file, in characters."""
UNAVAILABLE = 503
BAD_REQUEST = 400

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
    try:
        socket = data / load_settings(data).node.control
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    try:
        status, text = asyncio.run(_ask(socket, method, path, body, token, timeout_s))
    except aiohttp.ClientConnectorError as error:
        raise Unreachable(f"no node answers at {socket}; start `telebank serve`") from error
    except TimeoutError as error:
        raise Unreachable(f"the node did not answer within {timeout_s:g} s") from error
    except aiohttp.ClientError as error:
        raise Unreachable(f"the node went away: {type(error).__name__}") from error
    answer = _object(text)
    if status < BAD_REQUEST:
        return answer
    raise _refusal(status, answer, text)


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


async def _ask(
    socket: Path,
    method: str,
    path: str,
    body: Mapping[str, Any] | None,
    token: str | None,
    timeout_s: float,
) -> tuple[int, str]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    connector = aiohttp.UnixConnector(path=str(socket))
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
        session.request(method, f"http://node{path}", json=body, headers=headers) as response,
    ):
        raw = await response.content.read(MAX_ANSWER)
        while raw and not response.content.at_eof() and len(raw) < MAX_ANSWER:
            raw += await response.content.read(MAX_ANSWER - len(raw))
        return response.status, raw.decode("utf-8", "replace")


def _object(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {"items": value}


def _refusal(status: int, answer: Mapping[str, Any], text: str) -> click.ClickException:
    message = str(answer.get("error") or text.strip() or f"the node answered {status}")
    if status == UNAVAILABLE:
        return Unreachable(message)
    if status == BAD_REQUEST:
        return ControlMisunderstood(status, message, answer)
    return ControlRefused(status, message, answer)


def _started(pid: int) -> str:
    """Start time of a process in clock ticks since boot (proc_pid_stat(5), field 22)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return "0"
    return text.rpartition(")")[2].split()[19]
